//! Relevance shares: percent of absolute relevance per modality.
//!
//! Two numbers summarise a set of epochs and must not be confused: [`ShareSummary::mean_of_shares`] weighs
//! every epoch alike, [`ShareSummary::pooled_share`] weighs it by its relevance.

use crate::relevance::RelevanceSums;
use crate::sums::{largest_magnitude, scale_near_one};

/// Why shares can't be summarised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// There must be one cell per epoch.
    #[error("{cells} cells were given for {epochs} epochs")]
    Length {
        /// Epochs of relevance.
        epochs: usize,
        /// Cells given.
        cells: usize,
    },
    /// An epoch is put into a cell that doesn't exist.
    #[error("epoch {epoch} asks for cell {cell} of {cells}")]
    NoSuchCell {
        /// Epoch index.
        epoch: usize,
        /// Cell asked for.
        cell: usize,
        /// Cells there are.
        cells: usize,
    },
}

/// The shares of every epoch; an epoch without relevance has none.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalShares {
    modalities: usize,
    /// `[epoch, modality]`; meaningless where `silent`.
    absolute: Vec<f64>,
    signed: Vec<f64>,
    silent: Vec<bool>,
}

impl LocalShares {
    /// Number of epochs.
    pub fn epochs(&self) -> usize {
        self.silent.len()
    }

    /// Epochs without any relevance.
    pub fn silent(&self) -> usize {
        self.silent.iter().filter(|silent| **silent).count()
    }

    /// Percent of absolute relevance of each modality; `None` for an epoch without relevance.
    ///
    /// # Panics
    /// If `epoch` is not below [`LocalShares::epochs`].
    pub fn absolute(&self, epoch: usize) -> Option<&[f64]> {
        self.row(&self.absolute, epoch)
    }

    /// Signed relevance of each modality in percent of the epoch's absolute relevance, −100 to 100.
    ///
    /// # Panics
    /// If `epoch` is not below [`LocalShares::epochs`].
    pub fn signed(&self, epoch: usize) -> Option<&[f64]> {
        self.row(&self.signed, epoch)
    }

    /// The absolute shares of one modality, a value per epoch, as a column of a table.
    ///
    /// # Panics
    /// If `modality` is not one of the modalities.
    pub fn column(&self, modality: usize) -> impl Iterator<Item = Option<f64>> {
        assert!(
            modality < self.modalities,
            "modality {modality} of {}",
            self.modalities
        );
        (0..self.epochs()).map(move |epoch| self.absolute(epoch).map(|shares| shares[modality]))
    }

    fn row<'a>(&self, values: &'a [f64], epoch: usize) -> Option<&'a [f64]> {
        let start = epoch * self.modalities;
        (!self.silent[epoch]).then(|| &values[start..start + self.modalities])
    }
}

/// Computes each epoch's shares: `100 · Σₜ |R(m, t)| / Σₘₜ |R(m, t)|`.
///
/// Nothing is added to the denominator, so totals near 1e-19 (ε = 100) keep all their digits.
pub fn local_shares(sums: &RelevanceSums) -> LocalShares {
    let (mut absolute, mut signed, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for epoch in 0..sums.epochs() {
        let total = Total::of(sums.absolute(epoch));
        absolute.extend(sums.absolute(epoch).iter().map(|sum| total.percent(*sum)));
        signed.extend(sums.signed(epoch).iter().map(|sum| total.percent(*sum)));
        silent.push(total.is_zero());
    }
    LocalShares {
        modalities: sums.modalities(),
        absolute,
        signed,
        silent,
    }
}

/// Shares of a set of epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareSummary {
    /// Epochs in the set.
    pub epochs: usize,
    /// Those without relevance: they count in nothing below.
    pub silent: usize,
    /// Mean over epochs of the epoch's share, percent, `[modality]`; `None` if every epoch is silent.
    pub mean_of_shares: Option<Vec<f64>>,
    /// Share of the relevance of all epochs together, percent, `[modality]`; `None` if every epoch is silent.
    pub pooled_share: Option<Vec<f64>>,
    /// Mean over epochs of the signed share, percent, `[modality]`.
    pub mean_of_signed_shares: Option<Vec<f64>>,
    /// Signed relevance of all epochs in percent of their absolute relevance, `[modality]`.
    pub pooled_signed_share: Option<Vec<f64>>,
    /// `Σ |R|` over all epochs, `[modality]`.
    pub absolute: Vec<f64>,
    /// `Σ R` over all epochs, `[modality]`.
    pub signed: Vec<f64>,
}

/// Summarises all epochs.
pub fn summarise(sums: &RelevanceSums) -> ShareSummary {
    let mut running = Running::new(sums.modalities());
    (0..sums.epochs()).for_each(|epoch| running.add(sums, epoch));
    running.finish()
}

/// Summarises the epochs of each cell: of a fold, of a group, or of both at once.
///
/// * `cell_of`: `[epoch]`, `None` leaves the epoch out
/// * returns a summary for each of the `cells`, empty ones included
///
/// # Errors
/// [`ShareError::Length`] and [`ShareError::NoSuchCell`].
pub fn summarise_by(
    sums: &RelevanceSums,
    cell_of: &[Option<usize>],
    cells: usize,
) -> Result<Vec<ShareSummary>, ShareError> {
    if cell_of.len() != sums.epochs() {
        return Err(ShareError::Length {
            epochs: sums.epochs(),
            cells: cell_of.len(),
        });
    }
    let mut running: Vec<Running> = (0..cells)
        .map(|_| Running::new(sums.modalities()))
        .collect();
    for (epoch, cell) in cell_of.iter().enumerate() {
        let Some(cell) = *cell else { continue };
        let of_cell = running.get_mut(cell);
        of_cell
            .ok_or(ShareError::NoSuchCell { epoch, cell, cells })?
            .add(sums, epoch);
    }
    Ok(running.into_iter().map(Running::finish).collect())
}

/// The shares of one group: true stage × predicted stage.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSummary {
    /// True class.
    pub truth: usize,
    /// Predicted class.
    pub predicted: usize,
    /// Shares of the group's epochs.
    pub summary: ShareSummary,
}

/// Summarises the epochs of each group, `classes × classes` of them, by true class and then by predicted one.
///
/// * `truth`, `predicted`: `[epoch]`, class indices below `classes`
///
/// # Errors
/// [`ShareError::Length`] and [`ShareError::NoSuchCell`] (with the class that doesn't exist).
pub fn summarise_groups(
    sums: &RelevanceSums,
    truth: &[usize],
    predicted: &[usize],
    classes: usize,
) -> Result<Vec<GroupSummary>, ShareError> {
    if truth.len() != predicted.len() {
        return Err(ShareError::Length {
            epochs: truth.len(),
            cells: predicted.len(),
        });
    }
    let mut cell_of = Vec::with_capacity(truth.len());
    for (epoch, (t, p)) in truth.iter().zip(predicted).enumerate() {
        if let Some(&cell) = [t, p].into_iter().find(|class| **class >= classes) {
            return Err(ShareError::NoSuchCell {
                epoch,
                cell,
                cells: classes,
            });
        }
        cell_of.push(Some(t * classes + p));
    }
    let summaries = summarise_by(sums, &cell_of, classes * classes)?;
    let group = |(cell, summary)| GroupSummary {
        truth: cell / classes,
        predicted: cell % classes,
        summary,
    };
    Ok(summaries.into_iter().enumerate().map(group).collect())
}

/// What percentages are taken of.
#[derive(Clone, Copy)]
struct Total {
    /// Power of two that brings the terms near 1, so that no sum overflows and no quotient is subnormal.
    scale: f64,
    scaled: f64,
}

impl Total {
    fn of(absolute: &[f64]) -> Self {
        let scale = scale_near_one(largest_magnitude(absolute));
        Self {
            scale,
            scaled: absolute.iter().map(|sum| sum * scale).sum(),
        }
    }

    fn is_zero(self) -> bool {
        self.scaled == 0.0
    }

    fn percent(self, part: f64) -> f64 {
        100.0 * (part * self.scale / self.scaled)
    }
}

/// Sums of a set of epochs while it grows.
struct Running {
    epochs: usize,
    silent: usize,
    shares: Vec<f64>,
    signed_shares: Vec<f64>,
    absolute: Vec<f64>,
    signed: Vec<f64>,
}

impl Running {
    fn new(modalities: usize) -> Self {
        let zeros = || vec![0.0; modalities];
        let (shares, signed_shares, absolute, signed) = (zeros(), zeros(), zeros(), zeros());
        Self {
            epochs: 0,
            silent: 0,
            shares,
            signed_shares,
            absolute,
            signed,
        }
    }

    fn add(&mut self, sums: &RelevanceSums, epoch: usize) {
        let total = Total::of(sums.absolute(epoch));
        self.epochs += 1;
        if total.is_zero() {
            self.silent += 1;
            return;
        }
        for (modality, sum) in sums.absolute(epoch).iter().enumerate() {
            self.absolute[modality] += sum;
            self.shares[modality] += total.percent(*sum);
        }
        for (modality, sum) in sums.signed(epoch).iter().enumerate() {
            self.signed[modality] += sum;
            self.signed_shares[modality] += total.percent(*sum);
        }
    }

    fn finish(self) -> ShareSummary {
        let loud = (self.epochs - self.silent) as f64;
        let total = Total::of(&self.absolute);
        let mean = |sums: &[f64]| (loud > 0.0).then(|| sums.iter().map(|sum| sum / loud).collect());
        let pooled = |sums: &[f64]| {
            (loud > 0.0).then(|| sums.iter().map(|sum| total.percent(*sum)).collect())
        };
        ShareSummary {
            epochs: self.epochs,
            silent: self.silent,
            mean_of_shares: mean(&self.shares),
            pooled_share: pooled(&self.absolute),
            mean_of_signed_shares: mean(&self.signed_shares),
            pooled_signed_share: pooled(&self.signed),
            absolute: self.absolute,
            signed: self.signed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sums(absolute: &[f64], modalities: usize) -> RelevanceSums {
        RelevanceSums::new(absolute.to_vec(), vec![0.0; absolute.len()], modalities).unwrap()
    }

    #[test]
    fn shares_near_1e_19_are_right_to_the_last_digit() {
        let plain = local_shares(&sums(&[3.0, 4.0, 9.0], 3));
        assert_eq!(plain.absolute(0).unwrap(), [18.75, 25.0, 56.25]);
        for scale in [1e-19, 1e-300, 5e-324, 1e307] {
            let tiny = local_shares(&sums(&[3.0 * scale, 4.0 * scale, 9.0 * scale], 3));
            for (share, exact) in tiny.absolute(0).unwrap().iter().zip([18.75, 25.0, 56.25]) {
                assert!(
                    (share / exact - 1.0).abs() <= 2.0 * f64::EPSILON,
                    "{share} at {scale:e}"
                );
            }
        }
    }

    #[test]
    fn a_silent_epoch_has_no_share_and_weighs_nothing() {
        let local = local_shares(&sums(&[0.0, 0.0, 1.0, 3.0], 2));
        assert_eq!(local.absolute(0), None);
        assert_eq!(local.signed(0), None);
        assert_eq!(local.silent(), 1);
        assert_eq!(local.column(1).collect::<Vec<_>>(), [None, Some(75.0)]);
        let summary = summarise(&sums(&[0.0, 0.0, 1.0, 3.0], 2));
        assert_eq!((summary.epochs, summary.silent), (2, 1));
        assert_eq!(summary.mean_of_shares.unwrap(), [25.0, 75.0]);
        assert_eq!(summarise(&sums(&[0.0, 0.0], 2)).pooled_share, None);
    }

    #[test]
    fn the_mean_of_shares_is_not_the_pooled_share() {
        let summary = summarise(&sums(&[1.0, 1.0, 90.0, 10.0], 2));
        assert_eq!(summary.mean_of_shares.unwrap(), [70.0, 30.0]);
        let pooled = summary.pooled_share.unwrap();
        assert!(
            (pooled[0] - 9100.0 / 102.0).abs() < 1e-12
                && (pooled[1] - 1100.0 / 102.0).abs() < 1e-12
        );
    }

    #[test]
    fn signed_relevance_is_kept_beside_absolute() {
        let both =
            RelevanceSums::new(vec![3.0, 1.0, 1.0, 3.0], vec![-3.0, 1.0, 0.0, 1.0], 2).unwrap();
        assert_eq!(local_shares(&both).signed(0).unwrap(), [-75.0, 25.0]);
        let summary = summarise(&both);
        assert_eq!(summary.mean_of_signed_shares.unwrap(), [-37.5, 25.0]);
        assert_eq!(summary.pooled_signed_share.unwrap(), [-37.5, 25.0]);
        assert_eq!(
            (summary.absolute, summary.signed),
            (vec![4.0, 4.0], vec![-3.0, 2.0])
        );
    }

    #[test]
    fn groups_are_told_apart_by_truth_and_prediction() {
        let groups = summarise_groups(
            &sums(&[1.0, 3.0, 1.0, 1.0, 3.0, 1.0], 2),
            &[0, 1, 0],
            &[1, 1, 1],
            2,
        )
        .unwrap();
        let of = |truth: usize, predicted: usize| &groups[truth * 2 + predicted].summary;
        assert_eq!(
            of(0, 1).mean_of_shares.as_deref(),
            Some([50.0, 50.0].as_slice())
        );
        assert_eq!(
            (
                of(0, 1).epochs,
                of(1, 1).epochs,
                of(0, 0).epochs,
                of(1, 0).epochs
            ),
            (2, 1, 0, 0)
        );
        assert_eq!(of(0, 0).mean_of_shares, None);
        assert!(
            groups
                .iter()
                .all(|g| std::ptr::eq(of(g.truth, g.predicted), &raw const g.summary))
        );
    }

    #[test]
    fn folds_are_summarised_by_cell() {
        let all = sums(&[1.0, 3.0, 1.0, 1.0, 3.0, 1.0], 2);
        let by_fold = summarise_by(&all, &[Some(1), None, Some(1)], 2).unwrap();
        assert_eq!((by_fold[0].epochs, by_fold[1].epochs), (0, 2));
        assert_eq!(
            by_fold[1].mean_of_shares.as_deref(),
            Some([50.0, 50.0].as_slice())
        );
        let error = summarise_by(&all, &[Some(0), Some(2), None], 2).unwrap_err();
        assert_eq!(
            error,
            ShareError::NoSuchCell {
                epoch: 1,
                cell: 2,
                cells: 2
            }
        );
        let error = summarise_by(&all, &[None], 2).unwrap_err();
        assert_eq!(
            error,
            ShareError::Length {
                epochs: 3,
                cells: 1
            }
        );
        let error = summarise_groups(&all, &[0, 0, 5], &[0, 0, 0], 2).unwrap_err();
        assert_eq!(
            error,
            ShareError::NoSuchCell {
                epoch: 2,
                cell: 5,
                cells: 2
            }
        );
    }

    proptest! {
        #[test]
        fn shares_sum_to_100(absolute in prop::collection::vec(1e-30..1e3_f64, 3..60), scale in -250_i32..250) {
            let whole = absolute.len() / 3 * 3;
            let scaled: Vec<f64> = absolute[..whole].iter().map(|a| a * 10_f64.powi(scale)).collect();
            let all = sums(&scaled, 3);
            let local = local_shares(&all);
            for epoch in 0..all.epochs() {
                let sum: f64 = local.absolute(epoch).unwrap().iter().sum();
                prop_assert!((sum - 100.0).abs() < 1e-12);
            }
            let summary = summarise(&all);
            for shares in [summary.mean_of_shares.unwrap(), summary.pooled_share.unwrap()] {
                prop_assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1e-11);
            }
        }
    }
}
