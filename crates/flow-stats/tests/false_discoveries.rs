//! Whole families of regressions with known truth: the false discovery rate stays below its level.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use flow_stats::design::Design;
use flow_stats::multiplicity::{benjamini_hochberg, benjamini_yekutieli};
use flow_stats::ols::{Factorisation, FitOptions};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const DRAWS: usize = 200;
const MODELS: usize = 15;
const ROWS: usize = 60;
const ALPHA: f64 = 0.05;

fn unit(random: &mut ChaCha8Rng) -> f64 {
    ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// A standard normal draw (Box–Muller).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (-2.0 * unit(random).ln()).sqrt() * (std::f64::consts::TAU * unit(random)).cos()
}

/// Covariates as in the study: intercept, age, sex, medication.
fn covariates(random: &mut ChaCha8Rng) -> [Vec<f64>; 3] {
    let coin = |random: &mut ChaCha8Rng| f64::from(u8::from(unit(random) < 0.5));
    [
        (0..ROWS).map(|_| 18.0 + 61.0 * unit(random)).collect(),
        (0..ROWS).map(|_| coin(random)).collect(),
        (0..ROWS).map(|_| coin(random)).collect(),
    ]
}

/// Fits 15 responses, the first `real` of which depend on age; p-values of the slopes and whether each is null.
fn family(random: &mut ChaCha8Rng, real: usize) -> Vec<(Option<f64>, bool)> {
    let [age, sex, medication] = covariates(random);
    let columns = vec![
        ("intercept".to_owned(), vec![1.0; ROWS]),
        ("age".to_owned(), age.clone()),
        ("sex".to_owned(), sex),
        ("medication".to_owned(), medication),
    ];
    let factorisation = Factorisation::new(Design::new(columns).unwrap()).unwrap();
    let mut family = Vec::new();
    for model in 0..MODELS {
        let slope = if model < real { 0.6 } else { 0.0 };
        let y: Vec<f64> = age
            .iter()
            .map(|age| 50.0 + slope * age + 10.0 * normal(random))
            .collect();
        let fit = factorisation.fit(&y, &FitOptions::default()).unwrap();
        let null = |term: usize| !(term == 1 && model < real);
        family.extend((1..4).map(|term| (Some(fit.classical.p[term]), null(term))));
    }
    family
}

/// Mean share of false among all discoveries, and the mean number of true discoveries.
fn simulated(real: usize, adjust: impl Fn(&[Option<f64>]) -> Vec<bool>) -> (f64, f64) {
    let mut random = ChaCha8Rng::from_seed([7; 32]);
    let (mut false_share, mut found) = (0.0, 0.0);
    for _ in 0..DRAWS {
        let family = family(&mut random, real);
        let p: Vec<Option<f64>> = family.iter().map(|(p, _)| *p).collect();
        let discoveries: Vec<bool> = adjust(&p);
        let hits = |null: bool| {
            family
                .iter()
                .zip(&discoveries)
                .filter(|((_, is_null), d)| **d && *is_null == null)
                .count()
        };
        false_share += hits(true) as f64 / (hits(true) + hits(false)).max(1) as f64;
        found += hits(false) as f64;
    }
    (false_share / DRAWS as f64, found / DRAWS as f64)
}

/// Two standard errors of a rate of `ALPHA` over the draws.
fn sampling_error() -> f64 {
    2.0 * (ALPHA * (1.0 - ALPHA) / DRAWS as f64).sqrt()
}

#[test]
fn where_nothing_is_true_few_families_have_a_discovery() {
    let (rate, _) = simulated(0, |p| benjamini_hochberg(p).unwrap().discoveries(ALPHA));
    assert!(
        rate <= ALPHA + sampling_error(),
        "false discovery rate {rate}"
    );
    let (without, _) = simulated(0, |p| p.iter().map(|p| p.unwrap() <= ALPHA).collect());
    assert!(
        without > 0.5,
        "unadjusted, most families have one: {without}"
    );
}

#[test]
fn true_effects_are_found_and_few_false_ones_with_them() {
    let (rate, found) = simulated(5, |p| benjamini_hochberg(p).unwrap().discoveries(ALPHA));
    assert!(
        rate <= ALPHA + sampling_error(),
        "false discovery rate {rate}"
    );
    assert!(found > 4.5, "{found} of 5 effects found");
    let (stricter, _) = simulated(5, |p| benjamini_yekutieli(p).unwrap().discoveries(ALPHA));
    assert!(stricter <= rate);
}
