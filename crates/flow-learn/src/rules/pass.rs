//! Relevance unchanged.

#[cfg(test)]
use super::Value;
use super::{Propagation, RuleKind};

/// `R_j = R_j`, for layers that give as many numbers as they get; activations always pass.
///
/// Source: zennit `Pass`. Checked: the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "pass",
    equation: "1 for the input in the output's place, 0 for the others",
    parameters: &[],
    check: super::nothing_to_check,
    propagation: |_| Propagation::Pass,
    #[cfg(test)]
    replica,
};

#[cfg(test)]
fn replica(_: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let own = |&place: &usize| f64::from(u8::from(place == unit.place));
    unit.places.iter().map(own).collect()
}
