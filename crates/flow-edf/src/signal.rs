//! One signal: its header fields and the scale of its values.

/// A signal as the header describes it; annotation signals are kept apart.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Signal {
    /// The label, for example `EEG Fpz-Cz`; labels needn't be unique.
    pub label: String,
    /// The transducer, for example `Ag-AgCl electrodes`.
    pub transducer: String,
    /// The unit of the physical values, for example `uV`.
    pub dimension: String,
    /// The filters used, for example `HP:0.5Hz LP:100Hz`.
    pub prefilter: String,
    /// The reserved field of the signal.
    pub reserved: String,
    /// The physical value of `digital_min`, in `dimension`; may be above `physical_max`.
    pub physical_min: f64,
    /// The physical value of `digital_max`, in `dimension`.
    pub physical_max: f64,
    /// The smallest digital value that the header announces; samples may break it.
    pub digital_min: i32,
    /// The largest digital value that the header announces; samples may break it.
    pub digital_max: i32,
    /// Samples in each data record.
    pub samples_per_record: usize,
    /// Samples a second, `samples_per_record / record_seconds`; none where records last 0 s.
    pub rate_hz: Option<f64>,
    /// Samples in the whole recording.
    pub samples: usize,
    /// How digital values become physical ones.
    pub scaling: Scaling,
    /// Place among all signals of the file, annotation signals included, from 0.
    pub position: usize,
    /// First byte of the signal in each data record.
    pub(crate) byte_in_record: usize,
}

/// The linear map between digital and physical values of a signal.
///
/// `physical = (digital + offset) · gain` with `gain = (physical_max − physical_min) / (digital_max −
/// digital_min)` and `offset = physical_max / gain − digital_max`, all in `f64` and in this order.
///
/// Readers agree on the line but not on the last bits: EDFlib (pyedflib) and edfio compute it so, MNE as
/// `digital · gain + (physical_min − digital_min · gain)`. We follow the first two bit by bit; MNE's values
/// differ by rounding only. Checked: `tests/golden/readers.json`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    gain: f64,
    offset: f64,
}

impl Scaling {
    /// Hands digital values out as they are.
    pub(crate) const IDENTITY: Self = Self {
        gain: 1.0,
        offset: 0.0,
    };

    /// The scale between two ranges, `(min, max)` each; none unless it is finite, non-zero and invertible.
    pub(crate) fn between(digital: (i32, i32), physical: (f64, f64)) -> Option<Self> {
        let gain = (physical.1 - physical.0) / (f64::from(digital.1) - f64::from(digital.0));
        let offset = physical.1 / gain - f64::from(digital.1);
        let usable = gain.is_finite() && gain != 0.0 && offset.is_finite();
        usable.then_some(Self { gain, offset })
    }

    /// Physical units a digital step.
    #[must_use]
    pub const fn gain(self) -> f64 {
        self.gain
    }

    /// Digital steps between the digital and the physical zero.
    #[must_use]
    pub const fn offset(self) -> f64 {
        self.offset
    }

    /// The physical value of a digital one.
    #[inline]
    #[must_use]
    pub fn physical(self, digital: i32) -> f64 {
        (f64::from(digital) + self.offset) * self.gain
    }

    /// The digital value nearest to a physical one, `round(physical / gain − offset)`, ties to even.
    ///
    /// It may lie outside the signal's digital range; NaN stays NaN.
    #[inline]
    #[must_use]
    pub fn digital(self, physical: f64) -> f64 {
        nearest_whole(physical / self.gain - self.offset)
    }
}

/// The nearest whole number, ties to even.
///
/// Adding 1.5 · 2⁵² leaves no room for a fraction, so the sum rounds as wanted; unlike a call into the
/// mathematics library this becomes vector code on every machine.
#[inline]
fn nearest_whole(value: f64) -> f64 {
    const NO_FRACTION: f64 = 6_755_399_441_055_744.0;
    if value.abs() < 2_251_799_813_685_248.0 {
        (value + NO_FRACTION) - NO_FRACTION
    } else {
        value // NaN, or too large to have a fraction that matters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_map_onto_each_other() {
        let scaling = Scaling::between((-2048, 2047), (-192.0, 192.0)).expect("a scale");
        assert!((scaling.physical(-2048) + 192.0).abs() < 1e-12);
        assert!((scaling.physical(2047) - 192.0).abs() < 1e-12);
        assert_eq!(scaling.digital(192.0), 2047.0);
    }

    #[test]
    fn a_reversed_physical_range_inverts_the_signal() {
        let scaling = Scaling::between((-32768, 32767), (8711.0, -8711.0)).expect("a scale");
        assert!(scaling.gain() < 0.0);
        assert!(scaling.physical(32767) < scaling.physical(0));
    }

    #[test]
    fn rounding_is_that_of_the_library() {
        let halves = (-4000..4000).map(|half| f64::from(half) / 2.0);
        let near = [
            0.499_999_999_999_999_94,
            8_388_607.499_999_999,
            -8_388_608.5,
            1e15 + 0.5,
            1e300,
        ];
        for value in halves.chain(near) {
            assert_eq!(nearest_whole(value), value.round_ties_even(), "{value}");
        }
        assert!(nearest_whole(f64::NAN).is_nan());
    }

    #[test]
    fn a_range_without_extent_has_no_scale() {
        assert_eq!(Scaling::between((0, 0), (0.0, 1.0)), None);
        assert_eq!(Scaling::between((0, 1), (5.0, 5.0)), None);
    }
}
