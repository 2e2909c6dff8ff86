//! Writes EDF, EDF+C/D, BDF and BDF+C/D files: strict, and the same bytes for the same input.

mod encode;
mod error;
mod header;
mod notes;
mod number;
mod signal;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

pub use error::WriteError;
pub use notes::AnnotationSet;
pub use number::widest_fit;
pub use signal::{NewSignal, Samples};

use crate::{
    format::{Format, Layout},
    start::Start,
    tal::FARTHEST_SECONDS,
};
use notes::{Clock, Packed};
use signal::Checked;

/// Puts a file together: what its header says, its signals, its annotations.
///
/// Nothing is written before everything is checked.
#[derive(Clone, Debug)]
pub struct EdfWriter<'a> {
    format: Format,
    record_seconds: f64,
    patient: String,
    recording: Option<String>,
    start: Start,
    signals: Vec<NewSignal<'a>>,
    sets: Vec<AnnotationSet>,
    onsets: Option<Vec<f64>>,
}

impl<'a> EdfWriter<'a> {
    /// Starts a file of `record_seconds` a data record; 0 for a file that holds annotations alone.
    #[must_use]
    pub fn new(format: Format, record_seconds: f64) -> Self {
        Self {
            format,
            record_seconds,
            patient: "X X X X".to_owned(),
            recording: None,
            start: Start::default(),
            signals: Vec::new(),
            sets: Vec::new(),
            onsets: None,
        }
    }

    /// Sets who was recorded, at most 80 characters; EDF+ wants `code sex birthdate name`, `X` for what is left out.
    #[must_use]
    pub fn patient(mut self, text: impl Into<String>) -> Self {
        self.patient = text.into();
        self
    }

    /// Sets what the recording is, at most 80 characters; by default `Startdate dd-MMM-yyyy X X X`.
    #[must_use]
    pub fn recording(mut self, text: impl Into<String>) -> Self {
        self.recording = Some(text.into());
        self
    }

    /// Sets when the first sample was taken; what is left out is written as 1985-01-01 and 00:00:00.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Adds a signal.
    #[must_use]
    pub fn signal(mut self, signal: NewSignal<'a>) -> Self {
        self.signals.push(signal);
        self
    }

    /// Adds an annotation signal; a plus format gets an empty one if none is added.
    #[must_use]
    pub fn annotations(mut self, set: AnnotationSet) -> Self {
        self.sets.push(set);
        self
    }

    /// Sets when each data record of a discontinuous file begins, seconds from the first sample, so 0 first.
    #[must_use]
    pub fn record_onsets(mut self, onsets: impl Into<Vec<f64>>) -> Self {
        self.onsets = Some(onsets.into());
        self
    }

    /// Makes the file in memory.
    ///
    /// # Errors
    /// A [`WriteError`] that says what the format can't hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes the file to `path`, over one that may be there; a failed write may leave a part of it.
    ///
    /// # Errors
    /// A [`WriteError`] that says what the format can't hold, or what the system refused to write.
    pub fn write_file(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        let plan = self.plan()?;
        let path = path.as_ref();
        let write = || {
            let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
            plan.write(&mut file)?;
            file.flush()
        };
        write().map_err(|source| WriteError::Io {
            path: Some(path.to_owned()),
            source,
        })
    }

    /// Writes the file to anything, record by record.
    ///
    /// # Errors
    /// A [`WriteError`] that says what the format can't hold, or what the writer refused.
    pub fn write_to(&self, out: &mut impl Write) -> Result<(), WriteError> {
        let plan = self.plan()?;
        plan.write(out)
            .map_err(|source| WriteError::Io { path: None, source })
    }

    fn plan(&self) -> Result<Plan<'_>, WriteError> {
        if !self.record_seconds.is_finite() || self.record_seconds < 0.0 {
            return Err(WriteError::RecordSeconds {
                seconds: self.record_seconds,
            });
        }
        let check = |signal| Checked::new(signal, self.format.width);
        let signals: Vec<_> = self.signals.iter().map(check).collect::<Result<_, _>>()?;
        let records = self.records(&signals)?;
        let onsets = self.onsets(records)?;
        let packed = self.pack(onsets)?;
        let header = header::bytes(self, &signals, &packed, records)?;
        Ok(Plan {
            format: self.format,
            header,
            signals,
            packed,
            records,
        })
    }

    /// The number of data records that all signals agree on.
    fn records(&self, signals: &[Checked<'_>]) -> Result<usize, WriteError> {
        let given = self.onsets.as_ref().map(Vec::len);
        let Some(first) = signals.first() else {
            return match self.format.is_plus() {
                true => Ok(given.unwrap_or(1)),
                false => Err(WriteError::NothingToWrite),
            };
        };
        if self.record_seconds == 0.0 {
            return Err(WriteError::SignalsNeedTime);
        }
        let records = first.records();
        match signals.iter().find(|signal| signal.records() != records) {
            None => Ok(records),
            Some(other) => Err(WriteError::RecordsDisagree {
                label: first.signal.label.clone(),
                records,
                other: other.signal.label.clone(),
                other_records: other.records(),
            }),
        }
    }

    /// The onset of each record, seconds from the first sample.
    fn onsets(&self, records: usize) -> Result<Vec<f64>, WriteError> {
        let regular = || {
            (0..records)
                .map(|record| record as f64 * self.record_seconds)
                .collect()
        };
        match (self.format.layout, &self.onsets) {
            (Layout::Discontinuous, Some(onsets)) => {
                self.check_onsets(onsets, records).map(|()| onsets.clone())
            }
            (Layout::Discontinuous, None) => Err(WriteError::OnsetsCount { given: 0, records }),
            (_, Some(_)) => Err(WriteError::OnsetsNeedDiscontinuous {
                format: self.format,
            }),
            (_, None) => Ok(regular()),
        }
    }

    fn check_onsets(&self, onsets: &[f64], records: usize) -> Result<(), WriteError> {
        if onsets.len() != records {
            return Err(WriteError::OnsetsCount {
                given: onsets.len(),
                records,
            });
        }
        let mut earliest = 0.0;
        for (record, &onset) in onsets.iter().enumerate() {
            // A nanosecond of leeway for the binary noise of sums.
            let fits = if record == 0 {
                onset == 0.0
            } else {
                onset >= earliest - 1e-9
            };
            if !fits || onset > FARTHEST_SECONDS {
                return Err(WriteError::OnsetTooEarly {
                    record,
                    onset,
                    earliest,
                });
            }
            earliest = onset + self.record_seconds;
        }
        Ok(())
    }

    fn pack(&self, onsets: Vec<f64>) -> Result<Vec<Packed>, WriteError> {
        let nanosecond = self.start.time.map_or(0, |time| time.nanosecond());
        if !self.format.is_plus() {
            return match (self.sets.is_empty(), nanosecond) {
                (true, 0) => Ok(Vec::new()),
                (true, _) => Err(WriteError::SubsecondNeedsPlus {
                    format: self.format,
                }),
                (false, _) => Err(WriteError::AnnotationsNeedPlus {
                    format: self.format,
                }),
            };
        }
        let clock = Clock {
            onsets,
            offset: f64::from(nanosecond) / 1e9,
        };
        let empty = [AnnotationSet::default()];
        let sets = if self.sets.is_empty() {
            &empty[..]
        } else {
            &self.sets
        };
        let width = self.format.width;
        let pack = |(place, set)| notes::pack(set, place, &clock, width);
        sets.iter().enumerate().map(pack).collect()
    }
}

/// A file that is known to be writable.
struct Plan<'a> {
    format: Format,
    header: Vec<u8>,
    signals: Vec<Checked<'a>>,
    packed: Vec<Packed>,
    records: usize,
}

impl Plan<'_> {
    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(&self.header)?;
        let mut bytes = Vec::new();
        for record in 0..self.records {
            bytes.clear();
            for signal in &self.signals {
                encode::record(signal, record, self.format.width, &mut bytes);
            }
            for packed in &self.packed {
                packed.append(record, &mut bytes);
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}
