//! Commands: what they see, what they are made from, what is kept of them, what they make many of.

use flow_engine::{Event, Standing, Why};

use crate::lab::Lab;

fn failure(lab: &Lab) -> String {
    let did = lab.run();
    assert_eq!(did.counts()[2], 1, "{:?}", did.events);
    did.errors()
}

#[test]
fn a_program_and_a_script_are_inputs_by_content() {
    let lab = Lab::new(
        "[node.c]\nkind = \"command\"\nrun = [\"sh\", \"say.sh\", \"{word}\"]\nparams = { word = \"hi\" }\n\
         publish = { stdout = \"said\" }\n",
    );
    lab.write(
        "say.sh",
        "echo $1 $PARAM_WORD; grep -c '\"word\": \"hi\"' flow.json",
    );
    assert_eq!(lab.run().ran(), ["c"]);
    assert_eq!(lab.read("reports/said"), "hi hi\n1\n");
    assert!(lab.run().ran().is_empty());
    lab.write("say.sh", "echo other");
    let survey = lab.survey();
    let Standing::Stale(Why::Changed(difference)) = &survey[0].standing else {
        panic!("{survey:?}");
    };
    assert_eq!(difference.part, "inputs.run.file[path=say.sh]");
    let (_, recipe) = survey[0].recipe.as_ref().unwrap();
    let words = recipe.words();
    let program = words
        .iter()
        .find(|(part, _)| part == "inputs.run.program[name=sh].name");
    assert!(program.is_some(), "{words:?}");
    let folder = lab.path("").display().to_string();
    assert!(
        words.iter().all(|(_, value)| !value.contains(&folder)),
        "{words:?}"
    );
    assert_eq!(lab.run().ran(), ["c"]);
}

#[test]
fn a_command_reads_only_what_it_declares_and_is_told_how_to() {
    let lab = Lab::new(
        "[node.c]\nkind = \"command\"\nshell = \"cat PLACE > o\"\noutputs = { out = \"o\" }\n",
    );
    lab.write("ages.csv", "1");
    let absolute = lab.path("ages.csv").display().to_string();
    for place in [absolute.as_str(), "./../../../../ages.csv"] {
        lab.study(&format!(
            "[node.c]\nkind = \"command\"\nshell = \"cat {place} > o\"\noutputs = {{ out = \"o\" }}\n"
        ));
        let words = failure(&lab);
        assert!(words.contains("ended with"), "{words}");
        if place == absolute {
            let line = r#"inputs = { ages = { file = \"ages.csv\" } }"#;
            assert!(words.contains(line), "{words}");
        }
    }
    let shell = format!("echo x > {absolute}; touch o");
    lab.study(&format!(
        "[node.c]\nkind = \"command\"\nshell = \"{shell}\"\noutputs = {{ out = \"o\" }}\n"
    ));
    lab.run();
    assert_eq!(lab.read("ages.csv"), "1");
    lab.study(&format!(
        "[node.c]\nkind = \"command\"\nshell = \"cat {absolute} > o\"\noutputs = {{ out = \"o\" }}\nreads = [\"ages.csv\"]\n"
    ));
    assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
}

#[test]
fn what_a_command_says_is_kept_also_when_it_fails() {
    let lab = Lab::new(
        "[node.c]\nkind = \"command\"\nshell = \"echo said; echo complained >&2; exit 3\"\n",
    );
    let did = lab.run();
    let said = did.events.iter().find_map(|event| match event {
        Event::Failed { error, .. } => Some(error.said.clone()),
        _ => None,
    });
    let said = said.unwrap();
    assert_eq!(said.keys().collect::<Vec<_>>(), ["stderr", "stdout"]);
    assert!(did.errors().contains("complained"), "{}", did.errors());
}

#[test]
fn a_shell_line_takes_a_path_for_one_word_quoted_or_not() {
    for (line, said) in [
        ("echo a > {out}; ls", "my $1 'file'.txt"),
        ("echo a > \\\"{out}\\\"; ls", "my $1 'file'.txt"),
        ("echo a > '{out}'; ls", "my $1 'file'.txt"),
    ] {
        let lab = Lab::new(&format!(
            "[node.c]\nkind = \"command\"\nshell = \"{line}\"\noutputs = {{ out = \"my $$1 'file'.txt\" }}\n\
             publish = {{ out = \"made\", stdout = \"seen\" }}\n"
        ));
        assert_eq!(lab.run().counts(), [1, 0, 0, 0], "{line}");
        assert_eq!(lab.read("reports/made"), "a\n");
        assert!(
            lab.read("reports/seen").lines().any(|name| name == said),
            "{line}"
        );
    }
}

#[test]
fn an_output_that_is_not_what_its_name_says_is_refused_unless_any_file_will_do() {
    let study = |outputs: &str, words: &str| {
        format!(
            "[node.c]\nkind = \"command\"\nshell = \"mkdir p; printf {words} | tee a.toy > p/b.toy\"\noutputs = {{ {outputs} }}\n"
        )
    };
    for outputs in ["out = \"a.toy\"", "out = \"p/*.toy\""] {
        let lab = Lab::new(&study(outputs, "cut-of"));
        let words = failure(&lab);
        for part in ["is no whole toy file", "full stop", "type = \\\"file\\\""] {
            assert!(words.contains(part), "{words}");
        }
        lab.study(&study(outputs, "whole."));
        assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
    }
    let any = study("out = { path = \"a.toy\", type = \"file\" }", "cut-of");
    assert_eq!(Lab::new(&any).run().counts(), [1, 0, 0, 0]);
}

const SPLIT: &str = r#"
[node.split]
kind = "command"
shell = "while read n w; do echo $$w > {parts}/$$n.txt; done < {list}"
inputs = { list = { file = "list" } }
outputs = { parts = "parts/*.txt" }
[node.each]
kind = "one"
for_each = { part = "split.parts" }
of = "split.parts"
[node.next]
kind = "join"
for_each = { part = "split.parts" }
of = "each.out"
publish = { out = "next/$part" }
[node.all]
kind = "join"
of = "split.parts"
publish = { out = "all" }
"#;

#[test]
fn what_cannot_be_kept_is_refused_by_its_name() {
    for (shell, path, words) in [
        ("mkfifo o", "o", "made `o` no file"),
        ("mkdir p; touch p/a; mkfifo p/b", "p/*", "`b` is no file"),
        ("mkdir p; ln -s nowhere p/b", "p/*", "`b` is no file"),
        (
            r#"mkdir p; touch p/a "$(printf 'p/\377')""#,
            "p/*",
            "not UTF-8",
        ),
    ] {
        let lab = Lab::new(&format!(
            "[node.c]\nkind = \"command\"\nshell = '''{shell}'''\noutputs = {{ out = \"{path}\" }}\n"
        ));
        let told = failure(&lab);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn files_a_command_made_span_an_axis_and_a_changed_list_touches_only_its_own() {
    let lab = Lab::new(SPLIT);
    lab.write("list", "a one\nb two\n");
    let ran = lab.run().ran();
    let first = [
        "all",
        "each[part=a]",
        "each[part=b]",
        "next[part=a]",
        "next[part=b]",
        "split",
    ];
    assert_eq!(ran, first);
    assert_eq!(lab.read("reports/next/b"), "[]two\n;");
    assert_eq!(
        lab.read("reports/all"),
        "[file=a.txt]one\n;[file=b.txt]two\n;"
    );
    assert!(lab.run().ran().is_empty());
    lab.write("list", "b two\nc three\n");
    assert_eq!(
        lab.run().ran(),
        ["all", "each[part=c]", "next[part=c]", "split"]
    );
    lab.write("list", "b other\nc three\n");
    assert_eq!(
        lab.run().ran(),
        ["all", "each[part=b]", "next[part=b]", "split"]
    );
    lab.write("list", "c three\n");
    let did = lab.run();
    assert_eq!(did.ran(), ["all", "split"]);
    assert_eq!(did.counts()[1], 2);
}
