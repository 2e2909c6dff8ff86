//! Who slept: the 22 subjects and 44 nights of the Sleep-EDF telemetry study, as public facts.
//!
//! Source: `ST-subjects.xls` of Kemp et al., Sleep-EDF Database Expanded 1.0.0, PhysioNet (ODC-BY
//! 1.0), doi:10.13026/C2X676. Numbers 3 and 23 don't exist in the study.

/// Sex of a subject as the subject table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Code 2 in the telemetry table.
    Female,
    /// Code 1 in the telemetry table.
    Male,
}

/// What was taken before the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medication {
    /// A placebo.
    Placebo,
    /// Temazepam, a benzodiazepine that helps to fall asleep.
    Temazepam,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTime {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl ClockTime {
    /// The time of day so many seconds after midnight; whole days are taken off.
    pub fn from_seconds(seconds: i64) -> Self {
        let seconds = seconds.rem_euclid(86_400);
        let [hour, minute, second] =
            [seconds / 3600, seconds / 60 % 60, seconds % 60].map(|part| part as u8);
        Self {
            hour,
            minute,
            second,
        }
    }

    /// Seconds since midnight, 0 to 86,399.
    pub fn seconds(self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }
}

/// One subject of the study with both nights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Number in the study, 1 to 24.
    pub number: u8,
    /// Age in years, 18 to 79.
    pub age_years: u8,
    /// Sex of the subject.
    pub sex: Sex,
    /// The night, 1 or 2, that had temazepam; the other had placebo.
    pub temazepam_night: u8,
    /// Lights-off of night 1 and of night 2 as (hour, minute).
    pub lights_off: [(u8, u8); 2],
}

/// One row: number, age in years, sex, night with temazepam, lights-off of night 1 and of night 2.
const fn row(
    number: u8,
    age_years: u8,
    sex: Sex,
    temazepam_night: u8,
    lights_off: [(u8, u8); 2],
) -> Subject {
    Subject {
        number,
        age_years,
        sex,
        temazepam_night,
        lights_off,
    }
}

use Sex::{Female as F, Male as M};

/// The 22 subjects in the order of their numbers.
pub const SUBJECTS: [Subject; 22] = [
    row(1, 60, M, 2, [(23, 1), (23, 48)]),
    row(2, 35, F, 1, [(0, 0), (23, 27)]),
    row(4, 18, F, 2, [(23, 53), (22, 37)]),
    row(5, 32, F, 1, [(23, 34), (23, 23)]),
    row(6, 35, F, 2, [(23, 28), (23, 26)]),
    row(7, 51, F, 2, [(0, 2), (23, 24)]),
    row(8, 66, F, 1, [(23, 53), (23, 20)]),
    row(9, 47, M, 1, [(23, 42), (0, 30)]),
    row(10, 20, F, 2, [(23, 21), (23, 28)]),
    row(11, 21, F, 1, [(23, 38), (23, 52)]),
    row(12, 21, M, 2, [(23, 46), (23, 56)]),
    row(13, 22, M, 1, [(0, 38), (0, 31)]),
    row(14, 20, M, 2, [(0, 40), (0, 53)]),
    row(15, 66, F, 2, [(23, 42), (23, 33)]),
    row(16, 79, F, 1, [(23, 18), (23, 21)]),
    row(17, 48, F, 2, [(23, 40), (23, 48)]),
    row(18, 53, F, 1, [(23, 24), (23, 38)]),
    row(19, 28, F, 1, [(23, 44), (23, 22)]),
    row(20, 24, M, 2, [(23, 47), (0, 1)]),
    row(21, 34, F, 1, [(23, 10), (23, 44)]),
    row(22, 56, M, 2, [(23, 22), (23, 44)]),
    row(24, 48, F, 2, [(23, 27), (23, 36)]),
];

/// One night of one subject: what the simulator must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// `ST7ssN`: two-digit subject, then night; at most 16 bytes.
    pub recording: String,
    /// Number of the subject.
    pub subject: u8,
    /// 1 or 2.
    pub night: u8,
    /// Age in years.
    pub age_years: u8,
    /// Sex of the subject.
    pub sex: Sex,
    /// What was taken before this night.
    pub medication: Medication,
    /// When the lights were switched off.
    pub lights_off: ClockTime,
}

impl Night {
    /// Name of the signal file, like `ST7011J0-PSG.edf`.
    pub fn psg_file_name(&self) -> String {
        format!("{}J0-PSG.edf", self.recording)
    }

    /// Name of the scoring file, like `ST7011JP-Hypnogram.edf`.
    pub fn hypnogram_file_name(&self) -> String {
        format!("{}JP-Hypnogram.edf", self.recording)
    }
}

/// All 44 nights, by subject and then night.
pub fn nights() -> Vec<Night> {
    SUBJECTS
        .iter()
        .flat_map(|subject| [1, 2].map(|night| night_of(subject, night)))
        .collect()
}

/// The night with this recording id (`ST7011`), if the study has it.
pub fn night(recording: &str) -> Option<Night> {
    nights()
        .into_iter()
        .find(|night| night.recording == recording)
}

fn night_of(subject: &Subject, night: u8) -> Night {
    let (hour, minute) = subject.lights_off[usize::from(night) - 1];
    let temazepam = subject.temazepam_night == night;
    Night {
        recording: format!("ST7{:02}{night}", subject.number),
        subject: subject.number,
        night,
        age_years: subject.age_years,
        sex: subject.sex,
        medication: if temazepam {
            Medication::Temazepam
        } else {
            Medication::Placebo
        },
        lights_off: ClockTime {
            hour,
            minute,
            second: 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cohort_has_22_subjects_each_with_one_night_of_each_kind() {
        let nights = nights();
        assert_eq!(nights.len(), 44);
        for pair in nights.chunks(2) {
            assert_eq!(pair[0].subject, pair[1].subject);
            assert_ne!(pair[0].medication, pair[1].medication);
            assert!(pair[0].recording < pair[1].recording);
        }
        assert_eq!(
            SUBJECTS.iter().filter(|subject| subject.sex == F).count(),
            15
        );
    }

    #[test]
    fn a_recording_names_its_two_files() {
        let night = night("ST7242").expect("the study has it");
        assert_eq!(night.psg_file_name(), "ST7242J0-PSG.edf");
        assert_eq!(night.hypnogram_file_name(), "ST7242JP-Hypnogram.edf");
        assert_eq!(
            (night.age_years, night.medication),
            (48, Medication::Temazepam)
        );
        assert_eq!(super::night("ST7031"), None);
    }

    #[test]
    fn a_clock_wraps_at_midnight() {
        let just_before = ClockTime::from_seconds(-1);
        assert_eq!(
            just_before,
            ClockTime {
                hour: 23,
                minute: 59,
                second: 59
            }
        );
        assert_eq!(just_before.seconds(), 86_399);
    }
}
