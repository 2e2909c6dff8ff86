//! Bad input: a message with place, reason and mend, and the agreed exit code.

use std::fs;
use std::process::Command;

use crate::sandbox::{SMALL, Said, Sandbox};

/// Checks the exit code and that every one of the words is said.
fn expect(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{}", said.err);
    for word in words {
        assert!(
            said.err.contains(word),
            "`{word}` is missing in:\n{}",
            said.err
        );
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
}

/// Runs the small study with one text replaced by another.
fn with(old: &str, new: &str) -> Said {
    assert!(SMALL.contains(old), "{old}");
    Sandbox::new(&SMALL.replacen(old, new, 1)).flow(&["run"])
}

#[test]
fn typos_in_the_study_are_named_with_their_place_and_the_nearest_name() {
    expect(
        &with("\"z-score\"", "\"zscore\""),
        2,
        &["pipeline.toml:", "`zscore`", "z-score"],
    );
    expect(
        &with("epochs.epochs", "epochs.epoch"),
        2,
        &["pipeline.toml:", "epochs"],
    );
    expect(
        &with("training_epochs = 2", "training_epoch = 2"),
        2,
        &["training_epochs"],
    );
    expect(&with("batch = 16", "batch = \"many\""), 2, &["`batch`"]);
    expect(&with("batch = 16", "batch = 0"), 2, &["`batch`", "1"]);
    expect(
        &with(
            "\"$rule\"\n\n[node.shares]",
            "\"epsilom(1)\"\n\n[node.shares]",
        ),
        2,
        &["epsilom", "epsilon"],
    );
    expect(
        &with("\"conv 8 k5\"", "\"conf 8 k5\""),
        2,
        &["conf", "conv"],
    );
}

#[test]
fn epochs_too_short_for_the_network_are_refused_before_anything_runs() {
    expect(
        &with("marker = \"Marker\"", "marker = \"Marker\"\nseconds = 0.2"),
        2,
        &[
            "pipeline.toml:",
            "layer 3 `max-pool1` spans 4 samples, gets [4 channels, 3 samples]",
            "the epochs have 3 channels × 20 samples",
        ],
    );
    expect(
        &with("\"dense 5\"", "\"dense 4\""),
        2,
        &["4 outputs", "5 classes"],
    );
}

#[test]
fn a_backend_that_was_not_built_is_refused_with_the_feature_to_build() {
    for (gpu, has) in [
        ("wgpu", cfg!(feature = "wgpu")),
        ("cuda", cfg!(feature = "cuda")),
    ] {
        if !has {
            let said = with("batch = 16", &format!("batch = 16\nbackend = \"{gpu}\""));
            let words = ["pipeline.toml:", "without the feature", "--features"];
            expect(&said, 2, &[&words[..], &[gpu]].concat());
        }
    }
    expect(
        &with("batch = 16", "batch = 16\nbackend = \"gpu\""),
        2,
        &["`wgpu`", "`cuda`"],
    );
}

#[test]
fn a_cycle_is_printed_as_a_cycle() {
    let node = |name: &str, from: &str| {
        format!(
            "[node.{name}]\nkind = \"command\"\nrun = [\"true\"]\ninputs = {{ x = \"{from}.out\" }}\noutputs = {{ out = \"o\" }}\n"
        )
    };
    let study = format!(
        "[study]\nname = \"c\"\n{}{}",
        node("first", "second"),
        node("second", "first")
    );
    let said = Sandbox::new(&study).flow(&["run"]);
    expect(&said, 2, &["pipeline.toml:", "first → second → first"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let study = SMALL
        .replace("\"z-score\"", "\"zscore\"")
        .replace("batch = 16", "batch = 0");
    let said = Sandbox::new(&study).flow(&["check"]);
    expect(&said, 2, &["`zscore`", "`batch`"]);
}

#[test]
fn no_study_and_a_wrong_override_are_said() {
    let sandbox = Sandbox::new(SMALL);
    fs::remove_file(sandbox.path("pipeline.toml")).unwrap();
    expect(&sandbox.flow(&["run"]), 2, &["pipeline.toml", "-C"]);
    expect(
        &Sandbox::new(SMALL).flow(&["run", "--set", "epsilom=1"]),
        2,
        &["epsilom", "epsilon"],
    );
    expect(
        &Sandbox::new(SMALL).flow(&["run", "relevanse"]),
        2,
        &["relevance"],
    );
    for (arguments, wants) in [
        (&["run", "--jobs", "0", "--dry-run"][..], "at least 1"),
        (&["run", "--jobs", "-1"], "at least 1"),
        (&["log", "--last", "-1"], "0 or more"),
        (&["gc", "--max-size", "-1"], "20 GiB"),
        (&["diff", "--tolerance", "-0.1"], "from 0 to 1"),
        (&["explain", "--target", "-1"], "number of a class from 0"),
    ] {
        expect(&Sandbox::new(SMALL).flow(arguments), 2, &[wants]);
    }
}

/// One recording in files, from scoring to z-scores.
const ONE: &str = r#"
[study]
name = "one"
[node.made]
kind = "simulate-night"
recording = "ST7011"
minutes = 10
publish = { psg = "psg.edf", hypnogram = "hypnogram.edf" }
"#;

const READ: &str = r#"
[study]
name = "one"
[node.epochs]
kind = "epoch"
psg = { file = "psg.edf" }
hypnogram = { file = "hypnogram.edf" }
channels = ["EEG: EEG Fpz-Cz", "EMG: EMG submental"]
[node.zscored]
kind = "z-score"
epochs = "epochs.epochs"
"#;

/// The study `READ` with good files beside it.
fn recording() -> Sandbox {
    let sandbox = Sandbox::new(ONE);
    sandbox.run(&[]);
    for name in ["psg.edf", "hypnogram.edf"] {
        fs::copy(sandbox.path("reports").join(name), sandbox.path(name)).unwrap();
    }
    sandbox.write("pipeline.toml", READ);
    sandbox
}

/// The offset of a signal's samples in a record, and of the first record.
const FIRST_RECORD: usize = 1536;
const RECORD: usize = 8200;

#[test]
fn good_files_are_read() {
    assert_eq!(recording().run(&[]).counts(), [2, 0, 0, 0]);
}

#[test]
fn a_recording_without_its_hypnogram_is_named() {
    let sandbox = recording();
    fs::remove_file(sandbox.path("hypnogram.edf")).unwrap();
    expect(
        &sandbox.flow(&["run"]),
        1,
        &["hypnogram.edf", "no such file", "help"],
    );
}

#[test]
fn a_truncated_recording_is_read_as_far_as_it_goes_and_told() {
    let sandbox = recording();
    let bytes = fs::read(sandbox.path("psg.edf")).unwrap();
    sandbox.write("psg.edf", &bytes[..bytes.len() - 12_345]);
    let said = sandbox.flow(&["run"]);
    expect(&said, 0, &["warning epochs", "psg.edf"]);
    sandbox.write("psg.edf", &bytes[..700]);
    expect(
        &sandbox.flow(&["run"]),
        1,
        &["psg.edf", "can't be read as EDF", "why"],
    );
    sandbox.write("psg.edf", b"not an EDF file");
    expect(
        &sandbox.flow(&["run"]),
        1,
        &["psg.edf", "can't be read as EDF"],
    );
}

#[test]
fn a_flat_channel_is_named() {
    let sandbox = recording();
    let mut bytes = fs::read(sandbox.path("psg.edf")).unwrap();
    for record in bytes[FIRST_RECORD..].chunks_mut(RECORD) {
        record[6000..8000].fill(0);
    }
    sandbox.write("psg.edf", bytes);
    let said = sandbox.flow(&["run"]);
    let words = ["epochs", "flat signal: 19", "channel EMG at ", "help"];
    expect(&said, 1, &words);
}

#[test]
fn a_channel_that_is_not_there_is_answered_with_those_that_are() {
    let sandbox = recording();
    sandbox.write("pipeline.toml", READ.replace("EMG submental", "EMG chin"));
    expect(&sandbox.flow(&["run"]), 1, &["EMG chin", "EMG submental"]);
}

#[test]
fn a_psg_given_as_hypnogram_is_told() {
    let sandbox = recording();
    sandbox.write("pipeline.toml", READ.replace("hypnogram.edf", "psg.edf"));
    expect(
        &sandbox.flow(&["run"]),
        1,
        &["no sleep stages", "hypnogram"],
    );
}

#[test]
fn a_recording_that_is_not_in_the_table_is_named() {
    let sandbox = recording();
    sandbox.write("recordings.csv", "recording,subject\nother,1\n");
    let study = format!(
        "{}\n[node.table]\nkind = \"recordings\"\ntable = {{ file = \"recordings.csv\" }}\n[node.net]\nkind = \"train\"\n\
         epochs = \"zscored.epochs\"\nrecordings = \"table.recordings\"\ntrain = \"1\"\nvalidation = \"2\"\n",
        READ.replace(
            "[node.epochs]\n",
            "[node.epochs]\nfor_each = { recording = [\"ST7011\"] }\n"
        )
        .replace(
            "[node.zscored]\n",
            "[node.zscored]\nfor_each = { recording = [\"ST7011\"] }\n"
        )
    );
    sandbox.write("pipeline.toml", study);
    expect(
        &sandbox.flow(&["run"]),
        1,
        &[
            "`ST7011` is not in the table of recordings",
            "recordings",
            "help",
        ],
    );
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new("[node.a]\nkind='cohort'\nsubjects=2\n");
    let study = sandbox.read("pipeline.toml");
    // Of `init`, 16 blocks hold the study and not its schema.
    for (blocks, words) in [(0, "fmt"), (0, "init new"), (16, "init new"), (0, "run")] {
        let flow = env!("CARGO_BIN_EXE_flow");
        let line = format!("ulimit -f {blocks}; exec {flow} {words}");
        let mut shell = Command::new("sh");
        let said = shell.args(["-c", &line]).current_dir(sandbox.path(""));
        let said = said.output().unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{words}: {err}");
        assert!(err.to_lowercase().contains("file too large"), "{err}");
    }
    assert_eq!(sandbox.read("pipeline.toml"), study);
    assert!(!sandbox.path("pipeline.toml.flow-fmt").exists());
    assert!(!sandbox.path("new/pipeline.toml").exists());
}
