//! The forward pass: logits of any number type straight on the kernels, or of `f32` on a GPU.

use crate::backend::{BackendClass, NoDevice};
use crate::epochs::Epochs;
use crate::kernels::{
    ConvBlock, DenseBlock, PackedBlock, PoolShape, Real, average_pool_row, max_pool_row,
    with_scratch,
};
use crate::network::{Network, NetworkError};
use crate::plan::{Block, BlockOp, blocks};
use crate::relevance::{RelevanceError, Walker};
use crate::weights::{LayerWeights, Weights, WeightsError};
use rayon::prelude::*;

/// What keeps a network from giving logits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PredictError {
    /// The weights don't fit the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The input is no whole number of epochs.
    #[error("{numbers} numbers are no whole number of epochs of {len}")]
    Input {
        /// Numbers given.
        numbers: usize,
        /// Numbers of one epoch.
        len: usize,
    },
    /// A number of the input is NaN or infinite.
    #[error("epoch {epoch} holds a number that is not finite")]
    InputNotFinite {
        /// Which one, from 0.
        epoch: usize,
    },
    /// The machine lacks the device.
    #[error(transparent)]
    Device(#[from] NoDevice),
    /// The network can't be walked on the device.
    #[error(transparent)]
    Walk(#[from] RelevanceError),
    /// A logit is NaN or infinite.
    #[error("epoch {epoch} gives a logit that is not finite")]
    NotFinite {
        /// Which one, from 0.
        epoch: usize,
    },
}

/// The logits of epochs that lie one after the other.
///
/// * `x`: `[epoch, channel, time]`; returns `[epoch, class]`
///
/// # Errors
/// Weights that don't fit, an input that is no whole number of epochs, a number that is not finite.
pub fn predict<T: Real>(
    network: &Network,
    weights: &Weights<T>,
    x: &[T],
) -> Result<Vec<T>, PredictError> {
    let none = LayerWeights::default();
    let predictor = Predictor::new(network, weights, &none)?;
    let len = network.input().numbers();
    if !x.len().is_multiple_of(len) {
        return Err(PredictError::Input {
            numbers: x.len(),
            len,
        });
    }
    predictor.logits(x.len() / len, |n| &x[n * len..][..len])
}

/// The logits of epochs wherever they lie, `[epoch, class]`.
///
/// # Errors
/// As [`predict`]; the machine may lack the device of the backend.
pub fn predict_epochs(
    network: &Network,
    weights: &Weights<f32>,
    epochs: &Epochs<'_>,
    backend: BackendClass,
) -> Result<Vec<f32>, PredictError> {
    let len = network.input().numbers();
    if epochs.epoch_len() != len {
        return Err(PredictError::Input {
            numbers: epochs.epoch_len(),
            len,
        });
    }
    let none = LayerWeights::default();
    let predictor = Predictor::new(network, weights, &none)?;
    match backend.has_kernels() {
        true => predictor.logits(epochs.count(), |n| epochs.signals(n)),
        false => device_logits(network, weights, epochs, backend),
    }
}

/// The logits of epochs by a backend that our kernels don't run on, batch by batch.
fn device_logits(
    network: &Network,
    weights: &Weights<f32>,
    epochs: &Epochs<'_>,
    backend: BackendClass,
) -> Result<Vec<f32>, PredictError> {
    const BATCH: usize = 128;
    let walker = Walker::new(network, weights, &[])?.on(backend)?;
    let mut logits = Vec::new();
    for from in (0..epochs.count()).step_by(BATCH) {
        let mut x = Vec::with_capacity(BATCH * epochs.epoch_len());
        for epoch in from..(from + BATCH).min(epochs.count()) {
            let signals = epochs.finite_signals(epoch);
            x.extend_from_slice(signals.map_err(|_| PredictError::InputNotFinite { epoch })?);
        }
        logits.extend(walker.logits(&x).map_err(|error| match error {
            RelevanceError::NotFinite { sample, .. } => PredictError::NotFinite {
                epoch: from + sample,
            },
            error => PredictError::Walk(error),
        })?);
    }
    Ok(logits)
}

/// Turns logits into probabilities, in place: `p[c] = e^(z[c] − max z) / Σ e^(z − max z)`.
///
/// * `logits`: `[epoch, classes]`
pub fn softmax<T: Real>(logits: &mut [T], classes: usize) {
    for row in logits.chunks_mut(classes.max(1)) {
        let most = row.iter().copied().fold(row[0], T::max);
        row.iter_mut().for_each(|z| *z = (*z - most).exp());
        let sum: T = row.iter().copied().sum();
        row.iter_mut().for_each(|z| *z /= sum);
    }
}

/// The first class with the largest logit.
pub fn predicted_class<T: Real>(logits: &[T]) -> usize {
    (1..logits.len()).fold(0, |best, c| if logits[c] > logits[best] { c } else { best })
}

/// A network with its weights, ready to be run on one sample at a time.
struct Predictor<'a, T> {
    steps: Vec<Step<'a, T>>,
    classes: usize,
    /// Numbers of the widest map.
    widest: usize,
}

/// A block with its weights.
struct Step<'a, T> {
    block: Block,
    weights: &'a LayerWeights<T>,
    /// The convolution's weights in the order of the tiles.
    packed: Option<PackedBlock<'a, T>>,
}

impl<'a, T: Real> Predictor<'a, T> {
    fn new(
        network: &Network,
        weights: &'a Weights<T>,
        none: &'a LayerWeights<T>,
    ) -> Result<Self, PredictError> {
        let classes = network.classes()?;
        weights.check(network)?;
        let step = |block: Block| {
            let weights = weights
                .get(&network.layers[block.layer].name)
                .unwrap_or(none);
            Step {
                packed: packed(&block, weights),
                block,
                weights,
            }
        };
        let steps: Vec<_> = blocks(network)?.into_iter().map(step).collect();
        let widest = steps
            .iter()
            .map(|step| step.block.gives.numbers())
            .max()
            .unwrap_or(0);
        Ok(Self {
            steps,
            classes,
            widest,
        })
    }

    /// The logits of `count` epochs, each computed by one thread.
    fn logits<'x>(
        &self,
        count: usize,
        signals: impl Fn(usize) -> &'x [T] + Sync,
    ) -> Result<Vec<T>, PredictError> {
        let mut logits = vec![T::ZERO; count * self.classes];
        logits
            .par_chunks_mut(self.classes)
            .enumerate()
            .for_each(|(n, logits)| {
                with_scratch(self.widest, |from| {
                    with_scratch(self.widest, |into| {
                        self.sample(signals(n), from, into, logits)
                    });
                });
            });
        let Some(at) = logits.iter().position(|z| !z.is_finite()) else {
            return Ok(logits);
        };
        let epoch = at / self.classes;
        match signals(epoch).iter().all(|x| x.is_finite()) {
            true => Err(PredictError::NotFinite { epoch }),
            false => Err(PredictError::InputNotFinite { epoch }),
        }
    }

    fn sample<'b>(&self, x: &[T], mut from: &'b mut [T], mut into: &'b mut [T], logits: &mut [T]) {
        if !x.iter().all(|x| x.is_finite()) {
            // A ReLU or a maximum may swallow a NaN; nothing may hide it.
            return logits.fill(T::from_f64(f64::NAN));
        }
        for (n, step) in self.steps.iter().enumerate() {
            step.run(if n == 0 { x } else { from }, into);
            std::mem::swap(&mut from, &mut into);
        }
        logits.copy_from_slice(&from[..self.classes]);
    }
}

fn packed<'a, T: Real>(block: &Block, weights: &'a LayerWeights<T>) -> Option<PackedBlock<'a, T>> {
    let BlockOp::Conv {
        conv, relu, pool, ..
    } = block.op
    else {
        return None;
    };
    let block = ConvBlock {
        conv,
        relu,
        pool,
        mask: None,
    };
    Some(PackedBlock::new(block, &weights.weight, weights.bias()))
}

impl<T: Real> Step<'_, T> {
    /// Runs one block on one sample; dropout does nothing here.
    fn run(&self, from: &[T], into: &mut [T]) {
        let from = &from[..self.block.gets.numbers()];
        let into = &mut into[..self.block.gives.numbers()];
        if let Some(packed) = &self.packed {
            return packed.forward(from, into);
        }
        match self.block.op {
            BlockOp::Dense { dense, relu, .. } => {
                let block = DenseBlock {
                    dense,
                    relu,
                    mask: None,
                };
                block.sample(from, &self.weights.weight, self.weights.bias(), into);
            }
            BlockOp::MaxPool(shape) => each_row(&shape, from, into, max_pool_row),
            BlockOp::AveragePool(shape) => each_row(&shape, from, into, average_pool_row),
            BlockOp::Activation(activation) => {
                into.iter_mut()
                    .zip(from)
                    .for_each(|(into, &x)| *into = activation.value(x));
            }
            BlockOp::Norm { epsilon } => normalise(&self.block, self.weights, epsilon, from, into),
            BlockOp::Conv { .. } | BlockOp::Mask(_) | BlockOp::Flatten => {
                into.copy_from_slice(from)
            }
        }
    }
}

fn each_row<T: Real>(
    shape: &PoolShape,
    from: &[T],
    into: &mut [T],
    pool: fn(&PoolShape, &[T], &mut [T]),
) {
    let rows = into
        .chunks_mut(shape.out_time())
        .zip(from.chunks(shape.time));
    rows.for_each(|(into, from)| pool(shape, from, into));
}

/// Batch norm with its running moments.
fn normalise<T: Real>(
    block: &Block,
    weights: &LayerWeights<T>,
    epsilon: f64,
    from: &[T],
    into: &mut [T],
) {
    let time = block.gets.time();
    for (c, (into, from)) in into.chunks_mut(time).zip(from.chunks(time)).enumerate() {
        let scale = weights.weight[c] / (weights.variance[c] + T::from_f64(epsilon)).sqrt();
        let shift = weights.bias[c] - weights.mean[c] * scale;
        into.iter_mut()
            .zip(from)
            .for_each(|(into, &x)| *into = x * scale + shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::initial_weights;

    #[test]
    fn a_nan_in_the_input_is_announced() {
        let network = Network::parse(1, 8, &["conv 2 k3", "relu", "global-max-pool", "dense 2"]);
        let network = network.unwrap();
        let weights = initial_weights(&network, 1).unwrap();
        let mut x = vec![0.5; 24];
        assert_eq!(
            predict(&network, &weights, &x).map(|logits| logits.len()),
            Ok(6)
        );
        x[9] = f32::NAN;
        let error = predict(&network, &weights, &x);
        assert_eq!(error, Err(PredictError::InputNotFinite { epoch: 1 }));
    }

    #[test]
    fn probabilities_sum_to_one_even_of_large_logits() {
        let mut logits = [1000.0_f64, 1001.0, -5.0, 0.0];
        softmax(&mut logits, 2);
        assert!((logits[0] + logits[1] - 1.0).abs() < 1e-15);
        assert!((logits[1] - 0.731_058_578_630_004_9).abs() < 1e-12);
    }
}
