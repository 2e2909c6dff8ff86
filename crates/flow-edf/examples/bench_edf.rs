//! Reads three channels of a simulated nine-hour telemetry night and prints how fast, one JSON line a way.
//!
//! `cargo run --release -p flow-edf --example bench_edf -- night.edf` writes the night to `night.edf` and
//! leaves it there, so that `bench_edf.py night.edf` can read the same with other tools.

#[path = "night/mod.rs"]
mod night;

use std::{error::Error, hint::black_box, io::Write, path::PathBuf, time::Instant};

use flow_edf::{Format, Recording};
use night::{RECORDS, simulate, write};

const CHANNELS: [&str; 3] = ["EEG Fpz-Cz", "EOG horizontal", "EMG submental"];
const ROUNDS: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| folder.path().join("night.edf"), PathBuf::from);
    let samples = CHANNELS.len() * RECORDS * 1000;
    let mut report = Report {
        samples,
        out: std::io::stdout().lock(),
    };
    let signals = simulate();
    report.best("write the night: 4 signals of f32 and a marker", || {
        write(&signals, &path, Format::EDF, &[])
    })?;
    drop(signals);
    report.best("open, read 3 channels, f64, new buffers", || {
        let recording = Recording::open(&path)?;
        for label in CHANNELS {
            let signal = recording.signal_index(label)?;
            black_box(recording.physical(signal, 0..recording.signals()[signal].samples)?);
        }
        Ok(())
    })?;
    let mut wide = vec![0.0_f64; RECORDS * 1000];
    report.best("open, read 3 channels, f64, one buffer", || {
        let recording = Recording::open(&path)?;
        for label in CHANNELS {
            recording.physical_into(recording.signal_index(label)?, 0, &mut wide)?;
            black_box(&wide);
        }
        Ok(())
    })?;
    let mut narrow = vec![0.0_f32; RECORDS * 1000];
    report.best("open, read 3 channels, f32, one buffer", || {
        let recording = Recording::open(&path)?;
        for label in CHANNELS {
            recording.physical_into(recording.signal_index(label)?, 0, &mut narrow)?;
            black_box(&narrow);
        }
        Ok(())
    })
}

struct Report<W> {
    samples: usize,
    out: W,
}

impl<W: Write> Report<W> {
    /// Prints the best of some rounds.
    fn best(
        &mut self,
        what: &str,
        mut round: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            round()?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        let (rate, batch) = (self.samples as f64 / best, RECORDS * 1000);
        let (milliseconds, peak) = (best * 1e3, peak_rss_mb());
        writeln!(
            self.out,
            r#"{{"what":"{what}","batch":{batch},"threads":1,"samples_per_s":{rate:.0},"ms":{milliseconds:.3},"peak_rss_mb":{peak:.0}}}"#
        )?;
        Ok(())
    }
}

/// The most memory that the process has held, mapped pages of files included; 0 where the system doesn't tell.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<f64> =
        line.and_then(|line| line.trim_end_matches("kB").trim().parse().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
