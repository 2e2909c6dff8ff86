//! Convolution gradients where almost all of `dz` is zero, as it is behind a global maximum.

use super::{ConvShape, Real};

/// `dz` counts as sparse where fewer than one number in this many is not zero: below it, going
/// from number to number takes less time than the tiles.
const ONE_IN: usize = 32;

/// The numbers of `dz` that are not zero, by row, or `None` where they are too many.
///
/// * `dz`: rows `stride` apart, each with `len` numbers from `offset` on
pub(super) fn entries<T: Real>(
    dz: &[T],
    (stride, offset, len): (usize, usize, usize),
) -> Option<Vec<(usize, usize, T)>> {
    let rows = || dz.chunks(stride).map(|row| &row[offset..][..len]);
    let count: usize = rows()
        .map(|row| row.iter().filter(|&&dz| dz != T::ZERO).count())
        .sum();
    if count * ONE_IN > rows().count() * len {
        return None;
    }
    let mut entries = Vec::with_capacity(count);
    for (o, row) in rows().enumerate() {
        let found = row.iter().enumerate().filter(|&(_, &dz)| dz != T::ZERO);
        entries.extend(found.map(|(t, &dz)| (o, t, dz)));
    }
    Some(entries)
}

/// `dx += wᵀ ∗ dz` for one sample.
pub(super) fn input_gradient<T: Real>(
    s: &ConvShape,
    weight: &[T],
    entries: &[(usize, usize, T)],
    dx: &mut [T],
) {
    each(s, entries, |w, x, taps, dz| {
        let dx = &mut dx[x..];
        for (k, &w) in weight[w..w + taps].iter().enumerate() {
            dx[k * s.dilation] += w * dz;
        }
    });
}

/// `dw += dz ⋆ x` for one sample.
pub(super) fn weight_gradient<T: Real>(
    s: &ConvShape,
    x: &[T],
    entries: &[(usize, usize, T)],
    dweight: &mut [T],
) {
    each(s, entries, |w, from, taps, dz| {
        let x = &x[from..];
        for (k, dw) in dweight[w..w + taps].iter_mut().enumerate() {
            *dw += dz * x[k * s.dilation];
        }
    });
}

/// Calls `work(first weight, first input, taps, dz)` for each entry and input row.
fn each<T: Real>(
    s: &ConvShape,
    entries: &[(usize, usize, T)],
    mut work: impl FnMut(usize, usize, usize, T),
) {
    let (group_in, group_out) = (s.in_channels / s.groups, s.out_channels / s.groups);
    for &(o, t, dz) in entries {
        let at = t * s.stride;
        let first = s.padding.saturating_sub(at).div_ceil(s.dilation);
        let end = (s.time + s.padding)
            .saturating_sub(at)
            .div_ceil(s.dilation)
            .min(s.kernel);
        if first >= end {
            continue;
        }
        let input = at + first * s.dilation - s.padding;
        for i in 0..group_in {
            let row = o / group_out * group_in + i;
            let weight = (o * group_in + i) * s.kernel + first;
            work(weight, row * s.time + input, end - first, dz);
        }
    }
}
