//! Relevance by the book: every connection of every layer, one by one.

use super::{Rule, Value};
use crate::network::{Network, Op};
use crate::weights::{LayerWeights, Weights};
use std::ops::Range;

/// One output of a layer: the inputs it is connected with, in any order.
pub(super) struct Unit<'a> {
    pub(super) x: &'a [f64],
    pub(super) w: &'a [f64],
    pub(super) b: f64,
    /// Channel of each input.
    pub(super) channel: &'a [usize],
    /// Place of each input, and of the output, in their maps.
    pub(super) places: &'a [usize],
    pub(super) place: usize,
}

/// The shares of one output's inputs, literally by the rule's equation.
pub(super) type Replica = fn(&[Value], &Unit<'_>) -> Vec<f64>;

/// Takes relevance back through one layer.
type Carry = Box<dyn Fn(&[f64]) -> Vec<f64>>;

/// Relevance of one sample, by going through every connection of every layer.
pub(super) fn relevance(
    network: &Network,
    weights: &Weights<f64>,
    rules: &[Option<Rule>],
    x: &[f64],
    start: &[f64],
) -> Vec<f64> {
    let mut size = (network.channels, network.time);
    let mut x = x.to_vec();
    let mut back: Vec<Carry> = Vec::new();
    let shapes = network.shapes().unwrap();
    for ((layer, shape), rule) in network.layers.iter().zip(shapes).zip(rules) {
        let own = weights.get(&layer.name);
        let (value, carry) = match (&layer.op, rule) {
            (op, Some(rule)) => weighted(Layer::new(op, size, own), rule, x),
            (Op::MaxPool { kernel, stride }, _) => pooled(*kernel, *stride, size.1, &x),
            (Op::GlobalMaxPool, _) => pooled(size.1, 1, size.1, &x),
            (op, None) => {
                let value = x.iter().map(|&x| activated(op, x)).collect();
                (value, Box::new(<[f64]>::to_vec) as Carry)
            }
        };
        x = value;
        back.push(carry);
        size = (shape.channels(), shape.time());
    }
    back.iter().rev().fold(start.to_vec(), |r, carry| carry(&r))
}

/// A weighted sum, and the way back by its rule.
fn weighted(layer: Layer, rule: &Rule, x: Vec<f64>) -> (Vec<f64>, Carry) {
    let sum = |(places, w, b): &(Vec<usize>, Vec<f64>, f64)| {
        places.iter().zip(w).fold(*b, |z, (&p, w)| z + x[p] * w)
    };
    let z = layer.units.iter().map(sum).collect();
    let rule = rule.clone();
    (z, Box::new(move |r: &[f64]| shared(&layer, &rule, &x, r)))
}

/// Maxima of windows, and the way back to the first of each one's largest.
fn pooled(kernel: usize, stride: usize, time: usize, x: &[f64]) -> (Vec<f64>, Carry) {
    let mut winners = Vec::new();
    for row in (0..x.len()).step_by(time) {
        for window in 0..(time - kernel) / stride + 1 {
            let first = row + window * stride;
            let places = first..first + kernel;
            winners.push(places.fold(first, |best, at| if x[at] > x[best] { at } else { best }));
        }
    }
    let value = winners.iter().map(|&at| x[at]).collect();
    let length = x.len();
    let carry = move |r: &[f64]| {
        let mut given = vec![0.0; length];
        winners.iter().zip(r).for_each(|(&at, r)| given[at] += r);
        given
    };
    (value, Box::new(carry))
}

fn activated(op: &Op, x: f64) -> f64 {
    match *op {
        Op::Relu => x.max(0.0),
        Op::LeakyRelu { slope } if x < 0.0 => slope * x,
        Op::Elu { alpha } if x < 0.0 => alpha * (x.exp() - 1.0),
        Op::Gelu => x * (0.5 + normal_area(x)),
        _ => x,
    }
}

/// The area under the normal density from 0 to `x`, by Simpson's rule.
fn normal_area(x: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / 2.506_628_274_631_000_5;
    let step = x / 1000.0;
    let term = |i: i32| {
        let factor = match i {
            0 | 1000 => 1.0,
            i if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        factor * density(f64::from(i) * step)
    };
    (0..=1000).map(term).sum::<f64>() * step / 3.0
}

/// Gives each output's relevance to its inputs, by the rule's replica.
fn shared(layer: &Layer, rule: &Rule, x: &[f64], relevance: &[f64]) -> Vec<f64> {
    let mut given = vec![0.0; x.len()];
    for (place, ((places, w, b), r)) in layer.units.iter().zip(relevance).enumerate() {
        let own: Vec<f64> = places.iter().map(|&p| x[p]).collect();
        let channel: Vec<usize> = places.iter().map(|&p| p / layer.time).collect();
        let unit = Unit {
            x: &own,
            w,
            b: *b,
            channel: &channel,
            places,
            place,
        };
        if rule.kind().name == "pass" {
            given[place] = *r;
            continue;
        }
        let shares = (rule.kind().replica)(rule.arguments(), &unit);
        for (&p, share) in places.iter().zip(shares) {
            given[p] += share * r;
        }
    }
    given
}

/// One layer, literally: for each output its inputs' places, their weights, and its bias.
pub(super) struct Layer {
    pub(super) units: Vec<(Vec<usize>, Vec<f64>, f64)>,
    /// Length of the input in time.
    time: usize,
}

impl Layer {
    /// Of an operation that gets `(channels, time)`; without connections where it has no weights.
    pub(super) fn new(
        op: &Op,
        (channels, time): (usize, usize),
        own: Option<&LayerWeights<f64>>,
    ) -> Self {
        let none = LayerWeights::default();
        let own = own.unwrap_or(&none);
        let mut layer = Self {
            units: Vec::new(),
            time,
        };
        let each = |kernel: usize| vec![1.0 / kernel as f64; kernel];
        match *op {
            Op::Conv { .. } => layer.conv(op, channels, own),
            Op::AveragePool { kernel, stride } => {
                layer.each_channel(channels, stride, &each(kernel))
            }
            Op::GlobalAveragePool => layer.each_channel(channels, 1, &each(time)),
            Op::BatchNorm { epsilon } => layer.norm(epsilon, channels, own),
            Op::Dense { units, .. } => layer.dense(units, channels, own),
            _ => {}
        }
        layer
    }

    /// One output that reads taps of some channels, tap `k` at time `at(k)`; those beside the signal are
    /// left out.
    fn unit(&mut self, channels: Range<usize>, at: impl Fn(usize) -> isize, w: &[f64], b: f64) {
        let (mut places, mut kept) = (Vec::new(), Vec::new());
        let kernel = w.len() / channels.len();
        for (i, channel) in channels.enumerate() {
            for k in 0..kernel {
                if (0..self.time as isize).contains(&at(k)) {
                    places.push(channel * self.time + at(k) as usize);
                    kept.push(w[i * kernel + k]);
                }
            }
        }
        self.units.push((places, kept, b));
    }

    fn conv(&mut self, op: &Op, channels: usize, own: &LayerWeights<f64>) {
        let Op::Conv {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } = *op
        else {
            return;
        };
        let span = dilation * (kernel - 1) + 1;
        let out = (self.time + 2 * padding - span) / stride + 1;
        let fan = channels / groups;
        for o in 0..filters {
            let first = o / (filters / groups) * fan;
            let w = &own.weight[o * fan * kernel..][..fan * kernel];
            let bias = own.bias.get(o).copied().unwrap_or(0.0);
            for t in 0..out {
                let at = |k: usize| (t * stride + k * dilation) as isize - padding as isize;
                self.unit(first..first + fan, at, w, bias);
            }
        }
    }

    /// The same weights over windows of each channel alone.
    fn each_channel(&mut self, channels: usize, stride: usize, w: &[f64]) {
        for c in 0..channels {
            for t in 0..(self.time - w.len()) / stride + 1 {
                self.unit(c..c + 1, |k| (t * stride + k) as isize, w, 0.0);
            }
        }
    }

    fn norm(&mut self, epsilon: f64, channels: usize, own: &LayerWeights<f64>) {
        for c in 0..channels {
            let w = own.weight[c] / (own.variance[c] + epsilon).sqrt();
            let b = own.bias[c] - own.mean[c] * w;
            for t in 0..self.time {
                self.unit(c..c + 1, |_| t as isize, &[w], b);
            }
        }
    }

    fn dense(&mut self, units: usize, channels: usize, own: &LayerWeights<f64>) {
        let inputs = channels * self.time;
        for o in 0..units {
            let w = own.weight[o * inputs..][..inputs].to_vec();
            let bias = own.bias.get(o).copied().unwrap_or(0.0);
            self.units.push(((0..inputs).collect(), w, bias));
        }
    }
}
