//! False discovery rate over a family of tests.

/// Why a family can't be adjusted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MultiplicityError {
    /// A value is no probability.
    #[error("value {value} at index {index} is no probability")]
    NotAProbability {
        /// First index outside `[0, 1]`.
        index: usize,
        /// The value there.
        value: f64,
    },
}

/// The p-values of a family, adjusted for the false discovery rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// Adjusted values in the order they were given; `None` where there was no test.
    pub values: Vec<Option<f64>>,
    /// Tests in the family, `m`: the values that are not `None`.
    pub family: usize,
}

impl Adjusted {
    /// Says for each test whether it is a discovery at level `alpha`: `q ≤ alpha`.
    pub fn discoveries(&self, alpha: f64) -> Vec<bool> {
        self.values
            .iter()
            .map(|q| q.is_some_and(|q| q <= alpha))
            .collect()
    }
}

/// Adjusts p-values for the false discovery rate (Benjamini–Hochberg).
///
/// With the `m` values sorted ascending, `q(i) = min over j ≥ i of min(1, p(j) / (j / m))`.
///
/// * `p`: any order, each in `[0, 1]`; `None` and NaN are no tests: they don't count in `m` and stay `None`
/// * returns `q` in the order of `p`; reject where `q ≤ α`
///
/// # Errors
/// [`MultiplicityError::NotAProbability`] with the first index outside `[0, 1]`.
///
/// Source: Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289–300. Checked: `tests/golden/bh_expected.json`
/// (statsmodels).
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Result<Adjusted, MultiplicityError> {
    step_up(p, |_| 1.0)
}

/// Adjusts p-values for the false discovery rate under any dependence (Benjamini–Yekutieli).
///
/// As [`benjamini_hochberg`], with every value times `c(m) = Σ 1/i, i = 1 … m`:
/// `q(i) = min over j ≥ i of min(1, p(j) / (j / m / c(m)))`.
///
/// # Errors
/// [`MultiplicityError::NotAProbability`] with the first index outside `[0, 1]`.
///
/// Source: Benjamini & Yekutieli 2001, Ann. Stat. 29, 1165–1188. Checked: statsmodels' `fdr_by` in the tests.
pub fn benjamini_yekutieli(p: &[Option<f64>]) -> Result<Adjusted, MultiplicityError> {
    step_up(p, |m| (1..=m).map(|i| 1.0 / i as f64).sum())
}

/// Steps from the largest p-value to the smallest, keeping the least adjusted value so far.
fn step_up(
    p: &[Option<f64>],
    penalty: impl Fn(usize) -> f64,
) -> Result<Adjusted, MultiplicityError> {
    let mut tests = tests_of(p)?;
    tests.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let m = tests.len() as f64;
    let penalty = penalty(tests.len());
    let mut values = vec![None; p.len()];
    let mut least = 1.0;
    for (rank, (p, index)) in tests.iter().enumerate().rev() {
        // Divided by the fraction, not multiplied by its inverse: same bits as statsmodels on ties and bounds.
        least = f64::min(least, p / ((rank + 1) as f64 / m / penalty));
        values[*index] = Some(least);
    }
    Ok(Adjusted {
        values,
        family: tests.len(),
    })
}

/// Collects what was tested, as (p-value, index).
fn tests_of(p: &[Option<f64>]) -> Result<Vec<(f64, usize)>, MultiplicityError> {
    let mut tests = Vec::with_capacity(p.len());
    for (index, value) in p.iter().enumerate() {
        match value {
            Some(value) if (0.0..=1.0).contains(value) => tests.push((value.abs(), index)),
            Some(value) if !value.is_nan() => {
                return Err(MultiplicityError::NotAProbability {
                    index,
                    value: *value,
                });
            }
            _ => {}
        }
    }
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(p: &[f64]) -> Vec<Option<f64>> {
        p.iter().copied().map(Some).collect()
    }

    #[test]
    fn yekutieli_agrees_with_statsmodels() {
        // multipletests([0.01, 0.02, 0.03, 0.5], method="fdr_by")[1], statsmodels 0.15.0
        let q = benjamini_yekutieli(&some(&[0.01, 0.02, 0.03, 0.5])).unwrap();
        let expected = [
            0.083_333_333_333_333_33,
            0.083_333_333_333_333_33,
            0.083_333_333_333_333_33,
            1.0,
        ];
        for (q, expected) in q.values.iter().zip(expected) {
            assert!((q.unwrap() - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn what_was_not_tested_leaves_the_family() {
        let adjusted = benjamini_hochberg(&[Some(0.01), None, Some(f64::NAN), Some(0.02)]).unwrap();
        assert_eq!(adjusted.values, [Some(0.02), None, None, Some(0.02)]);
        assert_eq!(adjusted.family, 2);
        assert_eq!(adjusted.discoveries(0.02), [true, false, false, true]);
    }

    #[test]
    fn a_value_that_is_no_probability_is_refused() {
        for bad in [-1e-9, 1.0 + 1e-9, f64::INFINITY] {
            let error = benjamini_hochberg(&[Some(0.5), None, Some(bad)]).unwrap_err();
            assert_eq!(
                error,
                MultiplicityError::NotAProbability {
                    index: 2,
                    value: bad
                }
            );
        }
    }

    #[test]
    fn an_empty_family_is_fine() {
        assert_eq!(
            benjamini_hochberg(&[]).unwrap(),
            Adjusted {
                values: vec![],
                family: 0
            }
        );
        assert_eq!(benjamini_yekutieli(&[None]).unwrap().values, [None]);
    }

    proptest! {
        #[test]
        fn adjusted_values_keep_the_order_and_never_fall(p in prop::collection::vec(0.0..=1.0_f64, 1..60)) {
            let q: Vec<f64> =
                benjamini_hochberg(&some(&p)).unwrap().values.into_iter().flatten().collect();
            for i in 0..p.len() {
                prop_assert!(q[i] >= p[i] && q[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || q[i] <= q[j]);
                }
            }
        }

        #[test]
        fn discoveries_are_those_of_the_textbook(p in prop::collection::vec(0.0..0.2_f64, 1..40)) {
            // Textbook form: the largest k with p(k) ≤ k/m·α; reject the k smallest.
            let (m, alpha) = (p.len() as f64, 0.05);
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let k = (1..=p.len()).rev().find(|k| sorted[k - 1] <= *k as f64 / m * alpha).unwrap_or(0);
            let found = benjamini_hochberg(&some(&p)).unwrap().discoveries(alpha);
            prop_assert_eq!(found.iter().filter(|d| **d).count(), k);
        }
    }
}
