//! A folder of Sleep-EDF files and a subject table, from files to counts in the report.

use std::fs;

use crate::sandbox::Sandbox;

/// Four nights in the layout of the release, as files.
const SIMULATED: &str = r#"
[study]
seed = 3
[node.nights]
kind = "cohort"
subjects = 2
[node.recorded]
kind = "simulate-night"
for_each = { recording = "nights.recordings" }
recording = "$recording"
minutes = 10
publish = { psg = "$recording/J0-PSG.edf", hypnogram = "$recording/JP-Hypnogram.edf" }
"#;

/// From the files to the counts; `FILES`, `PSG` and `HYPNOGRAM` are put in.
const STUDY: &str = r#"
[study]
name = "folder"
[node.nights]
kind = "sleep-edf"
files = FILES
subjects = { file = "ST-subjects.xls" }
publish = { recordings = "recordings.csv", differences = "differences.csv" }
[node.epochs]
kind = "epoch"
for_each = { recording = "nights.recordings" }
psg = PSG
hypnogram = HYPNOGRAM
channels = ["EEG: EEG Fpz-Cz", "EOG: EOG horizontal", "EMG: EMG submental"]
marker = "Marker"
publish = { table = "epochs $recording.csv" }
[node.counts]
kind = "count-epochs"
tables = "epochs.table"
publish = { table = "counts.csv" }
[report]
title = "A folder"
[[report.section]]
title = "Data"
show = ["counts.table", "nights.differences"]
"#;

fn folder() -> Sandbox {
    let sandbox = Sandbox::new(SIMULATED);
    sandbox.run(&[]);
    for recording in ["ST7011", "ST7012", "ST7021", "ST7022"] {
        for file in ["J0-PSG.edf", "JP-Hypnogram.edf"] {
            let made = fs::read(sandbox.path(&format!("reports/{recording}/{file}"))).unwrap();
            sandbox.write(&format!("data/{recording}{file}"), made);
        }
    }
    sandbox.write(
        "ST-subjects.xls",
        include_bytes!("sleep-edf/ST-subjects.xls"),
    );
    sandbox
}

fn study(files: &str, psg: &str, hypnogram: &str) -> String {
    let study = STUDY.replace("FILES", files);
    study.replace("PSG", psg).replace("HYPNOGRAM", hypnogram)
}

fn by_path() -> String {
    let files = "{ files = \"data/*.edf\" }";
    study(
        files,
        "{ file = \"$recording.psg\" }",
        "{ file = \"$recording.hypnogram\" }",
    )
}

#[test]
fn a_folder_of_pairs_becomes_counted_epochs() {
    let sandbox = folder();
    sandbox.write("pipeline.toml", by_path());
    sandbox.run(&[]);
    let recordings = sandbox.read("reports/recordings.csv");
    assert!(
        recordings.contains("ST7021,02,1,35,female,temazepam,00:00,data/ST7021J0-PSG.edf,data/ST7021JP-Hypnogram.edf"),
        "{recordings}"
    );
    let counts = sandbox.read("reports/counts.csv");
    let number = |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<usize>().unwrap();
    for line in counts
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("all"))
    {
        let name = line.split(',').next().unwrap();
        let table = sandbox.read(&format!("reports/epochs {name}.csv"));
        let (all, kept) = (table.lines().skip(1), table.matches(",true,").count());
        assert_eq!(
            (number(line, 1), number(line, 3)),
            (all.count(), kept),
            "{counts}"
        );
    }
    let report = sandbox.read("reports/report.html");
    assert!(report.contains("epochs dropped") && report.contains("after scoring"));
    assert!(
        report.contains("ST7041??-PSG.edf"),
        "what the table has and the folder lacks"
    );
    assert_eq!(sandbox.run(&[]).counts()[0], 0);
}

#[test]
fn files_may_come_from_an_axis_of_names() {
    let sandbox = folder();
    sandbox.write("pipeline.toml", by_path());
    sandbox.run(&[]);
    let counts = sandbox.read("reports/counts.csv");
    let copied = r#"
[node.copied]
kind = "command"
for_each = { file = { files = "data/*.edf" } }
shell = "cp {from} {file}"
inputs = { from = { file = "$file.path" } }
outputs = { file = "out.edf" }
"#;
    let study = study(
        "\"copied.file\"",
        "\"copied[file=$recording.psg].file\"",
        "\"copied[file=$recording.hypnogram].file\"",
    );
    sandbox.write("pipeline.toml", study + copied);
    sandbox.run(&[]);
    assert_eq!(sandbox.read("reports/counts.csv"), counts);
}

#[test]
fn a_missing_partner_and_a_renamed_channel_are_named() {
    let sandbox = folder();
    sandbox.write(
        "pipeline.toml",
        by_path().replace("EMG submental", "EMG chin"),
    );
    let said = sandbox.flow(&["run"]);
    assert_eq!(said.code, 1);
    for words in ["data/ST7011J0-PSG.edf", "`EMG chin`", "`EMG submental`"] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    fs::remove_file(sandbox.path("data/ST7022JP-Hypnogram.edf")).unwrap();
    let said = sandbox.flow(&["run"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("ST7022J0-PSG.edf lacks ST7022??-Hypnogram.edf"),
        "{}",
        said.err
    );
}
