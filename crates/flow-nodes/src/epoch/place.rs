//! Where the epochs of a scoring lie on the signal.

use flow_contract::NodeError;
use flow_edf::{Recording, Start};

/// One epoch of the scoring.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Seconds from the first sample of the signals.
    pub onset: f64,
    /// The scorer's words.
    pub text: String,
    /// The class: W, N1, N2, N3, R from 0; `None` for movement time and `?`.
    pub class: Option<u8>,
}

/// What became of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is used.
    Kept,
    /// Movement time, `?`, or other words without a class.
    NoClass,
    /// The signal does not cover it.
    NoSignal,
    /// It touches a telemetry error.
    TelemetryError,
}

impl Fate {
    /// The reason in words, empty for a kept epoch.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::NoClass => "no class",
            Self::NoSignal => "outside the signal",
            Self::TelemetryError => "telemetry error",
        }
    }
}

/// The class of a scorer's words: Rechtschaffen & Kales and AASM terms, 3 and 4 as one.
fn class(text: &str) -> Option<u8> {
    match text.strip_prefix("Sleep stage ")?.trim() {
        "W" => Some(0),
        "1" | "N1" => Some(1),
        "2" | "N2" => Some(2),
        "3" | "4" | "N3" | "N4" => Some(3),
        "R" | "REM" => Some(4),
        _ => None,
    }
}

/// Cuts the scored spans into epochs; a rest shorter than an epoch is left.
///
/// Onsets count from the start of the hypnogram's file; where that differs from the signals' start,
/// they are moved by the difference.
///
/// # Errors
/// A scoring without any stage.
pub fn place(
    psg: &Recording,
    hypnogram: &Recording,
    seconds: f64,
) -> Result<Vec<Placed>, NodeError> {
    /// A scored span may fall short of whole epochs by this much and still count as them.
    const SLACK: f64 = 1e-6;
    let shift = seconds_between(psg.start(), hypnogram.start());
    let mut placed = Vec::new();
    for annotation in hypnogram.annotations() {
        let text = annotation.text.trim();
        if !text.starts_with("Sleep stage") && text != "Movement time" {
            continue;
        }
        let duration = annotation.duration_seconds.unwrap_or(seconds);
        let count = (duration / seconds + SLACK).floor();
        // The product is exact far beyond any night; a claim of more epochs than a year is nonsense.
        let count = if count.is_finite() && count < 2e6 {
            count as u32
        } else {
            0
        };
        for index in 0..count {
            let onset = annotation.onset_seconds + shift + f64::from(index) * seconds;
            placed.push(Placed {
                onset,
                text: text.to_owned(),
                class: class(text),
            });
        }
    }
    if placed.is_empty() {
        return Err(NodeError::new("the scoring holds no sleep stages")
            .because(format!(
                "none of its {} annotations reads `Sleep stage …`",
                hypnogram.annotations().len()
            ))
            .help("give the hypnogram file that belongs to this recording"));
    }
    placed.sort_by(|a, b| a.onset.total_cmp(&b.onset));
    Ok(placed)
}

/// Seconds from `from` to `to`; 0 where a file doesn't say, and the nearer of two days where only
/// the time of day is known.
fn seconds_between(from: Start, to: Start) -> f64 {
    let (Some(from_time), Some(to_time)) = (from.time, to.time) else {
        return 0.0;
    };
    let time = second_of_day(to_time) - second_of_day(from_time);
    match (from.date, to.date) {
        (Some(a), Some(b)) => f64::from(days(b) - days(a)) * 86400.0 + time,
        _ if time > 43200.0 => time - 86400.0,
        _ if time < -43200.0 => time + 86400.0,
        _ => time,
    }
}

fn second_of_day(time: flow_edf::TimeOfDay) -> f64 {
    let whole = time.hour() * 3600 + time.minute() * 60 + time.second();
    f64::from(whole) + f64::from(time.nanosecond()) * 1e-9
}

/// Days since 0000-03-01 of the Gregorian calendar.
fn days(date: flow_edf::Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let (year, month) = if month > 2 {
        (date.year(), month - 3)
    } else {
        (date.year() - 1, month + 9)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_three_and_four_are_one_class() {
        assert_eq!(class("Sleep stage 3"), Some(3));
        assert_eq!(class("Sleep stage 4"), Some(3));
        assert_eq!(class("Sleep stage ?"), None);
        assert_eq!(class("Movement time"), None);
        assert_eq!(class("Limb movement"), None);
    }

    #[test]
    fn days_count_over_leap_years() {
        let date = |year, month, day| days(flow_edf::Date::new(year, month, day).unwrap());
        assert_eq!(date(2000, 3, 1) - date(2000, 2, 28), 2);
        assert_eq!(date(1995, 1, 1) - date(1994, 1, 1), 365);
        assert_eq!(date(1994, 7, 13) - date(1994, 7, 12), 1);
    }
}
