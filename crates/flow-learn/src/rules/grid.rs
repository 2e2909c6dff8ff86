//! Every rule against its slow replica, on every kind and shape of layer, signed and positive.

use super::{Rule, Value};
use crate::composite::Composite;
use crate::network::{Network, Op};
use crate::relevance::{RelevanceError, Start, Target, Walker};
use crate::weights::{LayerWeights, Weights, tensors};

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

/// Every rule with every kind of argument.
pub(super) const EXAMPLES: &[&str] = &[
    "alpha-beta(1,0)",
    "alpha-beta(1,0,bias=ignore)",
    "alpha-beta(1,0,bias=innvestigate)",
    "alpha-beta(2,1)",
    "alpha-beta(2,1,bias=ignore)",
    "alpha-beta(1.5,0.5,bias=innvestigate)",
    "epsilon(0.01)",
    "epsilon(0.01,bias=ignore)",
    "epsilon(0.3,bias=innvestigate)",
    "epsilon(100)",
    "flat",
    "gamma(0.25)",
    "gamma(0)",
    "gamma(2,bias=ignore)",
    "norm",
    "pass",
    "w-square",
    "w-square(bias=ignore)",
    "z-box(-3,3)",
    "z-box(-2.5,[1,2,3,4])",
    "z-plus",
    "z-plus(bias=ignore)",
];

/// Those that lose nothing where every output has an input that counts.
const CONSERVING: &[&str] = &[
    "alpha-beta(1,0,bias=ignore)",
    "epsilon(0,bias=ignore)",
    "flat",
    "gamma(0.25,bias=ignore)",
    "pass",
    "w-square(bias=ignore)",
    "z-box(-3,3)",
    "z-plus(bias=ignore)",
];

const CHANNELS: usize = 4;
const TIME: usize = 13;

/// Numbers in [−1, 1), each seed its own row (SplitMix64).
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn weights(network: &Network, seed: u64) -> Weights<f64> {
    let mut weights = Weights::<f64>::default();
    for (at, tensor) in tensors(network).unwrap().into_iter().enumerate() {
        let own = numbers(seed * 100 + at as u64, tensor.shape.iter().product());
        let mut layer = weights.get(&tensor.layer).cloned().unwrap_or_default();
        match tensor.part {
            "weight" => layer.weight = own,
            "bias" => layer.bias = own,
            "running_mean" => layer.mean = own,
            _ => layer.variance = own.iter().map(|v| v.abs() + 0.1).collect(),
        }
        weights.insert(tensor.layer, layer);
    }
    weights
}

/// The layers of the grid.
fn layers() -> Vec<Op> {
    let conv = |kernel, stride, padding, dilation, groups, bias| Op::Conv {
        filters: 4,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias,
    };
    vec![
        conv(5, 1, 0, 1, 1, true),
        conv(3, 1, 1, 1, 1, true),
        conv(3, 2, 2, 1, 1, true),
        conv(2, 3, 1, 3, 2, true),
        conv(1, 1, 0, 1, 4, true),
        conv(4, 1, 0, 2, 1, false),
        Op::AveragePool {
            kernel: 3,
            stride: 2,
        },
        Op::GlobalAveragePool,
        Op::BatchNorm { epsilon: 0.01 },
        Op::dense(6),
    ]
}

/// Networks around a layer: alone; behind a ReLU; before a ReLU and pools of each kind.
fn networks(op: &Op) -> Vec<Network> {
    let vector = matches!(op, Op::Dense { .. } | Op::GlobalAveragePool);
    let flatten = |ops: &mut Vec<Op>| {
        if matches!(op, Op::Dense { .. }) {
            ops.push(Op::Flatten);
        }
    };
    let whole = |before: Vec<Op>, after: Vec<Op>| {
        let mut ops = before;
        flatten(&mut ops);
        ops.push(op.clone());
        ops.extend(after);
        Network::of(CHANNELS, TIME, ops)
    };
    let end = || if vector { vec![] } else { vec![Op::Flatten] };
    let mut networks = vec![
        whole(vec![], end()),
        whole(vec![Op::Relu], end()),
        whole(vec![], [vec![Op::Relu], end(), vec![Op::dense(3)]].concat()),
        whole(
            vec![Op::Gelu],
            [vec![Op::LeakyRelu { slope: 0.1 }], end()].concat(),
        ),
    ];
    if !vector {
        let pooled = vec![Op::Relu, Op::max_pool(2), Op::Flatten, Op::dense(3)];
        networks.push(whole(vec![], pooled));
        let global = vec![
            Op::Relu,
            Op::GlobalMaxPool,
            Op::dense(5),
            Op::Relu,
            Op::dense(3),
        ];
        networks.push(whole(vec![Op::Relu], global));
        networks.push(whole(vec![], vec![Op::GlobalMaxPool]));
    }
    networks
}

/// Takes relevance back through one layer.
type Carry = Box<dyn Fn(&[f64]) -> Vec<f64>>;

/// One layer, literally: for each output its unit's places, weights and bias.
struct Layer {
    units: Vec<(Vec<usize>, Vec<f64>, f64)>,
    time: usize,
}

fn literal(op: &Op, channels: usize, time: usize, own: Option<&LayerWeights<f64>>) -> Layer {
    let none = LayerWeights::default();
    let own = own.unwrap_or(&none);
    let bias = |o: usize| own.bias.get(o).copied().unwrap_or(0.0);
    let mut units = Vec::new();
    let mut taps = |c: std::ops::Range<usize>, at: &dyn Fn(usize) -> isize, w: &[f64], b| {
        let (mut places, mut kept) = (Vec::new(), Vec::new());
        let kernel = w.len() / c.len();
        for (i, channel) in c.enumerate() {
            for k in 0..kernel {
                if (0..time as isize).contains(&at(k)) {
                    places.push(channel * time + at(k) as usize);
                    kept.push(w[i * kernel + k]);
                }
            }
        }
        units.push((places, kept, b));
    };
    match *op {
        Op::Conv {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } => {
            let span = dilation * (kernel - 1) + 1;
            let out = (time + 2 * padding - span) / stride + 1;
            let fan = channels / groups;
            for o in 0..filters {
                let first = o / (filters / groups) * fan;
                let w = &own.weight[o * fan * kernel..][..fan * kernel];
                for t in 0..out {
                    let at = |k: usize| (t * stride + k * dilation) as isize - padding as isize;
                    taps(first..first + fan, &at, w, bias(o));
                }
            }
        }
        Op::AveragePool { kernel, stride } => {
            let w = vec![1.0 / kernel as f64; kernel];
            for c in 0..channels {
                for t in 0..(time - kernel) / stride + 1 {
                    taps(c..c + 1, &|k| (t * stride + k) as isize, &w, 0.0);
                }
            }
        }
        Op::GlobalAveragePool => {
            let w = vec![1.0 / time as f64; time];
            (0..channels).for_each(|c| taps(c..c + 1, &|k| k as isize, &w, 0.0));
        }
        Op::BatchNorm { epsilon } => {
            for c in 0..channels {
                let w = own.weight[c] / (own.variance[c] + epsilon).sqrt();
                for t in 0..time {
                    taps(
                        c..c + 1,
                        &|_| t as isize,
                        &[w],
                        own.bias[c] - own.mean[c] * w,
                    );
                }
            }
        }
        Op::Dense { units: outputs, .. } => {
            let inputs = channels * time;
            for o in 0..outputs {
                let w = own.weight[o * inputs..][..inputs].to_vec();
                units.push(((0..inputs).collect(), w, bias(o)));
            }
        }
        _ => {}
    }
    Layer { units, time }
}

/// Relevance of one sample, by going through every connection of every layer.
fn slow(
    network: &Network,
    weights: &Weights<f64>,
    rules: &[Option<Rule>],
    x: &[f64],
    start: &[f64],
) -> Vec<f64> {
    let (mut channels, mut time) = (network.channels, network.time);
    let mut values = vec![x.to_vec()];
    let mut back: Vec<Carry> = Vec::new();
    for ((layer, shape), rule) in network
        .layers
        .iter()
        .zip(network.shapes().unwrap())
        .zip(rules)
    {
        let x = values.last().unwrap().clone();
        let (value, carry): (Vec<f64>, Carry) = match (&layer.op, rule) {
            (op, Some(rule)) => {
                let literal = literal(op, channels, time, weights.get(&layer.name));
                let z = literal
                    .units
                    .iter()
                    .map(|(places, w, b)| places.iter().zip(w).fold(*b, |z, (&p, w)| z + x[p] * w));
                let z = z.collect();
                let rule = rule.clone();
                (z, Box::new(move |r: &[f64]| shared(&literal, &rule, &x, r)))
            }
            (Op::MaxPool { .. } | Op::GlobalMaxPool, _) => {
                let kernel = match layer.op {
                    Op::MaxPool { kernel, .. } => kernel,
                    _ => time,
                };
                let mut winners = Vec::new();
                for row in x.chunks(time) {
                    for window in 0..time / kernel {
                        let at = winners.len() / (time / kernel) * time + window * kernel;
                        let mut best = 0;
                        for k in 0..kernel {
                            if row[window * kernel + k] > row[window * kernel + best] {
                                best = k;
                            }
                        }
                        winners.push(at + best);
                    }
                }
                let length = x.len();
                let value = winners.iter().map(|&at| x[at]).collect();
                let carry = move |r: &[f64]| {
                    let mut given = vec![0.0; length];
                    winners.iter().zip(r).for_each(|(&at, r)| given[at] += r);
                    given
                };
                (value, Box::new(carry))
            }
            (op, None) => {
                let value = |x: &f64| match *op {
                    Op::Relu => x.max(0.0),
                    Op::LeakyRelu { slope } if *x < 0.0 => slope * x,
                    Op::Gelu => {
                        // ½ (1 + erf(x / √2)) by Simpson's rule.
                        let density = |t: f64| (-0.5 * t * t).exp() / 2.506_628_274_631_000_5;
                        let step = x / 1000.0;
                        let sum: f64 = (0..=1000)
                            .map(|i| {
                                let factor = match i {
                                    0 | 1000 => 1.0,
                                    i if i % 2 == 1 => 4.0,
                                    _ => 2.0,
                                };
                                factor * density(f64::from(i) * step)
                            })
                            .sum();
                        x * (0.5 + sum * step / 3.0)
                    }
                    _ => *x,
                };
                (
                    x.iter().map(value).collect(),
                    Box::new(|r: &[f64]| r.to_vec()),
                )
            }
        };
        values.push(value);
        back.push(carry);
        (channels, time) = (shape.channels(), shape.time());
    }
    back.iter().rev().fold(start.to_vec(), |r, carry| carry(&r))
}

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

/// A composite that puts the rule on every layer, and the network's own rules.
fn everywhere(rule: &str) -> Composite {
    Composite::parse(&format!("any: {rule}")).unwrap()
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    let largest = b.iter().fold(0.0, |top: f64, r| top.max(r.abs()));
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max) / largest.max(f64::MIN_POSITIVE)
}

/// Walks a batch by `rule` and by its replica; `None` where the rule doesn't fit the layer.
fn compare(rule: &str, network: &Network) -> Option<f64> {
    let composite = everywhere(rule);
    let weights = weights(network, 7);
    let walker = match Walker::new(network, &weights, std::slice::from_ref(&composite)) {
        Err(RelevanceError::Pass { .. } | RelevanceError::Box { .. }) => return None,
        walker => walker.unwrap(),
    };
    let batch = 2;
    let x = numbers(3, batch * CHANNELS * TIME);
    let start = numbers(5, batch * network.classes().unwrap());
    let found = walker
        .explain(&x, Target::Predicted, Start::Given(&start))
        .unwrap();
    let rules = composite.rules(network).unwrap();
    let slow = |sample: usize| {
        let classes = start.len() / batch;
        let x = &x[sample * CHANNELS * TIME..][..CHANNELS * TIME];
        slow(
            network,
            &weights,
            &rules,
            x,
            &start[sample * classes..][..classes],
        )
    };
    let wanted: Vec<f64> = (0..batch).flat_map(slow).collect();
    Some(difference(&found.rules[0].relevance, &wanted))
}

#[test]
fn every_rule_is_in_the_grid() {
    for kind in super::RULES {
        let named = |text: &&str| Rule::parse(text).unwrap().kind().name == kind.name;
        assert!(EXAMPLES.iter().any(named), "{}", kind.name);
    }
}

#[test]
fn every_rule_does_what_its_replica_does_on_every_layer() {
    for rule in EXAMPLES {
        let mut compared = 0;
        for op in layers() {
            for network in networks(&op) {
                if let Some(apart) = compare(rule, &network) {
                    compared += 1;
                    assert!(apart < 1e-9, "{rule} on {:?}: {apart:e}", network.entries());
                }
            }
        }
        assert!(compared > 0, "{rule} was compared nowhere");
    }
}

#[test]
fn conserving_rules_conserve() {
    for rule in CONSERVING {
        let mut checked = 0;
        for op in layers() {
            let network = &networks(&op)[0];
            let weights = weights(network, 7);
            let Ok(walker) = Walker::new(network, &weights, &[everywhere(rule)]) else {
                continue;
            };
            let x: Vec<f64> = numbers(3, CHANNELS * TIME)
                .iter()
                .map(|x| x + 2.5)
                .collect();
            let start: Vec<f64> = numbers(5, network.classes().unwrap());
            let found = walker
                .explain(&x, Target::Predicted, Start::Given(&start))
                .unwrap();
            let (given, got): (f64, f64) =
                (start.iter().sum(), found.rules[0].relevance.iter().sum());
            let size: f64 = start.iter().map(|r| r.abs()).sum();
            let own = network.layers.iter().find(|layer| layer.op == op).unwrap();
            let own = weights.get(&own.name);
            let units = literal(&op, CHANNELS, TIME, own).units;
            let counts = |(_, w, _): &(Vec<usize>, Vec<f64>, f64)| w.iter().any(|&w| w > 0.0);
            if units.iter().all(counts) {
                checked += 1;
                assert!(
                    (given - got).abs() < 1e-4 * size,
                    "{rule} on {op}: {given} {got}"
                );
            }
        }
        assert!(
            checked >= 4 || *rule == "pass",
            "{rule} was checked on {checked} layers only"
        );
    }
}
