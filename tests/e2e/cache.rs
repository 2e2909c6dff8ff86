//! What runs again and what does not, on the real catalog.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{SMALL, Sandbox};

#[test]
fn a_second_run_computes_nothing_and_everything_is_published() {
    let sandbox = Sandbox::new(SMALL);
    let counts = sandbox.run(&[]).counts();
    assert_eq!(counts[1..], [0, 0, 0]);
    assert_eq!(sandbox.run(&[]).counts(), [0, counts[0], 0, 0]);
    assert!(
        sandbox
            .read("reports/figures/figure1.svg")
            .starts_with("<svg")
    );
    let picture = fs::read(sandbox.path("reports/figures/figure1.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let table = fs::read(sandbox.path("reports/tables/scores.parquet")).unwrap();
    assert!(table.starts_with(b"PAR1"));
    assert!(
        sandbox
            .read("reports/tables/scores.csv")
            .starts_with("fold,score,value,low,high\n")
    );
    let report = sandbox.read("reports/report.html");
    assert!(
        report.contains("Of three subjects.")
            && report.contains("<svg")
            && report.contains("balanced accuracy")
    );
    assert!(
        !report.contains("src=\"http")
            && !report.contains("href=\"http")
            && !report.contains("url(")
    );
}

#[test]
fn an_epsilon_more_computes_that_rule_and_what_follows() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&[]);
    let ran = sandbox.run(&["--set", "epsilon=[0.01, 1.0, 100.0]"]).ran();
    let expected = [
        "figure1",
        "relevance[fold=1,rule=epsilon(1)]",
        "relevance[fold=2,rule=epsilon(1)]",
        "shares[rule=epsilon(1)]",
    ];
    assert_eq!(ran, expected);
}

#[test]
fn two_job_counts_give_the_same_bytes() {
    let digests = ["1", "2", "4"].map(|jobs| {
        let sandbox = Sandbox::new(SMALL);
        sandbox.run(&["--jobs", jobs]);
        sandbox.digests()
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

/// The small study on recordings that lie in files, as real ones do.
fn from_files(sandbox: &Sandbox) -> String {
    sandbox.run(&["recorded"]);
    fs::rename(sandbox.path("reports/data"), sandbox.path("data")).unwrap();
    let rows = [
        "ST7011,1,60",
        "ST7012,1,60",
        "ST7021,2,35",
        "ST7022,2,35",
        "ST7041,4,18",
        "ST7042,4,18",
    ];
    sandbox.write(
        "recordings.csv",
        format!("recording,subject,age\n{}\n", rows.join("\n")),
    );
    let start = SMALL.find("[node.nights]").unwrap();
    let end = SMALL.find("[node.epochs]").unwrap();
    let nights = "[node.nights]\nkind = \"recordings\"\ntable = { file = \"recordings.csv\" }\n\n";
    let study = format!("{}{nights}{}", &SMALL[..start], &SMALL[end..]);
    study
        .replace(
            "\"nights.recordings\" }\npsg = \"recorded.psg\"",
            "\"nights.recordings\" }\npsg = { file = \"data/$recording-PSG.edf\" }",
        )
        .replace(
            "\"recorded.hypnogram\"",
            "{ file = \"data/$recording-Hypnogram.edf\" }",
        )
}

#[test]
fn touching_or_editing_a_recording_reruns_what_depends_on_it() {
    let sandbox = Sandbox::new(SMALL);
    let study = from_files(&sandbox);
    sandbox.write("pipeline.toml", &study);
    sandbox.run(&[]);
    let path = sandbox.path("data/ST7021-PSG.edf");
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(sandbox.run(&[]).counts()[0], 0);
    // The header's free text is part of the file and of no result: the wave stops at the epochs.
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..103].copy_from_slice(b"abc");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(sandbox.run(&[]).ran(), ["epochs[recording=ST7021]"]);
    // A sample of a kept epoch does reach the results, but no other recording's.
    let (header, record) = (1536, 8200);
    let middle = header + record * ((bytes.len() - header) / record / 2);
    bytes[middle..middle + 400].fill(1);
    fs::write(&path, &bytes).unwrap();
    let ran = sandbox.run(&[]).ran();
    assert!(
        ran.contains(&"zscored[recording=ST7021]".to_owned()),
        "{ran:?}"
    );
    assert!(
        !ran.iter()
            .any(|name| name.contains("recording=") && !name.contains("ST7021")),
        "{ran:?}"
    );
}

#[test]
fn a_kept_failure_leaves_other_results() {
    let sandbox = Sandbox::new(SMALL);
    let study = from_files(&sandbox);
    sandbox.write("pipeline.toml", study);
    fs::remove_file(sandbox.path("data/ST7042-Hypnogram.edf")).unwrap();
    let said = sandbox.flow(&["run", "--json", "--keep-going"]);
    assert_eq!(said.code, 1);
    let [ran, _, failed, skipped] = said.counts();
    assert!(ran >= 11 && failed == 1 && skipped >= 1, "{}", said.out);
    assert!(
        said.out
            .contains("data/ST7042-Hypnogram.edf` can't be read"),
        "{}",
        said.out
    );
}

#[test]
fn the_short_answer_says_what_the_long_one_says() {
    let study = "[node.word]\nkind = \"command\"\nfor_each = { n = \"0..3\" }\nshell = \"echo $n > {out}\"\n\
                 outputs = { out = \"word\" }\npublish = { out = \"words/$n\" }\n";
    let sandbox = Sandbox::new(study);
    sandbox.run(&[]);
    let events = |out: &str| {
        let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines.retain(|line| !line.contains("run_started"));
        lines.sort();
        lines
    };
    // The first may still be too soon after the files were written; the last is the short one.
    let said: Vec<_> = (0..3).map(|_| events(&sandbox.run(&[]).out)).collect();
    assert!(sandbox.path("cache/snapshot").exists());
    assert_eq!(said[0], said[2]);
    assert_eq!(said[2].len(), 5);
    sandbox.write("reports/words/1", "by hand");
    assert_eq!(sandbox.run(&[]).counts(), [0, 3, 0, 0]);
    assert_eq!(sandbox.read("reports/words/1"), "1\n");
    fs::remove_file(sandbox.path("reports/run.json")).unwrap();
    sandbox.run(&[]);
    assert!(sandbox.path("reports/run.json").exists());
}

#[test]
fn outputs_that_need_not_be_kept_go_and_rerun_nothing_that_is_current() {
    let study = "[params]\nword = \"a\"\n\
                 [node.large]\nkind = \"command\"\nshell = \"head -c 100000 /dev/zero > {out}\"\noutputs = { out = \"large\" }\n\
                 keep = false\n\
                 [node.size]\nkind = \"command\"\ninputs = { of = \"large.out\" }\nshell = \"echo $word; wc -c < {of} > {out}\"\n\
                 outputs = { out = \"size\" }\npublish = { out = \"size\" }\n";
    let sandbox = Sandbox::new(study);
    assert_eq!(sandbox.run(&[]).counts(), [2, 0, 0, 0]);
    let removed = sandbox.flow(&["gc", "--json"]).last();
    assert_eq!(
        (&removed["blobs"], &removed["bytes"]),
        (&1.into(), &100_000.into())
    );
    let clean = sandbox.flow(&["fsck"]);
    assert_eq!(clean.code, 0);
    assert!(clean.out.contains("0 are missing"), "{}", clean.out);
    assert_eq!(sandbox.run(&[]).counts(), [0, 2, 0, 0]);
    let status = sandbox.flow(&["status", "--set", "word=b"]).out;
    assert!(
        status.contains("would run   large: its output `out` is gone"),
        "{status}"
    );
    assert_eq!(sandbox.run(&["--set", "word=b"]).ran(), ["large", "size"]);
    fs::remove_file(sandbox.path("reports/size")).unwrap();
    assert_eq!(sandbox.run(&["--set", "word=b"]).counts(), [0, 2, 0, 0]);
}

#[test]
fn damage_of_the_ledger_is_told_once_and_taken_out() {
    let sandbox = Sandbox::new(
        "[node.a]\nkind = \"command\"\nshell = \"echo a > o\"\noutputs = { o = \"o\" }\npublish = { o = \"a\" }\n",
    );
    sandbox.run(&[]);
    let ledger = sandbox.path("cache/ledger/0.log");
    let mut bytes = fs::read(&ledger).unwrap();
    bytes[100] ^= 1;
    fs::write(&ledger, bytes).unwrap();
    let why = sandbox.flow(&["why", "a"]);
    assert!(
        why.out.contains("its record in the cache is damaged"),
        "{}",
        why.out
    );
    let first = sandbox.flow(&["fsck"]);
    assert_eq!(first.code, 3);
    assert!(first.out.contains("1 record and 0 places"), "{}", first.out);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
    assert_eq!(sandbox.run(&[]).ran(), ["a"]);

    let ledger = fs::read_dir(sandbox.path("cache/ledger")).unwrap();
    let mut ledger = ledger.map(|entry| entry.unwrap().path());
    let ledger = ledger.find(|path| path.extension().is_some_and(|end| end == "log"));
    let ledger = ledger.unwrap();
    fs::remove_file(&ledger).unwrap();
    fs::create_dir(&ledger).unwrap();
    let said = sandbox.run(&[]);
    assert_eq!(said.ran(), ["a"]);
    assert!(said.err.contains("cache/damaged/ledger-"), "{}", said.err);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
}

#[test]
fn a_blob_that_may_not_be_read_is_put_aside_and_made_again() {
    let sandbox = Sandbox::new(
        "[params]\nlines = 1\n[node.large]\nkind = \"command\"\nshell = \"seq 1 20000 > o\"\noutputs = { o = \"o\" }\n\
         [node.tail]\nkind = \"command\"\nshell = \"tail -n $lines {o} > t\"\ninputs = { o = \"large.o\" }\noutputs = { t = \"t\" }\n",
    );
    sandbox.run(&[]);
    let blob = only_file_below(&sandbox.path("cache/blobs"));
    fs::set_permissions(&blob, Permissions::from_mode(0o000)).unwrap();
    // Root may read everything, unless it gives that up.
    let mut flow = match fs::read(&blob) {
        Ok(_) => Command::new("setpriv"),
        Err(_) => Command::new("env"),
    };
    if flow.get_program() == "setpriv" {
        let rights = "-dac_override,-dac_read_search";
        flow.args(["--bounding-set", rights, "--inh-caps", rights]);
    }
    flow.args([env!("CARGO_BIN_EXE_flow"), "run", "--set", "lines=2", "-C"]);
    let said = flow.arg(sandbox.path("")).output().unwrap();
    let err = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.success(), "{err}");
    assert!(err.contains("2 ran, 0 cached, 0 failed"), "{err}");
    assert_eq!(fs::metadata(&blob).unwrap().mode() & 0o777, 0o444);
}

#[test]
fn another_program_of_the_same_name_on_the_path_is_another_input() {
    let sandbox = Sandbox::new(
        "[node.a]\nkind = \"command\"\nrun = [\"tool\", \"{out}\"]\noutputs = { out = \"o\" }\npublish = { out = \"o\" }\n",
    );
    let usual = std::env::var("PATH").unwrap();
    for word in ["one", "two", "one"] {
        let tool = format!("#!/bin/sh\necho {word} > $1\n");
        sandbox.write(&format!("{word}/tool"), tool);
        let tool = sandbox.path(&format!("{word}/tool"));
        fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{usual}", sandbox.path(word).display());
        let mut flow = Command::new(env!("CARGO_BIN_EXE_flow"));
        flow.args(["run", "-C"]).arg(sandbox.path(""));
        assert!(flow.env("PATH", path).status().unwrap().success());
        assert_eq!(sandbox.read("reports/o"), format!("{word}\n"));
    }
}

fn only_file_below(folder: &Path) -> PathBuf {
    let mut at = folder.to_owned();
    while at.is_dir() {
        at = fs::read_dir(&at).unwrap().next().unwrap().unwrap().path();
    }
    at
}
