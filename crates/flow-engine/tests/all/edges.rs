//! What must be refused, with words, before it does harm.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use flow_engine::{EngineError, Event};

use crate::lab::Lab;

const TWO_TABLES: &str = r#"
[node.left]
kind = "rows"
lines = "x\ny"
[node.right]
kind = "rows"
from = { file = "right.txt" }
[node.made]
kind = "say"
for_each = { item = "left.table" }
words = "$item"
[node.taken]
kind = "one"
for_each = { item = "right.table" }
of = "made[item=$item].out"
"#;

#[test]
fn a_port_of_one_whose_partner_is_missing_is_an_error_that_names_it() {
    let mut lab = Lab::new(TWO_TABLES);
    lab.keep_going = true;
    lab.write("right.txt", "x\nz\n");
    let did = lab.run();
    assert_eq!(did.counts(), [5, 0, 1, 0]);
    let words = did.errors();
    assert!(
        words.contains("taken[item=z]") && words.contains("`made.out` with item=z"),
        "{words}"
    );
}

#[test]
fn a_selected_axis_does_not_narrow_what_a_target_needs() {
    let mut lab = Lab::new(&TWO_TABLES.replace("made[item=$item]", "made[item=x]"));
    lab.write("right.txt", "x\nz\n");
    lab.targets = vec!["taken[item=z]"];
    assert_eq!(lab.run().counts()[2..], [0, 0]);
}

#[test]
fn two_instances_never_publish_to_one_path() {
    let study = r#"
[node.items]
kind = "rows"
lines = "x\np-x"
[node.one]
kind = "say"
for_each = { item = "items.table" }
words = "$item"
publish = { out = "p-$item.txt" }
[node.two]
kind = "say"
for_each = { item = "items.table" }
words = "$item"
publish = { out = "$item.txt" }
"#;
    let mut lab = Lab::new(study);
    lab.keep_going = true;
    let did = lab.run();
    assert_eq!(did.counts(), [3, 0, 1, 0]);
    let words = did.errors();
    assert!(
        words.contains("two[item=p-x]") && words.contains("one[item=x]"),
        "{words}"
    );
    assert_eq!(lab.read("reports/p-x.txt"), "x");
}

#[test]
fn a_target_that_names_no_instance_is_an_error_with_some_that_exist() {
    let mut lab = Lab::new(TWO_TABLES);
    lab.write("right.txt", "x\n");
    lab.targets = vec!["made[item=q]"];
    match lab.try_run() {
        Err(EngineError::NoSuchInstance { target, some }) => {
            assert_eq!(target, "made[item=q]");
            assert_eq!(some, ["made[item=x]", "made[item=y]"]);
        }
        other => panic!("{:?}", other.map(|did| did.events)),
    }
}

#[test]
fn a_command_whose_output_has_another_form_fails_with_words() {
    let study = r#"
[node.made]
kind = "command"
shell = "echo item > {table}"
outputs = { table = { path = "t.parquet", type = "table" } }
"#;
    let did = Lab::new(study).run();
    assert_eq!(did.counts(), [0, 0, 1, 0]);
    let words = did.errors();
    assert!(
        words.contains("not a table as Parquet") && words.contains("item"),
        "{words}"
    );
}

#[test]
fn an_instance_that_cannot_be_published_counts_once() {
    let study = "[node.a]\nkind = \"say\"\nwords = \"w\"\npublish = { out = \"sub/a.txt\" }\n";
    let lab = Lab::new(study);
    lab.write("reports/sub", "a file where a folder should be");
    for _ in 0..2 {
        let did = lab.run();
        assert_eq!(did.counts(), [0, 0, 1, 0], "{:?}", did.events);
    }
    fs::remove_file(lab.path("reports/sub")).unwrap();
    assert_eq!(lab.run().counts(), [0, 1, 0, 0]);
    assert_eq!(lab.read("reports/sub/a.txt"), "w");
}

/// Flips the last bit of every large blob, keeping its times.
fn flip_large_blobs(lab: &Lab) {
    for folder in fs::read_dir(lab.path("cache/blobs")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            let mut bytes = fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&path, bytes).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
        }
    }
}

#[test]
fn a_damaged_blob_with_several_readers_is_computed_again_once() {
    let study = |readers: usize| {
        let mut study = "[node.big]\nkind = \"command\"\nshell = \"head -c 100000 /dev/zero > {out}\"\noutputs = { out = \"o\" }\n".to_owned();
        for n in 0..readers {
            study.push_str(&format!(
                "[node.r{n}]\nkind = \"join\"\nof = \"big.out\"\nend = \"{n}\"\n"
            ));
        }
        study
    };
    let mut lab = Lab::new(&study(0));
    lab.jobs = 4;
    lab.run();
    flip_large_blobs(&lab);
    lab.study(&study(6));
    let did = lab.run();
    assert_eq!(
        did.ran(),
        ["big", "r0", "r1", "r2", "r3", "r4", "r5"],
        "{:?}",
        did.events
    );
    let damaged = |event: &&Event| matches!(event, Event::Damaged { .. });
    assert_eq!(did.events.iter().filter(damaged).count(), 1);
    assert_eq!(did.counts()[2..], [0, 0]);
}

#[test]
fn a_damaged_blob_is_computed_again_to_be_published() {
    let study = "[node.big]\nkind = \"command\"\nshell = \"head -c 100000 /dev/zero > {out}\"\noutputs = { out = \"o\" }\n";
    let lab = Lab::new(study);
    lab.run();
    flip_large_blobs(&lab);
    lab.study(&format!("{study}publish = {{ out = \"big\" }}\n"));
    assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
    assert_eq!(fs::read(lab.path("reports/big")).unwrap(), vec![0; 100_000]);
}

#[test]
fn a_result_made_from_a_blob_that_changed_under_it_is_never_recorded() {
    let lab = Lab::new("");
    let blobs = lab.path("cache/blobs").display().to_string();
    // The first time it runs, the reader cuts its own input off in the cache, as a failing disk might.
    lab.study(&format!(
        r#"
[node.big]
kind = "command"
shell = "head -c 100000 /dev/zero > o"
outputs = {{ out = "o" }}
[node.size]
kind = "command"
inputs = {{ big = "big.out" }}
shell = "mkdir {outside} && chmod u+w {blobs}/*/* && truncate -s 50000 {blobs}/*/*; wc -c < big > o"
outputs = {{ out = "o" }}
writes = ["."]
publish = {{ out = "size" }}
"#,
        outside = lab.path("outside").display(),
    ));
    let did = lab.run();
    assert_eq!(did.ran(), ["big", "big", "size"], "{:?}", did.events);
    assert_eq!(lab.read("reports/size").trim(), "100000");
}

#[test]
fn another_node_that_gives_the_same_bytes_disturbs_no_reader() {
    let mut lab = Lab::new("");
    let outside = lab.path("outside").display().to_string();
    lab.jobs = 2;
    // While `reader` reads the blob of `first`, `second` gives the same bytes.
    lab.study(&format!(
        r#"
[node.first]
kind = "command"
shell = "head -c 100000 /dev/zero > o"
outputs = {{ out = "o" }}
[node.reader]
kind = "command"
inputs = {{ big = "first.out" }}
shell = "echo read >> {outside}; until test -e {outside}.given; do :; done; cp big o"
outputs = {{ out = "o" }}
writes = ["."]
[node.second]
kind = "command"
inputs = {{ big = "first.out" }}
shell = "until test -e {outside}; do :; done; cp big o"
outputs = {{ out = "o" }}
writes = ["."]
[node.third]
kind = "command"
inputs = {{ big = "second.out" }}
shell = "touch {outside}.given; cp big o"
outputs = {{ out = "o" }}
writes = ["."]
"#
    ));
    let did = lab.run();
    assert_eq!(did.ran(), ["first", "reader", "second", "third"]);
    assert_eq!(lab.read("outside").lines().count(), 1);
}

#[test]
fn the_value_of_an_axis_over_files_is_no_path_and_the_error_knows_the_path() {
    let study = |file: &str| {
        format!(
            "[node.taken]\nkind = \"join\"\nfor_each = {{ f = {{ files = \"in/*.txt\" }} }}\nof = {{ file = \"{file}\" }}\n"
        )
    };
    let lab = Lab::new(&study("$f"));
    lab.write("in/a.txt", "x");
    let words = lab.run().errors();
    assert!(words.contains("is `$f.path`"), "{words}");
    let lab = Lab::new(&study("$f.path"));
    lab.write("in/a.txt", "x");
    assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
}
