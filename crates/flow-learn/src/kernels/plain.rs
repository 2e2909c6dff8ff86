//! The convolution of one sample for any stride, padding, dilation and groups, in portable code.

use super::{ConvShape, Real};
use std::ops::Range;

/// `z += w ∗ x` for one sample; the caller has put the bias, or 0, into `z`.
pub(super) fn forward<T: Real>(s: &ConvShape, x: &[T], weight: &[T], z: &mut [T]) {
    let out_time = s.out_time();
    each_tap(s, |tap| {
        let z = &mut z[tap.out_row * out_time..][tap.outputs.clone()];
        let x = &x[tap.in_row * s.time + tap.first_input..];
        let w = weight[tap.weight];
        if s.stride == 1 {
            z.iter_mut().zip(x).for_each(|(z, &x)| *z += w * x);
        } else {
            z.iter_mut()
                .zip(x.iter().step_by(s.stride))
                .for_each(|(z, &x)| *z += w * x);
        }
    });
}

/// `dx += wᵀ ∗ dz` for one sample.
pub(super) fn input_gradient<T: Real>(s: &ConvShape, weight: &[T], dz: &[T], dx: &mut [T]) {
    let out_time = s.out_time();
    each_tap(s, |tap| {
        let dz = &dz[tap.out_row * out_time..][tap.outputs.clone()];
        let dx = &mut dx[tap.in_row * s.time + tap.first_input..];
        let w = weight[tap.weight];
        if s.stride == 1 {
            dx.iter_mut().zip(dz).for_each(|(dx, &dz)| *dx += w * dz);
        } else {
            dx.iter_mut()
                .step_by(s.stride)
                .zip(dz)
                .for_each(|(dx, &dz)| *dx += w * dz);
        }
    });
}

/// `dw += dz ⋆ x` for one sample.
pub(super) fn weight_gradient<T: Real>(s: &ConvShape, x: &[T], dz: &[T], dweight: &mut [T]) {
    let out_time = s.out_time();
    each_tap(s, |tap| {
        let dz = &dz[tap.out_row * out_time..][tap.outputs.clone()];
        let x = &x[tap.in_row * s.time + tap.first_input..];
        dweight[tap.weight] += match s.stride {
            1 => dot(dz, x),
            stride => dz
                .iter()
                .zip(x.iter().step_by(stride))
                .map(|(&dz, &x)| dz * x)
                .sum(),
        };
    });
}

/// Sum of products over the shorter of two, in 16 interleaved partial sums that are added in order.
pub(super) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let len = a.len().min(b.len());
    let (a_full, a_rest) = a[..len].as_chunks::<16>();
    let (b_full, b_rest) = b[..len].as_chunks::<16>();
    let mut sums = [T::ZERO; 16];
    for (a, b) in a_full.iter().zip(b_full) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    sums.into_iter().sum()
}

/// One weight and the outputs that read the signal through it.
struct Tap {
    weight: usize,
    out_row: usize,
    in_row: usize,
    outputs: Range<usize>,
    first_input: usize,
}

fn each_tap(s: &ConvShape, mut work: impl FnMut(Tap)) {
    let (group_in, group_out) = (s.in_channels / s.groups, s.out_channels / s.groups);
    for out_row in 0..s.out_channels {
        for i in 0..group_in {
            for k in 0..s.kernel {
                let outputs = reached(s, k);
                if outputs.is_empty() {
                    continue;
                }
                let first_input = outputs.start * s.stride + k * s.dilation - s.padding;
                let in_row = out_row / group_out * group_in + i;
                let weight = (out_row * group_in + i) * s.kernel + k;
                work(Tap {
                    weight,
                    out_row,
                    in_row,
                    outputs,
                    first_input,
                });
            }
        }
    }
}

/// The outputs whose tap `k` lies on the signal, not on the padding.
fn reached(s: &ConvShape, k: usize) -> Range<usize> {
    let shift = k * s.dilation;
    let first = s.padding.saturating_sub(shift).div_ceil(s.stride);
    let end = (s.time + s.padding)
        .saturating_sub(shift)
        .div_ceil(s.stride);
    first..end.min(s.out_time())
}

/// The sum, in 16 interleaved partial sums that are added in order.
pub(super) fn sum<T: Real>(a: &[T]) -> T {
    let (full, rest) = a.as_chunks::<16>();
    let mut sums = [T::ZERO; 16];
    for a in full {
        for lane in 0..16 {
            sums[lane] += a[lane];
        }
    }
    sums.iter_mut().zip(rest).for_each(|(sum, &a)| *sum += a);
    sums.into_iter().sum()
}

/// `max(0, z)` in place; NaN stays NaN.
pub(super) fn relu<T: Real>(z: &mut [T]) {
    z.iter_mut()
        .for_each(|z| *z = if *z < T::ZERO { T::ZERO } else { *z });
}
