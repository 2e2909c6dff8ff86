//! Studies to begin with, and what helps to write them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::sandbox::Sandbox;

/// Templates that need neither data nor Python, so that they can be run anywhere.
const RUN_ANYWHERE: [&str; 2] = ["blank", "sweep"];

/// The names of all templates, as `flow init` lists them.
fn templates(lab: &Sandbox) -> Vec<String> {
    let said = lab.flow(&["init", "x", "--template", "no such"]);
    assert_eq!(said.code, 2);
    let lines = said.err.lines().filter(|line| line.starts_with("    "));
    lines
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

#[test]
fn every_template_plans_and_is_laid_out() {
    let lab = Sandbox::empty();
    let names = templates(&lab);
    assert!(names.len() >= 3, "{names:?}");
    for name in &names {
        let said = lab.flow(&["init", name, "--template", name]);
        assert_eq!(said.code, 0, "{name}: {}", said.err);
        for command in [&["check"][..], &["fmt", "--check"]] {
            let said = lab.flow(&[command, &["-C", name]].concat());
            assert_eq!(said.code, 0, "{name}: {}", said.err);
        }
        let study = lab.read(&format!("{name}/pipeline.toml"));
        assert!(study.starts_with("#:schema ./flow.schema.json\n"), "{name}");
    }
}

#[test]
fn init_overwrites_nothing() {
    let lab = Sandbox::new("# mine\n");
    let said = lab.flow(&["init", "--template", "sweep"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is there already"), "{}", said.err);
    assert_eq!(lab.read("pipeline.toml"), "# mine\n");
    assert!(!lab.path("flow.schema.json").exists(), "all files or none");
}

#[test]
fn init_says_what_a_gitignore_that_was_there_lacks() {
    let lab = Sandbox::empty();
    lab.write(".gitignore", "*.pyc\n/cache/\n");
    let said = lab.flow(&["init"]);
    assert!(
        said.out.contains("to which these belong: /reports/\n"),
        "{}",
        said.out
    );
    let again = lab.flow(&["init"]);
    assert!(again.code == 2 && again.out.is_empty(), "{}", again.out);
    lab.write(".gitignore", "/reports/\n/cache/\n");
    std::fs::remove_file(lab.path("pipeline.toml")).unwrap();
    std::fs::remove_file(lab.path("flow.schema.json")).unwrap();
    assert!(!lab.flow(&["init"]).out.contains("gitignore"));
}

#[test]
fn init_begins_where_it_is_told() {
    let lab = Sandbox::empty();
    assert_eq!(lab.flow(&["init", "-C", "a", "b"]).code, 0);
    assert_eq!(lab.flow(&["init", "-C", "c"]).code, 0);
    assert_eq!(lab.flow(&["init", "d"]).code, 0);
    for folder in ["a/b", "c", "d"] {
        assert!(lab.path(folder).join("pipeline.toml").exists(), "{folder}");
    }
    assert!(!lab.path("pipeline.toml").exists());
}

#[test]
fn templates_run() {
    for name in RUN_ANYWHERE {
        let lab = Sandbox::empty();
        lab.flow(&["init", "--template", name]);
        let [ran, cached, failed, skipped] = lab.run(&[]).counts();
        assert_eq!((cached, failed, skipped), (0, 0, 0), "{name}");
        assert_eq!(lab.run(&[]).counts(), [0, ran, 0, 0], "{name}");
    }
}

#[test]
fn one_more_point_of_a_sweep_runs_that_point_and_what_gathers_it() {
    let lab = Sandbox::empty();
    lab.flow(&["init", "--template", "sweep"]);
    lab.run(&[]);
    let said = lab.run(&["--set", "epsilon=log(1e-3, 1000, 7)"]);
    let wanted = [
        "figure",
        "relevance[fold=1,rule=epsilon(1000)]",
        "relevance[fold=2,rule=epsilon(1000)]",
        "shares[rule=epsilon(1000)]",
    ];
    assert_eq!(said.ran(), wanted);
}

#[test]
fn fmt_changes_spaces_and_keeps_words() {
    let lab = Sandbox::new("[study]\nname='x' # why\n[node.n]\nkind=\"cohort\"\nsubjects  = 3\n");
    let said = lab.flow(&["fmt", "--check"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("first in line 2"), "{}", said.err);
    let study = lab.path("pipeline.toml");
    fs::set_permissions(&study, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(lab.flow(&["fmt"]).code, 0);
    assert_eq!(fs::metadata(&study).unwrap().mode() & 0o777, 0o600);
    let wanted = "[study]\nname = 'x' # why\n\n[node.n]\nkind = \"cohort\"\nsubjects = 3\n";
    assert_eq!(lab.read("pipeline.toml"), wanted);
    assert_eq!(lab.flow(&["fmt", "--check"]).code, 0);
}

#[test]
fn a_study_in_another_encoding_is_refused_with_its_line() {
    let lab = Sandbox::empty();
    lab.write("pipeline.toml", b"[study]\nname = \"caf\xe9\"\n");
    let said = lab.flow(&["check"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("not UTF-8, first in line 2"),
        "{}",
        said.err
    );
}

#[test]
fn problems_come_as_json_where_json_is_asked_for() {
    let lab = Sandbox::new("[node.n]\nkind = \"cohort\"\nsubjets = 3\n[nodes.m]\n");
    let said = lab.flow(&["check", "--json"]);
    assert_eq!(said.code, 2);
    let problems = said.last()["problems"].clone();
    let lines: Vec<_> = problems.as_array().unwrap().iter().collect();
    assert!(
        lines
            .iter()
            .any(|p| p["line"] == 3 && p["help"].is_string())
    );
    assert!(lines.iter().any(|p| p["line"] == 4), "{problems}");
}

#[test]
fn shells_and_man_know_every_command() {
    let lab = Sandbox::empty();
    for shell in ["bash", "zsh", "fish"] {
        let said = lab.flow(&["completions", shell]);
        assert!(said.out.contains("status") && said.out.contains("keep-going"));
    }
    let bash = lab.flow(&["completions", "bash"]).out;
    assert!(
        bash.contains("activity") && bash.contains("paper"),
        "templates"
    );
    let page = lab.flow(&["man"]).out;
    assert!(page.contains(".TH flow 1"), "{page}");
    assert!(
        !lab.path("flow.1").exists(),
        "a page asked for is not a file"
    );
    assert_eq!(lab.flow(&["man", "pages"]).code, 0);
    assert!(lab.read("pages/flow-run.1").contains("keep"));
}
