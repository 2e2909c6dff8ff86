//! How an instance is named: `relevance[fold=3,rule=epsilon(100)]`.

use std::fmt;

use flow_contract::Labels;

/// A node's name and the instance's labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// The node's name.
    pub node: String,
    /// Where the instance stands.
    pub labels: Labels,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.labels.is_empty() {
            return f.write_str(&self.node);
        }
        // A node at a value of a sweep has brackets already: `net[batch=32]`.
        match self.node.strip_suffix(']') {
            Some(swept) => write!(f, "{swept},{}]", self.labels),
            None => write!(f, "{}[{}]", self.node, self.labels),
        }
    }
}
