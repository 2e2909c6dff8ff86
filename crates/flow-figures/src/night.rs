//! Fig. 3: one night over time: stages, signals and relevance shares.

mod hypnogram;
mod shares;
mod signals;
mod timeline;

use crate::axes;
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::{fixed, plural};
use crate::page::{Key, Page};
use crate::scene::{Area, Scene, fill, stroke};
use crate::style::{FULL, INK, Look, MARGIN, MOST_MODALITIES, SMALL, VERMILLION, looks};
use crate::text::Font;
use timeline::Timeline;

/// Most classes in a hypnogram.
const MOST_CLASSES: usize = 12;
/// Most signals.
const MOST_SIGNALS: usize = 8;
/// Most epochs: a week of 30 s.
const MOST_EPOCHS: usize = 20_160;
/// Space between panels.
const GAP: f64 = 7.0;

/// One recording under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Night {
    /// Title; may be empty.
    pub title: String,
    /// Name of the recording.
    pub recording: String,
    /// Name of the rule.
    pub rule: String,
    /// Length of every epoch, seconds, above 0.
    pub epoch_seconds: f64,
    /// Names of the classes, 1 to 12; `R` or `REM` is drawn right under `W`.
    pub classes: Vec<String>,
    /// Names of the modalities, 1 to 8.
    pub modalities: Vec<String>,
    /// The epochs kept, ascending in time; what was dropped is simply not here.
    pub epochs: Vec<NightEpoch>,
    /// Signals of the kept epochs, at most 8; may be empty.
    pub signals: Vec<Signal>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct NightEpoch {
    /// Start, seconds since the start of the recording.
    pub onset_seconds: f64,
    /// Position of the true class, if it was scored.
    pub true_class: Option<usize>,
    /// Position of the predicted class, if there is a prediction.
    pub predicted_class: Option<usize>,
    /// Percent of absolute relevance per modality, if defined.
    pub shares: Option<Vec<f64>>,
}

/// A signal, cut into epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Name: `EEG`, or `motion 2`.
    pub name: String,
    /// Position of the modality whose colour it has, if it is of one.
    pub modality: Option<usize>,
    /// Unit: `µV`, or `SD` for z-scores.
    pub unit: String,
    /// Samples of every epoch, at least 1.
    pub samples_per_epoch: usize,
    /// `[epoch × sample]`, epoch by epoch.
    pub samples: Vec<f32>,
}

/// Draws true and predicted hypnogram, signals and stacked shares over one time axis.
///
/// Signals are shown as least and greatest sample per column of 0.5 pt. Times without an epoch stay
/// hatched in every panel.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`], [`FigureError::OutOfRange`] and [`FigureError::Unordered`], each with
/// the field at fault.
pub fn night(input: &Night) -> Result<Figure, FigureError> {
    check_input(input)?;
    let looks = looks(&input.modalities);
    let mut page = Page::new(FULL, &input.title, &subtitle(input));
    page.legend(&legend(input, &looks));
    let left = MARGIN + gutter(input);
    let body = Area::new(left, page.y, FULL - MARGIN - left, 0.0);
    let timeline = Timeline::new(input, body);
    let mut column = Column {
        timeline,
        body,
        y: page.y,
        scene: &mut page.scene,
    };
    hypnogram::draw(&mut column, input);
    signals::draw(&mut column, input, &looks);
    shares::draw(&mut column, input, &looks);
    page.y = column.close();
    Ok(page.finish(&note(input), &description(input)))
}

/// The stack of panels while it grows downwards.
struct Column<'a> {
    scene: &'a mut Scene,
    timeline: Timeline,
    body: Area,
    y: f64,
}

impl Column<'_> {
    /// Takes the next panel: grid lines and hatched gaps are already in it.
    fn panel(&mut self, height: f64) -> Area {
        let area = Area {
            top: self.y,
            height,
            ..self.body
        };
        self.y += height + GAP;
        for gap in self.timeline.gaps() {
            self.scene.hatch(Area {
                left: gap.0,
                width: gap.1 - gap.0,
                ..area
            });
        }
        axes::x_grid(self.scene, area, &self.timeline.axis, &self.timeline.ticks);
        area
    }

    /// Labels the time axis under the last panel; gives the bottom.
    fn close(self) -> f64 {
        let height = self.y - GAP - self.body.top;
        let area = Area {
            height,
            ..self.body
        };
        axes::x_labels(self.scene, area, &self.timeline.axis, &self.timeline.ticks);
        axes::x_title(self.scene, area, &self.timeline.title());
        area.bottom() + axes::TICK_ROW + axes::TITLE_ROW
    }
}

fn check_input(input: &Night) -> Result<(), FigureError> {
    check::not_empty("classes", &input.classes)?;
    check::at_most("classes", &input.classes, MOST_CLASSES)?;
    check::not_empty("modalities", &input.modalities)?;
    check::at_most("modalities", &input.modalities, MOST_MODALITIES)?;
    check::not_empty("epochs", &input.epochs)?;
    check::at_most("epochs", &input.epochs, MOST_EPOCHS)?;
    check::at_most("signals", &input.signals, MOST_SIGNALS)?;
    check::within("epoch_seconds", &[input.epoch_seconds], 1e-3, 1e6)?;
    check_epochs(input)?;
    let modalities = input.modalities.len();
    for (i, signal) in input.signals.iter().enumerate() {
        check_signal(signal, input.epochs.len())?;
        let modality = signal.modality;
        modality.map_or(Ok(()), |modality| {
            check::position("signals.modality", i, modality, modalities)
        })?;
    }
    Ok(())
}

fn check_epochs(input: &Night) -> Result<(), FigureError> {
    let onsets: Vec<f64> = input.epochs.iter().map(|e| e.onset_seconds).collect();
    check::within("epochs.onset_seconds", &onsets, -1e9, 1e9)?;
    // A millisecond of overlap is rounding of onsets.
    let shortest = input.epoch_seconds - 1e-3;
    if let Some(i) = onsets.windows(2).position(|w| w[1] - w[0] < shortest) {
        return Err(FigureError::Unordered {
            what: "epochs.onset_seconds",
            index: i + 1,
        });
    }
    let classes = input.classes.len();
    for (i, epoch) in input.epochs.iter().enumerate() {
        for (what, class) in [
            ("epochs.true_class", epoch.true_class),
            ("epochs.predicted_class", epoch.predicted_class),
        ] {
            class.map_or(Ok(()), |class| check::position(what, i, class, classes))?;
        }
        if let Some(shares) = &epoch.shares {
            check::length("epochs.shares", shares, input.modalities.len())?;
            check::percent("epochs.shares", shares)?;
            check::within(
                "sum of epochs.shares",
                &[shares.iter().sum()],
                -1e-6,
                100.01,
            )?;
        }
    }
    Ok(())
}

fn check_signal(signal: &Signal, epochs: usize) -> Result<(), FigureError> {
    if signal.samples_per_epoch == 0 {
        return Err(FigureError::Empty {
            what: "signals.samples_per_epoch",
        });
    }
    let want = signal.samples_per_epoch.saturating_mul(epochs);
    check::length("signals.samples", &signal.samples, want)?;
    let bad = signal
        .samples
        .iter()
        .position(|s| !s.is_finite() || s.abs() > 1e30);
    bad.map_or(Ok(()), |index| {
        let value = f64::from(signal.samples[index]);
        Err(FigureError::NotFinite {
            what: "signals.samples",
            index,
            value,
        })
    })
}

/// Room for the classes' names, tick labels and turned panel titles.
fn gutter(input: &Night) -> f64 {
    let font = Font::regular(SMALL);
    let names = font.widest(
        input
            .classes
            .iter()
            .map(|name| font.shorten(name, hypnogram::NAMES)),
    );
    names.max(font.width("−0.0000")) + 16.0
}

fn subtitle(input: &Night) -> String {
    let mut parts = Vec::new();
    if !input.recording.is_empty() {
        parts.push(format!("Recording {}", input.recording));
    }
    if !input.rule.is_empty() {
        parts.push(format!("rule {}", input.rule));
    }
    parts.push(agreement(input));
    parts.join(" · ")
}

/// Epochs with both a true and a predicted class, and those of them that agree.
fn judged(input: &Night) -> (usize, usize) {
    let pairs = input
        .epochs
        .iter()
        .filter_map(|e| e.true_class.zip(e.predicted_class));
    let correct = pairs
        .clone()
        .filter(|(truth, predicted)| truth == predicted)
        .count();
    (pairs.count(), correct)
}

fn agreement(input: &Night) -> String {
    let n = plural(input.epochs.len(), "epoch");
    match judged(input) {
        (0, _) => format!("n = {n}"),
        (all, correct) => {
            let accuracy = fixed(100.0 * correct as f64 / all as f64, 1);
            format!("n = {n}, accuracy {accuracy} %")
        }
    }
}

fn legend(input: &Night, looks: &[Look]) -> Vec<(Key, String)> {
    let named = looks.iter().zip(&input.modalities);
    let mut entries: Vec<_> = named
        .map(|(l, name)| (Key::Patch(fill(l.colour)), name.clone()))
        .collect();
    entries.push((Key::Line(stroke(INK, 1.0)), class_words(&input.classes)));
    entries.push((
        Key::Line(stroke(VERMILLION, 2.2)),
        "wrong prediction".to_owned(),
    ));
    if timeline::missing_seconds(input) > 1e-3 {
        entries.push((Key::Hatch, "no epoch".to_owned()));
    }
    entries
}

fn class_words(classes: &[String]) -> String {
    match hypnogram::rem(classes) {
        Some(rem) => format!("stage ({}: thick)", classes[rem]),
        None => "class".to_owned(),
    }
}

fn note(input: &Night) -> String {
    let mut words = Vec::new();
    let missing = timeline::missing_seconds(input);
    if missing > 1e-3 {
        let n = (missing / input.epoch_seconds).round() as usize;
        words.push(format!(
            "Hatched: no epoch (dropped or not scored), {} long in all.",
            plural(n, "epoch")
        ));
    }
    let undefined = input.epochs.iter().filter(|e| e.shares.is_none()).count();
    if undefined > 0 {
        words.push(format!(
            "Shares undefined in {}.",
            plural(undefined, "epoch")
        ));
    }
    if !input.signals.is_empty() {
        words.push(
            "Signals: least to greatest sample per column; cut at the 99th percentile of these."
                .into(),
        );
    }
    words.push(format!(
        "Shares per epoch of {} s, stacked.",
        crate::number::brief(input.epoch_seconds, 4)
    ));
    words.join(" ")
}

fn description(input: &Night) -> String {
    let (all, correct) = judged(input);
    let mut words = vec![format!(
        "Recording {} under rule {}: {}; {correct} of {all} predictions correct.",
        input.recording,
        input.rule,
        agreement(input)
    )];
    for (m, name) in input.modalities.iter().enumerate() {
        let shares: Vec<f64> = input
            .epochs
            .iter()
            .filter_map(|e| Some(e.shares.as_ref()?[m]))
            .collect();
        if !shares.is_empty() {
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            words.push(format!("{name}: mean share {} %.", fixed(mean, 1)));
        }
    }
    words.join(" ")
}
