//! The questions: status, why, graph, kinds, show, fsck, gc.

use std::fs;

use serde_json::Value;

use crate::sandbox::{SMALL, Sandbox};

fn answers(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.flow(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
    said.last()
}

#[test]
fn status_and_why_say_what_would_run() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&[]);
    let set = ["--set", "epsilon=[0.01, 7.0]"];
    let status = answers(&sandbox, &[&["status", "--json"][..], &set].concat());
    let standing = |name: &str| {
        let found = status
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["instance"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["standing"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(standing("net[fold=1]"), "current");
    assert_eq!(standing("relevance[fold=2,rule=epsilon(7)]"), "stale");
    assert_eq!(standing("figure1"), "depends_on");
    let why = answers(
        &sandbox,
        &["why", "net[fold=1]", "--json", "--set", "epsilon=[0.01]"],
    );
    assert_eq!(why.as_array().unwrap().len(), 1);
    let changed = Sandbox::new(&SMALL.replace("batch = 16", "batch = 8"));
    fs::rename(sandbox.path("cache"), changed.path("cache")).unwrap();
    let said = changed.flow(&["why", "net[fold=2]"]);
    assert!(
        said.out.contains("`params.batch` was 16 and is 8"),
        "{}",
        said.out
    );
}

#[test]
fn graph_kinds_and_show_answer() {
    let sandbox = Sandbox::new(SMALL);
    let graph = answers(&sandbox, &["graph", "--json"]);
    assert!(
        graph["edges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|edge| edge[0] == "net" && edge[1] == "relevance")
    );
    assert!(sandbox.flow(&["graph"]).out.contains("net --> relevance"));
    let kinds = answers(&sandbox, &["kinds", "--json"]);
    assert!(
        kinds
            .as_array()
            .unwrap()
            .iter()
            .any(|kind| kind["name"] == "lrp")
    );
    sandbox.run(&["nights"]);
    let shown = sandbox.flow(&["show", "nights.recordings", "--rows", "2"]);
    assert!(
        shown.out.contains("ST7011") && shown.out.contains("6 rows in all"),
        "{}",
        shown.out
    );
}

#[test]
fn fsck_finds_a_flipped_bit_and_the_next_run_mends_it() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&["zscored"]);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
    let folder = fs::read_dir(sandbox.path("cache/blobs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let blob = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, bytes).unwrap();
    let said = sandbox.flow(&["fsck"]);
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(said.out.contains("damaged"), "{}", said.out);
    assert_eq!(sandbox.run(&["zscored"]).counts()[0], 1);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
}

#[test]
fn gc_keeps_what_the_last_run_used() {
    let sandbox = Sandbox::new(SMALL);
    let counts = sandbox.run(&[]).counts();
    sandbox.run(&["--set", "epsilon=[5.0]"]);
    sandbox.run(&[]);
    let swept = answers(&sandbox, &["gc", "--json"]);
    assert!(swept["records"].as_u64().unwrap() >= 4, "{swept}");
    assert_eq!(sandbox.run(&[]).counts(), [0, counts[0], 0, 0]);
}
