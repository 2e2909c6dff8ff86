//! A kind whose output moves must say so by its revision, or old results stay in people's caches.
//!
//! `golden.json` holds for each kind what a tiny study made it read and give, by digest. The same
//! recipes with other outputs under the same revision are a forgotten bump. Where the recipes moved
//! (another study, something upstream), the row is stale: `FLOW_GOLDEN=write cargo test -p flow --test
//! e2e golden` writes it anew, and refuses to where a bump was forgotten. Sums of floats depend on the
//! vector unit, so there are rows for each sort of machine.

use std::collections::BTreeMap;
use std::path::Path;

use flow_contract::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::{SMALL, Sandbox};

/// What a kind did in the study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    revision: u64,
    /// The digest of the keys of its instances.
    recipes: String,
    /// The digest of their outputs.
    outputs: String,
}

type Rows = BTreeMap<String, Row>;

/// Processors of one sort give the same bits.
fn machine() -> String {
    #[cfg(target_arch = "x86_64")]
    let vectors = match () {
        () if is_x86_feature_detected!("avx512f") => "avx512",
        () if is_x86_feature_detected!("avx2") => "avx2",
        () => "sse2",
    };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "any";
    format!("{}-{vectors}", std::env::consts::ARCH)
}

fn run() -> Rows {
    let study = format!("{SMALL}{}", include_str!("golden.toml"));
    let sandbox = Sandbox::new(&study);
    sandbox.write("data/greeting.txt", "hello\n");
    let list = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  greeting.txt\n";
    sandbox.write("data/SHA256SUMS.txt", list);
    sandbox.write(
        "ST-subjects.xls",
        include_bytes!("sleep-edf/ST-subjects.xls"),
    );
    sandbox.run(&["--jobs", "2"]);
    let facts: Value = serde_json::from_str(&sandbox.read("reports/run.json")).unwrap();
    let kinds = sandbox.flow(&["kinds", "--json"]).last();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut rows = Rows::new();
    for kind in list(&kinds) {
        let name = kind["name"].as_str().unwrap();
        let (mut recipes, mut outputs) = (String::new(), String::new());
        for node in list(&facts["nodes"]) {
            let instances = list(&facts["instances"]);
            let of_node = |instance: &&Value| {
                let address = instance["instance"].as_str().unwrap();
                node["kind"] == name && address.split('[').next() == node["name"].as_str()
            };
            for instance in instances.iter().filter(of_node) {
                // A command's recipe names its program by content, which is the machine's own.
                let key = if name == "command" {
                    &Value::Null
                } else {
                    &instance["key"]
                };
                recipes.push_str(&format!("{key}\n"));
                outputs.push_str(&format!("{}\n", instance["outputs"]));
            }
        }
        assert!(
            !recipes.is_empty(),
            "no node of golden.toml is of the kind `{name}`: add one"
        );
        let row = Row {
            revision: kind["revision"].as_u64().unwrap(),
            recipes: Digest::of(recipes.as_bytes()).short(),
            outputs: Digest::of(outputs.as_bytes()).short(),
        };
        rows.insert(name.to_owned(), row);
    }
    rows
}

/// Why a kind's row is not as it was, if it isn't.
fn complaint(kind: &str, was: Option<&Row>, is: Option<&Row>) -> Option<String> {
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) if was == is => return None,
        (Some(was), Some(is)) => (was, is),
        (None, _) => return Some(format!("`{kind}` has no row in golden.json")),
        (_, None) => return Some(format!("`{kind}` has a row in golden.json and is no kind")),
    };
    // A command's recipes are not compared, so its revision is.
    let forgotten = was.recipes == is.recipes && was.revision == is.revision;
    Some(match forgotten {
        true => format!(
            "`{kind}` gives other bytes for the same recipes: raise its `revision` from {}",
            is.revision
        ),
        false => format!("`{kind}` read or was told something else than when its row was written"),
    })
}

#[test]
fn golden_outputs_move_with_their_revisions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/golden.json");
    let mut all: BTreeMap<String, Rows> =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let write = std::env::var("FLOW_GOLDEN").is_ok_and(|word| word == "write");
    let (machine, rows) = (machine(), run());
    let Some(known) = all
        .get(&machine)
        .filter(|known| !write || !known.is_empty())
    else {
        eprintln!("skipped: golden.json has no rows for {machine}; FLOW_GOLDEN=write adds them");
        if write {
            all.insert(machine, rows);
            std::fs::write(&path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        }
        return;
    };
    let names = known
        .keys()
        .chain(rows.keys().filter(|name| !known.contains_key(*name)));
    let complaints: Vec<String> = names
        .filter_map(|kind| complaint(kind, known.get(kind), rows.get(kind)))
        .collect();
    let forgotten = complaints.iter().any(|words| words.contains("raise"));
    if write && !forgotten {
        all.insert(machine, rows);
        std::fs::write(&path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        return;
    }
    assert!(
        complaints.is_empty(),
        "{}\nwhere that is right: FLOW_GOLDEN=write cargo test --release -p flow --test e2e golden",
        complaints.join("\n")
    );
}

#[test]
fn other_bytes_under_the_same_revision_are_a_forgotten_bump() {
    let row = |revision, recipes: &str, outputs: &str| Row {
        revision,
        recipes: recipes.to_owned(),
        outputs: outputs.to_owned(),
    };
    let was = row(1, "r", "o");
    let said = |is| complaint("k", Some(&was), Some(&is)).unwrap_or_default();
    assert_eq!(said(row(1, "r", "o")), "");
    assert!(said(row(1, "r", "moved")).contains("raise its `revision` from 1"));
    assert!(said(row(2, "r2", "moved")).contains("when its row was written"));
    assert!(complaint("k", None, Some(&was)).unwrap().contains("no row"));
}
