//! `figure-sweep`: shares and quality along the parameter of a rule, an ε for example.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Input, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Task,
};
use flow_figures::{Quality, Sweep, SweepPoint, sweep};

use super::{OUTPUTS, distinct, give};
use crate::quality::QUALITY;
use crate::shares::GLOBAL_SHARES;
use crate::table::Table;

/// See the module's page.
pub struct FigureSweep;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-sweep",
    revision: 2,
    summary: "Draws global shares and measures of quality against the parameter of a rule.",
    example: r#"[params]
epsilon = [0.01, 1.0, 100.0]

[node.shares]
kind = "shares"
for_each = { rule = ["epsilon($epsilon)"] }
relevance = { file = "relevance $rule.parquet" }

[node.sweep]
kind = "figure-sweep"
shares = "shares.global"
publish = { figure = "sweep.svg", picture = "sweep.png" }
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("shares"),
            ty: GLOBAL_SHARES,
            arity: Arity::Many,
            doc: "Global shares, one artifact a point of the sweep; others are left out.",
        },
        InputPort {
            name: Cow::Borrowed("quality"),
            ty: QUALITY,
            arity: Arity::Many,
            doc: "Measures of quality, one artifact a point and fold; may be left unconnected.",
        },
    ],
    outputs: OUTPUTS,
    params: &[
        ParamSpec {
            name: "axis",
            ty: ParamType::Text,
            default: Some(Literal::Text("rule")),
            unit: "",
            doc: "The axis of `for_each` that is swept; its values are numbers, or rules such as `epsilon(0.01)`.",
        },
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: Some(Literal::Text("epsilon")),
            unit: "",
            doc: "The name of the rules that belong to the sweep.",
        },
        ParamSpec {
            name: "symbol",
            ty: ParamType::Text,
            default: Some(Literal::Text("ε")),
            unit: "",
            doc: "What the parameter is called on the axis.",
        },
        ParamSpec {
            name: "value",
            ty: ParamType::Choice(&["mean_of_shares", "pooled_share"]),
            default: Some(Literal::Text("mean_of_shares")),
            unit: "",
            doc: "Which of the two global numbers is drawn.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureSweep {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let params = task.params;
        let (axis, rule) = (params.text("axis"), params.text("rule"));
        let shares = points(task.inputs("shares"), axis, rule);
        if shares.is_empty() {
            let what = format!("no shares stand at a number on the axis `{axis}`");
            return Err(NodeError::new(what).help(format!(
                "give the node before `for_each = {{ {axis} = [\"{rule}($values)\"] }}`, or name the axis by `axis`"
            )));
        }
        let quality = points(task.inputs("quality"), axis, rule);
        let mut modalities = Vec::new();
        let mut drawn = Vec::new();
        for (value, inputs) in &shares {
            let shares = shares_of(inputs, params.text("value"), &mut modalities)?;
            drawn.push(SweepPoint {
                value: value.0,
                shares,
            });
        }
        let qualities = qualities(&shares, &quality)?;
        let what = match qualities.is_empty() {
            true => "Shares",
            false => "Shares and quality",
        };
        let figure = Sweep {
            title: format!("{what} against {}", params.text("symbol")),
            parameter: params.text("symbol").to_owned(),
            modalities,
            points: drawn,
            qualities,
        };
        give(task, sweep(&figure))
    }
}

/// A number that sorts.
#[derive(Clone, Copy, PartialEq)]
struct Swept(f64);

impl Eq for Swept {}

impl PartialOrd for Swept {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Swept {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Artifacts by the point of the sweep they stand at.
type Points<'a> = BTreeMap<Swept, Vec<&'a Input>>;

/// The artifacts at each point; those that stand at none are left out.
fn points<'a>(inputs: &'a [Input], axis: &str, rule: &str) -> Points<'a> {
    let mut points = Points::new();
    for input in inputs {
        let label = input.labels.get(axis).map(ToString::to_string);
        if let Some(value) = label.and_then(|label| swept(&label, rule)) {
            points.entry(Swept(value)).or_default().push(input);
        }
    }
    points
}

/// The number in `0.01` or `epsilon(0.01)`; a figure's axis is logarithmic, so it lies above 0.
fn swept(label: &str, rule: &str) -> Option<f64> {
    let inner = label
        .strip_prefix(rule)
        .and_then(|rest| rest.strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'));
    let value: f64 = inner.unwrap_or(label).trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// `[modality][fold]`.
fn shares_of(
    inputs: &[&Input],
    value: &str,
    modalities: &mut Vec<String>,
) -> Result<Vec<Vec<f64>>, NodeError> {
    let (mut modality, mut share) = (Vec::new(), Vec::new());
    for input in inputs {
        let table = Table::read(&input.content)?;
        modality.extend(table.texts("modality")?);
        share.extend(table.floats(value)?);
    }
    if modalities.is_empty() {
        *modalities = distinct(&modality);
    }
    let of = |name: &String| -> Vec<f64> {
        let pairs = modality.iter().zip(&share);
        pairs
            .filter(|(modality, _)| *modality == name)
            .filter_map(|(_, share)| *share)
            .collect()
    };
    Ok(modalities.iter().map(of).collect())
}

/// The measures that every point of the shares has.
fn qualities(shares: &Points<'_>, quality: &Points<'_>) -> Result<Vec<Quality>, NodeError> {
    let mut found: BTreeMap<String, (usize, String, Vec<Vec<f64>>)> = BTreeMap::new();
    for (point, value) in shares.keys().enumerate() {
        for input in quality.get(value).into_iter().flatten() {
            let table = Table::read(&input.content)?;
            let rows = table
                .texts("measure")?
                .into_iter()
                .zip(table.texts("unit")?);
            for ((row, (measure, unit)), value) in rows.enumerate().zip(table.floats("value")?) {
                let empty = || (row, unit, vec![Vec::new(); shares.len()]);
                let (.., folds) = found.entry(measure).or_insert_with(empty);
                folds[point].extend(value);
            }
        }
    }
    let mut all: Vec<_> = found.into_iter().collect();
    all.sort_by_key(|(_, (row, ..))| *row);
    let whole = all
        .into_iter()
        .filter(|(_, (.., values))| values.iter().all(|folds| !folds.is_empty()));
    let quality = |(name, (_, unit, values)): (String, (usize, String, Vec<Vec<f64>>))| Quality {
        name: capital(&name),
        unit,
        values,
    };
    Ok(whole.map(quality).collect())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_the_rule_are_points() {
        assert_eq!(swept("epsilon(0.01)", "epsilon"), Some(0.01));
        assert_eq!(swept("1e-3", "epsilon"), Some(1e-3));
        for other in [
            "alpha-beta(1,0)",
            "gamma(0.25)",
            "epsilon(0)",
            "epsilon",
            "nan",
        ] {
            assert_eq!(swept(other, "epsilon"), None, "{other}");
        }
    }
}
