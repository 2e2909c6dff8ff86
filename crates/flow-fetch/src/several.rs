//! Several files at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::{Came, Client, FetchError, Wanted, Watch};

/// Brings all files to their places over so many connections at once; gives the fate of each, in order.
///
/// One that fails keeps no other from arriving. Files begin in order. After as many as there are connections were given
/// up in a row, the others are tried once each until one arrives: without a network all would fail as slowly.
pub fn fetch_all(
    client: &Client,
    wanted: &[Wanted],
    connections: usize,
    watch: &dyn Watch,
) -> Vec<Result<Came, FetchError>> {
    let connections = connections.clamp(1, wanted.len().max(1));
    let (next, in_vain) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let attempts = || match in_vain.load(Ordering::Relaxed) < connections {
        true => client.patience.attempts,
        false => 1,
    };
    let fates: Mutex<Vec<Option<Result<Came, FetchError>>>> =
        Mutex::new(wanted.iter().map(|_| None).collect());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = wanted.get(place) else {
                return;
            };
            let fate = match watch.should_stop() {
                true => Err(FetchError::Stopped),
                false => client.fetch_within(&attempts, (place, one), watch),
            };
            match &fate {
                Err(FetchError::GaveUp { .. }) => drop(in_vain.fetch_add(1, Ordering::Relaxed)),
                Ok(Came::Downloaded) => in_vain.store(0, Ordering::Relaxed),
                _ => {}
            }
            fates.lock().unwrap_or_else(PoisonError::into_inner)[place] = Some(fate);
        }
    };
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(work);
        }
    });
    let fates = fates.into_inner().unwrap_or_else(PoisonError::into_inner);
    let fate = |fate: Option<_>| fate.unwrap_or(Err(FetchError::Stopped));
    fates.into_iter().map(fate).collect()
}
