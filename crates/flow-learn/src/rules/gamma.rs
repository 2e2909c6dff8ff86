//! LRP-γ, generalised to outputs and inputs of either sign.

use super::bias::{BIAS, kept};
use super::{
    Branch, Gate, InputPart, Parameter, Part, Propagation, RuleKind, STABILIZER, Term, Value, Wants,
};

/// The largest γ: sums of `γ·x·w` up to 1e26 stay within single precision, and from 1e8 on what γ favours is all
/// that counts anyway.
pub(crate) const MOST_GAMMA: f64 = 1e12;

/// Contributions of the output's own sign are favoured by `1 + γ`.
///
/// * where `z_k > 0`: `c_jk = x_j⁺(w_jk + γw_jk⁺) + x_j⁻(w_jk + γw_jk⁻)`, `d_k = Σ c_jk + b + γb⁺`
/// * where `z_k < 0`: `c_jk = x_j⁺(w_jk + γw_jk⁻) + x_j⁻(w_jk + γw_jk⁺)`, `d_k = Σ c_jk + b + γb⁻`
/// * `R_j = Σ over k with z_k ≠ 0 of c_jk R_k / stab(d_k, 1e-6)`
/// * `bias=bach`: as above; `ignore`: no bias in `d_k`; the sign of `z_k` is always taken with bias
///
/// Source: Montavon et al. 2019, in *Explainable AI*, LNCS 11700, 193–209, sec. 10.2.1; Andéol et al. 2021,
/// arXiv:2106.13727, for the other signs. Checked: zennit `Gamma` and the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "gamma",
    equation: "x (w + gamma w±) / stab(x (w + gamma w±) + b + gamma b±), ± the sign of the output",
    parameters: &[
        Parameter {
            name: "gamma",
            wants: Wants::Number {
                usual: Some(0.25),
                most: MOST_GAMMA,
            },
        },
        BIAS,
    ],
    check: super::nothing_to_check,
    propagation: |arguments| {
        let gamma = arguments[0].number();
        let (up, down) = (Part::FavourPositive(gamma), Part::FavourNegative(gamma));
        Propagation::Branches(vec![
            side(Gate::Positive, up, down, &arguments[1]),
            side(Gate::Negative, down, up, &arguments[1]),
        ])
    },
    #[cfg(test)]
    replica,
};

/// The outputs of one sign: `same` for positive inputs and the bias, `other` for negative inputs.
fn side(gate: Gate, same: Part, other: Part, bias: &Value) -> Branch {
    let terms = [
        Term::plus(InputPart::Positive, same),
        Term::plus(InputPart::Negative, other),
    ];
    Branch {
        gate,
        ..Branch::of(terms, kept(bias, same), STABILIZER)
    }
}

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let mut z = unit.b;
    for j in 0..unit.x.len() {
        z += unit.x[j] * unit.w[j];
    }
    if z == 0.0 {
        return vec![0.0; unit.x.len()];
    }
    let gamma = arguments[0].number();
    let favoured = |c: f64| if c * z > 0.0 { c + gamma * c } else { c };
    let mut d = if arguments[1] == Value::Word("ignore") {
        0.0
    } else {
        favoured(unit.b)
    };
    for j in 0..unit.x.len() {
        d += favoured(unit.x[j] * unit.w[j]);
    }
    let d = if d >= 0.0 { d + 1e-6 } else { d - 1e-6 };
    let share = |j: usize| favoured(unit.x[j] * unit.w[j]) / d;
    (0..unit.x.len()).map(share).collect()
}
