//! The signals an epoch is cut from.

use std::ops::Range;

use flow_contract::{NodeError, Observer};
use flow_edf::{EdfError, Recording};

use super::fate::Fate;

/// An epoch may reach beyond the signal by this much and still be covered, s.
pub const SLACK_SECONDS: f64 = 1e-6;

/// A modality and the labels its signal may have.
pub struct Channel<'a> {
    modality: &'a str,
    /// The labels to try in turn.
    pub labels: Vec<&'a str>,
}

impl<'a> Channel<'a> {
    /// Reads `EOG: EOG horizontal | EOG E1-M2`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (modality, labels) = text.split_once(": ")?;
        let labels: Vec<&str> = labels
            .split('|')
            .map(str::trim)
            .filter(|label| !label.is_empty())
            .collect();
        let modality = modality.trim();
        (!modality.is_empty() && !labels.is_empty()).then_some(Self { modality, labels })
    }
}

/// The chosen signals of a recording, at one rate.
pub struct Signals<'a> {
    psg: &'a Recording,
    chosen: Vec<Chosen>,
    marker: Option<usize>,
    rate_hz: f64,
}

struct Chosen {
    modality: String,
    index: usize,
    /// Factor to µV.
    microvolt: f32,
    /// How often a sample is repeated to reach the common rate.
    hold: usize,
}

impl<'a> Signals<'a> {
    /// Finds every channel's signal.
    ///
    /// All come out at the rate of the fastest; a slower one, such as the 1 Hz EMG envelope of the
    /// cassette study, is held from sample to sample, and the user is told.
    ///
    /// # Errors
    /// A channel without a signal, a rate that doesn't divide the fastest, an unknown unit.
    pub fn find(
        psg: &'a Recording,
        channels: &[Channel<'_>],
        marker: &str,
        observer: &dyn Observer,
    ) -> Result<Self, NodeError> {
        let found = channels
            .iter()
            .map(|channel| index(psg, channel))
            .collect::<Result<Vec<_>, _>>()?;
        let rates = found
            .iter()
            .map(|&index| rate(psg, index))
            .collect::<Result<Vec<_>, _>>()?;
        let rate_hz = rates.iter().copied().fold(0.0, f64::max);
        let mut chosen = Vec::new();
        for ((channel, index), rate) in channels.iter().zip(found).zip(rates) {
            let hold = (rate_hz / rate).round();
            let label = &psg.signals()[index].label;
            if (hold * rate - rate_hz).abs() > 1e-9 * rate_hz {
                return Err(NodeError::new(format!(
                    "`{label}` is sampled at {rate} Hz, which does not divide the {rate_hz} Hz of another channel"
                ))
                .help("choose channels of one rate, or resample the recording before"));
            }
            if hold > 1.0 {
                observer.warn(&format!(
                    "`{label}` is sampled at {rate} Hz; its samples are held to reach {rate_hz} Hz"
                ));
            }
            let microvolt = microvolt(psg, index)?;
            let modality = channel.modality.to_owned();
            chosen.push(Chosen {
                modality,
                index,
                microvolt,
                hold: hold as usize,
            });
        }
        let marker = match marker {
            "" => None,
            label => Some(labelled(psg, label)?.ok_or_else(|| no_marker(psg, label))?),
        };
        Ok(Self {
            psg,
            chosen,
            marker,
            rate_hz,
        })
    }

    /// How many channels.
    pub fn channels(&self) -> usize {
        self.chosen.len()
    }

    /// The modality of each channel.
    pub fn names(&self) -> Vec<&str> {
        self.chosen
            .iter()
            .map(|one| one.modality.as_str())
            .collect()
    }

    /// Whether the signals cover an epoch: [`Fate::Kept`], or why not.
    ///
    /// # Errors
    /// An epoch that is no whole number of samples.
    pub fn coverage(&self, onset: f64, seconds: f64) -> Result<Fate, NodeError> {
        for one in &self.chosen {
            if self.samples(one, onset, seconds)?.is_none() {
                let ends = self.psg.duration_seconds();
                let outside = onset < -SLACK_SECONDS || onset + seconds > ends + SLACK_SECONDS;
                return Ok(if outside {
                    Fate::OutsideSignal
                } else {
                    Fate::Gap
                });
            }
        }
        Ok(Fate::Kept)
    }

    /// Appends an epoch that the signals cover, `[channel, time]` in µV, if it can be used;
    /// else says why not and appends nothing.
    ///
    /// `flat` in µV: a channel whose largest and smallest value lie no further apart is flat.
    ///
    /// # Errors
    /// An epoch that is no whole number of samples, or a file that can't be read.
    pub fn append(
        &self,
        onset: f64,
        seconds: f64,
        flat: f64,
        x: &mut Vec<f32>,
    ) -> Result<Fate, NodeError> {
        let before = x.len();
        let mut fate = Fate::Kept;
        for one in &self.chosen {
            let Some(values) = self.values(one, onset, seconds)? else {
                fate = Fate::Gap;
                break;
            };
            fate = judged(&values, flat);
            if fate != Fate::Kept {
                break;
            }
            x.extend(
                values
                    .iter()
                    .flat_map(|value| std::iter::repeat_n(*value, one.hold)),
            );
        }
        if fate != Fate::Kept {
            x.truncate(before);
        }
        Ok(fate)
    }

    /// The first channel that is flat or not finite in an epoch.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn unusable(&self, onset: f64, seconds: f64, flat: f64) -> Result<Option<&str>, NodeError> {
        for (one, name) in self.chosen.iter().zip(self.names()) {
            let values = self.values(one, onset, seconds)?;
            if values.is_some_and(|values| judged(&values, flat) != Fate::Kept) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// A channel's values of an epoch in µV; `None` where they are not all there in one stretch.
    fn values(
        &self,
        one: &Chosen,
        onset: f64,
        seconds: f64,
    ) -> Result<Option<Vec<f32>>, NodeError> {
        let Some(samples) = self.samples(one, onset, seconds)? else {
            return Ok(None);
        };
        let mut values = vec![0.0_f32; samples.len()];
        self.psg
            .physical_into(one.index, samples.start, &mut values)
            .map_err(|error| self.at(one.index, onset, &error))?;
        values.iter_mut().for_each(|value| *value *= one.microvolt);
        Ok(Some(values))
    }

    /// The samples of an epoch; `None` where they are not all there in one stretch.
    fn samples(
        &self,
        one: &Chosen,
        onset: f64,
        seconds: f64,
    ) -> Result<Option<Range<usize>>, NodeError> {
        let wanted = (self.rate_hz * seconds / one.hold as f64).round();
        if (wanted * one.hold as f64 - self.rate_hz * seconds).abs() > 1e-6 {
            return Err(NodeError::new(format!(
                "an epoch of {seconds} s is no whole number of samples at {} Hz",
                self.rate_hz / one.hold as f64
            ))
            .at(&self.psg.signals()[one.index].label)
            .help("choose `seconds` such that it is"));
        }
        let spans = self
            .psg
            .spans(one.index, onset..onset + seconds)
            .map_err(|error| self.at(one.index, onset, &error))?;
        let [span] = spans.as_slice() else {
            return Ok(None);
        };
        Ok((span.samples.len() == wanted as usize).then(|| span.samples.clone()))
    }

    /// Whether the marker is negative anywhere in an epoch.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn marker_is_negative(&self, onset: f64, seconds: f64) -> Result<bool, NodeError> {
        let Some(marker) = self.marker else {
            return Ok(false);
        };
        let at = |error: EdfError| self.at(marker, onset, &error);
        let spans = self.psg.spans(marker, onset..onset + seconds).map_err(at)?;
        for span in spans {
            let values = self.psg.physical(marker, span.samples).map_err(at)?;
            if values.iter().any(|value| *value < 0.0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn at(&self, signal: usize, onset: f64, error: &EdfError) -> NodeError {
        let label = &self.psg.signals()[signal].label;
        NodeError::new(format!("`{label}` can't be read at {onset} s")).because(error)
    }
}

/// Whether a channel's values can be used.
fn judged(values: &[f32], flat: f64) -> Fate {
    if values.iter().any(|value| !value.is_finite()) {
        return Fate::NotFinite;
    }
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if f64::from(most) - f64::from(least) <= flat {
        return Fate::Flat;
    }
    Fate::Kept
}

fn index(psg: &Recording, channel: &Channel<'_>) -> Result<usize, NodeError> {
    for label in &channel.labels {
        if let Some(index) = labelled(psg, label)? {
            return Ok(index);
        }
    }
    let wanted = channel.labels.join("`, `");
    Err(NodeError::new(format!(
        "there is no signal `{wanted}` for the modality {}",
        channel.modality
    ))
    .because(labels(psg))
    .help("name one of these in `channels`"))
}

/// The only signal of a label, or the one that its number says; `None` where there is none.
///
/// # Errors
/// Several signals of the label.
fn labelled(psg: &Recording, label: &str) -> Result<Option<usize>, NodeError> {
    match psg.signal_index(label) {
        Ok(index) => Ok(Some(index)),
        Err(EdfError::NoSuchSignal { .. }) => Ok(numbered(psg, label)),
        Err(EdfError::AmbiguousLabel { indices, .. }) => {
            let count = indices.len();
            let what = format!("{count} signals are labelled `{label}`");
            let help = format!("say which one: `{label}#1` to `{label}#{count}`");
            Err(NodeError::new(what).help(help))
        }
        Err(error) => Err(NodeError::new(error)),
    }
}

/// The signal that `Chin#2` means, the second of those labelled `Chin`.
fn numbered(psg: &Recording, text: &str) -> Option<usize> {
    let (label, number) = text.rsplit_once('#')?;
    let before = number.parse::<usize>().ok()?.checked_sub(1)?;
    let signals = psg.signals().iter().enumerate();
    let mut named = signals.filter(|(_, signal)| signal.label == label);
    named.nth(before).map(|(index, _)| index)
}

fn no_marker(psg: &Recording, marker: &str) -> NodeError {
    NodeError::new(format!("there is no signal `{marker}` to be the marker"))
        .because(labels(psg))
        .help("name one of these in `marker`, or use \"\" for none")
}

fn labels(psg: &Recording) -> String {
    let labels: Vec<&str> = psg.signals().iter().map(|one| one.label.as_str()).collect();
    format!("the recording has `{}`", labels.join("`, `"))
}

fn rate(psg: &Recording, index: usize) -> Result<f64, NodeError> {
    let signal = &psg.signals()[index];
    signal.rate_hz.filter(|rate| *rate > 0.0).ok_or_else(|| {
        let why = match signal.samples_per_record {
            0 => "the file's data records hold no samples of it",
            _ => "the file's data records have no duration",
        };
        NodeError::new(format!("`{}` has no sampling rate", signal.label)).because(why)
    })
}

fn microvolt(psg: &Recording, index: usize) -> Result<f32, NodeError> {
    let signal = &psg.signals()[index];
    match signal.dimension.trim() {
        // A file that doesn't say is taken at its word by every reader; µV is what sleep files use.
        "uV" | "µV" | "μV" | "" => Ok(1.0),
        "nV" => Ok(1e-3),
        "mV" => Ok(1e3),
        "V" => Ok(1e6),
        other => Err(
            NodeError::new(format!("`{}` is in `{other}`, not in volts", signal.label))
                .help("choose channels in nV, uV, mV or V"),
        ),
    }
}
