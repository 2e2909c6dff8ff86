//! What parsing, checking and planning cost: one JSON line a study, best and median of 21.
//!
//! `cargo run --release -p flow-plan --example bench_plan`

#![expect(clippy::print_stdout, reason = "the numbers are the output")]
#![expect(clippy::unwrap_used, reason = "a bench that can't go on fails")]

use std::fmt::Write as _;
use std::time::Instant;

#[path = "../tests/plan/toys.rs"]
#[expect(dead_code, reason = "the tests use more of the toys")]
mod toys;

use flow_plan::Sweep;
use toys::{owned, planned, planned_at};

const ROUNDS: usize = 21;

fn main() {
    let instances = instances();
    time("one node of 10,000 instances, with its instances", || {
        let plan = planned(&instances).unwrap();
        let points = plan.nodes()[0].static_points().unwrap().unwrap();
        assert_eq!(points.len(), 10_000);
    });
    let chain = chain(10_000);
    time("a chain of 10,000 nodes", || {
        assert_eq!(planned(&chain).unwrap().order().len(), 10_000);
    });
    let short = chain_with_param();
    let sweep = Sweep {
        values: owned(&[("count", "3..103")]),
        ..Sweep::default()
    };
    time("a chain of 100 nodes at 100 swept values", || {
        let plan = planned_at(&short, &[], &sweep).unwrap();
        assert_eq!(plan.nodes().len(), 10_000);
    });
}

fn instances() -> String {
    let text = r#"
        [params]
        epsilon = "log(1e-3, 1e3, 1000)"
        [node.a]
        kind = "folds"
        for_each = { fold = "2..12", rule = ["epsilon($epsilon)"] }
        count = "$fold"
        publish = { table = "tables/$fold/$rule.csv" }
    "#;
    text.to_owned()
}

fn chain(nodes: usize) -> String {
    let mut text = String::from("[node.n0]\nkind = \"folds\"\n");
    for i in 1..nodes {
        let before = i - 1;
        let node =
            format!("[node.n{i}]\nkind = \"folds\"\ntables = \"n{before}.table\"\ncount = 3");
        let _ = writeln!(text, "{node}");
    }
    text
}

fn chain_with_param() -> String {
    let chain = chain(100).replacen(
        "kind = \"folds\"\n",
        "kind = \"folds\"\ncount = \"$count\"\n",
        1,
    );
    format!("[params]\ncount = 3\n{chain}")
}

fn time(what: &str, mut work: impl FnMut()) {
    let mut ms: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    ms.sort_by(f64::total_cmp);
    let (best, median) = (ms[0], ms[ROUNDS / 2]);
    println!("{{\"what\":\"{what}\",\"best_ms\":{best:.2},\"median_ms\":{median:.2}}}");
}
