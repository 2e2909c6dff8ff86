//! The one trait: what a node does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Foresight, InputPort, OutputPort, ParamSpec, Params, Row, Task, Value};

/// What a kind is, said once: the plan checks against it, `flow kinds` prints it.
#[derive(Debug)]
pub struct Descriptor {
    /// The name in the study file.
    pub name: &'static str,
    /// Raised whenever the same recipe would give other bytes than before.
    pub revision: u32,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// A small study that uses it and plans; `flow kinds KIND` prints it.
    pub example: &'static str,
    /// What it takes.
    pub inputs: &'static [InputPort],
    /// What it gives.
    pub outputs: &'static [OutputPort],
    /// What it may be told.
    pub params: &'static [ParamSpec],
    /// Whether the study's seed is part of its recipe.
    pub seeded: bool,
    /// Whether the study declares further ports for each node, as for commands.
    pub open_ports: bool,
}

/// The ports of one node: those of its kind, or those the study declares for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Signature {
    /// What it takes.
    pub inputs: Vec<InputPort>,
    /// What it gives.
    pub outputs: Vec<OutputPort>,
}

/// A step that a node can be.
pub trait Kind: Send + Sync {
    /// What it is.
    fn descriptor(&self) -> &Descriptor;

    /// Checks one param beyond its type and range, as soon as its value is known.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check_param(&self, _name: &str, _value: &Value) -> Result<(), ParamProblem> {
        Ok(())
    }

    /// Checks what only several params together can say, before anything runs.
    ///
    /// # Errors
    /// Every problem found, each naming its param.
    fn check(&self, _params: &Params) -> Result<(), Vec<ParamProblem>> {
        Ok(())
    }

    /// How it foresees its outputs and what can't work before anything runs; `None` where it sees nothing.
    fn foresight(&self) -> Option<Foresight> {
        None
    }

    /// The numeric backend class that decides this kind's bytes, `None` where none does.
    fn backend(&self, _params: &Params) -> Option<String> {
        None
    }

    /// Does the work: reads the task's inputs, writes its outputs.
    ///
    /// # Errors
    /// [`NodeError`] in words for the user; what was written is then never seen.
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError>;
}

/// A param whose value can't work.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamProblem {
    /// The param.
    pub param: String,
    /// What is wrong with it.
    pub what: String,
    /// How to mend it.
    pub help: String,
}

/// The kinds there are, and how to read the rows of a table artifact.
pub trait Catalog: Sync {
    /// All kinds, sorted by name.
    fn kinds(&self) -> Vec<&dyn Kind>;

    /// The rows of a table artifact, for `for_each` and for showing it.
    ///
    /// # Errors
    /// In words: why the bytes are not a table.
    fn rows(&self, table: &[u8]) -> Result<Vec<Row>, String>;

    /// Whether bytes that a program of the user's made are whole and what the extension of a file's
    /// name says, such as `parquet`; anything passes where the extension is not known.
    ///
    /// # Errors
    /// In words: why they are not.
    fn check_format(&self, _extension: &str, _bytes: &[u8]) -> Result<(), String> {
        Ok(())
    }

    /// The kind of a name.
    fn kind(&self, name: &str) -> Option<&dyn Kind> {
        self.kinds()
            .into_iter()
            .find(|kind| kind.descriptor().name == name)
    }
}

/// Why a node failed: what, where, why, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError {
    /// What went wrong, lower case, no full stop.
    pub what: String,
    /// The file, channel, row or time it went wrong at.
    pub place: Option<String>,
    /// The reason behind it.
    pub why: Option<String>,
    /// What the user can do.
    pub help: Option<String>,
    /// What it said before it failed, as far as that is kept: a name such as `stderr`, and where.
    pub said: Vec<(String, Digest)>,
}

impl NodeError {
    /// An error that says what went wrong.
    #[must_use]
    pub fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            place: None,
            why: None,
            help: None,
            said: Vec::new(),
        }
    }

    /// The same with its place.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// The same with its reason.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// The same with what the user can do.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for (word, part) in [
            ("at", &self.place),
            ("why", &self.why),
            ("help", &self.help),
        ] {
            if let Some(part) = part {
                write!(f, "\n  {word}: {part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for NodeError {}

impl Descriptor {
    /// The ports as they stand in the descriptor.
    #[must_use]
    pub fn signature(&self) -> Signature {
        Signature {
            inputs: self.inputs.to_vec(),
            outputs: self.outputs.to_vec(),
        }
    }

    /// The params with every default filled in, by name.
    #[must_use]
    pub fn defaults(&self) -> std::collections::BTreeMap<String, Value> {
        self.params
            .iter()
            .filter_map(|spec| Some((spec.name.to_owned(), Value::from(spec.default.as_ref()?))))
            .collect()
    }
}
