//! Mistakes in what a node may use and where its results go.

use super::Words;
use crate::words::{meant, names};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EffectMistake {
    /// An amount that can't be read.
    Amount {
        what: &'static str,
        text: String,
        units: &'static str,
        example: &'static str,
    },
    /// A pool that `[pools]` doesn't have.
    UnknownPool {
        pool: String,
        nearest: Option<String>,
        pools: Vec<String>,
    },
    /// More of a pool than there is.
    PoolTooSmall {
        pool: String,
        wants: u32,
        capacity: u32,
    },
    /// A path that leaves `reports/` or means nothing.
    Escapes { path: String, why: &'static str },
    /// One path for several instances.
    Overlaps { path: String, axes: Vec<String> },
    /// Two values that give the same file name.
    SameName {
        axis: String,
        one: String,
        other: String,
    },
    /// One path for two outputs.
    Twice { path: String },
    /// `cache` and `reports` in one place.
    SamePlace { path: String },
}

impl EffectMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Amount { .. } => "P80",
            Self::UnknownPool { .. } => "P81",
            Self::PoolTooSmall { .. } => "P82",
            Self::Escapes { .. } => "P83",
            Self::Overlaps { .. } => "P84",
            Self::SameName { .. } => "P85",
            Self::Twice { .. } => "P86",
            Self::SamePlace { .. } => "P87",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::Amount {
                what,
                text,
                units,
                example,
            } => Words::new(format!("{text:?} is not {what}"))
                .label(format!("wants a number and one of {units}"))
                .help(format!("write it as in \"{example}\"")),
            Self::UnknownPool {
                pool,
                nearest,
                pools,
            } => Words::new(format!("there is no pool `{pool}`"))
                .label("unknown pool")
                .help(
                    meant(nearest.as_deref(), pools, "the pools are")
                        .unwrap_or_else(|| format!("write its capacity: [pools] {pool} = 2")),
                ),
            Self::PoolTooSmall {
                pool,
                wants,
                capacity,
            } => Words::new(format!(
                "the node wants {wants} of pool `{pool}`, which has {capacity}"
            ))
            .label("could never run")
            .help(format!(
                "want at most {capacity}, or raise [pools] `{pool}`"
            )),
            Self::Escapes { path, why } => Words::new(format!("can't publish to `{path}`: {why}"))
                .label(*why)
                .why("published files lie below `reports/`")
                .help("write a relative path such as \"figures/figure1.svg\""),
            Self::Overlaps { path, axes } => {
                Words::new(format!("all instances would publish to `{path}`"))
                    .label(format!("the same for each {}", names(axes)))
                    .help(format!("put the axis into the path: {}", referred(axes)))
            }
            Self::SameName { axis, one, other } => Words::new(format!(
                "`{one}` and `{other}` on axis `{axis}` give the same file name"
            ))
            .label("the same path for both")
            .why("characters that are unsafe in file names become `_`")
            .help("change one of the values"),
            Self::Twice { path } => Words::new(format!("`{path}` is published twice"))
                .label("again")
                .help("give one of them another path"),
            Self::SamePlace { path } => {
                Words::new(format!("`cache` and `reports` are both `{path}`"))
                    .label("the same folder")
                    .help("give each a folder of its own")
            }
        }
    }
}

/// Axes as references that may stand in a path.
fn referred(axes: &[String]) -> String {
    let each = axes.iter().map(|axis| format!("`${{{axis}}}`"));
    each.collect::<Vec<_>>().join(" and ")
}
