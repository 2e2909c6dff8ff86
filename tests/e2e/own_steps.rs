//! A researcher's own CSV files and scripts: what is compared, named and said.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

const STUDY: &str = r#"
[params]
scale = 2

[node.scaled]
kind = "command"
for_each = { part = { files = "data/*.csv" } }
run = ["sh", "scale.sh", "{table}", "{scale}", "{out}"]
inputs = { table = { file = "$part.path" } }
params = { scale = "$scale" }
outputs = { out = "scaled.csv" }

[node.all]
kind = "command"
shell = "cat {parts} > {out}"
inputs = { parts = "scaled.out" }
outputs = { out = "all.txt" }
publish = { out = "all.txt" }
"#;

const SCRIPT: &str =
    "echo id,n > $3; while IFS=, read -r id n; do echo $id,$((n * $2)) >> $3; done < $1\n";

fn lab() -> Sandbox {
    let lab = Sandbox::new(STUDY);
    lab.write("scale.sh", SCRIPT);
    lab.write("data/a.csv", "007,1\n008,2\n");
    lab.write("data/b.csv", "009,3\n");
    lab
}

#[test]
fn csv_of_a_command_is_compared_and_exported_like_a_table() {
    let lab = lab();
    let first = lab.run(&[]).out;
    let run = |out: &str| {
        let line = out.lines().next().unwrap();
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["run"].as_str().unwrap().to_owned()
    };
    let second = lab.run(&["--set", "scale=3"]).out;
    let told = lab.flow(&["diff", &run(&first), &run(&second)]);
    assert!(told.out.contains("id=007: n 2 → 3"), "{}", told.out);
    let over = [
        "compare",
        "scaled.out.n",
        "--over",
        "scale",
        "--sweep",
        "scale=[2,3]",
        "--csv",
    ];
    let told = lab.flow(&over);
    assert!(told.out.contains("\n3,3,6,"), "{}{}", told.out, told.err);
    let to = ["export", "scaled[part=a].out", "--to", "csv", "--out", "-"];
    assert_eq!(lab.flow(&to).out, "id,n\n007,2\n008,4\n");
    assert_eq!(lab.flow(&["export", "all.out", "--to", "csv"]).code, 2);
}

#[test]
fn the_files_of_an_output_are_compared_by_name() {
    let lab = Sandbox::new(
        r#"
[node.split]
kind = "command"
shell = "mkdir p; for n in 3 5; do printf 'v\n%s\n' $$n > p/$$n.csv; done"
outputs = { parts = "p/*.csv" }
"#,
    );
    lab.run(&[]);
    let told = lab.flow(&["compare", "split.parts.v", "--over", "file", "--csv"]);
    assert!(
        told.out.contains("\n3.csv,1,3,,3,3\n5.csv,1,5,"),
        "{}{}",
        told.out,
        told.err
    );
}

#[test]
fn a_study_runs_in_a_folder_named_like_a_pattern() {
    let (lab, outer) = (lab(), Sandbox::empty());
    let folder = outer.path("a[b]*?");
    fs::create_dir(&folder).unwrap();
    for name in ["pipeline.toml", "scale.sh", "data"] {
        fs::rename(lab.path(name), folder.join(name)).unwrap();
    }
    let said = outer.flow(&["run", "--json", "-C", "a[b]*?"]);
    assert_eq!(said.counts(), [3, 0, 0, 0], "{}", said.err);
    let said = outer.flow(&["where", "reports/all.txt", "-C", "a[b]*?"]);
    assert!(
        said.out.contains("file data/b.csv"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn what_is_not_found_is_told_where_it_may_be() {
    let lab = lab();
    let below = Command::new(env!("CARGO_BIN_EXE_flow"))
        .arg("status")
        .current_dir(lab.path("data"))
        .output()
        .unwrap();
    let err = String::from_utf8(below.stderr).unwrap();
    let folder = fs::canonicalize(lab.path("")).unwrap();
    assert_eq!(below.status.code(), Some(2));
    assert!(
        err.contains(&format!("add `-C '{}'`", folder.display())),
        "{err}"
    );
    let said = lab.flow(&["why", "nothing-like-it"]);
    assert!(
        said.err.contains("there are `scaled`, `all`"),
        "{}",
        said.err
    );
}

#[test]
fn an_answer_that_is_lost_is_a_failure() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    let said = Command::new(env!("CARGO_BIN_EXE_flow"))
        .arg("kinds")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let err = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(err.contains("writing the answer to stdout"), "{err}");
}

#[test]
fn an_axis_that_decides_nothing_is_doubted() {
    let study = STUDY.replace("[node.all]", "[node.all]\nfor_each = { fold = [1, 2] }");
    let study = study.replace("publish = { out = \"all.txt\" }", "");
    let lab = Sandbox::new(&study);
    let said = lab.flow(&["check"]);
    let doubt = "warning axis `fold` of `all` decides nothing";
    assert!(said.code == 0 && said.err.contains(doubt), "{}", said.err);
    let told = lab.flow(&["check", "--json"]).last();
    assert!(
        told["warnings"][0]
            .as_str()
            .unwrap()
            .contains("axis `fold`")
    );
    assert_eq!(Sandbox::new(STUDY).flow(&["check"]).err, "");
}

#[test]
fn control_signs_in_names_reach_no_terminal() {
    let lab = lab();
    lab.write("data/\u{1b}[31mred.csv", "1,1\n");
    let said = lab.flow(&["status"]);
    assert!(said.out.contains("part=␛[31mred"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'));
}
