//! Seeds for independent streams of one study seed.

use crate::Digest;

/// Derives the seed of a named stream, so that streams of one study seed are independent.
///
/// The first 8 bytes (little endian) of BLAKE3 over the seed and the length-prefixed parts.
#[must_use]
pub fn derive_seed(seed: u64, parts: &[&str]) -> u64 {
    let mut bytes = seed.to_le_bytes().to_vec();
    for part in parts {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    let digest = Digest::of(&bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_with_other_names_or_cuts_differ() {
        let seeds = [
            derive_seed(1, &["fold", "3"]),
            derive_seed(2, &["fold", "3"]),
            derive_seed(1, &["fold3"]),
            derive_seed(1, &["fol", "d3"]),
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert!(seeds[i + 1..].iter().all(|b| a != b));
        }
    }
}
