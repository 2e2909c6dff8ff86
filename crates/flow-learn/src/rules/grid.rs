//! Every rule against its slow replica, on every kind and shape of layer, signed and positive.

mod device;
mod random;

use super::Rule;
use super::literal::{Layer, relevance};
use crate::composite::Composite;
use crate::network::{Network, Op};
use crate::relevance::{RelevanceError, Start, Target, Walker};
use crate::weights::{Weights, tensors};

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

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
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
        let start = &start[sample * classes..][..classes];
        relevance(network, &weights, &rules, x, start)
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

/// What a rule was given and what it gave on a layer alone, and the size of the former; `None` where the
/// rule doesn't fit the layer, or where an output has no input that counts.
fn totals(rule: &str, op: &Op) -> Option<[f64; 3]> {
    let network = &networks(op)[0];
    let weights = weights(network, 7);
    let walker = Walker::new(network, &weights, &[everywhere(rule)]).ok()?;
    let own = network.layers.iter().find(|layer| layer.op == *op)?;
    let layer = Layer::new(op, (CHANNELS, TIME), weights.get(&own.name));
    if !layer
        .units
        .iter()
        .all(|(_, w, _)| w.iter().any(|&w| w > 0.0))
    {
        return None;
    }
    let x: Vec<f64> = numbers(3, CHANNELS * TIME)
        .iter()
        .map(|x| x + 2.5)
        .collect();
    let start = numbers(5, network.classes().unwrap());
    let found = walker.explain(&x, Target::Predicted, Start::Given(&start));
    let got = found.unwrap().rules[0].relevance.iter().sum();
    let size = start.iter().map(|r| r.abs()).sum();
    Some([start.iter().sum(), got, size])
}

#[test]
fn conserving_rules_conserve() {
    for rule in CONSERVING {
        let mut checked = 0;
        for op in layers() {
            let Some([given, got, size]) = totals(rule, &op) else {
                continue;
            };
            checked += 1;
            let apart = (given - got).abs();
            assert!(apart < 1e-4 * size, "{rule} on {op}: {given} {got}");
        }
        assert!(
            checked >= 4 || *rule == "pass",
            "{rule} was checked on {checked} layers only"
        );
    }
}
