//! Quantiles and the five numbers of a box plot.

/// Why values can't be described.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum QuantileError {
    /// There is nothing to describe.
    #[error("no values were given")]
    Empty,
    /// A value is NaN or infinite.
    #[error("value at index {index} is not finite")]
    NotFinite {
        /// First such index.
        index: usize,
    },
    /// A fraction lies outside `[0, 1]`.
    #[error("{fraction} is no fraction between 0 and 1")]
    Fraction {
        /// The fraction asked for.
        fraction: f64,
    },
}

/// Finite values in ascending order, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted {
    values: Vec<f64>,
}

impl Sorted {
    /// Sorts values, any order.
    ///
    /// # Errors
    /// [`QuantileError::Empty`] and [`QuantileError::NotFinite`].
    pub fn new(values: &[f64]) -> Result<Self, QuantileError> {
        if values.is_empty() {
            return Err(QuantileError::Empty);
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(QuantileError::NotFinite { index });
        }
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        Ok(Self { values })
    }

    /// The values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Interpolates a quantile (type 7 of Hyndman & Fan, numpy's and R's default).
    ///
    /// With `h = (n − 1) · fraction`: `x(⌊h⌋) + (h − ⌊h⌋) · (x(⌊h⌋ + 1) − x(⌊h⌋))`, counted from 0.
    ///
    /// * `fraction`: in `[0, 1]`; 0 is the minimum, 1 the maximum
    ///
    /// # Errors
    /// [`QuantileError::Fraction`].
    pub fn quantile(&self, fraction: f64) -> Result<f64, QuantileError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(QuantileError::Fraction { fraction });
        }
        Ok(self.interpolated(fraction))
    }

    /// Describes the values as a box plot does.
    ///
    /// The box goes from the first to the third quartile (type 7); a whisker reaches the farthest value within
    /// 1.5 interquartile ranges of the box; what lies beyond are outliers.
    pub fn box_statistics(&self) -> BoxStatistics {
        let (q1, q3) = (self.interpolated(0.25), self.interpolated(0.75));
        let reach = 1.5 * (q3 - q1);
        let first = self.values.partition_point(|value| *value < q1 - reach);
        let beyond = self.values.partition_point(|value| *value <= q3 + reach);
        let (low, inside, high) = (
            &self.values[..first],
            &self.values[first..beyond],
            &self.values[beyond..],
        );
        BoxStatistics {
            count: self.values.len(),
            mean: crate::sums::mean(&self.values).unwrap_or(q1),
            minimum: self.values[0],
            // The quartiles may fall between values, so a whisker never ends inside the box.
            whisker_low: inside.first().map_or(q1, |value| value.min(q1)),
            q1,
            median: self.interpolated(0.5),
            q3,
            whisker_high: inside.last().map_or(q3, |value| value.max(q3)),
            maximum: self.values[self.values.len() - 1],
            outliers: low.iter().chain(high).copied().collect(),
        }
    }

    fn interpolated(&self, fraction: f64) -> f64 {
        let position = (self.values.len() - 1) as f64 * fraction;
        let below = position.floor() as usize;
        let low = self.values[below];
        let high = self.values[(below + 1).min(self.values.len() - 1)];
        let part = position - below as f64;
        // From the nearer end, as numpy does, so that equal neighbours and a part of 1 stay exact.
        if part < 0.5 {
            low + (high - low) * part
        } else {
            high - (high - low) * (1.0 - part)
        }
    }
}

/// The numbers of a box plot, in the unit of the values.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxStatistics {
    /// Values described.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Least value.
    pub minimum: f64,
    /// Least value within 1.5 interquartile ranges of the box.
    pub whisker_low: f64,
    /// First quartile.
    pub q1: f64,
    /// Second quartile.
    pub median: f64,
    /// Third quartile.
    pub q3: f64,
    /// Greatest value within 1.5 interquartile ranges of the box.
    pub whisker_high: f64,
    /// Greatest value.
    pub maximum: f64,
    /// Values beyond the whiskers, ascending.
    pub outliers: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_agree_with_numpy() {
        let sorted = Sorted::new(&[7.0, 1.0, 3.5, 2.0, 10.0, 4.0]).unwrap();
        // numpy.quantile(x, q), numpy 2.4.6
        for (fraction, expected) in [
            (0.0, 1.0),
            (0.1, 1.5),
            (0.25, 2.375),
            (0.5, 3.75),
            (0.9, 8.5),
            (1.0, 10.0),
        ] {
            assert_eq!(sorted.quantile(fraction).unwrap(), expected);
        }
        assert_eq!(
            sorted.quantile(1.1),
            Err(QuantileError::Fraction { fraction: 1.1 })
        );
        assert!(sorted.quantile(f64::NAN).is_err());
    }

    #[test]
    fn whiskers_end_at_values_and_outliers_lie_beyond() {
        let described = Sorted::new(&[1.0, 2.0, 3.0, 4.0, 100.0, -50.0])
            .unwrap()
            .box_statistics();
        assert_eq!(
            (described.q1, described.median, described.q3),
            (1.25, 2.5, 3.75)
        );
        assert_eq!((described.whisker_low, described.whisker_high), (1.0, 4.0));
        assert_eq!(described.outliers, [-50.0, 100.0]);
        assert_eq!(
            (described.minimum, described.maximum, described.mean),
            (-50.0, 100.0, 10.0)
        );
    }

    #[test]
    fn a_single_value_is_a_box_without_extent() {
        let described = Sorted::new(&[3.0]).unwrap().box_statistics();
        assert_eq!(
            (described.q1, described.q3, described.whisker_low),
            (3.0, 3.0, 3.0)
        );
        assert!(described.outliers.is_empty());
    }

    #[test]
    fn nothing_and_nan_are_refused() {
        assert_eq!(Sorted::new(&[]), Err(QuantileError::Empty));
        assert_eq!(
            Sorted::new(&[1.0, f64::NAN]),
            Err(QuantileError::NotFinite { index: 1 })
        );
    }

    proptest! {
        #[test]
        fn the_numbers_of_a_box_are_in_order(values in prop::collection::vec(-1e6..1e6_f64, 1..80)) {
            let b = Sorted::new(&values).unwrap().box_statistics();
            let order = [b.minimum, b.whisker_low, b.q1, b.median, b.q3, b.whisker_high, b.maximum];
            prop_assert!(order.is_sorted(), "{order:?}");
        }
    }
}
