//! Convolution gradients where almost all of `dz` is zero, as it is behind a global maximum.

use super::plan::GradientRows;
use super::{ConvShape, Real, scratch};

/// `dz` counts as sparse where fewer than one number in this many is not zero: below it, going
/// from number to number takes less time than the tiles.
const ONE_IN: usize = 32;

/// A number of `dz` that is not zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry<T> {
    /// Output channel.
    pub row: usize,
    /// Output time.
    pub time: usize,
    /// The number.
    pub dz: T,
}

/// The numbers of `dz` that are not zero, by row, or `None` where they are too many.
pub(super) fn entries<T: Real>(
    dz: &[T],
    rows: GradientRows,
    out_time: usize,
) -> Option<Vec<Entry<T>>> {
    let most = dz.len() / rows.stride * out_time / ONE_IN;
    let mut entries = Vec::with_capacity(most);
    for (row, dz) in dz.chunks(rows.stride).enumerate() {
        for (time, &dz) in dz[rows.offset..][..out_time].iter().enumerate() {
            if dz != T::ZERO {
                if entries.len() == most {
                    return None;
                }
                entries.push(Entry { row, time, dz });
            }
        }
    }
    Some(entries)
}

/// `dx += wᵀ ∗ dz` for one sample.
pub(super) fn input_gradient<T: Real>(
    s: &ConvShape,
    weight: &[T],
    entries: &[Entry<T>],
    dx: &mut [T],
) {
    for entry in entries {
        let reach = Reach::of(s, entry);
        let weight = &weight[entry.row * reach.weights..][..reach.weights];
        let rows = dx[reach.first_row * s.time..].chunks_mut(s.time);
        for (weight, dx) in weight.chunks_exact(s.kernel).zip(rows) {
            let dx = dx.get_mut(reach.input..).unwrap_or_default().iter_mut();
            let taps = weight[reach.first_tap..reach.end_tap].iter();
            dx.step_by(s.dilation)
                .zip(taps)
                .for_each(|(dx, &w)| *dx += w * entry.dz);
        }
    }
}

/// `dw += dz ⋆ x` for one sample.
pub(super) fn weight_gradient<T: Real>(
    s: &ConvShape,
    x: &[T],
    entries: &[Entry<T>],
    dweight: &mut [T],
) {
    let weights = s.in_channels / s.groups * s.kernel;
    scratch::with(weights, |patch: &mut [T]| {
        for entry in entries {
            let reach = Reach::of(s, entry);
            patch.fill(T::ZERO);
            let rows = x[reach.first_row * s.time..].chunks(s.time);
            for (patch, x) in patch.chunks_exact_mut(s.kernel).zip(rows) {
                let x = x.get(reach.input..).unwrap_or_default().iter();
                let taps = patch[reach.first_tap..reach.end_tap].iter_mut();
                taps.zip(x.step_by(s.dilation))
                    .for_each(|(tap, &x)| *tap = x);
            }
            let dweight = &mut dweight[entry.row * weights..][..weights];
            dweight
                .iter_mut()
                .zip(&*patch)
                .for_each(|(dw, &x)| *dw += entry.dz * x);
        }
    });
}

/// What one output reads.
struct Reach {
    /// Weights of the output's channel.
    weights: usize,
    /// The first input channel of its group.
    first_row: usize,
    /// The taps that lie on the signal.
    first_tap: usize,
    end_tap: usize,
    /// Where the first of them lies.
    input: usize,
}

impl Reach {
    fn of<T>(s: &ConvShape, entry: &Entry<T>) -> Self {
        let (group_in, group_out) = (s.in_channels / s.groups, s.out_channels / s.groups);
        let at = entry.time * s.stride;
        let first_tap = s.padding.saturating_sub(at).div_ceil(s.dilation);
        let end_tap = (s.time + s.padding)
            .saturating_sub(at)
            .div_ceil(s.dilation)
            .min(s.kernel);
        Self {
            weights: group_in * s.kernel,
            first_row: entry.row / group_out * group_in,
            first_tap: first_tap.min(end_tap),
            end_tap,
            input: (at + first_tap * s.dilation).saturating_sub(s.padding),
        }
    }
}
