//! Correlation of two series.

use crate::sums::{mean, sum_of, sum_pairs};

/// Why two series can't be correlated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CorrelationError {
    /// The series pair up by index.
    #[error("series of {first} and {second} values can't be paired")]
    Length {
        /// Values in the first.
        first: usize,
        /// Values in the second.
        second: usize,
    },
    /// A pair holds a NaN or an infinity.
    #[error("pair {index} is not finite")]
    NotFinite {
        /// First such index.
        index: usize,
    },
    /// A series that doesn't vary (or has fewer than two values) correlates with nothing.
    #[error("a series doesn't vary")]
    Flat,
}

/// Correlates two series linearly (Pearson): `Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²)`.
///
/// * `x`, `y`: `[n]`, finite, `n ≥ 2`
/// * returns a number in `[−1, 1]`
///
/// # Errors
/// [`CorrelationError`].
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64, CorrelationError> {
    refuse_unusable(x, y)?;
    let centred = |values: &[f64]| -> Option<Vec<f64>> {
        let centre = mean(values)?;
        let off: Vec<f64> = values.iter().map(|value| value - centre).collect();
        // Scaled to 1, so that squares neither overflow nor vanish.
        let largest = off.iter().copied().map(f64::abs).fold(0.0, f64::max);
        let rounding = 4.0 * f64::EPSILON * centre.abs();
        (largest > rounding && largest.is_finite())
            .then(|| off.iter().map(|d| d / largest).collect())
    };
    let x = centred(x).ok_or(CorrelationError::Flat)?;
    let y = centred(y).ok_or(CorrelationError::Flat)?;
    let spread = |values: &[f64]| sum_of(values, |v| v * v).sqrt();
    Ok((sum_pairs(&x, &y, |a, b| a * b) / (spread(&x) * spread(&y))).clamp(-1.0, 1.0))
}

/// Correlates the ranks of two series (Spearman); ties share their mean rank.
///
/// # Errors
/// [`CorrelationError`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, CorrelationError> {
    refuse_unusable(x, y)?;
    pearson(&ranks(x), &ranks(y))
}

fn refuse_unusable(x: &[f64], y: &[f64]) -> Result<(), CorrelationError> {
    if x.len() != y.len() {
        return Err(CorrelationError::Length {
            first: x.len(),
            second: y.len(),
        });
    }
    match x
        .iter()
        .zip(y)
        .position(|(a, b)| !a.is_finite() || !b.is_finite())
    {
        Some(index) => Err(CorrelationError::NotFinite { index }),
        None => Ok(()),
    }
}

/// Ranks from 1, equal values at the mean of the ranks they take.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|index| ranks[*index] = rank);
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 6] = [1.0, 2.0, 2.0, 4.0, 5.0, 7.0];
    const Y: [f64; 6] = [2.0, 1.0, 4.0, 3.0, 7.0, 60.0];

    #[test]
    fn both_agree_with_scipy() {
        // scipy.stats.pearsonr(X, Y)[0], spearmanr(X, Y)[0]; scipy 1.17.1
        assert!((pearson(&X, &Y).unwrap() - PEARSON).abs() < 1e-14);
        assert!((spearman(&X, &Y).unwrap() - SPEARMAN).abs() < 1e-14);
    }

    const PEARSON: f64 = 0.799_779_996_346_193_3;
    const SPEARMAN: f64 = 0.811_679_449_913_427_8;

    #[test]
    fn scale_and_offset_change_nothing() {
        let scaled: Vec<f64> = Y.iter().map(|y| 1e-170 * y).collect();
        assert!((pearson(&X, &scaled).unwrap() - pearson(&X, &Y).unwrap()).abs() < 1e-14);
        assert_eq!(pearson(&X, &X.map(|x| -3.0 * x)), Ok(-1.0));
    }

    #[test]
    fn unusable_series_are_refused() {
        assert_eq!(
            pearson(&X, &Y[1..]),
            Err(CorrelationError::Length {
                first: 6,
                second: 5
            })
        );
        assert_eq!(pearson(&X, &[0.1; 6]), Err(CorrelationError::Flat));
        assert_eq!(pearson(&[], &[]), Err(CorrelationError::Flat));
        let error = spearman(&[1.0, f64::NAN], &[1.0, 2.0]);
        assert_eq!(error, Err(CorrelationError::NotFinite { index: 1 }));
    }
}
