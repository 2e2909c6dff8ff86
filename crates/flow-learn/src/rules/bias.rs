//! What becomes of the bias in a rule's denominator.

use super::Parameter;
use super::{Part, Value, text::Wants};

/// The parameter `bias` of rules that know two ways.
///
/// `bach` keeps the bias in the denominator, as Bach et al. 2015 do; its share is lost. `ignore`
/// drops it, and relevance is conserved but for the stabiliser.
pub(super) const BIAS: Parameter = Parameter {
    name: "bias",
    wants: Wants::Word(&["bach", "ignore"]),
};

/// `bach`'s part of the bias where the bias is kept, else nothing.
pub(super) fn kept(bias: &Value, bach: Part) -> Part {
    if bias.is("ignore") {
        Part::Nothing
    } else {
        bach
    }
}
