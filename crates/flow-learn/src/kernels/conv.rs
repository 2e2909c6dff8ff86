//! The 1-D convolution, its gradient to the input and its gradient to the weights.

use super::plan::{ConvPlan, GradientRows, OutputGradient, gradient_rows};
use super::simd::Level;
use super::{Real, scratch, sparse};
use rayon::prelude::*;

/// The sizes of one convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Samples.
    pub batch: usize,
    /// Channels in; a multiple of `groups`.
    pub in_channels: usize,
    /// Channels out; a multiple of `groups`.
    pub out_channels: usize,
    /// Length of the signal, before padding.
    pub time: usize,
    /// Taps.
    pub kernel: usize,
    /// Steps between outputs.
    pub stride: usize,
    /// Zeros put before and after the signal.
    pub padding: usize,
    /// Steps between taps.
    pub dilation: usize,
    /// Groups of channels that don't see each other.
    pub groups: usize,
}

impl ConvShape {
    /// Length of the output: `⌊(time + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1`.
    pub fn out_time(&self) -> usize {
        let reach = self.dilation * (self.kernel - 1) + 1;
        (self.time + 2 * self.padding)
            .checked_sub(reach)
            .map_or(0, |room| room / self.stride + 1)
    }

    /// Numbers of one sample of the input.
    pub fn in_len(&self) -> usize {
        self.in_channels * self.time
    }

    /// Numbers of one sample of the output.
    pub fn out_len(&self) -> usize {
        self.out_channels * self.out_time()
    }

    /// Numbers of the weight.
    pub fn weight_len(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.kernel
    }
}

/// Convolves; see [`textbook::conv_forward`](super::textbook::conv_forward) for the equation.
pub fn conv_forward<T: Real>(
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    let plan = ConvPlan::new(Level::best(), *s, weight, bias).forward_packed();
    z.par_chunks_mut(s.out_len().max(1))
        .zip(x.par_chunks(s.in_len()))
        .for_each(|(z, x)| plan.forward(x, z, false, |_, _| {}));
}

/// Gradient to the input; see [`textbook::conv_input_gradient`](super::textbook::conv_input_gradient).
pub fn conv_input_gradient<T: Real>(s: &ConvShape, weight: &[T], dz: &[T], dx: &mut [T]) {
    let plan = ConvPlan::new(Level::best(), *s, weight, None).back_packed();
    dx.par_chunks_mut(s.in_len())
        .zip(dz.par_chunks(s.out_len().max(1)))
        .for_each(|(dx, dz)| in_rows(s, dz, |dz| plan.input_gradient(dz, dx)));
}

/// Gradient to weight and bias, summed over the batch; see
/// [`textbook::conv_weight_gradient`](super::textbook::conv_weight_gradient).
pub fn conv_weight_gradient<T: Real>(
    s: &ConvShape,
    x: &[T],
    dz: &[T],
    dweight: &mut [T],
    dbias: Option<&mut [T]>,
) {
    let plan = ConvPlan::new(Level::best(), *s, &[], None);
    let samples = chunk_samples(s.batch);
    let partial: Vec<Vec<T>> = x
        .par_chunks(samples * s.in_len())
        .zip(dz.par_chunks(samples * s.out_len()))
        .map(|(x, dz)| {
            let mut sums = zeros(s.weight_len() + s.out_channels);
            let (dweight, dbias) = sums.split_at_mut(s.weight_len());
            for (x, dz) in x.chunks_exact(s.in_len()).zip(dz.chunks_exact(s.out_len())) {
                in_rows(s, dz, |dz| plan.weight_gradient(x, dz, dweight, dbias));
            }
            sums
        })
        .collect();
    add_up(&partial, 0, dweight);
    if let Some(dbias) = dbias {
        add_up(&partial, s.weight_len(), dbias);
    }
    partial.into_iter().for_each(scratch::give);
}

/// Calls `work` with one sample's output gradient as the plan takes it.
fn in_rows<T: Real>(s: &ConvShape, dz: &[T], work: impl FnOnce(OutputGradient<'_, T>)) {
    let (rows, len) = (gradient_rows(s), s.out_time());
    let close = GradientRows {
        stride: len,
        offset: 0,
    };
    if let Some(entries) = sparse::entries(dz, close, len) {
        return work(OutputGradient::Sparse(&entries));
    }
    if rows == close {
        return work(OutputGradient::Dense(dz));
    }
    scratch::with(s.out_channels * rows.stride, |space: &mut [T]| {
        for (row, dz) in space.chunks_mut(rows.stride).zip(dz.chunks(len)) {
            row[..rows.offset].fill(T::ZERO);
            row[rows.offset..][..len].copy_from_slice(dz);
            row[rows.offset + len..].fill(T::ZERO);
        }
        work(OutputGradient::Dense(space));
    });
}

/// Samples whose weight gradients are added up by one thread: an eighth of the batch.
///
/// It depends on the batch only, never on the threads, so that sums are taken in one order.
pub(super) fn chunk_samples(batch: usize) -> usize {
    batch.div_ceil(8).max(1)
}

/// Zeros to add up partial sums in; to be given back.
pub(super) fn zeros<T: Real>(len: usize) -> Vec<T> {
    let mut sums = scratch::taken(len);
    sums.fill(T::ZERO);
    sums
}

/// `into = Σ over partial sums, in order`.
pub(super) fn add_up<T: Real>(partial: &[Vec<T>], from: usize, into: &mut [T]) {
    into.par_chunks_mut(4096)
        .enumerate()
        .for_each(|(chunk, into)| {
            into.fill(T::ZERO);
            for partial in partial {
                let partial = &partial[from + chunk * 4096..];
                into.iter_mut()
                    .zip(partial)
                    .for_each(|(into, &add)| *into += add);
            }
        });
}
