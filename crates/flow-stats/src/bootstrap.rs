//! Percentile intervals by drawing subjects with replacement.
//!
//! Epochs of a night resemble each other, so subjects are drawn, not epochs.

use crate::classification::Confusion;
use crate::quantiles::Sorted;
use crate::random::{below, generator};

/// Why no interval can be given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BootstrapError {
    /// One subject has no spread.
    #[error("{subjects} subjects are too few to draw from")]
    TooFewSubjects {
        /// Subjects given.
        subjects: usize,
    },
    /// No draw was asked for.
    #[error("at least one draw is needed")]
    NoDraws,
    /// The level isn't a fraction.
    #[error("{level} is no confidence level between 0 and 1")]
    Level {
        /// The level asked for.
        level: f64,
    },
    /// The statistic was undefined or not finite in every draw.
    #[error("the statistic is undefined in every draw")]
    Undefined,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Number of draws, e.g. 2000.
    pub draws: usize,
    /// Confidence level, e.g. 0.95.
    pub level: f64,
    /// Draw `i` depends on the seed, `i` and the number of subjects alone.
    pub seed: u64,
}

/// A percentile interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Quantile `(1 − level) / 2` of the statistic over the draws.
    pub low: f64,
    /// Quantile `(1 + level) / 2`.
    pub high: f64,
    /// Standard deviation over the draws with N − 1; 0 for a single one.
    pub std_err: f64,
    /// Draws in which the statistic was defined.
    pub defined: usize,
}

impl Bootstrap {
    /// Computes the interval of any statistic of drawn subjects.
    ///
    /// * `subjects`: how many there are to draw from, at least 2
    /// * `statistic`: gets the drawn subject indices, `[subjects]`, some repeated; `None` skips the draw
    ///
    /// # Errors
    /// [`BootstrapError`].
    ///
    /// Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.
    pub fn interval(
        &self,
        subjects: usize,
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Interval, BootstrapError> {
        self.refuse_unusable(subjects)?;
        let mut drawn = vec![0; subjects];
        let mut values = Vec::with_capacity(self.draws);
        for draw in 0..self.draws {
            let mut random = generator(self.seed, draw as u64);
            drawn
                .iter_mut()
                .for_each(|subject| *subject = below(&mut random, subjects));
            values.extend(statistic(&drawn).filter(|value| value.is_finite()));
        }
        self.describe(&values).ok_or(BootstrapError::Undefined)
    }

    /// Computes the interval of a score, given the confusion matrix of each subject.
    ///
    /// # Errors
    /// [`BootstrapError`]; matrices of differing classes leave the statistic undefined.
    pub fn score_interval(
        &self,
        by_subject: &[Confusion],
        score: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Interval, BootstrapError> {
        let classes = by_subject.first().map_or(0, Confusion::classes);
        self.interval(by_subject.len(), |drawn| {
            let parts = drawn.iter().map(|subject| &by_subject[*subject]);
            score(&Confusion::pooled(classes, parts).ok()?)
        })
    }

    fn refuse_unusable(&self, subjects: usize) -> Result<(), BootstrapError> {
        if subjects < 2 {
            return Err(BootstrapError::TooFewSubjects { subjects });
        }
        if self.draws == 0 {
            return Err(BootstrapError::NoDraws);
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(BootstrapError::Level { level: self.level });
        }
        Ok(())
    }

    fn describe(&self, values: &[f64]) -> Option<Interval> {
        let sorted = Sorted::new(values).ok()?;
        let outside = (1.0 - self.level) / 2.0;
        let mean = crate::sums::mean(values)?;
        let squares = crate::sums::sum_of(values, |value| (value - mean) * (value - mean));
        Some(Interval {
            low: sorted.quantile(outside).ok()?,
            high: sorted.quantile(1.0 - outside).ok()?,
            std_err: (squares / (values.len().max(2) - 1) as f64).sqrt(),
            defined: values.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Bootstrap = Bootstrap {
        draws: 2000,
        level: 0.95,
        seed: 2021,
    };

    fn mean_of(values: &[f64], drawn: &[usize]) -> Option<f64> {
        Some(drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64)
    }

    #[test]
    fn the_interval_of_a_mean_is_near_theory() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let interval = DRAWS
            .interval(100, |drawn| mean_of(&values, drawn))
            .unwrap();
        // sd of 0..99 (N) is 28.866, so the mean's is 2.8866 and the interval 49.5 ± 5.66.
        assert!((interval.std_err - 2.8866).abs() < 0.2, "{interval:?}");
        assert!((interval.low - 43.84).abs() < 0.6 && (interval.high - 55.16).abs() < 0.6);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
        let values = [1.0, 5.0, 2.0, 8.0];
        let with = |seed| {
            Bootstrap { seed, ..DRAWS }
                .interval(4, |d| mean_of(&values, d))
                .unwrap()
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1).std_err, with(2).std_err);
    }

    #[test]
    fn subjects_are_drawn_whole() {
        let right = Confusion::from_counts(2, vec![50, 0, 0, 50]).unwrap();
        let wrong = Confusion::from_counts(2, vec![0, 50, 50, 0]).unwrap();
        let accuracy = |c: &Confusion| c.scores().ok().map(|scores| scores.accuracy);
        let interval = DRAWS.score_interval(&[right, wrong], accuracy).unwrap();
        assert_eq!(
            (interval.low, interval.high),
            (0.0, 1.0),
            "two subjects say very little"
        );
    }

    #[test]
    fn draws_without_a_value_are_left_out() {
        let interval = DRAWS
            .interval(2, |drawn| (drawn[0] == 0).then_some(1.0))
            .unwrap();
        assert!((900..1100).contains(&interval.defined));
        assert_eq!(DRAWS.interval(2, |_| None), Err(BootstrapError::Undefined));
        assert_eq!(
            DRAWS.interval(2, |_| Some(f64::NAN)),
            Err(BootstrapError::Undefined)
        );
    }

    #[test]
    fn unusable_settings_are_refused() {
        let one = |b: Bootstrap, subjects| b.interval(subjects, |_| Some(1.0)).unwrap_err();
        assert_eq!(
            one(DRAWS, 1),
            BootstrapError::TooFewSubjects { subjects: 1 }
        );
        assert_eq!(
            one(Bootstrap { draws: 0, ..DRAWS }, 2),
            BootstrapError::NoDraws
        );
        assert_eq!(
            one(
                Bootstrap {
                    level: 1.0,
                    ..DRAWS
                },
                2
            ),
            BootstrapError::Level { level: 1.0 }
        );
    }
}
