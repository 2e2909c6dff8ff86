//! Ten folds one after another, each at full width, and side by side, as the engine runs them.

use super::Job;
use super::measure::{median, peak_rss_mb};
use super::steps::Study;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const FOLDS: u64 = 10;
/// Batches of each fold's single training epoch.
const BATCHES: usize = 4;
/// Each way is taken so often, by turns.
const TURNS: usize = 3;

/// Trains ten folds on threads of their own, as many at once as there are cores, their inner loops on
/// rayon's one pool; the ratio is that to the same folds one after another on the same pool.
pub fn side_by_side(job: &Job) -> Result<(), Box<dyn Error>> {
    let study = Study::new(job.batch, BATCHES, 1);
    study.train(0, &mut ())?;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(seconds(&study, 1)?);
        together.push(seconds(&study, job.threads)?);
    }
    let (alone, together) = (median(&alone), median(&together));
    println!(
        "{{\"what\":\"folds\",\"batch\":{},\"threads\":{},\"folds\":{FOLDS},\
         \"one_after_another_s\":{alone:.2},\"side_by_side_s\":{together:.2},\"ratio\":{:.3},\
         \"peak_rss_mb\":{}}}",
        job.batch,
        job.threads,
        together / alone,
        peak_rss_mb(),
    );
    Ok(())
}

/// Seconds of all folds, `at_once` of them at the same time.
fn seconds(study: &Study, at_once: usize) -> Result<f64, Box<dyn Error>> {
    let next = AtomicU64::new(0);
    let work = || -> Result<(), String> {
        loop {
            let fold = next.fetch_add(1, Ordering::Relaxed);
            if fold >= FOLDS {
                return Ok(());
            }
            let trained = study.train(fold, &mut ()).map_err(|e| e.to_string())?;
            trained.ok_or("a fold ended without weights")?;
        }
    };
    let from = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let done = worker.join();
            done.map_err(|_| "a fold panicked".to_owned())?
        })
    })?;
    Ok(from.elapsed().as_secs_f64())
}
