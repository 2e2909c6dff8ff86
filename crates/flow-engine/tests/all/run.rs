//! What runs and what does not.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use crate::lab::Lab;
use flow_engine::{Event, Standing};

const CHAIN: &str = r#"
[node.a]
kind = "join"
of = { file = "source.txt" }
[node.b]
kind = "join"
of = "a.out"
letters = "first"
[node.c]
kind = "join"
of = "b.out"
"#;

const SWEEP: &str = r#"
[params]
epsilon = [1, 2]
[node.items]
kind = "rows"
from = { file = "items.txt" }
[node.one]
kind = "say"
for_each = { item = "items.table" }
words = "$item"
[node.two]
kind = "join"
for_each = { item = "items.table", rule = ["e($epsilon)", "ab"] }
of = "one.out"
end = "$rule"
[node.all]
kind = "join"
for_each = { rule = ["e($epsilon)", "ab"] }
of = "two.out"
publish = { out = "all $rule.txt" }
"#;

fn chain() -> Lab {
    let lab = Lab::new(CHAIN);
    lab.write("source.txt", "word");
    lab
}

fn sweep() -> Lab {
    let lab = Lab::new(SWEEP);
    lab.write("items.txt", "x\ny\n");
    lab
}

#[test]
fn a_second_run_computes_nothing() {
    let lab = chain();
    assert_eq!(lab.run().counts(), [3, 0, 0, 0]);
    assert_eq!(lab.run().counts(), [0, 3, 0, 0]);
}

#[test]
fn a_comment_in_the_study_and_a_touch_rerun_nothing() {
    let lab = chain();
    lab.run();
    lab.study(&format!("# nothing\n{CHAIN}"));
    let file = fs::File::options()
        .append(true)
        .open(lab.path("source.txt"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(lab.run().counts(), [0, 3, 0, 0]);
}

#[test]
fn a_node_that_gives_the_same_bytes_stops_the_wave() {
    let lab = chain();
    lab.run();
    lab.write("source.txt", "wonder");
    assert_eq!(lab.run().ran(), ["a", "b"]);
}

#[test]
fn instances_span_an_upstream_table_and_collect_by_shared_axes() {
    let lab = sweep();
    assert_eq!(lab.run().counts(), [1 + 2 + 6 + 3, 0, 0, 0]);
    assert_eq!(
        lab.read("reports/all e(2).txt"),
        "[item=x][]x;e(2);[item=y][]y;e(2);"
    );
    assert_eq!(lab.run().counts(), [0, 12, 0, 0]);
}

#[test]
fn a_new_point_runs_that_point_and_what_follows() {
    let lab = sweep();
    lab.run();
    lab.study(&SWEEP.replace("[1, 2]", "[1, 2, 3]"));
    assert_eq!(
        lab.run().ran(),
        [
            "all[rule=e(3)]",
            "two[item=x,rule=e(3)]",
            "two[item=y,rule=e(3)]"
        ]
    );
}

#[test]
fn a_changed_list_adds_instances_without_touching_others() {
    let lab = sweep();
    lab.run();
    lab.write("items.txt", "x\ny\nz\n");
    let ran = lab.run().ran();
    assert_eq!(ran.len(), 1 + 1 + 3 + 3, "{ran:?}");
    assert!(ran.contains(&"one[item=z]".to_owned()) && !ran.contains(&"one[item=x]".to_owned()));
}

#[test]
fn a_target_runs_only_what_it_needs() {
    let mut lab = sweep();
    lab.targets = vec!["two[item=y,rule=ab]"];
    assert_eq!(
        lab.run().ran(),
        ["items", "one[item=y]", "two[item=y,rule=ab]"]
    );
    lab.targets = vec!["all[rule=ab]"];
    assert_eq!(
        lab.run().ran(),
        ["all[rule=ab]", "one[item=x]", "two[item=x,rule=ab]"]
    );
}

#[test]
fn two_job_counts_give_the_same_bytes() {
    let digests = [1, 2, 7].map(|jobs| {
        let mut lab = sweep();
        lab.jobs = jobs;
        lab.run().digests()
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn independent_instances_run_at_the_same_time() {
    let lab = Lab::new(
        "[node.m]\nkind = \"meet\"\nfor_each = { name = [\"left\", \"right\"] }\nname = \"$name\"\n",
    );
    assert_eq!(lab.run().counts(), [2, 0, 0, 0]);
}

const FAILING: &str = r#"
[node.good]
kind = "say"
words = "good"
[node.bad]
kind = "say"
words = "fail"
[node.after]
kind = "join"
of = "bad.out"
[node.apart]
kind = "join"
of = "good.out"
"#;

#[test]
fn a_failure_keeps_what_is_done_and_says_what_it_stopped() {
    let mut lab = Lab::new(FAILING);
    lab.keep_going = true;
    let did = lab.run();
    assert_eq!(did.counts(), [2, 0, 1, 1]);
    let skipped = Event::Skipped {
        instance: "after".into(),
        because: "bad".into(),
    };
    assert!(did.events.contains(&skipped));
    lab.study(&FAILING.replace("fail", "well"));
    assert_eq!(lab.run().ran(), ["after", "bad"]);
}

#[test]
fn a_panic_is_a_failure_and_marks_a_bug() {
    let lab = Lab::new(&FAILING.replace("fail", "panic"));
    let did = lab.run();
    assert!(did.summary.bug && did.summary.failed == 1);
}

#[test]
fn a_missing_file_is_named_and_fails_only_its_node() {
    let mut lab = chain();
    lab.keep_going = true;
    fs::remove_file(lab.path("source.txt")).unwrap();
    let did = lab.run();
    assert_eq!(did.counts(), [0, 0, 1, 2]);
    let named = did.events.iter().any(
        |event| matches!(event, Event::Failed { error, .. } if error.what.contains("source.txt")),
    );
    assert!(named);
}

pub(crate) fn flip_a_bit_of_every_pack(lab: &Lab) {
    for entry in fs::read_dir(lab.path("cache/packs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let mut bytes = fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Command::new("chmod")
                .arg("u+w")
                .arg(&path)
                .status()
                .unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn a_damaged_blob_is_computed_again_before_anyone_reads_it() {
    let lab = chain();
    lab.run();
    let whole = lab.run().digests();
    // The last blob written is c's output; a new reader of it must not see the flipped bit.
    flip_a_bit_of_every_pack(&lab);
    lab.study(&format!(
        "{CHAIN}\n[node.d]\nkind = \"join\"\nof = \"c.out\"\n"
    ));
    let did = lab.run();
    assert_eq!(did.counts()[2], 0, "{:?}", did.events);
    let digests = did.digests();
    assert!(
        whole
            .iter()
            .all(|(output, digest)| digests.get(output) == Some(digest))
    );
}

#[test]
fn a_published_file_that_was_edited_is_restored() {
    let lab = sweep();
    lab.run();
    lab.write("reports/all ab.txt", "edited");
    assert_eq!(lab.run().counts(), [0, 12, 0, 0]);
    assert_eq!(
        lab.read("reports/all ab.txt"),
        "[item=x][]x;ab;[item=y][]y;ab;"
    );
}

#[test]
fn status_is_exact_down_to_the_first_miss() {
    let lab = sweep();
    lab.run();
    lab.study(&SWEEP.replace("[1, 2]", "[1, 5]"));
    let standing = |name: &str| {
        let surveyed = lab.survey();
        surveyed
            .into_iter()
            .find(|one| one.address.to_string() == name)
            .unwrap()
            .standing
    };
    assert!(matches!(standing("one[item=x]"), Standing::Current { .. }));
    assert!(matches!(
        standing("two[item=x,rule=e(5)]"),
        Standing::Stale(_)
    ));
    assert!(matches!(standing("all[rule=e(5)]"), Standing::DependsOn(_)));
    assert!(matches!(standing("all[rule=ab]"), Standing::Current { .. }));
}

#[test]
fn why_names_the_first_part_that_differs() {
    let lab = chain();
    lab.run();
    lab.write("source.txt", "other");
    let surveyed = lab.survey();
    let Standing::Stale(why) = &surveyed[0].standing else {
        panic!("{surveyed:?}")
    };
    let words = why.to_string();
    assert!(
        words.contains("inputs.of (source.txt)") && words.contains(" was "),
        "{words}"
    );
}

#[test]
fn commands_run_in_a_folder_of_their_own() {
    let lab = Lab::new(
        r#"
[node.upper]
kind = "command"
shell = "tr a-z A-Z < {in} > {out} && ls -A | tr '\n' ' ' > seen.txt"
inputs = { in = { file = "source.txt" } }
outputs = { out = "made/upper.txt", seen = "seen.txt" }
publish = { out = "upper.txt", seen = "seen.txt" }
[node.broken]
kind = "command"
shell = "echo no luck >&2; exit 3"
outputs = { out = "x" }
"#,
    );
    lab.write("source.txt", "word");
    lab.write("other.txt", "not declared");
    let did = lab.run();
    assert_eq!(lab.read("reports/upper.txt"), "WORD");
    let seen = lab.read("reports/seen.txt");
    assert!(
        seen.contains("source.txt") && !seen.contains("other.txt"),
        "{seen}"
    );
    let words = did.events.iter().find_map(|event| match event {
        Event::Failed { error, .. } => error.why.clone(),
        _ => None,
    });
    assert_eq!(words.as_deref(), Some("no luck"));
}

#[test]
fn a_chain_of_two_thousand_nodes_runs_and_rests() {
    let mut study = "[node.n0]\nkind = \"say\"\nwords = \"w\"\n".to_owned();
    for i in 1..2000 {
        study.push_str(&format!(
            "[node.n{i}]\nkind = \"join\"\nof = \"n{}.out\"\nletters = \"first\"\nend = \"{i}\"\n",
            i - 1
        ));
    }
    let lab = Lab::new(&study);
    assert_eq!(lab.run().counts(), [2000, 0, 0, 0]);
    lab.study(&study.replace("words = \"w\"", "words = \"wx\""));
    assert_eq!(lab.run().ran(), ["n0", "n1"]);
}

/// A node of so many instances, from a number on.
fn fan(from: usize, to: usize) -> String {
    format!("[node.one]\nkind = \"say\"\nfor_each = {{ i = \"{from}..{to}\" }}\nwords = \"$i\"\n")
}

#[test]
fn jobs_begin_before_all_of_many_are_looked_up_and_after_all_of_few() {
    for (count, early) in [(300, true), (40, false)] {
        let lab = Lab::new(&fan(1, count));
        lab.run();
        lab.study(&fan(0, count));
        let did = lab.run();
        assert_eq!(did.counts(), [1, count - 1, 0, 0]);
        let place = |wanted: &dyn Fn(&Event) -> bool| did.events.iter().position(wanted).unwrap();
        let began = place(&|event| matches!(event, Event::Started { .. }));
        let last = format!("one[i={}]", count - 1);
        let found =
            place(&|event| matches!(event, Event::Cached { instance, .. } if *instance == last));
        assert_eq!(began < found, early, "{count}");
    }
}

#[test]
fn a_run_that_is_to_stop_looks_no_more_up() {
    let lab = Lab::new(&fan(0, 10));
    lab.run();
    lab.stop.store(true, Ordering::Relaxed);
    assert_eq!(lab.run().counts(), [0, 0, 0, 10]);
    lab.stop.store(false, Ordering::Relaxed);
    assert_eq!(lab.run().counts(), [0, 10, 0, 0]);
}
