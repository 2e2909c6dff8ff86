//! Reads and writes EDF, EDF+C, EDF+D, BDF and BDF+ files.
//!
//! The formats: Kemp et al. 1992, Electroencephalogr. Clin. Neurophysiol. 82, 391–393 (EDF); Kemp & Olivan
//! 2003, Clin. Neurophysiol. 114, 1755–1761 (EDF+); BioSemi's 24-bit variant (BDF). Reading is lenient and
//! says in [`Warning`]s what it had to put up with; writing is strict and says in [`WriteError`]s what the
//! format can't hold.
//!
//! ```
//! use flow_edf::{Annotation, AnnotationSet, EdfWriter, Format, NewSignal, Recording, Samples};
//!
//! let digital: Vec<i16> = (0..200).collect();
//! let bytes = EdfWriter::new(Format::EDF_PLUS_C, 1.0)
//!     .signal(NewSignal::new("EEG Fpz-Cz", 100, Samples::I16(&digital)).unit("uV").physical(-200.0, 200.0))
//!     .annotations(AnnotationSet::new([Annotation::new(0.5, Some(1.0), "Sleep stage W")]))
//!     .to_bytes()?;
//!
//! let recording = Recording::from_bytes(bytes)?;
//! let eeg = recording.signal_index("EEG Fpz-Cz")?;
//! assert_eq!(recording.digital(eeg, 50..53)?, [50, 51, 52]);
//! assert_eq!(recording.annotations()[0].text, "Sleep stage W");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod decode;
mod error;
mod field;
mod format;
mod header;
mod identity;
mod notes;
mod recording;
mod signal;
mod start;
mod tal;
mod timeline;
mod warning;
mod write;

pub use decode::Real;
pub use error::{EdfError, Origin};
pub use field::Field;
pub use format::{Format, Layout, SampleWidth};
pub use header::Header;
pub use identity::{Patient, RecordingInfo, Sex};
pub use recording::Recording;
pub use signal::{Scaling, Signal};
pub use start::{Date, Start, TimeOfDay};
pub use tal::Annotation;
pub use timeline::{Gap, Run, Span};
pub use warning::{Uncalibrated, Warning};
pub use write::{AnnotationSet, EdfWriter, NewSignal, Samples, WriteError, widest_fit};
