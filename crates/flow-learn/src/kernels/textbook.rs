//! The kernels as a textbook writes them: slow, and what the fast ones are checked against.

use super::{ConvShape, DenseShape, PoolShape, Real};

/// `z[n,o,t] = b[o] + Σ over i, k of w[o,i,k] · x[n,i,t·stride − padding + k·dilation]`.
///
/// * `x`: `[batch, in_channels, time]`; `weight`: `[out_channels, in_channels / groups, kernel]`
/// * `z`: `[batch, out_channels, out_time]`, overwritten; outside the signal `x` is 0
pub fn conv_forward<T: Real>(
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    for (at, z) in z.iter_mut().enumerate() {
        let (n, o, t) = split(at, s.out_channels, s.out_time());
        let mut sum = bias.map_or(T::ZERO, |b| b[o]);
        taps(s, n, o, t, |w, x_at| sum += weight[w] * x[x_at]);
        *z = sum;
    }
}

/// `dx[n,i,s] = Σ over (o, k, t) that read x[n,i,s] of w[o,i,k] · dz[n,o,t]`.
///
/// * `dz`: `[batch, out_channels, out_time]`; `dx`: `[batch, in_channels, time]`, overwritten
pub fn conv_input_gradient<T: Real>(s: &ConvShape, weight: &[T], dz: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (at, &dz) in dz.iter().enumerate() {
        let (n, o, t) = split(at, s.out_channels, s.out_time());
        taps(s, n, o, t, |w, x_at| dx[x_at] += weight[w] * dz);
    }
}

/// `dw[o,i,k] = Σ over n, t of dz[n,o,t] · x[n,i,…]` and `db[o] = Σ over n, t of dz[n,o,t]`.
///
/// * `dweight`: `[out_channels, in_channels / groups, kernel]`, overwritten; `dbias`: `[out_channels]`
pub fn conv_weight_gradient<T: Real>(
    s: &ConvShape,
    x: &[T],
    dz: &[T],
    dweight: &mut [T],
    dbias: Option<&mut [T]>,
) {
    dweight.fill(T::ZERO);
    for (at, &dz) in dz.iter().enumerate() {
        let (n, o, t) = split(at, s.out_channels, s.out_time());
        taps(s, n, o, t, |w, x_at| dweight[w] += dz * x[x_at]);
    }
    if let Some(dbias) = dbias {
        dbias.fill(T::ZERO);
        for (at, &dz) in dz.iter().enumerate() {
            dbias[split(at, s.out_channels, s.out_time()).1] += dz;
        }
    }
}

/// `z[n,u] = b[u] + Σ over j of w[u,j] · x[n,j]`.
pub fn dense_forward<T: Real>(
    s: &DenseShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    for (at, z) in z.iter_mut().enumerate() {
        let (n, u) = (at / s.outputs, at % s.outputs);
        *z = (0..s.inputs).fold(bias.map_or(T::ZERO, |b| b[u]), |sum, j| {
            sum + weight[u * s.inputs + j] * x[n * s.inputs + j]
        });
    }
}

/// `out[r,t] = max over k of x[r, t·stride + k]`, and the first index into the row that has it.
pub fn max_pool_forward<T: Real>(s: &PoolShape, x: &[T], out: &mut [T], winner: &mut [u32]) {
    let out_time = s.out_time();
    for (at, (out, winner)) in out.iter_mut().zip(winner).enumerate() {
        let (row, from) = (at / out_time, at % out_time * s.stride);
        let mut best = from;
        for t in from..from + s.kernel {
            if x[row * s.time + t] > x[row * s.time + best] {
                best = t;
            }
        }
        *out = x[row * s.time + best];
        *winner = best as u32;
    }
}

/// The (sample, channel, time) of a flat index.
fn split(at: usize, channels: usize, time: usize) -> (usize, usize, usize) {
    (at / time / channels, at / time % channels, at % time)
}

/// Calls `tap(index into weight, index into x)` for every product of one output.
fn taps(s: &ConvShape, n: usize, o: usize, t: usize, mut tap: impl FnMut(usize, usize)) {
    let group_in = s.in_channels / s.groups;
    let first = o / (s.out_channels / s.groups) * group_in;
    for i in 0..group_in {
        for k in 0..s.kernel {
            let at = (t * s.stride + k * s.dilation).wrapping_sub(s.padding);
            if at < s.time {
                let row = n * s.in_channels + first + i;
                tap((o * group_in + i) * s.kernel + k, row * s.time + at);
            }
        }
    }
}
