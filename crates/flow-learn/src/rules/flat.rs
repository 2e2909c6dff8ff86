//! LRP-flat.

#[cfg(test)]
use super::Value;
use super::{Branch, InputPart, Part, Propagation, RuleKind, STABILIZER, Term};

/// Every input of an output gets the same: `R_j = Σ over k of R_k / (n_k + 1e-6)`, `n_k` the number of
/// inputs of `k`; zero padding is no input.
///
/// Source: Lapuschkin et al. 2019, Nat. Commun. 10, 1096. Checked: zennit `Flat` and the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "flat",
    equation: "1 / inputs",
    parameters: &[],
    check: super::nothing_to_check,
    propagation: |_| {
        let terms = [Term::plus(InputPart::Ones, Part::Ones)];
        Propagation::Branches(vec![Branch::of(terms, Part::Nothing, STABILIZER)])
    },
    #[cfg(test)]
    replica,
};

#[cfg(test)]
fn replica(_: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let inputs = unit.w.len();
    vec![1.0 / (inputs as f64 + 1e-6); inputs]
}
