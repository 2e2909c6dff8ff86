//! A dense layer with its ReLU and dropout.

use super::block::{BlockGradient, BlockPoint, WantsInput};
use super::scratch::{give, taken};
use super::{DenseShape, Real, plain};
use super::{dense_forward, dense_input_gradient, dense_weight_gradient};
use std::sync::Arc;

/// `out = mask · relu(w · x + b)`; ReLU and mask are optional.
#[derive(Debug, Clone)]
pub struct DenseBlock<T> {
    /// The sizes.
    pub dense: DenseShape,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Dropout's factors, `[batch, outputs]`.
    pub mask: Option<Arc<[T]>>,
}

impl<T: Real> DenseBlock<T> {
    /// Forward through one sample on this thread, without mask.
    pub(crate) fn sample(&self, x: &[T], weight: &[T], bias: Option<&[T]>, out: &mut [T]) {
        super::dense::sample_forward(&self.dense, x, weight, bias, out);
        if self.relu {
            plain::relu(out);
        }
    }

    /// The output, `[batch, outputs]`.
    pub fn forward(&self, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let mut out = taken(self.dense.batch * self.dense.outputs);
        dense_forward(&self.dense, x, weight, bias, &mut out);
        if self.relu {
            plain::relu(&mut out);
        }
        if let Some(mask) = &self.mask {
            out.iter_mut()
                .zip(&**mask)
                .for_each(|(out, &factor)| *out *= factor);
        }
        out
    }

    /// Gradients to the input (where wanted), the weight and the bias.
    pub fn backward(
        &self,
        at: &BlockPoint<'_, T>,
        dout: &[T],
        wants_dx: WantsInput,
    ) -> BlockGradient<T> {
        let mut dz = taken(dout.len());
        dz.copy_from_slice(dout);
        if let Some(mask) = &self.mask {
            dz.iter_mut()
                .zip(&**mask)
                .for_each(|(dz, &factor)| *dz *= factor);
        }
        if self.relu {
            let closed = |(dz, &out): (&mut T, &T)| {
                if out <= T::ZERO {
                    *dz = T::ZERO;
                }
            };
            dz.iter_mut().zip(at.out).for_each(closed);
        }
        let mut dx = Vec::new();
        if wants_dx == WantsInput::Yes {
            dx = taken(at.x.len());
            dense_input_gradient(&self.dense, at.weight, &dz, &mut dx);
        }
        let mut dweight = taken(at.weight.len());
        let mut dbias = vec![T::ZERO; self.dense.outputs];
        dense_weight_gradient(&self.dense, at.x, &dz, &mut dweight, Some(&mut dbias));
        give(dz);
        BlockGradient { dx, dweight, dbias }
    }
}
