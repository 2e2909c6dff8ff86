//! Dates and times of day, as far as a recording's start needs them.

use std::fmt;

/// A day of the Gregorian calendar; always a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

/// A time of day with nanoseconds; always a real one, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    second_of_day: u32,
    nanosecond: u32,
}

/// When a recording's first sample was taken, as far as its header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Start {
    /// The day; none where the header holds no readable one.
    pub date: Option<Date>,
    /// The time of day, with the sub-second part that EDF+ keeps in its first annotation.
    pub time: Option<TimeOfDay>,
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const NANOSECONDS: i128 = 1_000_000_000;
const DAY_NANOSECONDS: i128 = 86_400 * NANOSECONDS;

impl Date {
    /// Makes a date; none if there is no such day. Years 1 to 9999.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let real = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        real.then_some(Self { year, month, day })
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Reads `dd.mm.yy`; years 85 to 99 are of the 20th century, 00 to 84 of the 21st.
    pub(crate) fn from_field(text: &str) -> Option<Self> {
        let [day, month, year] = three_numbers(text)?;
        let year = match year {
            0..=84 => 2000 + year,
            85..=99 => 1900 + year,
            _ => year,
        };
        Self::new(
            i32::try_from(year).ok()?,
            u8::try_from(month).ok()?,
            u8::try_from(day).ok()?,
        )
    }

    /// Writes `dd.mm.yy`; EDF+ asks for the letters `yy` outside 1985 to 2084.
    pub(crate) fn to_field(self) -> String {
        let Self { year, month, day } = self;
        match year {
            1985..=2084 => format!("{day:02}.{month:02}.{:02}", year % 100),
            _ => format!("{day:02}.{month:02}.yy"),
        }
    }

    /// Reads EDF+'s `dd-MMM-yyyy`, in upper or lower case.
    pub(crate) fn from_words(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let month = MONTHS
            .iter()
            .position(|name| name.eq_ignore_ascii_case(month))?;
        let whole = parts.next().is_none();
        whole.then(|| {
            Self::new(
                year.parse().ok()?,
                u8::try_from(month).ok()? + 1,
                day.parse().ok()?,
            )
        })?
    }

    /// Writes EDF+'s `dd-MMM-yyyy`.
    pub(crate) fn to_words(self) -> String {
        format!(
            "{:02}-{}-{:04}",
            self.day,
            MONTHS[usize::from(self.month) - 1],
            self.year
        )
    }

    fn plus_days(self, days: i128) -> Option<Self> {
        let mut date = self;
        let mut left = i32::try_from(days)
            .ok()
            .filter(|days| days.abs() < 4_000_000)?;
        while left != 0 {
            date = if left > 0 {
                date.next()?
            } else {
                date.previous()?
            };
            left -= left.signum();
        }
        Some(date)
    }

    fn next(self) -> Option<Self> {
        let Self { year, month, day } = self;
        let in_month = Self::new(year, month, day + 1);
        in_month
            .or_else(|| Self::new(year, month + 1, 1))
            .or_else(|| Self::new(year + 1, 1, 1))
    }

    fn previous(self) -> Option<Self> {
        let Self { year, month, day } = self;
        match (month, day) {
            (1, 1) => Self::new(year - 1, 12, 31),
            (_, 1) => Self::new(year, month - 1, days_in(year, month - 1)),
            _ => Self::new(year, month, day - 1),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TimeOfDay {
    /// Makes a time of day; none if there is no such time.
    #[must_use]
    pub fn new(hour: u8, minute: u8, second: u8, nanosecond: u32) -> Option<Self> {
        let real = hour < 24 && minute < 60 && second < 60 && nanosecond < 1_000_000_000;
        let second_of_day = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second);
        real.then_some(Self {
            second_of_day,
            nanosecond,
        })
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u32 {
        self.second_of_day / 3600
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u32 {
        self.second_of_day / 60 % 60
    }

    /// The second, 0 to 59.
    #[must_use]
    pub const fn second(self) -> u32 {
        self.second_of_day % 60
    }

    /// The nanosecond, 0 to 999 999 999.
    #[must_use]
    pub const fn nanosecond(self) -> u32 {
        self.nanosecond
    }

    /// Whole seconds since midnight, 0 to 86 399.
    #[must_use]
    pub const fn second_of_day(self) -> u32 {
        self.second_of_day
    }

    /// Reads `hh.mm.ss`.
    pub(crate) fn from_field(text: &str) -> Option<Self> {
        let [hour, minute, second] = three_numbers(text)?;
        Self::new(
            u8::try_from(hour).ok()?,
            u8::try_from(minute).ok()?,
            u8::try_from(second).ok()?,
            0,
        )
    }

    /// Writes `hh.mm.ss`.
    pub(crate) fn to_field(self) -> String {
        format!(
            "{:02}.{:02}.{:02}",
            self.hour(),
            self.minute(),
            self.second()
        )
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02}:{:02}:{:02}",
            self.hour(),
            self.minute(),
            self.second()
        )?;
        match self.nanosecond {
            0 => Ok(()),
            nanosecond => write!(f, ".{}", format!("{nanosecond:09}").trim_end_matches('0')),
        }
    }
}

impl Start {
    /// Makes a start from a date and a time that are both known.
    #[must_use]
    pub const fn new(date: Date, time: TimeOfDay) -> Self {
        Self {
            date: Some(date),
            time: Some(time),
        }
    }

    /// The moment `seconds` later, to the nanosecond; the date turns at midnight.
    #[must_use]
    pub fn plus_seconds(self, seconds: f64) -> Self {
        let Some(time) = self.time else { return self };
        // A float's cast saturates, so no number of seconds can overflow the sum.
        let shift = (seconds * 1e9).round() as i64;
        let before = i128::from(time.second_of_day) * NANOSECONDS + i128::from(time.nanosecond);
        let moment = before + i128::from(shift);
        let of_day = moment.rem_euclid(DAY_NANOSECONDS);
        let time = TimeOfDay {
            second_of_day: (of_day / NANOSECONDS) as u32,
            nanosecond: (of_day % NANOSECONDS) as u32,
        };
        let days = moment.div_euclid(DAY_NANOSECONDS);
        Self {
            date: self.date.and_then(|date| date.plus_days(days)),
            time: Some(time),
        }
    }
}

/// Three numbers of one or two digits (the last of up to four), apart by any of the signs seen in files.
fn three_numbers(text: &str) -> Option<[u32; 3]> {
    let mut parts = text
        .trim()
        .split(['.', ':', '-', '/', '\'', ' '])
        .filter(|part| !part.is_empty());
    let mut next = || {
        let part = parts.next()?;
        let plain = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse().ok())?
    };
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

fn days_in(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u8, day: u8) -> Date {
        Date::new(year, month, day).expect("a real day")
    }

    #[test]
    fn only_real_days_are_dates() {
        assert!(Date::new(2000, 2, 29).is_some());
        assert!(Date::new(1900, 2, 29).is_none());
        assert!(Date::new(2001, 0, 1).is_none());
        assert!(TimeOfDay::new(24, 0, 0, 0).is_none());
    }

    #[test]
    fn two_digit_years_turn_at_1985() {
        assert_eq!(Date::from_field("12.07.94"), Some(date(1994, 7, 12)));
        assert_eq!(Date::from_field("01.01.84"), Some(date(2084, 1, 1)));
        assert_eq!(Date::from_field("01.01.85"), Some(date(1985, 1, 1)));
        assert_eq!(Date::from_field("29.02.yy"), None);
        assert_eq!(date(2099, 3, 4).to_field(), "04.03.yy");
    }

    #[test]
    fn sloppy_separators_are_read() {
        assert_eq!(Date::from_field(" 1/ 2-94"), Some(date(1994, 2, 1)));
        assert_eq!(
            TimeOfDay::from_field("23:59:30"),
            TimeOfDay::new(23, 59, 30, 0)
        );
        assert_eq!(TimeOfDay::from_field("23.59"), None);
    }

    #[test]
    fn words_survive_a_round_trip() {
        let day = date(1994, 7, 12);
        assert_eq!(Date::from_words(&day.to_words()), Some(day));
        assert_eq!(Date::from_words("12-jul-1994"), Some(day));
        assert_eq!(Date::from_words("12-JUL-1994-X"), None);
    }

    #[test]
    fn a_start_turns_its_date_at_midnight() {
        let start = Start::new(
            date(1999, 12, 31),
            TimeOfDay::new(23, 59, 59, 0).expect("a time"),
        );
        let later = start.plus_seconds(1.25);
        assert_eq!(
            later,
            Start::new(
                date(2000, 1, 1),
                TimeOfDay::new(0, 0, 0, 250_000_000).expect("a time")
            )
        );
        assert_eq!(later.plus_seconds(-1.25), start);
        assert_eq!(
            later.time.map(|time| time.to_string()).as_deref(),
            Some("00:00:00.25")
        );
    }

    #[test]
    fn no_number_of_seconds_overflows_a_start() {
        let start = Start::new(
            date(1994, 7, 12),
            TimeOfDay::new(1, 2, 3, 4).expect("a time"),
        );
        for seconds in [f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, 1e18] {
            let _ = start.plus_seconds(seconds);
        }
    }
}
