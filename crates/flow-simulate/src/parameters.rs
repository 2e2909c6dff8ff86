//! What may be set: length of the nights, what is planted in the signals, and the quirks of the
//! files.

use crate::noise::PLACE_BYTES;
use crate::stages::Class;

/// A group of channels that a classifier is given as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modality {
    /// EEG Fpz-Cz and EEG Pz-Oz.
    Eeg,
    /// EOG horizontal.
    Eog,
    /// EMG submental.
    Emg,
}

impl Modality {
    /// Every modality; the position in this list is the column of every stage × modality table
    /// here.
    pub const ALL: [Self; 3] = [Self::Eeg, Self::Eog, Self::Emg];

    /// `eeg`, `eog` or `emg`.
    pub fn name(self) -> &'static str {
        ["eeg", "eog", "emg"][self as usize]
    }
}

/// A number for each class (row: W, N1, N2, N3, R) and modality (column: EEG, EOG, EMG).
pub type ClassByModality = [[f64; 3]; 5];

/// The most distinct that a class can be in a modality on a night.
pub(crate) const MOST_WEIGHT: f64 = 3.0;

/// Each number of a table with its class and modality, as in `N1.eog`.
pub(crate) fn cells(table: &ClassByModality) -> impl Iterator<Item = (String, f64)> {
    Class::ALL.into_iter().flat_map(move |class| {
        let cell = move |modality: Modality| {
            let name = format!("{}.{}", class.name(), modality.name());
            (name, table[class as usize][modality as usize])
        };
        Modality::ALL.into_iter().map(cell)
    })
}

/// What one unit of a covariate does to the signals.
///
/// The first five are relative changes: 0.2 multiplies by 1.2 per unit. Range −0.9 to 1 each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Amplitude of slow waves (0.5–4 Hz) and K-complexes.
    pub slow_wave: f64,
    /// Amplitude of spindles and of the sigma band (12–14 Hz).
    pub sigma: f64,
    /// Amplitude of alpha (8–12 Hz).
    pub alpha: f64,
    /// Amplitude of blinks, saccades and slow rolling.
    pub eye_movement: f64,
    /// Muscle tone above the electrode's noise.
    pub muscle_tone: f64,
    /// Added to the weight of each class in EEG, EOG and EMG. Range −1 to 1 each.
    pub contrast: ClassByModality,
}

impl Effect {
    /// No effect at all.
    pub const NONE: Self = Self {
        slow_wave: 0.0,
        sigma: 0.0,
        alpha: 0.0,
        eye_movement: 0.0,
        muscle_tone: 0.0,
        contrast: [[0.0; 3]; 5],
    };

    /// The five relative changes with their names.
    pub(crate) fn changes(&self) -> [(&'static str, f64); 5] {
        [
            ("slow_wave", self.slow_wave),
            ("sigma", self.sigma),
            ("alpha", self.alpha),
            ("eye_movement", self.eye_movement),
            ("muscle_tone", self.muscle_tone),
        ]
    }
}

/// What medication, age and sex do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// A night with temazepam against one with placebo.
    pub temazepam: Effect,
    /// Ten years of age, counted from 40.
    pub age_per_decade: Effect,
    /// A female against a male subject.
    pub female: Effect,
}

impl Effects {
    /// Nothing planted.
    pub const NONE: Self = Self {
        temazepam: Effect::NONE,
        age_per_decade: Effect::NONE,
        female: Effect::NONE,
    };

    /// The three effects with their names.
    pub(crate) fn named(&self) -> [(&'static str, &Effect); 3] {
        [
            ("temazepam", &self.temazepam),
            ("age_per_decade", &self.age_per_decade),
            ("female", &self.female),
        ]
    }
}

impl Default for Effects {
    /// Directions as known of benzodiazepines (more sigma, less delta, slacker muscles), of ageing
    /// (smaller slow waves and spindles) and of sex (larger slow waves in women); the sizes are
    /// ours.
    fn default() -> Self {
        Self {
            temazepam: Effect {
                slow_wave: -0.10,
                sigma: 0.25,
                alpha: 0.0,
                eye_movement: -0.10,
                muscle_tone: -0.20,
                contrast: [[0.05, 0.0, -0.15]; 5],
            },
            age_per_decade: Effect {
                slow_wave: -0.08,
                sigma: -0.05,
                alpha: -0.03,
                contrast: [[-0.03, 0.0, 0.0]; 5],
                ..Effect::NONE
            },
            female: Effect {
                slow_wave: 0.10,
                sigma: 0.05,
                muscle_tone: -0.10,
                ..Effect::NONE
            },
        }
    }
}

/// How the files differ from a tidy world. Late starts, holes and tails shrink with the night where it
/// is shorter than eight hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quirks {
    /// Probability that scoring begins after the signals (26 of 44 real nights); never where lights
    /// were off before the start. Default 0.59.
    pub late_start: f64,
    /// Probability of a hole in the scoring (2 of 44 real nights, up to 1950 s; here 30 s to 1920 s).
    /// Default 0.05.
    pub hole: f64,
    /// Median of the unscored signal after the last annotation, in seconds of an eight-hour night.
    /// Default 1400.
    pub tail_seconds: f64,
    /// Share of epochs scored as movement time (body movements are in the signals). Default 0.006.
    pub movement: f64,
    /// Share of the epochs not scored as movement time that are scored `?`. Default 0.002.
    pub unknown: f64,
    /// Telemetry errors per hour: the marker is negative and the signals flat for some seconds.
    /// Default 0.6.
    pub errors_per_hour: f64,
    /// Mean duration of a telemetry error in seconds (exponential, at least 0.5 s). Default 6.
    pub error_seconds: f64,
    /// Presses of the marker button per hour, besides the one at lights-off. Default 0.2.
    pub presses_per_hour: f64,
    /// Large artefacts (electrode pops) per hour and channel. Default 1.
    pub artefacts_per_hour: f64,
}

impl Quirks {
    /// A tidy world: scoring covers the signals but for the last incomplete record, and nothing
    /// goes wrong.
    pub const NONE: Self = Self {
        late_start: 0.0,
        hole: 0.0,
        tail_seconds: 0.0,
        movement: 0.0,
        unknown: 0.0,
        errors_per_hour: 0.0,
        error_seconds: 0.5,
        presses_per_hour: 0.0,
        artefacts_per_hour: 0.0,
    };
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            late_start: 0.59,
            hole: 0.05,
            tail_seconds: 1400.0,
            movement: 0.006,
            unknown: 0.002,
            errors_per_hour: 0.6,
            error_seconds: 6.0,
            presses_per_hour: 0.2,
            artefacts_per_hour: 1.0,
        }
    }
}

/// All that decides a simulated night besides the night itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Seed of everything drawn; a night depends on the seed and its own facts, never on other
    /// nights.
    pub seed: u64,
    /// Mean length of the scored span in minutes, 10 to 1440. Default 480.
    pub night_minutes: f64,
    /// Relative standard deviation of that length between nights, 0 to 0.3 (±2.5 SD at most).
    /// Default 0.06.
    pub night_spread: f64,
    /// Least number of epochs of each class a night has, at most a fifth of it; 0 lets a class be
    /// missing. Default 3.
    pub minimum_epochs_per_class: usize,
    /// How distinguishable each class is in each modality, 0 to 3.
    ///
    /// 0: the modality looks as in the average stage; 1: full physiology; above: exaggerated.
    pub weights: ClassByModality,
    /// How far a moment's signal strays from its stage to the average stage, 0 to 1: by
    /// `min(1, 1.25 · ambiguity · |z|)`, `z ~ N(0, 1)`; on average by `ambiguity` where it is small, by 0.7
    /// at 1. Default 0.2.
    pub ambiguity: f64,
    /// Standard deviation of the signal bands within a stage, log amplitude, 0 to 1. Default 0.2.
    pub variability: f64,
    /// Scale of the differences between subjects (amplitudes, peak frequencies, weights), 0 to 3.
    /// Default 1.
    pub individuality: f64,
    /// Share of scored epochs that carry the label of a stage often confused with theirs, 0 to 0.5.
    /// Default 0.03.
    pub label_noise: f64,
    /// How strongly temazepam changes the course of the night, 0 to 3; 1 is as in the real nights.
    /// Default 1.
    pub medication_on_stages: f64,
    /// What medication, age and sex do to the signals.
    pub effects: Effects,
    /// How the files differ from a tidy world.
    pub quirks: Quirks,
}

/// EEG carries N2 and N3, the eyes carry wake, N1 and REM, the chin carries wake and REM.
const DEFAULT_WEIGHTS: ClassByModality = [
    [0.7, 0.9, 1.0],
    [0.8, 0.9, 0.5],
    [1.0, 0.5, 0.5],
    [1.0, 0.6, 0.5],
    [0.6, 1.0, 1.0],
];

impl Default for Parameters {
    fn default() -> Self {
        Self {
            seed: 2021,
            night_minutes: 480.0,
            night_spread: 0.06,
            minimum_epochs_per_class: 3,
            weights: DEFAULT_WEIGHTS,
            ambiguity: 0.2,
            variability: 0.2,
            individuality: 1.0,
            label_noise: 0.03,
            medication_on_stages: 1.0,
            effects: Effects::default(),
            quirks: Quirks::default(),
        }
    }
}

/// Why nothing can be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// A number is outside its range, or not a number.
    #[error("`{name}` is {value}, but must be within {low} and {high}")]
    OutOfRange {
        /// Name of the parameter, dotted where nested.
        name: String,
        /// What was given.
        value: f64,
        /// Least value.
        low: f64,
        /// Greatest value.
        high: f64,
    },
    /// The recording id can't name a stream of random numbers.
    #[error("recording id `{recording}` must have 1 to {longest} bytes")]
    RecordingId {
        /// What was given.
        recording: String,
        /// Longest id in bytes.
        longest: usize,
    },
}

impl Parameters {
    /// Checks every number against its documented range.
    ///
    /// # Errors
    /// [`ParameterError::OutOfRange`] with the first that is not in it.
    pub fn check(&self) -> Result<(), ParameterError> {
        within("night_minutes", self.night_minutes, 10.0, 1440.0)?;
        within("night_spread", self.night_spread, 0.0, 0.3)?;
        let most = (self.shortest_epochs() / Class::ALL.len()) as f64;
        within(
            "minimum_epochs_per_class",
            self.minimum_epochs_per_class as f64,
            0.0,
            most,
        )?;
        for (cell, weight) in cells(&self.weights) {
            within(&format!("weights.{cell}"), weight, 0.0, MOST_WEIGHT)?;
        }
        within("ambiguity", self.ambiguity, 0.0, 1.0)?;
        within("variability", self.variability, 0.0, 1.0)?;
        within("individuality", self.individuality, 0.0, 3.0)?;
        within("label_noise", self.label_noise, 0.0, 0.5)?;
        within("medication_on_stages", self.medication_on_stages, 0.0, 3.0)?;
        self.check_effects()?;
        self.check_quirks()
    }

    /// Epochs of the shortest night these parameters can draw.
    fn shortest_epochs(&self) -> usize {
        (self.night_minutes * 2.0 * (1.0 - 2.5 * self.night_spread)) as usize
    }

    fn check_effects(&self) -> Result<(), ParameterError> {
        for (covariate, effect) in self.effects.named() {
            for (what, change) in effect.changes() {
                within(&format!("effects.{covariate}.{what}"), change, -0.9, 1.0)?;
            }
            for (cell, contrast) in cells(&effect.contrast) {
                let name = format!("effects.{covariate}.contrast.{cell}");
                within(&name, contrast, -1.0, 1.0)?;
            }
        }
        Ok(())
    }

    fn check_quirks(&self) -> Result<(), ParameterError> {
        let quirks = &self.quirks;
        within("quirks.late_start", quirks.late_start, 0.0, 1.0)?;
        within("quirks.hole", quirks.hole, 0.0, 1.0)?;
        within("quirks.tail_seconds", quirks.tail_seconds, 0.0, 20_000.0)?;
        within("quirks.movement", quirks.movement, 0.0, 0.5)?;
        within("quirks.unknown", quirks.unknown, 0.0, 0.5)?;
        within("quirks.errors_per_hour", quirks.errors_per_hour, 0.0, 600.0)?;
        within("quirks.error_seconds", quirks.error_seconds, 0.5, 3600.0)?;
        within(
            "quirks.presses_per_hour",
            quirks.presses_per_hour,
            0.0,
            600.0,
        )?;
        within(
            "quirks.artefacts_per_hour",
            quirks.artefacts_per_hour,
            0.0,
            600.0,
        )
    }
}

/// Checks that an id can name a stream of random numbers of its own.
pub(crate) fn check_recording(recording: &str) -> Result<(), ParameterError> {
    if (1..=PLACE_BYTES).contains(&recording.len()) {
        return Ok(());
    }
    Err(ParameterError::RecordingId {
        recording: recording.to_owned(),
        longest: PLACE_BYTES,
    })
}

fn within(name: &str, value: f64, low: f64, high: f64) -> Result<(), ParameterError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ParameterError::OutOfRange {
        name: name.to_owned(),
        value,
        low,
        high,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_their_ranges() {
        assert_eq!(Parameters::default().check(), Ok(()));
        let tidy = Parameters {
            effects: Effects::NONE,
            quirks: Quirks::NONE,
            ..Parameters::default()
        };
        assert_eq!(tidy.check(), Ok(()));
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let mut parameters = Parameters::default();
        parameters.weights[4][1] = f64::NAN;
        let said = parameters
            .check()
            .expect_err("NaN is in no range")
            .to_string();
        assert_eq!(said, "`weights.R.eog` is NaN, but must be within 0 and 3");
    }

    #[test]
    fn more_epochs_per_class_than_a_night_holds_are_refused() {
        let parameters = Parameters {
            night_minutes: 10.0,
            minimum_epochs_per_class: 5,
            ..Parameters::default()
        };
        assert!(matches!(
            parameters.check(),
            Err(ParameterError::OutOfRange { .. })
        ));
    }
}
