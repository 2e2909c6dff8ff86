//! Sweeps from the command line: what ran, what was shared, what `flow compare` says of them.

use crate::sandbox::Sandbox;

fn lab() -> Sandbox {
    let lab = Sandbox::empty();
    lab.flow(&["init", "--template", "sweep"]);
    lab
}

#[test]
fn a_sweep_shares_what_it_does_not_change_and_what_single_runs_made() {
    let lab = lab();
    lab.run(&["--set", "batch=8", "scores"]);
    let said = lab.run(&["--sweep", "batch=[8,32]", "scores"]);
    let ran = [
        "net[batch=32,fold=1]",
        "net[batch=32,fold=2]",
        "predicted[batch=32,fold=1]",
        "predicted[batch=32,fold=2]",
        "scores[batch=32]",
    ];
    assert_eq!(
        said.ran(),
        ran,
        "batch 8 and all before the network are there"
    );
    let again = lab.run(&["--set", "batch=32", "scores"]);
    assert_eq!(again.ran(), Vec::<String>::new());
}

#[test]
fn a_sweep_that_changes_a_table_of_instances_runs_each_table_s_own() {
    let lab = lab();
    let said = lab.run(&["--sweep", "subjects=[3,4]", "folds"]);
    assert!(said.ran().contains(&"nights[subjects=4]".to_owned()));
    let said = lab.run(&["--sweep", "subjects=[3,4]", "epochs[subjects=4]"]);
    let epochs = said
        .ran()
        .into_iter()
        .filter(|one| one.starts_with("epochs["));
    assert_eq!(epochs.count(), 8, "two nights of each of four subjects");
}

#[test]
fn swept_results_are_published_apart() {
    let lab = lab();
    lab.run(&["--sweep", "batch=[8,32]"]);
    for batch in ["8", "32"] {
        let figure = format!("reports/batch={batch}/figures/shares over epsilon.svg");
        assert!(lab.path(&figure).exists(), "{figure}");
    }
}

#[test]
fn compare_tabulates_a_number_over_an_axis() {
    let lab = lab();
    lab.run(&[]);
    let over_rule = ["compare", "shares.global.mean_of_shares", "--over", "rule"];
    let said = lab.flow(&[&over_rule[..], &["--by", "modality", "--csv"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "rule,modality,n,mean,sd,least,greatest");
    assert_eq!(lines.len(), 1 + 6 * 3, "six rules, three modalities");
    let said = lab.flow(&[&over_rule[..], &["--json", "--figure", "f.svg"]].concat());
    let groups = said.last();
    assert_eq!(groups.as_array().unwrap().len(), 6);
    // Shares of three modalities sum to 100 in every fold, so their mean is a third of it.
    for group in groups.as_array().unwrap() {
        assert_eq!(group["n"], 6);
        assert!(
            (group["mean"].as_f64().unwrap() - 100.0 / 3.0).abs() < 1e-9,
            "{group}"
        );
    }
    assert!(said.err.contains("averaged over modality"), "{}", said.err);
    assert!(lab.read("f.svg").contains("epsilon(0.001)"));
    let said = lab.flow(&[&over_rule[..], &["--by", "modality", "--figure", "f.png"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let png = std::fs::read(lab.path("f.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let said = lab.flow(&[&over_rule[..], &["--figure", "f.pdf"]].concat());
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("end its name in .svg or .png"),
        "{}",
        said.err
    );
    let said = lab.flow(&["compare", "shares.global", "--over", "rule"]);
    let words = "`shares.global` names no column";
    assert!(said.err.contains(words), "{}", said.err);
}

#[test]
fn compare_tells_a_swept_param_and_refuses_what_is_not_there() {
    let lab = lab();
    lab.run(&["--sweep", "batch=[8,32]", "scores"]);
    let scores = ["compare", "scores.scores.value", "--sweep", "batch=[8,32]"];
    let said = lab.flow(
        &[
            &scores[..],
            &["--over", "batch", "--where", "score=accuracy", "--csv"],
        ]
        .concat(),
    );
    let keys = said.out.lines().map(|line| line.split(',').next().unwrap());
    assert_eq!(keys.collect::<Vec<_>>(), ["batch", "8", "32"]);
    for (wrong, words) in [
        (
            &["--over", "bath"][..],
            "there is no axis, swept param or column `bath`",
        ),
        (
            &["--over", "batch", "--where", "score=acc"],
            "where `--where` says",
        ),
    ] {
        let said = lab.flow(&[&scores[..], wrong].concat());
        assert_eq!(said.code, 2);
        assert!(said.err.contains(words), "{}", said.err);
    }
    let said = lab.flow(&[
        "compare",
        "scores.scores.score",
        "--over",
        "fold",
        "--set",
        "batch=8",
    ]);
    assert!(said.err.contains("holds text, not numbers"), "{}", said.err);
}
