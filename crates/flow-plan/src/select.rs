//! Addresses by value: `node`, `node[axis=value].output`.

use flow_contract::Labels;

use crate::nearest::nearest;
use crate::sweep::swept_values;
use crate::{AxisValues, Node, NodeId, Plan};

/// A text cut at its brackets: `name[axis=value,…]rest`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address<'t> {
    pub name: &'t str,
    pub labels: Vec<(&'t str, String)>,
    pub rest: &'t str,
}

/// Cuts an address; `None` where brackets don't close or an entry has no `=`.
pub(crate) fn address(text: &str) -> Option<Address<'_>> {
    let Some((name, after)) = text.split_once('[') else {
        return Some(Address {
            name: text,
            labels: Vec::new(),
            rest: "",
        });
    };
    let (inside, rest) = after.rsplit_once(']')?;
    Some(Address {
        name,
        labels: labels(inside)?,
        rest,
    })
}

/// Entries between commas; a part without `axis=` belongs to the value before it, so that values
/// may have commas, as in `rule=alpha-beta(1,0)`.
pub(crate) fn labels(text: &str) -> Option<Vec<(&str, String)>> {
    let mut labels: Vec<(&str, String)> = Vec::new();
    for part in text.split(',') {
        match part.split_once('=') {
            Some((axis, value)) if is_axis(axis.trim()) => {
                labels.push((axis.trim(), value.trim().to_owned()));
            }
            _ => {
                let (_, value) = labels.last_mut()?;
                value.push(',');
                value.push_str(part.trim_end());
            }
        }
    }
    Some(labels)
}

fn is_axis(name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(word)
}

/// A node, or those of its instances that have some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node.
    pub node: NodeId,
    /// Axes of that node with the values wanted, as text.
    pub labels: Vec<(String, String)>,
}

impl Target {
    /// Whether an instance of the node is meant; values are equal where they read the same.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let same = |(axis, value): &(String, String)| {
            labels.get(axis).is_some_and(|v| v.to_string() == *value)
        };
        self.labels.iter().all(same)
    }
}

/// An address that means nothing in this study.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Brackets that don't close, or an entry without `=`.
    #[error("`{text}` is not an address; write `node` or `node[axis=value]`")]
    Syntax {
        /// The text.
        text: String,
    },
    /// No such node.
    #[error("there is no node `{node}`{}", meant_or_there_are(nearest, nodes))]
    UnknownNode {
        /// The name.
        node: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// Some names there are, where none is near.
        nodes: Vec<String>,
    },
    /// No such axis.
    #[error("node `{node}` has no axis `{axis}`{}", meant(nearest))]
    UnknownAxis {
        /// The node.
        node: String,
        /// The name.
        axis: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// No such value on an axis that is written out in the study.
    #[error("axis `{axis}` of `{node}` has no value `{value}`{}", meant(nearest))]
    UnknownValue {
        /// The node.
        node: String,
        /// The axis.
        axis: String,
        /// The value.
        value: String,
        /// The nearest value there is.
        nearest: Option<String>,
    },
    /// One is wanted, and a sweep made several.
    #[error("`{text}` is there several times; say which one: {}", some.join(", "))]
    Several {
        /// The text.
        text: String,
        /// Some of them.
        some: Vec<String>,
    },
}

fn meant(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

fn meant_or_there_are(nearest: &Option<String>, nodes: &[String]) -> String {
    match nodes {
        [] => meant(nearest),
        nodes => format!("; there are `{}`", nodes.join("`, `")),
    }
}

/// How many nodes a message lists.
const MOST_LISTED: usize = 12;

impl Plan {
    /// The node or instances that an address means: `relevance`, `relevance[fold=3]`.
    ///
    /// # Errors
    /// [`TargetError`] with the nearest name; [`TargetError::Several`] where a sweep doubled the
    /// node and the address doesn't say which one is meant.
    pub fn target(&self, text: &str) -> Result<Target, TargetError> {
        let mut targets = self.targets(text)?;
        match targets.len() {
            1 => Ok(targets.remove(0)),
            _ => Err(TargetError::Several {
                text: text.to_owned(),
                some: targets
                    .iter()
                    .take(5)
                    .map(|t| self.node(t.node).name.clone())
                    .collect(),
            }),
        }
    }

    /// The same; where a sweep doubled the node, all of those that the address means.
    ///
    /// # Errors
    /// [`TargetError`] with the nearest name.
    pub fn targets(&self, text: &str) -> Result<Vec<Target>, TargetError> {
        let syntax = || TargetError::Syntax {
            text: text.to_owned(),
        };
        let address = address(text.trim()).ok_or_else(syntax)?;
        if !address.rest.is_empty() {
            return Err(syntax());
        }
        let meant = match self.by_name(address.name) {
            Some(id) => vec![id],
            None => self.swept_as(address.name),
        };
        if meant.is_empty() {
            return Err(self.unknown(address.name));
        }
        let mut targets = Vec::with_capacity(meant.len());
        for &node in &meant {
            let swept = &self.node(node).swept;
            let value = |axis: &str| swept.iter().find(|(param, _)| param == axis);
            let (at, labels): (Vec<_>, Vec<_>) = address
                .labels
                .iter()
                .partition(|(axis, _)| value(axis).is_some());
            if at
                .iter()
                .any(|(axis, wanted)| value(axis).is_some_and(|(_, is)| is != wanted))
            {
                continue;
            }
            for (axis, value) in &labels {
                check_label(self.node(node), axis, value)?;
            }
            let labels = labels
                .into_iter()
                .map(|(axis, v)| ((*axis).to_owned(), v.clone()));
            targets.push(Target {
                node,
                labels: labels.collect(),
            });
        }
        match targets.is_empty() {
            true => Err(self.unswept(&address, &meant)),
            false => Ok(targets),
        }
    }

    /// The nodes that a sweep made of one.
    fn swept_as(&self, name: &str) -> Vec<NodeId> {
        let each = self.nodes.iter().enumerate();
        let of = each.filter(|(_, node)| !node.swept.is_empty() && node.study_name() == name);
        of.map(|(at, _)| NodeId(at as u32)).collect()
    }

    /// None of the nodes stands at the values that the address gives.
    fn unswept(&self, address: &Address<'_>, meant: &[NodeId]) -> TargetError {
        let values = swept_values(meant.iter().map(|id| self.node(*id)));
        let absent = address.labels.iter().find_map(|(axis, value)| {
            let known = values.get(axis)?;
            (!known.contains(&value.as_str())).then_some((*axis, value, known))
        });
        let Some((axis, value, known)) = absent else {
            return self.unknown(address.name);
        };
        TargetError::UnknownValue {
            node: address.name.to_owned(),
            axis: axis.to_owned(),
            value: value.clone(),
            nearest: nearest(value, known.iter().copied()),
        }
    }

    fn unknown(&self, name: &str) -> TargetError {
        let names = || self.nodes.iter().map(Node::study_name);
        let nearest = nearest(name, names());
        let listed = names().filter(|_| nearest.is_none()).take(MOST_LISTED);
        TargetError::UnknownNode {
            node: name.to_owned(),
            nodes: listed.map(str::to_owned).collect(),
            nearest,
        }
    }
}

fn check_label(node: &Node, name: &str, value: &str) -> Result<(), TargetError> {
    let Some(axis) = node.axes.iter().position(|axis| axis.name == name) else {
        return Err(TargetError::UnknownAxis {
            node: node.name.clone(),
            axis: name.to_owned(),
            nearest: nearest(name, node.axes.iter().map(|axis| axis.name.as_str())),
        });
    };
    let AxisValues::Listed(_) = &node.axes[axis].values else {
        return Ok(());
    };
    let keys = keys(node, axis);
    if keys.iter().any(|key| key == value) {
        return Ok(());
    }
    Err(TargetError::UnknownValue {
        node: node.name.clone(),
        axis: name.to_owned(),
        value: value.to_owned(),
        nearest: nearest(value, keys.iter().map(String::as_str)),
    })
}

/// The values of a listed axis as they are addressed, included ones too.
fn keys(node: &Node, axis: usize) -> Vec<String> {
    let AxisValues::Listed(values) = &node.axes[axis].values else {
        return Vec::new();
    };
    let name = &node.axes[axis].name;
    let listed = values.iter().map(|value| match value {
        flow_contract::Value::Map(row) => row.get(name).map(ToString::to_string),
        value => Some(value.to_string()),
    });
    let included = node.combine.include.iter();
    let included = included.map(|values| values.get(axis).map(ToString::to_string));
    listed.chain(included).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_commas_dots_and_brackets() {
        let parsed = address("net[fold=3, rule=alpha-beta(1,0),e=0.01,t=a[0]].weights").unwrap();
        let label = |axis, value: &str| (axis, value.to_owned());
        assert_eq!(parsed.name, "net");
        assert_eq!(parsed.rest, ".weights");
        assert_eq!(
            parsed.labels,
            [
                label("fold", "3"),
                label("rule", "alpha-beta(1,0)"),
                label("e", "0.01"),
                label("t", "a[0]")
            ]
        );
    }

    #[test]
    fn half_an_address_is_refused() {
        for text in ["net[fold=3", "net[fold]", "net[]"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
