//! The kinds `shares`, `score` and `ols`, run as the engine runs them, against numbers of other tools.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;

use flow_contract::{
    Catalog, Content, Digest, Input, Labels, NodeError, Params, Produced, Silent, Task, Value,
};
use flow_nodes::CATALOG;
use flow_nodes::table::{Table, TableBuilder};

/// Runs a kind; its tables by output.
fn run(
    kind: &str,
    params: &[(&str, &str)],
    inputs: Vec<(&str, Vec<Input>)>,
) -> Result<BTreeMap<String, Table>, NodeError> {
    let table = |(port, bytes): (String, Vec<u8>)| (port, Table::read(&bytes).unwrap());
    Ok(produced(kind, params, inputs)?
        .into_iter()
        .map(table)
        .collect())
}

/// Runs a kind with a param that is a map of texts; its tables by output.
fn run_with(
    kind: &str,
    param: &str,
    map: &[(&str, &str)],
    inputs: Vec<(&str, Vec<Input>)>,
) -> BTreeMap<String, Table> {
    let entry = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
    let map = Value::Map(map.iter().map(entry).collect());
    let produced = produced_with(kind, vec![(param.to_owned(), map)], inputs).unwrap();
    let table = |(port, bytes): (String, Vec<u8>)| (port, Table::read(&bytes).unwrap());
    produced.into_iter().map(table).collect()
}

/// Runs a kind; the bytes of its outputs.
fn produced(
    kind: &str,
    params: &[(&str, &str)],
    inputs: Vec<(&str, Vec<Input>)>,
) -> Result<BTreeMap<String, Vec<u8>>, NodeError> {
    let value = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
    produced_with(kind, params.iter().map(value).collect(), inputs)
}

fn produced_with(
    kind: &str,
    params: Vec<(String, Value)>,
    inputs: Vec<(&str, Vec<Input>)>,
) -> Result<BTreeMap<String, Vec<u8>>, NodeError> {
    let kind = CATALOG.kind(kind).unwrap();
    let mut values = kind.descriptor().defaults();
    values.extend(params);
    let params = Params::new(values);
    let inputs = inputs
        .into_iter()
        .map(|(port, inputs)| (port.to_owned(), inputs))
        .collect();
    let mut task = Task::new(&params, 7, inputs, Path::new("nowhere"), &Silent);
    kind.run(&mut task)?;
    let bytes = |(port, produced): (String, Produced)| match produced {
        Produced::Bytes(bytes) => (port, bytes),
        Produced::Staged(path) => panic!("{} is not in memory", path.display()),
    };
    Ok(task.into_produced().into_iter().map(bytes).collect())
}

fn input(table: TableBuilder, labels: &[(&str, &str)]) -> Input {
    let bytes = table.parquet().unwrap();
    let labels = labels
        .iter()
        .map(|(axis, value)| ((*axis).to_owned(), Value::from(*value)));
    Input {
        digest: Digest::of(&bytes),
        labels: Labels::new(labels.collect()),
        content: Content::from(bytes),
        name: "made here".to_owned(),
        file: None,
    }
}

fn golden(name: &str) -> serde_json::Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn text(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../flow-stats/tests/golden");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect()
}

fn near(got: f64, wanted: f64, tolerance: f64, what: &str) {
    let off = (got - wanted).abs();
    assert!(
        off <= tolerance * wanted.abs(),
        "{what}: {got:e}, wanted {wanted:e}"
    );
}

/// Two test epochs of one fold: `[epoch][modality]` of absolute and signed relevance.
fn relevance(absolute: [[f64; 2]; 2], signed: [[f64; 2]; 2]) -> Input {
    let column = |of: &[[f64; 2]; 2], m: usize| [of[0][m], of[1][m]];
    let table = TableBuilder::new()
        .text("recording", &["r", "r"])
        .text("subject", &["s", "s"])
        .int("epoch", &[0, 1])
        .float("onset", &[0.0, 30.0])
        .text("true", &["N2", "N2"])
        .text("predicted", &["N2", "R"])
        .float("absolute_EEG", &column(&absolute, 0))
        .float("absolute_EMG", &column(&absolute, 1))
        .float("signed_EEG", &column(&signed, 0))
        .float("signed_EMG", &column(&signed, 1));
    input(table, &[("fold", "1")])
}

#[test]
fn shares_of_totals_near_1e_19_are_right_to_the_last_digit() {
    // The second epoch has a ten thousandth of the first one's relevance, as under ε = 100.
    let (large, small) = (3e-19, 3e-23);
    let absolute = [[large, 3.0 * large], [small, small]];
    let signed = [[-large, large], [0.0, -small]];
    let found = run(
        "shares",
        &[],
        vec![("relevance", vec![relevance(absolute, signed)])],
    )
    .unwrap();
    let local = &found["local"];
    assert_eq!(local.floats("share_EEG").unwrap(), [Some(25.0), Some(50.0)]);
    assert_eq!(local.floats("share_EMG").unwrap(), [Some(75.0), Some(50.0)]);
    assert_eq!(
        local.floats("signed_share_EEG").unwrap(),
        [Some(-25.0), Some(0.0)]
    );
    let global = &found["global"];
    assert_eq!(global.floats("mean_of_shares").unwrap()[0], Some(37.5));
    // Pooled, the first epoch decides: (1 + 1e-4) / (4 + 2e-4) of all relevance.
    let pooled = global.floats("pooled_share").unwrap()[0].unwrap();
    near(
        pooled,
        100.0 * 1.0001 / 4.0002,
        4.0 * f64::EPSILON,
        "pooled share",
    );
    assert_eq!(
        global.floats("absolute_relevance").unwrap()[0],
        Some(large + small)
    );
    assert_eq!(global.floats("signed_relevance").unwrap()[0], Some(-large));
    let groups = found["groups"].texts("predicted").unwrap().into_iter();
    let groups = groups.zip(found["groups"].ints("epochs").unwrap());
    let filled: Vec<String> = groups
        .filter(|(_, n)| *n > 0)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(filled, ["N2", "N2", "R", "R"]);
}

/// The rows of statsmodels' data as epochs of N2, each of a recording of its own, taken for a class.
fn study(predicted: &str) -> (TableBuilder, TableBuilder) {
    let text = text("ols_data.csv");
    let heads: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| -> Vec<f64> {
        let at = heads.iter().position(|head| *head == name).unwrap();
        let cell = |line: &str| line.split(',').nth(at).unwrap().parse().unwrap();
        text.lines().skip(1).map(cell).collect()
    };
    let rows = text.lines().count() - 1;
    let recording: Vec<String> = (0..rows).map(|row| format!("r{row}")).collect();
    let subject: Vec<String> = column("subject").iter().map(ToString::to_string).collect();
    let shares = TableBuilder::new()
        .text("recording", &recording)
        .text("subject", &subject)
        .text("true", &vec!["N2"; rows])
        .text("predicted", &vec![predicted; rows])
        .float("share_eeg", &column("eeg"))
        .float("share_eog", &column("eog"))
        .float("share_emg", &column("emg"));
    let recordings = TableBuilder::new()
        .text("recording", &recording)
        .text("subject", &subject)
        .float("age", &column("age"))
        .float("sex", &column("sex"))
        .float("medication", &column("medication"));
    (shares, recordings)
}

fn effects(params: &[(&str, &str)], rules: &[&str]) -> BTreeMap<String, Table> {
    let shares = rules
        .iter()
        .map(|rule| input(study("N2").0, &[("rule", rule)]));
    let inputs = vec![
        ("shares", shares.collect()),
        ("recordings", vec![input(study("N2").1, &[])]),
    ];
    run("ols", params, inputs).unwrap()
}

/// The cells of a column in the rows of one modality's group.
fn cells(table: &Table, column: &str, modality: &str) -> Vec<Option<f64>> {
    let keep = table
        .texts("modality")
        .unwrap()
        .into_iter()
        .zip(table.texts("true").unwrap());
    let cells = table.floats(column).unwrap().into_iter().zip(keep);
    cells
        .filter(|(_, (m, truth))| m == modality && truth == "N2")
        .map(|(cell, _)| cell)
        .collect()
}

#[test]
fn coefficients_and_their_errors_are_those_of_statsmodels_and_clubsandwich() {
    let found = effects(&[("rule", "z")], &["z"]);
    let expected = golden("ols_expected.json");
    let jackknife = golden("jackknife_expected.json");
    for modality in ["eeg", "eog", "emg"] {
        let of = &expected[modality];
        let cluster = &of["cluster_by_subject"];
        let columns = [
            ("estimate", &of["coef"], 1e-9),
            ("std_err", &of["std_err"], 1e-9),
            ("p", &of["p"], 1e-7),
            ("low", &of["ci_low"], 1e-9),
            ("high", &of["ci_high"], 1e-9),
            ("hc3_std_err", &of["hc3_std_err"], 1e-9),
            ("cluster_std_err", &cluster["std_err"], 1e-9),
            ("cluster_p", &cluster["p"], 1e-7),
            ("jackknife_std_err", &jackknife[modality]["std_err"], 1e-9),
            ("jackknife_p", &jackknife[modality]["p"], 1e-7),
        ];
        for (column, wanted, tolerance) in columns {
            let got = cells(&found["coefficients"], column, modality);
            let wanted = numbers(wanted);
            assert_eq!(got.len(), wanted.len());
            for (got, wanted) in got.iter().zip(wanted) {
                near(got.unwrap(), wanted, tolerance, column);
            }
        }
        let models = &found["models"];
        near(
            cells(models, "f", modality)[0].unwrap(),
            of["f"].as_f64().unwrap(),
            1e-9,
            "F",
        );
        near(
            cells(models, "f_p", modality)[0].unwrap(),
            of["f_p"].as_f64().unwrap(),
            1e-7,
            "p",
        );
    }
}

#[test]
fn a_family_is_a_rule_or_all_of_them() {
    let expected = numbers(&golden("ols_expected.json")["bh_over_models_terms_row_major"]["p_adj"]);
    let q = |found: &BTreeMap<String, Table>| -> Vec<f64> {
        let q = found["coefficients"].floats("q").unwrap();
        q.into_iter().flatten().collect()
    };
    let by_rule = q(&effects(&[], &["a", "b"]));
    assert_eq!(by_rule.len(), 18);
    for (got, wanted) in by_rule.iter().zip(expected.iter().chain(&expected)) {
        near(*got, *wanted, 1e-7, "q within a rule");
    }
    // Twice the same tests: m and each rank double, so nothing moves but by ties; Yekutieli's sum grows.
    let all = effects(&[("family", "all")], &["a", "b"]);
    q(&all)
        .iter()
        .zip(&by_rule)
        .for_each(|(a, b)| near(*a, *b, 1e-12, "q"));
    assert!(
        all["coefficients"]
            .texts("family")
            .unwrap()
            .contains(&"BH over 18 slopes".to_owned())
    );
    let harmonic = |m: i32| (1..=m).map(|i| 1.0 / f64::from(i)).sum::<f64>();
    let yekutieli = q(&effects(
        &[("family", "all"), ("adjust", "by")],
        &["a", "b"],
    ));
    for (got, bh) in yekutieli.iter().zip(&by_rule) {
        near(*got, (bh * harmonic(18)).min(1.0), 1e-9, "Yekutieli");
    }
}

#[test]
fn groups_too_small_or_absent_are_reported_not_dropped() {
    let found = effects(&[], &["z"]);
    let models = &found["models"];
    assert_eq!(models.height(), 15);
    let (truth, note) = (models.texts("true").unwrap(), models.texts("note").unwrap());
    for (truth, note) in truth.iter().zip(note) {
        assert_eq!(note.is_empty(), truth == "N2", "{truth}: {note}");
    }
    let wrong = effects(&[("groups", "wrong")], &["z"]);
    assert_eq!(wrong["models"].height(), 60);
    let pairs = wrong["models"].texts("true").unwrap();
    let pairs = pairs
        .iter()
        .zip(wrong["models"].texts("predicted").unwrap());
    assert!(pairs.clone().all(|(truth, predicted)| *truth != predicted));
    assert_eq!(effects(&[("groups", "all")], &["z"])["models"].height(), 75);
}

#[test]
fn wrong_groups_are_drawn_when_asked() {
    let inputs = vec![
        ("shares", vec![input(study("R").0, &[("rule", "z")])]),
        ("recordings", vec![input(study("R").1, &[])]),
    ];
    let fitted = produced("ols", &[("groups", "all")], inputs).unwrap();
    let drawn = |groups: &str| {
        let bytes = fitted["coefficients"].clone();
        let coefficients = Input {
            digest: Digest::of(&bytes),
            labels: Labels::default(),
            content: Content::from(bytes),
            name: "made here".to_owned(),
            file: None,
        };
        let params = [("rule", "z"), ("groups", groups), ("errors", "jackknife")];
        let inputs = vec![("coefficients", vec![coefficients])];
        let figure = produced("figure-coefficients", &params, inputs).unwrap();
        String::from_utf8(figure["figure"].clone()).unwrap()
    };
    let (wrong, correct) = (drawn("wrong"), drawn("correct"));
    assert!(wrong.contains("Age, eeg, N2 → R: "), "{wrong}");
    assert!(!correct.contains('→') && correct.contains("no estimate"));
    assert!(drawn("all").contains("N2 → R"));
}

#[test]
fn a_planted_effect_is_looked_for_in_each_class_it_is_planted_in() {
    // The drug hides the chin in W and R; sex does nothing, and nobody planted the night.
    let planted = [
        ("weight.W.emg", 1.2),
        ("weight.W.eog", 0.4),
        ("weight.R.emg", 0.9),
        ("weight.R.eog", 0.4),
        ("weight.N1.emg", 0.4),
        ("weight.N1.eog", 1.0),
        ("effect.drug.contrast.W.emg", -0.5),
        ("effect.drug.contrast.R.emg", -0.1),
        ("effect.drug.contrast.N1.emg", 0.0),
        ("effect.female.contrast.W.emg", 0.0),
    ];
    let (names, values): (Vec<&str>, Vec<f64>) = planted.into_iter().unzip();
    let truth = TableBuilder::new()
        .text("name", &names)
        .float("value", &values);
    // Each class by EMG and EOG, each with the drug and with sex.
    let classes = [
        "W", "W", "W", "W", "R", "R", "R", "R", "N1", "N1", "N1", "N1",
    ];
    let rows = classes.len();
    let alternating = |a: f64, b: f64| -> Vec<f64> {
        (0..rows)
            .map(|row| if row % 2 == 0 { a } else { b })
            .collect()
    };
    let slopes = TableBuilder::new()
        .text("rule", &vec!["z"; rows])
        .text("true", &classes)
        .text("predicted", &classes)
        .text("modality", &["EMG", "EMG", "EOG", "EOG"].repeat(3))
        .text("term", &["medication[drug]", "sex[male]"].repeat(6))
        .float("estimate", &alternating(-3.0, 1.0))
        .float("jackknife_p", &alternating(0.2, 0.01))
        .float("jackknife_q", &alternating(0.4, 0.3));
    let inputs = vec![
        ("truth", vec![input(truth, &[])]),
        ("shares", vec![]),
        ("coefficients", vec![input(slopes, &[])]),
    ];
    let terms = [
        ("drug", "medication[drug]"),
        ("female", "-sex[male]"),
        ("night", "sex[male]"),
    ];
    let found = run_with("score-truth", "terms", &terms, inputs);
    let table = &found["table"];
    assert_eq!(
        table.texts("claim").unwrap(),
        [
            "drug on the EMG share of W",
            "drug on the EMG share of R",
            "female changes no share",
            "night changes no share"
        ]
    );
    assert_eq!(table.bools("holds").unwrap(), [true; 4]);
    assert_eq!(table.texts("significant").unwrap(), ["no", "no", "", ""]);
    let p = [0.2, 0.2, 0.3, 0.3].map(Some);
    assert_eq!(table.floats("p").unwrap(), p);
}

#[test]
fn folds_that_lack_a_class_are_scored_in_the_classes_of_all() {
    // Made by a command, say: nothing lists the classes, and no axis names the folds.
    let fold = |truth: &[&str], predicted: &[&str]| {
        let table = TableBuilder::new()
            .text("subject", &vec!["01"; truth.len()])
            .text("true", truth)
            .text("predicted", predicted);
        input(table, &[])
    };
    let folds = vec![
        fold(&["sit", "walk"], &["sit", "walk"]),
        fold(&["walk", "run"], &["walk", "walk"]),
    ];
    let found = run("score", &[], vec![("predictions", folds)]).unwrap();
    let confusion = &found["confusion"];
    let (fold, epochs) = (
        confusion.texts("fold").unwrap(),
        confusion.ints("epochs").unwrap(),
    );
    let of = |name: &str| -> Vec<i64> {
        let rows = fold.iter().zip(&epochs).filter(|(one, _)| *one == name);
        rows.map(|(_, epochs)| *epochs).collect()
    };
    // Rows and columns: run, sit, walk.
    assert_eq!(of("1"), [0, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(of("2"), [0, 0, 1, 0, 0, 0, 0, 0, 1]);
    assert_eq!(of("pooled"), [0, 0, 1, 0, 1, 0, 0, 0, 2]);
}

#[test]
fn scores_are_those_of_scikit_learn_to_the_last_place() {
    let expected = &golden("classification_expected.json")["normal"];
    let classes = ["W", "N1", "N2", "N3", "R"];
    let named = |name: &str| -> Vec<&str> {
        let of = numbers(&expected[name]);
        of.iter().map(|class| classes[*class as usize]).collect()
    };
    let rows = named("y_true").len();
    let subject: Vec<String> = (0..rows).map(|row| (row % 3).to_string()).collect();
    let table = TableBuilder::new()
        .text("subject", &subject)
        .text("true", &named("y_true"))
        .text("predicted", &named("y_pred"));
    let inputs = vec![("predictions", vec![input(table, &[("fold", "1")])])];
    let found = run("score", &[], inputs).unwrap();
    let (scores, of_class) = (&found["scores"], &found["classes"]);
    let place = 2.0 * f64::EPSILON;
    let value = |name: &str| {
        let at = scores
            .texts("score")
            .unwrap()
            .iter()
            .position(|s| s == name)
            .unwrap();
        scores.floats("value").unwrap()[at].unwrap()
    };
    for (name, wanted) in [
        ("accuracy", "accuracy"),
        ("balanced accuracy", "balanced_accuracy_present_classes"),
        ("macro F1", "macro_f1_all5"),
        ("Cohen's κ", "kappa"),
    ] {
        near(value(name), expected[wanted].as_f64().unwrap(), place, name);
    }
    for name in ["precision", "recall", "f1"] {
        let got = of_class.floats(name).unwrap();
        for (got, wanted) in got.iter().zip(numbers(&expected[name])) {
            near(got.unwrap(), wanted, place, name);
        }
        let (low, high) = (format!("{name}_low"), format!("{name}_high"));
        let ends = of_class
            .floats(&low)
            .unwrap()
            .into_iter()
            .zip(of_class.floats(&high).unwrap());
        assert!(
            ends.clone()
                .all(|(low, high)| low.unwrap() <= high.unwrap()),
            "{name}"
        );
    }
    // One fold, so pooled is the same; intervals over its three subjects are given for both.
    let ends = scores
        .floats("low")
        .unwrap()
        .into_iter()
        .zip(scores.floats("high").unwrap());
    assert_eq!(
        ends.filter(|(low, high)| low.unwrap() < high.unwrap())
            .count(),
        12
    );
}

/// Subjects with two recordings each.
fn cohort(medication: [&str; 8]) -> Input {
    let subjects = ["01", "02", "03", "04"];
    let twice = |values: [&'static str; 4]| values.map(|value| [value; 2]).concat();
    let table = TableBuilder::new()
        .text("recording", &["a", "b", "c", "d", "e", "f", "g", "h"])
        .text("subject", &twice(subjects))
        .text("sex", &twice(["f", "m", "f", "m"]))
        .text("medication", &medication);
    input(table, &[])
}

#[test]
fn balanced_folds_test_alike_subjects() {
    let folds = |column: &str, medication| {
        let params = vec![
            ("method".to_owned(), Value::from("partition")),
            ("count".to_owned(), Value::from(2)),
            ("validation".to_owned(), Value::from(0)),
            ("balance".to_owned(), Value::List(vec![Value::from(column)])),
        ];
        produced_with(
            "folds",
            params,
            vec![("recordings", vec![cohort(medication)])],
        )
    };
    let table = Table::read(&folds("sex", ["p"; 8]).unwrap()["table"]).unwrap();
    for tested in table.texts("test").unwrap() {
        let women = tested.split(' ').filter(|one| ["01", "03"].contains(one));
        assert_eq!(women.count(), 1, "{tested}");
    }
    let crossed = ["p", "t", "t", "p", "p", "t", "t", "p"];
    let error = folds("medication", crossed).unwrap_err();
    assert_eq!(
        error.what,
        "`medication` of subject `01` differs between recordings"
    );
    assert!(
        folds("weight", crossed)
            .unwrap_err()
            .what
            .contains("`weight`")
    );
}

#[test]
fn a_reference_that_nobody_has_is_refused_unless_it_is_the_usual_one() {
    let fit = |medication, reference: &str| {
        let of = |name: &str| {
            let rows = TableBuilder::new()
                .text("recording", &["a", "b", "c", "d", "e", "f", "g", "h"])
                .text("subject", &["01", "01", "02", "02", "03", "03", "04", "04"])
                .text("true", &[name; 8])
                .text("predicted", &[name; 8])
                .float("share_EEG", &[1.0, 3.0, 2.0, 5.0, 4.0, 9.0, 6.0, 7.0]);
            input(rows, &[("rule", "z")])
        };
        let reference = [("medication".to_owned(), Value::from(reference))];
        let params = vec![
            ("formula".to_owned(), Value::from("share ~ medication")),
            ("reference".to_owned(), Value::Map(reference.into())),
        ];
        let inputs = vec![
            ("shares", vec![of("W")]),
            ("recordings", vec![cohort(medication)]),
        ];
        produced_with("ols", params, inputs)
    };
    let crossed = [
        "none", "much", "much", "none", "none", "much", "much", "none",
    ];
    let against = |reference| {
        let made = fit(crossed, reference).unwrap();
        let table = Table::read(&made["coefficients"]).unwrap();
        table.texts("against").unwrap()[1].clone()
    };
    assert_eq!([against("none"), against("placebo")], ["none", "much"]);
    let error = fit(crossed, "nothing").unwrap_err();
    assert_eq!(error.what, "`medication` is never `nothing`");
    assert_eq!(
        error.help.as_deref(),
        Some("the levels of `medication` are much, none")
    );
    let error = fit(["none"; 8], "none").unwrap_err();
    assert_eq!(error.what, "every row of `medication` is `none`");
}

#[test]
fn a_text_among_the_numbers_of_a_covariate_is_named() {
    let fit = |ages: [&str; 4]| {
        let recordings = ["a", "b", "c", "d"];
        let rows = TableBuilder::new()
            .text("recording", &recordings)
            .text("subject", &recordings)
            .text("true", &["W"; 4])
            .text("predicted", &["W"; 4])
            .float("share_EEG", &[1.0, 3.0, 2.0, 5.0]);
        let cohort = TableBuilder::new()
            .text("recording", &recordings)
            .text("age", &ages);
        let inputs = vec![
            ("shares", vec![input(rows, &[("rule", "z")])]),
            ("recordings", vec![input(cohort, &[])]),
        ];
        run("ols", &[("formula", "share ~ age")], inputs)
    };
    let error = fit(["34", "n/a", "52", "61"]).unwrap_err();
    let wanted = "column `age` of the recordings has numbers, and `n/a` in row 2";
    assert_eq!(error.what, wanted);
    // Numbers written as text, and levels of which few read as numbers, are categories.
    for ages in [["1", "1", "2", "2"], ["1", "2a", "2a", "2b"]] {
        assert!(fit(ages).is_ok());
    }
}
