//! The grammar's page: every example runs as it stands, in a folder with the files it names.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

const PAGE: &str = include_str!("../../crates/flow-plan/src/grammar.rs");

/// The examples between fences, without the marks of a comment.
fn examples() -> Vec<String> {
    let lines = PAGE.lines().map(|line| {
        let line = line.trim_start_matches("//!");
        line.strip_prefix(' ').unwrap_or(line)
    });
    let page = lines.collect::<Vec<_>>().join("\n");
    let rest = page.split("```toml\n").skip(1);
    rest.filter_map(|rest| rest.split("```").next().map(str::to_owned))
        .collect()
}

/// A folder with the files that the examples name.
fn lab(study: &str) -> Sandbox {
    let lab = Sandbox::new(study);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/grammar");
    for folder in ["", "notes", "tables"] {
        for entry in fs::read_dir(files.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&files).unwrap();
                lab.write(name.to_str().unwrap(), fs::read(&path).unwrap());
            }
        }
    }
    lab
}

#[test]
fn every_example_of_the_grammar_runs() {
    let examples = examples();
    assert_eq!(examples.len(), 9);
    for example in examples {
        let lab = lab(&example);
        let said = lab.flow(&["run", "--json"]);
        assert_eq!(said.code, 0, "{example}\n{}", said.err);
        let [ran, cached, failed, skipped] = said.counts();
        assert!(ran > 0 && failed + skipped == 0, "{example}");
        let again = lab.run(&[]).counts();
        assert_eq!(again, [0, ran + cached, 0, 0], "{example}");
    }
}

#[test]
fn the_example_of_a_sweep_walks_zips_leaves_out_and_adds() {
    let examples = examples();
    let example = examples
        .iter()
        .find(|text| text.contains("count = \"$count\""));
    let lab = lab(example.unwrap());
    let sweep = ["--sweep", "count=[3,5]", "--sweep", "test=[1,2]"];
    let folds = |more: &[&str]| {
        let said = lab.run(&[&sweep[..], more].concat());
        let ran = said
            .ran()
            .into_iter()
            .filter(|one| one.starts_with("folds"));
        ran.collect::<Vec<_>>()
    };
    let zipped = folds(&["--zip", "count,test"]);
    assert_eq!(zipped, ["folds[count=3,test=1]", "folds[count=5,test=2]"]);
    // What the zip made is there already.
    let others = folds(&["--exclude", "count=5,test=1", "--include", "count=4,test=1"]);
    assert_eq!(others, ["folds[count=3,test=2]", "folds[count=4,test=1]"]);
    let table = "reports/count=4/test=1/tables/folds.csv";
    assert_eq!(
        lab.read(table).lines().count(),
        1 + 4,
        "a head and four folds"
    );
}
