//! Every sample recording is read as edfio, pyedflib and MNE read it; `golden/readers.py` recorded how they do.

use std::path::{Path, PathBuf};

use flow_edf::{Annotation, Gap, Recording, Start};
use serde_json::Value;

#[test]
fn sample_recordings_are_read_as_other_readers_do() {
    let Some(folder) = std::env::var_os("FLOW_SAMPLE_DATA").map(PathBuf::from) else {
        println!("skipped: FLOW_SAMPLE_DATA, the folder of sample recordings, is not set");
        return;
    };
    let golden: Value =
        serde_json::from_str(include_str!("golden/readers.json")).expect("golden numbers");
    let files = golden.as_object().expect("files by name");
    assert_eq!(files.len(), 82, "files with golden numbers");
    for (name, readers) in files {
        let recording = open(&folder.join(name));
        agrees_with_edfio(name, &recording, &readers["edfio"]);
        agrees_with_mne(name, &recording, &readers["mne"]);
        agrees_with_pyedflib(name, &readers["pyedflib"]);
    }
}

/// The other readers don't expose gaps; these follow from the onsets that the records state.
#[test]
fn gaps_of_sample_recordings_are_found() {
    let Some(folder) = std::env::var_os("FLOW_SAMPLE_DATA").map(PathBuf::from) else {
        println!("skipped: FLOW_SAMPLE_DATA, the folder of sample recordings, is not set");
        return;
    };
    let folder = folder.join("edf-conformance/stagpoint");
    let every_second = Recording::open(folder.join("Discontinuous1.edf")).expect("a recording");
    assert_eq!(every_second.gaps().len(), 599);
    assert!(every_second.gaps().iter().all(|gap| gap.seconds == 0.5));
    assert_eq!(every_second.duration_seconds(), 600.0 + 599.0 * 0.5);
    let oximetry = Recording::open(folder.join("Discontinuous2.edf")).expect("a recording");
    let gap = |record, onset_seconds, seconds| Gap {
        record,
        onset_seconds,
        seconds,
    };
    assert_eq!(
        oximetry.gaps(),
        [gap(681, 2724.0, 2907.0), gap(2202, 11715.0, 1941.0)]
    );
    let spans = oximetry.spans(0, 2720.0..5640.0).expect("a signal");
    let samples: Vec<_> = spans
        .iter()
        .map(|span| (span.samples.clone(), span.onset_seconds))
        .collect();
    assert_eq!(samples, [(680..681, 2720.0), (681..684, 5631.0)]);
}

/// Opens a file, mapped and in memory, which must make no difference.
fn open(path: &Path) -> Recording {
    let mapped = Recording::open(path).expect("a recording that others read");
    let held = Recording::from_bytes(std::fs::read(path).expect("the file")).expect("the same");
    assert_eq!(mapped.header(), held.header());
    assert_eq!(mapped.annotations(), held.annotations());
    mapped
}

fn agrees_with_edfio(name: &str, recording: &Recording, edfio: &Value) {
    if let Some(start) = edfio["start"].as_str() {
        assert_eq!(in_microseconds(recording.start()), start, "{name}: start");
    }
    let signals = unsqueezed(&edfio["signals"]);
    assert_eq!(recording.signals().len(), signals.len(), "{name}: signals");
    for (index, (signal, golden)) in recording.signals().iter().zip(signals).enumerate() {
        let what = format!("{name}: signal {index}");
        let values = recording
            .physical(index, 0..signal.samples)
            .expect("all samples");
        assert_eq!(
            golden["samples"].as_u64(),
            Some(values.len() as u64),
            "{what}: samples"
        );
        assert_eq!(golden["rate_hz"].as_f64(), signal.rate_hz, "{what}: rate");
        let bits = values.iter().map(|value| value.to_bits());
        assert_eq!(golden["bits"], weighted(bits), "{what}: bits of the values");
    }
    same_annotations(name, recording, &edfio["annotations"], None);
}

/// pyedflib refuses what breaks the standard; where it reads, all bits must be edfio's, hence ours.
fn agrees_with_pyedflib(name: &str, pyedflib: &Value) {
    // In a plain file it takes an annotation signal for an ordinary one; edfio, MNE and we don't.
    let more = u64::from(name.ends_with("test_legacy.edf"));
    let agrees = pyedflib["agrees"] == true && pyedflib["more"] == more;
    assert!(
        agrees || pyedflib["error"] == "OSError",
        "{name}: {pyedflib}"
    );
}

fn agrees_with_mne(name: &str, recording: &Recording, mne: &Value) {
    if mne["error"].is_string() {
        // No data records: MNE divides by none of them.
        assert_eq!(
            (name, recording.header().records),
            ("edf-conformance/stagpoint/Invalid_DataRecord_Count.edf", 0)
        );
        return;
    }
    for (index, (signal, golden)) in recording
        .signals()
        .iter()
        .zip(unsqueezed(&mne["signals"]))
        .enumerate()
    {
        let values = recording
            .physical(index, 0..signal.samples)
            .expect("all samples");
        let extent = (signal.physical_max - signal.physical_min)
            .abs()
            .max(signal.physical_max.abs());
        // MNE adds its offset after scaling and multiplies by a unit: a few roundings of values up to `extent`.
        let tolerance = 1e-14 * extent;
        let near = |key: &str, ours: f64, tolerance: f64| {
            let theirs = golden[key].as_f64().expect("a number");
            assert!(
                (theirs - ours).abs() <= tolerance,
                "{name}: signal {index}: {key} {ours}, MNE {theirs}"
            );
        };
        near(
            "min",
            values.iter().copied().fold(f64::INFINITY, f64::min),
            tolerance,
        );
        near(
            "max",
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            tolerance,
        );
        near("sum", sum(&values), tolerance * values.len() as f64);
    }
    same_annotations(name, recording, &mne["annotations"], Some(0.0));
}

/// Compares annotations in a common order; MNE has a duration of 0 where there is none.
fn same_annotations(name: &str, recording: &Recording, golden: &Value, no_duration: Option<f64>) {
    let mut ours = recording.annotations().to_vec();
    if name.ends_with("stagpoint/annotations.edf") {
        let all = ours.len();
        ours.retain(|annotation| !is_lost_elsewhere(annotation));
        assert_eq!(
            all - ours.len(),
            6,
            "{name}: annotations that edfio and MNE lose"
        );
    }
    for annotation in &mut ours {
        annotation.duration_seconds = annotation.duration_seconds.or(no_duration);
    }
    let key = |a: &Annotation| {
        (
            a.onset_seconds,
            a.duration_seconds.unwrap_or(-1.0),
            a.text.clone(),
        )
    };
    ours.sort_by(|a, b| key(a).partial_cmp(&key(b)).expect("no NaN"));
    assert_eq!(
        golden["count"].as_u64(),
        Some(ours.len() as u64),
        "{name}: annotations"
    );
    let near = |key: &str, ours: f64| {
        let theirs = golden[key].as_f64().expect("a number");
        assert!(
            (theirs - ours).abs() <= 1e-9 * theirs.abs(),
            "{name}: {key} {ours}, golden {theirs}"
        );
    };
    near(
        "onsets",
        ours.iter().map(|annotation| annotation.onset_seconds).sum(),
    );
    near(
        "durations",
        ours.iter()
            .filter_map(|annotation| annotation.duration_seconds)
            .sum(),
    );
    let texts: String = ours
        .iter()
        .map(|annotation| annotation.text.clone() + "\n")
        .collect();
    assert_eq!(
        golden["texts"],
        weighted(texts.bytes().map(u64::from)),
        "{name}: texts"
    );
}

/// Tells whether edfio and MNE lose an annotation of `stagpoint/annotations.edf`.
///
/// Their pattern's `.` stops at line breaks, which EDF+ (2.2.2) allows in texts, so they lose the list of
/// annotations around one, "Lights off" among them. We read it.
fn is_lost_elsewhere(annotation: &Annotation) -> bool {
    let lights_off =
        annotation.onset_seconds == 39780.06 && annotation.text == "Lights off@@Resp nasal";
    lights_off || annotation.text.contains('\n')
}

/// Kahan's sum, as near to the exact one as numpy's pairwise one.
fn sum(values: &[f64]) -> f64 {
    let add = |(sum, lost): (f64, f64), value: &f64| {
        let value = value - lost;
        let next = sum + value;
        (next, (next - sum) - value)
    };
    values.iter().fold((0.0, 0.0), add).0
}

fn unsqueezed(signals: &Value) -> Vec<&Value> {
    let signals = signals.as_array().expect("a list of signals");
    let times = |signal: &Value| signal["times"].as_u64().expect("a count") as usize;
    signals
        .iter()
        .flat_map(|signal| std::iter::repeat_n(signal, times(signal)))
        .collect()
}

fn weighted(bits: impl Iterator<Item = u64>) -> String {
    let sum = bits.zip(0_u64..).fold(0_u64, |sum, (bits, at)| {
        sum.wrapping_add(bits.wrapping_mul(2 * at + 1))
    });
    format!("{sum:016x}")
}

fn in_microseconds(start: Start) -> String {
    let (date, time) = (start.date.expect("a date"), start.time.expect("a time"));
    let whole = format!(
        "{date}T{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    match (time.nanosecond() + 500) / 1000 {
        0 => whole,
        microseconds => format!("{whole}.{microseconds:06}"),
    }
}
