//! How to train.

/// How to train; the default is that of Ellis et al. 2021.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSettings {
    /// Epochs in a batch; the last one of a training epoch may be smaller.
    pub batch: usize,
    /// At most this many training epochs.
    pub training_epochs: usize,
    /// Adam's first learning rate.
    pub learning_rate: f64,
    /// Adam's decay of the first moment.
    pub beta_1: f64,
    /// Adam's decay of the second moment.
    pub beta_2: f64,
    /// Adam's ε, added to `√v̂`.
    pub epsilon: f64,
    /// Training epochs without a better validation accuracy after which training ends.
    pub stop_after: usize,
    /// Training epochs without a better validation accuracy after which the learning rate is cut.
    pub plateau_after: usize,
    /// What the learning rate is then multiplied with.
    pub plateau_factor: f64,
    /// The weight of each class in the loss.
    pub class_weights: ClassWeights,
    /// What the weighted losses of a batch are divided by.
    pub average: LossAverage,
}

/// The weight of each class in the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// `epochs / (classes present · epochs of the class)`, from the training epochs.
    Balanced,
    /// 1 each.
    Even,
    /// These, one a class.
    Given(Vec<f64>),
}

/// What the weighted losses of a batch are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossAverage {
    /// The number of epochs, as Keras does.
    Epochs,
    /// The sum of their weights, as PyTorch does.
    Weights,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            batch: 128,
            training_epochs: 100,
            learning_rate: 1e-3,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            stop_after: 20,
            plateau_after: 5,
            plateau_factor: 0.1,
            class_weights: ClassWeights::Balanced,
            average: LossAverage::Epochs,
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A number lies outside its range.
    #[error("{what} is {value}, must be {wanted}")]
    OutOfRange {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        wanted: &'static str,
    },
    /// Not one class weight a class.
    #[error("{given} class weights for {classes} classes")]
    ClassWeights {
        /// Weights given.
        given: usize,
        /// Classes of the network.
        classes: usize,
    },
}

impl TrainingSettings {
    /// Whether every number lies in its range.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let count = |what, value: f64| (what, value, value > 0.0, "at least 1");
        let positive = |what, value: f64| {
            // Networks learn in single precision.
            let holds = value > 0.0 && (value as f32).is_normal();
            (what, value, holds, "between 1.2e-38 and 3.4e38")
        };
        let decay = |what, value: f64| {
            let holds = (0.0..1.0).contains(&value);
            (what, value, holds, "at least 0 and below 1")
        };
        for (what, value, holds, wanted) in [
            count("batch", self.batch as f64),
            count("training epochs", self.training_epochs as f64),
            positive("learning rate", self.learning_rate),
            positive("epsilon", self.epsilon),
            decay("beta 1", self.beta_1),
            decay("beta 2", self.beta_2),
            count("stop after", self.stop_after as f64),
            count("plateau after", self.plateau_after as f64),
            positive("plateau factor", self.plateau_factor),
        ] {
            if !holds {
                return Err(SettingsError::OutOfRange {
                    what,
                    value,
                    wanted,
                });
            }
        }
        Ok(())
    }
}

impl ClassWeights {
    /// The weight of each class, given how many training epochs each has.
    ///
    /// # Errors
    /// [`SettingsError`] where given weights are not one a class, or not finite and at least 0.
    pub fn resolve(&self, counts: &[usize]) -> Result<Vec<f64>, SettingsError> {
        match self {
            Self::Even => Ok(vec![1.0; counts.len()]),
            Self::Balanced => Ok(balanced(counts)),
            Self::Given(weights) if weights.len() == counts.len() => {
                match weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
                    Some(&value) => {
                        let (what, wanted) = ("a class weight", "finite and at least 0");
                        Err(SettingsError::OutOfRange {
                            what,
                            value,
                            wanted,
                        })
                    }
                    None => Ok(weights.clone()),
                }
            }
            Self::Given(weights) => {
                let (given, classes) = (weights.len(), counts.len());
                Err(SettingsError::ClassWeights { given, classes })
            }
        }
    }
}

/// `n / (classes present · n[c])`; a class that is absent weighs nothing, it never occurs.
fn balanced(counts: &[usize]) -> Vec<f64> {
    let all: usize = counts.iter().sum();
    let present = counts.iter().filter(|&&count| count > 0).count();
    let weight = |&count: &usize| match count {
        0 => 0.0,
        _ => all as f64 / (present * count) as f64,
    };
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_even_out_the_classes() {
        let weights = ClassWeights::Balanced.resolve(&[10, 30, 0]).unwrap();
        assert_eq!(weights, [2.0, 40.0 / 60.0, 0.0]);
    }

    #[test]
    fn given_weights_must_be_one_a_class() {
        let error = ClassWeights::Given(vec![1.0]).resolve(&[1, 1]);
        assert_eq!(
            error,
            Err(SettingsError::ClassWeights {
                given: 1,
                classes: 2
            })
        );
    }

    #[test]
    fn a_batch_of_none_is_refused() {
        let settings = TrainingSettings {
            batch: 0,
            ..TrainingSettings::default()
        };
        assert!(matches!(
            settings.check(),
            Err(SettingsError::OutOfRange { what: "batch", .. })
        ));
    }
}
