//! Drivers of the tiles: convolutions of one sample with stride 1.

#![expect(
    unsafe_code,
    reason = "hands checked rows to the tiles, which take pointers"
)]

use super::Real;
use super::simd::{Kernel, Level, Vector};
use super::tile::{self, Signal, Target};

/// Weights in the order that tiles read them, for one direction of a convolution.
#[derive(Debug, Clone)]
pub(super) struct Panels<T> {
    level: Level,
    /// `[row block][input row][tap][row of the block]`.
    numbers: Vec<T>,
    /// One a row of outputs; zeros where there is none.
    bias: Vec<T>,
    blocks: Vec<RowBlock>,
    rows_in: usize,
    taps: usize,
}

/// Rows of outputs that one tile computes.
#[derive(Debug, Clone, Copy)]
struct RowBlock {
    first: usize,
    count: usize,
    /// First row of the signal it reads.
    reads: usize,
    /// Place of its numbers.
    at: usize,
}

/// The sizes of [`Panels`]: `groups` times `rows_out` rows, each summed over `rows_in`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PanelShape {
    pub groups: usize,
    pub rows_out: usize,
    pub rows_in: usize,
    pub taps: usize,
}

impl<T: Real> Panels<T> {
    /// Packs weights; `weight(group, row out, row in, tap)` is the number there, `bias` one a row of outputs.
    pub(super) fn new(
        level: Level,
        shape: PanelShape,
        bias: Option<&[T]>,
        weight: impl Fn(usize, usize, usize, usize) -> T,
    ) -> Self {
        let PanelShape {
            groups,
            rows_out,
            rows_in,
            taps,
        } = shape;
        let mut numbers = Vec::with_capacity(groups * rows_out * rows_in * taps);
        let mut blocks = Vec::new();
        for group in 0..groups {
            for (first, count) in split(rows_out, T::tile_rows(level)) {
                let reads = group * rows_in;
                blocks.push(RowBlock {
                    first: group * rows_out + first,
                    count,
                    reads,
                    at: numbers.len(),
                });
                for i in 0..rows_in {
                    for k in 0..taps {
                        numbers.extend((first..first + count).map(|r| weight(group, r, i, k)));
                    }
                }
            }
        }
        let bias = bias.map_or_else(|| vec![T::ZERO; groups * rows_out], <[T]>::to_vec);
        // Tiles take pointers into it.
        assert_eq!(bias.len(), groups * rows_out, "one bias a row of outputs");
        Self {
            level,
            numbers,
            bias,
            blocks,
            rows_in,
            taps,
        }
    }
}

/// Splits rows into blocks that tiles exist for: `most`, then 4, 3, 2, 1.
fn split(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = rows - first;
        let count = if left >= most { most } else { left.min(4) };
        first += count;
        (count > 0).then_some((first - count, count))
    })
}

/// `z = panels ∗ x`, with bias and maybe ReLU; calls `done` after each block of rows.
pub(super) struct Convolve<'a, T, Done> {
    pub panels: &'a Panels<T>,
    /// Rows `x_stride` apart.
    pub x: &'a [T],
    pub x_stride: usize,
    pub dilation: usize,
    /// Rows of `len`.
    pub z: &'a mut [T],
    pub len: usize,
    pub relu: bool,
    /// Gets the first row of a block and the block's rows of `z`.
    pub done: Done,
}

impl<T: Real, Done: FnMut(usize, &mut [T])> Convolve<'_, T, Done> {
    pub(super) fn run(self) {
        let Panels {
            rows_in,
            taps,
            ref blocks,
            ..
        } = *self.panels;
        let rows = blocks
            .iter()
            .map(|block| block.reads + rows_in)
            .max()
            .unwrap_or(0);
        let reach = self.len + (taps - 1) * self.dilation;
        assert!(
            self.x.len() >= (rows - 1) * self.x_stride + reach,
            "the signal is too short"
        );
        assert!(
            self.z.len() >= self.panels.bias.len() * self.len,
            "the target is too short"
        );
        T::dispatch(self.panels.level, self);
    }
}

impl<T: Real, Done: FnMut(usize, &mut [T])> Kernel<T> for Convolve<'_, T, Done> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) {
        let panels = self.panels;
        for block in &panels.blocks {
            let rows = &mut self.z[block.first * self.len..][..block.count * self.len];
            let signal = Signal {
                start: self.x[block.reads * self.x_stride..].as_ptr(),
                stride: self.x_stride,
                rows: panels.rows_in,
                taps: panels.taps,
                dilation: self.dilation,
            };
            let panel = panels.numbers[block.at..].as_ptr();
            let bias = panels.bias[block.first..].as_ptr();
            let (start, stride) = (rows.as_mut_ptr(), self.len);
            let target = Target {
                start,
                stride,
                len: self.len,
                relu: self.relu,
            };
            // SAFETY: `Convolve::run` checked the lengths; panel and bias are packed for the block's rows.
            unsafe {
                match block.count {
                    8 => tile::rows::<V, 8>(signal, panel, bias, target),
                    4 => tile::rows::<V, 4>(signal, panel, bias, target),
                    3 => tile::rows::<V, 3>(signal, panel, bias, target),
                    2 => tile::rows::<V, 2>(signal, panel, bias, target),
                    _ => tile::rows::<V, 1>(signal, panel, bias, target),
                }
            }
            (self.done)(block.first, rows);
        }
    }
}

/// `dw[o, i, k] += Σ over t of dz[o, t] · x[i, t + k·dilation]` and `db[o] += Σ over t of dz[o, t]`.
pub(super) struct Correlate<'a, T> {
    /// Rows `dz_stride` apart, the first number of a row at 0.
    pub dz: &'a [T],
    pub dz_stride: usize,
    pub len: usize,
    /// Rows `x_stride` apart.
    pub x: &'a [T],
    pub x_stride: usize,
    pub shape: PanelShape,
    pub dilation: usize,
    pub dweight: &'a mut [T],
    pub dbias: &'a mut [T],
}

impl<T: Real> Correlate<'_, T> {
    pub(super) fn run(self, level: Level) {
        let PanelShape {
            groups,
            rows_out,
            rows_in,
            taps,
        } = self.shape;
        let reach = self.len + (taps - 1) * self.dilation;
        assert!(
            self.x.len() >= (groups * rows_in - 1) * self.x_stride + reach,
            "short signal"
        );
        assert!(
            self.dz.len() >= (groups * rows_out - 1) * self.dz_stride + self.len,
            "short dz"
        );
        assert!(
            self.dweight.len() >= groups * rows_out * rows_in * taps,
            "short gradient"
        );
        T::dispatch(level, self);
    }

    /// Adds the products of `ROWS` rows of `dz` with every column.
    #[inline(always)]
    unsafe fn some_rows<V: Vector<Elem = T>, const ROWS: usize>(
        &mut self,
        first: usize,
        columns: &[usize],
    ) {
        let dz = Signal {
            start: self.dz[first * self.dz_stride..].as_ptr(),
            stride: self.dz_stride,
            rows: ROWS,
            taps: 1,
            dilation: 1,
        };
        let mut at = 0;
        while at < columns.len() {
            let left = &columns[at..];
            let into = first * columns.len() + at;
            // SAFETY: `Correlate::run` checked that every column has `len` numbers, and `dz` too.
            unsafe {
                if left.len() >= 6 {
                    let sums = tile::products::<V, ROWS, 6>(dz, self.len, self.x.as_ptr(), left);
                    self.add(into, columns.len(), sums);
                    at += 6;
                } else if left.len() >= 3 {
                    let sums = tile::products::<V, ROWS, 3>(dz, self.len, self.x.as_ptr(), left);
                    self.add(into, columns.len(), sums);
                    at += 3;
                } else {
                    let sums = tile::products::<V, ROWS, 1>(dz, self.len, self.x.as_ptr(), left);
                    self.add(into, columns.len(), sums);
                    at += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn add<const R: usize, const C: usize>(&mut self, at: usize, stride: usize, sums: [[T; C]; R]) {
        for (r, row) in sums.into_iter().enumerate() {
            for (into, sum) in self.dweight[at + r * stride..].iter_mut().zip(row) {
                *into += sum;
            }
        }
    }
}

impl<T: Real> Kernel<T> for Correlate<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) {
        let PanelShape {
            groups,
            rows_out,
            rows_in,
            taps,
        } = self.shape;
        for group in 0..groups {
            let column = |at: usize| {
                (group * rows_in + at / taps) * self.x_stride + at % taps * self.dilation
            };
            let columns: Vec<usize> = (0..rows_in * taps).map(column).collect();
            let end = (group + 1) * rows_out;
            let mut first = group * rows_out;
            while first < end {
                // SAFETY: rows `first..end` exist; see `Correlate::run`.
                unsafe {
                    if end - first >= 4 {
                        self.some_rows::<V, 4>(first, &columns);
                        first += 4;
                    } else {
                        self.some_rows::<V, 1>(first, &columns);
                        first += 1;
                    }
                }
            }
        }
        for (o, dbias) in self.dbias.iter_mut().enumerate() {
            let row = &self.dz[o * self.dz_stride..][..self.len];
            *dbias += super::plain::sum(row);
        }
    }
}
