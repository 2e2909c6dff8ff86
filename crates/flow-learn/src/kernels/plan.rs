//! A convolution ready to be run on one sample after the other.

use super::direct::{Convolve, Correlate, PanelShape, Panels};
use super::simd::Level;
use super::sparse::Entry;
use super::{ConvShape, Real, plain, scratch, sparse};

/// A convolution with its weights packed for the directions it is wanted in.
#[derive(Debug)]
pub(super) struct ConvPlan<'a, T> {
    pub shape: ConvShape,
    level: Level,
    weight: &'a [T],
    bias: Option<&'a [T]>,
    forward: Option<Panels<T>>,
    back: Option<Panels<T>>,
}

/// The gradient to one sample's output.
#[derive(Debug, Clone, Copy)]
pub(super) enum OutputGradient<'a, T> {
    /// Rows as [`gradient_rows`] says.
    Dense(&'a [T]),
    /// The numbers that are not zero.
    Sparse(&'a [Entry<T>]),
}

/// How rows of an output gradient lie: each with zeros around it, so that tiles need no edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GradientRows {
    /// Numbers from row to row.
    pub stride: usize,
    /// Zeros before a row.
    pub offset: usize,
}

/// Whether the tiles do a convolution's input gradient, or its forward pass.
pub(super) fn direct(s: &ConvShape) -> bool {
    s.stride == 1 && s.padding <= s.dilation * (s.kernel - 1)
}

/// How rows of the gradient to this convolution's output are to lie.
pub(super) fn gradient_rows(s: &ConvShape) -> GradientRows {
    if direct(s) {
        let reach = s.dilation * (s.kernel - 1);
        GradientRows {
            stride: s.time + reach,
            offset: reach - s.padding,
        }
    } else {
        GradientRows {
            stride: s.out_time(),
            offset: 0,
        }
    }
}

impl<'a, T: Real> ConvPlan<'a, T> {
    /// Packs nothing yet.
    pub(super) fn new(
        level: Level,
        shape: ConvShape,
        weight: &'a [T],
        bias: Option<&'a [T]>,
    ) -> Self {
        Self {
            shape,
            level,
            weight,
            bias,
            forward: None,
            back: None,
        }
    }

    /// Packs for the way forward.
    pub(super) fn forward_packed(mut self) -> Self {
        let s = self.shape;
        if direct(&s) {
            let (rows_out, rows_in) = (s.out_channels / s.groups, s.in_channels / s.groups);
            let shape = PanelShape {
                groups: s.groups,
                rows_out,
                rows_in,
                taps: s.kernel,
            };
            let at = |g: usize, o: usize, i: usize, k: usize| {
                self.weight[((g * rows_out + o) * rows_in + i) * s.kernel + k]
            };
            self.forward = Some(Panels::new(self.level, shape, self.bias, at));
        }
        self
    }

    /// Packs for the way back: rows in and out change places, taps run backwards.
    pub(super) fn back_packed(mut self) -> Self {
        let s = self.shape;
        if direct(&s) {
            let (rows_out, rows_in) = (s.in_channels / s.groups, s.out_channels / s.groups);
            let shape = PanelShape {
                groups: s.groups,
                rows_out,
                rows_in,
                taps: s.kernel,
            };
            let at = |g: usize, i: usize, o: usize, k: usize| {
                self.weight[((g * rows_in + o) * rows_out + i) * s.kernel + s.kernel - 1 - k]
            };
            self.back = Some(Panels::new(self.level, shape, None, at));
        }
        self
    }

    /// `z = w ∗ x + b` of one sample, maybe with ReLU; `done(first row, rows)` is called for
    /// blocks of rows as they are ready, and may change them.
    pub(super) fn forward(
        &self,
        x: &[T],
        z: &mut [T],
        relu: bool,
        mut done: impl FnMut(usize, &mut [T]),
    ) {
        let s = &self.shape;
        let len = s.out_time();
        let Some(panels) = &self.forward else {
            for (o, z) in z.chunks_mut(len).enumerate() {
                z.fill(self.bias.map_or(T::ZERO, |bias| bias[o]));
            }
            plain::forward(s, x, self.weight, z);
            if relu {
                plain::relu(z);
            }
            return done(0, z);
        };
        let dilation = s.dilation;
        padded(s, x, |x, x_stride| {
            Convolve {
                panels,
                x,
                x_stride,
                dilation,
                z,
                len,
                relu,
                done,
            }
            .run();
        });
    }

    /// `dx = wᵀ ∗ dz` of one sample.
    pub(super) fn input_gradient(&self, dz: OutputGradient<'_, T>, dx: &mut [T]) {
        let s = &self.shape;
        let rows = gradient_rows(s);
        let (dz, panels) = match (dz, &self.back) {
            (OutputGradient::Sparse(entries), _) => {
                dx.fill(T::ZERO);
                return sparse::input_gradient(s, self.weight, entries, dx);
            }
            (OutputGradient::Dense(dz), None) => {
                dx.fill(T::ZERO);
                return plain::input_gradient(s, self.weight, dz, dx);
            }
            (OutputGradient::Dense(dz), Some(panels)) => (dz, panels),
        };
        let (x_stride, dilation, len) = (rows.stride, s.dilation, s.time);
        let done = |_, _: &mut [T]| {};
        Convolve {
            panels,
            x: dz,
            x_stride,
            dilation,
            z: dx,
            len,
            relu: false,
            done,
        }
        .run();
    }

    /// Adds one sample's part to the gradients of weight and bias.
    pub(super) fn weight_gradient(
        &self,
        x: &[T],
        dz: OutputGradient<'_, T>,
        dweight: &mut [T],
        dbias: &mut [T],
    ) {
        let s = &self.shape;
        let (rows, len) = (gradient_rows(s), s.out_time());
        let dz = match dz {
            OutputGradient::Dense(dz) => dz,
            OutputGradient::Sparse(entries) => {
                entries
                    .iter()
                    .for_each(|entry| dbias[entry.row] += entry.dz);
                return sparse::weight_gradient(s, x, entries, dweight);
            }
        };
        if !direct(s) {
            for (dbias, dz) in dbias.iter_mut().zip(dz.chunks(rows.stride)) {
                *dbias += plain::sum(&dz[rows.offset..][..len]);
            }
            return plain::weight_gradient(s, x, dz, dweight);
        }
        let shape = PanelShape {
            groups: s.groups,
            rows_out: s.out_channels / s.groups,
            rows_in: s.in_channels / s.groups,
            taps: s.kernel,
        };
        let (dz, dz_stride, dilation) = (&dz[rows.offset..], rows.stride, s.dilation);
        padded(s, x, |x, x_stride| {
            Correlate {
                dz,
                dz_stride,
                len,
                x,
                x_stride,
                shape,
                dilation,
                dweight,
                dbias,
            }
            .run(self.level);
        });
    }
}

/// Calls `work` with the signal's rows, zeros put around each where the convolution pads, and the
/// numbers from row to row.
pub(super) fn padded<T: Real>(s: &ConvShape, x: &[T], work: impl FnOnce(&[T], usize)) {
    if s.padding == 0 {
        return work(x, s.time);
    }
    let stride = s.time + 2 * s.padding;
    scratch::with(s.in_channels * stride, |rows: &mut [T]| {
        for (row, x) in rows.chunks_mut(stride).zip(x.chunks(s.time)) {
            row[..s.padding].fill(T::ZERO);
            row[s.padding..][..s.time].copy_from_slice(x);
            row[s.padding + s.time..].fill(T::ZERO);
        }
        work(rows, stride);
    });
}
