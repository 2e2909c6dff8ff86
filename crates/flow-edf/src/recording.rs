//! A recording open for reading.

use std::{
    ops::Range,
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::{
    bytes::Bytes,
    decode::{self, Real},
    error::{EdfError, Origin},
    header::{self, Header, Track},
    identity::{Patient, RecordingInfo},
    notes::{self, Notes},
    signal::Signal,
    start::Start,
    tal::Annotation,
    timeline::{Gap, Run, Span},
    warning::Warning,
};

/// An EDF, EDF+, BDF or BDF+ recording.
///
/// Opening reads the header and the first annotation alone. Samples are decoded when asked for, from the
/// records concerned; annotations are read on the first question about them, once. A clone is cheap and
/// shares everything.
#[derive(Clone, Debug)]
pub struct Recording {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bytes: Bytes,
    origin: Origin,
    header: Header,
    signals: Vec<Signal>,
    tracks: Vec<Track>,
    warnings: Vec<Warning>,
    first_onset: f64,
    notes: OnceLock<Notes>,
}

impl Recording {
    /// Opens a file by mapping it into memory.
    ///
    /// Nobody may shorten the file while the recording lives: reading a page that is gone kills the process
    /// on most systems. Where that can't be promised, read the file and use [`Recording::from_bytes`].
    ///
    /// # Errors
    /// [`EdfError::Open`], [`EdfError::NotEdf`], [`EdfError::HeaderTruncated`], [`EdfError::Unreadable`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EdfError> {
        let path = path.as_ref();
        let bytes = Bytes::map(path).map_err(|source| EdfError::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(bytes, Origin::File(path.to_owned()))
    }

    /// Reads a recording from the bytes of a file: a vector, or whatever else keeps bytes, such as a map.
    ///
    /// They are not copied, and must stay as they are: [`AsRef::as_ref`] has to give the same bytes each time.
    ///
    /// # Errors
    /// [`EdfError::NotEdf`], [`EdfError::HeaderTruncated`], [`EdfError::Unreadable`].
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, EdfError> {
        Self::parse(Bytes::held(bytes), Origin::Memory)
    }

    fn parse(bytes: Bytes, origin: Origin) -> Result<Self, EdfError> {
        let parsed = header::parse(bytes.as_slice(), &origin)?;
        let header::Parsed {
            header,
            signals,
            tracks,
            mut warnings,
        } = parsed;
        let first_onset = notes::first_onset(bytes.as_slice(), &header, &tracks);
        if !(0.0..1.0).contains(&first_onset) {
            warnings.push(Warning::FirstRecordLate {
                seconds: first_onset,
            });
        }
        let notes = OnceLock::new();
        let inner = Inner {
            bytes,
            origin,
            header,
            signals,
            tracks,
            warnings,
            first_onset,
            notes,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What the header says of the file as a whole.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// The signals in file order, annotation signals left out; their indices are what the other methods take.
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.inner.signals
    }

    /// Who was recorded.
    #[must_use]
    pub fn patient(&self) -> &Patient {
        &self.inner.header.patient
    }

    /// What the recording is.
    #[must_use]
    pub fn info(&self) -> &RecordingInfo {
        &self.inner.header.info
    }

    /// When the first sample was taken; the recording field's four-digit year goes before the start date's two.
    #[must_use]
    pub fn start(&self) -> Start {
        let header = &self.inner.header;
        let date = header.info.startdate.or(header.start_date);
        Start {
            date,
            time: header.start_time,
        }
        .plus_seconds(self.inner.first_onset)
    }

    /// Whatever breaks the standard and was put up with; reads the annotations for it.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.inner.warnings.iter().chain(&self.notes().warnings)
    }

    /// The annotations by onset, in file order where onsets are equal; time-keeping ones left out.
    #[must_use]
    pub fn annotations(&self) -> &[Annotation] {
        &self.notes().annotations
    }

    /// When each data record begins, `[records]`, seconds from the first sample.
    #[must_use]
    pub fn record_onsets(&self) -> Vec<f64> {
        self.notes().timeline.onsets()
    }

    /// The stretches of records without a gap: one for a continuous file, none for one without records.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        self.notes().timeline.runs()
    }

    /// The holes of a discontinuous recording.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.notes().timeline.gaps()
    }

    /// Seconds from the first sample to the end of the last record, gaps included.
    #[must_use]
    pub fn duration_seconds(&self) -> f64 {
        self.notes().timeline.end()
    }

    /// Seconds of signal, gaps left out: records × seconds of a record.
    #[must_use]
    pub fn recorded_seconds(&self) -> f64 {
        self.inner.header.records as f64 * self.inner.header.record_seconds
    }

    /// The index of the only signal with this label.
    ///
    /// # Errors
    /// [`EdfError::NoSuchSignal`], [`EdfError::AmbiguousLabel`].
    pub fn signal_index(&self, label: &str) -> Result<usize, EdfError> {
        let (origin, label) = (self.inner.origin.clone(), label.to_owned());
        match self.signal_indices(&label).as_slice() {
            [index] => Ok(*index),
            [] => {
                let has = self
                    .signals()
                    .iter()
                    .map(|signal| signal.label.clone())
                    .collect();
                Err(EdfError::NoSuchSignal { origin, label, has })
            }
            several => Err(EdfError::AmbiguousLabel {
                origin,
                label,
                indices: several.to_vec(),
            }),
        }
    }

    /// The indices of all signals with this label, in file order.
    #[must_use]
    pub fn signal_indices(&self, label: &str) -> Vec<usize> {
        let signals = self.signals().iter().enumerate();
        signals
            .filter(|(_, signal)| signal.label == label)
            .map(|(index, _)| index)
            .collect()
    }

    /// The samples of a signal taken at `seconds.start ≤ time < seconds.end`, one span for each run they touch.
    ///
    /// Seconds count from the first sample; a sample within a millionth of a sampling interval of a bound
    /// counts as being at it.
    ///
    /// # Errors
    /// [`EdfError::NoSignalAt`].
    pub fn spans(&self, signal: usize, seconds: Range<f64>) -> Result<Vec<Span>, EdfError> {
        Ok(self.notes().timeline.spans(self.signal(signal)?, &seconds))
    }

    /// Physical values of samples of a signal, in the signal's own dimension; the formula is [`Scaling`](crate::Scaling)'s.
    ///
    /// Samples count through all records from 0, whatever gaps there are.
    ///
    /// # Errors
    /// [`EdfError::NoSignalAt`], [`EdfError::NoSuchSamples`].
    pub fn physical(&self, signal: usize, samples: Range<usize>) -> Result<Vec<f64>, EdfError> {
        let (signal, width) = (
            self.check(signal, &samples)?,
            self.inner.header.format.width,
        );
        let mut values = Vec::with_capacity(samples.len());
        self.each_piece(signal, samples, |bytes, _| {
            decode::physical(bytes, width, signal.scaling, &mut values);
        });
        Ok(values)
    }

    /// Writes the physical values of the samples from `start` on into `values`, as many as fit there exactly.
    ///
    /// # Errors
    /// [`EdfError::NoSignalAt`], [`EdfError::NoSuchSamples`]; `values` is then untouched.
    pub fn physical_into<R: Real>(
        &self,
        signal: usize,
        start: usize,
        values: &mut [R],
    ) -> Result<(), EdfError> {
        let samples = start..start.saturating_add(values.len());
        let (signal, width) = (
            self.check(signal, &samples)?,
            self.inner.header.format.width,
        );
        self.each_piece(signal, samples, |bytes, place| {
            decode::physical(bytes, width, signal.scaling, &mut values[place]);
        });
        Ok(())
    }

    /// Digital values of samples of a signal, as they are stored.
    ///
    /// # Errors
    /// [`EdfError::NoSignalAt`], [`EdfError::NoSuchSamples`].
    pub fn digital(&self, signal: usize, samples: Range<usize>) -> Result<Vec<i32>, EdfError> {
        let (signal, width) = (
            self.check(signal, &samples)?,
            self.inner.header.format.width,
        );
        let mut values = Vec::with_capacity(samples.len());
        self.each_piece(signal, samples, |bytes, _| {
            decode::digital(bytes, width, &mut values)
        });
        Ok(values)
    }

    /// Writes the digital values of the samples from `start` on into `values`, as many as fit there exactly.
    ///
    /// # Errors
    /// [`EdfError::NoSignalAt`], [`EdfError::NoSuchSamples`]; `values` is then untouched.
    pub fn digital_into(
        &self,
        signal: usize,
        start: usize,
        values: &mut [i32],
    ) -> Result<(), EdfError> {
        let samples = start..start.saturating_add(values.len());
        let (signal, width) = (
            self.check(signal, &samples)?,
            self.inner.header.format.width,
        );
        self.each_piece(signal, samples, |bytes, place| {
            decode::digital(bytes, width, &mut values[place]);
        });
        Ok(())
    }

    fn notes(&self) -> &Notes {
        let Inner {
            bytes,
            header,
            tracks,
            first_onset,
            notes,
            ..
        } = &*self.inner;
        notes.get_or_init(|| notes::scan(bytes.as_slice(), header, tracks, *first_onset))
    }

    fn signal(&self, index: usize) -> Result<&Signal, EdfError> {
        let signals = self.signals().len();
        self.signals()
            .get(index)
            .ok_or_else(|| EdfError::NoSignalAt {
                origin: self.inner.origin.clone(),
                index,
                signals,
            })
    }

    fn check(&self, signal: usize, samples: &Range<usize>) -> Result<&Signal, EdfError> {
        let signal = self.signal(signal)?;
        if samples.start <= samples.end && samples.end <= signal.samples {
            return Ok(signal);
        }
        Err(EdfError::NoSuchSamples {
            origin: self.inner.origin.clone(),
            label: signal.label.clone(),
            start: samples.start,
            end: samples.end,
            have: signal.samples,
        })
    }

    /// Hands out the stored bytes of checked samples record by record, each with its place among the samples.
    fn each_piece(
        &self,
        signal: &Signal,
        samples: Range<usize>,
        mut take: impl FnMut(&[u8], Range<usize>),
    ) {
        let Inner { bytes, header, .. } = &*self.inner;
        let (width, in_record) = (header.format.width.bytes(), signal.samples_per_record);
        let mut at = samples.start;
        while at < samples.end {
            let (record, skipped) = (at / in_record, at % in_record);
            let count = (in_record - skipped).min(samples.end - at);
            let record_start = header.data_start + record * header.record_bytes;
            let start = record_start + signal.byte_in_record + skipped * width;
            let place = at - samples.start..at - samples.start + count;
            take(&bytes.as_slice()[start..start + count * width], place);
            at += count;
        }
    }
}
