//! Several files at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::{Came, Client, FetchError, Wanted, Watch};

/// Brings all files to their places over so many connections at once; gives the fate of each, in order.
///
/// One that fails keeps no other from arriving. Files begin in order.
pub fn fetch_all(
    client: &Client,
    wanted: &[Wanted],
    connections: usize,
    watch: &dyn Watch,
) -> Vec<Result<Came, FetchError>> {
    let next = AtomicUsize::new(0);
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
                false => client.fetch(place, one, watch),
            };
            fates.lock().unwrap_or_else(PoisonError::into_inner)[place] = Some(fate);
        }
    };
    thread::scope(|scope| {
        for _ in 0..connections.clamp(1, wanted.len().max(1)) {
            scope.spawn(work);
        }
    });
    let fates = fates.into_inner().unwrap_or_else(PoisonError::into_inner);
    let fate = |fate: Option<_>| fate.unwrap_or(Err(FetchError::Stopped));
    fates.into_iter().map(fate).collect()
}
