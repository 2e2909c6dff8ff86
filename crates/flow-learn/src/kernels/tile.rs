//! The innermost loops: tiles of a convolution that stay in registers.
//!
//! Forward and input gradient are one loop: rows of weights against shifted rows of a signal. Each
//! output is summed over rows and taps in that order with one rounding a step, whatever the tile,
//! so tile sizes don't show in the result.

#![expect(
    unsafe_code,
    reason = "pointers into rows whose bounds the drivers have checked"
)]

use super::simd::Vector;

/// The rows of a signal that a convolution reads.
#[derive(Clone, Copy)]
pub(super) struct Signal<T> {
    /// The first number of the first row.
    pub start: *const T,
    /// Numbers from row to row.
    pub stride: usize,
    /// Rows that are summed over.
    pub rows: usize,
    /// Taps.
    pub taps: usize,
    /// Numbers from tap to tap.
    pub dilation: usize,
}

/// Where a tile's outputs go.
#[derive(Clone, Copy)]
pub(super) struct Target<T> {
    /// The first output.
    pub start: *mut T,
    /// Numbers from row to row.
    pub stride: usize,
    /// Outputs in a row.
    pub len: usize,
    /// Whether `max(0, ·)` is taken.
    pub relu: bool,
}

/// `ROWS` rows of outputs: `z[r, t] = bias[r] + Σ over i, k of panel[i, k, r] · x[i, t + k·dilation]`.
///
/// # Safety
/// `panel` holds rows × taps × `ROWS` numbers, `bias` `ROWS`; the signal has
/// `len + (taps − 1) · dilation` numbers a row, the target `ROWS` rows.
#[inline(always)]
pub(super) unsafe fn rows<V: Vector, const ROWS: usize>(
    signal: Signal<V::Elem>,
    panel: *const V::Elem,
    bias: *const V::Elem,
    target: Target<V::Elem>,
) {
    let mut t = 0;
    let full = V::LANES * V::WIDTH;
    unsafe {
        while t + full <= target.len {
            match V::WIDTH {
                3 => tile::<V, ROWS, 3, false>(signal, panel, bias, target, t),
                _ => tile::<V, ROWS, 1, false>(signal, panel, bias, target, t),
            }
            t += full;
        }
        match (target.len - t).div_ceil(V::LANES) {
            0 => {}
            1 => tile::<V, ROWS, 1, true>(signal, panel, bias, target, t),
            2 if V::WIDTH == 3 => tile::<V, ROWS, 2, true>(signal, panel, bias, target, t),
            _ if V::WIDTH == 3 => tile::<V, ROWS, 3, true>(signal, panel, bias, target, t),
            _ => unreachable!("a rest is shorter than a tile"),
        }
    }
}

/// One tile of `ROWS` rows and `WIDTH` vectors from `t` on; the last vector may be cut short.
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const WIDTH: usize, const CUT: bool>(
    signal: Signal<V::Elem>,
    panel: *const V::Elem,
    bias: *const V::Elem,
    target: Target<V::Elem>,
    t: usize,
) {
    unsafe {
        let last = if CUT {
            target.len - t - (WIDTH - 1) * V::LANES
        } else {
            V::LANES
        };
        let mut sums = [[V::splat(*bias); WIDTH]; ROWS];
        for (r, row) in sums.iter_mut().enumerate() {
            *row = [V::splat(*bias.add(r)); WIDTH];
        }
        let mut weight = panel;
        let mut x = [V::splat(*bias); WIDTH];
        for i in 0..signal.rows {
            let row = signal.start.add(i * signal.stride + t);
            for k in 0..signal.taps {
                let from = row.add(k * signal.dilation);
                for (c, x) in x.iter_mut().enumerate() {
                    let from = from.add(c * V::LANES);
                    *x = if CUT && c + 1 == WIDTH {
                        V::load_first(from, last)
                    } else {
                        V::load(from)
                    };
                }
                for (r, row) in sums.iter_mut().enumerate() {
                    let weight = V::splat(*weight.add(r));
                    for (c, sum) in row.iter_mut().enumerate() {
                        *sum = weight.multiply_add(x[c], *sum);
                    }
                }
                weight = weight.add(ROWS);
            }
        }
        for (r, row) in sums.into_iter().enumerate() {
            let into = target.start.add(r * target.stride + t);
            for (c, sum) in row.into_iter().enumerate() {
                let sum = if target.relu { sum.positive() } else { sum };
                let into = into.add(c * V::LANES);
                if CUT && c + 1 == WIDTH {
                    sum.store_first(into, last)
                } else {
                    sum.store(into)
                }
            }
        }
    }
}

/// `ROWS × COLUMNS` sums of products: `Σ over t of dz[r, t] · x[columns[c] + t]`.
///
/// No closures and no array `map` here: they would be compiled without the vector instructions.
///
/// # Safety
/// `dz` has `ROWS` rows of `len`, `stride` apart; `x` has `len` numbers from each column's start.
#[inline(always)]
pub(super) unsafe fn products<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    dz: Signal<V::Elem>,
    len: usize,
    x: *const V::Elem,
    columns: &[usize],
) -> [[V::Elem; COLUMNS]; ROWS] {
    let zero = V::Elem::default();
    let mut result = [[zero; COLUMNS]; ROWS];
    unsafe {
        let mut sums = [[V::splat(zero); COLUMNS]; ROWS];
        let mut starts = [x; COLUMNS];
        for (start, &column) in starts.iter_mut().zip(columns) {
            *start = x.add(column);
        }
        let mut t = 0;
        while t + V::LANES <= len {
            step::<V, ROWS, COLUMNS, false>(&mut sums, dz, &starts, t, V::LANES);
            t += V::LANES;
        }
        if t < len {
            step::<V, ROWS, COLUMNS, true>(&mut sums, dz, &starts, t, len - t);
        }
        for (result, sums) in result.iter_mut().zip(sums) {
            for (result, sum) in result.iter_mut().zip(sums) {
                *result = sum.sum();
            }
        }
    }
    result
}

/// The products of one vector of each row and column, or of its first `count` lanes.
#[inline(always)]
unsafe fn step<V: Vector, const ROWS: usize, const COLUMNS: usize, const CUT: bool>(
    sums: &mut [[V; COLUMNS]; ROWS],
    dz: Signal<V::Elem>,
    starts: &[*const V::Elem; COLUMNS],
    t: usize,
    count: usize,
) {
    unsafe {
        let mut x = [V::splat(V::Elem::default()); COLUMNS];
        for (x, start) in x.iter_mut().zip(starts) {
            let from = start.add(t);
            *x = if CUT {
                V::load_first(from, count)
            } else {
                V::load(from)
            };
        }
        for (r, row) in sums.iter_mut().enumerate() {
            let from = dz.start.add(r * dz.stride + t);
            let dz = if CUT {
                V::load_first(from, count)
            } else {
                V::load(from)
            };
            for (sum, x) in row.iter_mut().zip(x) {
                *sum = dz.multiply_add(x, *sum);
            }
        }
    }
}
