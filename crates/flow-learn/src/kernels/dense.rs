//! The dense layer and its gradients.

use super::Real;
use rayon::prelude::*;

/// The sizes of one dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseShape {
    /// Samples.
    pub batch: usize,
    /// Numbers in.
    pub inputs: usize,
    /// Numbers out.
    pub outputs: usize,
}

/// `z[n,u] = b[u] + Σ over j of w[u,j] · x[n,j]`, with `x` `[batch, in]`, `weight` `[out, in]`.
pub fn dense_forward<T: Real>(
    s: &DenseShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    z.par_chunks_mut(s.outputs)
        .zip(x.par_chunks(s.inputs))
        .for_each(|(z, x)| {
            for (u, (z, w)) in z.iter_mut().zip(weight.chunks_exact(s.inputs)).enumerate() {
                *z = bias.map_or(T::ZERO, |b| b[u]) + dot(w, x);
            }
        });
}

/// `dx[n,j] = Σ over u of w[u,j] · dz[n,u]`.
pub fn dense_input_gradient<T: Real>(s: &DenseShape, weight: &[T], dz: &[T], dx: &mut [T]) {
    dx.par_chunks_mut(s.inputs)
        .zip(dz.par_chunks(s.outputs))
        .for_each(|(dx, dz)| {
            dx.fill(T::ZERO);
            for (&dz, w) in dz.iter().zip(weight.chunks_exact(s.inputs)) {
                add_scaled(dx, dz, w);
            }
        });
}

/// `dw[u,j] = Σ over n of dz[n,u] · x[n,j]` and `db[u] = Σ over n of dz[n,u]`.
pub fn dense_weight_gradient<T: Real>(
    s: &DenseShape,
    x: &[T],
    dz: &[T],
    dweight: &mut [T],
    dbias: Option<&mut [T]>,
) {
    dweight
        .par_chunks_mut(s.inputs)
        .enumerate()
        .for_each(|(u, dw)| {
            dw.fill(T::ZERO);
            for (dz, x) in dz.chunks_exact(s.outputs).zip(x.chunks_exact(s.inputs)) {
                add_scaled(dw, dz[u], x);
            }
        });
    if let Some(dbias) = dbias {
        dbias.fill(T::ZERO);
        for dz in dz.chunks_exact(s.outputs) {
            add_scaled(dbias, T::ONE, dz);
        }
    }
}

/// Sum of products in 16 interleaved partial sums, added in order.
fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; 16];
    let (a_full, a_rest) = a.as_chunks::<16>();
    let (b_full, b_rest) = b.as_chunks::<16>();
    for (a, b) in a_full.iter().zip(b_full) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += a * b;
    }
    sums.into_iter().sum()
}

fn add_scaled<T: Real>(into: &mut [T], scale: T, from: &[T]) {
    for (into, &from) in into.iter_mut().zip(from) {
        *into += scale * from;
    }
}
