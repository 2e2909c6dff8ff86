//! A network made ready to be walked: what each layer does to one sample, and with which numbers.

use super::RelevanceError;
use crate::kernels::relevance::{Forward, Map};
use crate::kernels::{Activation, DenseShape, PoolShape, Real};
use crate::network::{Network, Op, Shape};
use crate::weights::{LayerWeights, Weights};
use std::sync::Arc;

/// The steps from the input to the logits. What does nothing when explaining (dropout, flatten) is left out.
pub(crate) struct Program<T> {
    pub(crate) steps: Vec<Step<T>>,
    pub(crate) channels: usize,
    pub(crate) in_len: usize,
    pub(crate) classes: usize,
}

/// One step, and the numbers of one sample that go in and come out.
pub(crate) struct Step<T> {
    /// Place of the layer in the network.
    pub(crate) layer: usize,
    pub(crate) action: Action<T>,
    pub(crate) in_len: usize,
    pub(crate) out_len: usize,
    /// Whether the input can't be negative, whatever the sample.
    pub(crate) input_is_positive: bool,
}

pub(crate) enum Action<T> {
    Linear(Box<Linear<T>>),
    MaxPool(PoolShape),
    Activation(Activation),
}

/// A weighted sum, maybe with a ReLU behind that overwrites it.
pub(crate) struct Linear<T> {
    pub(crate) map: Map,
    pub(crate) weight: Arc<Vec<T>>,
    pub(crate) bias: Option<Vec<T>>,
    pub(crate) forward: Forward<T>,
    /// Whether `max(·, 0)` is taken in place, so that the sum itself isn't kept.
    pub(crate) relu: bool,
}

impl<T: Real> Program<T> {
    /// Compiles; `weights` are checked here.
    pub(crate) fn new(network: &Network, weights: &Weights<T>) -> Result<Self, RelevanceError> {
        weights.check(network)?;
        let classes = network.classes()?;
        let mut steps: Vec<Step<T>> = Vec::new();
        let mut gets = network.input();
        let mut positive = false;
        let none = LayerWeights::default();
        for (layer, (named, gives)) in network.layers.iter().zip(network.shapes()?).enumerate() {
            let numbers = weights.get(&named.name).unwrap_or(&none);
            if let Some(action) = action(&named.op, gets, gives, numbers) {
                let keeps = matches!(action, Action::MaxPool(_));
                let averages = matches!(named.op, Op::AveragePool { .. } | Op::GlobalAveragePool);
                let relu = named.op == Op::Relu;
                steps.push(Step {
                    layer,
                    action,
                    in_len: gets.numbers(),
                    out_len: gives.numbers(),
                    input_is_positive: positive,
                });
                positive = relu || positive && (keeps || averages);
            }
            gets = gives;
        }
        Ok(Self {
            steps,
            channels: network.channels,
            in_len: network.input().numbers(),
            classes,
        })
    }

    /// Lets ReLUs overwrite the sums before them where `may(step of the sum)` allows it.
    pub(crate) fn fuse(&mut self, may: impl Fn(usize) -> bool) {
        let mut kept: Vec<Step<T>> = Vec::with_capacity(self.steps.len());
        let steps = std::mem::take(&mut self.steps);
        for (place, step) in steps.into_iter().enumerate() {
            let relu = matches!(step.action, Action::Activation(Activation::Relu));
            match kept.last_mut().map(|step| &mut step.action) {
                Some(Action::Linear(linear)) if relu && may(place - 1) => linear.relu = true,
                _ => kept.push(step),
            }
        }
        self.steps = kept;
    }
}

fn action<T: Real>(
    op: &Op,
    gets: Shape,
    gives: Shape,
    numbers: &LayerWeights<T>,
) -> Option<Action<T>> {
    if let Some(function) = op.activation() {
        return Some(Action::Activation(function));
    }
    let rows = gets.channels();
    match *op {
        Op::MaxPool { kernel, stride } => Some(Action::MaxPool(PoolShape {
            rows,
            time: gets.time(),
            kernel,
            stride,
        })),
        Op::GlobalMaxPool => Some(Action::MaxPool(PoolShape::global(rows, gets.time()))),
        _ => linear(op, gets, gives, numbers).map(|linear| Action::Linear(Box::new(linear))),
    }
}

fn linear<T: Real>(
    op: &Op,
    gets: Shape,
    gives: Shape,
    numbers: &LayerWeights<T>,
) -> Option<Linear<T>> {
    let (channels, time) = (gets.channels(), gets.time());
    let average = |kernel: usize, stride| {
        let share = T::from_f64(1.0 / kernel as f64);
        let map = Map::depthwise(channels, time, kernel, stride);
        (map, vec![share; channels * kernel], Vec::new())
    };
    let (map, weight, bias) = match *op {
        Op::Conv { .. } => {
            let map = Map::Conv(op.conv_shape(gets)?);
            (map, numbers.weight.clone(), numbers.bias.clone())
        }
        Op::Dense { .. } => {
            let map = Map::Dense(DenseShape {
                batch: 1,
                inputs: gets.numbers(),
                outputs: gives.numbers(),
            });
            (map, numbers.weight.clone(), numbers.bias.clone())
        }
        Op::AveragePool { kernel, stride } => average(kernel, stride),
        Op::GlobalAveragePool => average(time, time),
        Op::BatchNorm { epsilon } => {
            let (weight, bias) = normalisation(numbers, epsilon);
            (Map::depthwise(channels, time, 1, 1), weight, bias)
        }
        _ => return None,
    };
    let bias = Some(bias).filter(|bias| !bias.is_empty());
    Some(Linear::new(map, weight, bias))
}

impl<T: Real> Linear<T> {
    /// Whether the sum has a time that a maximum can be at.
    pub(crate) fn over_time(&self) -> bool {
        matches!(self.map, Map::Conv(_))
    }

    fn new(map: Map, weight: Vec<T>, bias: Option<Vec<T>>) -> Self {
        let weight = Arc::new(weight);
        Self {
            map,
            forward: Forward::new(map, Arc::clone(&weight), bias.clone()),
            weight,
            bias,
            relu: false,
        }
    }
}

/// A batch norm as `x · weight + bias` per channel.
fn normalisation<T: Real>(numbers: &LayerWeights<T>, epsilon: f64) -> (Vec<T>, Vec<T>) {
    let channel = |c: usize| {
        let deviation = (numbers.variance[c].to_f64() + epsilon).sqrt();
        let weight = numbers.weight[c].to_f64() / deviation;
        let bias = numbers.bias[c].to_f64() - numbers.mean[c].to_f64() * weight;
        (T::from_f64(weight), T::from_f64(bias))
    };
    (0..numbers.weight.len()).map(channel).unzip()
}
