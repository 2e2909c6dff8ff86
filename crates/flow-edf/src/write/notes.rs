//! Annotations to be written, and how they are packed into data records.

use crate::{
    format::SampleWidth,
    tal::{Annotation, DURATION_MARK, FARTHEST_SECONDS, TEXT_END},
    write::{error::WriteError, number},
};

/// The annotations of one annotation signal, in the order in which they shall stand.
///
/// Each goes into the data record in which it begins, or the next one with room.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationSet {
    annotations: Vec<Annotation>,
    samples_per_record: Option<usize>,
    physical: (f64, f64),
}

impl Default for AnnotationSet {
    fn default() -> Self {
        Self {
            annotations: Vec::new(),
            samples_per_record: None,
            physical: (-1.0, 1.0),
        }
    }
}

impl AnnotationSet {
    /// Makes a set that takes as much room as its fullest data record needs.
    #[must_use]
    pub fn new(annotations: impl Into<Vec<Annotation>>) -> Self {
        Self {
            annotations: annotations.into(),
            ..Self::default()
        }
    }

    /// Sets how many samples of each data record are set aside for the set.
    #[must_use]
    pub fn samples_per_record(mut self, samples: usize) -> Self {
        self.samples_per_record = Some(samples);
        self
    }

    /// Sets the physical range, which means nothing but must be there; by default −1 to 1.
    #[must_use]
    pub fn physical(mut self, min: f64, max: f64) -> Self {
        self.physical = (min, max);
        self
    }
}

/// A set as it stands in the data records.
pub(super) struct Packed {
    pub(super) samples_per_record: usize,
    pub(super) physical: (f64, f64),
    bytes_per_record: usize,
    /// The bytes of each record, without the padding.
    records: Vec<Vec<u8>>,
}

impl Packed {
    /// Appends the set's part of a data record, with its padding.
    pub(super) fn append(&self, record: usize, out: &mut Vec<u8>) {
        let end = out.len() + self.bytes_per_record;
        out.extend_from_slice(&self.records[record]);
        out.resize(end, 0);
    }
}

/// When the data records begin.
pub(super) struct Clock {
    /// Of each record, seconds from the first.
    pub(super) onsets: Vec<f64>,
    /// Of the first record, seconds from the header's start, which is whole.
    pub(super) offset: f64,
}

/// Packs set number `set`; the first also keeps time.
pub(super) fn pack(
    annotations: &AnnotationSet,
    set: usize,
    clock: &Clock,
    width: SampleWidth,
) -> Result<Packed, WriteError> {
    let keeps_time = set == 0;
    let opening = |&onset: &f64| match keeps_time {
        true => tal(&number::signed_decimal(onset + clock.offset), None, ""),
        false => Vec::new(),
    };
    let mut records: Vec<Vec<u8>> = clock.onsets.iter().map(opening).collect();
    let homes = at_home(annotations, set, clock)?;
    match annotations.samples_per_record {
        None => records
            .iter_mut()
            .zip(homes)
            .for_each(|(record, tals)| record.extend(tals.concat())),
        Some(samples) => spill(
            &mut records,
            homes,
            set,
            samples.saturating_mul(width.bytes()),
        )?,
    }
    let fullest = records.iter().map(Vec::len).max().unwrap_or(0);
    let least = fullest.div_ceil(width.bytes()).max(1);
    let samples_per_record = annotations.samples_per_record.unwrap_or(least);
    let bytes_per_record = samples_per_record.saturating_mul(width.bytes());
    Ok(Packed {
        samples_per_record,
        physical: annotations.physical,
        bytes_per_record,
        records,
    })
}

/// The lists of each record, each annotation in the record in which it begins.
fn at_home(
    annotations: &AnnotationSet,
    set: usize,
    clock: &Clock,
) -> Result<Vec<Vec<Vec<u8>>>, WriteError> {
    let Clock { onsets, offset } = clock;
    let mut homes = vec![Vec::new(); onsets.len()];
    for (index, annotation) in annotations.annotations.iter().enumerate() {
        let Annotation {
            onset_seconds,
            duration_seconds,
            text,
        } = annotation;
        if let Some(why) = trouble(annotation, onsets) {
            return Err(WriteError::Annotation {
                set,
                index,
                text: text.clone(),
                why,
            });
        }
        let onset = match *offset {
            0.0 => number::signed(*onset_seconds),
            _ => number::signed_decimal(onset_seconds + offset),
        };
        let begun = onsets.partition_point(|onset| onset <= onset_seconds);
        homes[begun.saturating_sub(1)].push(tal(&onset, *duration_seconds, text));
    }
    Ok(homes)
}

fn trouble(annotation: &Annotation, onsets: &[f64]) -> Option<&'static str> {
    let Annotation {
        onset_seconds,
        duration_seconds,
        text,
    } = annotation;
    let is_forbidden = |byte| matches!(byte, 0 | TEXT_END | DURATION_MARK);
    if onsets.is_empty() {
        Some("finds no data record to stand in; write at least one")
    } else if !(-FARTHEST_SECONDS..=FARTHEST_SECONDS).contains(onset_seconds) {
        Some("has an onset that is no number or beyond 1e12 s")
    } else if duration_seconds.is_some_and(|seconds| !(0.0..=FARTHEST_SECONDS).contains(&seconds)) {
        Some("has a duration that is no number, negative or beyond 1e12 s")
    } else if text.bytes().any(is_forbidden) {
        Some("holds a byte that parts annotations (0x00, 0x14 or 0x15)")
    } else {
        None
    }
}

/// Fills records of fixed size in order; what finds no room goes into the next record.
fn spill(
    records: &mut [Vec<u8>],
    homes: Vec<Vec<Vec<u8>>>,
    set: usize,
    bytes: usize,
) -> Result<(), WriteError> {
    let mut waiting = std::collections::VecDeque::new();
    for (record, tals) in records.iter_mut().zip(homes) {
        waiting.extend(tals);
        while let Some(tal) = waiting.pop_front_if(|tal| record.len() + tal.len() <= bytes) {
            record.extend(tal);
        }
        if record.len() > bytes {
            return Err(WriteError::AnnotationsDontFit {
                set,
                left: waiting.len(),
                bytes,
            });
        }
    }
    match waiting.len() {
        0 => Ok(()),
        left => Err(WriteError::AnnotationsDontFit { set, left, bytes }),
    }
}

/// One time-stamped list with one text.
fn tal(onset: &str, duration: Option<f64>, text: &str) -> Vec<u8> {
    let mut bytes = onset.as_bytes().to_vec();
    if let Some(seconds) = duration {
        bytes.push(DURATION_MARK);
        bytes.extend(format!("{}", seconds + 0.0).bytes());
    }
    bytes.push(TEXT_END);
    bytes.extend(text.bytes());
    bytes.extend([TEXT_END, 0]);
    bytes
}
