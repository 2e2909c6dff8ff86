//! Puts a night together.

use crate::cohort::{ClockTime, Night};
use crate::noise::{Purpose, Source};
use crate::parameters::{ParameterError, Parameters, check_recording};
use crate::physiology::Traits;
use crate::scoring::{
    Annotation, Epoch, Frame, Marker, StartTime, draw_epoch_count, draw_frame, draw_labels,
    draw_marker, merge,
};
use crate::signals::{Draft, draw_signals, flatten, seconds_of};
use crate::stages::{Course, Stage, draw_stages};
use crate::truth::Truth;
use crate::{CHANNELS, EPOCH_SECONDS, MARKER_RATE_HZ, RATE_HZ};

/// One signal of a night.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The label that real files give the channel, like `EEG Fpz-Cz`.
    pub label: &'static str,
    /// µV at 100 Hz, within ±3000.
    pub samples: Vec<f32>,
}

/// Labels of the channels in their order.
pub const LABELS: [&str; CHANNELS] = ["EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal", "EMG submental"];

/// A simulated polysomnogram with its scoring and the truth about it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedNight {
    /// When the signals start.
    pub start: StartTime,
    /// When the lights were switched off.
    pub lights_off: ClockTime,
    /// EEG Fpz-Cz, EEG Pz-Oz, EOG horizontal, EMG submental; all of one length, whole 10 s records.
    pub signals: Vec<Signal>,
    /// The marker channel at 10 Hz: 1 or 2, +32 while the button is pressed, −32 in a telemetry
    /// error.
    pub marker: Vec<i16>,
    /// The scoring as the hypnogram file has it: runs of equal labels, in order of onset.
    pub scoring: Vec<Annotation>,
    /// The scoring epoch by epoch, with the true stages.
    pub epochs: Vec<Epoch>,
    /// What was planted.
    pub truth: Truth,
}

/// Standard deviation of the distance between a true change and the border of its epoch, in
/// seconds.
const BORDER_SHIFT_SECONDS: f64 = 3.0;

/// Simulates one night; it depends on the parameters and on this night's own facts, on nothing
/// else.
///
/// The bits are the same on every machine and thread count: all arithmetic is `+ − × ÷ √` in a
/// fixed order.
///
/// # Errors
/// [`ParameterError::OutOfRange`] for a parameter outside its documented range;
/// [`ParameterError::RecordingId`] for an id of no or more than 16 bytes.
pub fn simulate(parameters: &Parameters, night: &Night) -> Result<SimulatedNight, ParameterError> {
    parameters.check()?;
    check_recording(&night.recording)?;
    let traits = Traits::new(parameters, night);
    let source = |purpose| Source::new(parameters.seed, &night.recording, purpose);
    let mut quirks = source(Purpose::Quirks);
    let count = draw_epoch_count(parameters, &mut quirks);
    let frame = draw_frame(parameters, night, count, &mut quirks);
    let marker = draw_marker(&parameters.quirks, &frame, night.lights_off, &mut quirks);
    let epochs = draw_epochs(parameters, night, &traits, (count, &frame));
    let body = body_seconds(&epochs, &frame, &mut source(Purpose::Timeline));
    let draft = Draft {
        parameters,
        recording: &night.recording,
        traits: &traits,
        stages: &body,
    };
    let mut signals = draw_signals(&draft);
    for error in &marker.errors {
        let sample =
            |marker_sample: usize| marker_sample * (RATE_HZ as usize / MARKER_RATE_HZ as usize);
        flatten(
            &mut signals.channels,
            sample(error.start),
            sample(error.end),
        );
    }
    let truth = complete(
        Truth::new(parameters, &traits, &signals.counts),
        &epochs,
        &marker,
    );
    Ok(SimulatedNight {
        start: frame.start,
        lights_off: night.lights_off,
        signals: LABELS
            .into_iter()
            .zip(signals.channels)
            .map(|(label, samples)| Signal { label, samples })
            .collect(),
        marker: marker.samples,
        scoring: merge(&epochs),
        epochs,
        truth,
    })
}

fn draw_epochs(
    parameters: &Parameters,
    night: &Night,
    traits: &Traits,
    (count, frame): (usize, &Frame),
) -> Vec<Epoch> {
    let source = |purpose| Source::new(parameters.seed, &night.recording, purpose);
    let course = Course {
        epochs: count,
        minimum_per_class: parameters.minimum_epochs_per_class,
        medication: night.medication,
        medication_strength: parameters.medication_on_stages,
        depth: traits.depth,
    };
    let mut stages = draw_stages(&course, &mut source(Purpose::Stages));
    let labels = draw_labels(parameters, &mut stages, &mut source(Purpose::Labels));
    let onsets = (frame.late_seconds..).step_by(EPOCH_SECONDS as usize);
    let epoch = |((onset_seconds, stage), label)| Epoch {
        onset_seconds,
        stage,
        label,
    };
    onsets.zip(stages).zip(labels).map(epoch).collect()
}

/// What the body does second by second over the whole signal: awake before scoring, as at the end
/// after it.
fn body_seconds(epochs: &[Epoch], frame: &Frame, source: &mut Source) -> Vec<Stage> {
    let stages: Vec<Stage> = epochs.iter().map(|epoch| epoch.stage).collect();
    let mut body = vec![Stage::Wake; frame.late_seconds as usize];
    body.extend(seconds_of(&stages, BORDER_SHIFT_SECONDS, source));
    body.resize(frame.total_seconds as usize, Stage::Wake);
    body
}

fn complete(truth: Truth, epochs: &[Epoch], marker: &Marker) -> Truth {
    let scored = epochs
        .iter()
        .filter(|epoch| epoch.label.and_then(Stage::class).is_some());
    let wrong = scored
        .clone()
        .filter(|epoch| epoch.label != Some(epoch.stage))
        .count();
    let negative = marker.samples.iter().filter(|sample| **sample < 0).count();
    Truth {
        wrong_labels: wrong as f64 / scored.count().max(1) as f64,
        marker_errors: negative as f64 / marker.samples.len() as f64,
        ..truth
    }
}
