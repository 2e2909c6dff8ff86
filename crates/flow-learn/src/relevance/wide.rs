//! Methods that single precision is not enough for: a walker of `f32` walks them in `f64`.
//!
//! A share is `R / stab(d)`. Where the denominator `d` is a sum that cancels, and neither the stabiliser nor
//! the bias keeps it from 0, rounding decides its size, or even its sign, and the share is off by far more
//! than 1e-4 of the largest relevance. So it may be at any of the many outputs of a convolution for ε below
//! [`LEAST_STABILIZER`], and at any weighted sum for a rule that leaves the bias out of `d`. Along the path
//! of integrated gradients a maximum may change hands by rounding.

use super::walker::Walker;
use super::{Explanation, Explanations, Method, RelevanceError, Start, Target, backward};
use crate::gradients::GradientMethod;
use crate::kernels::Real;
use crate::network::{Network, Op};
use crate::rules::{Branch, InputPart, Part, Propagation, Stabilizer};

/// The smallest stabiliser whose shares single precision gets right.
const LEAST_STABILIZER: f64 = 1e-3;

/// Whether a method is to be walked in `f64`; `propagations`: one a layer, `None` for gradients.
pub(super) fn needs_double(
    network: &Network,
    method: &Method,
    propagations: Option<&[Option<Propagation>]>,
) -> bool {
    if let Method::Gradient(method) = method {
        return matches!(method, GradientMethod::IntegratedGradients { .. });
    }
    let layers = network.layers.iter().zip(propagations.unwrap_or(&[]));
    layers
        .filter_map(|(layer, own)| Some((&layer.op, own.as_ref()?)))
        .any(|(op, propagation)| match propagation {
            Propagation::Pass => false,
            Propagation::Branches(branches) => branches.iter().any(|own| is_delicate(op, own)),
        })
}

fn is_delicate(op: &Op, branch: &Branch) -> bool {
    let (is_conv, has_bias) = match *op {
        Op::Conv { bias, .. } => (true, bias),
        Op::Dense { bias, .. } => (false, bias),
        _ => return false,
    };
    let cancels = branch.terms.iter().any(|term| {
        let signed = matches!(term.weight, Part::All)
            || matches!(
                term.weight,
                Part::FavourPositive(_) | Part::FavourNegative(_)
            );
        signed && !matches!(term.input, InputPart::Values(_))
    });
    let favours = branch.terms.iter().any(|term| term.weight != Part::All);
    let small = match branch.stabilizer {
        Stabilizer::Signed(e) | Stabilizer::AtZero(e) => e < LEAST_STABILIZER,
    };
    // With its bias a favoured sum lies further from 0 than the sum itself, which gates it.
    cancels && (has_bias && branch.bias == Part::Nothing || is_conv && small && !favours)
}

impl Walker<f64> {
    /// Explains a batch of `f32` and rounds what is found.
    pub(super) fn explain_rounded<T: Real>(
        &self,
        x: &[T],
        targets: &[usize],
        start: Start<'_, T>,
    ) -> Result<Vec<Explanation<T>>, RelevanceError> {
        let widened = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
        let given;
        let start = match start {
            Start::One => Start::One,
            Start::Logit => Start::Logit,
            Start::Given(values) => {
                given = widened(values);
                Start::Given(&given)
            }
        };
        let mut explained = Explanations::default();
        self.explain_into(&widened(x), Target::True(targets), start, &mut explained)?;
        Ok(explained.rules.iter().map(rounded).collect())
    }
}

/// An explanation in a narrower number type; exponents are kept only where it can't hold the relevance.
fn rounded<T: Real>(wide: &Explanation<f64>) -> Explanation<T> {
    const REACH: i32 = 90;
    let samples = wide.exponents.len().max(1);
    let mut exponents = Vec::with_capacity(samples);
    let mut relevance = Vec::with_capacity(wide.relevance.len());
    let chunks = wide
        .relevance
        .chunks((wide.relevance.len() / samples).max(1));
    for (own, &exponent) in chunks.zip(&wide.exponents) {
        let largest = own.iter().fold(0.0, |top: f64, r| top.max(r.abs()));
        let power = backward::power(largest).unwrap_or(0);
        let left = match (-REACH..REACH).contains(&(power + exponent)) {
            true => 0,
            false => power + exponent,
        };
        let factor = 2f64.powi(exponent - left);
        relevance.extend(own.iter().map(|r| T::from_f64(r * factor)));
        exponents.push(left);
    }
    Explanation {
        relevance,
        exponents,
    }
}
