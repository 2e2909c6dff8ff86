//! Studies of other fields, from arrays: no word of sleep, no line of Rust.

use crate::sandbox::Sandbox;

fn activity() -> Sandbox {
    let lab = Sandbox::new(include_str!(
        "../../crates/flow/templates/activity/pipeline.toml"
    ));
    lab.write(
        "people.csv",
        include_str!("../../crates/flow/templates/activity/people.csv"),
    );
    lab
}

#[test]
fn accelerometer_and_ecg_go_through_the_same_nodes() {
    let lab = activity();
    lab.run(&["--set", "windows=30", "--set", "training_epochs=8"]);
    let groups = lab.read("reports/tables/shares alpha-beta(1,0).csv");
    assert!(groups.contains(",walk,walk,motion,"), "{groups}");
    let verdict = lab.read("reports/tables/truth.csv");
    for claim in [
        "the largest share of walk,motion,",
        "the largest share of run,motion,",
        "the largest share of rest,ECG,",
        "sex changes no share,none significant,",
    ] {
        assert!(verdict.contains(claim), "`{claim}` is not in\n{verdict}");
    }
    let counts = lab.read("reports/tables/epochs.csv");
    assert!(
        counts.starts_with("recording,epochs,scored,kept,rest,run,walk\n"),
        "{counts}"
    );
    assert!(lab.read("reports/report.html").contains("epochs kept"));
    let confusion = lab.read("reports/tables/confusion.csv");
    let first = |line: &str| line.split(',').nth(1).map(str::to_owned);
    let classes: Vec<_> = confusion
        .lines()
        .skip(1)
        .step_by(3)
        .take(3)
        .map(first)
        .collect();
    assert_eq!(
        classes,
        ["rest", "run", "walk"].map(|name| Some(name.to_owned()))
    );
    let figure = lab.read("reports/figures/figure 3 recording alpha-beta(1,0).svg");
    assert!(figure.contains("mV") && figure.contains("walk"));
}

/// A study of one table of samples, whose second epoch of two ends in `cell`.
fn table(cell: &str, classes: &str) -> Sandbox {
    let lab = Sandbox::new(&format!(
        r#"
[node.people]
kind = "recordings"
table = {{ file = "people.csv" }}
[node.epochs]
kind = "array-epochs"
for_each = {{ recording = "people.recordings" }}
arrays = {{ file = "$recording.csv" }}
channels = ["motion: ax", "ECG: lead"]
units = ["g", "mV"]
rate = 2
seconds = 1
label = "doing"
classes = {classes}
"#
    ));
    lab.write("people.csv", "recording,subject\np01,1\n");
    lab.write(
        "p01.csv",
        format!("ax,lead,doing\n1.5,0.1,sit\n2.5,0.2,sit\n3.5,0.3,run\n4.5,{cell},run\n"),
    );
    lab
}

#[test]
fn a_table_of_samples_becomes_epochs() {
    let lab = table("0.4", r#"["sit", "run"]"#);
    lab.run(&[]);
    let shown = lab.flow(&["show", "epochs", "--json"]).out;
    assert!(shown.contains("[2,2,2]"), "{shown}");
}

#[test]
fn what_is_wrong_with_an_array_is_said_with_its_place() {
    let said = |lab: Sandbox| {
        let said = lab.flow(&["run"]);
        assert_eq!(said.code, 1, "{}", said.out);
        said.err + &said.out
    };
    let gap = said(table("", r#"["sit", "run"]"#));
    for words in [
        "p01.csv, epoch 1, sample 1, 1.5 s",
        "channel `lead` holds NaN",
    ] {
        assert!(gap.contains(words), "`{words}` is not in\n{gap}");
    }
    let class = said(table("0.4", r#"["sit", "walk"]"#));
    for words in ["`doing` holds `run`, which is no class", "p01.csv, epoch 1"] {
        assert!(class.contains(words), "`{words}` is not in\n{class}");
    }
    let lab = activity();
    lab.write(
        "pipeline.toml",
        lab.read("pipeline.toml")
            .replace(", \"motion: z\"", "")
            .replace("\"g\", \"g\", \"g\"", "\"g\", \"g\""),
    );
    let shape = said(lab);
    for words in [
        "array `x` has shape [60, 4, 200]",
        "[epoch, channel = 3, time = 200] is wanted",
    ] {
        assert!(shape.contains(words), "`{words}` is not in\n{shape}");
    }
}
