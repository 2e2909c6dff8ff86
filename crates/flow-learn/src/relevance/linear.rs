//! The layers that relevance is shared out in: weighted sums of their input.

use crate::kernels::{
    ConvShape, DenseShape, Real, conv_forward, conv_input_gradient, dense_forward,
    dense_input_gradient,
};

/// The shape of a weighted sum of one sample.
///
/// Average pools and batch norms are convolutions of each channel with itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Map {
    Conv(ConvShape),
    Dense(DenseShape),
}

impl Map {
    /// One channel at a time, `kernel` taps every `stride` samples.
    pub(crate) fn depthwise(channels: usize, time: usize, kernel: usize, stride: usize) -> Self {
        Self::Conv(ConvShape {
            batch: 1,
            in_channels: channels,
            out_channels: channels,
            time,
            kernel,
            stride,
            padding: 0,
            dilation: 1,
            groups: channels,
        })
    }

    /// Channels of the input and numbers in each.
    pub(crate) fn input(&self) -> (usize, usize) {
        match self {
            Self::Conv(shape) => (shape.in_channels, shape.time),
            Self::Dense(shape) => (shape.inputs, 1),
        }
    }

    /// Channels of the output and numbers in each.
    pub(crate) fn output(&self) -> (usize, usize) {
        match self {
            Self::Conv(shape) => (shape.out_channels, shape.out_time()),
            Self::Dense(shape) => (shape.outputs, 1),
        }
    }

    pub(crate) fn in_len(&self) -> usize {
        let (channels, time) = self.input();
        channels * time
    }

    pub(crate) fn out_len(&self) -> usize {
        let (channels, time) = self.output();
        channels * time
    }

    /// `z = W x + b`
    pub(crate) fn forward<T: Real>(&self, x: &[T], weight: &[T], bias: Option<&[T]>, z: &mut [T]) {
        match self {
            Self::Conv(shape) => conv_forward(shape, x, weight, bias, z),
            Self::Dense(shape) => dense_forward(shape, x, weight, bias, z),
        }
    }

    /// `dx = Wᵀ s`
    pub(crate) fn transpose<T: Real>(&self, weight: &[T], s: &[T], dx: &mut [T]) {
        match self {
            Self::Conv(shape) => conv_input_gradient(shape, weight, s, dx),
            Self::Dense(shape) => dense_input_gradient(shape, weight, s, dx),
        }
    }
}
