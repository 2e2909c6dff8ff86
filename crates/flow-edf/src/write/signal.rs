//! A signal to be written.

use crate::{
    format::SampleWidth,
    signal::{Scaling, Signal},
    write::error::WriteError,
};

/// A signal to be written: its samples and its header fields.
#[derive(Clone, Debug)]
pub struct NewSignal<'a> {
    pub(super) label: String,
    pub(super) samples_per_record: usize,
    pub(super) samples: Samples<'a>,
    pub(super) transducer: String,
    pub(super) dimension: String,
    pub(super) prefilter: String,
    pub(super) reserved: String,
    digital: Option<(i32, i32)>,
    physical: Option<(f64, f64)>,
}

/// Samples of one signal from its start to its end, `[records × samples_per_record]`.
#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// Digital values, stored as they are.
    I16(&'a [i16]),
    /// Digital values, stored as they are.
    I32(&'a [i32]),
    /// Physical values in the signal's unit, rounded to the nearest digital value.
    F32(&'a [f32]),
    /// Physical values in the signal's unit, rounded to the nearest digital value.
    F64(&'a [f64]),
}

impl<'a> NewSignal<'a> {
    /// Makes a signal over the whole digital range of the format, uncalibrated and without a unit.
    #[must_use]
    pub fn new(label: impl Into<String>, samples_per_record: usize, samples: Samples<'a>) -> Self {
        Self {
            label: label.into(),
            samples_per_record,
            samples,
            transducer: String::new(),
            dimension: String::new(),
            prefilter: String::new(),
            reserved: String::new(),
            digital: None,
            physical: None,
        }
    }

    /// Makes a signal with the header fields of one that was read.
    #[must_use]
    pub fn like(signal: &Signal, samples: Samples<'a>) -> Self {
        Self {
            label: signal.label.clone(),
            samples_per_record: signal.samples_per_record,
            samples,
            transducer: signal.transducer.clone(),
            dimension: signal.dimension.clone(),
            prefilter: signal.prefilter.clone(),
            reserved: signal.reserved.clone(),
            digital: Some((signal.digital_min, signal.digital_max)),
            physical: Some((signal.physical_min, signal.physical_max)),
        }
    }

    /// Sets the transducer, at most 80 characters, for example `Ag-AgCl electrodes`.
    #[must_use]
    pub fn transducer(mut self, text: impl Into<String>) -> Self {
        self.transducer = text.into();
        self
    }

    /// Sets the unit of the physical values, at most 8 characters, for example `uV`.
    #[must_use]
    pub fn unit(mut self, text: impl Into<String>) -> Self {
        self.dimension = text.into();
        self
    }

    /// Sets the filters used, at most 80 characters, for example `HP:0.5Hz LP:100Hz`.
    #[must_use]
    pub fn prefilter(mut self, text: impl Into<String>) -> Self {
        self.prefilter = text.into();
        self
    }

    /// Sets the digital range; by default all that the format can hold.
    #[must_use]
    pub fn digital(mut self, min: i32, max: i32) -> Self {
        self.digital = Some((min, max));
        self
    }

    /// Sets the physical values of the digital limits; by default the digital limits themselves.
    #[must_use]
    pub fn physical(mut self, at_digital_min: f64, at_digital_max: f64) -> Self {
        self.physical = Some((at_digital_min, at_digital_max));
        self
    }
}

impl Samples<'_> {
    /// The number of samples.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::I16(samples) => samples.len(),
            Self::I32(samples) => samples.len(),
            Self::F32(samples) => samples.len(),
            Self::F64(samples) => samples.len(),
        }
    }

    /// Tells whether there is no sample.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Samples checked at once.
const CHUNK: usize = 1024;

/// A signal whose samples are known to fit.
pub(super) struct Checked<'a> {
    pub(super) signal: &'a NewSignal<'a>,
    pub(super) digital: (i32, i32),
    pub(super) physical: (f64, f64),
    pub(super) scaling: Scaling,
}

impl<'a> Checked<'a> {
    pub(super) fn new(signal: &'a NewSignal<'a>, width: SampleWidth) -> Result<Self, WriteError> {
        let limits = width.limits();
        let digital = signal.digital.unwrap_or(limits);
        let physical = signal
            .physical
            .unwrap_or((f64::from(digital.0), f64::from(digital.1)));
        let label = &signal.label;
        if matches!(label.trim(), "EDF Annotations" | "BDF Annotations") {
            return Err(WriteError::LabelReserved {
                label: label.clone(),
            });
        }
        let fits = limits.0 <= digital.0 && digital.0 < digital.1 && digital.1 <= limits.1;
        let scaling = Scaling::between(digital, physical).filter(|_| fits);
        let scaling = scaling.ok_or_else(|| WriteError::Range {
            label: label.clone(),
            digital,
            physical,
            limits,
        })?;
        let checked = Self {
            signal,
            digital,
            physical,
            scaling,
        };
        checked.whole_records()?;
        checked.samples_in_range()?;
        Ok(checked)
    }

    /// The data records that the signal fills.
    pub(super) fn records(&self) -> usize {
        self.signal
            .samples
            .len()
            .checked_div(self.signal.samples_per_record)
            .unwrap_or(0)
    }

    fn whole_records(&self) -> Result<(), WriteError> {
        let (samples, samples_per_record) =
            (self.signal.samples.len(), self.signal.samples_per_record);
        if samples_per_record > 0 && samples.is_multiple_of(samples_per_record) {
            return Ok(());
        }
        let label = self.signal.label.clone();
        Err(WriteError::PartialRecord {
            label,
            samples,
            samples_per_record,
        })
    }

    fn samples_in_range(&self) -> Result<(), WriteError> {
        let (min, max) = self.digital;
        let is_outside =
            |value: f64| !(f64::from(min)..=f64::from(max)).contains(&self.scaling.digital(value));
        let found = match self.signal.samples {
            Samples::I16(samples) => {
                first(samples, |v| !(min..=max).contains(&i32::from(v)), f64::from)
            }
            Samples::I32(samples) => first(samples, |v| !(min..=max).contains(&v), f64::from),
            Samples::F32(samples) => first(samples, |v| is_outside(f64::from(v)), f64::from),
            Samples::F64(samples) => first(samples, is_outside, |value| value),
        };
        let Some((index, value)) = found else {
            return Ok(());
        };
        let (min, max) = match self.signal.samples {
            Samples::I16(_) | Samples::I32(_) => (f64::from(min), f64::from(max)),
            Samples::F32(_) | Samples::F64(_) => (
                self.physical.0.min(self.physical.1),
                self.physical.0.max(self.physical.1),
            ),
        };
        let label = self.signal.label.clone();
        Err(WriteError::SampleOutOfRange {
            label,
            index,
            value,
            min,
            max,
        })
    }
}

/// The first wrong sample; a whole chunk is asked at once, which the compiler makes vector code of.
fn first<T: Copy>(
    samples: &[T],
    is_wrong: impl Fn(T) -> bool,
    value: impl Fn(T) -> f64,
) -> Option<(usize, f64)> {
    let has_wrong = |chunk: &[T]| {
        chunk
            .iter()
            .fold(false, |found, &sample| found | is_wrong(sample))
    };
    let chunk = samples.chunks(CHUNK).position(has_wrong)?;
    let in_chunk = samples[chunk * CHUNK..]
        .iter()
        .position(|&sample| is_wrong(sample))?;
    let index = chunk * CHUNK + in_chunk;
    Some((index, value(samples[index])))
}
