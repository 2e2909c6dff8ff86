//! Measures training and inference of the paper's network, one JSON line a measurement.
//!
//! `cargo run --release -p flow-learn --example bench_learn -- [what] [batches] [threads] [seconds]`
//! with lists parted by commas: `train,infer,layers 32,64,128 2,1 3`. Each measurement runs in a
//! process of its own, so that its peak memory is its own. The lines agree with those of the
//! Python peer; `bench_beside_torch.py` runs both and gives ratios.

#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use flow_learn::backend::BackendClass;
use flow_learn::epochs::{Epochs, Segment};
use flow_learn::kernels::{BlockPoint, BlockPool, ConvBlock, ConvShape, WantsInput};
use flow_learn::network::Network;
use flow_learn::predict::predict;
use flow_learn::training::{
    BatchProgress, Observer, Training, TrainingSettings, initial_weights, train,
};
use std::error::Error;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const TIME: usize = 3000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |n: usize, usual: &str| words.get(n).cloned().unwrap_or_else(|| usual.to_owned());
    if word(0, "") == "child" {
        return child(
            &word(1, "train"),
            word(2, "32").parse()?,
            word(3, "1").parse()?,
            word(4, "3").parse()?,
        );
    }
    let seconds = word(3, "3");
    for what in word(0, "train,infer").split(',') {
        for threads in word(2, "2,1").split(',') {
            for batch in word(1, "32,64,128").split(',') {
                let arguments = ["child", what, batch, threads, &seconds];
                std::process::Command::new(std::env::current_exe()?)
                    .args(arguments)
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
    let limit = Duration::from_secs_f64(seconds);
    let watch = match what {
        "train" => train_steps(batch, limit)?,
        "infer" => infer_steps(batch, limit)?,
        "layers" => {
            layers(batch, threads, limit);
            return Ok(());
        }
        other => return Err(format!("no measurement `{other}`").into()),
    };
    let median = median(watch.steps.clone());
    println!(
        "{{\"what\":\"{what}\",\"batch\":{batch},\"threads\":{threads},\"samples_per_s\":{:.1},\
         \"median_ms\":{:.2},\"min_ms\":{:.2},\"cpu_ms\":{:.2},\"reps\":{},\"peak_rss_mb\":{}}}",
        batch as f64 / median,
        median * 1e3,
        watch.steps.iter().copied().fold(f64::MAX, f64::min) * 1e3,
        watch.cpu / watch.steps.len() as f64 * 1e3,
        watch.steps.len(),
        peak_rss_mb(),
    );
    Ok(())
}

fn median(mut steps: Vec<f64>) -> f64 {
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(f64::NAN)
}

fn noise(len: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(next).collect()
}

/// Seconds of each step of a training, the way a study trains: loader, dropout, Adam and all.
fn train_steps(batch: usize, limit: Duration) -> Result<Watch, Box<dyn Error>> {
    let count = batch * 8;
    let x = noise(count * 3 * TIME);
    let labels: Vec<u8> = (0..count).map(|n| (n % 5) as u8).collect();
    let all = Epochs::new(
        vec![Segment {
            x: &x,
            labels: &labels,
        }],
        3 * TIME,
    )?;
    let few = all.select(all.places()[..1].to_vec())?;
    let network = Network::ellis2021(3, TIME, 5);
    let settings = TrainingSettings {
        batch,
        training_epochs: 10_000,
        ..TrainingSettings::default()
    };
    let (backend, seed) = (BackendClass::default(), 1);
    let training = Training {
        network: &network,
        train: &all,
        validation: &few,
        settings: &settings,
        seed,
        backend,
    };
    let mut watch = Watch::until(Instant::now() + limit);
    let _stopped = train(&training, &mut watch);
    Ok(watch)
}

/// Takes the time from step to step, and what the threads ran in it.
struct Watch {
    last: Option<(Instant, f64)>,
    steps: Vec<f64>,
    cpu: f64,
    end: Instant,
}

impl Watch {
    fn until(end: Instant) -> Self {
        Self {
            last: None,
            steps: Vec::new(),
            cpu: 0.0,
            end,
        }
    }

    /// A step is done; `counts` where the time since the last one is its own.
    fn step(&mut self, counts: bool) {
        let (now, cpu) = (Instant::now(), cpu_seconds());
        if let Some((last, cpu_last)) = self.last.filter(|_| counts) {
            self.steps.push((now - last).as_secs_f64());
            self.cpu += cpu - cpu_last;
        }
        self.last = Some((Instant::now(), cpu_seconds()));
    }
}

impl Observer for Watch {
    fn batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        // The first of a training epoch has the validation before it.
        self.step(progress.done > 1);
        if Instant::now() < self.end {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

fn infer_steps(batch: usize, limit: Duration) -> Result<Watch, Box<dyn Error>> {
    let network = Network::ellis2021(3, TIME, 5);
    let weights = initial_weights(&network, 1)?;
    let x = noise(batch * 3 * TIME);
    predict(&network, &weights, &x)?;
    let mut watch = Watch::until(Instant::now() + limit);
    watch.step(false);
    while Instant::now() < watch.end {
        predict(&network, &weights, &x)?;
        watch.step(true);
    }
    Ok(watch)
}

/// GFLOP/s of each convolution of the paper's network, forward and back (both gradients).
fn layers(batch: usize, threads: usize, limit: Duration) {
    let none = BlockPool::None;
    let pair = BlockPool::Max {
        kernel: 2,
        stride: 2,
    };
    let shapes = [
        (3, 16, 5, 3000, none),
        (16, 16, 5, 2996, pair),
        (16, 32, 3, 1496, none),
        (32, 32, 3, 1494, pair),
        (32, 32, 3, 746, none),
        (32, 32, 3, 744, pair),
        (32, 256, 3, 371, none),
        (256, 256, 3, 369, BlockPool::GlobalMax),
    ];
    for (n, (in_channels, out_channels, kernel, time, pool)) in shapes.into_iter().enumerate() {
        let (stride, padding, dilation, groups) = (1, 0, 1, 1);
        let conv = ConvShape {
            batch,
            in_channels,
            out_channels,
            time,
            kernel,
            stride,
            padding,
            dilation,
            groups,
        };
        let block = ConvBlock {
            conv,
            relu: true,
            pool,
            mask: None,
        };
        let x = noise(batch * conv.in_len());
        let weight = noise(conv.weight_len());
        let flop = (2 * batch * conv.weight_len() * conv.out_time()) as f64;
        let (out, saved) = block.forward(&x, &weight, None);
        let at = BlockPoint {
            x: &x,
            weight: &weight,
            out: &out,
            saved: &saved,
        };
        let forward = best(limit / 24, || drop(block.forward(&x, &weight, None)));
        let wants = if n == 0 {
            WantsInput::No
        } else {
            WantsInput::Yes
        };
        let back = best(limit / 24, || drop(block.backward(&at, &out, wants)));
        let no_dx = best(limit / 24, || {
            drop(block.backward(&at, &out, WantsInput::No))
        });
        let gigaflops = |seconds: f64| flop / seconds / 1e9;
        println!(
            "{{\"what\":\"layer{}\",\"batch\":{batch},\"threads\":{threads},\"forward_gflops\":{:.0},\
             \"dw_gflops\":{:.0},\"dx_gflops\":{:.0},\"forward_ms\":{:.2},\"back_ms\":{:.2}}}",
            n + 1,
            gigaflops(forward),
            gigaflops(no_dx),
            if n == 0 {
                0.0
            } else {
                gigaflops((back - no_dx).max(1e-9))
            },
            forward * 1e3,
            back * 1e3,
        );
    }
}

/// The shortest of many runs, in seconds.
fn best(limit: Duration, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let end = Instant::now() + limit;
    while Instant::now() < end || best == f64::MAX {
        let from = Instant::now();
        work();
        best = best.min(from.elapsed().as_secs_f64());
    }
    best
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
