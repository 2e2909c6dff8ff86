//! What a reader had to put up with.

use crate::{field::Field, start::Date};

/// Something in a file that breaks the standard and was read all the same.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The header leaves the number of data records open, as while recording.
    #[error(
        "the header leaves the number of data records open (-1); the file holds {found} whole ones"
    )]
    RecordCountOpen {
        /// Whole records in the file, all of which are read.
        found: usize,
    },
    /// The header's number of data records isn't the file's.
    #[error(
        "the header says `{stated}` data records, the file holds {found} whole ones; all are read"
    )]
    RecordCountWrong {
        /// The header's text.
        stated: String,
        /// Whole records in the file, all of which are read.
        found: usize,
    },
    /// The file ends inside a record, which is left out.
    #[error(
        "the file ends {bytes} bytes into a data record of {record_bytes}; that record is left out"
    )]
    PartialRecord {
        /// Bytes of the broken record.
        bytes: usize,
        /// Bytes that it should have.
        record_bytes: usize,
    },
    /// The header states another size than it has.
    #[error("the header says that it has `{stated}` bytes; the data are read from byte {used}")]
    HeaderBytesWrong {
        /// The header's text.
        stated: String,
        /// Where the data were taken to start.
        used: usize,
    },
    /// The number of signals is unreadable and was taken from the header's size.
    #[error("the number of signals is `{stated}`; the header's size says {used}")]
    SignalCountDerived {
        /// The header's text.
        stated: String,
        /// Signals taken to be there.
        used: usize,
    },
    /// The reserved field claims an EDF+ or BDF+ that is neither C nor D; read as C.
    #[error("the reserved field `{text}` is neither EDF+C nor EDF+D; read as continuous")]
    LayoutUnknown {
        /// The field's text.
        text: String,
    },
    /// A signal's values are handed out as stored, because they can't be calibrated.
    #[error(
        "signal {signal} (`{label}`) is not calibrated: {why}; its physical values are the digital ones"
    )]
    NotCalibrated {
        /// The signal, counted from 0 in file order.
        signal: usize,
        /// Its label.
        label: String,
        /// The reason.
        why: Uncalibrated,
    },
    /// The start date or time is unreadable.
    #[error("field `{field}` is `{text}`, which is no date or time")]
    StartUnreadable {
        /// Start date or start time.
        field: Field,
        /// The field's text.
        text: String,
    },
    /// The two start dates of the header differ; the four-digit one counts.
    #[error(
        "the start date is {header} in its own field but {recording} in the recording's; the latter counts"
    )]
    StartDatesDiffer {
        /// The date in the start date field.
        header: Date,
        /// The date in the recording field.
        recording: Date,
    },
    /// The first record begins a second or more away from the stated start.
    #[error(
        "the first data record begins {seconds} s after the header's start; times count from that record"
    )]
    FirstRecordLate {
        /// The onset that the first record states.
        seconds: f64,
    },
    /// A plain file has annotation signals; they are read.
    #[error("{signals} annotation signals in a file that isn't EDF+ or BDF+; they are read")]
    AnnotationsInPlainFile {
        /// Annotation signals.
        signals: usize,
    },
    /// An EDF+ or BDF+ file has no annotation signal.
    #[error(
        "an EDF+ or BDF+ file without an annotation signal; its records are taken to be contiguous"
    )]
    NoAnnotationSignal,
    /// Lists of annotations hold text that is no annotation; it is left out.
    #[error(
        "{count} pieces of annotation signals are no annotations, the first at byte {offset}; left out"
    )]
    AnnotationsUnreadable {
        /// Pieces left out.
        count: usize,
        /// First byte of the first, in the file.
        offset: usize,
    },
    /// Annotations break a rule but can be understood: no sign, or no separator at the end.
    #[error(
        "{count} annotations lack their sign or their closing byte, the first at byte {offset}; read"
    )]
    AnnotationsSloppy {
        /// Annotations concerned.
        count: usize,
        /// First byte of the first, in the file.
        offset: usize,
    },
    /// Texts of annotations aren't UTF-8; read as Latin-1.
    #[error("{count} annotation texts aren't UTF-8, the first at byte {offset}; read as Latin-1")]
    TextsNotUtf8 {
        /// Texts concerned.
        count: usize,
        /// First byte of the first annotation concerned, in the file.
        offset: usize,
    },
    /// Records don't state their onset; they are taken to follow the one before.
    #[error("{count} data records don't state their onset, the first is record {first}")]
    OnsetsMissing {
        /// Records concerned.
        count: usize,
        /// The first of them, counted from 0.
        first: usize,
    },
    /// A continuous file's records state onsets that aren't contiguous; they are read as contiguous.
    #[error(
        "data record {record} states {stated} s in a continuous file, where it must be {expected} s; the latter counts"
    )]
    OnsetsNotContiguous {
        /// The first record concerned, counted from 0.
        record: usize,
        /// The onset that it states, from the first record's.
        stated: f64,
        /// The onset that it must have.
        expected: f64,
    },
    /// A discontinuous file's record begins before the one before it ends.
    #[error(
        "{count} data records begin before the one before them ends, the first is record {first}"
    )]
    RecordsOverlap {
        /// Records concerned.
        count: usize,
        /// The first of them, counted from 0.
        first: usize,
    },
}

/// Why a signal can't be calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncalibrated {
    /// A limit can't be read as a number.
    #[error("its {0} is no number")]
    Unreadable(Field),
    /// The digital limits are equal.
    #[error("its digital minimum equals its digital maximum")]
    DigitalRangeEmpty,
    /// The physical limits are equal.
    #[error("its physical minimum equals its physical maximum")]
    PhysicalRangeEmpty,
    /// The limits are too far apart or too close for an `f64` scale.
    #[error("its limits give no finite scale")]
    ScaleNotFinite,
}
