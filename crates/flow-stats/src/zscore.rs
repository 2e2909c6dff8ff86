//! Z-scores of each channel within a recording.

use crate::sums::sum_of;

/// Why a recording can't be z-scored; indices count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ZscoreError {
    /// The slice doesn't hold `blocks × channels × samples` values.
    #[error("{got} values can't be {blocks} blocks of {channels} channels of {samples} samples")]
    Shape {
        /// Values in the slice.
        got: usize,
        /// Blocks (epochs) wanted.
        blocks: usize,
        /// Channels wanted.
        channels: usize,
        /// Samples per channel and block wanted.
        samples: usize,
    },
    /// A spread with N − 1 needs two samples.
    #[error("channel {channel} has {samples} samples; a standard deviation needs 2")]
    TooFewSamples {
        /// Channel index.
        channel: usize,
        /// Samples it has in all blocks.
        samples: usize,
    },
    /// The channel holds one value, but for rounding.
    #[error("channel {channel} is flat at {value}")]
    Flat {
        /// Channel index.
        channel: usize,
        /// The value it is stuck at.
        value: f64,
    },
    /// The channel holds a NaN or an infinity.
    #[error("channel {channel} is not finite at sample {sample}")]
    NotFinite {
        /// Channel index.
        channel: usize,
        /// First offending sample, counted through the channel's blocks.
        sample: usize,
    },
}

/// How the values of a recording lie in memory: `[block, channel, sample]`, last axis fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Epochs, or 1 for a whole recording as `[channel, sample]`.
    pub blocks: usize,
    /// Channels in each block.
    pub channels: usize,
    /// Samples of a channel in each block.
    pub samples: usize,
}

impl Layout {
    /// A whole recording, `[channel, sample]`.
    pub fn whole(channels: usize, samples: usize) -> Self {
        Self {
            blocks: 1,
            channels,
            samples,
        }
    }

    /// A recording cut into epochs, `[epoch, channel, sample]`.
    pub fn epochs(epochs: usize, channels: usize, samples: usize) -> Self {
        Self {
            blocks: epochs,
            channels,
            samples,
        }
    }
}

/// What a channel was centred by and divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Mean over all blocks, in the unit of the signal.
    pub mean: f64,
    /// Standard deviation with N − 1, in the unit of the signal.
    pub sd: f64,
}

/// Z-scores each channel over all its blocks, in place: `z = (x − mean) / sd`.
///
/// `mean = Σ x / N` and `sd² = (Σ (x − mean)² − (Σ (x − mean))² / N) / (N − 1)`, in `f64` and in the order
/// of the samples; the second term takes out the rounding of the mean.
///
/// * `signal`: `[block, channel, sample]`, any unit; afterwards without unit
/// * returns the scale of each channel, `[channel]`
///
/// # Errors
/// [`ZscoreError`]; `signal` is then unchanged. A channel is flat if its values differ by no more than the
/// rounding of eight `f32` operations, `max − min ≤ 8 · 2⁻²³ · max |x|`.
///
/// Checked: the formula against the two-line replica in the tests, and numpy's `std(ddof=1)` there.
pub fn standardise(signal: &mut [f32], layout: Layout) -> Result<Vec<Scale>, ZscoreError> {
    let Layout {
        blocks,
        channels,
        samples,
    } = layout;
    let wanted = blocks
        .checked_mul(channels)
        .and_then(|n| n.checked_mul(samples));
    if wanted != Some(signal.len()) {
        return Err(ZscoreError::Shape {
            got: signal.len(),
            blocks,
            channels,
            samples,
        });
    }
    let scales: Vec<Scale> = (0..channels)
        .map(|channel| scale_of(signal, layout, channel))
        .collect::<Result<_, _>>()?;
    for (row, values) in signal.chunks_exact_mut(samples.max(1)).enumerate() {
        let Scale { mean, sd } = scales[row % channels];
        for value in values {
            *value = ((f64::from(*value) - mean) / sd) as f32;
        }
    }
    Ok(scales)
}

/// Measures one channel without changing it.
fn scale_of(signal: &[f32], layout: Layout, channel: usize) -> Result<Scale, ZscoreError> {
    let count = layout.blocks * layout.samples;
    if count < 2 {
        return Err(ZscoreError::TooFewSamples {
            channel,
            samples: count,
        });
    }
    let rows = || {
        signal
            .chunks_exact(layout.samples)
            .skip(channel)
            .step_by(layout.channels)
    };
    let pieces = || rows().flat_map(|row| row.chunks(PIECE)); // twice read while near
    let mut extent = Extent {
        sum: 0.0,
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
    };
    pieces().for_each(|piece| extent.widen(piece));
    if !extent.sum.is_finite() {
        let first = rows().flatten().position(|x| !x.is_finite());
        return Err(ZscoreError::NotFinite {
            channel,
            sample: first.unwrap_or(count),
        });
    }
    extent.refuse_flat(channel)?;
    let n = count as f64;
    let mean = extent.sum / n;
    let (mut off, mut squares) = (0.0, 0.0);
    for piece in pieces() {
        off += sum_of(piece, |x| x - mean);
        squares += sum_of(piece, |x| (x - mean) * (x - mean));
    }
    Ok(Scale {
        mean,
        sd: ((squares - off * off / n) / (n - 1.0)).sqrt(),
    })
}

/// Samples summed at a time; part of the numeric contract, because it decides the rounding.
const PIECE: usize = 4096;

/// Sum and range of samples; the sum of a NaN or an infinity is not finite, that of other `f32` always is.
struct Extent {
    sum: f64,
    low: f32,
    high: f32,
}

impl Extent {
    fn widen(&mut self, piece: &[f32]) {
        let (mut low, mut high) = ([self.low; 8], [self.high; 8]);
        let mut include = |lane: usize, x: f32| {
            low[lane] = if x < low[lane] { x } else { low[lane] };
            high[lane] = if x > high[lane] { x } else { high[lane] };
        };
        let blocks = piece.chunks_exact(8);
        blocks.remainder().iter().for_each(|x| include(0, *x));
        for block in blocks {
            (0..8).for_each(|lane| include(lane, block[lane]));
        }
        self.sum += sum_of(piece, |x| x);
        self.low = low.into_iter().fold(self.low, f32::min);
        self.high = high.into_iter().fold(self.high, f32::max);
    }

    fn refuse_flat(&self, channel: usize) -> Result<(), ZscoreError> {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        if high - low <= 8.0 * f64::from(f32::EPSILON) * high.abs().max(low.abs()) {
            return Err(ZscoreError::Flat {
                channel,
                value: low,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_gets_mean_zero_and_unit_sd_with_n_minus_1() {
        let mut signal = [1.0, 2.0, 3.0, 4.0, -10.0, 0.0, 10.0, 20.0];
        let scales = standardise(&mut signal, Layout::whole(2, 4)).unwrap();
        // numpy: std([1,2,3,4], ddof=1) = 1.2909944487358056
        assert_eq!(
            scales[0],
            Scale {
                mean: 2.5,
                sd: 1.290_994_448_735_805_6
            }
        );
        assert_eq!(scales[1].mean, 5.0);
        assert_eq!(
            signal[..4],
            signal[4..],
            "the scale of a channel doesn't matter"
        );
        assert_eq!(signal[0], (-1.5_f64 / 1.290_994_448_735_805_6) as f32);
    }

    #[test]
    fn epochs_of_a_channel_share_one_scale() {
        let mut epochs = [1.0, 2.0, 10.0, 0.0, 3.0, 4.0, -10.0, 20.0]; // [2 epochs, 2 channels, 2 samples]
        let mut whole = [1.0, 2.0, 3.0, 4.0, 10.0, 0.0, -10.0, 20.0];
        let by_epoch = standardise(&mut epochs, Layout::epochs(2, 2, 2)).unwrap();
        let at_once = standardise(&mut whole, Layout::whole(2, 4)).unwrap();
        assert_eq!(by_epoch, at_once);
        assert_eq!(epochs[..2], whole[..2]);
        assert_eq!(epochs[4..6], whole[2..4]);
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let wave: Vec<f32> = (0..3000).map(|i| ((i % 7) as f32) - 3.0).collect();
        let mut plain = wave.clone();
        let mut shifted: Vec<f32> = wave.iter().map(|x| x + 65_536.0).collect();
        standardise(&mut plain, Layout::whole(1, 3000)).unwrap();
        standardise(&mut shifted, Layout::whole(1, 3000)).unwrap();
        for (a, b) in plain.iter().zip(&shifted) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn a_flat_channel_is_named_and_nothing_is_changed() {
        let mut signal = [1.0, 2.0, 5.5, 5.5];
        let error = standardise(&mut signal, Layout::whole(2, 2)).unwrap_err();
        assert_eq!(
            error,
            ZscoreError::Flat {
                channel: 1,
                value: 5.5
            }
        );
        assert_eq!(signal, [1.0, 2.0, 5.5, 5.5]);
    }

    #[test]
    fn a_channel_constant_up_to_rounding_is_flat() {
        let value = 0.1_f32;
        let mut signal: Vec<f32> = (0..100)
            .map(|i| f32::from_bits(value.to_bits() + i % 3))
            .collect();
        let error = standardise(&mut signal, Layout::whole(1, 100)).unwrap_err();
        assert!(matches!(error, ZscoreError::Flat { channel: 0, .. }));
        let mut zeros = [0.0; 4];
        assert!(standardise(&mut zeros, Layout::whole(1, 4)).is_err());
    }

    #[test]
    fn a_tiny_signal_is_not_flat() {
        let mut signal = [1e-30, -1e-30, 1e-30, -1e-30];
        standardise(&mut signal, Layout::whole(1, 4)).unwrap();
        assert!((signal[0] - 0.866_025_4).abs() < 1e-6);
    }

    #[test]
    fn the_first_sample_that_is_not_finite_is_named() {
        let mut signal = [1.0, 2.0, 1.0, 2.0, 3.0, f32::NAN, f32::INFINITY, 0.0];
        let error = standardise(&mut signal, Layout::epochs(2, 2, 2)).unwrap_err();
        assert_eq!(
            error,
            ZscoreError::NotFinite {
                channel: 0,
                sample: 3
            }
        );
    }

    #[test]
    fn a_wrong_shape_and_a_lone_sample_are_refused() {
        let error = standardise(&mut [1.0; 5], Layout::whole(2, 3)).unwrap_err();
        assert!(matches!(error, ZscoreError::Shape { got: 5, .. }));
        let error = standardise(&mut [1.0; 2], Layout::whole(2, 1)).unwrap_err();
        assert_eq!(
            error,
            ZscoreError::TooFewSamples {
                channel: 0,
                samples: 1
            }
        );
        assert_eq!(standardise(&mut [], Layout::whole(0, 10)), Ok(vec![]));
    }
}
