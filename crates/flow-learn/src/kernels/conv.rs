//! The 1-D convolution, its gradient to the input and its gradient to the weights.

use super::{Real, textbook};
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

    fn one(&self) -> Self {
        Self { batch: 1, ..*self }
    }
}

/// Convolves; see [`textbook::conv_forward`] for the equation and the shapes.
pub fn conv_forward<T: Real>(
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    z.par_chunks_mut(s.out_len().max(1))
        .zip(x.par_chunks(s.in_len()))
        .for_each(|(z, x)| textbook::conv_forward(&s.one(), x, weight, bias, z));
}

/// Gradient to the input; see [`textbook::conv_input_gradient`].
pub fn conv_input_gradient<T: Real>(s: &ConvShape, weight: &[T], dz: &[T], dx: &mut [T]) {
    dx.par_chunks_mut(s.in_len())
        .zip(dz.par_chunks(s.out_len().max(1)))
        .for_each(|(dx, dz)| textbook::conv_input_gradient(&s.one(), weight, dz, dx));
}

/// Gradient to weight and bias, summed over the batch; see [`textbook::conv_weight_gradient`].
pub fn conv_weight_gradient<T: Real>(
    s: &ConvShape,
    x: &[T],
    dz: &[T],
    dweight: &mut [T],
    dbias: Option<&mut [T]>,
) {
    textbook::conv_weight_gradient(s, x, dz, dweight, dbias);
}
