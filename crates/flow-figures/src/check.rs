//! Refuses input that can't be drawn, before anything is laid out.

use crate::error::FigureError;

/// Magnitude above which differences of two numbers could overflow an axis.
const HUGE: f64 = 1e30;

/// Tolerance of percentages that were summed in another order, in percent.
const PERCENT_SLACK: f64 = 1e-6;

pub(crate) fn not_empty<T>(what: &'static str, list: &[T]) -> Result<(), FigureError> {
    if list.is_empty() {
        Err(FigureError::Empty { what })
    } else {
        Ok(())
    }
}

pub(crate) fn length<T>(what: &'static str, list: &[T], want: usize) -> Result<(), FigureError> {
    let got = list.len();
    if got == want {
        Ok(())
    } else {
        Err(FigureError::Length { what, got, want })
    }
}

pub(crate) fn at_most<T>(what: &'static str, list: &[T], most: usize) -> Result<(), FigureError> {
    let got = list.len();
    if got <= most {
        Ok(())
    } else {
        Err(FigureError::TooMany { what, got, most })
    }
}

/// A position in a list of `len`; `place` is where the position itself stands.
pub(crate) fn position(
    what: &'static str,
    place: usize,
    position: usize,
    len: usize,
) -> Result<(), FigureError> {
    if position < len {
        return Ok(());
    }
    let (value, high) = (position as f64, len.saturating_sub(1) as f64);
    Err(FigureError::OutOfRange {
        what,
        index: place,
        value,
        low: 0.0,
        high,
    })
}

pub(crate) fn within(
    what: &'static str,
    values: &[f64],
    low: f64,
    high: f64,
) -> Result<(), FigureError> {
    for (index, &value) in values.iter().enumerate() {
        if !value.is_finite() {
            return Err(FigureError::NotFinite { what, index, value });
        }
        if value < low || value > high {
            return Err(FigureError::OutOfRange {
                what,
                index,
                value,
                low,
                high,
            });
        }
    }
    Ok(())
}

/// Any number an axis can hold.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<(), FigureError> {
    within(what, values, -HUGE, HUGE)
}

/// Percentages, with room for rounding.
pub(crate) fn percent(what: &'static str, values: &[f64]) -> Result<(), FigureError> {
    within(what, values, -PERCENT_SLACK, 100.0 + PERCENT_SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_named_with_its_position() {
        let refused = percent("shares", &[1.0, f64::NAN]);
        assert!(matches!(
            refused,
            Err(FigureError::NotFinite { what: "shares", index: 1, value }) if value.is_nan()
        ));
    }

    #[test]
    fn percentages_end_at_100_but_for_rounding() {
        assert!(percent("shares", &[0.0, 100.0 + 1e-9]).is_ok());
        assert!(percent("shares", &[100.1]).is_err());
        assert!(percent("shares", &[f64::INFINITY]).is_err());
    }
}
