//! The rules of the house, checked: crates use only what ARCHITECTURE.md allows, the top level holds
//! only what it lists, burn and bincode are named where they may be.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the workspace is two folders up")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The table of crates in ARCHITECTURE.md: crate → what it may use.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let words = |cell: &str| -> BTreeSet<String> {
        cell.replace('`', " ")
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let page = read("ARCHITECTURE.md");
    page.lines()
        .filter(|line| line.starts_with("| `flow"))
        .map(|line| line.split('|').collect::<Vec<_>>())
        .filter(|cells| cells.len() == 6)
        .map(|cells| {
            (
                cells[1].trim().trim_matches('`').to_owned(),
                words(cells[4]),
            )
        })
        .collect()
}

/// The `[dependencies]` of a crate; optional ones count.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = read(format!("crates/{name}/Cargo.toml"));
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line.starts_with("[target.");
            continue;
        }
        let counts = inside && !line.starts_with('#');
        if let Some((dependency, _)) = line.split_once(['=', '.']).filter(|_| counts) {
            found.insert(dependency.trim().to_owned());
        }
    }
    found
}

fn crates() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates")).expect("crates/ is there");
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_crate_uses_exactly_what_its_row_allows() {
    let allowed = allowed();
    assert_eq!(allowed.keys().cloned().collect::<BTreeSet<_>>(), crates());
    for (name, allowed) in allowed {
        assert_eq!(
            dependencies(&name),
            allowed,
            "`{name}`: left its Cargo.toml, right ARCHITECTURE.md"
        );
    }
}

#[test]
fn leaves_know_no_word_of_flow() {
    let leaves = [
        "flow-edf",
        "flow-fetch",
        "flow-stats",
        "flow-learn",
        "flow-simulate",
        "flow-figures",
    ];
    for leaf in leaves {
        let own: Vec<_> = dependencies(leaf)
            .into_iter()
            .filter(|d| d.starts_with("flow"))
            .collect();
        assert!(own.is_empty(), "{leaf} uses {own:?}");
    }
    for (one, other) in [("flow-engine", "flow-nodes"), ("flow-nodes", "flow-engine")] {
        assert!(!dependencies(one).contains(other), "{one} sees {other}");
    }
}

#[test]
fn the_top_level_holds_what_the_design_lists() {
    let listed = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "cache",
        "crates",
        "pipeline.toml",
        "reports",
        "rust-toolchain.toml",
        "target",
        "tests",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || listed.contains(&name.as_str()),
            "what is `{name}` for?"
        );
    }
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn naming(word: &str) -> BTreeSet<String> {
    let mut files = Vec::new();
    for name in crates() {
        sources(&root().join("crates").join(name).join("src"), &mut files);
    }
    let names = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains(word))
    };
    let relative = |path: &PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    files.iter().filter(names).map(relative).collect()
}

#[test]
fn bincode_is_named_in_one_file() {
    let files = naming("bincode::");
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        ["crates/flow-contract/src/encoding.rs"]
    );
}

#[test]
fn burn_is_named_in_one_crate() {
    for file in naming("burn::") {
        assert!(file.starts_with("crates/flow-learn/"), "{file} names burn");
    }
}
