//! Sums of relevance per epoch and modality, absolute and signed.

use crate::sums::sum_of;

/// Why relevance can't be summed; indices count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RelevanceError {
    /// The relevance isn't `[epoch, channel, sample]` of the given sizes.
    #[error(
        "{got} values are no whole number of epochs of {channels} channels of {samples} samples"
    )]
    Shape {
        /// Values given.
        got: usize,
        /// Channels of an epoch.
        channels: usize,
        /// Samples of a channel.
        samples: usize,
    },
    /// The sums aren't `[epoch, modality]`, or the absolute and signed ones differ in number.
    #[error(
        "{absolute} absolute and {signed} signed sums can't be epochs of {modalities} modalities"
    )]
    SumShape {
        /// Absolute sums given.
        absolute: usize,
        /// Signed sums given.
        signed: usize,
        /// Modalities of an epoch.
        modalities: usize,
    },
    /// A modality names a channel that an epoch doesn't have.
    #[error("modality {modality} asks for channel {channel} of {channels}")]
    NoSuchChannel {
        /// Modality index.
        modality: usize,
        /// Channel asked for.
        channel: usize,
        /// Channels of an epoch.
        channels: usize,
    },
    /// A modality has no channel, so its share would say nothing.
    #[error("modality {modality} has no channels")]
    EmptyModality {
        /// Modality index.
        modality: usize,
    },
    /// A channel would be counted twice.
    #[error("channel {channel} belongs to two modalities")]
    SharedChannel {
        /// The channel.
        channel: usize,
    },
    /// A relevance or a sum of it is NaN or infinite.
    #[error("relevance of epoch {epoch}, modality {modality} is not finite")]
    NotFinite {
        /// Epoch index.
        epoch: usize,
        /// Modality index.
        modality: usize,
    },
    /// An absolute sum is negative or smaller than the signed one.
    #[error(
        "epoch {epoch}, modality {modality}: {signed} is no sum of values whose absolute sum is {absolute}"
    )]
    Contradiction {
        /// Epoch index.
        epoch: usize,
        /// Modality index.
        modality: usize,
        /// Absolute sum given.
        absolute: f64,
        /// Signed sum given.
        signed: f64,
    },
}

/// Sums of relevance, `[epoch, modality]`, as they are (no unit, may be near 1e-19).
#[derive(Debug, Clone, PartialEq)]
pub struct RelevanceSums {
    modalities: usize,
    /// Invariant: finite, `≥ 0`, a whole number of epochs. Guard: `sums_that_contradict_are_refused`.
    absolute: Vec<f64>,
    /// Invariant: as many as `absolute`, finite.
    signed: Vec<f64>,
}

impl RelevanceSums {
    /// Takes sums computed elsewhere.
    ///
    /// * `absolute`: `[epoch, modality]`, `Σ |R|`
    /// * `signed`: `[epoch, modality]`, `Σ R`
    ///
    /// # Errors
    /// [`RelevanceError::SumShape`], [`RelevanceError::NotFinite`], and [`RelevanceError::Contradiction`] where
    /// `|signed|` exceeds `absolute` by more than the rounding of a sum.
    pub fn new(
        absolute: Vec<f64>,
        signed: Vec<f64>,
        modalities: usize,
    ) -> Result<Self, RelevanceError> {
        let whole = modalities > 0 && absolute.len().is_multiple_of(modalities);
        if !whole || absolute.len() != signed.len() {
            let (absolute, signed) = (absolute.len(), signed.len());
            return Err(RelevanceError::SumShape {
                absolute,
                signed,
                modalities,
            });
        }
        for (index, (absolute, signed)) in absolute.iter().zip(&signed).enumerate() {
            let (epoch, modality) = (index / modalities, index % modalities);
            if !absolute.is_finite() || !signed.is_finite() {
                return Err(RelevanceError::NotFinite { epoch, modality });
            }
            if *absolute < 0.0 || signed.abs() > absolute * (1.0 + ROUNDING_OF_SUMS) {
                let (absolute, signed) = (*absolute, *signed);
                return Err(RelevanceError::Contradiction {
                    epoch,
                    modality,
                    absolute,
                    signed,
                });
            }
        }
        Ok(Self {
            modalities,
            absolute,
            signed,
        })
    }

    /// Sums relevance maps.
    ///
    /// `absolute = Σ |R|`, `signed = Σ R` over the channels of a modality and all samples, in `f64`.
    ///
    /// * `relevance`: `[epoch, channel, sample]`, `f32` or `f64`
    /// * `modalities`: the channels of each modality; a channel may be in none
    ///
    /// # Errors
    /// Every variant of [`RelevanceError`] but the two about given sums.
    pub fn of_maps<T: Copy + Into<f64>>(
        relevance: &[T],
        channels: usize,
        samples: usize,
        modalities: &[Vec<usize>],
    ) -> Result<Self, RelevanceError> {
        let size = channels * samples;
        if size == 0 || !relevance.len().is_multiple_of(size) {
            return Err(RelevanceError::Shape {
                got: relevance.len(),
                channels,
                samples,
            });
        }
        refuse_unusable(modalities, channels)?;
        let (mut absolute, mut signed) = (Vec::new(), Vec::new());
        for epoch in relevance.chunks_exact(size) {
            for modality in modalities {
                let rows = || {
                    modality
                        .iter()
                        .map(|c| &epoch[c * samples..(c + 1) * samples])
                };
                absolute.push(rows().map(|row| sum_of(row, f64::abs)).sum());
                signed.push(rows().map(|row| sum_of(row, |r| r)).sum());
            }
        }
        Self::new(absolute, signed, modalities.len())
    }

    /// Number of epochs.
    pub fn epochs(&self) -> usize {
        self.absolute.len() / self.modalities
    }

    /// Number of modalities.
    pub fn modalities(&self) -> usize {
        self.modalities
    }

    /// `Σ |R|` of each modality in an epoch.
    ///
    /// # Panics
    /// If `epoch` is not below [`RelevanceSums::epochs`].
    pub fn absolute(&self, epoch: usize) -> &[f64] {
        &self.absolute[epoch * self.modalities..(epoch + 1) * self.modalities]
    }

    /// `Σ R` of each modality in an epoch.
    ///
    /// # Panics
    /// If `epoch` is not below [`RelevanceSums::epochs`].
    pub fn signed(&self, epoch: usize) -> &[f64] {
        &self.signed[epoch * self.modalities..(epoch + 1) * self.modalities]
    }
}

/// How far a signed sum may pass the absolute one: both are sums of ~10⁴ to 10⁶ terms in `f32` or better.
const ROUNDING_OF_SUMS: f64 = 1e-4;

/// Refuses modalities that are empty, overlap or ask for missing channels.
fn refuse_unusable(modalities: &[Vec<usize>], channels: usize) -> Result<(), RelevanceError> {
    let mut taken = vec![false; channels];
    for (modality, wanted) in modalities.iter().enumerate() {
        if wanted.is_empty() {
            return Err(RelevanceError::EmptyModality { modality });
        }
        for &channel in wanted {
            match taken.get_mut(channel) {
                None => {
                    return Err(RelevanceError::NoSuchChannel {
                        modality,
                        channel,
                        channels,
                    });
                }
                Some(true) => return Err(RelevanceError::SharedChannel { channel }),
                Some(free) => *free = true,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(channels: usize) -> Vec<Vec<usize>> {
        (0..channels).map(|channel| vec![channel]).collect()
    }

    #[test]
    fn maps_are_summed_by_modality() {
        // Two epochs, three channels, two samples; channels 0 and 2 form one modality.
        let maps = [
            1.0_f32, -2.0, 0.5, 0.5, 3.0, -4.0, 0.0, 0.0, -1.0, 1.0, 2.0, 2.0,
        ];
        let sums = RelevanceSums::of_maps(&maps, 3, 2, &[vec![0, 2], vec![1]]).unwrap();
        assert_eq!((sums.epochs(), sums.modalities()), (2, 2));
        assert_eq!(
            (sums.absolute(0), sums.signed(0)),
            ([10.0, 1.0].as_slice(), [-2.0, 1.0].as_slice())
        );
        assert_eq!(
            (sums.absolute(1), sums.signed(1)),
            ([4.0, 2.0].as_slice(), [4.0, 0.0].as_slice())
        );
    }

    #[test]
    fn wrong_shapes_and_channels_are_refused() {
        let of = |got: usize, modalities: &[Vec<usize>]| {
            RelevanceSums::of_maps(&vec![0.0_f64; got], 3, 2, modalities).unwrap_err()
        };
        assert_eq!(
            of(7, &each(3)),
            RelevanceError::Shape {
                got: 7,
                channels: 3,
                samples: 2
            }
        );
        let missing = RelevanceError::NoSuchChannel {
            modality: 3,
            channel: 3,
            channels: 3,
        };
        assert_eq!(of(6, &each(4)), missing);
        assert_eq!(
            of(6, &[vec![0, 1], vec![1]]),
            RelevanceError::SharedChannel { channel: 1 }
        );
        assert_eq!(
            of(6, &[vec![0], vec![]]),
            RelevanceError::EmptyModality { modality: 1 }
        );
        assert!(matches!(
            of(6, &[]),
            RelevanceError::SumShape { modalities: 0, .. }
        ));
    }

    #[test]
    fn relevance_that_is_not_finite_is_named() {
        let mut maps = vec![1.0_f64; 12];
        maps[9] = f64::NAN;
        let error = RelevanceSums::of_maps(&maps, 3, 2, &each(3)).unwrap_err();
        assert_eq!(
            error,
            RelevanceError::NotFinite {
                epoch: 1,
                modality: 1
            }
        );
        let overflow = RelevanceSums::of_maps(&[f64::MAX; 6], 3, 2, &each(3)).unwrap_err();
        assert_eq!(
            overflow,
            RelevanceError::NotFinite {
                epoch: 0,
                modality: 0
            }
        );
    }

    #[test]
    fn sums_that_contradict_are_refused() {
        let new = RelevanceSums::new;
        assert!(new(vec![1.0, 2.0], vec![-1.0, 2.0 + 1e-12], 2).is_ok());
        assert!(matches!(
            new(vec![1.0, 2.0], vec![0.0, 3.0], 2),
            Err(RelevanceError::Contradiction {
                epoch: 0,
                modality: 1,
                ..
            })
        ));
        assert!(matches!(
            new(vec![-1.0], vec![0.0], 1),
            Err(RelevanceError::Contradiction { .. })
        ));
        assert!(matches!(
            new(vec![1.0; 3], vec![0.0; 3], 2),
            Err(RelevanceError::SumShape { .. })
        ));
        assert!(matches!(
            new(vec![1.0; 2], vec![0.0; 4], 2),
            Err(RelevanceError::SumShape { .. })
        ));
    }
}
