//! A convolution or dense layer with what follows it, in one pass over each sample.
//!
//! ReLU, pooling and dropout need no pass of their own over memory: they are done while a sample
//! is in the cache, and the map between convolution and pool is never stored.

use super::conv::{
    add_up, chunk_samples, sample_bias_gradient, sample_forward, sample_input_gradient,
    sample_weight_gradient,
};
use super::{ConvShape, DenseShape, PoolShape, Real};
use super::{dense_forward, dense_input_gradient, dense_weight_gradient};
use rayon::prelude::*;
use std::sync::Arc;

/// What follows a convolution's ReLU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPool {
    /// Nothing.
    None,
    /// Maximum over windows.
    Max {
        /// Window.
        kernel: usize,
        /// Steps between windows.
        stride: usize,
    },
    /// Maximum over all time.
    GlobalMax,
}

/// `out = mask · pool(relu(w ∗ x + b))`; every part after the convolution is optional.
#[derive(Debug, Clone)]
pub struct ConvBlock<T> {
    /// The convolution.
    pub conv: ConvShape,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// The pool.
    pub pool: BlockPool,
    /// Dropout's factors, `[batch, out_channels]`.
    pub mask: Option<Arc<[T]>>,
}

/// What the way back needs beside input, weights and output: the winners of the pool.
pub type Saved = Arc<[u32]>;

impl<T: Real> ConvBlock<T> {
    /// The pool over the rows of one sample.
    fn rows(&self) -> PoolShape {
        let (rows, time) = (self.conv.out_channels, self.conv.out_time());
        match self.pool {
            BlockPool::None => PoolShape {
                rows,
                time,
                kernel: 1,
                stride: 1,
            },
            BlockPool::Max { kernel, stride } => PoolShape {
                rows,
                time,
                kernel,
                stride,
            },
            BlockPool::GlobalMax => PoolShape::global(rows, time),
        }
    }

    /// Length of the output in time; 1 after a global pool.
    pub fn out_time(&self) -> usize {
        self.rows().out_time()
    }

    /// Numbers of one sample of the output.
    pub fn out_len(&self) -> usize {
        self.conv.out_channels * self.out_time()
    }

    /// The output's shape; a global pool drops the time.
    pub fn out_shape(&self) -> Vec<usize> {
        let (batch, channels) = (self.conv.batch, self.conv.out_channels);
        match self.pool {
            BlockPool::GlobalMax => vec![batch, channels],
            _ => vec![batch, channels, self.out_time()],
        }
    }

    /// The output `[batch, out_channels, out_time]` and what the way back needs.
    pub fn forward(&self, x: &[T], weight: &[T], bias: Option<&[T]>) -> (Vec<T>, Saved) {
        let mut out = vec![T::ZERO; self.conv.batch * self.out_len()];
        let winners = if self.pool == BlockPool::None {
            0
        } else {
            out.len()
        };
        let mut winner = vec![0; winners];
        let len = self.out_len();
        let map = || vec![T::ZERO; self.conv.out_len()];
        if winners == 0 {
            out.par_chunks_mut(len)
                .zip(x.par_chunks(self.conv.in_len()))
                .enumerate()
                .for_each(|(n, (out, x))| {
                    sample_forward(&self.conv, x, weight, bias, out);
                    self.activate(out);
                    self.apply_mask(n, out);
                });
        } else {
            out.par_chunks_mut(len)
                .zip(winner.par_chunks_mut(len))
                .zip(x.par_chunks(self.conv.in_len()))
                .enumerate()
                .for_each_init(map, |z, (n, ((out, winner), x))| {
                    sample_forward(&self.conv, x, weight, bias, z);
                    self.activate(z);
                    super::textbook::max_pool_forward(&self.rows(), z, out, winner);
                    self.apply_mask(n, out);
                });
        }
        (out, winner.into())
    }

    /// Forward through one sample on this thread, without winners and mask.
    pub(crate) fn sample(&self, x: &[T], weight: &[T], bias: Option<&[T]>, out: &mut [T]) {
        if self.pool == BlockPool::None {
            sample_forward(&self.conv, x, weight, bias, out);
            return self.activate(out);
        }
        let mut z = vec![T::ZERO; self.conv.out_len()];
        sample_forward(&self.conv, x, weight, bias, &mut z);
        self.activate(&mut z);
        let rows = self.rows();
        for (out, z) in out.chunks_mut(rows.out_time()).zip(z.chunks(rows.time)) {
            super::max_pool_row(&rows, z, out);
        }
    }

    /// Gradients to the input (where wanted), the weight and the bias.
    ///
    /// * `out`, `saved`: what [`ConvBlock::forward`] gave; `dout`: as `out`
    pub fn backward(
        &self,
        at: &BlockPoint<'_, T>,
        dout: &[T],
        wants_dx: WantsInput,
    ) -> BlockGradient<T> {
        let conv = &self.conv;
        let samples = chunk_samples(conv.batch);
        let wanted = if wants_dx == WantsInput::Yes {
            conv.batch * conv.in_len()
        } else {
            0
        };
        let mut dx = vec![T::ZERO; wanted];
        let mut dx_of: Vec<Option<&mut [T]>> = match wanted {
            0 => (0..conv.batch).map(|_| None).collect(),
            _ => dx.chunks_mut(conv.in_len()).map(Some).collect(),
        };
        let partial: Vec<Vec<T>> = dx_of
            .par_chunks_mut(samples)
            .enumerate()
            .map(|(chunk, dx_of)| {
                let mut sums = vec![T::ZERO; conv.weight_len() + conv.out_channels];
                let mut dz = vec![T::ZERO; conv.out_len()];
                for (n, dx) in dx_of.iter_mut().enumerate() {
                    let n = chunk * samples + n;
                    self.map_gradient(n, at, dout, &mut dz);
                    let x = &at.x[n * conv.in_len()..][..conv.in_len()];
                    let (dweight, dbias) = sums.split_at_mut(conv.weight_len());
                    sample_weight_gradient(conv, x, &dz, dweight);
                    sample_bias_gradient(conv, &dz, dbias);
                    if let Some(dx) = dx {
                        sample_input_gradient(conv, at.weight, &dz, dx);
                    }
                }
                sums
            })
            .collect();
        let mut dweight = vec![T::ZERO; conv.weight_len()];
        let mut dbias = vec![T::ZERO; conv.out_channels];
        add_up(&partial, 0, &mut dweight);
        add_up(&partial, conv.weight_len(), &mut dbias);
        BlockGradient { dx, dweight, dbias }
    }

    /// The gradient to one sample's convolution output: back through mask, pool and ReLU.
    fn map_gradient(&self, n: usize, at: &BlockPoint<'_, T>, dout: &[T], dz: &mut [T]) {
        let len = self.out_len();
        let (out, dout) = (&at.out[n * len..][..len], &dout[n * len..][..len]);
        let factor = |row: usize| {
            self.mask
                .as_ref()
                .map_or(T::ONE, |mask| mask[n * self.conv.out_channels + row])
        };
        let rows = self.rows();
        let passes = |out: T| !self.relu || out > T::ZERO;
        dz.fill(T::ZERO);
        for (row, dz) in dz.chunks_mut(rows.time).enumerate() {
            let at_row = row * rows.out_time()..(row + 1) * rows.out_time();
            let values = out[at_row.clone()].iter().zip(&dout[at_row.clone()]);
            for (t, (&out, &dout)) in values.enumerate() {
                if passes(out) {
                    let place = match self.pool {
                        BlockPool::None => t,
                        _ => at.saved[n * len + at_row.start + t] as usize,
                    };
                    dz[place] += dout * factor(row);
                }
            }
        }
    }

    fn activate(&self, z: &mut [T]) {
        if self.relu {
            z.iter_mut().for_each(|z| *z = z.max(T::ZERO));
        }
    }

    fn apply_mask(&self, n: usize, out: &mut [T]) {
        if let Some(mask) = &self.mask {
            let mask = &mask[n * self.conv.out_channels..];
            for (out, &factor) in out.chunks_mut(self.out_time()).zip(mask) {
                out.iter_mut().for_each(|out| *out *= factor);
            }
        }
    }
}

/// Where gradients are taken: the input and what the way forward gave.
#[derive(Debug, Clone, Copy)]
pub struct BlockPoint<'a, T> {
    /// The input.
    pub x: &'a [T],
    /// The weight.
    pub weight: &'a [T],
    /// The output.
    pub out: &'a [T],
    /// The winners of the pool; empty without one.
    pub saved: &'a [u32],
}

/// Whether the gradient to the input is wanted; the first layer's is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantsInput {
    /// It is.
    Yes,
    /// It is not, and stays empty.
    No,
}

/// The gradients of a block.
#[derive(Debug, Clone)]
pub struct BlockGradient<T> {
    /// To the input; empty where not wanted.
    pub dx: Vec<T>,
    /// To the weight.
    pub dweight: Vec<T>,
    /// To the bias.
    pub dbias: Vec<T>,
}

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
            out.iter_mut().for_each(|out| *out = out.max(T::ZERO));
        }
    }

    /// The output, `[batch, outputs]`.
    pub fn forward(&self, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let mut out = vec![T::ZERO; self.dense.batch * self.dense.outputs];
        dense_forward(&self.dense, x, weight, bias, &mut out);
        if self.relu {
            out.iter_mut().for_each(|out| *out = out.max(T::ZERO));
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
        let mut dz = dout.to_vec();
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
        let wanted = if wants_dx == WantsInput::Yes {
            at.x.len()
        } else {
            0
        };
        let mut dx = vec![T::ZERO; wanted];
        if wanted > 0 {
            dense_input_gradient(&self.dense, at.weight, &dz, &mut dx);
        }
        let mut dweight = vec![T::ZERO; at.weight.len()];
        let mut dbias = vec![T::ZERO; self.dense.outputs];
        dense_weight_gradient(&self.dense, at.x, &dz, &mut dweight, Some(&mut dbias));
        BlockGradient { dx, dweight, dbias }
    }
}
