//! Every rule on networks drawn at random: depths, shapes, strides, groups, pools and activations that no
//! list names.

use super::*;
use crate::kernels::Real;
use crate::random::{Purpose, Stream};
use crate::relevance::Method;
use crate::weights::fold_batch_norms;

/// Networks drawn.
const NETWORKS: u64 = 60;
/// Samples of each.
const BATCH: usize = 2;

/// Draws networks and numbers.
struct Draw(Stream);

impl Draw {
    fn of(seed: u64) -> Self {
        Self(Stream::new(seed, Purpose::Shuffle(0)))
    }

    /// A whole number of `low..=high`.
    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.0.below((high - low + 1) as u64) as usize
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.0.unit() < probability
    }

    /// A network that fits together.
    fn network(&mut self) -> Network {
        loop {
            let (channels, time) = (self.between(1, 4), self.between(9, 40));
            let ops = self.ops(channels);
            let network = Network::of(channels, time, ops);
            if network.classes().is_ok() {
                return network;
            }
        }
    }

    fn ops(&mut self, mut channels: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        for _ in 0..self.between(1, 3) {
            ops.push(self.conv(channels));
            if let Some(Op::Conv { filters, .. }) = ops.last() {
                channels = *filters;
            }
            if self.chance(0.2) {
                ops.push(Op::BatchNorm { epsilon: 0.001 });
            }
            ops.extend(self.activation());
            ops.extend(self.pool());
        }
        ops.push(match self.between(0, 2) {
            0 => Op::Flatten,
            1 => Op::GlobalMaxPool,
            _ => Op::GlobalAveragePool,
        });
        for _ in 0..self.between(0, 2) {
            ops.push(Op::dense(self.between(2, 9)));
            ops.extend(self.activation());
        }
        ops.push(Op::dense(self.between(2, 6)));
        ops
    }

    fn conv(&mut self, channels: usize) -> Op {
        let groups = if channels.is_multiple_of(2) && self.chance(0.3) {
            2
        } else {
            1
        };
        Op::Conv {
            filters: groups * self.between(1, 5),
            kernel: self.between(1, 6),
            stride: self.between(1, 3),
            padding: self.between(0, 2),
            dilation: self.between(1, 2),
            groups,
            bias: self.chance(0.8),
        }
    }

    fn activation(&mut self) -> Option<Op> {
        match self.between(0, 5) {
            0 => None,
            1 => Some(Op::LeakyRelu { slope: 0.1 }),
            2 => Some(Op::Elu { alpha: 1.0 }),
            3 => Some(Op::Gelu),
            _ => Some(Op::Relu),
        }
    }

    fn pool(&mut self) -> Option<Op> {
        let (kernel, stride) = (self.between(2, 3), self.between(1, 3));
        match self.between(0, 3) {
            0 => Some(Op::AveragePool { kernel, stride }),
            1 => Some(Op::MaxPool { kernel, stride }),
            2 => Some(Op::max_pool(kernel)),
            _ => None,
        }
    }
}

/// Weights that keep sums at the size of what they sum, whatever the layer's fan-in; `f32` holds them.
fn sized(network: &Network, seed: u64) -> Weights<f64> {
    let mut weights = weights(network, seed);
    for layer in network.layers.iter().filter(|layer| layer.op.is_linear()) {
        let mut own = weights.get(&layer.name).cloned().unwrap();
        let outputs = match layer.op {
            Op::Conv { filters, .. } => filters,
            Op::Dense { units, .. } => units,
            _ => 1,
        };
        let size = (3.0 * outputs as f64 / own.weight.len() as f64).sqrt();
        own.weight.iter_mut().for_each(|w| *w *= size);
        own.bias.iter_mut().for_each(|b| *b *= 0.3);
        weights.insert(layer.name.clone(), own);
    }
    weights.cast::<f32>().cast()
}

/// A network, numbers for it, and what the replica says to a rule.
struct Case {
    network: Network,
    weights: Weights<f64>,
    x: Vec<f64>,
    starts: Vec<f64>,
}

impl Case {
    fn of(seed: u64) -> Self {
        let network = Draw::of(seed).network();
        let x = narrow(&numbers(seed, BATCH * network.channels * network.time));
        let start = [1.0, -0.5, 0.25, 0.0, 2.0, 1.0];
        Self {
            weights: sized(&network, seed),
            x: x.iter().map(|&x| 2.0 * f64::from(x)).collect(),
            starts: start[..network.classes().unwrap()].repeat(BATCH),
            network,
        }
    }

    /// What the replica finds; `None` where the rule doesn't fit a layer.
    fn wanted(&self, composite: &Composite) -> Option<Vec<f64>> {
        match Walker::new(
            &self.network,
            &self.weights,
            std::slice::from_ref(composite),
        ) {
            Err(RelevanceError::Pass { .. } | RelevanceError::Box { .. }) => return None,
            walker => walker.unwrap(),
        };
        let (folded, own) = fold_batch_norms(&self.network, &self.weights).unwrap();
        let rules = composite.rules(&folded).unwrap();
        let samples = self.x.chunks(self.x.len() / BATCH);
        let starts = self.starts.chunks(self.starts.len() / BATCH);
        let slow = |(x, start)| relevance(&folded, &own, &rules, x, start);
        Some(samples.zip(starts).flat_map(slow).collect())
    }

    fn walked<T: Real>(&self, walker: &Walker<T>) -> Vec<f64> {
        let cast = |values: &[f64]| values.iter().map(|&v| T::from_f64(v)).collect::<Vec<T>>();
        let starts = cast(&self.starts);
        let found = walker.explain(&cast(&self.x), Target::Predicted, Start::Given(&starts));
        let relevance = &found.unwrap().rules[0].relevance;
        relevance.iter().map(|r| r.to_f64()).collect()
    }
}

#[test]
fn every_rule_does_what_its_replica_does_on_networks_drawn_at_random() {
    let (mut compared, mut rough) = (0, 0);
    for seed in 0..NETWORKS {
        let case = Case::of(seed);
        for rule in EXAMPLES {
            let composite = everywhere(rule);
            let Some(wanted) = case.wanted(&composite) else {
                continue;
            };
            let (network, weights) = (&case.network, &case.weights);
            let own = weights.cast::<f32>();
            let composites = std::slice::from_ref(&composite);
            let methods = [Method::Relevance(composite.clone())];
            let double = case.walked(&Walker::new(network, weights, composites).unwrap());
            let usual = case.walked(&Walker::new(network, &own, composites).unwrap());
            let single = Walker::of_one_precision(network, &own, &methods);
            let single = case.walked(&single.unwrap());
            let [double, usual, single] =
                [double, usual, single].map(|found| difference(&found, &wanted));
            let name = || format!("{rule} on network {seed}, {:?}", network.entries());
            assert!(double <= 1e-9, "{}: {double:e}", name());
            assert!(usual <= 1e-6, "{} in f32: {usual:e}", name());
            compared += 1;
            rough += usize::from(single > 1e-4);
        }
    }
    assert!(
        compared > 1000 && rough * 100 < compared,
        "{rough} of {compared}"
    );
}
