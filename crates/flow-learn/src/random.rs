//! The one source of randomness: streams of ChaCha8, each named by a seed and what it is for.
//!
//! The transforms from bits to numbers are written here, so that values never move with a
//! library's version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for; streams of two purposes share nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights of the n-th layer.
    Weights(u64),
    /// The order of the epochs in the n-th training epoch.
    Shuffle(u64),
    /// The dropout mask of a layer in a step.
    Dropout {
        /// Steps since training began.
        step: u64,
        /// Place of the layer in the network.
        layer: u64,
    },
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this seed and purpose; always the same numbers.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let (tag, first, second) = match purpose {
            Purpose::Weights(layer) => (1_u64, layer, 0),
            Purpose::Shuffle(training_epoch) => (2, training_epoch, 0),
            Purpose::Dropout { step, layer } => (3, step, layer),
        };
        let mut key = [0; 32];
        for (place, word) in key.chunks_exact_mut(8).zip([seed, tag, first, second]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in `[0, 1)`, all multiples of 2⁻⁵³ equally likely.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A whole number below `bound`, all equally likely (Lemire 2019, doi:10.1145/3230636).
    pub fn below(&mut self, bound: u64) -> u64 {
        let reject_below = bound.wrapping_neg() % bound.max(1);
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= reject_below {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts a list in random order, all orders equally likely (Fisher–Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Dropout's factors: 0 with probability `rate`, else `1 / (1 − rate)`.
    pub fn mask(&mut self, rate: f64, len: usize) -> Vec<f32> {
        let kept = (1.0 / (1.0 - rate)) as f32;
        (0..len)
            .map(|_| if self.unit() < rate { 0.0 } else { kept })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_move() {
        let mut stream = Stream::new(2021, Purpose::Weights(0));
        assert_eq!(
            [stream.below(1000), stream.below(1000), stream.below(1000)],
            [95, 327, 724]
        );
    }

    #[test]
    fn purposes_share_nothing() {
        let of = |purpose| Stream::new(7, purpose).unit();
        assert_ne!(of(Purpose::Weights(1)), of(Purpose::Shuffle(1)));
        assert_ne!(
            of(Purpose::Dropout { step: 0, layer: 1 }),
            of(Purpose::Dropout { step: 1, layer: 0 })
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut list: Vec<u32> = (0..100).collect();
        Stream::new(1, Purpose::Shuffle(0)).shuffle(&mut list);
        assert!(!list.is_sorted());
        list.sort();
        assert!(list.iter().copied().eq(0..100));
    }

    #[test]
    fn a_mask_keeps_the_mean() {
        let mask = Stream::new(1, Purpose::Shuffle(0)).mask(0.25, 40_000);
        let mean = mask.iter().sum::<f32>() / 40_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
