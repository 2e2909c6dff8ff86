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
        Samples::I16(samples) => append(samples[range].iter().copied().map(i32::from), width, out),
        Samples::I32(samples) => append(samples[range].iter().copied(), width, out),
        Samples::F32(samples) => {
            let digital = |&value: &f32| scaling.digital(f64::from(value)) as i32;
            append(samples[range].iter().map(digital), width, out);
        }
        Samples::F64(samples) => {
            append(
                samples[range]
                    .iter()
                    .map(|&value| scaling.digital(value) as i32),
                width,
                out,
            );
        }
    }
}

fn append(samples: impl Iterator<Item = i32>, width: SampleWidth, out: &mut Vec<u8>) {
    match width {
        SampleWidth::Bits16 => {
            samples.for_each(|value| out.extend_from_slice(&(value as i16).to_le_bytes()))
        }
        SampleWidth::Bits24 => samples.for_each(|value| {
            let [low, middle, high, _] = value.to_le_bytes();
            out.extend_from_slice(&[low, middle, high]);
        }),
    }
}
