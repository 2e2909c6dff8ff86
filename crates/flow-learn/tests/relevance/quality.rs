//! Quality measures and modality worth against numpy on the tiny network; see `golden.rs`.

use crate::fixtures::{Golden, worst};
use flow_learn::ablation::{AblationError, worth};
use flow_learn::quality::{Explained, entropy, faithfulness_correlation, gini, pixel_flipping};
use flow_learn::relevance::Walker;

const METHODS: [&str; 7] = [
    "ab_1_0",
    "composite_epsilon_plus_flat",
    "eps_0.01",
    "eps_100",
    "gamma_0.25",
    "ig50_gausslegendre",
    "input_x_gradient",
];

fn close(found: &[f64], golden: &Golden, name: &str) {
    let wanted = golden.tensor("quality", name);
    assert_eq!(found.len(), wanted.len(), "{name}");
    let apart = worst(found, &wanted);
    assert!(apart < 1e-9, "{name}: {apart:e}");
}

fn walker(golden: &Golden) -> Walker<f64> {
    Walker::new(&golden.network, &golden.weights(), &[]).unwrap()
}

#[test]
fn flipping_curves_and_their_areas_are_the_references() {
    let golden = Golden::tiny();
    let (walker, x, targets) = (walker(&golden), golden.x::<f64>(), golden.predicted());
    for method in METHODS {
        let relevance = golden.tensor("relevance", method);
        let explained = Explained {
            walker: &walker,
            x: &x,
            relevance: &relevance,
            targets: &targets,
        };
        let flipping = pixel_flipping(explained, 12).unwrap();
        close(&flipping.logit, &golden, &format!("{method}/flip_logit"));
        close(
            &flipping.probability,
            &golden,
            &format!("{method}/flip_prob"),
        );
        let over = flipping.area_over(&flipping.logit);
        close(&over, &golden, &format!("{method}/aopc_logit"));
        let over = flipping.area_over(&flipping.probability);
        close(&over, &golden, &format!("{method}/aopc_prob"));
        let under = flipping.area_under(&flipping.probability);
        close(&under, &golden, &format!("{method}/auc_prob_trapz_unit"));
    }
}

#[test]
fn faithfulness_is_the_references() {
    let golden = Golden::tiny();
    let (walker, x, targets) = (walker(&golden), golden.x::<f64>(), golden.predicted());
    let subsets = golden.tensor("quality", "subsets");
    let subsets: Vec<Vec<usize>> = subsets
        .chunks(48)
        .map(|subset| subset.iter().map(|&place| place as usize).collect())
        .collect();
    for method in METHODS {
        let relevance = golden.tensor("relevance", method);
        let explained = Explained {
            walker: &walker,
            x: &x,
            relevance: &relevance,
            targets: &targets,
        };
        let found = faithfulness_correlation(explained, &subsets).unwrap();
        close(
            &found,
            &golden,
            &format!("{method}/faithfulness_correlation"),
        );
    }
}

#[test]
fn gini_and_entropy_are_the_references() {
    let golden = Golden::tiny();
    for method in METHODS {
        let relevance = golden.tensor("relevance", method);
        let samples = || relevance.chunks(3 * 64);
        let found: Vec<f64> = samples().map(gini).collect();
        close(&found, &golden, &format!("{method}/gini_sparseness"));
        let found: Vec<f64> = samples().map(entropy).collect();
        close(&found, &golden, &format!("{method}/entropy_complexity"));
    }
}

#[test]
fn modalities_are_worth_what_the_references_say() {
    let golden = Golden::tiny();
    let (walker, x, targets) = (walker(&golden), golden.x::<f64>(), golden.predicted());
    let found = worth(&walker, &x, &targets, &[vec![0], vec![1], vec![2]]).unwrap();
    close(&found.drop, &golden, "modality_zero_ablation_logit_drop");
    close(&found.shapley, &golden, "modality_shapley_exact");
    let logits = golden.tensor("quality", "logit");
    let baseline = golden.tensor("quality", "logit_baseline0");
    for (sample, values) in found.shapley.chunks(3).enumerate() {
        let total: f64 = values.iter().sum();
        assert!((total - (logits[sample] - baseline[sample])).abs() < 1e-12);
    }
}

#[test]
fn a_channel_has_one_modality() {
    let golden = Golden::tiny();
    let (walker, x, targets) = (walker(&golden), golden.x::<f64>(), golden.predicted());
    for modalities in [vec![vec![0, 1], vec![1]], vec![vec![3]]] {
        let error = worth(&walker, &x, &targets, &modalities).unwrap_err();
        assert!(matches!(error, AblationError::Channel { .. }), "{error}");
    }
}
