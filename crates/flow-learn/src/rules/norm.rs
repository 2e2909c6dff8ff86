//! Shares by contribution, for layers that only add up or average.

#[cfg(test)]
use super::Value;
use super::{Branch, InputPart, Part, Propagation, RuleKind, STABILIZER, Term};

/// `R_j = Σ over k of x_j · w_jk · R_k / stab(z_k, 1e-6)`: what an average pool gets where nothing else is
/// said. ε with ε = 1e-6 and bias.
///
/// Source: zennit `Norm`. Checked: the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "norm",
    equation: "x w / stab(x w + b)",
    parameters: &[],
    check: super::nothing_to_check,
    propagation: |_| {
        let products = Term::plus(InputPart::All, Part::All);
        Propagation::Branches(vec![Branch::of([products], Part::All, STABILIZER)])
    },
    #[cfg(test)]
    replica,
};

#[cfg(test)]
fn replica(_: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let products: Vec<f64> = unit.x.iter().zip(unit.w).map(|(x, w)| x * w).collect();
    let z = products.iter().sum::<f64>() + unit.b;
    let stabilised = z + 1e-6_f64.copysign(if z >= 0.0 { 1.0 } else { -1.0 });
    products
        .iter()
        .map(|product| product / stabilised)
        .collect()
}
