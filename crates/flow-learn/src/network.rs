//! The network as data: a list of layers over a `[channels, time]` input.

mod check;
mod error;
mod text;

pub use check::Shape;
pub use error::NetworkError;

use crate::kernels::{Activation, ConvShape};

/// A sequential 1-D convolutional network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Channels of the input.
    pub channels: usize,
    /// Length of the input.
    pub time: usize,
    /// The layers in forward order.
    pub layers: Vec<Layer>,
}

/// A named layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Unique in its network; weights go by it. `layer{n}` counts convolutions and dense layers
    /// from 1 where nothing else is said.
    pub name: String,
    /// What the layer does.
    pub op: Op,
}

/// What a layer does. `c` is the channels it gets, `t` the time.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Convolution over time, `[c, t] → [filters, ⌊(t + 2·padding − dilation·(kernel−1) − 1)/stride⌋ + 1]`.
    Conv {
        /// Channels out.
        filters: usize,
        /// Taps.
        kernel: usize,
        /// Steps between outputs.
        stride: usize,
        /// Zeros put before and after.
        padding: usize,
        /// Steps between taps.
        dilation: usize,
        /// Groups of channels that don't see each other.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Weighted sums of a vector.
    Dense {
        /// Numbers out.
        units: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Maximum over windows; a remainder at the end is dropped.
    MaxPool {
        /// Window.
        kernel: usize,
        /// Steps between windows.
        stride: usize,
    },
    /// Average over windows; a remainder at the end is dropped.
    AveragePool {
        /// Window.
        kernel: usize,
        /// Steps between windows.
        stride: usize,
    },
    /// Maximum over all time, `[c, t] → [c]`.
    GlobalMaxPool,
    /// Average over all time, `[c, t] → [c]`.
    GlobalAveragePool,
    /// `max(x, 0)`.
    Relu,
    /// `x` where `x ≥ 0`, else `slope · x`.
    LeakyRelu {
        /// Slope below zero.
        slope: f64,
    },
    /// `x` where `x ≥ 0`, else `alpha · (eˣ − 1)`.
    Elu {
        /// Value far below zero, negated.
        alpha: f64,
    },
    /// `x · Φ(x)` with the exact normal distribution function Φ.
    Gelu,
    /// Per channel: `(x − mean) / √(variance + epsilon) · weight + bias`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// While training, zeroes each number with this probability and scales the rest up.
    Dropout {
        /// Probability in `[0, 1)`.
        rate: f64,
    },
    /// While training, zeroes whole channels with this probability and scales the rest up.
    SpatialDropout {
        /// Probability in `[0, 1)`.
        rate: f64,
    },
    /// `[c, t] → [c · t]`, channel by channel.
    Flatten,
}

impl Op {
    /// A convolution with stride 1, no padding, no dilation, one group and a bias.
    pub fn conv(filters: usize, kernel: usize) -> Self {
        Self::Conv {
            filters,
            kernel,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
            bias: true,
        }
    }

    /// A dense layer with a bias.
    pub fn dense(units: usize) -> Self {
        Self::Dense { units, bias: true }
    }

    /// A maximum over windows that don't overlap.
    pub fn max_pool(kernel: usize) -> Self {
        Self::MaxPool {
            kernel,
            stride: kernel,
        }
    }

    /// A convolution's shapes over one sample; `None` for other layers.
    pub(crate) fn conv_shape(&self, gets: Shape) -> Option<ConvShape> {
        let Self::Conv {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } = *self
        else {
            return None;
        };
        Some(ConvShape {
            batch: 1,
            in_channels: gets.channels(),
            out_channels: filters,
            time: gets.time(),
            kernel,
            stride,
            padding,
            dilation,
            groups,
        })
    }

    /// The function that the layer applies to each number; `None` for other layers.
    pub(crate) fn activation(&self) -> Option<Activation> {
        match *self {
            Self::Relu => Some(Activation::Relu),
            Self::LeakyRelu { slope } => Some(Activation::LeakyRelu { slope }),
            Self::Elu { alpha } => Some(Activation::Elu { alpha }),
            Self::Gelu => Some(Activation::Gelu),
            _ => None,
        }
    }

    /// Whether the layer is a convolution or dense: a weighted sum of its input.
    pub fn is_linear(&self) -> bool {
        matches!(self, Self::Conv { .. } | Self::Dense { .. })
    }

    /// Whether the layer has trained numbers.
    pub fn has_weights(&self) -> bool {
        self.is_linear() || matches!(self, Self::BatchNorm { .. })
    }
}

impl Network {
    /// A network of these layers, named `layer1…` where linear, else by kind and count.
    pub fn of(channels: usize, time: usize, ops: impl IntoIterator<Item = Op>) -> Self {
        let layers = text::named(ops.into_iter().map(|op| (None, op)).collect());
        Self {
            channels,
            time,
            layers,
        }
    }

    /// The network of Ellis et al. 2021; at `[3, 3000]` and 5 classes it has 255,061 parameters.
    pub fn ellis2021(channels: usize, time: usize, classes: usize) -> Self {
        let pair = |filters, kernel| {
            let conv = || Op::conv(filters, kernel);
            [conv(), Op::Relu, conv(), Op::Relu]
        };
        let pool = || [Op::max_pool(2), Op::SpatialDropout { rate: 0.01 }];
        let mut ops = Vec::new();
        for (filters, kernel) in [(16, 5), (32, 3), (32, 3)] {
            ops.extend(pair(filters, kernel));
            ops.extend(pool());
        }
        ops.extend(pair(256, 3));
        ops.extend([Op::GlobalMaxPool, Op::Dropout { rate: 0.01 }]);
        ops.extend([Op::dense(64), Op::Relu, Op::Dropout { rate: 0.01 }]);
        ops.extend([Op::dense(64), Op::Relu, Op::Dropout { rate: 0.05 }]);
        ops.push(Op::dense(classes));
        Self::of(channels, time, ops)
    }

    /// Products of an input and a weight that one sample's weighted sums take.
    ///
    /// # Errors
    /// As [`Network::shapes`].
    pub fn products(&self) -> Result<usize, NetworkError> {
        let shapes = self.shapes()?;
        let gets = std::iter::once(self.input()).chain(shapes.iter().copied());
        let each = gets.zip(&shapes).zip(&self.layers);
        let products = each.map(|((gets, gives), layer)| match layer.op {
            Op::Conv { kernel, groups, .. } => gives.numbers() * gets.channels() / groups * kernel,
            Op::Dense { .. } => gives.numbers() * gets.numbers(),
            _ => 0,
        });
        Ok(products.sum())
    }

    /// The layer of this name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}
