//! Numbers as the format's texts hold them.

/// The shortest decimal text of a number if it fits `width` characters and reads back the same.
pub(super) fn exact(value: f64, width: usize) -> Option<String> {
    let text = format!("{}", value + 0.0); // a negative zero becomes a plain one
    (value.is_finite() && text.len() <= width).then_some(text)
}

/// The closest limits around `min` and `max` that the eight characters of a header can hold.
///
/// Returns the largest such number `≤ min` and the smallest `≥ max`; none if there is none (beyond
/// −9 999 999 or 99 999 999) or a limit is NaN. Meant for the physical limits of a signal whose extremes have
/// many digits.
#[must_use]
pub fn widest_fit(min: f64, max: f64) -> Option<(f64, f64)> {
    Some((
        fit(min, f64::floor, |fit| fit <= min)?,
        fit(max, f64::ceil, |fit| fit >= max)?,
    ))
}

fn fit(value: f64, round: impl Fn(f64) -> f64, is_outside: impl Fn(f64) -> bool) -> Option<f64> {
    let with_decimals = |decimals: i32| {
        let scale = 10_f64.powi(decimals);
        let text = format!("{:.*}", decimals as usize, round(value * scale) / scale);
        let fit: f64 = text.parse().ok()?;
        (exact(fit, 8).is_some() && is_outside(fit)).then_some(fit)
    };
    (0..=6).rev().find_map(with_decimals)
}

/// Seconds with a sign, the shortest text that reads back the same.
pub(super) fn signed(seconds: f64) -> String {
    format!("{:+}", seconds + 0.0)
}

/// Seconds with a sign, to 12 decimals without trailing zeros: sums of decimal numbers stay decimal.
pub(super) fn signed_decimal(seconds: f64) -> String {
    let text = format!("{seconds:+.12}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "+0".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_exactly_or_not_at_all() {
        assert_eq!(exact(-3000.0, 8).as_deref(), Some("-3000"));
        assert_eq!(exact(-187.5, 8).as_deref(), Some("-187.5"));
        assert_eq!(exact(1.0 / 3.0, 8), None);
        assert_eq!(exact(-0.0, 8).as_deref(), Some("0"));
    }

    #[test]
    fn limits_are_widened_to_what_fits() {
        let third = 1.0 / 3.0;
        assert_eq!(widest_fit(-third, third), Some((-0.33334, 0.333_334)));
        assert_eq!(widest_fit(-1000.0, 1000.0), Some((-1000.0, 1000.0)));
        assert_eq!(
            widest_fit(-1_234_567.8, 12_345_678.9),
            Some((-1_234_568.0, 12_345_679.0))
        );
        assert_eq!(widest_fit(-1e9, 0.0), None);
        assert_eq!(widest_fit(f64::NAN, 0.0), None);
    }

    #[test]
    fn sums_of_decimals_stay_decimal() {
        assert_eq!(signed_decimal(3.0 * 0.1), "+0.3");
        assert_eq!(signed_decimal(100.0), "+100");
        assert_eq!(signed_decimal(-0.0), "+0");
        assert_eq!(signed(0.1 + 0.2), "+0.30000000000000004");
    }
}
