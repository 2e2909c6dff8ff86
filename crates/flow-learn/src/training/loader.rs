//! Gathers batches in a thread of its own, so that reading hides behind computing.

use crate::epochs::{Epochs, EpochsError};
use crate::kernels::taken;
use std::sync::mpsc::sync_channel;

/// Epochs side by side.
#[derive(Debug)]
pub(super) struct Batch {
    /// `[epoch, channel, time]`.
    pub x: Vec<f32>,
    /// The class of each epoch.
    pub labels: Vec<u8>,
}

/// Batches read ahead of the one being worked on.
const AHEAD: usize = 2;

/// Calls `work` with each batch of `size` epochs in `order`; the last may be smaller.
///
/// # Errors
/// The first that `work` returns, or an epoch that is not finite; no batch follows.
pub(super) fn each_batch<E: From<EpochsError>>(
    epochs: &Epochs<'_>,
    order: &[usize],
    size: usize,
    mut work: impl FnMut(Batch) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (give, take) = sync_channel(AHEAD);
        scope.spawn(move || {
            for places in order.chunks(size) {
                if give.send(gather(epochs, places)).is_err() {
                    break;
                }
            }
        });
        take.into_iter().try_for_each(|batch| work(batch?))
    })
}

fn gather(epochs: &Epochs<'_>, places: &[usize]) -> Result<Batch, EpochsError> {
    // From the shelf, where the step puts the batch when it is done with it.
    let mut x = taken(places.len() * epochs.epoch_len());
    for (x, &n) in x.chunks_exact_mut(epochs.epoch_len()).zip(places) {
        x.copy_from_slice(epochs.finite_signals(n)?);
    }
    let labels = places.iter().map(|&n| epochs.label(n)).collect();
    Ok(Batch { x, labels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epochs::Segment;

    #[test]
    fn every_epoch_comes_once_and_an_error_ends_it() {
        let x: Vec<f32> = (0..7).map(|n| n as f32).collect();
        let labels = [0, 1, 2, 3, 4, 5, 6];
        let epochs = Epochs::new(
            vec![Segment {
                x: &x,
                labels: &labels,
            }],
            1,
        )
        .unwrap();
        let order = [6, 0, 5, 1, 4, 2, 3];
        let mut seen = Vec::new();
        let all = each_batch(&epochs, &order, 3, |batch| {
            seen.push((batch.x.len(), batch.labels));
            Ok::<(), EpochsError>(())
        });
        assert_eq!(all, Ok(()));
        assert_eq!(seen, [(3, vec![6, 0, 5]), (3, vec![1, 4, 2]), (1, vec![3])]);
        let mut calls = 0;
        let enough = EpochsError::Place {
            segment: 9,
            index: 9,
        };
        let stopped = each_batch(&epochs, &order, 1, |_| {
            calls += 1;
            if calls == 2 {
                Err(enough.clone())
            } else {
                Ok(())
            }
        });
        assert_eq!((stopped, calls), (Err(enough), 2));
    }
}
