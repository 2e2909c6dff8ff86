//! Numbers, durations and dates in words.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Four significant digits; very small and very large numbers with an exponent.
pub fn short(float: f64) -> String {
    let size = float.abs();
    if size == 0.0 || !float.is_finite() {
        return format!("{}", if size == 0.0 { 0.0 } else { float });
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{float:.2e}");
    }
    let digits = (3 - size.log10().floor() as i64).clamp(0, 6);
    format!("{float:.*}", usize::try_from(digits).unwrap_or(0))
}

/// A whole number with a comma at every thousand.
pub fn grouped(int: i64) -> String {
    let digits = int.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if int < 0 { format!("−{text}") } else { text }
}

/// A duration in seconds as people say it.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 if seconds < 0.0095 => format!("{:.1} ms", seconds * 1e3),
        0..60 if seconds < 9.95 => format!("{seconds:.2} s"),
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A moment, in seconds since 1970 (UTC), as date and time in words.
pub fn moment(unix: u64) -> String {
    let (mut day, mut year) = (unix / 86_400, 1970);
    while day >= days(year) {
        day -= days(year);
        year += 1;
    }
    let lengths = [31, days(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (hour, minute) = (unix / 3600 % 24, unix / 60 % 60);
    format!(
        "{} {} {year}, {hour:02}:{minute:02} UTC",
        day + 1,
        MONTHS[month]
    )
}

/// The days of a year of the Gregorian calendar.
fn days(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    365 + u64::from(leap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits_at_any_size() {
        let shorts = [
            (0.0, "0"),
            (12.3456, "12.35"),
            (0.012345, "0.01235"),
            (99999.9, "100000"),
            (1.5e-19, "1.50e-19"),
        ];
        for (float, words) in shorts {
            assert_eq!(short(float), words);
        }
    }

    #[test]
    fn moments_know_leap_years() {
        let moments = [
            (0, "1 January 1970, 00:00 UTC"),
            (951_782_400, "29 February 2000, 00:00 UTC"),
            (1_795_526_023, "24 November 2026, 13:13 UTC"),
            (4_107_542_399, "28 February 2100, 23:59 UTC"),
            (4_107_542_400, "1 March 2100, 00:00 UTC"),
        ];
        for (unix, words) in moments {
            assert_eq!(moment(unix), words);
        }
    }

    #[test]
    fn durations_and_counts_are_said_as_people_do() {
        let said = [0.0005, 0.17, 12.34, 264.5, 3725.0].map(duration);
        assert_eq!(
            said,
            ["0.5 ms", "0.17 s", "12.3 s", "4 min 25 s", "1 h 2 min"]
        );
        assert_eq!([7, 1276, -48_000].map(grouped), ["7", "1,276", "−48,000"]);
    }
}
