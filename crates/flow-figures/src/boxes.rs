//! Box plots: the five numbers and how they are drawn.

use crate::axis::Axis;
use crate::number::fixed;
use crate::scene::{Area, Scene, at, fill, stroke};
use crate::style::{INK, Look};

/// Median, quartiles and whiskers of a sample.
///
/// Quartiles interpolate linearly between order statistics (Hyndman & Fan 1996, type 7: numpy's and
/// R's default); whiskers end at the furthest value within 1.5 × IQR of the box (Tukey 1977).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BoxSummary {
    pub low: f64,
    pub lower_quartile: f64,
    pub median: f64,
    pub upper_quartile: f64,
    pub high: f64,
}

impl BoxSummary {
    /// `None` for an empty sample.
    ///
    /// * `values`: any order, finite
    pub fn of(values: &[f64]) -> Option<BoxSummary> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let [lower_quartile, median, upper_quartile] =
            [0.25, 0.5, 0.75].map(|p| quantile(&sorted, p));
        let reach = 1.5 * (upper_quartile - lower_quartile);
        let low = sorted
            .iter()
            .copied()
            .find(|&v| v >= lower_quartile - reach)
            .unwrap_or(least);
        let high = sorted
            .iter()
            .rev()
            .copied()
            .find(|&v| v <= upper_quartile + reach)
            .unwrap_or(most);
        // Interpolated quartiles can lie beyond the last value in reach; a whisker never turns inwards.
        let (low, high) = (low.min(lower_quartile), high.max(upper_quartile));
        Some(BoxSummary {
            low,
            lower_quartile,
            median,
            upper_quartile,
            high,
        })
    }

    /// `median 41.2 (quartiles 38.0 to 44.9)`.
    pub fn words(&self) -> String {
        let [m, a, b] =
            [self.median, self.lower_quartile, self.upper_quartile].map(|v| fixed(v, 1));
        format!("median {m} (quartiles {a} to {b})")
    }
}

fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * part
}

/// A box of `width` points around `x`, upright on `axis`.
pub(crate) fn draw(scene: &mut Scene, x: f64, width: f64, axis: &Axis, of: (&BoxSummary, Look)) {
    let (summary, look) = of;
    let half = width / 2.0;
    let line = stroke(look.colour, 0.8);
    let [low, lower, median, upper, high] = [
        summary.low,
        summary.lower_quartile,
        summary.median,
        summary.upper_quartile,
        summary.high,
    ]
    .map(|v| axis.at(v));
    for (from, to) in [(lower, low), (upper, high)] {
        if from != to {
            scene.line(at(x, from), at(x, to), line);
            scene.line(at(x - half / 2.0, to), at(x + half / 2.0, to), line);
        }
    }
    if lower == upper {
        // A box without height would be invisible.
        scene.line(
            at(x - half, median),
            at(x + half, median),
            stroke(look.colour, 2.4),
        );
        return;
    }
    let body = Area::new(x - half, upper, width, lower - upper);
    scene.rect(body, fill(look.colour.faded(30)).outlined(line));
    scene.line(at(x - half, median), at(x + half, median), stroke(INK, 1.3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_numpys() {
        // numpy.percentile([1, 2, 3, 4, 10], [25, 50, 75]) = 2, 3, 4; 10 lies beyond 4 + 1.5 × 2.
        let summary = BoxSummary::of(&[10.0, 1.0, 3.0, 2.0, 4.0]);
        let want = BoxSummary {
            low: 1.0,
            lower_quartile: 2.0,
            median: 3.0,
            upper_quartile: 4.0,
            high: 4.0,
        };
        assert_eq!(summary, Some(want));
    }

    #[test]
    fn one_value_is_its_own_box_and_none_has_none() {
        let summary = BoxSummary::of(&[7.0]).expect("one value");
        assert_eq!((summary.low, summary.median, summary.high), (7.0, 7.0, 7.0));
        assert_eq!(BoxSummary::of(&[]), None);
    }

    #[test]
    fn whiskers_never_end_inside_the_box() {
        let summary = BoxSummary::of(&[0.0, 0.0, 0.0, 100.0]).expect("four values");
        assert!(summary.high >= summary.upper_quartile);
    }
}
