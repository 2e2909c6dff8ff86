//! Large studies: they must work; how long they take is printed, not asserted.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::toys::planned;

/// The least time of five, with what came out.
fn timed<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut best = Duration::MAX;
    let mut last = None;
    for _ in 0..5 {
        // What came before is dropped outside the time.
        drop(last.take());
        let start = Instant::now();
        last = Some(work());
        best = best.min(start.elapsed());
    }
    let words = format!("{what}: {:.1} ms\n", best.as_secs_f64() * 1e3);
    std::io::stderr().write_all(words.as_bytes()).unwrap();
    last.unwrap()
}

#[test]
fn ten_thousand_nodes_in_a_chain() {
    let mut text = String::from("[node.n0]\nkind = \"folds\"\n");
    for i in 1..10_000 {
        let before = i - 1;
        let _ = writeln!(
            text,
            "[node.n{i}]\nkind = \"folds\"\ntables = \"n{before}.table\"\ncount = 3"
        );
    }
    let plan = timed("plan of 10,000 nodes", || planned(&text).unwrap());
    assert_eq!(plan.order().len(), 10_000);
    assert_eq!(plan.order()[9_999].index(), 9_999);
}

#[test]
fn ten_thousand_instances() {
    let text = r#"
        [params]
        epsilon = "log(1e-3, 1e3, 1000)"
        [node.a]
        kind = "folds"
        for_each = { fold = "2..12", rule = ["epsilon($epsilon)"] }
        exclude = [{ fold = 3, rule = "epsilon(0.001)" }]
        count = "$fold"
        publish = { table = "tables/$fold/$rule.csv" }
        [node.b]
        kind = "folds"
        for_each = { fold = "2..12", rule = ["epsilon($epsilon)"] }
        exclude = [{ fold = 3, rule = "epsilon(0.001)" }]
        tables = "a.table"
    "#;
    let plan = timed("plan of 2 × 10,000 instances", || planned(text).unwrap());
    let points = timed("10,000 points", || {
        plan.nodes()[0].static_points().unwrap().unwrap()
    });
    assert_eq!(points.len(), 9_999);
}

#[test]
fn a_hundred_thousand_wide() {
    let text = "[node.a]\nkind='folds'\nfor_each={ i = '0..1000', j = '0..100' }\nseed='$i'";
    let plan = timed("plan of 100,000 wide", || planned(text).unwrap());
    let points = timed("100,000 points", || {
        plan.nodes()[0].static_points().unwrap().unwrap()
    });
    assert_eq!(points.len(), 100_000);
    assert_eq!(points[99_999].labels.to_string(), "i=999,j=99");
}

#[test]
fn ten_thousand_mistakes() {
    let mut text = String::new();
    for i in 0..10_000 {
        let _ = writeln!(text, "[node.n{i}]\nkind = \"fodls\"");
    }
    let problems = timed("10,000 mistakes", || planned(&text).unwrap_err());
    assert_eq!(problems.count(), 10_000);
    timed("10,000 mistakes in words", || problems.render());
}

#[test]
fn ten_thousand_unknown_sources() {
    let mut text = String::new();
    for i in 0..10_000 {
        let _ = writeln!(
            text,
            "[node.n{i}]\nkind = \"folds\"\ntables = \"m{i}.table\""
        );
    }
    let problems = timed("10,000 unknown nodes", || planned(&text).unwrap_err());
    assert_eq!(problems.count(), 10_000);
}
