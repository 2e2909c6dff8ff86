//! Broken studies and the words they are met with: every `problems/*.toml` has its `.stderr`.
//!
//! Lines `# set: name=value`, `# sweep: name=values`, `# zip: …` and so on stand for options. `FLOW_BLESS=1` writes the words anew.

use std::fs;
use std::path::{Path, PathBuf};

use flow_plan::Sweep;

use crate::toys::planned_at;

fn broken_studies() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    paths
}

fn words(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let told = |option: &'static str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# "));
        let mine = lines.filter_map(move |line| line.strip_prefix(option)?.strip_prefix(": "));
        mine.map(str::to_owned).collect::<Vec<String>>()
    };
    let pairs = |option| -> Vec<(String, String)> {
        let each = told(option).into_iter();
        each.filter_map(|text| {
            let (name, value) = text.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
    };
    let sweep = Sweep {
        values: pairs("sweep"),
        zip: told("zip"),
        exclude: told("exclude"),
        include: told("include"),
    };
    let sets = pairs("set");
    let overrides: Vec<(&str, &str)> = sets.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    match planned_at(&text, &overrides, &sweep) {
        Ok(_) => "no problem\n".to_owned(),
        Err(problems) => problems.render(),
    }
}

#[test]
fn broken_studies_are_met_with_their_words() {
    let bless = std::env::var_os("FLOW_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in broken_studies() {
        let (found, expected) = (words(&path), path.with_extension("stderr"));
        if bless {
            fs::write(&expected, &found).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if found != wanted || found == "no problem\n" {
            wrong.push(format!(
                "{}\n--- wanted\n{wanted}--- found\n{found}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_broken_study() {
    let codes = [
        include_str!("../../src/mistake/axis.rs"),
        include_str!("../../src/mistake/effect.rs"),
        include_str!("../../src/mistake/file.rs"),
        include_str!("../../src/mistake/node.rs"),
        include_str!("../../src/mistake/param.rs"),
        include_str!("../../src/mistake/source.rs"),
    ];
    let quoted = codes.iter().flat_map(|text| text.split('"'));
    let is_code = |word: &&str| {
        word.len() == 3 && word.starts_with('P') && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let codes: Vec<&str> = quoted.filter(is_code).collect();
    assert!(codes.len() > 60);
    let words: String = broken_studies().iter().map(|path| words(path)).collect();
    let unseen = codes
        .iter()
        .filter(|code| !words.contains(&format!("error[{code}]")));
    assert_eq!(unseen.collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(broken_studies().len() >= 60);
}

#[test]
fn layout_keeps_every_meaning() {
    let mut laid = 0;
    for path in broken_studies() {
        let text = fs::read_to_string(&path).unwrap();
        // What is no TOML is refused; all else must come out with its meaning, which `formatted` compares.
        match flow_plan::formatted(&text, "pipeline.toml") {
            Ok(once) => {
                let twice = flow_plan::formatted(&once, "pipeline.toml").unwrap();
                assert_eq!(once, twice, "{}", path.display());
                laid += 1;
            }
            Err(error) => assert!(
                matches!(error, flow_plan::LayoutError::NotToml(_)),
                "{}: {error}",
                path.display()
            ),
        }
    }
    assert!(laid > 100);
}
