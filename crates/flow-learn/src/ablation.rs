//! What each modality is worth: the logit without it, and its Shapley value.

use crate::kernels::Real;
use crate::relevance::{RelevanceError, Walker};

/// Modalities beyond this many would need more than 65,536 passes for an exact Shapley value.
pub const MOST_MODALITIES: usize = 16;

/// What modalities are worth to the target's logit `f`, `[batch, modality]` both.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// `f(x) − f(x with the modality set to 0)`.
    pub drop: Vec<f64>,
    /// The Shapley value of the game `v(S) = f(x with all modalities but S set to 0)`; over a sample's modalities
    /// they sum to `f(x) − f(0)`, channels in no modality set to 0.
    pub shapley: Vec<f64>,
}

/// Why there is no worth.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AblationError {
    /// The network can't be run on the input.
    #[error(transparent)]
    Relevance(#[from] RelevanceError),
    /// A modality names a channel that isn't there, or that another one has.
    #[error("modality {modality}: channel {channel} is not there or taken; there are {channels}")]
    Channel {
        /// The modality, from 0.
        modality: usize,
        /// The channel, from 0.
        channel: usize,
        /// Channels of the network.
        channels: usize,
    },
    /// Too many modalities for all their coalitions.
    #[error(
        "{modalities} modalities have too many coalitions, at most {MOST_MODALITIES} can be played out"
    )]
    TooMany {
        /// Modalities.
        modalities: usize,
    },
}

/// The worth of each modality, exactly: every coalition of modalities is run.
///
/// * `x`: `[batch, channels, time]`; `targets`: the class of each sample, `[batch]`
/// * `modalities`: the channels of each; a channel in none stays as it is for `drop`
///
/// # Errors
/// [`AblationError::Channel`], [`AblationError::TooMany`], and as [`Walker::logits`].
///
/// Source: Shapley 1953, in *Contributions to the Theory of Games* II, 307–317. Checked:
/// `tests/relevance/quality.rs`.
pub fn worth<T: Real>(
    walker: &Walker<T>,
    x: &[T],
    targets: &[usize],
    modalities: &[Vec<usize>],
) -> Result<Worth, AblationError> {
    walker.check_targets(x, targets)?;
    let count = modalities.len();
    if count > MOST_MODALITIES {
        return Err(AblationError::TooMany { modalities: count });
    }
    let owner = owners(walker, modalities)?;
    let whole = walker.target_logits(x, targets)?;
    let mut values = Vec::with_capacity(1 << count);
    for coalition in 0..1_usize << count {
        let keeps = |owner: Option<usize>| owner.is_some_and(|m| coalition >> m & 1 == 1);
        values.push(walker.target_logits(&masked(walker, x, &owner, keeps), targets)?);
    }
    let mut worth = Worth {
        drop: vec![0.0; whole.len() * count],
        shapley: vec![0.0; whole.len() * count],
    };
    for modality in 0..count {
        let keeps = |owner: Option<usize>| owner != Some(modality);
        let left = walker.target_logits(&masked(walker, x, &owner, keeps), targets)?;
        for (sample, (whole, left)) in whole.iter().zip(left).enumerate() {
            let at = sample * count + modality;
            worth.drop[at] = whole - left;
            let value = |coalition: usize| values[coalition][sample];
            worth.shapley[at] = shapley(count, modality, value);
        }
    }
    Ok(worth)
}

/// `Σ over S without m of |S|! (n − |S| − 1)! / n! · (v(S ∪ m) − v(S))`.
fn shapley(count: usize, modality: usize, value: impl Fn(usize) -> f64) -> f64 {
    let without = (0..1_usize << count).filter(|coalition| coalition >> modality & 1 == 0);
    let gain = |coalition: usize| {
        let size = coalition.count_ones() as usize;
        let gain = value(coalition | 1 << modality) - value(coalition);
        gain / (count as f64 * choose(count - 1, size))
    };
    without.map(gain).sum()
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64)
}

/// The modality of each channel.
fn owners<T: Real>(
    walker: &Walker<T>,
    modalities: &[Vec<usize>],
) -> Result<Vec<Option<usize>>, AblationError> {
    let channels = walker.channels();
    let mut owner = vec![None; channels];
    for (modality, own) in modalities.iter().enumerate() {
        for &channel in own {
            match owner.get_mut(channel) {
                Some(free @ None) => *free = Some(modality),
                _ => {
                    return Err(AblationError::Channel {
                        modality,
                        channel,
                        channels,
                    });
                }
            }
        }
    }
    Ok(owner)
}

/// The input with 0 in every channel that isn't kept.
fn masked<T: Real>(
    walker: &Walker<T>,
    x: &[T],
    owner: &[Option<usize>],
    keeps: impl Fn(Option<usize>) -> bool,
) -> Vec<T> {
    let mut x = x.to_vec();
    let time = walker.sample_len() / owner.len();
    for (row, x) in x.chunks_mut(time).enumerate() {
        if !keeps(owner[row % owner.len()]) {
            x.fill(T::ZERO);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapley_values_are_those_of_the_glove_game() {
        // One right glove (0) and two left ones: only a pair is worth something.
        let value = |coalition: usize| f64::from(u8::from(coalition & 1 == 1 && coalition > 1));
        let values = [0, 1, 2].map(|player| shapley(3, player, value));
        for (found, wanted) in values.into_iter().zip([4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((found - wanted).abs() < 1e-15);
        }
    }
}
