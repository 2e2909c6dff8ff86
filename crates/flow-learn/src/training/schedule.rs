//! When the learning rate is cut, when training ends, and which training epoch was best.

use super::TrainingSettings;

/// Follows the validation accuracy from training epoch to training epoch.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    learning_rate: f64,
    factor: f64,
    plateau_after: usize,
    stop_after: usize,
    best: f64,
    best_epoch: usize,
    /// Training epochs done.
    done: usize,
    /// Training epochs since the last gain or cut.
    since_cut: usize,
}

impl Schedule {
    pub(super) fn new(settings: &TrainingSettings) -> Self {
        Self {
            learning_rate: settings.learning_rate,
            factor: settings.plateau_factor,
            plateau_after: settings.plateau_after,
            stop_after: settings.stop_after,
            best: f64::NEG_INFINITY,
            best_epoch: 0,
            done: 0,
            since_cut: 0,
        }
    }

    /// Takes in a training epoch's validation accuracy; says whether it is the best so far.
    pub(super) fn after(&mut self, accuracy: f64) -> bool {
        self.done += 1;
        if accuracy > self.best {
            (self.best, self.best_epoch, self.since_cut) = (accuracy, self.done, 0);
            return true;
        }
        self.since_cut += 1;
        if self.since_cut == self.plateau_after {
            self.learning_rate *= self.factor;
            self.since_cut = 0;
        }
        false
    }

    pub(super) fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Whether too many training epochs went by without a gain.
    pub(super) fn is_over(&self) -> bool {
        self.done - self.best_epoch >= self.stop_after
    }

    pub(super) fn best_epoch(&self) -> usize {
        self.best_epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(accuracies: &[f64]) -> Schedule {
        let mut schedule = Schedule::new(&TrainingSettings::default());
        for &accuracy in accuracies {
            schedule.after(accuracy);
        }
        schedule
    }

    #[test]
    fn five_training_epochs_without_gain_cut_the_rate() {
        assert_eq!(followed(&[0.5, 0.4, 0.5, 0.4, 0.4]).learning_rate(), 1e-3);
        assert_eq!(
            followed(&[0.5, 0.4, 0.5, 0.4, 0.4, 0.4]).learning_rate(),
            1e-4
        );
        assert_eq!(
            followed(&[0.5, 0.4, 0.4, 0.4, 0.4, 0.6, 0.6]).learning_rate(),
            1e-3
        );
    }

    #[test]
    fn twenty_training_epochs_without_gain_end_it() {
        let mut accuracies = vec![0.3, 0.5];
        accuracies.extend([0.4; 19]);
        assert!(!followed(&accuracies).is_over());
        accuracies.push(0.5);
        let schedule = followed(&accuracies);
        assert!(schedule.is_over());
        assert_eq!(schedule.best_epoch(), 2);
    }
}
