//! Turns numbers into stored samples.

use crate::{
    format::SampleWidth,
    write::signal::{Checked, Samples},
};

/// Appends the signal's part of a data record.
pub(super) fn record(signal: &Checked<'_>, record: usize, width: SampleWidth, out: &mut Vec<u8>) {
    let count = signal.signal.samples_per_record;
    let range = record * count..(record + 1) * count;
    let scaling = signal.scaling;
    // The samples were checked to round into the digital range, so the casts lose nothing.
    match signal.signal.samples {
        Samples::I16(samples) => append(&samples[range], i32::from, width, out),
        Samples::I32(samples) => append(&samples[range], |value| value, width, out),
        Samples::F32(samples) => {
            append(
                &samples[range],
                |value| scaling.digital(f64::from(value)) as i32,
                width,
                out,
            );
        }
        Samples::F64(samples) => {
            append(
                &samples[range],
                |value| scaling.digital(value) as i32,
                width,
                out,
            );
        }
    }
}

fn append<T: Copy>(
    samples: &[T],
    digital: impl Fn(T) -> i32,
    width: SampleWidth,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.resize(start + samples.len() * width.bytes(), 0);
    let stored = &mut out[start..];
    match width {
        SampleWidth::Bits16 => {
            for (bytes, &sample) in stored.as_chunks_mut().0.iter_mut().zip(samples) {
                *bytes = (digital(sample) as i16).to_le_bytes();
            }
        }
        SampleWidth::Bits24 => {
            for (bytes, &sample) in stored.as_chunks_mut().0.iter_mut().zip(samples) {
                let [low, middle, high, _] = digital(sample).to_le_bytes();
                *bytes = [low, middle, high];
            }
        }
    }
}
