//! LRP-w².

#[cfg(test)]
use super::Value;
use super::bias::{BIAS, kept};
use super::{Branch, InputPart, Part, Propagation, RuleKind, STABILIZER, Term};

/// The input doesn't count: `R_j = Σ over k of w_jk² R_k / stab(Σ over j of w_jk² + b_k², 1e-6)`.
///
/// * `bias=bach`: as above; `ignore`: without `b_k²`
///
/// Source: Montavon et al. 2017, Pattern Recognit. 65, 211–222. Checked: zennit `WSquare` and the
/// replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "w-square",
    equation: "w² / stab(w² + b²)",
    parameters: &[BIAS],
    check: super::nothing_to_check,
    propagation: |arguments| {
        let terms = [Term::plus(InputPart::Ones, Part::Square)];
        let bias = kept(&arguments[0], Part::Square);
        Propagation::Branches(vec![Branch::of(terms, bias, STABILIZER)])
    },
    #[cfg(test)]
    replica,
};

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let mut sum = 1e-6;
    for w in unit.w {
        sum += w * w;
    }
    if arguments[0] == Value::Word("bach") {
        sum += unit.b * unit.b;
    }
    unit.w.iter().map(|w| w * w / sum).collect()
}
