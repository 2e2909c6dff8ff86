//! What a file of these formats can't hold.

use std::{io, path::PathBuf};

use crate::{error::of_signal, field::Field, format::Format, start::Date};

/// Why a file can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The system refused to write.
    #[error("writing recording{}: {source}", to(path.as_ref()))]
    Io {
        /// The file; none where the bytes went elsewhere.
        path: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
    /// A plain file without signals.
    #[error(
        "a plain file needs a signal; add one, or write EDF+ or BDF+ to hold annotations alone"
    )]
    NothingToWrite,
    /// Data records can't last this long.
    #[error("a data record can't last {seconds} s; give a number that is finite and not negative")]
    RecordSeconds {
        /// The duration asked for.
        seconds: f64,
    },
    /// Signals in records that last no time.
    #[error("data records of 0 s hold annotations alone; give signals records that last")]
    SignalsNeedTime,
    /// A text is longer than its field.
    #[error("field `{field}`{} holds {} characters, `{text}` has {}", of_signal(*signal), field.width(), text.len())]
    TextTooLong {
        /// The field.
        field: Field,
        /// The signal that it belongs to, from 0; none for the file's own fields.
        signal: Option<usize>,
        /// The text.
        text: String,
    },
    /// A text has characters that headers can't hold.
    #[error(
        "field `{field}`{} holds printable ASCII alone, but `{}` has other characters; spell them out, \
         for example `uV`", of_signal(*signal), text.escape_debug()
    )]
    TextNotAscii {
        /// The field.
        field: Field,
        /// The signal that it belongs to, from 0; none for the file's own fields.
        signal: Option<usize>,
        /// The text.
        text: String,
    },
    /// A number that can't be written exactly in its field.
    #[error(
        "field `{field}`{} holds {} characters, too few to write {value} exactly; round it, outwards for a \
         limit (`widest_fit` does)", of_signal(*signal), field.width()
    )]
    NumberTooLong {
        /// The field.
        field: Field,
        /// The signal that it belongs to, from 0; none for the file's own fields.
        signal: Option<usize>,
        /// The number.
        value: f64,
    },
    /// A label that the format reserves for annotation signals.
    #[error("label `{label}` is reserved for annotation signals; name the signal otherwise")]
    LabelReserved {
        /// The label.
        label: String,
    },
    /// A range without extent, or one that doesn't fit the format.
    #[error(
        "signal `{label}`: no scale leads from the digital range {digital:?} to the physical range {physical:?}; \
         both need two different limits, the digital ones in ascending order within {limits:?}"
    )]
    Range {
        /// The signal.
        label: String,
        /// Its digital minimum and maximum.
        digital: (i32, i32),
        /// Its physical minimum and maximum.
        physical: (f64, f64),
        /// What the format can hold.
        limits: (i32, i32),
    },
    /// A sample outside the signal's range, or NaN.
    #[error(
        "signal `{label}`: sample {index} is {value}, outside {min} to {max}; widen the range or clip the sample"
    )]
    SampleOutOfRange {
        /// The signal.
        label: String,
        /// The sample, from 0.
        index: usize,
        /// Its value, physical or digital as it was given.
        value: f64,
        /// The least value allowed.
        min: f64,
        /// The largest value allowed.
        max: f64,
    },
    /// The samples don't fill whole data records.
    #[error(
        "signal `{label}` has {samples} samples, which don't fill whole data records of {samples_per_record}; \
         pad or cut it"
    )]
    PartialRecord {
        /// The signal.
        label: String,
        /// Its samples.
        samples: usize,
        /// Samples of a data record.
        samples_per_record: usize,
    },
    /// Two signals are of different length.
    #[error(
        "signal `{label}` fills {records} data records, signal `{other}` {other_records}; make them equal"
    )]
    RecordsDisagree {
        /// The first signal.
        label: String,
        /// Data records that it fills.
        records: usize,
        /// Another signal.
        other: String,
        /// Data records that that fills.
        other_records: usize,
    },
    /// Annotations in a plain file.
    #[error("{format} holds no annotations; write EDF+ or BDF+")]
    AnnotationsNeedPlus {
        /// The format asked for.
        format: Format,
    },
    /// A start with a fraction of a second in a plain file.
    #[error("{format} starts on whole seconds; write EDF+ or BDF+, or round the start")]
    SubsecondNeedsPlus {
        /// The format asked for.
        format: Format,
    },
    /// An annotation that can't be written.
    #[error("annotation {index} of set {set} (`{}`) {why}", text.escape_debug())]
    Annotation {
        /// The annotation set, from 0.
        set: usize,
        /// The annotation in it, from 0.
        index: usize,
        /// Its text.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The annotations don't fit the samples that were set aside for them.
    #[error(
        "annotation set {set}: {left} annotations find no room in data records of {bytes} bytes each; set \
         more samples a record aside, or leave their number open"
    )]
    AnnotationsDontFit {
        /// The annotation set, from 0.
        set: usize,
        /// Annotations left over.
        left: usize,
        /// Bytes set aside in each data record.
        bytes: usize,
    },
    /// Record onsets for a file whose records are contiguous.
    #[error("{format} has contiguous records; leave their onsets out, or write EDF+D or BDF+D")]
    OnsetsNeedDiscontinuous {
        /// The format asked for.
        format: Format,
    },
    /// Not one onset for each data record.
    #[error("{given} record onsets were given for {records} data records; give one for each")]
    OnsetsCount {
        /// Onsets given.
        given: usize,
        /// Data records.
        records: usize,
    },
    /// A data record that begins before the one before it ends, or a first one that doesn't begin at 0.
    #[error("data record {record} begins at {onset} s, but must begin at {earliest} s{}", or_later(*record))]
    OnsetTooEarly {
        /// The data record, from 0.
        record: usize,
        /// Its onset.
        onset: f64,
        /// The earliest that it may have.
        earliest: f64,
    },
    /// The recording field names another start date.
    #[error(
        "the recording field says that the start date is {recording}, the start is {start:?}; make them agree"
    )]
    DatesDisagree {
        /// The date in the recording field.
        recording: Date,
        /// The date of the start.
        start: Option<Date>,
    },
    /// A start date that the two-digit year can't hold, in a recording field without the four-digit one.
    #[error(
        "start date {date} is outside 1985 to 2084; begin the recording field with `Startdate dd-MMM-yyyy`"
    )]
    DateNeedsWords {
        /// The date.
        date: Date,
    },
}

fn to(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(" to `{}`", path.display()))
        .unwrap_or_default()
}

const fn or_later(record: usize) -> &'static str {
    if record == 0 { "" } else { " or later" }
}
