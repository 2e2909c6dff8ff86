//! Writes numbers the way figures show them.

use std::ops::Range;

/// A count with thousands set apart: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with fixed decimals, a true minus sign and no negative zero.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A number to `digits` significant digits; outside 1e-4 to 1e7 as `1.2e−5`.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    rounded(value, digits, -4..7)
}

/// Two significant digits in as little room as can be: `−0.012`, `9876`, `1.2e5`.
pub(crate) fn compact(value: f64) -> String {
    rounded(value, 2, -3..4)
}

/// Plain where the exponent of ten lies in `plain`, else with the exponent.
fn rounded(value: f64, digits: usize, plain: Range<i32>) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{:.*e}", digits.saturating_sub(1), value);
    // `{:e}` rounds first, so 9.99 with two digits has exponent 1.
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if plain.contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        return fixed(value, decimals);
    }
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    format!("{mantissa}e{exponent}").replace('-', "−")
}

/// As [`significant`], without trailing zeros: `0.5`, `100`, `1e−5`.
pub(crate) fn brief(value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    if text.contains('e') || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1 fold`, `2 folds`.
pub(crate) fn plural(n: usize, one: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {one}{s}", count(n as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown: Vec<String> = [0, 999, 1000, 1_234_567].map(count).to_vec();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn zero_has_no_sign_and_minus_is_a_minus() {
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(fixed(-1.25, 2), "−1.25");
    }

    #[test]
    fn significant_digits_survive_rounding_up() {
        assert_eq!(significant(9.996, 3), "10.0");
        assert_eq!(significant(-0.01234, 2), "−0.012");
        assert_eq!(significant(1.0e-19, 2), "1e−19");
        assert_eq!(significant(123_456.0, 2), "123456");
        assert_eq!(significant(2.5e9, 2), "2.5e9");
    }

    #[test]
    fn compact_numbers_stay_short() {
        for value in [-0.012_34, -123_456.0, 9_876.0, -0.000_98, 4.0e-19] {
            assert!(compact(value).chars().count() <= 7, "{}", compact(value));
        }
        assert_eq!(compact(-123_456.0), "−1.2e5");
    }

    #[test]
    fn brief_numbers_drop_zeros_after_the_point_only() {
        assert_eq!(brief(100.0, 3), "100");
        assert_eq!(brief(0.5, 3), "0.5");
        assert_eq!(brief(1e-5, 3), "1e−5");
    }
}
