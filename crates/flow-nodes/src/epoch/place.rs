//! Where the epochs of a night lie: those of the scoring, and those between, before and after them.

use std::collections::BTreeSet;

use flow_contract::NodeError;
use flow_edf::{Recording, Start};

use super::fate::Fate;

/// One epoch of the night.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Seconds from the first sample of the signals.
    pub onset: f64,
    /// The scorer's words; empty where nothing was scored.
    pub text: String,
    /// The class: W, N1, N2, N3, R from 0; `None` where there is none.
    pub class: Option<u8>,
    /// [`Fate::Kept`], or why the scoring alone rules the epoch out.
    pub fate: Fate,
}

/// Onsets closer than this, s, are the same; a scored span may fall short of whole epochs by as much.
const SLACK: f64 = 1e-6;

/// More epochs than this are no night but a damaged file: at 30 s, two years.
const MOST: f64 = 2e6;

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

fn scored(onset: f64, text: &str) -> Placed {
    let class = class(text);
    let fate = match text {
        _ if class.is_some() => Fate::Kept,
        "Movement time" => Fate::Movement,
        "Sleep stage ?" => Fate::Unscored,
        _ => Fate::NoClass,
    };
    let text = text.to_owned();
    Placed {
        onset,
        text,
        class,
        fate,
    }
}

/// Cuts the night into epochs: the scored spans from their onsets, the unscored stretches of the signal
/// between them. A rest shorter than an epoch is left.
///
/// Onsets count from the start of the hypnogram's file; where that differs from the signals' start,
/// they are moved by the difference. Before the first scored epoch the grid is that epoch's.
///
/// # Errors
/// A scoring without any stage, or of more epochs than any night has.
pub fn place(
    psg: &Recording,
    hypnogram: &Recording,
    seconds: f64,
) -> Result<Vec<Placed>, NodeError> {
    let shift = seconds_between(psg.start(), hypnogram.start());
    let mut placed = Vec::new();
    for annotation in hypnogram.annotations() {
        let text = annotation.text.trim();
        if !is_scoring(text) {
            continue;
        }
        let duration = annotation.duration_seconds.unwrap_or(seconds);
        let count = (duration / seconds + SLACK).floor();
        if !annotation.onset_seconds.is_finite() || placed.len() as f64 + count > MOST {
            return Err(endless(annotation.onset_seconds, duration, text));
        }
        let first = annotation.onset_seconds + shift;
        let onsets = (0..count.max(0.0) as u32).map(|index| first + f64::from(index) * seconds);
        placed.extend(onsets.map(|onset| scored(onset, text)));
    }
    if placed.is_empty() {
        return Err(no_stages(hypnogram, seconds));
    }
    let end = psg.duration_seconds();
    placed.sort_by(|a, b| a.onset.total_cmp(&b.onset));
    Ok(filled(placed, end, seconds))
}

fn is_scoring(text: &str) -> bool {
    text.starts_with("Sleep stage") || text == "Movement time"
}

/// What to say of a scoring without an epoch: how long its stages are, or what it reads instead.
fn no_stages(hypnogram: &Recording, seconds: f64) -> NodeError {
    let all = || hypnogram.annotations().iter();
    let stages = all().filter(|annotation| is_scoring(annotation.text.trim()));
    let lengths = stages.map(|annotation| annotation.duration_seconds.unwrap_or(seconds));
    if let Some(longest) = lengths.reduce(f64::max) {
        return NodeError::new(format!("no scored stage lasts an epoch of {seconds} s"))
            .because(format!("the longest lasts {longest} s"))
            .help("set `seconds` to the length of the scorer's epochs");
    }
    let words: BTreeSet<&str> = all().map(|annotation| annotation.text.trim()).collect();
    let mut some: Vec<String> = words
        .iter()
        .take(8)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.len() > some.len() {
        some.push(format!("and {} more", words.len() - some.len()));
    }
    let why = match some.is_empty() {
        true => "it has no annotations".to_owned(),
        false => format!("its annotations read {}", some.join(", ")),
    };
    NodeError::new("the scoring holds no sleep stages")
        .because(why)
        .help("give the hypnogram of this recording; its stages read `Sleep stage 2`, `Sleep stage N2` and so on")
}

/// Refuses signals of more epochs than any night has.
///
/// # Errors
/// The same, in words.
pub fn refuse_endless(psg: &Recording, seconds: f64) -> Result<(), NodeError> {
    match psg.duration_seconds() {
        end if end / seconds > MOST => Err(endless(0.0, end, "the signals")),
        _ => Ok(()),
    }
}

fn endless(onset: f64, duration: f64, what: &str) -> NodeError {
    NodeError::new(format!("`{what}` at {onset} s lasts {duration} s"))
        .because(format!("more than {MOST} epochs are no night"))
        .help("the file is damaged, or `seconds` is far too small")
}

/// The scored epochs with the unscored ones of a signal of `end` seconds.
fn filled(scored: Vec<Placed>, end: f64, seconds: f64) -> Vec<Placed> {
    let first = scored.first().map_or(0.0, |one| one.onset.min(end));
    let late = (first / seconds + SLACK).floor().max(0.0);
    let mut all: Vec<Placed> =
        unscored(first - late * seconds, first, seconds, Fate::BeforeScoring);
    let mut reached = first;
    for mut one in scored {
        let hole = one.onset.min(end);
        all.extend(unscored(reached, hole, seconds, Fate::Hole));
        match one.onset < reached - SLACK {
            true => one.fate = Fate::ScoredTwice,
            false => reached = one.onset + seconds,
        }
        all.push(one);
    }
    all.extend(unscored(reached, end, seconds, Fate::AfterScoring));
    all
}

/// Whole epochs from `from` to `to`.
fn unscored(from: f64, to: f64, seconds: f64, fate: Fate) -> Vec<Placed> {
    let count = ((to - from) / seconds + SLACK).floor().max(0.0) as u32;
    let epoch = |index| Placed {
        onset: from + f64::from(index) * seconds,
        text: String::new(),
        class: None,
        fate,
    };
    let in_signal = |one: &Placed| one.onset > -SLACK;
    (0..count).map(epoch).filter(in_signal).collect()
}

/// When the lights went off, s from the first sample; negative where that was before.
///
/// `clock` is a time of day without a date, so it is taken within the recording, or in the twelve hours
/// before it.
///
/// # Errors
/// A recording without a time of start; a time of day that is in neither.
pub fn lights_off(psg: &Recording, clock: u32) -> Result<f64, NodeError> {
    const HALF_A_DAY: f64 = 43200.0;
    const DAY: f64 = 86400.0;
    let start = psg.start().time.ok_or_else(|| {
        NodeError::new(
            "the recording does not say when it started, so `lights_off` has no place in it",
        )
        .help("leave `lights_off` empty")
    })?;
    let after = (f64::from(clock) - second_of_day(start)).rem_euclid(DAY);
    if after < psg.duration_seconds() {
        return Ok(after);
    }
    if after - DAY >= -HALF_A_DAY {
        return Ok(after - DAY);
    }
    Err(
        NodeError::new(format!("the lights went off {after} s after the start"))
            .because(format!(
                "the recording starts at {start} and lasts {} s",
                psg.duration_seconds()
            ))
            .help("mend `lights_off`, or leave it empty"),
    )
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

    fn stage(onset: f64) -> Placed {
        scored(onset, "Sleep stage 2")
    }

    fn fates(placed: &[Placed]) -> Vec<(f64, &'static str)> {
        placed
            .iter()
            .map(|one| (one.onset, one.fate.words()))
            .collect()
    }

    #[test]
    fn stages_three_and_four_are_one_class() {
        assert_eq!(class("Sleep stage 3"), Some(3));
        assert_eq!(class("Sleep stage 4"), Some(3));
        assert_eq!(class("Limb movement"), None);
        let fate = |text| scored(0.0, text).fate;
        assert_eq!(fate("Sleep stage ?"), Fate::Unscored);
        assert_eq!(fate("Movement time"), Fate::Movement);
        assert_eq!(fate("Sleep stage A"), Fate::NoClass);
    }

    #[test]
    fn a_late_start_a_hole_and_a_tail_are_epochs_too() {
        let night = filled(vec![stage(65.0), stage(155.0)], 250.0, 30.0);
        let late = "before scoring";
        let hole = "hole in scoring";
        assert_eq!(
            fates(&night),
            [
                (5.0, late),
                (35.0, late),
                (65.0, ""),
                (95.0, hole),
                (125.0, hole),
                (155.0, ""),
                (185.0, "after scoring"),
                (215.0, "after scoring")
            ]
        );
    }

    #[test]
    fn what_is_scored_again_is_told_and_leaves_the_grid() {
        let night = filled(vec![stage(0.0), stage(10.0), stage(30.0)], 60.0, 30.0);
        assert_eq!(
            fates(&night),
            [(0.0, ""), (10.0, "scored twice"), (30.0, "")]
        );
    }

    #[test]
    fn a_scoring_beyond_the_signal_gets_no_hole_there() {
        let night = filled(vec![stage(0.0), stage(9e9)], 70.0, 30.0);
        assert_eq!(
            fates(&night),
            [(0.0, ""), (30.0, "hole in scoring"), (9e9, "")]
        );
    }

    #[test]
    fn days_count_over_leap_years() {
        let date = |year, month, day| days(flow_edf::Date::new(year, month, day).unwrap());
        assert_eq!(date(2000, 3, 1) - date(2000, 2, 28), 2);
        assert_eq!(date(1995, 1, 1) - date(1994, 1, 1), 365);
        assert_eq!(date(1994, 7, 13) - date(1994, 7, 12), 1);
    }
}
