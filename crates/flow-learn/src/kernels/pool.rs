//! Pooling over time: maximum with its winners, and average.

use super::{Real, passes, textbook};
use rayon::prelude::*;

/// The sizes of one pooling; a global pool has `kernel == stride == time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Rows of length `time`: samples times channels.
    pub rows: usize,
    /// Length of a row; what is left over at its end is dropped.
    pub time: usize,
    /// Window.
    pub kernel: usize,
    /// Steps between windows.
    pub stride: usize,
}

impl PoolShape {
    /// A pool of whole rows.
    pub fn global(rows: usize, time: usize) -> Self {
        Self {
            rows,
            time,
            kernel: time,
            stride: time,
        }
    }

    /// Windows in a row: `⌊(time − kernel) / stride⌋ + 1`.
    pub fn out_time(&self) -> usize {
        self.time
            .checked_sub(self.kernel)
            .map_or(0, |room| room / self.stride + 1)
    }
}

/// Maximum of each window and its first index into the row; see [`textbook::max_pool_forward`].
pub fn max_pool_forward<T: Real>(s: &PoolShape, x: &[T], out: &mut [T], winner: &mut [u32]) {
    let out_time = s.out_time().max(1);
    out.par_chunks_mut(out_time)
        .zip(winner.par_chunks_mut(out_time))
        .zip(x.par_chunks(s.time))
        .for_each(|((out, winner), x)| max_pool_row_winners(s, x, out, winner));
}

/// Gives each window's gradient to its winner: `dx[r, winner[r,t]] += dout[r,t]`, 0 elsewhere.
///
/// * `dout`, `winner`: `[rows, out_time]`; `dx`: `[rows, time]`, overwritten
pub fn max_pool_backward<T: Real>(s: &PoolShape, winner: &[u32], dout: &[T], dx: &mut [T]) {
    let out_time = s.out_time().max(1);
    dx.par_chunks_mut(s.time)
        .zip(dout.par_chunks(out_time).zip(winner.par_chunks(out_time)))
        .for_each(|(dx, (dout, winner))| {
            dx.fill(T::ZERO);
            for (&dout, &winner) in dout.iter().zip(winner) {
                dx[winner as usize] += dout;
            }
        });
}

/// `out[r,t] = (1 / kernel) · Σ over k of x[r, t·stride + k]`.
pub fn average_pool_forward<T: Real>(s: &PoolShape, x: &[T], out: &mut [T]) {
    out.par_chunks_mut(s.out_time().max(1))
        .zip(x.par_chunks(s.time))
        .for_each(|(out, x)| average_pool_row(s, x, out));
}

/// [`average_pool_forward`] of one row on this thread.
pub(crate) fn average_pool_row<T: Real>(s: &PoolShape, x: &[T], out: &mut [T]) {
    let share = T::ONE / T::from_f64(s.kernel as f64);
    for (t, out) in out.iter_mut().enumerate() {
        *out = x[t * s.stride..][..s.kernel].iter().copied().sum::<T>() * share;
    }
}

/// Maximum of each window of one row, on this thread, without winners.
pub(crate) fn max_pool_row<T: Real>(s: &PoolShape, x: &[T], out: &mut [T]) {
    if s.kernel == 2 && s.stride == 2 {
        passes::pool_pairs(x, out);
    } else if s.kernel == s.time {
        out[0] = passes::largest(x).0;
    } else {
        for (t, out) in out.iter_mut().enumerate() {
            let window = &x[t * s.stride..][..s.kernel];
            *out = window
                .iter()
                .copied()
                .fold(window[0], |most, x| if x > most { x } else { most });
        }
    }
}

/// Maximum of each window of one row and its first index into the row, on this thread.
pub(super) fn max_pool_row_winners<T: Real>(
    s: &PoolShape,
    x: &[T],
    out: &mut [T],
    winner: &mut [u32],
) {
    if s.kernel == 2 && s.stride == 2 {
        passes::pool_pairs(x, out);
        passes::pair_winners(x, winner);
    } else if s.kernel == s.time {
        let (most, at) = passes::largest(x);
        (out[0], winner[0]) = (most, at as u32);
    } else {
        textbook::max_pool_forward(&PoolShape { rows: 1, ..*s }, x, out, winner);
    }
}

/// Spreads each window's gradient evenly: `dx[r, t·stride + k] += dout[r,t] / kernel`.
pub fn average_pool_backward<T: Real>(s: &PoolShape, dout: &[T], dx: &mut [T]) {
    let share = T::ONE / T::from_f64(s.kernel as f64);
    dx.par_chunks_mut(s.time)
        .zip(dout.par_chunks(s.out_time().max(1)))
        .for_each(|(dx, dout)| {
            dx.fill(T::ZERO);
            for (t, &dout) in dout.iter().enumerate() {
                dx[t * s.stride..][..s.kernel]
                    .iter_mut()
                    .for_each(|dx| *dx += dout * share);
            }
        });
}
