//! The signals an epoch is cut from.

use flow_contract::{NodeError, Observer};
use flow_edf::{EdfError, Recording};

/// A modality and the labels its signal may have.
pub struct Channel<'a> {
    modality: &'a str,
    labels: Vec<&'a str>,
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
                .help("choose channels of one rate"));
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
        let marker = if marker.is_empty() {
            None
        } else {
            Some(psg.signal_index(marker).map_err(|e| missing(psg, &e))?)
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

    /// Appends an epoch, `[channel, time]` in µV; false, and nothing appended, where the signals
    /// don't cover it without a gap.
    ///
    /// # Errors
    /// An epoch that is no whole number of samples, or a file that can't be read.
    pub fn append(&self, onset: f64, seconds: f64, x: &mut Vec<f32>) -> Result<bool, NodeError> {
        let before = x.len();
        for one in &self.chosen {
            let wanted = (self.rate_hz * seconds / one.hold as f64).round();
            if (wanted * one.hold as f64 - self.rate_hz * seconds).abs() > 1e-6 {
                return Err(NodeError::new(format!(
                    "an epoch of {seconds} s is no whole number of samples at {} Hz",
                    self.rate_hz / one.hold as f64
                )));
            }
            let wanted = wanted as usize;
            let spans = self
                .psg
                .spans(one.index, onset..onset + seconds)
                .map_err(NodeError::new)?;
            let [span] = spans.as_slice() else {
                x.truncate(before);
                return Ok(false);
            };
            if span.samples.len() != wanted {
                x.truncate(before);
                return Ok(false);
            }
            let values = self
                .psg
                .physical(one.index, span.samples.clone())
                .map_err(NodeError::new)?;
            let scaled = values.iter().map(|value| *value as f32 * one.microvolt);
            x.extend(scaled.flat_map(|value| std::iter::repeat_n(value, one.hold)));
        }
        Ok(true)
    }

    /// Whether the marker is negative anywhere in an epoch.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn marker_is_negative(&self, onset: f64, seconds: f64) -> Result<bool, NodeError> {
        let Some(marker) = self.marker else {
            return Ok(false);
        };
        let spans = self
            .psg
            .spans(marker, onset..onset + seconds)
            .map_err(NodeError::new)?;
        for span in spans {
            let values = self
                .psg
                .physical(marker, span.samples)
                .map_err(NodeError::new)?;
            if values.iter().any(|value| *value < 0.0) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn index(psg: &Recording, channel: &Channel<'_>) -> Result<usize, NodeError> {
    for label in &channel.labels {
        match psg.signal_index(label) {
            Ok(index) => return Ok(index),
            Err(EdfError::NoSuchSignal { .. }) => {}
            Err(error) => return Err(NodeError::new(error)),
        }
    }
    let wanted = channel.labels.join("`, `");
    let labels: Vec<&str> = psg
        .signals()
        .iter()
        .map(|signal| signal.label.as_str())
        .collect();
    Err(NodeError::new(format!(
        "there is no signal `{wanted}` for the modality {}",
        channel.modality
    ))
    .because(format!("the recording has `{}`", labels.join("`, `")))
    .help("name one of these in `channels`"))
}

fn missing(psg: &Recording, error: &EdfError) -> NodeError {
    let labels: Vec<&str> = psg
        .signals()
        .iter()
        .map(|signal| signal.label.as_str())
        .collect();
    NodeError::new(error).help(format!(
        "the recording has `{}`; use `marker = \"\"` for none",
        labels.join("`, `")
    ))
}

fn rate(psg: &Recording, index: usize) -> Result<f64, NodeError> {
    let signal = &psg.signals()[index];
    signal.rate_hz.filter(|rate| *rate > 0.0).ok_or_else(|| {
        NodeError::new(format!("`{}` has no sampling rate", signal.label))
            .because("the file's data records have no duration")
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
