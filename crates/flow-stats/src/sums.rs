//! Sums in a fixed order that the compiler may still vectorise.

/// Independent accumulators per sum; part of the numeric contract, because it decides the rounding.
const LANES: usize = 8;

/// Sums `term(a[i], b[i])` over `i` in `LANES` interleaved accumulators, added up from first to last.
///
/// Stops at the shorter slice.
#[inline]
pub(crate) fn sum_pairs(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut lanes = [0.0; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += term(x[lane], y[lane]);
        }
    }
    let tail: f64 = tail.map(|(x, y)| term(*x, *y)).sum();
    lanes.iter().sum::<f64>() + tail
}

/// Sums `term(x)` over the slice, widened to `f64`, in `LANES` interleaved accumulators.
#[inline]
pub(crate) fn sum_of<T: Copy + Into<f64>>(values: &[T], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let blocks = values.chunks_exact(LANES);
    let tail: f64 = blocks.remainder().iter().map(|v| term((*v).into())).sum();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += term(block[lane].into());
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Sums the products of two slices.
#[inline]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_pairs(a, b, |x, y| x * y)
}

/// The largest magnitude in a slice of finite values; 0 for an empty one.
pub(crate) fn largest_magnitude(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let mut lanes = [0.0; LANES];
    let blocks = values.chunks_exact(LANES);
    let tail = blocks
        .remainder()
        .iter()
        .fold(0.0, |most, value| larger(most, value.abs()));
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], block[lane].abs());
        }
    }
    lanes.into_iter().fold(tail, larger)
}

/// The power of two that brings a magnitude to about 1; exact, so scaling by it rounds nothing.
pub(crate) fn scale_near_one(magnitude: f64) -> f64 {
    let scale = |magnitude: f64| (-magnitude.log2().floor()).clamp(-1022.0, 1023.0).exp2();
    if magnitude == 0.0 {
        1.0
    } else {
        scale(magnitude)
    }
}

/// Averages a slice; `None` if it is empty.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum_of(values, |v| v) / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_counted_once_at_any_length() {
        for length in 0..40 {
            let values: Vec<f64> = (0..length).map(f64::from).collect();
            let expected: f64 = values.iter().sum();
            assert_eq!(sum_of(&values, |v| v), expected);
            assert_eq!(sum_pairs(&values, &values, |x, _| x), expected);
            let negated: Vec<f64> = values.iter().map(|v| -v).collect();
            assert_eq!(largest_magnitude(&negated), f64::from((length - 1).max(0)));
        }
    }
}
