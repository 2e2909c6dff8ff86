//! Relevance against zennit 0.5.1, captum and iNNvestigate's definition, on networks that they explained.
//!
//! `tests/golden/tiny` holds a network of 310 parameters on `[3, 64]`, made by a seeded script: weights
//! drawn so that every weighted sum has standard deviation 1, synthetic input, `float64` relevance from
//! zennit 0.5.1 that agrees with per-connection sums to 2e-15. The paper's network is read from
//! `$FLOW_SAMPLE_DATA/../fixtures/paper`, where that is.

use crate::fixtures::{Golden, worst};
use flow_learn::composite::Composite;
use flow_learn::kernels::Real;
use flow_learn::relevance::{Explanations, Method, Start, Target, Walker};

/// Name in the fixtures, composite here.
const METHODS: &[(&str, &str)] = &[
    ("ab_1_0", "alpha-beta(1,0)"),
    ("ab_1_0_innvestigate", "alpha-beta(1,0,bias=innvestigate)"),
    ("ab_1_0_nobias", "alpha-beta(1,0,bias=ignore)"),
    ("ab_2_1", "alpha-beta(2,1)"),
    ("ab_2_1_nobias", "alpha-beta(2,1,bias=ignore)"),
    ("composite_epsilon_alpha2beta1", "epsilon-alpha2-beta1"),
    (
        "composite_epsilon_alpha2beta1_flat",
        "epsilon-alpha2-beta1-flat",
    ),
    ("composite_epsilon_plus", "epsilon-plus"),
    ("composite_epsilon_plus_flat", "epsilon-plus-flat"),
    ("eps_0.01", "epsilon(0.01)"),
    ("eps_0.01_nobias", "epsilon(0.01,bias=ignore)"),
    ("eps_100", "epsilon(100)"),
    ("eps_100_nobias", "epsilon(100,bias=ignore)"),
    ("eps_1e-6", "epsilon(1e-6)"),
    ("flat", "flat"),
    ("gamma_0.25", "gamma(0.25)"),
    ("gamma_0.25_nobias", "gamma(0.25,bias=ignore)"),
    ("wsquare", "w-square"),
    ("wsquare_nobias", "w-square(bias=ignore)"),
    ("zplus", "z-plus"),
];

const GRADIENTS: &[(&str, &str)] = &[
    ("gradient", "gradient"),
    ("guided_backprop", "guided-backprop"),
    ("ig50_gausslegendre", "integrated-gradients(50)"),
    (
        "ig50_riemann_middle",
        "integrated-gradients(50,quadrature=riemann-middle)",
    ),
    ("input_x_gradient", "input-x-gradient"),
    ("saliency_abs", "saliency"),
];

fn explain<T: Real>(golden: &Golden, composites: &[Composite]) -> Explanations<T> {
    let walker = Walker::new(&golden.network, &golden.weights::<T>(), composites).unwrap();
    let explained = walker.explain(&golden.x::<T>(), Target::Predicted, Start::One);
    explained.unwrap()
}

/// All methods of a set; returns the worst difference in units of the largest |R| and in points of a share.
fn worst_of<T: Real>(golden: &Golden) -> (f64, f64, String) {
    let [low, high] = ["low", "high"].map(|side| format!("{:?}", golden.io(side)).replace(' ', ""));
    let boxed = format!("epsilon-gamma-box({low},{high})");
    let methods: Vec<(&str, &str)> = METHODS
        .iter()
        .copied()
        .chain([("composite_epsilon_gamma_box", boxed.as_str())])
        .collect();
    let parse = |(_, text): &(&str, &str)| Composite::parse(text).unwrap();
    let composites: Vec<_> = methods.iter().map(parse).collect();
    let explained = explain::<T>(golden, &composites);
    let mut worst = (0.0, 0.0, String::new());
    for ((name, _), rule) in methods.iter().zip(&explained.rules) {
        assert!(rule.exponents.iter().all(|&exponent| exponent == 0));
        let (apart, points) = golden.compare(name, &rule.relevance);
        if apart > worst.0 {
            worst.2 = format!("{name}: {apart:e} of the largest, {points:e} points");
        }
        worst = (apart.max(worst.0), points.max(worst.1), worst.2);
    }
    worst
}

fn check(golden: &Golden) {
    let (apart, points, where_) = worst_of::<f64>(golden);
    assert!(apart <= 1e-9 && points <= 1e-9, "f64 {where_}");
    let (apart, points, where_) = worst_of::<f32>(golden);
    assert!(apart <= 1e-4 && points <= 1e-3, "f32 {where_}");
}

#[test]
fn the_tiny_network_is_explained_as_zennit_does() {
    check(&Golden::tiny());
}

#[test]
fn the_papers_network_is_explained_as_zennit_does() {
    match Golden::paper() {
        Some(golden) => check(&golden),
        None => println!("skipped: no fixtures/paper beside $FLOW_SAMPLE_DATA"),
    }
}

fn check_gradients<T: Real>(golden: &Golden, tolerance: f64) {
    // A rule in between: integrated gradients must leave the forward pass as they found it.
    let methods = [GRADIENTS, &[("eps_0.01", "epsilon(0.01)")]].concat();
    let parse = |(_, text): &(&str, &str)| text.parse().unwrap();
    let parsed: Vec<Method> = methods.iter().map(parse).collect();
    let walker = Walker::of_methods(&golden.network, &golden.weights::<T>(), &parsed).unwrap();
    let explained = walker.explain(&golden.x::<T>(), Target::Predicted, Start::One);
    for ((name, _), rule) in methods.iter().zip(explained.unwrap().rules) {
        let (apart, points) = golden.compare(name, &rule.relevance);
        assert!(apart <= tolerance, "{name}: {apart:e} {points:e}");
    }
}

#[test]
fn gradients_are_those_of_torch_and_captum() {
    for golden in [Some(Golden::tiny()), Golden::paper()]
        .into_iter()
        .flatten()
    {
        check_gradients::<f64>(&golden, 1e-9);
        check_gradients::<f32>(&golden, 1e-4);
    }
}

#[test]
fn logits_and_predictions_are_the_references() {
    for golden in [Some(Golden::tiny()), Golden::paper()]
        .into_iter()
        .flatten()
    {
        let explained = explain::<f64>(&golden, &[]);
        for (found, wanted) in explained.logits.iter().zip(golden.io("logits")) {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
        assert_eq!(explained.targets, golden.predicted());
    }
}

#[test]
fn the_walk_may_start_elsewhere() {
    let golden = Golden::tiny();
    let composite = Composite::parse("epsilon(0.01)").unwrap();
    let walker = Walker::new(&golden.network, &golden.weights::<f64>(), &[composite]).unwrap();
    let x = golden.x::<f64>();
    let (predicted, start) = (golden.predicted(), golden.io("start"));
    let compare = |name, target, start| {
        let explained = walker.explain(&x, target, start).unwrap();
        let (apart, _) = golden.compare(name, &explained.rules[0].relevance);
        assert!(apart < 1e-9, "{name} {apart:e}");
    };
    compare("eps_0.01_start_logit", Target::Predicted, Start::Logit);
    compare("eps_0.01_target0", Target::Given(0), Start::One);
    compare("eps_0.01", Target::True(&predicted), Start::One);
    compare("eps_0.01", Target::Given(0), Start::Given(&start));
}

#[test]
fn a_sample_gives_the_same_bytes_in_any_batch_on_any_threads() {
    let golden = Golden::tiny();
    let composites = ["epsilon(0.01)", "alpha-beta(1,0)", "epsilon-plus-flat"]
        .map(|text| Composite::parse(text).unwrap());
    let walker = Walker::new(&golden.network, &golden.weights::<f32>(), &composites).unwrap();
    let x = golden.x::<f32>();
    let whole = walker.explain(&x, Target::Predicted, Start::One).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let again = pool
            .build()
            .unwrap()
            .install(|| walker.explain(&x, Target::Predicted, Start::One).unwrap());
        assert_eq!(whole, again);
    }
    let sample = x.len() / 6;
    let third = walker.explain(&x[2 * sample..3 * sample], Target::Predicted, Start::One);
    for (alone, whole) in third.unwrap().rules.iter().zip(&whole.rules) {
        assert_eq!(alone.relevance, whole.relevance[2 * sample..3 * sample]);
    }
}

#[test]
fn relevance_too_small_for_the_number_type_keeps_its_exponent() {
    let golden = Golden::tiny();
    let texts = ["epsilon(1e12)", "epsilon(1e13)"].map(|text| Composite::parse(text).unwrap());
    let narrow = explain::<f32>(&golden, &texts);
    let wide = explain::<f64>(&golden, &texts);
    for (narrow, wide) in narrow.rules.iter().zip(&wide.rules) {
        let samples = narrow.relevance.chunks(narrow.relevance.len() / 6);
        let wide = wide.relevance.chunks(wide.relevance.len() / 6);
        for ((narrow, wide), &exponent) in samples.zip(wide).zip(&narrow.exponents) {
            assert!(exponent < -90, "{exponent}");
            let unit = 2f64.powi(exponent);
            let narrow: Vec<_> = narrow.iter().map(|&r| f64::from(r) * unit).collect();
            let largest = wide.iter().fold(0.0, |top: f64, r| top.max(r.abs()));
            assert!(worst(&narrow, wide) < 1e-5 * largest);
        }
    }
}
