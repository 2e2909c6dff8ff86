//! Training under burn: modules, autodiff and Adam are burn's, the kernels and the randomness ours.
//!
//! Same network, epochs, settings and seed give the same bytes on any number of threads.

mod adam;
mod checkpoint;
mod initial;
mod loader;
mod model;
mod schedule;
mod settings;
mod step;
#[cfg(test)]
mod tests;

pub use checkpoint::CheckpointError;
pub use initial::initial_weights;
pub use settings::{ClassWeights, LossAverage, SettingsError, TrainingSettings};

use crate::backend::{BackendClass, NoDevice};
use crate::epochs::{Epochs, EpochsError};
use crate::kernels::clear_shelf;
use crate::network::{Network, NetworkError};
use crate::predict::{PredictError, predict_epochs, predicted_class};
use crate::random::{Purpose, Stream};
use crate::weights::{Weights, WeightsError};
use schedule::Schedule;
use std::ops::ControlFlow;
use step::Learner;

/// Everything that decides the outcome of a training.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// The network.
    pub network: &'a Network,
    /// Epochs the weights are fitted to.
    pub train: &'a Epochs<'a>,
    /// Epochs that choose the best training epoch.
    pub validation: &'a Epochs<'a>,
    /// How to train.
    pub settings: &'a TrainingSettings,
    /// The seed of initial weights, shuffles and dropout.
    pub seed: u64,
    /// Where to train.
    pub backend: BackendClass,
}

/// What one training epoch brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingEpoch {
    /// From 1.
    pub number: usize,
    /// Mean loss over its batches, with class weights and dropout.
    pub loss: f64,
    /// Share of training epochs classified right, with dropout, in `[0, 1]`.
    pub accuracy: f64,
    /// Mean cross-entropy over the validation epochs, without class weights.
    pub val_loss: f64,
    /// Share of validation epochs classified right, in `[0, 1]`.
    pub val_accuracy: f64,
    /// The rate it was trained with.
    pub learning_rate: f64,
}

/// A trained network.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The weights after the best training epoch.
    pub weights: Weights<f32>,
    /// Every training epoch, in order.
    pub history: Vec<TrainingEpoch>,
    /// The number of the first training epoch with the best validation accuracy.
    pub best_epoch: usize,
}

/// How far a training epoch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchProgress {
    /// The training epoch, from 1.
    pub number: usize,
    /// Batches done in it.
    pub done: usize,
    /// Batches it has.
    pub of: usize,
}

/// Is told how a training goes, and may stop it; it has no say in the outcome otherwise.
pub trait Observer {
    /// A training goes on from a checkpoint made after this training epoch.
    fn resumed(&mut self, _after: &TrainingEpoch) {}

    /// A batch is done.
    fn batch(&mut self, _progress: BatchProgress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// A training epoch is done.
    fn training_epoch(&mut self, _epoch: &TrainingEpoch) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether [`Observer::checkpoint`] is to be called after each training epoch.
    fn wants_checkpoints(&self) -> bool {
        false
    }

    /// The state after a training epoch, for [`resume`].
    fn checkpoint(&mut self, _bytes: Vec<u8>) {}
}

/// An observer that doesn't care.
impl Observer for () {}

/// What ends a training without weights.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The network makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The epochs don't fit it.
    #[error(transparent)]
    Epochs(#[from] EpochsError),
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An epoch has another length than the network's input.
    #[error("an epoch has {found} numbers, the network takes {wanted}")]
    EpochLength {
        /// Channels × time of the network.
        wanted: usize,
        /// Numbers of an epoch.
        found: usize,
    },
    /// There is nothing to train with.
    #[error("no {role} epochs")]
    NoEpochs {
        /// `training` or `validation`.
        role: &'static str,
    },
    /// The loss became NaN, infinite or absurd.
    #[error(
        "the loss became {loss} in batch {batch} of training epoch {training_epoch}; \
         a smaller learning rate, or signals without outliers, may help"
    )]
    Diverged {
        /// The training epoch, from 1.
        training_epoch: usize,
        /// The batch, from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
    /// The weights give no finite logits for the validation epochs.
    #[error("after training epoch {training_epoch}: {source}")]
    Validation {
        /// The training epoch, from 1.
        training_epoch: usize,
        /// Why.
        source: PredictError,
    },
    /// The observer asked to stop.
    #[error("stopped in training epoch {training_epoch}")]
    Stopped {
        /// The training epoch, from 1.
        training_epoch: usize,
    },
    /// The checkpoint can't be gone on from.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Weights given to start from don't fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The machine lacks the device.
    #[error(transparent)]
    Device(#[from] NoDevice),
}

/// Trains a network from weights drawn from the seed.
///
/// Adam on the cross-entropy, batches in a new random order each training epoch, the learning rate
/// cut when the validation accuracy stays, the weights of its best kept; see [`TrainingSettings`].
///
/// # Errors
/// [`TrainError`]: before the first batch for what doesn't fit, later when the loss diverges or
/// the observer stops.
pub fn train(training: &Training<'_>, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
    let weights = initial_weights(training.network, training.seed)?;
    let run = Run::new(training)?;
    let learner = Learner::new(training, &weights)?;
    run.finish(learner, observer)
}

/// Goes on from a checkpoint; the outcome has the same bytes as a training never cut short.
///
/// # Errors
/// As [`train`]; [`CheckpointError`] where the bytes are damaged or another training's.
pub fn resume(
    training: &Training<'_>,
    checkpoint: &[u8],
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let mut run = Run::new(training)?;
    let state = checkpoint::read(training, checkpoint)?;
    for epoch in &state.history {
        run.schedule.after(epoch.val_accuracy);
    }
    let learner = Learner::restored(training, &state)?;
    state.history.last().inspect(|last| observer.resumed(last));
    run.history = state.history;
    run.best = state.best;
    run.finish(learner, observer)
}

/// The cross-entropy of one row of logits: `−z[label] + log Σ e^z`, in `f64`.
pub fn cross_entropy(logits: &[f32], label: u8) -> f64 {
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = logits.iter().map(|&z| f64::from(z - most).exp()).sum();
    sum.ln() - f64::from(logits[usize::from(label)] - most)
}

/// A training under way.
struct Run<'a> {
    training: &'a Training<'a>,
    schedule: Schedule,
    history: Vec<TrainingEpoch>,
    best: Weights<f32>,
}

impl<'a> Run<'a> {
    fn new(training: &'a Training<'a>) -> Result<Self, TrainError> {
        training.settings.check()?;
        let classes = training.network.classes()?;
        let wanted = training.network.input().numbers();
        for (role, epochs) in [
            ("training", training.train),
            ("validation", training.validation),
        ] {
            epochs.class_counts(classes)?;
            if epochs.count() == 0 {
                return Err(TrainError::NoEpochs { role });
            }
            if epochs.epoch_len() != wanted {
                return Err(TrainError::EpochLength {
                    wanted,
                    found: epochs.epoch_len(),
                });
            }
        }
        let schedule = Schedule::new(training.settings);
        Ok(Self {
            training,
            schedule,
            history: Vec::new(),
            best: Weights::default(),
        })
    }

    fn finish(
        mut self,
        mut learner: Learner<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Trained, TrainError> {
        while self.history.len() < self.training.settings.training_epochs
            && !self.schedule.is_over()
        {
            let epoch = self.training_epoch(&mut learner, observer)?;
            self.history.push(epoch);
            if self.schedule.after(epoch.val_accuracy) {
                self.best = learner.weights();
            }
            if observer.wants_checkpoints() {
                let current = learner.state(&self.history, &self.best)?;
                observer.checkpoint(checkpoint::write(self.training, &current)?);
            }
            if observer.training_epoch(&epoch).is_break() {
                return Err(TrainError::Stopped {
                    training_epoch: epoch.number,
                });
            }
        }
        clear_shelf();
        let best_epoch = self.schedule.best_epoch();
        Ok(Trained {
            weights: self.best,
            history: self.history,
            best_epoch,
        })
    }

    fn training_epoch(
        &self,
        learner: &mut Learner<'_>,
        observer: &mut dyn Observer,
    ) -> Result<TrainingEpoch, TrainError> {
        let number = self.history.len() + 1;
        let mut order: Vec<usize> = (0..self.training.train.count()).collect();
        let purpose = Purpose::Shuffle(number as u64);
        Stream::new(self.training.seed, purpose).shuffle(&mut order);
        let learning_rate = self.schedule.learning_rate();
        let fitted = learner.fit(number, &order, learning_rate, observer)?;
        let (val_loss, val_accuracy) = self.validate(number, &learner.weights())?;
        let (loss, accuracy) = (fitted.loss, fitted.accuracy);
        Ok(TrainingEpoch {
            number,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
        })
    }

    /// Mean cross-entropy and accuracy over the validation epochs.
    fn validate(&self, number: usize, weights: &Weights<f32>) -> Result<(f64, f64), TrainError> {
        let epochs = self.training.validation;
        let (network, backend) = (self.training.network, self.training.backend);
        let logits = predict_epochs(network, weights, epochs, backend).map_err(|source| {
            TrainError::Validation {
                training_epoch: number,
                source,
            }
        })?;
        let classes = logits.len() / epochs.count();
        let rows = || logits.chunks_exact(classes).zip(epochs.labels());
        let loss: f64 = rows().map(|(row, label)| cross_entropy(row, label)).sum();
        let right = rows()
            .filter(|&(row, label)| predicted_class(row) == usize::from(label))
            .count();
        let count = epochs.count() as f64;
        Ok((loss / count, right as f64 / count))
    }
}
