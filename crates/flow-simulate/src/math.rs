//! Elementary functions from `+ − × ÷ √` alone.
//!
//! IEEE 754 fixes those five to the last bit, while `exp`, `ln` and `cos` of the system's library
//! differ between platforms. A simulated night must be the same bytes everywhere, so nothing in
//! this crate calls the latter.

use std::f64::consts::{LN_2, PI, SQRT_2};

/// Computes `eˣ` to about 1e-15 relative for `|x| < 700`; outside it saturates at the ends of that
/// range.
pub(crate) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let whole = (x / LN_2).round();
    let rest = x - whole * LN_2;
    let series = (1..=14)
        .rev()
        .fold(1.0, |sum, n| 1.0 + sum * rest / f64::from(n));
    series * power_of_two(whole)
}

/// `2ⁿ` for a whole `n` in −1022..=1023, by writing the exponent bits.
fn power_of_two(n: f64) -> f64 {
    f64::from_bits(((n as i64 + 1023) as u64) << 52)
}

/// Computes the natural logarithm of a positive, normal `x` to about 1e-15 relative.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) as i64 - 1023) as f64;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > SQRT_2 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..=12)
        .rev()
        .fold(0.0, |sum, n| sum * s * s + 1.0 / f64::from(2 * n + 1));
    exponent * LN_2 + 2.0 * s * series
}

/// Computes `cos(2π · turns)` to about 1e-14.
pub(crate) fn cos_turns(turns: f64) -> f64 {
    let turns = (turns - turns.round()).abs();
    if turns > 0.25 {
        return -cos_turns(0.5 - turns);
    }
    let squared = (2.0 * PI * turns) * (2.0 * PI * turns);
    (1..=11).rev().fold(1.0, |sum, n| {
        1.0 - sum * squared / f64::from((2 * n - 1) * 2 * n)
    })
}

/// Computes `sin(2π · turns)` to about 1e-14.
pub(crate) fn sin_turns(turns: f64) -> f64 {
    cos_turns(turns - 0.25)
}

/// Computes `base^power` of a positive base.
pub(crate) fn power(base: f64, power: f64) -> f64 {
    exp(power * ln(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 4e-14 * b.abs().max(1.0)
    }

    #[test]
    fn they_agree_with_the_system_library() {
        for i in -4000..4000 {
            let x = f64::from(i) / 137.0;
            assert!(close(exp(x) / x.exp(), 1.0), "exp({x})");
            assert!(close(cos_turns(x), (2.0 * PI * x).cos()), "cos_turns({x})");
            assert!(close(sin_turns(x), (2.0 * PI * x).sin()), "sin_turns({x})");
            let positive = f64::from(i + 4001) * 0.37;
            assert!(close(ln(positive), positive.ln()), "ln({positive})");
        }
    }

    #[test]
    fn a_small_probability_has_an_exact_logarithm() {
        assert!(close(ln(1.0 / 9_007_199_254_740_992.0), -53.0 * LN_2));
        assert_eq!(ln(1.0), 0.0);
    }
}
