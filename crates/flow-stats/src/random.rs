//! The one generator and our own transforms of it, so that draws never change with a library version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Starts the generator of `(seed, stream)`; different streams of one seed are independent.
pub(crate) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    // The seed is laid out here rather than by `seed_from_u64`, whose expansion belongs to a library.
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(bytes);
    generator.set_stream(stream);
    generator
}

/// Draws a whole number in `0..bound`, each equally likely.
///
/// Draws again from 64 bits while the draw lies in the incomplete last block of length `bound`.
pub(crate) fn below(generator: &mut ChaCha8Rng, bound: usize) -> usize {
    debug_assert!(bound > 0, "a draw needs something to draw from");
    let bound = bound as u64;
    let complete = u64::MAX - u64::MAX % bound;
    loop {
        let draw = generator.next_u64();
        if draw < complete {
            return (draw % bound) as usize;
        }
    }
}

/// Puts `items` into random order, each order equally likely (Fisher–Yates from the end).
pub(crate) fn shuffle<T>(generator: &mut ChaCha8Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(generator, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_below_a_bound_are_even() {
        let mut generator = generator(1, 0);
        let mut counts = [0_i32; 6];
        for _ in 0..60_000 {
            counts[below(&mut generator, 6)] += 1;
        }
        // The sd of one count is sqrt(60000 × 1/6 × 5/6) ≈ 91; five of them.
        assert!(
            counts.iter().all(|count| (count - 10_000).abs() < 456),
            "{counts:?}"
        );
    }

    #[test]
    fn draws_are_pinned() {
        let mut generator = generator(2021, 3);
        let drawn: Vec<usize> = (0..8).map(|_| below(&mut generator, 100)).collect();
        // Computed from the definition of ChaCha8 in Python: key = seed and zeros, nonce = stream.
        let pinned = [67, 9, 72, 54, 0, 2, 97, 43];
        assert_eq!(
            drawn, pinned,
            "a changed draw changes every fold of every study"
        );
    }
}
