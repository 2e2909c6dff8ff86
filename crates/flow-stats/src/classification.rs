//! Scores of a classifier from its confusion matrix.

/// Why predictions can't be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassificationError {
    /// Every epoch needs a true and a predicted class.
    #[error("{truth} true and {predicted} predicted classes can't be paired")]
    Length {
        /// True classes given.
        truth: usize,
        /// Predicted classes given.
        predicted: usize,
    },
    /// A class index is not below the number of classes.
    #[error("epoch {index} has class {class} of {classes}")]
    NoSuchClass {
        /// First such epoch.
        index: usize,
        /// Its class.
        class: usize,
        /// Classes there are.
        classes: usize,
    },
    /// The matrices or counts don't have the same classes.
    #[error("{got} values can't belong to {classes} classes")]
    Classes {
        /// Values given.
        got: usize,
        /// Classes wanted.
        classes: usize,
    },
    /// Without epochs there is nothing to score.
    #[error("there are no epochs")]
    Empty,
}

/// How often each true class was predicted as each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Invariant: `[true, predicted]`, `classes × classes` counts.
    counts: Vec<u64>,
}

impl Confusion {
    /// An empty matrix.
    pub fn empty(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// Takes counts made elsewhere, rows are true classes: `[true, predicted]`.
    ///
    /// # Errors
    /// [`ClassificationError::Classes`] unless there are `classes × classes` of them.
    pub fn from_counts(classes: usize, counts: Vec<u64>) -> Result<Self, ClassificationError> {
        if classes.checked_mul(classes) != Some(counts.len()) {
            return Err(ClassificationError::Classes {
                got: counts.len(),
                classes,
            });
        }
        Ok(Self { classes, counts })
    }

    /// Counts predictions.
    ///
    /// * `truth`, `predicted`: `[epoch]`, class indices below `classes`
    ///
    /// # Errors
    /// [`ClassificationError::Length`] and [`ClassificationError::NoSuchClass`].
    pub fn of_predictions(
        truth: &[usize],
        predicted: &[usize],
        classes: usize,
    ) -> Result<Self, ClassificationError> {
        if truth.len() != predicted.len() {
            let (truth, predicted) = (truth.len(), predicted.len());
            return Err(ClassificationError::Length { truth, predicted });
        }
        let mut confusion = Self::empty(classes);
        for (index, (t, p)) in truth.iter().zip(predicted).enumerate() {
            if let Some(&class) = [t, p].into_iter().find(|class| **class >= classes) {
                return Err(ClassificationError::NoSuchClass {
                    index,
                    class,
                    classes,
                });
            }
            confusion.counts[t * classes + p] += 1;
        }
        Ok(confusion)
    }

    /// Pools matrices: of folds, of subjects.
    ///
    /// # Errors
    /// [`ClassificationError::Classes`] if a matrix has other classes.
    pub fn pooled<'a>(
        classes: usize,
        parts: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Self, ClassificationError> {
        let mut pooled = Self::empty(classes);
        for part in parts {
            if part.classes != classes {
                return Err(ClassificationError::Classes {
                    got: part.classes,
                    classes,
                });
            }
            pooled
                .counts
                .iter_mut()
                .zip(&part.counts)
                .for_each(|(sum, count)| *sum += count);
        }
        Ok(pooled)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All counts, `[true, predicted]`.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Epochs of a true class that were predicted as a class; 0 for classes that don't exist.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if predicted >= self.classes {
            return 0;
        }
        self.counts
            .get(truth * self.classes + predicted)
            .copied()
            .unwrap_or(0)
    }

    /// All epochs.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Epochs of each true class (the row sums).
    pub fn support(&self) -> Vec<u64> {
        (0..self.classes)
            .map(|t| (0..self.classes).map(|p| self.count(t, p)).sum())
            .collect()
    }

    /// Epochs predicted as each class (the column sums).
    pub fn predicted(&self) -> Vec<u64> {
        (0..self.classes)
            .map(|p| (0..self.classes).map(|t| self.count(t, p)).sum())
            .collect()
    }

    /// Computes every score.
    ///
    /// # Errors
    /// [`ClassificationError::Empty`] without epochs.
    pub fn scores(&self) -> Result<Scores, ClassificationError> {
        if self.total() == 0 {
            return Err(ClassificationError::Empty);
        }
        let (support, predicted) = (self.support(), self.predicted());
        let per_class: Vec<ClassScores> = (0..self.classes)
            .map(|class| {
                ClassScores::new(self.count(class, class), support[class], predicted[class])
            })
            .collect();
        let total = self.total() as f64;
        let macro_mean = |of: fn(&ClassScores) -> f64| {
            per_class.iter().map(of).sum::<f64>() / self.classes as f64
        };
        let present = || per_class.iter().filter(|class| class.support > 0);
        Ok(Scores {
            accuracy: self.hits() as f64 / total,
            balanced_accuracy: present().map(|class| class.recall).sum::<f64>()
                / present().count() as f64,
            macro_precision: macro_mean(|class| class.precision),
            macro_recall: macro_mean(|class| class.recall),
            macro_f1: macro_mean(|class| class.f1),
            weighted_f1: per_class
                .iter()
                .map(|c| c.f1 * c.support as f64)
                .sum::<f64>()
                / total,
            kappa: self.kappa(),
            per_class,
        })
    }

    fn hits(&self) -> u64 {
        (0..self.classes)
            .map(|class| self.count(class, class))
            .sum()
    }

    /// Agreement beyond chance (Cohen): `κ = (p_o − p_e) / (1 − p_e)`.
    ///
    /// `p_o` is the accuracy, `p_e = Σ support · predicted / n²`. `None` without epochs and where every epoch has and
    /// gets the same one class, for then chance agrees as well.
    ///
    /// Source: Cohen 1960, Educ. Psychol. Meas. 20, 37–46.
    pub fn kappa(&self) -> Option<f64> {
        let n = self.total() as f64;
        let by_chance: f64 = self
            .support()
            .iter()
            .zip(self.predicted())
            .map(|(s, p)| *s as f64 * p as f64)
            .sum();
        let room = n * n - by_chance;
        (room > 0.0).then(|| (self.hits() as f64 * n - by_chance) / room)
    }
}

/// Scores of one class; a quotient by zero is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// Of the epochs predicted as the class, the part that belongs to it.
    pub precision: f64,
    /// Of the epochs of the class, the part predicted as it.
    pub recall: f64,
    /// Harmonic mean of both, `2 · hits / (support + predicted)`.
    pub f1: f64,
    /// Epochs of the class.
    pub support: u64,
    /// Epochs predicted as the class.
    pub predicted: u64,
}

impl ClassScores {
    fn new(hits: u64, support: u64, predicted: u64) -> Self {
        let part = |of: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                of as f64 / whole as f64
            }
        };
        Self {
            precision: part(hits, predicted),
            recall: part(hits, support),
            f1: part(2 * hits, support + predicted),
            support,
            predicted,
        }
    }
}

/// Scores of a classifier, all in `[0, 1]` but κ.
///
/// Macro averages run over all classes of the matrix, absent ones included with 0 (as scikit-learn does when
/// it is given the labels and `zero_division=0`). Checked: `tests/golden/classification_expected.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Part of the epochs predicted right.
    pub accuracy: f64,
    /// Mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// Mean precision over all classes.
    pub macro_precision: f64,
    /// Mean recall over all classes.
    pub macro_recall: f64,
    /// Mean F1 over all classes.
    pub macro_f1: f64,
    /// Mean F1 weighted by support.
    pub weighted_f1: f64,
    /// Cohen's κ, see [`Confusion::kappa`].
    pub kappa: Option<f64>,
    /// Scores of each class, in class order.
    pub per_class: Vec<ClassScores>,
}

/// Weighs classes inversely to how often they occur: `w(c) = n / (k · n(c))`.
///
/// `k` counts the classes that occur; one that doesn't gets weight 0, for it is never used.
///
/// * `counts`: training epochs of each class
///
/// # Errors
/// [`ClassificationError::Empty`] if all counts are 0.
///
/// Source: King & Zeng 2001, Polit. Anal. 9, 137–163. Checked: scikit-learn's `compute_class_weight` (golden file).
pub fn balanced_class_weights(counts: &[u64]) -> Result<Vec<f64>, ClassificationError> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Err(ClassificationError::Empty);
    }
    let present = counts.iter().filter(|count| **count > 0).count() as f64;
    let weight = |count: &u64| {
        if *count == 0 {
            0.0
        } else {
            total as f64 / (present * *count as f64)
        }
    };
    Ok(counts.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_true_classes() {
        let confusion = Confusion::of_predictions(&[0, 0, 1], &[1, 1, 1], 2).unwrap();
        assert_eq!(confusion.counts(), [0, 2, 0, 1]);
        assert_eq!(
            (confusion.support(), confusion.predicted()),
            (vec![2, 1], vec![0, 3])
        );
        assert_eq!((confusion.count(0, 2), confusion.count(2, 0)), (0, 0));
    }

    #[test]
    fn one_class_only_has_no_kappa() {
        let confusion = Confusion::of_predictions(&[1, 1], &[1, 1], 3).unwrap();
        let scores = confusion.scores().unwrap();
        assert_eq!(
            (scores.kappa, scores.accuracy, scores.balanced_accuracy),
            (None, 1.0, 1.0)
        );
        assert_eq!(scores.macro_f1, 1.0 / 3.0);
    }

    #[test]
    fn pooling_adds_up_folds() {
        let first = Confusion::of_predictions(&[0], &[1], 2).unwrap();
        let second = Confusion::of_predictions(&[0, 1], &[1, 0], 2).unwrap();
        let pooled = Confusion::pooled(2, [&first, &second]).unwrap();
        assert_eq!(pooled.counts(), [0, 2, 1, 0]);
        assert_eq!(pooled.scores().unwrap().kappa, Some(-0.8));
        let error = Confusion::pooled(2, [&Confusion::empty(3)]).unwrap_err();
        assert_eq!(error, ClassificationError::Classes { got: 3, classes: 2 });
    }

    #[test]
    fn unusable_predictions_are_refused() {
        let of = Confusion::of_predictions;
        let error = of(&[0, 1], &[0], 2).unwrap_err();
        assert_eq!(
            error,
            ClassificationError::Length {
                truth: 2,
                predicted: 1
            }
        );
        let error = of(&[0, 1], &[0, 2], 2).unwrap_err();
        assert_eq!(
            error,
            ClassificationError::NoSuchClass {
                index: 1,
                class: 2,
                classes: 2
            }
        );
        assert_eq!(
            of(&[], &[], 2).unwrap().scores(),
            Err(ClassificationError::Empty)
        );
        assert!(Confusion::from_counts(2, vec![1; 3]).is_err());
    }

    #[test]
    fn an_absent_class_weighs_nothing() {
        assert_eq!(
            balanced_class_weights(&[1, 0, 3]).unwrap(),
            [2.0, 0.0, 4.0 / 6.0]
        );
        assert_eq!(
            balanced_class_weights(&[0, 0]),
            Err(ClassificationError::Empty)
        );
    }
}
