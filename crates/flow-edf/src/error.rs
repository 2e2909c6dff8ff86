//! What can be wrong with a file or a question about it.

use std::{fmt, io, path::PathBuf};

use crate::field::Field;

/// Why a recording can't be read, or a question about it can't be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdfError {
    /// The file can't be opened or mapped.
    #[error("opening recording `{}`: {source}; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The first eight bytes are of no EDF or BDF version.
    #[error(
        "{origin} is not an EDF or BDF file: byte 0 must be `0` and 7 spaces (EDF) or 0xff and `BIOSEMI` \
         (BDF), but the first bytes are `{}`{}", found.escape_ascii(), hint(*looks_like)
    )]
    NotEdf {
        /// The file.
        origin: Origin,
        /// At most the first eight bytes.
        found: Vec<u8>,
        /// What the file probably is instead.
        looks_like: Option<&'static str>,
    },
    /// The file ends inside its header.
    #[error(
        "{origin} ends inside its header: {signals} signals need {needed} bytes, the file has {have}; \
         fetch the file again or mend the `number of signals` at byte 252"
    )]
    HeaderTruncated {
        /// The file.
        origin: Origin,
        /// Signals that the header claims.
        signals: usize,
        /// Bytes that a header for them takes.
        needed: usize,
        /// Bytes of the file.
        have: usize,
    },
    /// A field without which the data can't be found is unreadable.
    #[error(
        "{origin}: field `{field}`{} at byte {offset} is `{text}`, but must be {wants}; the header is \
         damaged there: fetch the file again or mend the field", of_signal(*signal)
    )]
    Unreadable {
        /// The file.
        origin: Origin,
        /// The field.
        field: Field,
        /// The signal that it belongs to, counted from 0 in file order; none for the file's own fields.
        signal: Option<usize>,
        /// The field's first byte in the file.
        offset: usize,
        /// What stands there.
        text: String,
        /// What should.
        wants: &'static str,
    },
    /// No signal has the label.
    #[error(
        "{origin} has no signal `{label}`{}; it has {}",
        nearest(label, has),
        quoted(has)
    )]
    NoSuchSignal {
        /// The file.
        origin: Origin,
        /// The label asked for.
        label: String,
        /// The labels that there are.
        has: Vec<String>,
    },
    /// Several signals have the label.
    #[error(
        "{origin} has {} signals labelled `{label}`, at {indices:?}; ask for one of them by its index",
        indices.len()
    )]
    AmbiguousLabel {
        /// The file.
        origin: Origin,
        /// The label asked for.
        label: String,
        /// The signals that have it, as indices into the recording's signals.
        indices: Vec<usize>,
    },
    /// A signal was asked for by an index that there is not.
    #[error("{origin} has {signals} signals, so there is none at index {index}")]
    NoSignalAt {
        /// The file.
        origin: Origin,
        /// The index asked for.
        index: usize,
        /// Signals of the recording, annotation signals apart.
        signals: usize,
    },
    /// Samples were asked for that there are not.
    #[error("{origin}: signal `{label}` has {have} samples, so {start}..{end} is out of its range")]
    NoSuchSamples {
        /// The file.
        origin: Origin,
        /// The signal.
        label: String,
        /// First sample asked for.
        start: usize,
        /// End of the range asked for, exclusive.
        end: usize,
        /// Samples that there are.
        have: usize,
    },
}

/// Where a recording came from: a file, or bytes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Bytes handed to [`Recording::from_bytes`](crate::Recording::from_bytes).
    Memory,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "recording `{}`", path.display()),
            Self::Memory => f.write_str("the recording"),
        }
    }
}

fn hint(looks_like: Option<&str>) -> String {
    looks_like
        .map(|what| format!("; it looks like {what}"))
        .unwrap_or_default()
}

pub(crate) fn of_signal(signal: Option<usize>) -> String {
    signal
        .map(|signal| format!(" of signal {signal}"))
        .unwrap_or_default()
}

fn nearest(label: &str, has: &[String]) -> String {
    let same_but_case = has
        .iter()
        .find(|other| other.trim().eq_ignore_ascii_case(label.trim()));
    let part = || {
        let label = label.to_lowercase();
        has.iter().find(|other| {
            let other = other.to_lowercase();
            !label.is_empty()
                && !other.is_empty()
                && (other.contains(&label) || label.contains(&other))
        })
    };
    let found = same_but_case.or_else(part);
    found
        .map(|other| format!(" (did you mean `{other}`?)"))
        .unwrap_or_default()
}

fn quoted(labels: &[String]) -> String {
    match labels {
        [] => "none".to_owned(),
        _ => labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
