//! The one source of randomness: `ChaCha8` keyed by seed, place and purpose.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::math::{cos_turns, exp, ln};

/// Longest place name in bytes, so that two places never share a key.
pub(crate) const PLACE_BYTES: usize = 16;

/// Standard deviation of a sum of four uniform 16-bit words: `√(4 · (2³² − 1) / 12)`.
const FOUR_WORDS_SD: f32 = 37_837.227;

/// What a stream of numbers is drawn for; each has its own stream, so adding draws to one moves no
/// other.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Traits,
    Stages,
    Labels,
    Quirks,
    Timeline,
    Levels,
    Events,
    Background,
}

/// A stream of random numbers that depends on seed, place and purpose only.
pub(crate) struct Source(ChaCha8Rng);

impl Source {
    /// Opens the stream; the key is seed, purpose and place written side by side, so it is
    /// injective.
    pub(crate) fn new(seed: u64, place: &str, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        let name = &place.as_bytes()[..place.len().min(PLACE_BYTES)];
        key[16..16 + name.len()].copy_from_slice(name);
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Draws from `[0, 1)` with 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Draws from `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Draws a whole number from `low..=high`.
    pub(crate) fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + (self.uniform() * f64::from(high - low + 1)) as u32
    }

    /// Says yes with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Draws from the standard normal distribution (Box & Muller 1958, cosine half).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * ln(1.0 - self.uniform())).sqrt() * cos_turns(self.uniform())
    }

    /// Draws `exp(sd · z)`: median 1.
    pub(crate) fn log_normal(&mut self, sd: f64) -> f64 {
        exp(sd * self.normal())
    }

    /// Draws from the exponential distribution.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.uniform())
    }

    /// Draws +1 or −1.
    pub(crate) fn sign(&mut self) -> f64 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Draws an index in proportion to the weights; 0 where all are 0.
    pub(crate) fn pick(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.uniform() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return index;
            }
        }
        weights
            .iter()
            .rposition(|weight| *weight > 0.0)
            .unwrap_or(0)
    }

    /// Fills with white noise of mean 0 and variance 1.
    ///
    /// Each value is a centred sum of four uniform 16-bit words (excess kurtosis −0.3): every band
    /// filtered from it is Gaussian to the eye, at a fraction of the price of a transform.
    pub(crate) fn white(&mut self, out: &mut [f32]) {
        const CHUNK: usize = 128;
        let mut bytes = [0; CHUNK * 8];
        for values in out.chunks_mut(CHUNK) {
            let bytes = &mut bytes[..values.len() * 8];
            self.0.fill_bytes(bytes);
            for (value, eight) in values.iter_mut().zip(bytes.chunks_exact(8)) {
                let sum: i32 = eight
                    .chunks_exact(2)
                    .map(|two| i32::from(u16::from_le_bytes([two[0], two[1]])))
                    .sum();
                *value = (sum - 2 * 65_535) as f32 / FOUR_WORDS_SD;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance =
            values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64;
        (mean, variance)
    }

    #[test]
    fn seed_place_and_purpose_each_open_another_stream() {
        let first = |seed, place, purpose| Source::new(seed, place, purpose).uniform();
        let base = first(1, "ST7011", Purpose::Stages);
        assert_eq!(base, first(1, "ST7011", Purpose::Stages));
        assert_ne!(base, first(2, "ST7011", Purpose::Stages));
        assert_ne!(base, first(1, "ST7012", Purpose::Stages));
        assert_ne!(base, first(1, "ST7011", Purpose::Labels));
    }

    #[test]
    fn normal_and_white_have_mean_zero_and_variance_one() {
        let mut source = Source::new(7, "x", Purpose::Events);
        let normals: Vec<f64> = (0..100_000).map(|_| source.normal()).collect();
        let mut white = vec![0.0; 100_001];
        source.white(&mut white);
        let white: Vec<f64> = white.into_iter().map(f64::from).collect();
        for (mean, variance) in [moments(&normals), moments(&white)] {
            // Three standard errors: 3/√1e5 for the mean, 3·√(2/1e5) for the variance.
            assert!(
                mean.abs() < 0.0095 && (variance - 1.0).abs() < 0.0135,
                "{mean} {variance}"
            );
        }
    }

    #[test]
    fn pick_follows_the_weights() {
        let mut source = Source::new(7, "x", Purpose::Events);
        let threes = (0..10_000)
            .filter(|_| source.pick(&[1.0, 0.0, 3.0]) == 2)
            .count();
        assert!((7_300..7_700).contains(&threes), "{threes}");
        assert_eq!(source.pick(&[0.0, 0.0]), 0);
    }
}
