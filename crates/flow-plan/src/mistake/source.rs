//! Mistakes in what is connected to a port.

use flow_contract::PortType;

use super::Words;
use crate::words::{count, form_word, meant, names, port_type};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SourceMistake {
    /// A port that must have something and has nothing.
    Missing {
        kind: String,
        port: String,
        ty: PortType,
        doc: String,
        fitting: Vec<String>,
    },
    /// A text that is not `node.output`.
    Syntax { text: String, hint: Option<String> },
    /// A text that is the path of a file.
    LooksLikeFile { text: String },
    /// A node that isn't there.
    UnknownNode {
        node: String,
        nearest: Option<String>,
        nodes: Vec<String>,
    },
    /// An output that the node doesn't have.
    UnknownOutput {
        node: String,
        kind: String,
        output: String,
        nearest: Option<String>,
        outputs: Vec<String>,
    },
    /// An artifact of another type.
    Type {
        node: String,
        port: String,
        wants: PortType,
        source: String,
        gives: PortType,
        doc: String,
        fitting: Vec<String>,
        kinds: Vec<String>,
    },
    /// A list on a port that takes one.
    Several { port: String, sources: usize },
    /// A glob on a port that takes one.
    FilesOnOne { port: String },
    /// A port that takes one, fed by many instances.
    NotGathered {
        node: String,
        port: String,
        source: String,
        axes: Vec<String>,
        same: Option<String>,
    },
    /// An axis that both nodes have, with other values.
    OtherValues {
        node: String,
        source: String,
        axis: String,
        output: String,
    },
    /// An axis in brackets that the node doesn't have.
    UnknownAxis {
        node: String,
        axis: String,
        nearest: Option<String>,
        axes: Vec<String>,
    },
    /// A value in brackets that the axis doesn't have.
    UnknownValue {
        node: String,
        axis: String,
        value: String,
        nearest: Option<String>,
        values: Vec<String>,
    },
    /// An instance whose counterpart was excluded.
    NoPartner {
        node: String,
        source: String,
        instance: String,
        partner: String,
    },
    /// A file below `cache/` or `reports/`.
    ResultAsFile { path: String, folder: String },
    /// A table that is neither `file` nor `files`.
    NotAFile,
    /// Nodes that wait for each other.
    Cycle { path: Vec<String> },
}

impl SourceMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "P40",
            Self::Syntax { .. } => "P41",
            Self::LooksLikeFile { .. } => "P42",
            Self::UnknownNode { .. } => "P43",
            Self::UnknownOutput { .. } => "P44",
            Self::Type { .. } => "P45",
            Self::Several { .. } => "P46",
            Self::FilesOnOne { .. } => "P47",
            Self::NotGathered { .. } => "P48",
            Self::OtherValues { .. } => "P49",
            Self::UnknownAxis { .. } => "P50",
            Self::UnknownValue { .. } => "P51",
            Self::NoPartner { .. } => "P52",
            Self::ResultAsFile { .. } => "P53",
            Self::NotAFile => "P54",
            Self::Cycle { .. } => "P55",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::Missing { .. } | Self::Type { .. } => self.type_words(),
            Self::UnknownNode { .. } | Self::UnknownOutput { .. } => self.name_words(),
            Self::UnknownAxis { .. } | Self::UnknownValue { .. } => self.label_words(),
            Self::NotGathered { .. } | Self::OtherValues { .. } | Self::NoPartner { .. } => {
                self.axis_words()
            }
            Self::Syntax { text, hint } => {
                Words::new(format!("`{text}` is not an output of a node"))
                    .label("wants `node.output`")
                    .help(match hint {
                        Some(hint) => format!("write `{hint}`"),
                        None => {
                            "write \"node.output\", or { file = \"path\" } for a file".to_owned()
                        }
                    })
            }
            Self::LooksLikeFile { text } => {
                Words::new(format!("`{text}` is not an output of a node"))
                    .label("looks like a file")
                    .help(format!("a file is written {{ file = \"{text}\" }}"))
            }
            Self::Several { port, sources } => Words::new(format!(
                "port `{port}` takes one artifact, but is given a list of {}",
                count(*sources, "source")
            ))
            .label("a list")
            .help("connect one, without brackets"),
            Self::FilesOnOne { port } => Words::new(format!(
                "port `{port}` takes one artifact, but `files` gives any number"
            ))
            .label("any number of files")
            .help(
                "name one with `file`, or run the node for each: \
                 for_each = { name = { files = \"…\" } } and { file = \"$name.path\" }",
            ),
            Self::ResultAsFile { path, folder } => Words::new(format!(
                "`{path}` lies in `{folder}/`, which holds results, never sources"
            ))
            .label("a result")
            .why(format!("`{folder}/` may be deleted at any time"))
            .help("connect the output that made it: port = \"node.output\""),
            Self::NotAFile => Words::new("this table says neither `file` nor `files`")
                .label("what is it?")
                .help("write { file = \"path\" } or { files = \"folder/*.ext\" }"),
            Self::Cycle { path } => {
                Words::new(format!("nodes wait for each other: {}", path.join(" → ")))
                    .label(match path.len() {
                        2 => "takes its own output".to_owned(),
                        _ => format!("`{}` takes from `{}`", path[0], path[1]),
                    })
                    .why("each needs a result of the next before it can begin")
                    .help("take one of these connections away")
            }
        }
    }

    fn type_words(&self) -> Words {
        match self {
            Self::Missing {
                kind,
                port,
                ty,
                doc,
                fitting,
            } => Words::new(format!("`{kind}` has nothing on port `{port}`"))
                .label(format!("no `{port}`, {}", port_type(ty)))
                .why(format!("`{port}`: {doc}"))
                .help(match fitting.first() {
                    Some(output) => format!("add `{port} = \"{output}\"`"),
                    None => format!("add `{port} = \"node.output\"` or {{ file = \"…\" }}"),
                }),
            Self::Type {
                node,
                port,
                wants,
                source,
                gives,
                doc,
                fitting,
                kinds,
            } => Words::new(format!(
                "port `{port}` of `{node}` takes {}, but `{source}` carries {}",
                told_from(wants, gives),
                told_from(gives, wants)
            ))
            .label(format!("{}, wants {}", port_type(gives), port_type(wants)))
            .why(format!("`{port}`: {doc}"))
            .help(type_help(wants, gives, fitting, kinds)),
            _ => Words::new(""),
        }
    }

    fn name_words(&self) -> Words {
        match self {
            Self::UnknownNode {
                node,
                nearest,
                nodes,
            } => Words::new(format!("there is no node `{node}`"))
                .label("unknown node")
                .maybe_help(meant(nearest.as_deref(), nodes, "the nodes are")),
            Self::UnknownOutput {
                node,
                kind,
                output,
                nearest,
                outputs,
            } => Words::new(format!("node `{node}` has no output `{output}`"))
                .label("unknown output")
                .maybe_help(meant(
                    nearest.as_deref(),
                    outputs,
                    &format!("the outputs of `{kind}` are"),
                )),
            _ => Words::new(""),
        }
    }

    fn label_words(&self) -> Words {
        match self {
            Self::UnknownAxis {
                node,
                axis,
                nearest,
                axes,
            } => Words::new(format!("node `{node}` has no axis `{axis}`"))
                .label("unknown axis")
                .help(
                    meant(nearest.as_deref(), axes, "its axes are")
                        .unwrap_or_else(|| format!("`{node}` has no `for_each`")),
                ),
            Self::UnknownValue {
                node,
                axis,
                value,
                nearest,
                values,
            } => Words::new(format!("axis `{axis}` of `{node}` has no value `{value}`"))
                .label("unknown value")
                .maybe_help(meant(nearest.as_deref(), values, "its values are")),
            _ => Words::new(""),
        }
    }

    fn axis_words(&self) -> Words {
        match self {
            Self::NotGathered {
                node,
                port,
                source,
                axes,
                same,
            } => Words::new(format!(
                "port `{port}` of `{node}` takes one artifact, but there is a `{source}` for each {}",
                names(axes)
            ))
            .label(format!("one for each {}", names(axes)))
            .why(format!("`{node}` has no such axis, so it can't tell which one is meant"))
            .help(match same {
                Some(same) => format!(
                    "run `{node}` for each as well, with the same values: for_each = {{ {same} }}"
                ),
                None => "choose one in brackets, as in `node[axis=value].output`".to_owned(),
            }),
            Self::OtherValues {
                node,
                source,
                axis,
                output,
            } => Words::new(format!(
                "`{node}` and `{source}` both have an axis `{axis}`, but not the same one"
            ))
            .label(format!("another `{axis}`"))
            .why("axes are matched where name and values are the same")
            .help(format!(
                "take the values from the same place, or match them yourself: \
                 `{source}[{axis}=${axis}].{output}`"
            )),
            Self::NoPartner {
                node,
                source,
                instance,
                partner,
            } => Words::new(format!(
                "`{node}[{instance}]` needs `{source}[{partner}]`, which does not run"
            ))
            .label("not for every instance")
            .why(format!("`{source}` leaves it out by `zip` or `exclude`, or `{node}` includes more"))
            .help("give both nodes the same `zip`, `exclude` and `include`"),
            _ => Words::new(""),
        }
    }
}

fn either(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().take(5).map(|n| format!("`{n}`")).collect();
    quoted.join(" or ")
}

/// A type in as many words as tell it from another.
fn told_from(ty: &PortType, other: &PortType) -> String {
    if ty.name == "any" {
        return format!("any {}", form_word(ty.form));
    }
    if other.name == "any" || ty.name != other.name {
        return ty.name.to_string();
    }
    if ty.axes != other.axes || ty.unit != other.unit {
        return ty.to_string();
    }
    format!("{} as a {}", ty.name, form_word(ty.form))
}

fn type_help(wants: &PortType, gives: &PortType, fitting: &[String], kinds: &[String]) -> String {
    let undeclared = gives.name == "file" && wants.form != gives.form;
    match (fitting.is_empty(), kinds.is_empty()) {
        _ if undeclared => format!(
            "if it is a {0}, say so in `outputs`: {{ path = \"…\", type = \"{0}\" }}",
            form_word(wants.form)
        ),
        (false, _) => format!("connect {}", either(fitting)),
        (true, false) => format!("such outputs come from the kind {}", either(kinds)),
        (true, true) => format!(
            "no kind gives {}; bring a file: {{ file = \"…\" }}",
            wants.name
        ),
    }
}
