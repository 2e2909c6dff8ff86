//! What was planted in a night, for scoring what a study finds.

use crate::cohort::Night;
use crate::events::{KINDS, KINDS_COUNT};
use crate::parameters::{ClassByModality, Effects, Parameters, cells};
use crate::physiology::Traits;

/// The truth about one night.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// How distinguishable each class is in each modality on this night, effects and own
    /// differences included.
    pub weights: ClassByModality,
    /// The effects that were planted in all nights.
    pub effects: Effects,
    /// Amplitude factor of slow waves and K-complexes on this night; 1 is the average male of 40 on
    /// placebo.
    pub slow_wave: f64,
    /// Amplitude factor of spindles and sigma.
    pub sigma: f64,
    /// Amplitude factor of alpha.
    pub alpha: f64,
    /// Amplitude factor of eye movements.
    pub eye_movement: f64,
    /// Factor on muscle tone.
    pub muscle_tone: f64,
    /// The subject's alpha frequency in Hz.
    pub alpha_hertz: f64,
    /// The subject's spindle frequency in Hz.
    pub spindle_hertz: f64,
    /// Share of labelled epochs whose label differs from the true stage; movement and `?` not
    /// counted.
    pub wrong_labels: f64,
    /// Share of the marker that is in error.
    pub marker_errors: f64,
    /// How many events of each kind are in the signals: spindles, K-complexes, saccades and so on.
    pub events: Vec<(&'static str, usize)>,
}

impl Truth {
    pub(crate) fn new(
        parameters: &Parameters,
        traits: &Traits,
        counts: &[usize; KINDS_COUNT],
    ) -> Self {
        Self {
            weights: traits.weights,
            effects: parameters.effects,
            slow_wave: traits.slow_wave,
            sigma: traits.sigma,
            alpha: traits.alpha,
            eye_movement: traits.eye_movement,
            muscle_tone: traits.muscle_tone,
            alpha_hertz: traits.alpha_hertz,
            spindle_hertz: traits.spindle_hertz,
            wrong_labels: 0.0,
            marker_errors: 0.0,
            events: KINDS
                .iter()
                .zip(counts)
                .map(|(kind, count)| (kind.name, *count))
                .collect(),
        }
    }

    /// Everything as a flat list of names and values, always the same names in the same order.
    pub fn pairs(&self) -> Vec<(String, f64)> {
        let mut pairs = table("weight", &self.weights);
        pairs.extend(effect_pairs(&self.effects));
        let own = [
            ("amplitude.slow_wave", self.slow_wave),
            ("amplitude.sigma", self.sigma),
            ("amplitude.alpha", self.alpha),
            ("amplitude.eye_movement", self.eye_movement),
            ("amplitude.muscle_tone", self.muscle_tone),
            ("frequency.alpha_hertz", self.alpha_hertz),
            ("frequency.spindle_hertz", self.spindle_hertz),
            ("share.wrong_labels", self.wrong_labels),
            ("share.marker_errors", self.marker_errors),
        ];
        pairs.extend(own.map(|(name, value)| (name.to_owned(), value)));
        pairs.extend(
            self.events
                .iter()
                .map(|(name, count)| (format!("count.{name}"), *count as f64)),
        );
        pairs
    }
}

/// The weights of each class and modality that a night of these parameters has without the
/// subject's own differences.
///
/// `clamp(weight + Σ contrast · units, 0, 3)`, units being 1 on a temazepam night, (age − 40) /
/// 10, and 1 for a woman.
pub fn planted_weights(parameters: &Parameters, night: &Night) -> ClassByModality {
    let parameters = Parameters {
        individuality: 0.0,
        ..*parameters
    };
    Traits::new(&parameters, night).weights
}

fn table(name: &str, rows: &ClassByModality) -> Vec<(String, f64)> {
    cells(rows)
        .map(|(cell, value)| (format!("{name}.{cell}"), value))
        .collect()
}

fn effect_pairs(effects: &Effects) -> Vec<(String, f64)> {
    let mut pairs = Vec::new();
    for (covariate, effect) in effects.named() {
        pairs.extend(
            effect
                .changes()
                .map(|(what, change)| (format!("effect.{covariate}.{what}"), change)),
        );
        pairs.extend(table(
            &format!("effect.{covariate}.contrast"),
            &effect.contrast,
        ));
    }
    pairs
}
