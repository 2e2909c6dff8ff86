//! A simulated nine-hour telemetry night, for the examples.

use std::{error::Error, path::Path};

use flow_edf::{
    Annotation, AnnotationSet, Date, EdfWriter, Format, NewSignal, Samples, Start, TimeOfDay,
};

/// Data records of 10 s.
pub const RECORDS: usize = 9 * 3600 / 10;

/// Four signals at 100 Hz over the night: a random walk that leans back to zero, from a fixed seed.
pub fn simulate() -> Vec<Vec<f32>> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    let mut signal = || {
        let mut value = 0.0_f32;
        let next = |_| {
            value = 0.98 * value + 40.0 * step();
            value
        };
        (0..RECORDS * 1000).map(next).collect()
    };
    (0..4).map(|_| signal()).collect()
}

/// Writes the night: 4 signals, a marker, and annotations where the format has them.
pub fn write(
    signals: &[Vec<f32>],
    path: &Path,
    format: Format,
    stages: &[Annotation],
) -> Result<(), Box<dyn Error>> {
    let marker = vec![1_i16; RECORDS * 100];
    let (date, time) = (Date::new(1994, 7, 12), TimeOfDay::new(23, 0, 0, 0));
    let mut file = EdfWriter::new(format, 10.0)
        .patient("X M X Male_60yr")
        .start(Start { date, time });
    let labels = ["EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal", "EMG submental"];
    for (label, values) in labels.into_iter().zip(signals) {
        let signal = NewSignal::new(label, 1000, Samples::F32(values)).unit("uV");
        file = file.signal(signal.digital(-8192, 8191).physical(-3000.0, 3000.0));
    }
    let marker = NewSignal::new("Marker", 100, Samples::I16(&marker)).unit("ID+M-E");
    file = file.signal(marker.digital(-32, 34).physical(-32.0, 34.0));
    if !stages.is_empty() {
        file = file.annotations(AnnotationSet::new(stages));
    }
    Ok(file.write_file(path)?)
}
