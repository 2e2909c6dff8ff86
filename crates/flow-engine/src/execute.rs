//! A job from its claim to its record.
//!
//! A job's outputs go into the store first and its ledger entry after, both before the claim on its
//! key is let go, so that nobody sees half a result and no key is computed twice.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use flow_contract::{Digest, NodeError, StudyFolder, Task};
use flow_store::{Claim, ClaimGuard, Entry, Output, Store};

use crate::command::{self, Desk};
use crate::crew::{Job, Message, Verdict};
use crate::ear::Ear;
use crate::given::Given;
use crate::inputs::{Lent, read_inputs, sources_unchanged};
use crate::keep::{keep, with_words};
use crate::session::Session;

/// Does a job, or finds that another run has done it.
pub(crate) fn do_job(
    session: &Session<'_>,
    job: &Job<'_>,
    sender: &Sender<Message>,
    desk: &mut Desk,
) -> Result<Verdict, Verdict> {
    let store = session.store;
    let _claim = claim(session, job, sender)?;
    if let Some(made) = store.made(&job.key)
        && first_absent(store, &made.outputs, job.distrusted).is_none()
    {
        return Ok(Verdict::Done(made.into()));
    }
    let (mut attempt, mut unsure) = (0, 0);
    loop {
        let done = do_once(session, job, sender, desk);
        if job.foreign {
            desk.clear(matches!(done, Ok(Some(_))));
        }
        match done {
            Ok(None) if unsure < MOST_UNSURE => unsure += 1,
            Ok(None) => return Err(Verdict::Failed(changing())),
            Err(Verdict::Failed(error)) if attempt < job.retries => {
                let wait = pause_after(attempt);
                attempt += 1;
                let words = format!(
                    "attempt {attempt} of {} failed, the next begins in {:.1} s: {error}",
                    job.retries + 1,
                    wait.as_secs_f64()
                );
                // The receiver is gone only when the run was abandoned.
                let _ = sender.send(Message::Warned { id: job.id, words });
                pause(session, wait)?;
            }
            Ok(Some(done)) => return Ok(done),
            Err(failure) => return Err(failure),
        }
    }
}

/// How often a job is done again at once because a stored input changed under it.
const MOST_UNSURE: u32 = 3;

fn changing() -> NodeError {
    NodeError::new("a stored input changes in the cache while it is read")
        .help("nothing but flow may write to the cache; look who does, and run again")
}

/// How long to wait before the next attempt: 0.2 s, doubled each time, at most a minute.
fn pause_after(attempt: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(60);
    FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST)
}

fn pause(session: &Session<'_>, wait: Duration) -> Result<(), Verdict> {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    let mut left = wait;
    while !left.is_zero() {
        if is_stopped(session) {
            return Err(Verdict::Stopped);
        }
        thread::sleep(left.min(LOOK_EVERY));
        left = left.saturating_sub(LOOK_EVERY);
    }
    Ok(())
}

fn is_stopped(session: &Session<'_>) -> bool {
    session.stop.load(Ordering::Relaxed)
}

/// One attempt; none where a stored input was changed under it, so that nobody knows what it read.
fn do_once(
    session: &Session<'_>,
    job: &Job<'_>,
    sender: &Sender<Message>,
    desk: &mut Desk,
) -> Result<Option<Verdict>, Verdict> {
    let store = session.store;
    // What is lent for this attempt goes with it.
    let mut lent = Lent::default();
    let inputs = read_inputs(store, job, &mut lent)?;
    // Only commands are sure to want a folder.
    let staging = (!job.foreign).then(|| store.stage_later()).transpose();
    let staging = staging.map_err(Verdict::Broken)?;
    let folder = match &staging {
        Some(staging) => staging.path().to_owned(),
        None => desk.folder(store).map_err(Verdict::Broken)?,
    };
    let ear = Ear::new(session.stop, job.timeout, job.id, sender);
    let seed = job.prepared.seed.unwrap_or(0);
    let params = &job.prepared.params;
    let mut task = Task::new(params, seed, inputs, &folder, &ear)
        .on_gpus(job.gpus.clone())
        .with_scratch(store.scratch(&job.key))
        .in_study(study_folder(session));
    let began = Instant::now();
    let ran = run_kind(session, job, &mut task, desk);
    if !lent.is_unchanged(store) && !is_stopped(session) {
        return Ok(None);
    }
    if let Err(failure) = ran {
        let failure = unless_ended(failure, session, job, &ear);
        return Err(with_words(store, failure, task.into_produced()));
    }
    let seconds = began.elapsed().as_secs_f64();
    let outputs = keep(session, job, task.into_produced())?;
    sources_unchanged(store, &job.prepared)?;
    let entry = Entry {
        key: job.key,
        instance: job.address.clone(),
        recipe: job.prepared.recipe().to_recipe(),
        outputs,
        warnings: ear.into_warnings(),
        seconds,
        finished_unix: (session.now)(),
        run: session.run.to_owned(),
    };
    store.record(&entry).map_err(Verdict::Broken)?;
    store.clear_scratch(&job.key);
    Ok(Some(Verdict::Done(Given {
        outputs: entry.outputs.into(),
        seconds,
        since: None,
    })))
}

fn study_folder(session: &Session<'_>) -> StudyFolder {
    let own = [session.plan.cache(), session.plan.reports()];
    StudyFolder {
        root: session.root.to_owned(),
        closed: own.map(|folder| session.root.join(folder)).to_vec(),
    }
}

/// A node that failed because it was made to end says so.
fn unless_ended(failure: Verdict, session: &Session<'_>, job: &Job<'_>, ear: &Ear<'_>) -> Verdict {
    match (failure, job.timeout) {
        (Verdict::Failed(_), _) if is_stopped(session) => Verdict::Stopped,
        (Verdict::Failed(_), Some(timeout)) if ear.is_late() => Verdict::Failed(
            NodeError::new(format!("it took longer than its timeout of {timeout:?}"))
                .help("give it a longer `timeout`, or none"),
        ),
        (failure, _) => failure,
    }
}

/// The first of these outputs that the store can't give; reads them all where they are distrusted.
pub(crate) fn first_absent<'o>(
    store: &Store,
    outputs: &'o [Output],
    distrusted: bool,
) -> Option<&'o str> {
    let there = |digest: &Digest| match distrusted {
        true => store.get(digest).is_ok(),
        false => store.contains(digest),
    };
    let absent = outputs.iter().find(|(_, digest, _)| !there(digest));
    absent.map(|(port, ..)| port.as_str())
}

/// Takes the right to compute the job's key, waiting for another run that computes it.
fn claim(
    session: &Session<'_>,
    job: &Job<'_>,
    sender: &Sender<Message>,
) -> Result<ClaimGuard, Verdict> {
    /// How often a waiting job looks whether its own run was stopped.
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    let mut told = false;
    loop {
        match session.store.claim(&job.key).map_err(Verdict::Broken)? {
            Claim::Mine(guard) => return Ok(guard),
            Claim::Theirs { pid } => {
                if !std::mem::replace(&mut told, true) {
                    // The receiver is gone only when the run was abandoned.
                    let _ = sender.send(Message::Waiting { id: job.id, pid });
                }
                session
                    .store
                    .wait_for(&job.key, LOOK_EVERY)
                    .map_err(Verdict::Broken)?;
            }
        }
        if is_stopped(session) {
            return Err(Verdict::Stopped);
        }
    }
}

fn run_kind(
    session: &Session<'_>,
    job: &Job<'_>,
    task: &mut Task<'_>,
    desk: &mut Desk,
) -> Result<(), Verdict> {
    let kind = job.kind;
    let work = || match job.foreign {
        true => command::run(task, session.root, desk),
        false => kind.run(task),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Verdict::Failed),
        Err(panic) => Err(Verdict::Panicked(
            NodeError::new(format!(
                "the kind `{}` panicked: {}",
                kind.descriptor().name,
                words(&*panic)
            ))
            .because("this is a bug in flow, not in the study")
            .help("please report it with the study file and these words"),
        )),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words")
}
