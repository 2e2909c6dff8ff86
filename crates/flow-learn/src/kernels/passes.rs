//! Passes over rows that are not convolutions, compiled with the machine's vector instructions.
//!
//! They are plain loops without branches, which the compiler turns into vectors.

#![expect(
    unsafe_code,
    reason = "kernels run with instructions that dispatch has checked"
)]

use super::Real;
use super::simd::{Kernel, Level, Vector};

/// `into = factor · from where out > 0, else 0`: back through dropout and ReLU.
struct Gate<'a, T> {
    out: &'a [T],
    from: &'a [T],
    factor: T,
    into: &'a mut [T],
}

impl<T: Real> Kernel<T> for Gate<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        for ((into, &out), &from) in self.into.iter_mut().zip(self.out).zip(self.from) {
            let passed = from * self.factor;
            *into = if out > T::ZERO { passed } else { T::ZERO };
        }
    }
}

/// Back through dropout and ReLU; see [`Gate`].
pub(super) fn gate<T: Real>(out: &[T], from: &[T], factor: T, into: &mut [T]) {
    T::dispatch(
        Level::best(),
        Gate {
            out,
            from,
            factor,
            into,
        },
    );
}

/// `into = factor · from`.
struct Scale<'a, T> {
    from: &'a [T],
    factor: T,
    into: &'a mut [T],
}

impl<T: Real> Kernel<T> for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        for (into, &from) in self.into.iter_mut().zip(self.from) {
            *into = from * self.factor;
        }
    }
}

/// `into = factor · from`.
pub(super) fn scale<T: Real>(from: &[T], factor: T, into: &mut [T]) {
    T::dispatch(Level::best(), Scale { from, factor, into });
}

/// Gives each number to the winner of its pair and 0 to the other.
struct ScatterPairs<'a, T> {
    from: &'a [T],
    winner: &'a [u32],
    into: &'a mut [T],
}

impl<T: Real> Kernel<T> for ScatterPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let (pairs, _) = self.into.as_chunks_mut::<2>();
        for ((pair, &from), &winner) in pairs.iter_mut().zip(self.from).zip(self.winner) {
            let second = winner % 2 == 1;
            pair[0] = if second { T::ZERO } else { from };
            pair[1] = if second { from } else { T::ZERO };
        }
    }
}

/// Gives each number to the winner of its pair and 0 to the other, and to what no pair covers.
pub(super) fn scatter_pairs<T: Real>(from: &[T], winner: &[u32], into: &mut [T]) {
    into[2 * from.len()..].fill(T::ZERO);
    T::dispatch(Level::best(), ScatterPairs { from, winner, into });
}

/// The larger of each pair.
struct PoolPairs<'a, T> {
    x: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Kernel<T> for PoolPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        for (out, &[a, b]) in self.out.iter_mut().zip(self.x.as_chunks().0) {
            *out = if b > a { b } else { a };
        }
    }
}

/// The larger of each pair.
pub(super) fn pool_pairs<T: Real>(x: &[T], out: &mut [T]) {
    T::dispatch(Level::best(), PoolPairs { x, out });
}

/// Which of each pair is larger, as an index into the row; the first on ties.
struct PairWinners<'a, T> {
    x: &'a [T],
    winner: &'a mut [u32],
}

impl<T: Real> Kernel<T> for PairWinners<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let pairs = self.x.as_chunks().0.iter();
        for ((n, winner), &[a, b]) in self.winner.iter_mut().enumerate().zip(pairs) {
            *winner = 2 * n as u32 + u32::from(b > a);
        }
    }
}

/// Which of each pair is larger, as an index into the row; the first on ties.
pub(super) fn pair_winners<T: Real>(x: &[T], winner: &mut [u32]) {
    T::dispatch(Level::best(), PairWinners { x, winner });
}

/// The maximum of a row, lane by lane.
struct Largest<'a, T>(&'a [T]);

impl<T: Real> Kernel<T> for Largest<'_, T> {
    type Output = T;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> T {
        let (full, rest) = self.0.as_chunks::<16>();
        let mut lanes = [self.0[0]; 16];
        for x in full {
            for (lane, &x) in lanes.iter_mut().zip(x) {
                *lane = if x > *lane { x } else { *lane };
            }
        }
        let mut most = lanes[0];
        for &x in lanes.iter().chain(rest) {
            most = if x > most { x } else { most };
        }
        most
    }
}

/// The maximum of a row and its first index.
pub(super) fn largest<T: Real>(x: &[T]) -> (T, usize) {
    let most = T::dispatch(Level::best(), Largest(x));
    (most, x.iter().position(|&x| x == most).unwrap_or(0))
}
