//! From numbers to places: linear and logarithmic axes, and their ticks.

use crate::number::{brief, fixed};

/// A tick: where it is in data and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: String,
}

/// Ticks and the round ends of the axis that holds them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ticks {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<Tick>,
}

/// Ticks at 1, 2 or 5 × 10^k, about `target` intervals, that enclose `low` to `high`.
///
/// A range without extent is widened around its value, so the axis always has one.
pub(crate) fn enclosing(low: f64, high: f64, target: usize) -> Ticks {
    let (low, high) = widened(low, high);
    let step = Step::for_span(high - low, target);
    let first = (low / step.size() + 1e-9).floor() as i64;
    let last = (high / step.size() - 1e-9).ceil() as i64;
    let ticks = step.ticks(first, last);
    Ticks {
        low: step.at(first),
        high: step.at(last),
        ticks,
    }
}

/// Ticks at 1, 2 or 5 × 10^k inside `low` to `high`, whose ends stay as they are.
pub(crate) fn inside(low: f64, high: f64, target: usize) -> Ticks {
    let (low, high) = widened(low, high);
    let step = Step::for_span(high - low, target);
    let first = (low / step.size() - 1e-9).ceil() as i64;
    let last = (high / step.size() + 1e-9).floor() as i64;
    Ticks {
        low,
        high,
        ticks: step.ticks(first, last),
    }
}

/// Ticks at `−t`, 0 and `t`, where `t` is the largest of 1, 2 or 5 × 10^k up to `size`.
///
/// * `size`: above 0
pub(crate) fn around_zero(size: f64) -> Vec<Tick> {
    let exponent = size.log10().floor() as i32;
    let steps = [
        (5, exponent),
        (2, exponent),
        (1, exponent),
        (5, exponent - 1),
    ];
    let steps = steps.map(|(mantissa, exponent)| Step { mantissa, exponent });
    let fits = |step: &Step| step.size() <= size * (1.0 + 1e-9);
    steps
        .into_iter()
        .find(fits)
        .map_or_else(Vec::new, |step| step.ticks(-1, 1))
}

/// Ticks at whole powers of ten that enclose `low` to `high`, at most about `target` of them.
///
/// * `low`, `high`: above 0
pub(crate) fn decades(low: f64, high: f64, target: usize) -> Ticks {
    let mut first = (low.log10() + 1e-9).floor() as i32;
    let mut last = (high.log10() - 1e-9).ceil() as i32;
    if last <= first {
        (first, last) = (first - 1, first + 1);
    }
    let stride = ((last - first) as usize).div_ceil(target.max(1)).max(1);
    let tick = |k: i32| {
        let value = power_of_ten(k);
        Tick {
            value,
            label: brief(value, 1),
        }
    };
    let ticks = (first..=last).step_by(stride).map(tick).collect();
    Ticks {
        low: power_of_ten(first),
        high: power_of_ten(last),
        ticks,
    }
}

/// Parsed rather than computed: `powi` may round differently from machine to machine.
fn power_of_ten(k: i32) -> f64 {
    format!("1e{k}").parse().unwrap_or(1.0)
}

fn widened(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if high - low > size * 1e-9 && high - low > 1e-290 {
        return (low, high);
    }
    if size < 1e-280 {
        (0.0, 1.0)
    } else {
        (low - size * 0.1, high + size * 0.1)
    }
}

/// A tick distance of `mantissa × 10^exponent`.
#[derive(Debug, Clone, Copy)]
struct Step {
    mantissa: i64,
    exponent: i32,
}

impl Step {
    fn for_span(span: f64, target: usize) -> Step {
        let rough = span / target.max(1) as f64;
        let exponent = rough.log10().floor() as i32;
        let steps = [
            (1, exponent),
            (2, exponent),
            (5, exponent),
            (1, exponent + 1),
        ];
        let found = steps
            .into_iter()
            .map(|(mantissa, exponent)| Step { mantissa, exponent });
        let fallback = Step {
            mantissa: 2,
            exponent: exponent + 1,
        };
        found
            .into_iter()
            .find(|s| s.size() >= rough * (1.0 - 1e-9))
            .unwrap_or(fallback)
    }

    fn size(self) -> f64 {
        self.at(1)
    }

    /// The `i`-th multiple, without the drift of repeated addition.
    fn at(self, i: i64) -> f64 {
        let whole = (i * self.mantissa) as f64;
        if self.exponent < 0 {
            whole / power_of_ten(-self.exponent)
        } else {
            whole * power_of_ten(self.exponent)
        }
    }

    fn ticks(self, first: i64, last: i64) -> Vec<Tick> {
        let plain = (-4..7).contains(&self.exponent);
        let decimals = (-self.exponent).max(0) as usize;
        let label = |value: f64| {
            if plain {
                fixed(value, decimals)
            } else {
                brief(value, 6)
            }
        };
        (first..=last)
            .map(|i| Tick {
                value: self.at(i),
                label: label(self.at(i)),
            })
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Linear,
    Log,
}

/// Maps data from `low..high` to the page from `start` to `end` (which may run backwards).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    pub start: f64,
    pub end: f64,
    kind: Kind,
}

impl Axis {
    pub fn linear(low: f64, high: f64, start: f64, end: f64) -> Axis {
        Axis {
            low,
            high,
            start,
            end,
            kind: Kind::Linear,
        }
    }

    /// * `low`, `high`: above 0
    pub fn log(low: f64, high: f64, start: f64, end: f64) -> Axis {
        Axis {
            low: low.log10(),
            high: high.log10(),
            start,
            end,
            kind: Kind::Log,
        }
    }

    /// The place of `value`; what lies outside is moved to the nearer end.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.kind == Kind::Log {
            value.log10()
        } else {
            value
        };
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.start + (self.end - self.start) * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_enclose_the_data() {
        let ticks = enclosing(3.2, 61.0, 5);
        assert_eq!(labels(&ticks), ["0", "20", "40", "60", "80"]);
        assert_eq!((ticks.low, ticks.high), (0.0, 80.0));
    }

    #[test]
    fn ticks_do_not_drift() {
        let ticks = enclosing(0.0, 0.3, 3);
        let values: Vec<f64> = ticks.ticks.iter().map(|t| t.value).collect();
        assert_eq!(values, [0.0, 0.1, 0.2, 0.3]);
        assert_eq!(labels(&ticks), ["0.0", "0.1", "0.2", "0.3"]);
    }

    #[test]
    fn round_ends_get_no_empty_interval() {
        assert_eq!(
            labels(&enclosing(0.0, 100.0, 5)),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(
            labels(&enclosing(-0.2, 0.2, 4)),
            ["−0.2", "−0.1", "0.0", "0.1", "0.2"]
        );
    }

    #[test]
    fn a_range_of_any_size_has_between_two_and_a_dozen_ticks() {
        for exponent in -280..30 {
            for mantissa in [1.0, 1.7, 3.0, 4.99, 9.9] {
                let size = mantissa * 10f64.powi(exponent);
                for ticks in [enclosing(0.0, size, 5), enclosing(-size, size * 0.3, 5)] {
                    let n = ticks.ticks.len();
                    assert!((2..=12).contains(&n), "{n} ticks for {size}");
                    assert!(ticks.high >= size * 0.3 * (1.0 - 1e-6) && ticks.low <= 0.0);
                    assert!(ticks.ticks.windows(2).all(|w| w[0].label != w[1].label));
                }
            }
        }
    }

    #[test]
    fn a_range_without_extent_is_widened() {
        for value in [0.0, 5.0, -3e-9, 1e20] {
            let ticks = enclosing(value, value, 4);
            assert!(ticks.low <= value && value <= ticks.high && ticks.low < ticks.high);
        }
    }

    #[test]
    fn inner_ticks_stay_inside() {
        let ticks = inside(0.3, 9.2, 9);
        assert_eq!(
            labels(&ticks),
            ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
        );
        assert_eq!((ticks.low, ticks.high), (0.3, 9.2));
    }

    #[test]
    fn ticks_around_zero_are_three_and_fit() {
        let labels = |size| {
            around_zero(size)
                .into_iter()
                .map(|t| t.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(4.3), ["−2", "0", "2"]);
        assert_eq!(labels(0.05), ["−0.05", "0.00", "0.05"]);
        assert_eq!(labels(1000.0), ["−1000", "0", "1000"]);
    }

    #[test]
    fn decades_enclose_and_thin_out() {
        assert_eq!(
            labels(&decades(0.01, 100.0, 9)),
            ["0.01", "0.1", "1", "10", "100"]
        );
        assert_eq!(labels(&decades(0.5, 0.5, 9)), ["0.1", "1"]);
        assert_eq!(labels(&decades(1e-9, 1e9, 6)).len(), 7);
        assert_eq!(labels(&decades(1e-5, 1e-5, 9)), ["1e−6", "1e−5", "0.0001"]);
    }

    #[test]
    fn axes_map_ends_to_ends_and_hold_what_lies_outside() {
        let axis = Axis::linear(0.0, 10.0, 100.0, 50.0);
        assert_eq!(
            (axis.at(0.0), axis.at(5.0), axis.at(20.0)),
            (100.0, 75.0, 50.0)
        );
        let axis = Axis::log(0.01, 100.0, 0.0, 40.0);
        assert_eq!(
            (axis.at(0.01), axis.at(1.0), axis.at(100.0)),
            (0.0, 20.0, 40.0)
        );
    }
}
