//! LRP-ε.

use super::text::MOST;
use super::{
    Branch, InputPart, Parameter, Part, Propagation, RuleKind, STABILIZER, Term, Value, Wants,
};

/// `R_j = Σ over k of x_j · w_jk · R_k / stab(z_k, ε)`.
///
/// * `epsilon` ≥ 0 is raw: it isn't scaled by the layer's statistics. 0 is LRP-0.
/// * `bias=bach`, and `innvestigate` alike: `z_k` with its bias, whose share is lost;
///   `ignore`: `z_k` without
///
/// Source: Bach et al. 2015, PLoS ONE 10, e0130140, eq. 58. Checked: zennit `Epsilon`, iNNvestigate
/// `lrp.epsilon` and the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "epsilon",
    equation: "x w / stab(x w + b, epsilon)",
    parameters: &[
        Parameter {
            name: "epsilon",
            wants: Wants::Number {
                usual: Some(STABILIZER),
                most: MOST,
            },
        },
        Parameter {
            name: "bias",
            wants: Wants::Word(&["bach", "ignore", "innvestigate"]),
        },
    ],
    check: super::nothing_to_check,
    propagation: |arguments| through(arguments[0].number(), &arguments[1]),
    #[cfg(test)]
    replica,
};

fn through(epsilon: f64, bias: &Value) -> Propagation {
    let products = Term::plus(InputPart::All, Part::All);
    let bias = super::bias::kept(bias, Part::All);
    Propagation::Branches(vec![Branch::of([products], bias, epsilon)])
}

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let mut z = 0.0;
    for j in 0..unit.x.len() {
        z += unit.x[j] * unit.w[j];
    }
    if arguments[1] != Value::Word("ignore") {
        z += unit.b;
    }
    let epsilon = arguments[0].number();
    let denominator = if z >= 0.0 { z + epsilon } else { z - epsilon };
    let share = |j: usize| unit.x[j] * unit.w[j] / denominator;
    (0..unit.x.len()).map(share).collect()
}
