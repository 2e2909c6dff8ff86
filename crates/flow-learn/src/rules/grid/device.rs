//! The walk on a device against the kernels', by every method on every network of the grid.

use super::*;
use crate::backend::BackendClass;
use crate::relevance::Method;

/// Methods of every sort that may be walked in single precision: composites, gradients.
const METHODS: &[&str] = &[
    "epsilon-plus",
    "epsilon-plus-flat",
    "gradient",
    "guided-backprop",
    "input-x-gradient",
];

#[test]
fn a_device_walks_as_the_kernels_do() {
    for backend in BackendClass::to_test() {
        if backend.has_kernels() {
            continue;
        }
        for network in layers().iter().flat_map(networks) {
            let weights: Weights<f32> = weights(&network, 7).cast();
            let rules = EXAMPLES.iter().map(|rule| format!("any: {rule}"));
            let methods = rules.chain(METHODS.iter().map(|&method| method.to_owned()));
            let methods: Vec<Method> = methods
                .map(|text| text.parse().unwrap())
                .filter(|method| {
                    let alone = [Method::clone(method)];
                    Walker::of_one_precision(&network, &weights, &alone).is_ok()
                })
                .collect();
            let walker = Walker::of_one_precision(&network, &weights, &methods).unwrap();
            let batch = 3;
            let mut x = narrow(&numbers(3, batch * CHANNELS * TIME));
            // Relevance of samples far apart in size drifts by different powers of two.
            x[..CHANNELS * TIME].iter_mut().for_each(|x| *x *= 1e-3);
            let start = narrow(&numbers(5, batch * network.classes().unwrap()));
            let explain = |walker: &Walker<f32>| {
                walker
                    .explain(&x, Target::Predicted, Start::Given(&start))
                    .unwrap()
            };
            let wanted = explain(&walker);
            let found = explain(&walker.on(backend).unwrap());
            assert_eq!(found.targets, wanted.targets);
            let apart = difference(&widen(&found.logits), &widen(&wanted.logits));
            assert!(apart < 1e-5, "logits of {:?}: {apart:e}", network.entries());
            for ((method, found), wanted) in methods.iter().zip(&found.rules).zip(&wanted.rules) {
                assert_eq!(found.exponents, wanted.exponents);
                let apart = difference(&widen(&found.relevance), &widen(&wanted.relevance));
                let entries = network.entries();
                assert!(
                    apart < 1e-4,
                    "{backend:?}: {method} on {entries:?}: {apart:e}"
                );
            }
        }
    }
}
