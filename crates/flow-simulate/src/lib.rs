//! Simulated polysomnograms with planted truth, as plain numbers.
//!
//! A night looks like one of the Sleep-EDF telemetry study (Kemp et al., PhysioNet,
//! doi:10.13026/C2X676): two EEG channels, horizontal EOG, submental EMG at 100 Hz, a marker at 10
//! Hz, a scoring after Rechtschaffen & Kales, and the irregularities of the real files. Unlike
//! there it is known which modality carries which stage, and what medication, age and sex do, so a
//! study can be judged by what it finds.
//!
//! ```
//! use flow_simulate::{Parameters, night, simulate};
//!
//! let parameters = Parameters { night_minutes: 20.0, ..Parameters::default() };
//! let night = night("ST7011").expect("the study has it");
//! let simulated = simulate(&parameters, &night)?;
//! assert_eq!(simulated.signals[0].label, "EEG Fpz-Cz");
//! # Ok::<(), flow_simulate::ParameterError>(())
//! ```
//!
//! It reads and writes nothing. The same parameters and night give the same bits on every machine;
//! nights are independent of each other, so any of them can be made alone.

mod chain;
mod cohort;
mod events;
mod filter;
mod math;
mod night;
mod noise;
mod parameters;
mod physiology;
mod scoring;
mod signals;
mod stages;
mod truth;
mod windows;

pub use cohort::{ClockTime, Medication, Night, SUBJECTS, Sex, Subject, night, nights};
pub use night::{LABELS, Signal, SimulatedNight, simulate};
pub use parameters::{
    ClassByModality, Effect, Effects, Modality, ParameterError, Parameters, Quirks,
};
pub use scoring::{Annotation, Epoch, StartTime};
pub use stages::{Class, Stage};
pub use truth::{Truth, planted_weights};
pub use windows::{WindowParameters, Windows, simulate_windows};

/// Sampling rate of the signals in Hz.
pub const RATE_HZ: f64 = 100.0;
/// Sampling rate of the marker in Hz.
pub const MARKER_RATE_HZ: u32 = 10;
/// Length of a data record of the files in seconds; a night is whole records.
pub const RECORD_SECONDS: u32 = 10;
/// Length of an epoch in seconds.
pub const EPOCH_SECONDS: u32 = 30;
/// Number of signals besides the marker.
pub const CHANNELS: usize = 4;
