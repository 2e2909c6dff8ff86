//! What single precision is not enough for: a walker of `f32` walks it in `f64`.
//!
//! A share is `R / stab(d)`. Where the denominator `d` is a sum that cancels, and neither the stabiliser nor
//! the bias keeps it from 0, rounding decides its size, or even its sign, and the share is off by far more
//! than 1e-4 of the largest relevance. So it may be at any of the many outputs of a convolution for ε below
//! [`LEAST_STABILIZER`], at any weighted sum for a rule that leaves the bias out of `d`, and for one that adds a
//! negative bias to a sum of positive products, unless a ReLU lets relevance through only where the positive
//! ones win; and at an average of numbers of both signs.
//!
//! Where a maximum changes hands by rounding, relevance goes elsewhere: along the path of integrated gradients, and
//! where ELU or GELU bring numbers far below zero so close together that single precision can't tell them apart.
//! In a network of few channels a sum may have one product of its sign, as small as the rounding of what it is
//! made of. So networks with such maxima and small ones are walked in `f64` by every method.

use super::walker::Walker;
use super::{Explanation, Explanations, Method, RelevanceError, Start, Target, backward};
use crate::gradients::GradientMethod;
use crate::kernels::Real;
use crate::network::{Network, Op};
use crate::rules::{Branch, InputPart, Part, Propagation, Stabilizer, Term};

/// The smallest stabiliser whose shares single precision gets right.
const LEAST_STABILIZER: f64 = 1e-3;
/// Products a sample up to which a network is small; that of the paper takes 97 million.
const SMALL: usize = 4_000_000;

/// Whether a method is to be walked in `f64`; `propagations`: one a layer, `None` for gradients.
pub(super) fn needs_double(
    network: &Network,
    method: &Method,
    propagations: Option<&[Option<Propagation>]>,
) -> bool {
    if network.products().is_ok_and(|products| products <= SMALL) || has_close_maxima(network) {
        return true;
    }
    if let Method::Gradient(method) = method {
        return matches!(method, GradientMethod::IntegratedGradients { .. });
    }
    let propagations = propagations.unwrap_or(&[]);
    let mut places = propagations.iter().enumerate();
    places.any(|(place, propagation)| match propagation {
        None | Some(Propagation::Pass) => false,
        Some(Propagation::Branches(branches)) => {
            branches.iter().any(|own| is_delicate(network, place, own))
        }
    })
}

/// Whether maxima are taken of what may saturate.
fn has_close_maxima(network: &Network) -> bool {
    let any = |is: fn(&Op) -> bool| network.layers.iter().any(|layer| is(&layer.op));
    any(|op| matches!(op, Op::Elu { .. } | Op::Gelu))
        && any(|op| matches!(op, Op::MaxPool { .. } | Op::GlobalMaxPool))
}

fn is_delicate(network: &Network, place: usize, branch: &Branch) -> bool {
    let (is_conv, has_bias) = match network.layers[place].op {
        Op::Conv { bias, .. } => (true, bias),
        Op::Dense { bias, .. } => (false, bias),
        Op::AveragePool { .. } | Op::GlobalAveragePool => (!gets_positive(network, place), false),
        _ => return false,
    };
    let any = |is: fn(&Term) -> bool| branch.terms.iter().any(is);
    let is_boxed = any(|term| matches!(term.input, InputPart::Values(_)));
    let has_parts = any(|term| matches!(term.weight, Part::Positive | Part::Negative));
    let favours = any(|term| {
        let weight = term.weight;
        matches!(weight, Part::FavourPositive(_) | Part::FavourNegative(_))
    });
    let cancels = favours || any(|term| term.weight == Part::All);
    let drops_bias = has_bias && branch.bias == Part::Nothing;
    let adds_against = has_parts && has_bias && branch.bias == Part::All;
    let is_small = match branch.stabilizer {
        Stabilizer::Signed(e) | Stabilizer::AtZero(e) => e < LEAST_STABILIZER,
    };
    // With its bias a favoured sum lies further from 0 than the sum itself, which gates it.
    is_boxed
        || cancels && (drops_bias || is_conv && is_small && !favours)
        || adds_against && !is_gated(network, place)
}

/// Whether relevance reaches a layer only where its sums are positive, or starts there.
fn is_gated(network: &Network, place: usize) -> bool {
    let mut after = network.layers[place + 1..].iter().map(|layer| &layer.op);
    let next = after.find(|op| !is_dropout(op));
    matches!(next, None | Some(Op::Relu))
}

/// Whether nothing that a layer gets is negative.
fn gets_positive(network: &Network, place: usize) -> bool {
    let mut before = network.layers[..place].iter().rev().map(|layer| &layer.op);
    let last = before.find(|op| !is_dropout(op) && !matches!(op, Op::MaxPool { .. }));
    matches!(last, Some(Op::Relu))
}

fn is_dropout(op: &Op) -> bool {
    matches!(op, Op::Dropout { .. } | Op::SpatialDropout { .. })
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
