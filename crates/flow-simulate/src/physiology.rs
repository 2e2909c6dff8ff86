//! What each stage looks like in each channel: RMS of the bands in µV.
//!
//! The numbers are ours, chosen from the rules of Rechtschaffen & Kales (1968): alpha over the back
//! of the head awake, theta in stage 1, slow waves above 75 µV peak to peak in a part of stage 3
//! and most of stage 4, eyes rolling in stage 1 and darting in REM, chin tone that falls from wake
//! to REM.

use crate::cohort::{Medication, Night, Sex};
use crate::filter::Band;
use crate::math::{exp, ln, power};
use crate::noise::{Purpose, Source};
use crate::parameters::{ClassByModality, Effect, MOST_WEIGHT, Modality, Parameters};
use crate::stages::Stage;

/// Number of lanes: eight of EEG, four of EOG, one of EMG.
pub(crate) const LANES: usize = 13;
/// First EOG lane.
pub(crate) const EOG: usize = 8;
/// The EMG lane.
pub(crate) const EMG: usize = 12;
/// Stages with a look of their own: all but unknown.
pub(crate) const LOOKS: usize = 7;

/// RMS in µV per stage (W, 1, 2, 3, 4, R, movement). EEG lanes (at Fpz-Cz): drift, slow, delta,
/// theta, alpha, sigma, beta, gamma. EOG lanes: rolling, drift, middle, broad. EMG: tone.
const LEVELS_UV: [[f64; LANES]; LOOKS] = [
    [
        8.0, 7.0, 5.0, 5.5, 13.0, 2.5, 7.0, 4.0, 14.0, 9.0, 7.0, 5.0, 18.0,
    ],
    [
        6.0, 9.0, 6.5, 9.0, 4.0, 2.5, 4.5, 2.2, 40.0, 9.0, 6.0, 3.5, 9.0,
    ],
    [
        6.0, 14.0, 9.0, 8.0, 3.5, 3.5, 3.2, 1.5, 9.0, 7.0, 6.0, 3.0, 6.5,
    ],
    [
        6.0, 32.0, 14.5, 8.0, 3.2, 2.8, 2.4, 1.1, 7.0, 7.0, 7.0, 2.5, 5.5,
    ],
    [
        6.0, 48.0, 18.0, 8.0, 3.0, 2.4, 2.0, 0.9, 6.5, 7.0, 8.0, 2.5, 5.0,
    ],
    [
        6.0, 8.0, 6.5, 8.5, 4.5, 2.0, 4.7, 2.1, 11.0, 8.0, 7.0, 3.5, 2.5,
    ],
    [
        40.0, 20.0, 14.0, 10.0, 8.0, 4.0, 9.0, 8.0, 35.0, 40.0, 20.0, 9.0, 40.0,
    ],
];

/// What an EEG band is at Pz-Oz, relative to Fpz-Cz.
pub(crate) const POSTERIOR: [f32; EOG] = [0.8, 0.65, 0.75, 1.0, 2.0, 0.8, 0.8, 0.8];

/// The modality of a lane.
pub(crate) fn modality_of(lane: usize) -> Modality {
    match lane {
        ..EOG => Modality::Eeg,
        EOG..EMG => Modality::Eog,
        _ => Modality::Emg,
    }
}

/// Natural logarithms of the lanes of one look.
pub(crate) type LogLevels = [f64; LANES];

/// The looks of the stages in natural logarithms, and the average look of the five classes.
pub(crate) struct Looks {
    pub stages: [LogLevels; LOOKS],
    pub average: LogLevels,
}

impl Looks {
    /// Takes the table's logarithms and averages the classes, stages 3 and 4 counting half each.
    pub(crate) fn new() -> Self {
        let stages = LEVELS_UV.map(|row| row.map(ln));
        Self {
            stages,
            average: std::array::from_fn(|lane| average_of(|look| stages[look][lane])),
        }
    }
}

/// The mean over the five classes of something that each look has.
pub(crate) fn average_of(of: impl Fn(usize) -> f64) -> f64 {
    let slow_wave = (of(Stage::Three as usize) + of(Stage::Four as usize)) / 2.0;
    let others = [Stage::Wake, Stage::One, Stage::Two, Stage::Rem].map(|stage| of(stage as usize));
    (slow_wave + others.iter().sum::<f64>()) / 5.0
}

/// What is particular to one night: planted effects and the subject's own differences, all
/// realised.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    /// Amplitude factors planted by medication, age and sex, times the subject's own.
    pub slow_wave: f64,
    pub sigma: f64,
    pub alpha: f64,
    pub eye_movement: f64,
    pub muscle_tone: f64,
    /// How distinguishable each class is in each modality on this night.
    pub weights: ClassByModality,
    /// Amplification of Fpz-Cz, Pz-Oz, EOG, EMG.
    pub gains: [f64; 4],
    pub alpha_hertz: f64,
    pub spindle_hertz: f64,
    /// Factor on how often spindles and K-complexes come.
    pub spindle_rate: f64,
    /// Factor on how often eyes move.
    pub eye_rate: f64,
    /// Factor on the odds to enter slow-wave sleep.
    pub depth: f64,
    /// Amplitude of the mains hum in µV.
    pub mains_uv: f64,
    /// Peak of the heart's spike in the chin channel in µV.
    pub heart_uv: f64,
    pub heart_hertz: f64,
}

impl Traits {
    /// Draws the subject's differences (the same for both nights) and applies the planted effects
    /// of this night.
    pub(crate) fn new(parameters: &Parameters, night: &Night) -> Self {
        let place = format!("subject-{:03}", night.subject);
        let mut own = Source::new(parameters.seed, &place, Purpose::Traits);
        let mut nightly = Source::new(parameters.seed, &night.recording, Purpose::Traits);
        let covariates = covariates(parameters, night);
        let size = parameters.individuality;
        let planted = |change: fn(&Effect) -> f64| {
            covariates
                .iter()
                .map(|(effect, units)| power(1.0 + change(effect), *units))
                .product::<f64>()
        };
        Self {
            slow_wave: planted(|effect| effect.slow_wave) * own.log_normal(0.15 * size),
            sigma: planted(|effect| effect.sigma) * own.log_normal(0.15 * size),
            alpha: planted(|effect| effect.alpha) * own.log_normal(0.35 * size),
            eye_movement: planted(|effect| effect.eye_movement) * own.log_normal(0.15 * size),
            muscle_tone: planted(|effect| effect.muscle_tone) * own.log_normal(0.25 * size),
            weights: weights(parameters, &covariates, &mut own),
            gains: std::array::from_fn(|_| {
                own.log_normal(0.2 * size) * nightly.log_normal(0.1 * size)
            }),
            alpha_hertz: (10.0 + 0.6 * size * own.normal()).clamp(8.0, 12.0),
            spindle_hertz: (13.0 + 0.3 * size * own.normal()).clamp(12.0, 14.0),
            spindle_rate: own.log_normal(0.25 * size),
            eye_rate: own.log_normal(0.25 * size),
            depth: own.log_normal(0.3 * size),
            mains_uv: 0.4 * own.log_normal(0.5 * size),
            heart_uv: 3.0 * own.log_normal(0.6 * size),
            heart_hertz: (1.05 + 0.12 * size * own.normal()).clamp(0.7, 1.5),
        }
    }

    /// What multiplies a lane on this night, as a natural logarithm.
    pub(crate) fn log_factor(&self, lane: usize) -> f64 {
        match lane {
            1 | 2 => ln(self.slow_wave),
            4 => ln(self.alpha),
            5 => ln(self.sigma),
            EOG => ln(self.eye_movement),
            EMG => ln(self.muscle_tone),
            _ => 0.0,
        }
    }

    /// The EEG bands tuned to this subject's alpha and spindle frequency.
    pub(crate) fn eeg_bands(&self) -> [Band; EOG] {
        let band = |hertz, quality| Band { hertz, quality };
        [
            band(0.15, 0.5),
            band(0.9, 0.7),
            band(2.6, 0.9),
            band(5.5, 1.1),
            band(self.alpha_hertz, 3.5),
            band(self.spindle_hertz, 4.0),
            band(20.0, 0.8),
            band(34.0, 1.0),
        ]
    }
}

/// Each effect with the units of its covariate that this night has.
fn covariates(parameters: &Parameters, night: &Night) -> [(Effect, f64); 3] {
    let temazepam = if night.medication == Medication::Temazepam {
        1.0
    } else {
        0.0
    };
    let decades = (f64::from(night.age_years) - 40.0) / 10.0;
    let female = if night.sex == Sex::Female { 1.0 } else { 0.0 };
    let effects = &parameters.effects;
    [
        (effects.temazepam, temazepam),
        (effects.age_per_decade, decades),
        (effects.female, female),
    ]
}

/// `clamp(weight + Σ contrast · units + own, 0, 3)`; what is the subject's own is the same in every class.
fn weights(
    parameters: &Parameters,
    covariates: &[(Effect, f64)],
    own: &mut Source,
) -> ClassByModality {
    let own = [0; 3].map(|_| 0.06 * parameters.individuality * own.normal());
    let weight = |class: usize, modality: usize| {
        let planted: f64 = covariates
            .iter()
            .map(|(effect, units)| effect.contrast[class][modality] * units)
            .sum();
        (parameters.weights[class][modality] + (planted + own[modality])).clamp(0.0, MOST_WEIGHT)
    };
    std::array::from_fn(|class| std::array::from_fn(|modality| weight(class, modality)))
}

/// Bands of the EOG lanes.
pub(crate) const EOG_BANDS: [Band; EMG - EOG] = [
    Band {
        hertz: 0.3,
        quality: 1.2,
    },
    Band {
        hertz: 0.1,
        quality: 0.6,
    },
    Band {
        hertz: 3.0,
        quality: 0.6,
    },
    Band {
        hertz: 20.0,
        quality: 0.7,
    },
];

/// Bands that share the chin's tone, and how much of its amplitude each carries (squares add up to
/// 1).
pub(crate) const EMG_BANDS: [Band; 4] = [
    Band {
        hertz: 14.0,
        quality: 0.9,
    },
    Band {
        hertz: 24.0,
        quality: 1.1,
    },
    Band {
        hertz: 34.0,
        quality: 1.4,
    },
    Band {
        hertz: 43.0,
        quality: 2.0,
    },
];
pub(crate) const EMG_SHARES: [f32; 4] = [0.4, 0.6, 0.56, 0.4];

/// `e^level` of every lane.
pub(crate) fn microvolts(levels: &LogLevels) -> [f32; LANES] {
    levels.map(|level| exp(level) as f32)
}
