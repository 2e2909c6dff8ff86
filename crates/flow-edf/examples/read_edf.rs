//! Prints what this crate reads from files, in the form of `tests/golden/readers.py`: one JSON line a file.
//!
//! `read_edf FILE…`; `read_edf --night FILE` writes a simulated nine-hour night as EDF+C with 1080 scored
//! epochs first, and reads that. `compare_edf.py` holds the lines against edfio, pyedflib and MNE.

#[path = "night/mod.rs"]
mod night;

use std::{error::Error, io::Write, path::Path};

use flow_edf::{Annotation, Format, Recording};
use night::{RECORDS, simulate, write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if files.first().is_some_and(|first| first == "--night") {
        files.remove(0);
        let path = files.first().ok_or("usage: read_edf --night FILE")?;
        write(&simulate(), Path::new(path), Format::EDF_PLUS_C, &stages())?;
    }
    let mut out = std::io::stdout().lock();
    for file in files {
        writeln!(out, "{}", line(&file, &Recording::open(&file)?)?)?;
    }
    Ok(())
}

/// A stage for each 30 s of the night.
fn stages() -> Vec<Annotation> {
    let names = ["W", "1", "2", "3", "4", "R", "?"];
    let stage = |epoch: usize| {
        let name = names[epoch / 7 % names.len()];
        Annotation::new(
            30.0 * epoch as f64,
            Some(30.0),
            format!("Sleep stage {name}"),
        )
    };
    (0..RECORDS / 3).map(stage).collect()
}

fn line(file: &str, recording: &Recording) -> Result<String, Box<dyn Error>> {
    let mut signals = Vec::new();
    for (index, signal) in recording.signals().iter().enumerate() {
        let values = recording.physical(index, 0..signal.samples)?;
        let rate = signal
            .rate_hz
            .map_or("null".to_owned(), |rate| format!("{rate:?}"));
        let bits = weighted(values.iter().map(|value| value.to_bits()));
        let extent = signal.physical_max - signal.physical_min;
        let extent = extent.abs().max(signal.physical_max.abs());
        let [min, max] = [f64::min, f64::max].map(|of| values.iter().copied().reduce(of));
        let [min, max] = [min, max].map(|value| value.unwrap_or(0.0));
        signals.push(format!(
            r#"{{"samples":{},"rate_hz":{rate},"bits":"{bits}","min":{min:?},"max":{max:?},"extent":{extent:?}}}"#,
            values.len()
        ));
    }
    let mut read = recording.annotations().to_vec();
    let none = |annotation: &Annotation| annotation.duration_seconds.unwrap_or(-1.0);
    read.sort_by(|a, b| {
        let numbers = a.onset_seconds.total_cmp(&b.onset_seconds);
        let numbers = numbers.then(none(a).total_cmp(&none(b)));
        numbers.then_with(|| a.text.cmp(&b.text))
    });
    let onsets: f64 = read.iter().map(|annotation| annotation.onset_seconds).sum();
    let durations: f64 = read.iter().filter_map(|one| one.duration_seconds).sum();
    let texts = read.iter().flat_map(|one| one.text.bytes().chain([b'\n']));
    Ok(format!(
        r#"{{"file":{file:?},"signals":[{}],"annotations":{{"count":{},"onsets":{onsets:?},"durations":{durations:?},"texts":"{}"}}}}"#,
        signals.join(","),
        read.len(),
        weighted(texts.map(u64::from)),
    ))
}

/// The checksum of `readers.py`: equal only if every value is.
fn weighted(bits: impl Iterator<Item = u64>) -> String {
    let sum = bits.zip(0_u64..).fold(0_u64, |sum, (bits, at)| {
        sum.wrapping_add(bits.wrapping_mul(2 * at + 1))
    });
    format!("{sum:016x}")
}
