//! Walking relevance over many samples: what `lrp`, `relevance-maps` and `explain` share.

use flow_contract::{NodeError, Observer, Params};
use flow_learn::predict::predicted_class;
use flow_learn::relevance::{Explanation, RelevanceError, Start, Target, Walker};

use crate::maps::Maps;
use crate::whereabouts::number_not_finite;

/// Samples explained at once: enough for all cores, little enough to stay in cache.
const BATCH: usize = 32;

/// Which logit is explained, and what the walk starts with.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Which class.
    pub target: Asked,
    /// Whether the walk starts with the logit instead of 1.
    pub from_logit: bool,
}

/// Which class is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The class with the largest logit.
    Predicted,
    /// The sample's own.
    True,
    /// This one for all.
    Given(usize),
}

impl Question {
    /// What the params `target` and `start` ask; `given` is the class where the target is `given`.
    pub fn of(params: &Params, given: usize) -> Self {
        Self {
            target: match params.text("target") {
                "true" => Asked::True,
                "given" => Asked::Given(given),
                _ => Asked::Predicted,
            },
            from_logit: params.text("start") == "logit",
        }
    }
}

/// Samples wherever they lie.
pub struct Samples<'a> {
    /// How many.
    pub count: usize,
    /// The names of their channels.
    pub channels: &'a [String],
    /// Length of each channel.
    pub time: usize,
    /// Appends the numbers of the n-th, `[channel, time]`.
    pub append: &'a dyn Fn(usize, &mut Vec<f32>),
    /// The class of the n-th; 0 where nobody asks.
    pub label: &'a dyn Fn(usize) -> usize,
    /// Where the n-th is, in words.
    pub place: &'a dyn Fn(usize) -> String,
}

/// What was found, one entry a sample.
#[derive(Debug, Default)]
pub struct Walked {
    /// The class with the largest logit.
    pub predicted: Vec<usize>,
    /// The class that was explained.
    pub explained: Vec<usize>,
    /// One a rule.
    pub rules: Vec<Sums>,
}

/// Relevance summed over the time of each channel, `[sample, channel]`.
#[derive(Debug, Default)]
pub struct Sums {
    /// `Σ |R|`.
    pub absolute: Vec<f64>,
    /// `Σ R`.
    pub signed: Vec<f64>,
}

/// Explains all samples by all rules of the walker, one forward pass for all rules.
///
/// # Errors
/// A sample whose logits or relevance are not finite; the wish to stop; maps that can't be written.
pub fn walk(
    walker: &Walker<f32>,
    samples: &Samples<'_>,
    question: Question,
    observer: &dyn Observer,
    mut maps: Option<&mut Maps>,
) -> Result<Walked, NodeError> {
    let mut walked = Walked::default();
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for from in (0..samples.count).step_by(BATCH) {
        if observer.should_stop() {
            return Err(NodeError::new("stopped"));
        }
        let batch = from..(from + BATCH).min(samples.count);
        x.clear();
        labels.clear();
        for sample in batch.clone() {
            (samples.append)(sample, &mut x);
            labels.push((samples.label)(sample));
        }
        if let Some(at) = x.iter().position(|x| !x.is_finite()) {
            return Err(not_finite(samples, from, at, x[at]));
        }
        let target = match question.target {
            Asked::Predicted => Target::Predicted,
            Asked::True => Target::True(&labels),
            Asked::Given(class) => Target::Given(class),
        };
        let start = match question.from_logit {
            true => Start::Logit,
            false => Start::One,
        };
        let explained = walker.explain(&x, target, start);
        let explained = explained.map_err(|error| samples.told(error.counted_from(from)))?;
        let classes = explained.logits.len() / batch.len();
        let predicted = explained.logits.chunks(classes).map(predicted_class);
        walked.predicted.extend(predicted);
        walked.explained.extend(&explained.targets);
        walked
            .rules
            .resize_with(explained.rules.len(), Sums::default);
        for (n, (rule, sums)) in explained.rules.iter().zip(&mut walked.rules).enumerate() {
            if let Err(sample) = sums.add(rule, samples) {
                return Err(beyond(&walker.names()[n], &(samples.place)(from + sample)));
            }
            if let Some(maps) = &mut maps {
                maps.write(n, from, rule)?;
            }
        }
        observer.progress(batch.end as u64, samples.count as u64, "explained");
    }
    Ok(walked)
}

/// Says where among all samples the `at`-th number behind the start of sample `from` is.
fn not_finite(samples: &Samples<'_>, from: usize, at: usize, value: f32) -> NodeError {
    let (row, channels) = (at / samples.time, samples.channels);
    let place = (samples.place)(from + row / channels.len());
    let channel = &channels[row % channels.len()];
    number_not_finite(&place, channel, at % samples.time, value)
}

impl Samples<'_> {
    /// The error, with the sample's place.
    fn told(&self, error: RelevanceError) -> NodeError {
        match error {
            RelevanceError::NotFinite { sample, what } => {
                NodeError::new(format!("{}: {what} is not finite", (self.place)(sample)))
            }
            error => NodeError::new(error),
        }
    }
}

/// Relevance that no table holds.
fn beyond(rule: &str, place: &str) -> NodeError {
    let what = format!("{place}: the relevance by `{rule}` is too near 0 or too large for a table");
    NodeError::new(what)
        .because("a rule's numbers multiply from layer to layer, and a table holds 1e-307 to 1e308")
        .help("give the rule numbers nearer 1: each layer divides relevance by its ε")
}

impl Sums {
    /// Adds the samples of a batch.
    ///
    /// # Errors
    /// The first sample whose sum of absolute relevance double precision doesn't hold in full.
    fn add(&mut self, rule: &Explanation<f32>, samples: &Samples<'_>) -> Result<(), usize> {
        let sample_len = samples.channels.len() * samples.time;
        let each = rule.relevance.chunks(sample_len).zip(&rule.exponents);
        for (sample, (relevance, &exponent)) in each.enumerate() {
            // Relevance comes in units of a power of two of its own, so that ε = 100 does not underflow.
            let unit = f64::from(exponent).exp2();
            for channel in relevance.chunks(samples.time) {
                let absolute: f64 = channel.iter().map(|value| f64::from(value.abs())).sum();
                let signed: f64 = channel.iter().map(|value| f64::from(*value)).sum();
                self.absolute.push(absolute * unit);
                self.signed.push(signed * unit);
            }
            let channels = self.absolute.len() - samples.channels.len()..;
            let total: f64 = self.absolute[channels].iter().sum();
            if !total.is_normal() && relevance.iter().any(|value| *value != 0.0) {
                return Err(sample);
            }
        }
        Ok(())
    }
}
