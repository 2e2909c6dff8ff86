//! The passes over whole maps that relevance needs between weighted sums.

use crate::kernels::Real;
use crate::kernels::relevance::{Rows, each};
use crate::rules::{Gate, Stabilizer};

/// What is shared out at the outputs of a weighted sum, one number an output.
#[derive(Clone, Copy)]
pub(crate) struct Outputs<'a, T> {
    /// Relevance.
    pub(crate) relevance: &'a [T],
    /// Denominators, not yet stabilised.
    pub(crate) denominator: &'a [T],
    /// The sums themselves, or what a ReLU made of them.
    pub(crate) z: &'a [T],
}

/// `share_k = factor · R_k / stab(d_k)` at the outputs that the gate lets through, and 0 elsewhere and where
/// the stabilised denominator is 0; `share` lies in `rows`.
pub(crate) fn divide<T: Real>(
    outputs: Outputs<'_, T>,
    factor: f64,
    stabilizer: Stabilizer,
    gate: Gate,
    rows: Rows,
    share: &mut [T],
) {
    let factor = T::from_f64(factor);
    for (row, share) in rows.cleared(&mut share[..rows.room()]).enumerate() {
        let of = |values: &'_ [T]| row * rows.len..(row * rows.len + rows.len).min(values.len());
        let relevance = &outputs.relevance[of(outputs.relevance)];
        let denominator = &outputs.denominator[of(outputs.denominator)];
        quotients(relevance, denominator, factor, stabilizer, share);
        let z = &outputs.z[of(outputs.z)];
        let keep = |keep, share| if keep { share } else { T::ZERO };
        match gate {
            Gate::All => {}
            Gate::Positive => each(share, z, z, |share, z, _| keep(z > T::ZERO, share)),
            Gate::Negative => each(share, z, z, |share, z, _| keep(z < T::ZERO, share)),
        }
    }
}

fn quotients<T: Real>(r: &[T], d: &[T], factor: T, stabilizer: Stabilizer, share: &mut [T]) {
    let quotient = |r: T, d: T| {
        if d == T::ZERO {
            T::ZERO
        } else {
            r * factor / d
        }
    };
    match stabilizer {
        Stabilizer::Signed(e) => {
            let e = T::from_f64(e);
            each(share, r, d, |_, r, d| {
                quotient(r, if d >= T::ZERO { d + e } else { d - e })
            });
        }
        Stabilizer::AtZero(e) => {
            let e = T::from_f64(e);
            each(share, r, d, |_, r, d| {
                quotient(r, if d == T::ZERO { e } else { d })
            });
        }
    }
}

/// Copies one number an output into `rows`.
pub(crate) fn lay<T: Real>(from: &[T], rows: Rows, into: &mut [T]) {
    let from = from.chunks(rows.len);
    for (into, from) in rows.cleared(&mut into[..rows.room()]).zip(from) {
        into.copy_from_slice(from);
    }
}

/// `into = into · part(x)`.
pub(crate) fn multiply<T: Real>(into: &mut [T], x: &[T], part: impl Fn(T) -> T) {
    each(into, x, x, |into, x, _| into * part(x));
}

/// `into += y · part(x)`.
pub(crate) fn add_product<T: Real>(into: &mut [T], y: &[T], x: &[T], part: impl Fn(T) -> T) {
    each(into, y, x, |into, y, x| into + y * part(x));
}

/// `into += y`.
pub(crate) fn add<T: Real>(into: &mut [T], y: &[T]) {
    each(into, y, y, |into, y, _| into + y);
}

/// Whether no value is infinite or NaN.
pub(crate) fn all_finite<T: Real>(values: &[T]) -> bool {
    values.iter().all(|value| value.is_finite())
}
