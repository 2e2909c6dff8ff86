//! Where an instance stands: its value on every axis of its node's `for_each`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Value;

/// A row of a table, by column name.
pub type Row = BTreeMap<String, Value>;

/// An instance's value on each axis, in the order the node declares its axes.
///
/// Written `fold=3,rule=epsilon(100)`; empty for a node without `for_each`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Labels(Vec<(String, Value)>);

impl Labels {
    /// Labels from axis names and values, in order.
    #[must_use]
    pub fn new(labels: Vec<(String, Value)>) -> Self {
        Self(labels)
    }

    /// The value on an axis.
    #[must_use]
    pub fn get(&self, axis: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| name == axis)
            .map(|(_, value)| value)
    }

    /// Axis names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether the node has no axis.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (axis, value)) in self.0.iter().enumerate() {
            write!(f, "{}{axis}={value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
