//! Measures training, inference and LRP of the paper's network, one JSON line a measurement.
//!
//! `cargo run --release -p flow-learn --example bench_learn -- [what] [batches] [threads] [seconds]`
//! with lists parted by commas: `train,infer,layers 32,64,128 2,1 3`. Each measurement runs in a
//! process of its own, so that its peak memory is its own, and holds the kernel's lock of
//! `flow-bench.lock` in the folder of temporary files: another bench that takes it can be started beside
//! this one, and goes by turns with it. `bench_beside_torch.py` runs these and their like in PyTorch and
//! zennit by turns, and gives ratios.

#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

mod folds;
mod layers;
mod measure;
mod relevance;
mod steps;

use std::error::Error;
use std::fs::File;
use std::process::Command;
use std::time::Duration;

/// Channels of an epoch.
const CHANNELS: usize = 3;
/// Samples of a channel.
const TIME: usize = 3000;
/// Sleep stages.
const CLASSES: usize = 5;

/// What is to be measured.
struct Job {
    what: String,
    batch: usize,
    threads: usize,
    /// How long to go on.
    limit: Duration,
}

/// Takes a measurement and prints its lines.
type Measurement = fn(&Job) -> Result<(), Box<dyn Error>>;

/// Every measurement by its name; those that PyTorch and zennit have too go by the same names.
const MEASUREMENTS: &[(&str, Measurement)] = &[
    ("folds", folds::side_by_side),
    ("gemm", layers::gemm),
    ("infer", steps::infer),
    ("layers", layers::layers),
    ("lrp_ab", relevance::lrp),
    ("lrp_eps", relevance::lrp),
    ("lrp_three", relevance::lrp),
    ("train", steps::train),
];

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |n: usize, usual: &str| words.get(n).cloned().unwrap_or_else(|| usual.to_owned());
    if word(0, "") == "child" {
        return measure(&Job {
            what: word(1, "train"),
            batch: word(2, "32").parse()?,
            threads: word(3, "1").parse()?,
            limit: Duration::from_secs_f64(word(4, "3").parse()?),
        });
    }
    let turn = File::create(std::env::temp_dir().join("flow-bench.lock"))?;
    for what in word(0, "train,infer,lrp_eps,lrp_ab,lrp_three").split(',') {
        for threads in word(2, "2,1").split(',') {
            for batch in word(1, "32,64,128").split(',') {
                let arguments = ["child", what, batch, threads, &word(3, "3")];
                let mut child = Command::new(std::env::current_exe()?);
                turn.lock()?;
                child.args(arguments).status()?;
                turn.unlock()?;
            }
        }
    }
    Ok(())
}

fn measure(job: &Job) -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(job.threads)
        .build_global()?;
    let known = MEASUREMENTS.iter().find(|(name, _)| *name == job.what);
    let (_, measurement) = known.ok_or_else(|| format!("no measurement `{}`", job.what))?;
    measurement(job)
}
