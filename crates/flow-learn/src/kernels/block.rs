//! A convolution or dense layer with what follows it, in one pass over each sample.
//!
//! ReLU, pooling and dropout need no pass of their own over memory: they are done while a sample
//! is in the cache, and the map between convolution and pool is never stored.

use super::conv::{add_up, chunk_samples, zeros};
use super::plan::{ConvPlan, GradientRows, OutputGradient, gradient_rows};
use super::simd::Level;
use super::sparse::Entry;
use super::{ConvShape, PoolShape, Real, passes, pool, scratch};
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

/// The winners of a pool, which the way back needs; empty where nothing was pooled.
pub type Saved = Arc<Vec<u32>>;

impl<T: Real> ConvBlock<T> {
    /// The pool over the rows of one sample.
    fn rows(&self) -> PoolShape {
        let (rows, time) = (self.conv.out_channels, self.conv.out_time());
        let (kernel, stride) = match self.pool {
            BlockPool::None => (1, 1),
            BlockPool::Max { kernel, stride } => (kernel, stride),
            BlockPool::GlobalMax => (time, time),
        };
        PoolShape {
            rows,
            time,
            kernel,
            stride,
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
        let plan = ConvPlan::new(Level::best(), self.conv, weight, bias).forward_packed();
        let len = self.out_len();
        let mut out = scratch::taken(self.conv.batch * len);
        let pools = self.pool != BlockPool::None;
        let mut winner = if pools {
            scratch::taken(out.len())
        } else {
            Vec::new()
        };
        // Without a pool there are no winners, yet each sample needs its (empty) part of them.
        let mut winner_of: Vec<&mut [u32]> = match pools {
            true => winner.chunks_mut(len).collect(),
            false => (0..self.conv.batch).map(|_| Default::default()).collect(),
        };
        out.par_chunks_mut(len)
            .zip(winner_of.par_iter_mut())
            .zip(x.par_chunks(self.conv.in_len()))
            .enumerate()
            .for_each(|(n, ((out, winner), x))| {
                self.sample(&plan, x, out, winner);
                self.apply_mask(n, out);
            });
        (out, winner.into())
    }

    /// Forward through one sample on this thread, without mask; no winners are kept where
    /// `winner` is empty.
    pub(super) fn sample(
        &self,
        plan: &ConvPlan<'_, T>,
        x: &[T],
        out: &mut [T],
        winner: &mut [u32],
    ) {
        if self.pool == BlockPool::None {
            return plan.forward(x, out, self.relu, |_, _| {});
        }
        let rows = self.rows();
        let out_time = rows.out_time();
        scratch::with(self.conv.out_len(), |z: &mut [T]| {
            plan.forward(x, z, self.relu, |first, z| {
                for (row, z) in z.chunks(rows.time).enumerate() {
                    let at = (first + row) * out_time;
                    let out = &mut out[at..at + out_time];
                    match winner.get_mut(at..at + out_time) {
                        Some(winner) => pool::max_pool_row_winners(&rows, z, out, winner),
                        None => pool::max_pool_row(&rows, z, out),
                    }
                }
            });
        });
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
        let mut plan = ConvPlan::new(Level::best(), *conv, at.weight, None);
        let mut dx = Vec::new();
        let mut dx_of: Vec<&mut [T]> = Vec::new();
        match wants_dx {
            WantsInput::Yes => {
                plan = plan.back_packed();
                dx = scratch::taken(conv.batch * conv.in_len());
                dx_of.extend(dx.chunks_mut(conv.in_len()));
            }
            WantsInput::No => dx_of.extend((0..conv.batch).map(|_| <&mut [T]>::default())),
        }
        let samples = chunk_samples(conv.batch);
        let partial: Vec<Vec<T>> = dx_of
            .par_chunks_mut(samples)
            .enumerate()
            .map(|(chunk, dx_of)| {
                let mut sums = zeros(conv.weight_len() + conv.out_channels);
                for (n, dx) in dx_of.iter_mut().enumerate() {
                    let n = chunk * samples + n;
                    self.sample_back(
                        SampleBack {
                            plan: &plan,
                            n,
                            at,
                            dout,
                        },
                        dx,
                        &mut sums,
                    );
                }
                sums
            })
            .collect();
        let mut dweight = scratch::taken(conv.weight_len());
        let mut dbias = vec![T::ZERO; conv.out_channels];
        add_up(&partial, 0, &mut dweight);
        add_up(&partial, conv.weight_len(), &mut dbias);
        partial.into_iter().for_each(scratch::give);
        BlockGradient { dx, dweight, dbias }
    }

    /// Back through one sample on this thread; `sums` are those of weight and bias.
    fn sample_back(&self, sample: SampleBack<'_, T>, dx: &mut [T], sums: &mut [T]) {
        let conv = &self.conv;
        let x = &sample.at.x[sample.n * conv.in_len()..][..conv.in_len()];
        let (dweight, dbias) = sums.split_at_mut(conv.weight_len());
        let mut back = |dz: OutputGradient<'_, T>| {
            sample.plan.weight_gradient(x, dz, dweight, dbias);
            if !dx.is_empty() {
                sample.plan.input_gradient(dz, dx);
            }
        };
        if self.pool == BlockPool::GlobalMax {
            return back(OutputGradient::Sparse(&self.winners_gradient(&sample)));
        }
        let rows = gradient_rows(conv);
        scratch::with(conv.out_channels * rows.stride, |dz: &mut [T]| {
            self.map_gradient(&sample, dz, rows);
            back(OutputGradient::Dense(dz));
        });
    }

    /// The gradient to one sample's convolution output behind a global maximum: one number a row.
    fn winners_gradient(&self, sample: &SampleBack<'_, T>) -> Vec<Entry<T>> {
        let rows = 0..self.conv.out_channels;
        let entry = |row: usize| {
            let (at, factor) = (sample.n * rows.len() + row, self.factor(sample.n, row));
            let open = !self.relu || sample.at.out[at] > T::ZERO;
            let dz = if open {
                sample.dout[at] * factor
            } else {
                T::ZERO
            };
            Entry {
                row,
                time: sample.at.saved[at] as usize,
                dz,
            }
        };
        rows.clone()
            .map(entry)
            .filter(|entry| entry.dz != T::ZERO)
            .collect()
    }

    /// The gradient to one sample's convolution output: back through mask, pool and ReLU.
    fn map_gradient(&self, sample: &SampleBack<'_, T>, dz: &mut [T], rows: GradientRows) {
        let (len, out_time) = (self.out_len(), self.out_time());
        let pool = self.rows();
        let passed_in_row = |row: usize, into: &mut [T]| {
            let at = sample.n * len + row * out_time;
            let (out, dout) = (
                &sample.at.out[at..at + out_time],
                &sample.dout[at..at + out_time],
            );
            match self.relu {
                true => passes::gate(out, dout, self.factor(sample.n, row), into),
                false => passes::scale(dout, self.factor(sample.n, row), into),
            }
        };
        scratch::with(out_time, |passed: &mut [T]| {
            for (row, dz) in dz.chunks_mut(rows.stride).enumerate() {
                dz[..rows.offset].fill(T::ZERO);
                dz[rows.offset + pool.time..].fill(T::ZERO);
                let dz = &mut dz[rows.offset..][..pool.time];
                if self.pool == BlockPool::None {
                    passed_in_row(row, dz);
                    continue;
                }
                passed_in_row(row, passed);
                let winner = &sample.at.saved[sample.n * len + row * out_time..][..out_time];
                if pool.kernel == 2 && pool.stride == 2 {
                    passes::scatter_pairs(passed, winner, dz);
                    continue;
                }
                dz.fill(T::ZERO);
                for (&passed, &winner) in passed.iter().zip(winner) {
                    dz[winner as usize] += passed;
                }
            }
        });
    }

    /// Dropout's factor of a row.
    fn factor(&self, n: usize, row: usize) -> T {
        self.mask
            .as_ref()
            .map_or(T::ONE, |mask| mask[n * self.conv.out_channels + row])
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

/// The sample that gradients go back through.
struct SampleBack<'a, T> {
    plan: &'a ConvPlan<'a, T>,
    n: usize,
    at: &'a BlockPoint<'a, T>,
    dout: &'a [T],
}

/// A convolution's block with its weights packed, to be run on single samples.
#[derive(Debug)]
pub(crate) struct PackedBlock<'a, T> {
    block: ConvBlock<T>,
    plan: ConvPlan<'a, T>,
}

impl<'a, T: Real> PackedBlock<'a, T> {
    /// Packs the weights.
    pub(crate) fn new(block: ConvBlock<T>, weight: &'a [T], bias: Option<&'a [T]>) -> Self {
        let plan = ConvPlan::new(Level::best(), block.conv, weight, bias).forward_packed();
        Self { block, plan }
    }

    /// Forward through one sample on this thread.
    pub(crate) fn forward(&self, x: &[T], out: &mut [T]) {
        self.block.sample(&self.plan, x, out, &mut []);
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
