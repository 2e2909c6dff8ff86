//! Turns stored samples into numbers; the loops are plain so that the compiler makes vectors of them.

use crate::{format::SampleWidth, signal::Scaling};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type that physical values are handed out in.
///
/// Values are computed in `f64`; an `f32` gets the nearest one.
pub trait Real: sealed::Sealed + Copy + Default {
    /// The nearest value of this type.
    fn nearest(value: f64) -> Self;
}

impl Real for f64 {
    #[inline]
    fn nearest(value: f64) -> Self {
        value
    }
}

impl Real for f32 {
    #[inline]
    fn nearest(value: f64) -> Self {
        value as Self
    }
}

/// Decodes stored samples to digital values and hands them to `take`.
pub(crate) fn digital(bytes: &[u8], width: SampleWidth, take: impl Take<i32>) {
    match width {
        SampleWidth::Bits16 => take.take(from_16_bits(bytes)),
        SampleWidth::Bits24 => take.take(from_24_bits(bytes)),
    }
}

/// Decodes stored samples to physical values and hands them to `take`.
pub(crate) fn physical<R: Real>(
    bytes: &[u8],
    width: SampleWidth,
    scaling: Scaling,
    take: impl Take<R>,
) {
    let value = |digital| R::nearest(scaling.physical(digital));
    match width {
        SampleWidth::Bits16 => take.take(from_16_bits(bytes).map(value)),
        SampleWidth::Bits24 => take.take(from_24_bits(bytes).map(value)),
    }
}

/// Where decoded values go.
pub(crate) trait Take<T> {
    fn take(self, values: impl ExactSizeIterator<Item = T>);
}

/// Over what stands there.
impl<T> Take<T> for &mut [T] {
    #[inline]
    fn take(self, values: impl ExactSizeIterator<Item = T>) {
        for (place, value) in self.iter_mut().zip(values) {
            *place = value;
        }
    }
}

/// Behind what stands there: memory that is new needn't be zeroed first.
impl<T> Take<T> for &mut Vec<T> {
    #[inline]
    fn take(self, values: impl ExactSizeIterator<Item = T>) {
        self.extend(values);
    }
}

#[inline]
fn from_16_bits(bytes: &[u8]) -> impl ExactSizeIterator<Item = i32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|sample| i32::from(i16::from_le_bytes(*sample)))
}

/// Three bytes go to the top of a word, so that shifting back extends the sign.
#[inline]
fn from_24_bits(bytes: &[u8]) -> impl ExactSizeIterator<Item = i32> {
    let digital = |&[low, middle, high]: &[u8; 3]| i32::from_le_bytes([0, low, middle, high]) >> 8;
    bytes.as_chunks().0.iter().map(digital)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_extend_in_both_widths() {
        let mut out = [0; 3];
        digital(
            &[0xFF, 0xFF, 0x00, 0x80, 0x34, 0x12],
            SampleWidth::Bits16,
            &mut out[..],
        );
        assert_eq!(out, [-1, -32768, 0x1234]);
        let bytes = [0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x80, 0x56, 0x34, 0x12];
        digital(&bytes, SampleWidth::Bits24, &mut out[..]);
        assert_eq!(out, [-1, -8_388_608, 0x0012_3456]);
    }

    #[test]
    fn f32_values_are_the_nearest_to_the_f64_ones() {
        let scaling = Scaling::between((-32768, 32767), (-187.3, 192.9)).expect("a scale");
        let bytes: Vec<u8> = (-2000_i16..2000)
            .flat_map(|value| (value * 16).to_le_bytes())
            .collect();
        let (mut wide, mut narrow) = ([0.0_f64; 4000], [0.0_f32; 4000]);
        physical(&bytes, SampleWidth::Bits16, scaling, &mut wide[..]);
        physical(&bytes, SampleWidth::Bits16, scaling, &mut narrow[..]);
        assert!(
            wide.iter()
                .zip(narrow)
                .all(|(wide, narrow)| *wide as f32 == narrow)
        );
    }
}
