//! The walk that carries relevance from a logit back to the input.
//!
//! One forward pass of a sample serves every composite; then each composite walks back on its own, layer
//! by layer: a weighted sum shares relevance out by its rule, an activation passes it on unchanged, a
//! maximum pool gives it to the winner (the first maximum on ties), global or not. Batch norms behind a
//! convolution or a dense layer are folded into it first; dropout does nothing. Samples are walked in
//! parallel and are independent: the same sample gives the same bytes in any batch on any number of
//! threads.
//!
//! ```
//! use flow_learn::composite::Composite;
//! use flow_learn::network::{Network, Op};
//! use flow_learn::relevance::{Start, Target, Walker};
//! use flow_learn::weights::{LayerWeights, Weights};
//!
//! let network = Network::of(1, 2, [Op::Flatten, Op::dense(2)]);
//! let dense = LayerWeights { weight: vec![1.0, 2.0, 0.0, 1.0], bias: vec![0.0, 0.0], ..Default::default() };
//! let weights = Weights::new([("layer1".to_owned(), dense)]);
//! let walker = Walker::new(&network, &weights, &[Composite::parse("epsilon(0)")?])?;
//! let explained = walker.explain(&[3.0, 0.5], Target::Predicted, Start::One)?;
//! assert_eq!(explained.logits, [4.0, 0.5]);
//! assert_eq!(explained.rules[0].relevance, [0.75, 0.25]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backward;
mod device;
mod forward;
mod fused;
mod path;
mod program;
mod walker;
mod wide;
mod workspace;

pub use walker::Walker;

use crate::composite::{Composite, CompositeError};
use crate::gradients::GradientMethod;
use crate::kernels::Real;
use crate::network::NetworkError;
use crate::predict::predicted_class;
use crate::rules::RuleError;
use crate::weights::WeightsError;
use program::Program;
use std::fmt;
use std::str::FromStr;

/// A way to explain: relevance by rules, or from gradients.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Layer by layer, by a composite of rules.
    Relevance(Composite),
    /// From the gradient of the logit.
    Gradient(GradientMethod),
}

impl FromStr for Method {
    type Err = CompositeError;

    /// Reads a [`GradientMethod`], or else what [`Composite::parse`] reads.
    fn from_str(text: &str) -> Result<Self, CompositeError> {
        match GradientMethod::parse(text) {
            Err(RuleError::UnknownRule { .. } | RuleError::NoName { .. }) => {
                Composite::parse(text).map(Self::Relevance)
            }
            method => Ok(Self::Gradient(method?)),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relevance(composite) => composite.fmt(f),
            Self::Gradient(method) => method.fmt(f),
        }
    }
}

/// Which logit is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The largest, the first of equals.
    Predicted,
    /// That of each sample's own class, `[batch]`.
    True(&'a [usize]),
    /// That of one class for all samples.
    Given(usize),
}

/// The relevance that the walk starts with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start<'a, T> {
    /// 1 at the target, 0 elsewhere.
    One,
    /// The logit at the target, 0 elsewhere.
    Logit,
    /// These, `[batch, classes]`, whatever the target.
    Given(&'a [T]),
}

/// What was explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanations<T> {
    /// `[batch, classes]`, before softmax.
    pub logits: Vec<T>,
    /// The class explained, `[batch]`.
    pub targets: Vec<usize>,
    /// One a composite, in their order.
    pub rules: Vec<Explanation<T>>,
}

/// The relevance of one composite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation<T> {
    /// `[batch, channels, time]`, for sample `n` in units of `2^exponents[n]`.
    pub relevance: Vec<T>,
    /// `[batch]`; 0 unless the sample's largest |relevance| would come near the ends of the number type (below
    /// 2⁻⁹⁰ or from 2⁹⁰ on in `f32`, 2^±900 in `f64`).
    pub exponents: Vec<i32>,
}

impl<T> Default for Explanations<T> {
    fn default() -> Self {
        Self {
            logits: Vec::new(),
            targets: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// Why there is no explanation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RelevanceError {
    /// The network makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The weights don't fit the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The composite doesn't fit the network.
    #[error(transparent)]
    Composite(#[from] CompositeError),
    /// `pass` on a layer that doesn't give as many numbers as it gets.
    #[error("`pass` can't pass layer `{layer}`, which gets {gets} numbers and gives {gives}")]
    Pass {
        /// The layer.
        layer: String,
        /// Numbers in.
        gets: usize,
        /// Numbers out.
        gives: usize,
    },
    /// A box whose sides are given for another number of channels.
    #[error("`z-box` has {values} values a side, layer `{layer}` gets {channels} channels")]
    Box {
        /// The layer.
        layer: String,
        /// Values of a side.
        values: usize,
        /// Channels of the layer's input.
        channels: usize,
    },
    /// The input isn't a whole number of samples.
    #[error("the input has {found} numbers, no multiple of a sample's {sample}")]
    Input {
        /// Numbers found.
        found: usize,
        /// Numbers of a sample.
        sample: usize,
    },
    /// Labels or starts for another number of samples.
    #[error("{what} has {found} numbers, the batch needs {wanted}")]
    Length {
        /// What has.
        what: &'static str,
        /// Numbers found.
        found: usize,
        /// Numbers wanted.
        wanted: usize,
    },
    /// A class that the network doesn't have.
    #[error("sample {sample}: class {class} of a network with {classes} classes")]
    Class {
        /// The sample in the batch, from 0.
        sample: usize,
        /// The class, from 0.
        class: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// A sample came out infinite or NaN.
    #[error("sample {sample}: {what} is not finite")]
    NotFinite {
        /// The sample in the batch, from 0.
        sample: usize,
        /// The logits, or the composite.
        what: String,
    },
}

impl RelevanceError {
    /// The same, its sample counted from the start of all samples, `first` of them before the batch.
    pub fn counted_from(mut self, first: usize) -> Self {
        if let Self::Class { sample, .. } | Self::NotFinite { sample, .. } = &mut self {
            *sample += first;
        }
        self
    }
}

impl<T: Real> Program<T> {
    /// Samples in `x`.
    pub(crate) fn batch(&self, x: &[T]) -> Result<usize, RelevanceError> {
        let (found, sample) = (x.len(), self.in_len);
        match found % sample {
            0 => Ok(found / sample),
            _ => Err(RelevanceError::Input { found, sample }),
        }
    }
}

/// Whether the classes asked for exist, for every sample.
fn check_target(batch: usize, classes: usize, target: Target<'_>) -> Result<(), RelevanceError> {
    let bad = |(sample, &class): (usize, &usize)| {
        (class >= classes).then_some(RelevanceError::Class {
            sample,
            class,
            classes,
        })
    };
    let found = match target {
        Target::Predicted => None,
        Target::Given(class) => bad((0, &class)),
        Target::True(labels) => {
            length("labels", labels.len(), batch)?;
            labels.iter().enumerate().find_map(bad)
        }
    };
    found.map_or(Ok(()), Err)
}

pub(crate) fn length(
    what: &'static str,
    found: usize,
    wanted: usize,
) -> Result<(), RelevanceError> {
    if found == wanted {
        return Ok(());
    }
    Err(RelevanceError::Length {
        what,
        found,
        wanted,
    })
}

/// The class explained for a sample.
fn class<T: Real>(target: Target<'_>, sample: usize, logits: &[T]) -> usize {
    match target {
        Target::True(labels) => labels[sample],
        Target::Given(class) => class,
        Target::Predicted => predicted_class(logits),
    }
}

fn one_hot<T: Real>(values: &mut [T], at: usize, value: T) {
    values.fill(T::ZERO);
    values[at] = value;
}

fn finite<T: Real>(
    sample: usize,
    values: &[T],
    what: impl FnOnce() -> String,
) -> Result<(), RelevanceError> {
    if fused::all_finite(values) {
        return Ok(());
    }
    let what = what();
    Err(RelevanceError::NotFinite { sample, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_read_back_composites_in_words_among_them() {
        for text in ["saliency", "epsilon(0.01)", "epsilon-plus", "any: flat"] {
            let method: Method = text.parse().unwrap();
            assert_eq!(method.to_string().parse::<Method>(), Ok(method), "{text}");
        }
        assert!("saliencey".parse::<Method>().is_err());
    }
}
