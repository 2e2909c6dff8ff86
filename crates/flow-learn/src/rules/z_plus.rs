//! LRP-z⁺.

#[cfg(test)]
use super::Value;
use super::bias::{BIAS, kept};
use super::{Branch, InputPart, Part, Propagation, RuleKind, STABILIZER, Term};

/// Only positive contributions count: `R_j = Σ over k of (x_j⁺w_jk⁺ + x_j⁻w_jk⁻) R_k / stab(zp_k, 1e-6)`
/// with `zp = Σ (x⁺w⁺ + x⁻w⁻) + b⁺`; the same as αβ with α = 1, β = 0.
///
/// * `bias=bach`: as above; `ignore`: without `b⁺`
///
/// Source: Montavon et al. 2017, Pattern Recognit. 65, 211–222; with negative inputs allowed as in
/// zennit `ZPlus`. Checked: zennit `ZPlus` and the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "z-plus",
    equation: "(x w)+ / stab((x w)+ + b+)",
    parameters: &[BIAS],
    check: super::nothing_to_check,
    propagation: |arguments| {
        let terms = [
            Term::plus(InputPart::Positive, Part::Positive),
            Term::plus(InputPart::Negative, Part::Negative),
        ];
        let bias = kept(&arguments[0], Part::Positive);
        Propagation::Branches(vec![Branch::of(terms, bias, STABILIZER)])
    },
    #[cfg(test)]
    replica,
};

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let mut zp = 0.0;
    for j in 0..unit.x.len() {
        if unit.x[j] * unit.w[j] > 0.0 {
            zp += unit.x[j] * unit.w[j];
        }
    }
    if arguments[0] == Value::Word("bach") && unit.b > 0.0 {
        zp += unit.b;
    }
    let share = |j: usize| (unit.x[j] * unit.w[j]).max(0.0) / (zp + 1e-6);
    (0..unit.x.len()).map(share).collect()
}
