//! Mistakes in `for_each`, `zip`, `exclude` and `include`.

use flow_contract::PortType;

use super::Words;
use crate::words::{meant, names, port_type};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AxisMistake {
    /// An axis without values.
    Empty { axis: String },
    /// A value that stands twice.
    Twice { axis: String, value: String },
    /// A text that is neither a range nor an output.
    Text { axis: String, text: String },
    /// Rows of something that isn't a table.
    NotTable { source: String, ty: PortType },
    /// Rows of a node that has axes itself.
    Swept { source: String, axes: Vec<String> },
    /// A row without the column that names it.
    NoKey { axis: String, columns: Vec<String> },
    /// A name that is no axis of this node.
    Unknown {
        axis: String,
        nearest: Option<String>,
        axes: Vec<String>,
    },
    /// Axes that walk together and aren't equally long.
    ZipLengths { axes: Vec<(String, usize)> },
    /// An axis in two groups of `zip`.
    ZipAgain { axis: String },
    /// A group of one.
    ZipAlone,
    /// A value that the axis doesn't have.
    UnknownValue {
        axis: String,
        value: String,
        nearest: Option<String>,
        values: Vec<String>,
    },
    /// An `include` that leaves axes open.
    Incomplete { missing: Vec<String> },
    /// More instances than anybody can run.
    TooMany { most: usize },
    /// `zip`, `exclude` or `include` without `for_each`.
    NoAxes { key: String },
    /// Nothing left after `exclude`.
    NothingLeft,
}

impl AxisMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "P60",
            Self::Twice { .. } => "P61",
            Self::Text { .. } => "P62",
            Self::NotTable { .. } => "P63",
            Self::Swept { .. } => "P64",
            Self::NoKey { .. } => "P65",
            Self::Unknown { .. } => "P66",
            Self::ZipLengths { .. } => "P67",
            Self::ZipAgain { .. } => "P68",
            Self::ZipAlone => "P69",
            Self::UnknownValue { .. } => "P70",
            Self::Incomplete { .. } => "P71",
            Self::TooMany { .. } => "P72",
            Self::NoAxes { .. } => "P73",
            Self::NothingLeft => "P74",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::Empty { axis } => Words::new(format!("axis `{axis}` has no values"))
                .label("nothing")
                .why("the node would never run")
                .help("give it at least one value, or take the axis away"),
            Self::Twice { axis, value } => {
                Words::new(format!("axis `{axis}` has the value `{value}` twice"))
                    .label("again")
                    .why("instances are addressed by their values")
                    .help("take one away")
            }
            Self::Text { axis, text } => {
                Words::new(format!("`{text}` gives axis `{axis}` no values"))
                    .label("neither a range nor `node.output`")
                    .help(format!(
                        "write a list [\"{text}\"], a range \"0..10\", the rows of a table \
                         \"node.output\", or {{ files = \"folder/*.ext\" }}"
                    ))
            }
            Self::NotTable { source, ty } => {
                Words::new(format!("`{source}` is not a table, so it has no rows"))
                    .label(port_type(ty))
                    .help("take the rows of an output that is a table")
            }
            Self::Swept { source, axes } => Words::new(format!(
                "there is a `{source}` for each {}, not one",
                names(axes)
            ))
            .label("several tables")
            .help("gather them into one table with a node that has no axes, and take its rows"),
            Self::NoKey { axis, columns } => Words::new(format!(
                "this row has no column `{axis}`, which would name it"
            ))
            .label(format!("columns {}", names(columns)))
            .why("instances are addressed by the column named like the axis")
            .help(format!(
                "add `{axis} = …`, or call the axis like one of the columns"
            )),
            Self::NothingLeft => Words::new("`exclude` leaves no instance")
                .label("excludes all")
                .help("take one of the entries away"),
            _ => self.combine_words(),
        }
    }

    fn combine_words(&self) -> Words {
        match self {
            Self::Unknown {
                axis,
                nearest,
                axes,
            } => Words::new(format!("the node has no axis `{axis}`"))
                .label("unknown axis")
                .maybe_help(meant(nearest.as_deref(), axes, "its axes are")),
            Self::ZipLengths { axes } => {
                let each = axes.iter().map(|(axis, n)| format!("`{axis}` has {n}"));
                Words::new("axes that walk together must have as many values")
                    .label(each.collect::<Vec<_>>().join(", "))
                    .help("make them equally long, or leave `zip` out for all combinations")
            }
            Self::ZipAgain { axis } => Words::new(format!("axis `{axis}` walks with two groups"))
                .label("again")
                .help("put all axes that walk together into one group"),
            Self::ZipAlone => Words::new("a group of `zip` names at least two axes")
                .label("nobody to walk with")
                .help("write the groups as lists: zip = [[\"a\", \"b\"]]"),
            Self::UnknownValue {
                axis,
                value,
                nearest,
                values,
            } => Words::new(format!("axis `{axis}` has no value `{value}`"))
                .label("excludes nothing")
                .maybe_help(meant(nearest.as_deref(), values, "its values are")),
            Self::Incomplete { missing } => {
                Words::new(format!("this instance has no value on {}", names(missing)))
                    .label("incomplete")
                    .why("`include` adds single instances")
                    .help("give a value on every axis of `for_each`")
            }
            Self::TooMany { most } => {
                Words::new(format!("these axes give more than {most} instances"))
                    .label("too many")
                    .help("shorten an axis, or let axes walk together with `zip`")
            }
            Self::NoAxes { key } => {
                Words::new(format!("`{key}` needs axes, but there is no `for_each`"))
                    .label("without axes")
                    .help("write `for_each`, or take it away")
            }
            _ => Words::new(""),
        }
    }
}
