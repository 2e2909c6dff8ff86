//! What can be said of artifacts before anything runs.

use std::collections::BTreeMap;

use crate::{ParamProblem, Value};

/// Numbers that are sure of an artifact, such as `time` 3000 samples or `rate` 100 Hz; empty where nothing is.
pub type Facts = BTreeMap<&'static str, f64>;

/// What is sure of a node before it runs.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The params whose values are settled, defaults among them.
    pub params: BTreeMap<String, Value>,
    /// For each connected port what is sure of every artifact on it.
    pub inputs: BTreeMap<String, Facts>,
}

/// Says what is sure of a node's outputs, by port, or why its inputs and params can't go together.
pub type Foresight = fn(&Known) -> Result<BTreeMap<&'static str, Facts>, ParamProblem>;

impl Known {
    /// A fact of an input.
    #[must_use]
    pub fn of(&self, port: &str, fact: &str) -> Option<f64> {
        self.inputs.get(port)?.get(fact).copied()
    }

    /// The same as a count, such as a length.
    #[must_use]
    pub fn count_of(&self, port: &str, fact: &str) -> Option<usize> {
        self.of(port, fact).map(|number| number as usize)
    }

    /// A param's number.
    #[must_use]
    pub fn float(&self, param: &str) -> Option<f64> {
        self.params.get(param)?.as_float()
    }

    /// The texts of a param that is a list of them.
    #[must_use]
    pub fn texts(&self, param: &str) -> Option<Vec<&str>> {
        let list = self.params.get(param)?.as_list()?;
        list.iter().map(Value::as_text).collect()
    }
}
