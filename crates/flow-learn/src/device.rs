//! The layers out of burn's own tensor operations, for devices that our kernels don't run on.
//!
//! Slower than the kernels where both run, which is how they are tested: on the ndarray backend, and on a GPU
//! where there is one.

use crate::kernels::{
    Activation, AdamStep, BlockPool, ConvBlock, ConvShape, DenseBlock, PoolShape,
};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{Bool, Int, Tensor, TensorData, activation as functions, module};

/// The winners of a maximum pool, `[batch, channels, out_time]`, as places in the row.
pub(crate) type Winners = Tensor<3, Int>;

/// `z[n,o,t] = b[o] + Σ over i and k of w[o,i,k] · x[n, i, t·stride + k·dilation − padding]`.
///
/// * `x`: `[batch, in_channels, time]`; `weight`: `[out_channels, in_channels / groups, kernel]`
/// * returns `[batch, out_channels, out_time]`
pub(crate) fn conv(
    s: &ConvShape,
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<1>>,
) -> Tensor<3> {
    let options = ConvOptions::new([s.stride], [s.padding], [s.dilation], s.groups);
    module::conv1d(x, weight, bias, options)
}

/// The gradient of [`conv`] to its input: `[batch, out_channels, out_time]` to `[batch, in_channels, time]`.
pub(crate) fn conv_back(s: &ConvShape, share: Tensor<3>, weight: Tensor<3>) -> Tensor<3> {
    let reach = s.dilation * (s.kernel - 1) + 1;
    // Samples at the end that no window reached.
    let left = (s.time + 2 * s.padding - reach) % s.stride;
    let options =
        ConvTransposeOptions::new([s.stride], [s.padding], [left], [s.dilation], s.groups);
    module::conv_transpose1d(share, weight, None, options)
}

/// `z = x · Wᵀ + b`; `x`: `[batch, inputs]`, `weight`: `[outputs, inputs]`.
pub(crate) fn dense(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let z = x.matmul(weight.transpose());
    match bias {
        Some(bias) => z + bias.unsqueeze::<2>(),
        None => z,
    }
}

/// Maximum over windows of each row; `x`: `[batch, channels, time]`.
pub(crate) fn max_pool(s: &PoolShape, x: Tensor<3>) -> Tensor<3> {
    match s.kernel == s.time {
        true => x.max_dim(2),
        false => module::max_pool1d(x, max_options(s)),
    }
}

/// [`max_pool`] with its winners, the first of equals.
pub(crate) fn max_pool_winners(s: &PoolShape, x: Tensor<3>) -> (Tensor<3>, Winners) {
    module::max_pool1d_with_indices(x, max_options(s))
}

/// Gives each window's relevance to its winner; windows may overlap.
pub(crate) fn unpool(s: &PoolShape, x: Tensor<3>, winners: Winners, from: Tensor<3>) -> Tensor<3> {
    let back = module::max_pool2d_with_indices_backward(
        x.unsqueeze_dim::<4>(3),
        [s.kernel, 1],
        [s.stride, 1],
        [0, 0],
        [1, 1],
        false,
        from.unsqueeze_dim::<4>(3),
        winners.unsqueeze_dim::<4>(3),
    );
    back.squeeze_dim::<3>(3)
}

fn max_options(s: &PoolShape) -> MaxPoolOptions<1> {
    MaxPoolOptions::new([s.kernel]).with_stride([s.stride])
}

/// Average over windows of each row; `x`: `[batch, channels, time]`.
pub(crate) fn average_pool(s: &PoolShape, x: Tensor<3>) -> Tensor<3> {
    match s.kernel == s.time {
        true => x.mean_dim(2),
        false => module::avg_pool1d(x, AvgPoolOptions::new([s.kernel]).with_stride([s.stride])),
    }
}

/// [`Activation::value`] of every number.
pub(crate) fn activate<const D: usize>(activation: Activation, x: Tensor<D>) -> Tensor<D> {
    match activation {
        Activation::Relu => functions::relu(x),
        Activation::LeakyRelu { slope } => functions::leaky_relu(x, slope),
        // Not burn's: where x is large, the branch it doesn't take overflows, and its gradient is NaN.
        Activation::Elu { alpha } => {
            let below = (x.clone().clamp_max(0.0).exp() - 1.0) * alpha;
            functions::relu(x) + below
        }
        Activation::Gelu => functions::gelu(x),
    }
}

/// [`Activation::slope`] at every number.
pub(crate) fn slope<const D: usize>(activation: Activation, x: Tensor<D>) -> Tensor<D> {
    let above: Tensor<D, Bool> = x.clone().greater_elem(0.0);
    match activation {
        Activation::Relu => above.float(),
        Activation::LeakyRelu { slope } => (x.zeros_like() + slope).mask_fill(above, 1.0),
        Activation::Elu { alpha } => (x.clamp_max(0.0).exp() * alpha).mask_fill(above, 1.0),
        Activation::Gelu => {
            let below = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
            let root = (2.0 * std::f64::consts::PI).sqrt();
            let density = (x.clone().square() * -0.5).exp() / root;
            below + x * density
        }
    }
}

/// A convolution's block: `mask · pool(relu(w ∗ x + b))`; a global pool leaves a time of 1.
pub(crate) fn conv_block(
    block: &ConvBlock<f32>,
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<1>>,
) -> Tensor<3> {
    let conv_shape = &block.conv;
    let mut z = conv(conv_shape, x, weight, bias); // [batch, out_channels, out_time]
    if block.relu {
        z = functions::relu(z);
    }
    let time = conv_shape.out_time();
    let pool = |kernel, stride| PoolShape {
        rows: conv_shape.batch * conv_shape.out_channels,
        time,
        kernel,
        stride,
    };
    z = match block.pool {
        BlockPool::None => z,
        BlockPool::Max { kernel, stride } => max_pool(&pool(kernel, stride), z),
        BlockPool::GlobalMax => max_pool(&pool(time, time), z),
    };
    match &block.mask {
        None => z,
        Some(mask) => {
            let dims = [conv_shape.batch, conv_shape.out_channels, 1];
            let mask = TensorData::new(mask.to_vec(), dims);
            let mask = Tensor::from_data(mask, &z.device());
            z * mask
        }
    }
}

/// A dense layer's block: `mask · relu(W x + b)`.
pub(crate) fn dense_block(
    block: &DenseBlock<f32>,
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<2> {
    let mut z = dense(x, weight, bias); // [batch, outputs]
    if block.relu {
        z = functions::relu(z);
    }
    match &block.mask {
        None => z,
        Some(mask) => {
            let dims = [block.dense.batch, block.dense.outputs];
            let mask = Tensor::from_data(TensorData::new(mask.to_vec(), dims), &z.device());
            z * mask
        }
    }
}

/// [`AdamStep::take`]: the weight and the two moments after the step.
pub(crate) fn adam<const D: usize>(
    step: &AdamStep,
    [weight, moment_1, moment_2]: [Tensor<D>; 3],
    gradient: Tensor<D>,
) -> [Tensor<D>; 3] {
    let moment_1 = moment_1 * step.beta_1 + gradient.clone() * step.rest_1;
    let moment_2 = moment_2 * step.beta_2 + gradient.square() * step.rest_2;
    let spread = moment_2.clone().sqrt() / step.root + step.epsilon;
    let weight = weight - moment_1.clone() * step.rate / spread;
    [weight, moment_1, moment_2]
}
