//! One training epoch: batches through the network, gradients, Adam.

use super::adam::Adam;
use super::checkpoint::State;
use super::loader::{Batch, each_batch};
use super::model::{Frame, Model, host};
use super::{BatchProgress, LossAverage, Observer, TrainError, Training, TrainingEpoch};
use super::{CheckpointError, cross_entropy, predicted_class};
use crate::weights::Weights;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bytes, Device, Tensor, TensorData};

/// Far above any loss of a training that goes well: the logits have lost all measure.
const ABSURD_LOSS: f64 = 1e6;

/// The module, its optimiser and how many steps they have taken.
pub(super) struct Learner<'a> {
    training: &'a Training<'a>,
    frame: Frame<'a>,
    /// Taken out while a step replaces it.
    model: Option<Model>,
    optimiser: ModuleOptimizer,
    class_weights: Vec<f64>,
    device: Device,
    steps: u64,
}

/// Means over the batches of a training epoch.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    pub loss: f64,
    pub accuracy: f64,
}

impl<'a> Learner<'a> {
    /// Begins from these weights.
    pub(super) fn new(
        training: &'a Training<'a>,
        weights: &Weights<f32>,
    ) -> Result<Self, TrainError> {
        let backend = training.backend;
        backend.check()?;
        let device = backend.device().autodiff();
        let (frame, model) = Frame::new(training.network, weights, training.seed, backend)?;
        let settings = training.settings;
        let counts = training.train.class_counts(training.network.classes()?)?;
        let optimiser = ModuleOptimizer::from(Adam::new(settings, backend));
        let class_weights = settings.class_weights.resolve(&counts)?;
        let model = Some(model);
        Ok(Self {
            training,
            frame,
            model,
            optimiser,
            class_weights,
            device,
            steps: 0,
        })
    }

    /// Goes on from a checkpoint's state.
    pub(super) fn restored(training: &'a Training<'a>, state: &State) -> Result<Self, TrainError> {
        let mut learner = Self::new(training, &state.weights)?;
        let bytes = Bytes::from_bytes_vec(state.optimiser.clone());
        let restored = learner.optimiser.from_bytes(bytes);
        learner.optimiser = restored.map_err(|_| CheckpointError::Optimiser)?;
        let batches = training.train.count().div_ceil(training.settings.batch);
        learner.steps = (state.history.len() * batches) as u64;
        Ok(learner)
    }

    /// The state after the training epochs so far.
    pub(super) fn state(
        &self,
        history: &[TrainingEpoch],
        best: &Weights<f32>,
    ) -> Result<State, CheckpointError> {
        let optimiser = self
            .optimiser
            .into_bytes()
            .map_err(|_| CheckpointError::Optimiser)?;
        Ok(State {
            weights: self.weights(),
            best: best.clone(),
            optimiser: optimiser.to_vec(),
            history: history.to_vec(),
        })
    }

    /// The weights as they are now.
    pub(super) fn weights(&self) -> Weights<f32> {
        self.model
            .as_ref()
            .map(|model| self.frame.weights(model))
            .unwrap_or_default()
    }

    /// Fits the weights to the epochs, each once, in this order.
    pub(super) fn fit(
        &mut self,
        number: usize,
        order: &[usize],
        learning_rate: f64,
        observer: &mut dyn Observer,
    ) -> Result<Fitted, TrainError> {
        let (epochs, size) = (self.training.train, self.training.settings.batch);
        let mut progress = BatchProgress {
            number,
            done: 0,
            of: order.len().div_ceil(size),
        };
        let mut sums = Fitted::default();
        each_batch(epochs, order, size, |batch| {
            let count = batch.labels.len() as f64;
            let fitted = self.step(batch, learning_rate);
            progress.done += 1;
            if fitted.loss.is_nan() || fitted.loss.abs() > ABSURD_LOSS {
                let (training_epoch, batch, loss) = (number, progress.done, fitted.loss);
                return Err(TrainError::Diverged {
                    training_epoch,
                    batch,
                    loss,
                });
            }
            sums.loss += fitted.loss * count;
            sums.accuracy += fitted.accuracy * count;
            match observer.batch(progress).is_break() {
                true => Err(TrainError::Stopped {
                    training_epoch: number,
                }),
                false => Ok(()),
            }
        })?;
        let count = order.len() as f64;
        Ok(Fitted {
            loss: sums.loss / count,
            accuracy: sums.accuracy / count,
        })
    }

    /// One batch: loss and accuracy before the step, and the step.
    fn step(&mut self, batch: Batch, learning_rate: f64) -> Fitted {
        let Some(model) = self.model.take() else {
            return Fitted::default();
        };
        let logits = self.frame.forward(&model, batch.x, self.steps);
        let fitted = self.measure(&host(logits.clone().inner()), &batch.labels);
        let shares = self.loss_shares(&batch.labels);
        let loss = (log_softmax(logits, 1) * shares).sum().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimiser.step(learning_rate, model, gradients));
        self.steps += 1;
        fitted
    }

    /// The loss, summed in `f64`, and the accuracy of a batch.
    fn measure(&self, logits: &[f32], labels: &[u8]) -> Fitted {
        let rows = || logits.chunks_exact(logits.len() / labels.len()).zip(labels);
        let weigh = |(row, &label): (&[f32], &u8)| {
            cross_entropy(row, label) * self.class_weights[usize::from(label)]
        };
        let right = |&(row, &label): &(&[f32], &u8)| predicted_class(row) == usize::from(label);
        Fitted {
            loss: rows().map(weigh).sum::<f64>() / self.divisor(labels),
            accuracy: rows().filter(right).count() as f64 / labels.len() as f64,
        }
    }

    /// What the weighted losses of a batch are divided by.
    fn divisor(&self, labels: &[u8]) -> f64 {
        match self.training.settings.average {
            LossAverage::Epochs => labels.len() as f64,
            LossAverage::Weights => labels
                .iter()
                .map(|&label| self.class_weights[usize::from(label)])
                .sum(),
        }
    }

    /// What each logarithm counts in the loss, `[batch, classes]`: the label's class weight over
    /// the divisor, 0 for other classes.
    fn loss_shares(&self, labels: &[u8]) -> Tensor<2> {
        let classes = self.class_weights.len();
        let divisor = self.divisor(labels);
        let mut shares = vec![0.0; labels.len() * classes];
        for (row, &label) in shares.chunks_mut(classes).zip(labels) {
            let class = usize::from(label);
            row[class] = (self.class_weights[class] / divisor) as f32;
        }
        Tensor::from_data(
            TensorData::new(shares, [labels.len(), classes]),
            &self.device,
        )
    }
}
