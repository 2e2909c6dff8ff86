//! Measures LRP on the paper's network, one JSON line a measurement.
//!
//! `cargo run --release -p flow-learn --example bench_relevance -- [what] [batches] [threads] [seconds]` with
//! lists parted by commas: `lrp_eps,lrp_ab,lrp_three 32,64,128 2,1 3`. Each measurement runs in a process of
//! its own, so that its peak memory is its own. The names are those of the Python peer, zennit;
//! `lrp_three` is the paper's ε = 0.01, ε = 100 and αβ (1, 0) from one forward pass.

#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use flow_learn::composite::Composite;
use flow_learn::network::Network;
use flow_learn::relevance::{Explanations, Start, Target, Walker};
use flow_learn::training::initial_weights;
use std::error::Error;
use std::time::{Duration, Instant};

const TIME: usize = 3000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |n: usize, usual: &str| words.get(n).cloned().unwrap_or_else(|| usual.to_owned());
    if word(0, "") == "child" {
        let (batch, threads) = (word(2, "32").parse()?, word(3, "1").parse()?);
        return child(&word(1, "lrp_eps"), batch, threads, word(4, "3").parse()?);
    }
    for what in word(0, "lrp_eps,lrp_ab,lrp_three").split(',') {
        for threads in word(2, "2,1").split(',') {
            for batch in word(1, "32,64,128").split(',') {
                std::process::Command::new(std::env::current_exe()?)
                    .args(["child", what, batch, threads, &word(3, "3")])
                    .status()?;
            }
        }
    }
    Ok(())
}

/// One measurement.
fn child(what: &str, batch: usize, threads: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let rules: &[&str] = match what {
        "lrp_eps" => &["epsilon(0.01)"],
        "lrp_ab" => &["alpha-beta(1,0)"],
        "lrp_three" => &["epsilon(0.01)", "epsilon(100)", "alpha-beta(1,0)"],
        other => return Err(format!("no measurement `{other}`").into()),
    };
    let composites = rules.iter().map(|rule| Composite::parse(rule));
    let composites = composites.collect::<Result<Vec<_>, _>>()?;
    let network = Network::ellis2021(3, TIME, 5);
    let walker = Walker::new(&network, &initial_weights(&network, 1)?, &composites)?;
    let x = noise(batch * 3 * TIME);
    let mut explanations = Explanations::default();
    let mut steps = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    walker.explain_into(&x, Target::Predicted, Start::One, &mut explanations)?;
    let cpu = cpu_seconds();
    while steps.len() < 3 || Instant::now() < end {
        let from = Instant::now();
        walker.explain_into(&x, Target::Predicted, Start::One, &mut explanations)?;
        steps.push(from.elapsed().as_secs_f64());
    }
    let cpu = (cpu_seconds() - cpu) / steps.len() as f64;
    steps.sort_by(f64::total_cmp);
    let median = steps[steps.len() / 2];
    println!(
        "{{\"what\":\"{what}\",\"batch\":{batch},\"threads\":{threads},\"samples_per_s\":{:.1},\
         \"median_ms\":{:.2},\"min_ms\":{:.2},\"cpu_ms\":{:.2},\"reps\":{},\"peak_rss_mb\":{}}}",
        batch as f64 / median,
        median * 1e3,
        steps[0] * 1e3,
        cpu * 1e3,
        steps.len(),
        peak_rss_mb(),
    );
    Ok(())
}

fn noise(len: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(next).collect()
}

/// Seconds that this process's threads have run, all together; 0 where the system doesn't say.
fn cpu_seconds() -> f64 {
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task");
    tasks.map_or(0.0, |tasks| tasks.filter_map(of).sum::<f64>() / 1e9)
}

/// Peak resident memory of this process, in MiB; 0 where the system doesn't say.
fn peak_rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
