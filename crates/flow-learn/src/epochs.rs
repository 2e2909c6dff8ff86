//! Labelled epochs in several segments, one a recording, which may be memory-mapped.

/// The epochs of one recording.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// `[epoch, channel, time]`.
    pub x: &'a [f32],
    /// The class of each epoch.
    pub labels: &'a [u8],
}

/// Where an epoch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its segment.
    pub segment: u32,
    /// Its index in the segment.
    pub index: u32,
}

/// A selection of epochs, in order; it borrows the signals and copies none.
#[derive(Debug, Clone)]
pub struct Epochs<'a> {
    segments: Vec<Segment<'a>>,
    /// Numbers of one epoch: channels × time.
    len: usize,
    /// Invariant: every place lies in its segment. Guard: `a_place_outside_is_refused`.
    places: Vec<Place>,
}

/// What is wrong with epochs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EpochsError {
    /// A segment's signals are no whole number of epochs, or not as many as its labels.
    #[error("segment {segment} has {numbers} numbers for {labels} labels; an epoch has {len}")]
    Segment {
        /// The segment.
        segment: usize,
        /// Numbers in its signals.
        numbers: usize,
        /// Its labels.
        labels: usize,
        /// Numbers of one epoch.
        len: usize,
    },
    /// A place lies outside the segments.
    #[error("epoch {index} of segment {segment} doesn't exist")]
    Place {
        /// The segment.
        segment: u32,
        /// The index.
        index: u32,
    },
    /// An epoch holds NaN or infinity.
    #[error("epoch {index} of segment {segment} holds a number that is not finite")]
    NotFinite {
        /// The segment.
        segment: u32,
        /// The index.
        index: u32,
    },
    /// A label is no class of the network.
    #[error(
        "epoch {index} of segment {segment} has label {label}; the network has {classes} classes"
    )]
    Label {
        /// The segment.
        segment: u32,
        /// The index.
        index: u32,
        /// The label.
        label: u8,
        /// Classes of the network.
        classes: usize,
    },
}

impl<'a> Epochs<'a> {
    /// All epochs of the segments in order; `len` is channels × time.
    ///
    /// # Errors
    /// [`EpochsError::Segment`] with the first one whose lengths don't fit.
    pub fn new(segments: Vec<Segment<'a>>, len: usize) -> Result<Self, EpochsError> {
        let mut places = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let (numbers, labels) = (segment.x.len(), segment.labels.len());
            if numbers != labels * len {
                return Err(EpochsError::Segment {
                    segment: at,
                    numbers,
                    labels,
                    len,
                });
            }
            places.extend((0..labels as u32).map(|index| Place {
                segment: at as u32,
                index,
            }));
        }
        Ok(Self {
            segments,
            len,
            places,
        })
    }

    /// The epochs at these places, in their order.
    ///
    /// # Errors
    /// [`EpochsError::Place`] with the first one that doesn't exist.
    pub fn select(&self, places: Vec<Place>) -> Result<Self, EpochsError> {
        for &Place { segment, index } in &places {
            let labels = self
                .segments
                .get(segment as usize)
                .map_or(0, |s| s.labels.len());
            if index as usize >= labels {
                return Err(EpochsError::Place { segment, index });
            }
        }
        Ok(Self {
            segments: self.segments.clone(),
            len: self.len,
            places,
        })
    }

    /// All epochs of these segments, in order.
    ///
    /// # Errors
    /// [`EpochsError::Place`] with the first segment that doesn't exist.
    pub fn select_segments(&self, segments: &[u32]) -> Result<Self, EpochsError> {
        let mut places = Vec::new();
        for &segment in segments {
            let of = self.segments.get(segment as usize);
            let of = of.ok_or(EpochsError::Place { segment, index: 0 })?;
            places.extend((0..of.labels.len() as u32).map(|index| Place { segment, index }));
        }
        Ok(Self {
            segments: self.segments.clone(),
            len: self.len,
            places,
        })
    }

    /// How many epochs.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Numbers of one epoch.
    pub fn epoch_len(&self) -> usize {
        self.len
    }

    /// Where the epochs lie.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The signals of the n-th epoch, `[channel, time]`.
    pub fn signals(&self, n: usize) -> &'a [f32] {
        let Place { segment, index } = self.places[n];
        &self.segments[segment as usize].x[index as usize * self.len..][..self.len]
    }

    /// The signals of the n-th epoch, all finite.
    ///
    /// # Errors
    /// [`EpochsError::NotFinite`].
    pub fn finite_signals(&self, n: usize) -> Result<&'a [f32], EpochsError> {
        let signals = self.signals(n);
        let Place { segment, index } = self.places[n];
        match signals.iter().all(|x| x.is_finite()) {
            true => Ok(signals),
            false => Err(EpochsError::NotFinite { segment, index }),
        }
    }

    /// The class of the n-th epoch.
    pub fn label(&self, n: usize) -> u8 {
        let Place { segment, index } = self.places[n];
        self.segments[segment as usize].labels[index as usize]
    }

    /// The classes of all epochs in order.
    pub fn labels(&self) -> impl Iterator<Item = u8> + '_ {
        (0..self.count()).map(|n| self.label(n))
    }

    /// How many epochs of each class.
    ///
    /// # Errors
    /// [`EpochsError::Label`] with the first label that is no class.
    pub fn class_counts(&self, classes: usize) -> Result<Vec<usize>, EpochsError> {
        let mut counts = vec![0; classes];
        for (&Place { segment, index }, label) in self.places.iter().zip(self.labels()) {
            let count = counts.get_mut(usize::from(label));
            *count.ok_or(EpochsError::Label {
                segment,
                index,
                label,
                classes,
            })? += 1;
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two<'a>(x: &'a [f32], labels: &'a [u8]) -> Vec<Segment<'a>> {
        vec![
            Segment {
                x: &x[..4],
                labels: &labels[..2],
            },
            Segment {
                x: &x[4..],
                labels: &labels[2..],
            },
        ]
    }

    #[test]
    fn epochs_are_found_in_their_segments() {
        let (x, labels) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0, 1, 2]);
        let all = Epochs::new(two(&x, &labels), 2).unwrap();
        let some = all.select(vec![
            Place {
                segment: 1,
                index: 0,
            },
            Place {
                segment: 0,
                index: 1,
            },
        ]);
        let some = some.unwrap();
        assert_eq!((some.signals(0), some.label(0)), (&x[4..6], 2));
        assert_eq!((some.signals(1), some.label(1)), (&x[2..4], 1));
    }

    #[test]
    fn a_place_outside_is_refused() {
        let (x, labels) = ([0.0; 6], [0, 1, 2]);
        let all = Epochs::new(two(&x, &labels), 2).unwrap();
        let outside = Place {
            segment: 1,
            index: 1,
        };
        assert_eq!(
            all.select(vec![outside]).unwrap_err(),
            EpochsError::Place {
                segment: 1,
                index: 1
            }
        );
    }

    #[test]
    fn a_label_that_is_no_class_is_refused_with_its_place() {
        let (x, labels) = ([0.0; 6], [0, 1, 2]);
        let all = Epochs::new(two(&x, &labels), 2).unwrap();
        assert_eq!(all.class_counts(3), Ok(vec![1, 1, 1]));
        assert!(matches!(
            all.class_counts(2),
            Err(EpochsError::Label {
                segment: 1,
                index: 0,
                ..
            })
        ));
    }
}
