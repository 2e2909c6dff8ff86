//! What the files say around the signals: start, epochs and their labels, holes, marker.

use std::ops::Range;

use crate::cohort::{ClockTime, Night};
use crate::math::{exp, ln};
use crate::noise::Source;
use crate::parameters::{Parameters, Quirks};
use crate::stages::Stage;
use crate::{EPOCH_SECONDS, MARKER_RATE_HZ, RECORD_SECONDS};

/// One line of the scoring: a run of epochs with the same label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annotation {
    /// Seconds from the start of the signals.
    pub onset_seconds: f64,
    /// Length of the run in seconds.
    pub duration_seconds: f64,
    /// The words of the hypnogram files, like `Sleep stage 2` or `Movement time`.
    pub text: &'static str,
}

/// One scored (or, in a hole, unscored) 30 s epoch with what truly happened in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Seconds from the start of the signals.
    pub onset_seconds: u32,
    /// What the body did, but for the seconds around a change.
    pub stage: Stage,
    /// What the scorer wrote; none in a hole.
    pub label: Option<Stage>,
}

/// Date and time at which the signals start. The dates are made up, all in 1994.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartTime {
    /// Year of the Gregorian calendar.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Time of day, whole seconds.
    pub clock: ClockTime,
}

/// The lengths that frame a night, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Signal before the first scored epoch; whole epochs.
    pub late_seconds: u32,
    /// Whole signal; whole records.
    pub total_seconds: u32,
    pub start: StartTime,
}

/// Lights-off of these nights was some seconds before the signals start.
const LIGHTS_OFF_BEFORE_START: [&str; 3] = ["ST7021", "ST7022", "ST7162"];
/// Longest late start of the real nights in epochs (750 s).
const LONGEST_LATE_EPOCHS: f64 = 25.0;
/// Longest hole of the real nights in epochs (1950 s); ours stay below it.
const LONGEST_HOLE_EPOCHS: f64 = 65.0;
/// Spread of the unscored tails, log seconds: the real ones go from 50 s to 11,600 s around 1535 s.
const TAIL_SPREAD: f64 = 0.9;
/// A marker press lasts two seconds.
const PRESS_SAMPLES: usize = 2 * MARKER_RATE_HZ as usize;

/// How much shorter than an eight-hour night these nights are, at most 1.
fn shrink(parameters: &Parameters) -> f64 {
    (parameters.night_minutes / 480.0).min(1.0)
}

/// Draws the number of epochs from the first to the last scored one.
pub(crate) fn draw_epoch_count(parameters: &Parameters, source: &mut Source) -> usize {
    let spread = parameters.night_spread * source.normal().clamp(-2.5, 2.5);
    (parameters.night_minutes * 60.0 / f64::from(EPOCH_SECONDS) * (1.0 + spread)) as usize
}

/// Draws where scoring lies in the signals and when they start.
pub(crate) fn draw_frame(
    parameters: &Parameters,
    night: &Night,
    epochs: usize,
    source: &mut Source,
) -> Frame {
    let (quirks, shrink) = (&parameters.quirks, shrink(parameters));
    let dark = LIGHTS_OFF_BEFORE_START.contains(&night.recording.as_str());
    let late = source.chance(quirks.late_start) && !dark;
    let late_epochs = if late {
        (source.uniform() * LONGEST_LATE_EPOCHS * shrink) as u32 + 1
    } else {
        0
    };
    let tail = quirks.tail_seconds * shrink * source.log_normal(TAIL_SPREAD).min(8.0);
    let needed = (late_epochs + epochs as u32) * EPOCH_SECONDS + tail as u32;
    let after_dark = if dark {
        i64::from(source.whole(1, 30))
    } else {
        0
    };
    let before_dark = if late {
        late_epochs * EPOCH_SECONDS
    } else if dark {
        0
    } else {
        source.whole(0, 60)
    };
    let clock =
        ClockTime::from_seconds(night.lights_off.seconds() + after_dark - i64::from(before_dark));
    Frame {
        late_seconds: late_epochs * EPOCH_SECONDS,
        total_seconds: needed.next_multiple_of(RECORD_SECONDS),
        start: StartTime {
            year: 1994,
            month: month_of(night),
            day: day_of(night),
            clock,
        },
    }
}

fn month_of(night: &Night) -> u8 {
    1 + night.subject.saturating_sub(1) / 2 % 12
}

/// Two subjects a month, the nights a week apart.
fn day_of(night: &Night) -> u8 {
    3 + 14 * (night.subject.saturating_sub(1) % 2) + 7 * (night.night.saturating_sub(1) % 2)
}

/// Draws what the scorer wrote: movement, `?`, mistakes and a hole. True movement enters `stages`
/// here.
pub(crate) fn draw_labels(
    parameters: &Parameters,
    stages: &mut [Stage],
    source: &mut Source,
) -> Vec<Option<Stage>> {
    let quirks = &parameters.quirks;
    let mut labels = Vec::with_capacity(stages.len());
    for stage in &mut *stages {
        let label = if source.chance(quirks.movement) {
            *stage = Stage::Movement;
            Stage::Movement
        } else if source.chance(quirks.unknown) {
            Stage::Unknown
        } else if source.chance(parameters.label_noise) {
            confused(*stage, source)
        } else {
            *stage
        };
        labels.push(Some(label));
    }
    if let Some(hole) = draw_hole(parameters, stages.len(), source) {
        labels[hole].fill(None);
    }
    labels
}

/// A stage that scorers often take this one for.
fn confused(stage: Stage, source: &mut Source) -> Stage {
    let others: &[Stage] = match stage {
        Stage::Wake => &[Stage::One],
        Stage::One => &[Stage::Wake, Stage::Two, Stage::Rem],
        Stage::Two => &[Stage::One, Stage::Three],
        Stage::Three => &[Stage::Two],
        Stage::Four => &[Stage::Three],
        Stage::Rem => &[Stage::One, Stage::Two],
        Stage::Movement | Stage::Unknown => &[],
    };
    if others.is_empty() {
        stage
    } else {
        others[source.whole(0, others.len() as u32 - 1) as usize]
    }
}

/// A hole of one to 64 epochs of an eight-hour night, log-uniform, in the last third and never at
/// the end.
fn draw_hole(parameters: &Parameters, epochs: usize, source: &mut Source) -> Option<Range<usize>> {
    if !source.chance(parameters.quirks.hole) {
        return None;
    }
    let longest = (LONGEST_HOLE_EPOCHS * shrink(parameters)).max(1.0);
    let length = exp(source.uniform() * ln(longest)) as usize;
    let first = epochs * 2 / 3 + source.whole(0, epochs as u32 / 6) as usize;
    Some(first..(first + length).min(epochs - 1))
}

/// Joins epochs of one label that follow each other without a hole.
pub(crate) fn merge(epochs: &[Epoch]) -> Vec<Annotation> {
    let runs = epochs.chunk_by(|a, b| a.label == b.label);
    let annotation = |run: &[Epoch]| {
        run[0].label.map(|label| Annotation {
            onset_seconds: f64::from(run[0].onset_seconds),
            duration_seconds: f64::from(EPOCH_SECONDS) * run.len() as f64,
            text: label.text(),
        })
    };
    runs.filter_map(annotation).collect()
}

/// The marker channel and where it is in error.
pub(crate) struct Marker {
    /// At 10 Hz: baseline (the unit's number, 1 or 2), +32 while the button is pressed, −32 in
    /// error.
    pub samples: Vec<i16>,
    /// Marker samples in error; sorted by start, may overlap.
    pub errors: Vec<Range<usize>>,
}

/// Draws the marker of a night.
pub(crate) fn draw_marker(
    quirks: &Quirks,
    frame: &Frame,
    lights_off: ClockTime,
    source: &mut Source,
) -> Marker {
    let unit = if source.chance(0.5) { 1 } else { 2 };
    let mut samples = vec![unit; (frame.total_seconds * MARKER_RATE_HZ) as usize];
    for press in draw_presses(quirks, frame, lights_off, source) {
        let end = (press + PRESS_SAMPLES).min(samples.len());
        samples[press.min(end)..end].fill(unit + 32);
    }
    let errors = draw_errors(quirks, samples.len(), source);
    for error in &errors {
        samples[error.clone()].fill(unit - 32);
    }
    Marker { samples, errors }
}

fn draw_presses(
    quirks: &Quirks,
    frame: &Frame,
    lights_off: ClockTime,
    source: &mut Source,
) -> Vec<usize> {
    let per_second = quirks.presses_per_hour / 3600.0;
    let at_random = (0..frame.total_seconds).filter(|_| source.chance(per_second));
    let mut presses: Vec<usize> = at_random
        .map(|second| (second * MARKER_RATE_HZ) as usize)
        .collect();
    let dark = (lights_off.seconds() - frame.start.clock.seconds()).rem_euclid(86_400) as u32;
    if quirks.presses_per_hour > 0.0 && dark < frame.total_seconds {
        presses.push((dark * MARKER_RATE_HZ) as usize);
    }
    presses
}

fn draw_errors(quirks: &Quirks, samples: usize, source: &mut Source) -> Vec<Range<usize>> {
    let per_sample = quirks.errors_per_hour / (3600.0 * f64::from(MARKER_RATE_HZ));
    let mut errors = Vec::new();
    for start in 0..samples {
        if source.chance(per_sample) {
            let seconds = source.exponential(quirks.error_seconds).max(0.5);
            errors
                .push(start..(start + (seconds * f64::from(MARKER_RATE_HZ)) as usize).min(samples));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Purpose;

    fn epoch(index: u32, label: Option<Stage>) -> Epoch {
        Epoch {
            onset_seconds: 60 + 30 * index,
            stage: Stage::Two,
            label,
        }
    }

    #[test]
    fn runs_are_joined_but_not_over_a_hole() {
        let two = Some(Stage::Two);
        let labels = [two, two, None, two, Some(Stage::Rem)];
        let epochs: Vec<Epoch> = (0..)
            .zip(labels)
            .map(|(index, label)| epoch(index, label))
            .collect();
        let said: Vec<_> = merge(&epochs)
            .iter()
            .map(|run| (run.onset_seconds, run.duration_seconds, run.text))
            .collect();
        let expected = [
            (60.0, 60.0, "Sleep stage 2"),
            (150.0, 30.0, "Sleep stage 2"),
            (180.0, 30.0, "Sleep stage R"),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_mistaken_label_is_one_that_scorers_take_for_it() {
        use Stage::{Four, Movement, One, Rem, Three, Two, Wake};
        let mut source = Source::new(1, "x", Purpose::Labels);
        for (stage, others) in [
            (Wake, &[One][..]),
            (One, &[Wake, Two, Rem]),
            (Two, &[One, Three]),
            (Three, &[Two]),
            (Four, &[Three]),
            (Rem, &[One, Two]),
            (Movement, &[Movement]),
        ] {
            let drawn: Vec<Stage> = (0..200).map(|_| confused(stage, &mut source)).collect();
            assert!(
                drawn.iter().all(|label| others.contains(label)),
                "{stage:?}"
            );
            assert!(
                others.iter().all(|label| drawn.contains(label)),
                "{stage:?}"
            );
        }
    }

    #[test]
    fn movement_is_in_the_body_and_not_in_the_label_alone() {
        let mut parameters = Parameters::default();
        parameters.quirks.movement = 0.5;
        let mut stages = vec![Stage::Two; 400];
        let labels = draw_labels(
            &parameters,
            &mut stages,
            &mut Source::new(5, "x", Purpose::Labels),
        );
        let moves = |label: &Option<Stage>| *label == Some(Stage::Movement);
        assert!(labels.iter().any(moves));
        for (label, stage) in labels
            .iter()
            .zip(&stages)
            .filter(|(label, _)| label.is_some())
        {
            assert_eq!(moves(label), *stage == Stage::Movement);
        }
    }

    /// Parameters whose quirks of chance always happen.
    fn always(night_minutes: f64) -> Parameters {
        let quirks = Quirks {
            late_start: 1.0,
            hole: 1.0,
            ..Quirks::default()
        };
        Parameters {
            night_minutes,
            quirks,
            ..Parameters::default()
        }
    }

    #[test]
    fn holes_are_of_every_length_and_leave_the_last_epoch() {
        for (minutes, longest) in [(480.0, 64), (60.0, 8), (20.0, 2)] {
            let epochs = minutes as usize * 2;
            let mut source = Source::new(2, "x", Purpose::Labels);
            let hole = |_| draw_hole(&always(minutes), epochs, &mut source).expect("asked for");
            let holes: Vec<Range<usize>> = (0..2000).map(hole).collect();
            let lengths = || holes.iter().map(Range::len);
            assert_eq!((lengths().min(), lengths().max()), (Some(1), Some(longest)));
            let first = |hole: &Range<usize>| hole.start;
            assert_eq!(holes.iter().map(first).min(), Some(epochs * 2 / 3));
            assert!(holes.iter().all(|hole| hole.end < epochs));
        }
    }

    #[test]
    fn a_late_scoring_begins_when_the_lights_go_off() {
        let night = crate::night("ST7011").expect("the study has it");
        for (minutes, longest) in [(480.0, 25), (20.0, 2)] {
            let mut source = Source::new(3, "x", Purpose::Quirks);
            let frame = |_| draw_frame(&always(minutes), &night, 40, &mut source);
            let frames: Vec<Frame> = (0..500).map(frame).collect();
            let late = || frames.iter().map(|frame| frame.late_seconds);
            assert_eq!(late().min(), Some(EPOCH_SECONDS));
            assert_eq!(late().max(), Some(longest * EPOCH_SECONDS));
            for frame in &frames {
                let off = frame.start.clock.seconds() + i64::from(frame.late_seconds);
                assert_eq!(ClockTime::from_seconds(off), night.lights_off);
            }
        }
    }

    #[test]
    fn the_nights_of_a_subject_are_a_week_apart() {
        for pair in crate::nights().chunks(2) {
            let [first, second] =
                [&pair[0], &pair[1]].map(|night| (month_of(night), day_of(night)));
            assert_eq!((first.0, first.1 + 7), second);
        }
    }

    #[test]
    fn telemetry_errors_last_half_a_second_and_more() {
        let quirks = Quirks {
            errors_per_hour: 600.0,
            error_seconds: 0.5,
            ..Quirks::default()
        };
        let errors = draw_errors(&quirks, 360_000, &mut Source::new(4, "x", Purpose::Quirks));
        // Ten hours; 6000 are expected, with a standard deviation of 77.
        assert!((5700..6300).contains(&errors.len()), "{}", errors.len());
        let cut = |error: &Range<usize>| error.end == 360_000;
        assert!(errors.iter().all(|error| cut(error) || error.len() >= 5));
    }
}
