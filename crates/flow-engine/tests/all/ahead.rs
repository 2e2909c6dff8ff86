//! What was foreseen while an instance ran counts only if it holds when that is done.

use crate::lab::Lab;
use crate::run::flip_a_bit_of_every_pack;

const STUDY: &str = r#"
[node.a]
kind = "pause"
of = { file = "source.txt" }
[node.b]
kind = "join"
of = ["a.out", { file = "other.txt" }]
[node.c]
kind = "one"
of = "b.out"
publish = { out = "c.txt" }
"#;

fn lab() -> Lab {
    let lab = Lab::new(STUDY);
    lab.write("source.txt", "w");
    lab.write("other.txt", "x");
    assert_eq!(lab.run().counts(), [3, 0, 0, 0]);
    lab
}

#[test]
fn what_gives_the_same_ends_the_wave() {
    let lab = lab();
    lab.write("source.txt", "w and more");
    let did = lab.run();
    assert_eq!(did.counts(), [1, 2, 0, 0]);
    assert!(did.snapshot, "all that was read is known");
    lab.write("other.txt", "y");
    assert_eq!(lab.run().counts(), [2, 1, 0, 0]);
}

#[test]
fn what_gives_something_else_is_not_taken_for_what_was_supposed() {
    let lab = lab();
    lab.write("source.txt", "v");
    assert_eq!(lab.run().counts(), [3, 0, 0, 0]);
    assert_eq!(lab.read("reports/c.txt"), "[]v;[]x;");
    // What it gave before the last time is in the store, too.
    lab.write("source.txt", "w again");
    assert_eq!(lab.run().counts(), [1, 2, 0, 0]);
    assert_eq!(lab.read("reports/c.txt"), "[]w;[]x;");
}

#[test]
fn a_file_that_changes_meanwhile_is_read_as_it_is_then() {
    let lab = lab();
    let other = lab.path("other.txt");
    lab.write("source.txt", &format!("w\n{}\ny", other.display()));
    assert_eq!(lab.run().counts(), [3, 0, 0, 0]);
    assert_eq!(lab.read("reports/c.txt"), "[]w;[]y;");
}

#[test]
fn a_file_that_a_command_names_may_appear_meanwhile() {
    let lab = lab();
    lab.study(&format!(
        "{STUDY}{}",
        r#"
[node.d]
kind = "command"
inputs = { a = "a.out" }
shell = "if test -f note.txt; then cat note.txt > {out}; else echo none > {out}; fi"
outputs = { out = "d.txt" }
publish = { out = "d.txt" }
"#
    ));
    assert_eq!(lab.run().counts(), [1, 3, 0, 0]);
    assert_eq!(lab.read("reports/d.txt"), "none\n");
    let note = lab.path("note.txt");
    lab.write("source.txt", &format!("w\n{}\nnote", note.display()));
    assert_eq!(lab.run().counts(), [2, 2, 0, 0]);
    assert_eq!(lab.read("reports/d.txt"), "note");
}

#[test]
fn damage_to_what_was_foreseen_is_mended() {
    let lab = lab();
    lab.write("source.txt", "w once more");
    lab.study(&STUDY.replace("\"c.txt\"", "\"other name.txt\""));
    flip_a_bit_of_every_pack(&lab);
    let did = lab.run();
    assert_eq!(did.counts()[2..], [0, 0]);
    assert_eq!(lab.read("reports/other name.txt"), "[]w;[]x;");
}
