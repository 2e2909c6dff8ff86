//! Numbers of other tools, recomputed: statsmodels, scikit-learn, mpmath (see `golden/README.md`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use flow_stats::classification::{Confusion, balanced_class_weights};
use flow_stats::design::Design;
use flow_stats::multiplicity::benjamini_hochberg;
use flow_stats::ols::{Factorisation, Fit, FitOptions, OlsError};
use flow_stats::tails::{critical_t, two_sided_t, upper_f};
use serde_json::Value;

const EXACT: f64 = 1e-9;
const PROBABILITY: f64 = 1e-7;
/// Equal but for the last place, to which serde_json reads numbers.
const LAST_PLACE: f64 = 2.0 * f64::EPSILON;

fn golden(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| usize::try_from(v.as_u64().unwrap()).unwrap())
        .collect()
}

fn near(got: f64, expected: f64, tolerance: f64, what: &str) {
    let off = (got - expected).abs();
    assert!(
        off <= tolerance * expected.abs(),
        "{what}: {got:e}, expected {expected:e}"
    );
}

fn all_near(got: &[f64], expected: &Value, tolerance: f64, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    got.iter()
        .zip(expected)
        .for_each(|(got, expected)| near(*got, expected, tolerance, what));
}

/// Columns of a table by name.
fn table(name: &str) -> Vec<(String, Vec<f64>)> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let mut columns: Vec<(String, Vec<f64>)> = lines
        .next()
        .unwrap()
        .split(',')
        .map(|name| (name.to_owned(), vec![]))
        .collect();
    for line in lines {
        for (column, value) in columns.iter_mut().zip(line.split(',')) {
            column.1.push(value.parse().unwrap());
        }
    }
    columns
}

fn column(name: &str) -> Vec<f64> {
    table("ols_data.csv")
        .into_iter()
        .find(|(known, _)| known == name)
        .unwrap()
        .1
}

fn paper_design() -> Design {
    let mut columns = vec![("const".to_owned(), vec![1.0; column("age").len()])];
    columns.extend(["age", "sex", "medication"].map(|name| (name.to_owned(), column(name))));
    Design::new(columns).unwrap()
}

fn fitted() -> Vec<(&'static str, Fit)> {
    let clusters: Vec<u32> = column("subject")
        .iter()
        .map(|subject| *subject as u32)
        .collect();
    let options = FitOptions {
        hc3: true,
        clusters: Some(&clusters),
        jackknife: Some(&clusters),
        ..FitOptions::default()
    };
    let factorisation = Factorisation::new(paper_design()).unwrap();
    let names = ["eeg", "eog", "emg"];
    names
        .map(|name| (name, factorisation.fit(&column(name), &options).unwrap()))
        .to_vec()
}

#[test]
fn ols_agrees_with_statsmodels() {
    let expected = golden("ols_expected.json");
    for (name, fit) in fitted() {
        let of = &expected[name];
        all_near(&fit.coefficients, &of["coef"], EXACT, "coefficient");
        all_near(
            &fit.classical.std_err,
            &of["std_err"],
            EXACT,
            "standard error",
        );
        all_near(&fit.classical.t, &of["t"], EXACT, "t");
        all_near(&fit.classical.p, &of["p"], PROBABILITY, "p");
        all_near(&fit.classical.low, &of["ci_low"], EXACT, "lower end");
        all_near(&fit.classical.high, &of["ci_high"], EXACT, "upper end");
        near(
            fit.df_residual as f64,
            number(&of["df_resid"]),
            0.0,
            "residual df",
        );
        near(fit.r_squared, number(&of["r_squared"]), EXACT, "R²");
        near(
            fit.adjusted_r_squared,
            number(&of["adj_r_squared"]),
            EXACT,
            "adjusted R²",
        );
        near(fit.overall.unwrap().f, number(&of["f"]), EXACT, "F");
        near(
            fit.overall.unwrap().p,
            number(&of["f_p"]),
            PROBABILITY,
            "p of F",
        );
        near(
            fit.residual_variance,
            number(&of["mse_resid"]),
            EXACT,
            "residual variance",
        );
        near(
            fit.observations as f64,
            number(&of["n"]),
            0.0,
            "observations",
        );
    }
}

#[test]
fn robust_errors_agree_with_statsmodels() {
    let expected = golden("ols_expected.json");
    for (name, fit) in fitted() {
        let of = &expected[name];
        all_near(
            &fit.hc3.unwrap().std_err,
            &of["hc3_std_err"],
            EXACT,
            "HC3 error",
        );
        let clustered = fit.clustered.unwrap();
        let of = &of["cluster_by_subject"];
        all_near(
            &clustered.std_err,
            &of["std_err"],
            EXACT,
            "cluster-robust error",
        );
        all_near(&clustered.t, &of["t"], EXACT, "cluster-robust t");
        all_near(&clustered.p, &of["p"], PROBABILITY, "cluster-robust p");
        assert_eq!(clustered.df, [21.0; 4]);
    }
}

#[test]
fn errors_by_jackknife_agree_with_clubsandwich() {
    let expected = golden("jackknife_expected.json");
    for (name, fit) in fitted() {
        let of = &expected[name];
        let jackknife = fit.jackknife.unwrap();
        all_near(&jackknife.std_err, &of["std_err"], EXACT, "error");
        all_near(&jackknife.t, &of["t"], EXACT, "t");
        all_near(&jackknife.df, &of["df"], EXACT, "degrees of freedom");
        all_near(&jackknife.p, &of["p"], PROBABILITY, "p");
    }
}

#[test]
fn the_badly_conditioned_longley_data_agree_with_the_certified_values() {
    let mut columns = table("longley.csv");
    let employed = columns.remove(0).1;
    columns.insert(0, ("intercept".to_owned(), vec![1.0; employed.len()]));
    let made = Factorisation::new(Design::new(columns).unwrap()).unwrap();
    let fit = made.fit(&employed, &FitOptions::default()).unwrap();
    let certified = [
        (-3_482_258.634_595_82, 890_420.383_607_373),
        (15.061_872_271_373_3, 84.914_925_774_766_9),
        (-0.035_819_179_292_591_0, 0.033_491_007_772_243_2),
        (-2.020_229_803_816_83, 0.488_399_681_651_699),
        (-1.033_226_867_173_59, 0.214_274_163_161_675),
        (-0.051_104_105_653_580_7, 0.226_073_200_069_370),
        (1_829.151_464_613_55, 455.478_499_142_212),
    ];
    for (index, (coefficient, std_err)) in certified.into_iter().enumerate() {
        near(fit.coefficients[index], coefficient, EXACT, "coefficient");
        near(
            fit.classical.std_err[index],
            std_err,
            EXACT,
            "standard error",
        );
    }
    near(
        fit.residual_variance.sqrt(),
        304.854_073_561_965,
        EXACT,
        "residual sd",
    );
    near(fit.r_squared, 0.995_479_004_577_296, EXACT, "R²");
    near(fit.overall.unwrap().f, 330.285_339_234_588, EXACT, "F");
}

#[test]
fn the_family_of_the_paper_agrees_with_statsmodels() {
    let expected = &golden("ols_expected.json")["bh_over_models_terms_row_major"];
    let p: Vec<Option<f64>> = fitted()
        .iter()
        .flat_map(|(_, fit)| fit.classical.p[1..].to_vec())
        .map(Some)
        .collect();
    let adjusted = benjamini_hochberg(&p).unwrap();
    let values: Vec<f64> = adjusted.values.iter().map(|q| q.unwrap()).collect();
    all_near(&values, &expected["p_adj"], PROBABILITY, "adjusted p");
    let reject: Vec<bool> = expected["reject"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_bool().unwrap())
        .collect();
    assert_eq!(adjusted.discoveries(0.05), reject);
}

#[test]
fn a_constant_covariate_is_named_where_statsmodels_takes_the_pseudoinverse() {
    let ones = vec![1.0; column("age").len()];
    let columns = vec![
        ("const".to_owned(), ones.clone()),
        ("age".to_owned(), column("age")),
        ("sex".to_owned(), ones),
        ("medication".to_owned(), column("medication")),
    ];
    let error = Factorisation::new(Design::new(columns).unwrap()).unwrap_err();
    let OlsError::RankDeficient { dependencies } = error else {
        panic!("{error}")
    };
    assert_eq!(dependencies.len(), 1);
    assert_eq!(dependencies[0].to_string(), "`sex` = 1.0000 · `const`");
}

#[test]
fn benjamini_hochberg_agrees_with_statsmodels() {
    for (name, case) in golden("bh_expected.json").as_object().unwrap() {
        if name == "nan_raw_statsmodels" {
            continue; // What statsmodels does with NaN, kept in the file for information.
        }
        let p: Vec<Option<f64>> = case["p"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::as_f64)
            .collect();
        let adjusted = benjamini_hochberg(&p).unwrap();
        // serde_json reads numbers to the last place only, so equal bits can't be asked for.
        for (got, expected) in adjusted
            .values
            .iter()
            .zip(case["p_adj"].as_array().unwrap())
        {
            assert_eq!(got.is_none(), expected.is_null(), "{name}");
            near(
                got.unwrap_or(0.0),
                expected.as_f64().unwrap_or(0.0),
                LAST_PLACE,
                name,
            );
        }
        let reject: Vec<bool> = case["reject"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r.as_bool().unwrap())
            .collect();
        assert_eq!(adjusted.discoveries(0.05), reject, "{name}");
    }
}

#[test]
fn scores_agree_with_scikit_learn() {
    let expected = golden("classification_expected.json");
    for name in ["normal", "missing", "perfect"] {
        let of = &expected[name];
        let confusion =
            Confusion::of_predictions(&indices(&of["y_true"]), &indices(&of["y_pred"]), 5).unwrap();
        let rows = of["confusion_rows_true"].as_array().unwrap();
        let counts: Vec<u64> = rows
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .map(|n| n.as_u64().unwrap())
            .collect();
        assert_eq!(confusion.counts(), counts, "{name}");
        let scores = confusion.scores().unwrap();
        let each = |pick: fn(&flow_stats::classification::ClassScores) -> f64| -> Vec<f64> {
            scores.per_class.iter().map(pick).collect()
        };
        all_near(
            &each(|c| c.precision),
            &of["precision"],
            LAST_PLACE,
            "precision",
        );
        all_near(&each(|c| c.recall), &of["recall"], LAST_PLACE, "recall");
        all_near(&each(|c| c.f1), &of["f1"], LAST_PLACE, "F1");
        all_near(&each(|c| c.support as f64), &of["support"], 0.0, "support");
        near(
            scores.accuracy,
            number(&of["accuracy"]),
            LAST_PLACE,
            "accuracy",
        );
        let balanced = number(&of["balanced_accuracy_present_classes"]);
        near(
            scores.balanced_accuracy,
            balanced,
            LAST_PLACE,
            "balanced accuracy",
        );
        near(
            scores.macro_f1,
            number(&of["macro_f1_all5"]),
            LAST_PLACE,
            "macro F1",
        );
        near(
            scores.weighted_f1,
            number(&of["weighted_f1"]),
            LAST_PLACE,
            "weighted F1",
        );
        near(scores.kappa.unwrap(), number(&of["kappa"]), LAST_PLACE, "κ");
    }
    let weights = &expected["class_weight_balanced"];
    let counts: Vec<u64> = indices(&weights["counts"])
        .iter()
        .map(|n| *n as u64)
        .collect();
    all_near(
        &balanced_class_weights(&counts).unwrap(),
        &weights["weights"],
        LAST_PLACE,
        "class weight",
    );
}

#[test]
fn tails_agree_with_60_digits() {
    let path = format!("{}/tests/golden/tails.txt", env!("CARGO_MANIFEST_DIR"));
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let n: Vec<f64> = rest.split(' ').map(|word| word.parse().unwrap()).collect();
        match kind {
            "t" => near(two_sided_t(n[1], n[0]).unwrap(), n[2], 1e-8, line),
            "f" => near(upper_f(n[2], n[0], n[1]).unwrap(), n[3], 1e-8, line),
            _ => near(critical_t(0.05, n[0]).unwrap(), n[1], 1e-8, line),
        }
    }
}
