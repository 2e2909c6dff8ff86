//! Clocks, counters and the lines they end up in.

use super::Job;
use std::time::Instant;

/// Takes the time from step to step, what the threads ran in it, and the pages they touched anew.
pub struct Meter {
    end: Instant,
    last: Option<Reading>,
    /// Seconds of each step that counted.
    steps: Vec<f64>,
    cpu: f64,
    /// Page faults of each of them.
    faults: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    cpu: f64,
    faults: u64,
}

impl Reading {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu: cpu_seconds(),
            faults: page_faults(),
        }
    }
}

impl Meter {
    /// Starts the clock.
    pub fn start(job: &Job) -> Self {
        Self {
            end: Instant::now() + job.limit,
            last: Some(Reading::now()),
            steps: Vec::new(),
            cpu: 0.0,
            faults: Vec::new(),
        }
    }

    /// Whether the time is over and a few steps are done.
    pub fn is_over(&self) -> bool {
        self.steps.len() >= 3 && Instant::now() >= self.end
    }

    /// A step is done that began at the last one's end.
    pub fn step(&mut self) {
        if let Some(last) = self.last {
            let now = Reading::now();
            self.steps.push((now.at - last.at).as_secs_f64());
            self.cpu += now.cpu - last.cpu;
            self.faults.push(now.faults - last.faults);
        }
        self.skip();
    }

    /// A step is done whose time has other things in it.
    pub fn skip(&mut self) {
        self.last = Some(Reading::now());
    }

    /// Prints the line of a measurement.
    pub fn print(&self, job: &Job) {
        let seconds = median(&self.steps);
        println!(
            "{{\"what\":\"{}\",\"batch\":{},\"threads\":{},\"samples_per_s\":{:.1},\
             \"median_ms\":{:.2},\"min_ms\":{:.2},\"cpu_ms\":{:.2},\"reps\":{},\
             \"faults_per_step\":{:.2},\"peak_rss_mb\":{}}}",
            job.what,
            job.batch,
            job.threads,
            job.batch as f64 / seconds,
            seconds * 1e3,
            self.steps.iter().copied().fold(f64::MAX, f64::min) * 1e3,
            self.cpu / self.steps.len() as f64 * 1e3,
            self.steps.len(),
            self.steady_faults(),
            peak_rss_mb(),
        );
    }

    /// Page faults a step in the later half.
    fn steady_faults(&self) -> f64 {
        let later = &self.faults[self.faults.len() / 2..];
        later.iter().sum::<u64>() as f64 / later.len() as f64
    }
}

pub fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Numbers in [−1, 1).
pub fn noise(len: usize) -> Vec<f32> {
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

/// Pages that this process touched for the first time; 0 where the system doesn't say.
fn page_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold spaces; minor faults are the eighth word after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let word = after.split_whitespace().nth(7);
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Peak resident memory of this process, in MiB; 0 where the system doesn't say.
pub fn peak_rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
