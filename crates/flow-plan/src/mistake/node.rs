//! Mistakes in what a node is and is told.

use super::Words;
use crate::conform::Fault;
use crate::words::{meant, names};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeMistake {
    /// A node without `kind`.
    NoKind {
        node: String,
        /// A key that holds the name of a kind, with that name.
        meant: Option<(String, String)>,
        kinds: Vec<String>,
    },
    /// A kind that isn't in the catalog.
    UnknownKind {
        kind: String,
        nearest: Option<String>,
        kinds: Vec<String>,
    },
    /// A key that is neither a port nor a param nor a word of the language.
    UnknownField {
        kind: String,
        key: String,
        nearest: Option<String>,
        ports: Vec<String>,
        params: Vec<String>,
    },
    /// A param that must be given and isn't.
    ParamMissing {
        kind: String,
        param: String,
        wants: String,
        doc: String,
    },
    /// A param's value that doesn't fit its type or range.
    ParamValue {
        kind: String,
        param: String,
        doc: String,
        unit: String,
        fault: Fault,
        /// A param or axis whose bare name was written as text.
        reference: Option<String>,
    },
    /// A param's value that the kind refuses.
    ParamRefused {
        kind: String,
        param: String,
        what: String,
        help: String,
    },
    /// A seed on a kind that draws nothing.
    NotSeeded { kind: String },
    /// Declared ports on a kind whose ports are fixed.
    OnlyCommands { key: String, kind: String },
    /// A declared port whose name is taken.
    PortTaken { port: String, by: &'static str },
    /// A form word that isn't one.
    UnknownForm {
        word: String,
        nearest: Option<String>,
        forms: Vec<&'static str>,
    },
    /// An output's path that leaves the node's folder.
    OutputEscapes { path: String },
    /// `{word}` in a command's `run` where no port or param has that name.
    UnknownBraces {
        word: String,
        nearest: Option<String>,
        known: Vec<String>,
    },
}

impl NodeMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKind { .. } => "P20",
            Self::UnknownKind { .. } => "P21",
            Self::UnknownField { .. } => "P22",
            Self::ParamMissing { .. } => "P23",
            Self::ParamValue { .. } => "P24",
            Self::ParamRefused { .. } => "P25",
            Self::NotSeeded { .. } => "P26",
            Self::OnlyCommands { .. } => "P27",
            Self::PortTaken { .. } => "P28",
            Self::UnknownForm { .. } => "P29",
            Self::OutputEscapes { .. } => "P30",
            Self::UnknownBraces { .. } => "P36",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::NoKind { node, meant, kinds } => Words::new(format!("node `{node}` has no kind"))
                .label("what does it do?")
                .help(match meant {
                    Some((key, kind)) => {
                        format!("write `kind = \"{kind}\"` instead of `{key} = …`")
                    }
                    None => format!("write `kind = \"…\"`; the kinds are {}", names(kinds)),
                }),
            Self::UnknownKind {
                kind,
                nearest,
                kinds,
            } => Words::new(format!("there is no kind `{kind}`"))
                .label("unknown kind")
                .maybe_help(meant(nearest.as_deref(), kinds, "the kinds are")),
            Self::UnknownField { .. } => self.field_words(),
            Self::ParamMissing {
                kind,
                param,
                wants,
                doc,
            } => Words::new(format!("`{kind}` must be told `{param}`"))
                .label(format!("no `{param}`"))
                .why(doc.clone())
                .help(format!("add `{param} = …`: {wants}")),
            Self::ParamValue { .. } => self.value_words(),
            Self::ParamRefused {
                kind,
                param,
                what,
                help,
            } => Words::new(format!("`{kind}` can't work with this `{param}`: {what}"))
                .label(what.clone())
                .help(help.clone()),
            Self::NotSeeded { kind } => Words::new(format!("`{kind}` takes no seed"))
                .label("not used")
                .why("nothing it does is random, so its result can't depend on a seed")
                .help("remove it"),
            Self::OnlyCommands { key, kind } => {
                Words::new(format!("`{kind}` has fixed ports, so it takes no `{key}`"))
                    .label("for commands")
                    .help(format!(
                        "write each port as a key of the node; see `flow kinds {kind}`"
                    ))
            }
            Self::PortTaken { port, by } => Words::new(format!("a port can't be named `{port}`"))
                .label(format!("already {by}"))
                .help("give it another name"),
            _ => self.command_words(),
        }
    }

    /// What goes wrong in commands only.
    fn command_words(&self) -> Words {
        match self {
            Self::UnknownBraces {
                word,
                nearest,
                known,
            } => Words::new(format!("`{{{word}}}` is no port or param of this command"))
                .label("unknown name in braces")
                .maybe_help(meant(nearest.as_deref(), known, "it has")),
            Self::UnknownForm {
                word,
                nearest,
                forms,
            } => Words::new(format!("`{word}` is no type of an output"))
                .label("unknown type")
                .maybe_help(meant(nearest.as_deref(), forms, "the types are")),
            Self::OutputEscapes { path } => Words::new(format!(
                "the output `{path}` is not inside the node's folder"
            ))
            .label("leaves the folder")
            .why("a command runs in a folder of its own, and only what it leaves there is kept")
            .help("write a relative path without `..`; to publish it, use `publish`"),
            _ => Words::new(""),
        }
    }

    fn field_words(&self) -> Words {
        let Self::UnknownField {
            kind,
            key,
            nearest,
            ports,
            params,
        } = self
        else {
            return Words::new("");
        };
        let words =
            Words::new(format!("`{kind}` has no port or param `{key}`")).label("unknown key");
        if let Some(nearest) = nearest {
            return words.help(format!("did you mean `{nearest}`?"));
        }
        if ["params", "param", "args", "with"].contains(&key.as_str()) {
            return words.help("params stand in the node itself, as in `seconds = 30`");
        }
        if ["needs", "depends_on", "depends", "after"].contains(&key.as_str()) {
            return words
                .why("a node waits for the nodes whose outputs it takes, and for no others")
                .help("connect a port to an output: port = \"node.output\"");
        }
        let ports = match ports.is_empty() {
            true => "it takes nothing in".to_owned(),
            false => format!("its ports are {}", names(ports)),
        };
        match params.is_empty() {
            true => words.help(ports),
            false => words.help(format!("{ports}; its params are {}", names(params))),
        }
    }

    fn value_words(&self) -> Words {
        let Self::ParamValue {
            kind,
            param,
            doc,
            unit,
            fault,
            reference,
        } = self
        else {
            return Words::new("");
        };
        let title = fault.title_in(unit);
        let words = Words::new(format!("`{param}` of `{kind}` {title}")).label(fault.label());
        let words = match doc.is_empty() {
            true => words,
            false => words.why(format!("`{param}`: {doc}")),
        };
        match reference {
            Some(name) => words.help(format!("did you mean `${name}`?")),
            None => words.maybe_help(fault.help()),
        }
    }
}
