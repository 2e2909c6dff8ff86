//! What the relevance walk runs on: weighted sums packed once for many samples, and the passes between.
//!
//! All of it works on one sample on the calling thread.

#![expect(
    unsafe_code,
    reason = "kernels run with instructions that dispatch has checked"
)]

use super::direct::{Convolve, PanelShape, Panels};
use super::plan::{self, GradientRows};
use super::pool::max_pool_row_winners;
use super::simd::{Kernel, Level, Vector};
use super::sparse::{self, Entry};
use super::{ConvShape, DenseShape, PoolShape, Real, dense, passes, plain};
use std::sync::Arc;

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

    /// How shares are to lie for the way back.
    pub(crate) fn rows(&self) -> Rows {
        let (count, len) = self.output();
        let GradientRows { stride, offset } = match self {
            Self::Conv(shape) => plan::gradient_rows(shape),
            Self::Dense(_) => GradientRows {
                stride: 1,
                offset: 0,
            },
        };
        Rows {
            count,
            len,
            stride,
            offset,
        }
    }
}

/// Rows of numbers with zeros around each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    pub(crate) len: usize,
    /// Numbers from row to row.
    pub(crate) stride: usize,
    /// Zeros before a row.
    pub(crate) offset: usize,
}

impl Rows {
    /// Numbers of all rows and their zeros.
    pub(crate) fn room(&self) -> usize {
        self.count * self.stride
    }

    /// Puts the zeros and gives the rows.
    pub(crate) fn cleared<'a, T: Real>(
        &self,
        into: &'a mut [T],
    ) -> impl Iterator<Item = &'a mut [T]> {
        let (len, offset) = (self.len, self.offset);
        into.chunks_mut(self.stride).map(move |row| {
            let (before, row) = row.split_at_mut(offset);
            let (row, after) = row.split_at_mut(len);
            before.fill(T::ZERO);
            after.fill(T::ZERO);
            row
        })
    }
}

/// `z = W x + b`, packed.
#[derive(Debug)]
pub(crate) struct Forward<T> {
    map: Map,
    weight: Arc<Vec<T>>,
    bias: Option<Vec<T>>,
    panels: Option<Panels<T>>,
}

impl<T: Real> Forward<T> {
    pub(crate) fn new(map: Map, weight: Arc<Vec<T>>, bias: Option<Vec<T>>) -> Self {
        let panels = match map {
            Map::Conv(s) if plan::direct(&s) => {
                let (out, gets) = (s.out_channels / s.groups, s.in_channels / s.groups);
                let at = |g: usize, o: usize, i: usize, k: usize| {
                    weight[((g * out + o) * gets + i) * s.kernel + k]
                };
                Some(panels(&s, out, gets, bias.as_deref(), at))
            }
            _ => None,
        };
        Self {
            map,
            weight,
            bias,
            panels,
        }
    }

    /// `b`, one number a channel of the output.
    pub(crate) fn bias(&self) -> Option<&[T]> {
        self.bias.as_deref()
    }

    /// `z = W x + b`, or `max(0, W x + b)`.
    pub(crate) fn run(&self, x: &[T], relu: bool, z: &mut [T]) {
        match (self.map, &self.panels) {
            (Map::Conv(s), Some(panels)) => plan::padded(&s, x, |x, x_stride| {
                Convolve {
                    panels,
                    x,
                    x_stride,
                    dilation: s.dilation,
                    z,
                    len: s.out_time(),
                    relu,
                    done: |_, _: &mut [T]| {},
                }
                .run();
            }),
            (map, _) => {
                self.plainly(map, x, z);
                if relu {
                    plain::relu(z);
                }
            }
        }
    }

    fn plainly(&self, map: Map, x: &[T], z: &mut [T]) {
        match map {
            Map::Dense(s) => dense::sample_forward(&s, x, &self.weight, self.bias.as_deref(), z),
            Map::Conv(s) => {
                for (o, z) in z.chunks_mut(s.out_time()).enumerate() {
                    z.fill(self.bias.as_ref().map_or(T::ZERO, |bias| bias[o]));
                }
                plain::forward(&s, x, &self.weight, z);
            }
        }
    }

    /// Adds the outputs at single times to `z`, the bias included; a dense layer has no times.
    ///
    /// * `times`: one output time a channel; `z`: one number a channel
    pub(crate) fn add_at(&self, x: &[T], times: &[u32], z: &mut [T]) {
        let Map::Conv(s) = self.map else { return };
        for (row, (z, &time)) in z.iter_mut().zip(times).enumerate() {
            *z += self.bias.as_ref().map_or(T::ZERO, |bias| bias[row]);
            *z += output(&s, x, &self.weight, (row, time as usize));
        }
    }
}

/// One output of a convolution, without bias.
fn output<T: Real>(s: &ConvShape, x: &[T], weight: &[T], (row, time): (usize, usize)) -> T {
    let (group_in, group_out) = (s.in_channels / s.groups, s.out_channels / s.groups);
    let weight = &weight[row * group_in * s.kernel..][..group_in * s.kernel];
    let rows = x[row / group_out * group_in * s.time..].chunks(s.time);
    let mut sum = T::ZERO;
    for (weight, x) in weight.chunks_exact(s.kernel).zip(rows) {
        for (tap, &w) in weight.iter().enumerate() {
            let at = (time * s.stride + tap * s.dilation).wrapping_sub(s.padding);
            sum += x.get(at).map_or(T::ZERO, |&x| w * x);
        }
    }
    sum
}

fn panels<T: Real>(
    s: &ConvShape,
    rows_out: usize,
    rows_in: usize,
    bias: Option<&[T]>,
    weight: impl Fn(usize, usize, usize, usize) -> T,
) -> Panels<T> {
    let shape = PanelShape {
        groups: s.groups,
        rows_out,
        rows_in,
        taps: s.kernel,
    };
    Panels::new(Level::best(), shape, bias, weight)
}

/// `dx = Wᵀ s`, packed.
#[derive(Debug)]
pub(crate) struct Back<T> {
    map: Map,
    weight: Arc<Vec<T>>,
    panels: Option<Panels<T>>,
}

impl<T: Real> Back<T> {
    pub(crate) fn new(map: Map, weight: Arc<Vec<T>>) -> Self {
        let panels = match map {
            Map::Conv(s) if plan::direct(&s) => {
                let (out, gets) = (s.in_channels / s.groups, s.out_channels / s.groups);
                let at = |g: usize, i: usize, o: usize, k: usize| {
                    weight[((g * gets + o) * out + i) * s.kernel + s.kernel - 1 - k]
                };
                Some(panels(&s, out, gets, None, at))
            }
            _ => None,
        };
        Self {
            map,
            weight,
            panels,
        }
    }

    /// `W`, as the layer has it.
    pub(crate) fn weight(&self) -> &[T] {
        &self.weight
    }

    /// `dx = Wᵀ s`; `s` lies as [`Map::rows`] says.
    pub(crate) fn run(&self, share: &[T], dx: &mut [T]) {
        match (self.map, &self.panels) {
            (Map::Dense(s), _) => dense::dense_input_gradient(&s, &self.weight, share, dx),
            (Map::Conv(s), None) => {
                dx.fill(T::ZERO);
                plain::input_gradient(&s, &self.weight, share, dx);
            }
            (Map::Conv(s), Some(panels)) => Convolve {
                panels,
                x: share,
                x_stride: self.map.rows().stride,
                dilation: s.dilation,
                z: dx,
                len: s.time,
                relu: false,
                done: |_, _: &mut [T]| {},
            }
            .run(),
        }
    }

    /// `dx = Wᵀ s` where `s` is 0 but at one time a channel; a dense layer has no times.
    ///
    /// * `times`, `share`: one a channel
    pub(crate) fn run_at(&self, times: &[u32], share: &[T], dx: &mut [T]) {
        let Map::Conv(s) = self.map else { return };
        dx.fill(T::ZERO);
        for (row, (&time, &dz)) in times.iter().zip(share).enumerate() {
            if dz != T::ZERO {
                let time = time as usize;
                sparse::input_gradient(&s, &self.weight, &[Entry { row, time, dz }], dx);
            }
        }
    }
}

/// Maximum of each window and its first index into the row.
pub(crate) fn pool<T: Real>(s: &PoolShape, x: &[T], out: &mut [T], winner: &mut [u32]) {
    let out_time = s.out_time().max(1);
    let rows = out.chunks_mut(out_time).zip(winner.chunks_mut(out_time));
    for ((out, winner), x) in rows.zip(x.chunks(s.time)) {
        max_pool_row_winners(s, x, out, winner);
    }
}

/// Gives each window's relevance to its winner, 0 to the others.
pub(crate) fn unpool<T: Real>(s: &PoolShape, winner: &[u32], from: &[T], into: &mut [T]) {
    let out_time = s.out_time().max(1);
    let rows = from.chunks(out_time).zip(winner.chunks(out_time));
    for ((from, winner), into) in rows.zip(into.chunks_mut(s.time)) {
        if s.kernel == 2 && s.stride == 2 {
            passes::scatter_pairs(from, winner, into);
            continue;
        }
        into.fill(T::ZERO);
        for (&from, &winner) in from.iter().zip(winner) {
            into[winner as usize] += from;
        }
    }
}

/// `into = f(into, a, b)`, number by number, with the machine's vector instructions.
pub(crate) fn each<T: Real>(into: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T, T) -> T) {
    T::dispatch(Level::best(), Each { into, a, b, f });
}

struct Each<'a, T, F> {
    into: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    f: F,
}

impl<T: Real, F: Fn(T, T, T) -> T> Kernel<T> for Each<'_, T, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        for ((into, &a), &b) in self.into.iter_mut().zip(self.a).zip(self.b) {
            *into = (self.f)(*into, a, b);
        }
    }
}

/// The largest absolute value, not counting NaN.
pub(crate) fn largest<T: Real>(values: &[T]) -> T {
    T::dispatch(Level::best(), Largest(values))
}

struct Largest<'a, T>(&'a [T]);

impl<T: Real> Kernel<T> for Largest<'_, T> {
    type Output = T;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> T {
        let larger = |largest: T, value: &T| {
            let value = value.abs();
            if value > largest { value } else { largest }
        };
        let mut lanes = [T::ZERO; 32];
        let (chunks, rest) = self.0.as_chunks::<32>();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = larger(*lane, value);
            }
        }
        lanes.iter().chain(rest).fold(T::ZERO, larger)
    }
}
