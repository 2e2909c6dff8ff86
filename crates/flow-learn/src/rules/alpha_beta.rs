//! LRP-αβ.

use super::{
    Branch, Gate, InputPart, Parameter, Part, Propagation, RuleError, RuleKind, STABILIZER,
    Stabilizer, Term, Value, Wants,
};

/// Positive and negative contributions are shared out apart, `α − β = 1`:
/// `R_j = Σ over k of (α (x_j⁺w_jk⁺ + x_j⁻w_jk⁻) / stab(zp_k, 1e-6) − β (x_j⁺w_jk⁻ + x_j⁻w_jk⁺) / stab(zn_k, 1e-6)) · R_k`
/// with `zp = Σ (x⁺w⁺ + x⁻w⁻) + b⁺` and `zn = Σ (x⁺w⁻ + x⁻w⁺) + b⁻`.
///
/// * `bias=bach`: as above; `ignore`: no bias in `zp` and `zn`
/// * `bias=innvestigate`: the whole `b` in both `zp` and `zn`, and instead of `stab` only a
///   denominator of exactly 0 becomes 1e-7, as iNNvestigate 2.1.2 computes `lrp.alpha_beta`
///
/// Source: Bach et al. 2015, PLoS ONE 10, e0130140, eq. 60. Checked: zennit `AlphaBeta`,
/// iNNvestigate `lrp.alpha_1_beta_0` and the replica below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "alpha-beta",
    equation: "alpha (x w)+ / stab((x w)+ + b+) - beta (x w)- / stab((x w)- + b-)",
    parameters: &[
        Parameter {
            name: "alpha",
            wants: FACTOR,
        },
        Parameter {
            name: "beta",
            wants: FACTOR,
        },
        Parameter {
            name: "bias",
            wants: Wants::Word(&["bach", "ignore", "innvestigate"]),
        },
    ],
    check,
    propagation,
    #[cfg(test)]
    replica,
};

const FACTOR: Wants = Wants::Number {
    usual: None,
    most: MOST_FACTOR,
};

/// Above it α and α − 1 can't be told apart in single precision, so that the difference of the two sides is lost.
const MOST_FACTOR: f64 = 1e6;

/// What iNNvestigate puts for a denominator of 0.
const INNVESTIGATE_ZERO: f64 = 1e-7;

fn check(arguments: &[Value]) -> Result<(), RuleError> {
    let (alpha, beta) = (arguments[0].number(), arguments[1].number());
    if (alpha - beta - 1.0).abs() <= 1e-9 {
        Ok(())
    } else {
        Err(RuleError::AlphaMinusBeta { alpha, beta })
    }
}

fn propagation(arguments: &[Value]) -> Propagation {
    let (alpha, beta) = (arguments[0].number(), arguments[1].number());
    let [positive, negative] = sides(&arguments[2]);
    let branch = |scale, weights: [Part; 2], (bias, stabilizer)| Branch {
        scale,
        gate: Gate::All,
        terms: vec![
            Term::plus(InputPart::Positive, weights[0]),
            Term::plus(InputPart::Negative, weights[1]),
        ],
        bias,
        stabilizer,
    };
    let mut branches = Vec::new();
    if alpha != 0.0 {
        branches.push(branch(alpha, [Part::Positive, Part::Negative], positive));
    }
    if beta != 0.0 {
        branches.push(branch(-beta, [Part::Negative, Part::Positive], negative));
    }
    Propagation::Branches(branches)
}

/// Bias part and stabiliser of the positive and of the negative side.
fn sides(bias: &Value) -> [(Part, Stabilizer); 2] {
    let signed = Stabilizer::Signed(STABILIZER);
    if bias.is("innvestigate") {
        [(Part::All, Stabilizer::AtZero(INNVESTIGATE_ZERO)); 2]
    } else if bias.is("ignore") {
        [(Part::Nothing, signed); 2]
    } else {
        [(Part::Positive, signed), (Part::Negative, signed)]
    }
}

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let (mut zp, mut zn) = (0.0, 0.0);
    for (x, w) in unit.x.iter().zip(unit.w) {
        zp += (x * w).max(0.0);
        zn += (x * w).min(0.0);
    }
    let stab = |z: f64| if z >= 0.0 { z + 1e-6 } else { z - 1e-6 };
    let (dp, dn) = match &arguments[2] {
        Value::Word("bach") => (stab(zp + unit.b.max(0.0)), stab(zn + unit.b.min(0.0))),
        Value::Word("ignore") => (stab(zp), stab(zn)),
        _ => {
            let safe = |z: f64| if z == 0.0 { 1e-7 } else { z };
            (safe(zp + unit.b), safe(zn + unit.b))
        }
    };
    let (alpha, beta) = (arguments[0].number(), arguments[1].number());
    let share = |(x, w): (&f64, &f64)| alpha * (x * w).max(0.0) / dp - beta * (x * w).min(0.0) / dn;
    unit.x.iter().zip(unit.w).map(share).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{Propagation, Rule};

    #[test]
    fn a_side_without_weight_costs_nothing() {
        let branches = |text| match Rule::parse(text).unwrap().propagation() {
            Propagation::Branches(branches) => branches.len(),
            Propagation::Pass => 0,
        };
        assert_eq!(branches("alpha-beta(1,0)"), 1);
        assert_eq!(branches("alpha-beta(2,1)"), 2);
    }
}
