//! LRP-zᴮ, for inputs that lie in a box.

use super::{
    Branch, InputPart, Parameter, Part, Propagation, RuleError, RuleKind, STABILIZER, Term, Value,
    Wants,
};

/// `R_j = Σ over k of (x_j w_jk − l_j w_jk⁺ − h_j w_jk⁻) R_k / stab(d_k, 1e-6)`, `d_k` the sum over `j` of the
/// same products; the bias cancels.
///
/// * `low`, `high`: the box; one value, or one a channel as `[l1,l2,…]`, `low ≤ high`
///
/// Source: Montavon et al. 2017, Pattern Recognit. 65, 211–222. Checked: zennit `ZBox` and the replica
/// below.
pub(super) static KIND: RuleKind = RuleKind {
    name: "z-box",
    equation: "(x w - low w+ - high w-) / stab(x w - low w+ - high w-)",
    parameters: &[
        Parameter {
            name: "low",
            wants: Wants::Numbers,
        },
        Parameter {
            name: "high",
            wants: Wants::Numbers,
        },
    ],
    check,
    propagation: |arguments| {
        let values = |at: usize| InputPart::Values(arguments[at].numbers().to_vec());
        let terms = [
            Term::plus(InputPart::All, Part::All),
            Term::minus(values(0), Part::Positive),
            Term::minus(values(1), Part::Negative),
        ];
        Propagation::Branches(vec![Branch::of(terms, Part::Nothing, STABILIZER)])
    },
    #[cfg(test)]
    replica,
};

fn check(arguments: &[Value]) -> Result<(), RuleError> {
    let (low, high) = (arguments[0].numbers(), arguments[1].numbers());
    let at = |values: &[f64], channel: usize| values[channel.min(values.len() - 1)];
    let bad = |&channel: &usize| at(low, channel) > at(high, channel);
    if low.len() > 1 && high.len() > 1 && low.len() != high.len() {
        let (low, high) = (low.len(), high.len());
        return Err(RuleError::BoxSides { low, high });
    }
    match (0..low.len().max(high.len())).find(bad) {
        Some(channel) => Err(RuleError::EmptyBox {
            low: at(low, channel),
            high: at(high, channel),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
fn replica(arguments: &[Value], unit: &super::literal::Unit) -> Vec<f64> {
    let side = |at: usize, j: usize| match &arguments[at] {
        Value::Numbers(values) if values.len() == 1 => values[0],
        Value::Numbers(values) => values[unit.channel[j]],
        _ => f64::NAN,
    };
    let mut products = Vec::new();
    for j in 0..unit.x.len() {
        let box_part = if unit.w[j] >= 0.0 {
            side(0, j)
        } else {
            side(1, j)
        };
        products.push((unit.x[j] - box_part) * unit.w[j]);
    }
    let d: f64 = products.iter().sum();
    let d = if d >= 0.0 { d + 1e-6 } else { d - 1e-6 };
    products.iter().map(|product| product / d).collect()
}
