//! The blocks on any backend whose tensors lie in memory.

use super::{Host, SimpleOp};
use crate::kernels::{
    AdamBuffers, AdamStep, BlockGradient, BlockPoint, ConvBlock, DenseBlock, Saved, WantsInput,
    average_pool_backward, average_pool_forward, give, max_pool_backward, max_pool_forward, taken,
};
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;
use std::sync::Arc;

/// Forward through a convolution's block, and the winners of its pool.
pub(super) fn conv<B: Host>(
    x: &FloatTensor<B>,
    weight: &FloatTensor<B>,
    bias: &FloatTensor<B>,
    block: &ConvBlock<f32>,
) -> (FloatTensor<B>, Saved) {
    let (x_numbers, weight, bias) = (B::numbers(x), B::numbers(weight), B::numbers(bias));
    let (out, saved) = block.forward(&x_numbers, &weight, Some(&bias));
    (B::tensor(out, &block.out_shape()), saved)
}

/// Forward through a dense layer's block.
pub(super) fn dense<B: Host>(
    x: &FloatTensor<B>,
    weight: &FloatTensor<B>,
    bias: &FloatTensor<B>,
    block: &DenseBlock<f32>,
) -> FloatTensor<B> {
    let (x_numbers, weight, bias) = (B::numbers(x), B::numbers(weight), B::numbers(bias));
    let out = block.forward(&x_numbers, &weight, Some(&bias));
    B::tensor(out, &[block.dense.batch, block.dense.outputs])
}

/// Forward through a layer without weights, and the winners of a maximum.
pub(super) fn simple<B: Host>(x: &FloatTensor<B>, op: SimpleOp) -> (FloatTensor<B>, Saved) {
    let numbers = B::numbers(x);
    let mut winner = Vec::new();
    let out = match op {
        SimpleOp::MaxPool(shape) => {
            let mut out = taken(shape.rows * shape.out_time());
            winner = taken(out.len());
            max_pool_forward(&shape, &numbers, &mut out, &mut winner);
            out
        }
        SimpleOp::AveragePool(shape) => {
            let mut out = taken(shape.rows * shape.out_time());
            average_pool_forward(&shape, &numbers, &mut out);
            out
        }
        SimpleOp::Activation(activation) => {
            let mut out = taken(numbers.len());
            out.par_iter_mut()
                .with_min_len(4096)
                .zip(&*numbers)
                .for_each(|(out, &x)| *out = activation.value(x));
            out
        }
    };
    (B::tensor(out, &simple_shape(&x.shape(), op)), winner.into())
}

fn simple_shape(dims: &[usize], op: SimpleOp) -> Vec<usize> {
    match op {
        SimpleOp::MaxPool(shape) | SimpleOp::AveragePool(shape) => {
            vec![dims[0], dims[1], shape.out_time()]
        }
        SimpleOp::Activation(_) => dims.to_vec(),
    }
}

/// Backward through a layer without weights.
pub(super) fn simple_back<B: Host>(
    x: &FloatTensor<B>,
    op: SimpleOp,
    saved: Saved,
    dout: FloatTensor<B>,
) -> FloatTensor<B> {
    let gradient = B::numbers(&dout);
    let mut dx = taken(x.shape().num_elements());
    match op {
        SimpleOp::MaxPool(shape) => max_pool_backward(&shape, &saved, &gradient, &mut dx),
        SimpleOp::AveragePool(shape) => average_pool_backward(&shape, &gradient, &mut dx),
        SimpleOp::Activation(activation) => {
            let numbers = B::numbers(x);
            let slopes = numbers.par_iter().zip(&*gradient);
            dx.par_iter_mut()
                .with_min_len(4096)
                .zip(slopes)
                .for_each(|(dx, (&x, &dout))| *dx = activation.slope(x) * dout);
        }
    }
    drop(gradient);
    B::buffer(dout).into_iter().for_each(give);
    Arc::into_inner(saved).into_iter().for_each(give);
    B::tensor(dx, &x.shape())
}

/// The weight and the two moments after a step of Adam.
pub(super) fn adam<B: Host>(
    changed: [FloatTensor<B>; 3],
    gradient: FloatTensor<B>,
    step: &AdamStep,
) -> [FloatTensor<B>; 3] {
    let shape = gradient.shape();
    let [mut weight, mut moment_1, mut moment_2] = changed.map(B::into_numbers);
    step.take(AdamBuffers {
        weight: &mut weight,
        moment_1: &mut moment_1,
        moment_2: &mut moment_2,
        gradient: &B::numbers(&gradient),
    });
    B::buffer(gradient).into_iter().for_each(give);
    [weight, moment_1, moment_2].map(|numbers| B::tensor(numbers, &shape))
}

/// What the way back through a block needs.
#[derive(Debug, Clone)]
pub(super) struct Trail<B: Host, Block> {
    pub x: FloatTensor<B>,
    pub weight: FloatTensor<B>,
    pub out: FloatTensor<B>,
    pub saved: Saved,
    pub block: Block,
}

/// A block that gradients go back through.
pub(super) trait Backwards {
    fn backward(
        &self,
        at: &BlockPoint<'_, f32>,
        dout: &[f32],
        wants: WantsInput,
    ) -> BlockGradient<f32>;
}

impl Backwards for ConvBlock<f32> {
    fn backward(
        &self,
        at: &BlockPoint<'_, f32>,
        dout: &[f32],
        wants: WantsInput,
    ) -> BlockGradient<f32> {
        self.backward(at, dout, wants)
    }
}

impl Backwards for DenseBlock<f32> {
    fn backward(
        &self,
        at: &BlockPoint<'_, f32>,
        dout: &[f32],
        wants: WantsInput,
    ) -> BlockGradient<f32> {
        self.backward(at, dout, wants)
    }
}

impl<B: Host, Block: Backwards> Trail<B, Block> {
    /// Gradients to the input (where wanted), the weight and the bias.
    pub(super) fn back(
        self,
        dout: FloatTensor<B>,
        wants: WantsInput,
    ) -> (Option<FloatTensor<B>>, FloatTensor<B>, FloatTensor<B>) {
        let gradient = {
            let (x, weight) = (B::numbers(&self.x), B::numbers(&self.weight));
            let out = B::numbers(&self.out);
            let at = BlockPoint {
                x: &x,
                weight: &weight,
                out: &out,
                saved: &self.saved,
            };
            self.block.backward(&at, &B::numbers(&dout), wants)
        };
        let shaped = |numbers, like: &FloatTensor<B>| B::tensor(numbers, &like.shape());
        let dx = (wants == WantsInput::Yes).then(|| shaped(gradient.dx, &self.x));
        let outputs = gradient.dbias.len();
        let dbias = B::tensor(gradient.dbias, &[outputs]);
        let dweight = shaped(gradient.dweight, &self.weight);
        // What the step is done with goes back on the shelf for the next one.
        [dout, self.out, self.x]
            .into_iter()
            .filter_map(B::buffer)
            .for_each(give);
        Arc::into_inner(self.saved).into_iter().for_each(give);
        (dx, dweight, dbias)
    }
}
