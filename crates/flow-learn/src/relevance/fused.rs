//! The passes over whole maps that relevance needs between convolutions.

use crate::kernels::Real;
use crate::rules::Stabilizer;

/// `share_k = factor · r_k / stab(d_k)`, and 0 where the stabilised denominator is 0.
pub(crate) fn divide<T: Real>(
    r: &[T],
    d: &[T],
    factor: f64,
    stabilizer: Stabilizer,
    share: &mut [T],
) {
    let factor = T::from_f64(factor);
    match stabilizer {
        Stabilizer::Signed(e) => {
            let e = T::from_f64(e);
            quotients(r, d, share, |r, d| {
                let d = if d >= T::ZERO { d + e } else { d - e };
                (r * factor, d)
            });
        }
        Stabilizer::AtZero(e) => {
            let e = T::from_f64(e);
            quotients(r, d, share, |r, d| {
                (r * factor, if d == T::ZERO { e } else { d })
            });
        }
    }
}

#[inline(always)]
fn quotients<T: Real>(r: &[T], d: &[T], share: &mut [T], parts: impl Fn(T, T) -> (T, T)) {
    for ((share, &r), &d) in share.iter_mut().zip(r).zip(d) {
        let (r, d) = parts(r, d);
        *share = if d == T::ZERO { T::ZERO } else { r / d };
    }
}

/// Zeroes what isn't let through: keeps `share_k` where `keep(z_k)`.
pub(crate) fn gate<T: Real>(share: &mut [T], z: &[T], keep: impl Fn(T) -> bool) {
    for (share, &z) in share.iter_mut().zip(z) {
        *share = if keep(z) { *share } else { T::ZERO };
    }
}

/// `into = into · part(x)`.
pub(crate) fn multiply<T: Real>(into: &mut [T], x: &[T], part: impl Fn(T) -> T) {
    for (into, &x) in into.iter_mut().zip(x) {
        *into *= part(x);
    }
}

/// `into += y · part(x)`.
pub(crate) fn add_product<T: Real>(into: &mut [T], y: &[T], x: &[T], part: impl Fn(T) -> T) {
    for ((into, &y), &x) in into.iter_mut().zip(y).zip(x) {
        *into += y * part(x);
    }
}

/// `into += y`.
pub(crate) fn add<T: Real>(into: &mut [T], y: &[T]) {
    for (into, &y) in into.iter_mut().zip(y) {
        *into += y;
    }
}

/// The largest absolute value, not counting NaN.
pub(crate) fn largest<T: Real>(values: &[T]) -> T {
    let larger = |largest: T, value: &T| {
        let value = value.abs();
        if value > largest { value } else { largest }
    };
    let mut lanes = [T::ZERO; 32];
    let (chunks, rest) = values.as_chunks::<32>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value);
        }
    }
    lanes.iter().chain(rest).fold(T::ZERO, larger)
}

/// Whether no value is infinite or NaN.
pub(crate) fn all_finite<T: Real>(values: &[T]) -> bool {
    values.iter().all(|value| value.is_finite())
}
