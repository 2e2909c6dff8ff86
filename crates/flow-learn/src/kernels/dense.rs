//! The dense layer and its gradients.

use super::Real;
use super::plain::dot;
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
        .for_each(|(z, x)| sample_forward(s, x, weight, bias, z));
}

/// [`dense_forward`] of one sample on this thread.
pub(super) fn sample_forward<T: Real>(
    s: &DenseShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    z: &mut [T],
) {
    for (u, (z, w)) in z.iter_mut().zip(weight.chunks_exact(s.inputs)).enumerate() {
        *z = bias.map_or(T::ZERO, |b| b[u]) + dot(w, x);
    }
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

fn add_scaled<T: Real>(into: &mut [T], scale: T, from: &[T]) {
    for (into, &from) in into.iter_mut().zip(from) {
        *into += scale * from;
    }
}
