//! The in-process executor: threads that take jobs, run kinds and record what they gave.
//!
//! A job's outputs go into the store first and its ledger entry after, both before the claim on its
//! key is let go, so that nobody sees half a result and no key is computed twice.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use flow_contract::{Content, Digest, Gpu, Input, Key, Kind, NodeError, StudyFolder, Task};
use flow_store::{Claim, ClaimGuard, Entry, Output, ReadError, Staging, Store, StoreError};

use crate::board::{InstanceId, Outputs};
use crate::command::{self, Desk};
use crate::ear::Ear;
use crate::form::Wants;
use crate::keep::{keep, with_words};
use crate::prepare::{Artifact, Origin, Prepared};
use crate::publish::told;
use crate::session::Session;

/// An instance to run.
pub(crate) struct Job<'a> {
    pub(crate) id: InstanceId,
    pub(crate) address: String,
    pub(crate) kind: &'a dyn Kind,
    pub(crate) outputs: Vec<Wanted>,
    /// Whether its outputs come from outside and may not be what the study says they are.
    pub(crate) foreign: bool,
    pub(crate) key: Key,
    pub(crate) prepared: Prepared,
    /// Whether a recorded result counts only if its bytes are read and found right.
    pub(crate) distrusted: bool,
    pub(crate) retries: u32,
    pub(crate) timeout: Option<Duration>,
    /// The GPUs it was given.
    pub(crate) gpus: Vec<Gpu>,
}

/// An output that a job has to give.
pub(crate) struct Wanted {
    pub(crate) port: String,
    pub(crate) wants: Wants,
    /// Whether it is any number of files, each named `port/path`.
    pub(crate) many: bool,
}

/// What a worker tells the run.
pub(crate) enum Message {
    Progress {
        id: InstanceId,
        done: u64,
        total: u64,
        note: String,
        seconds_left: Option<f64>,
    },
    Warned {
        id: InstanceId,
        words: String,
    },
    Waiting {
        id: InstanceId,
        pid: Option<u32>,
    },
    Done {
        id: InstanceId,
        key: Key,
        verdict: Verdict,
    },
}

/// How a job ended.
pub(crate) enum Verdict {
    Ran {
        outputs: Outputs,
        seconds: f64,
    },
    /// Another run recorded it meanwhile.
    Found {
        outputs: Outputs,
        seconds: f64,
    },
    Failed(NodeError),
    /// The kind panicked: our bug.
    Panicked(NodeError),
    /// A stored input was damaged or is gone.
    Damaged {
        digest: Digest,
        gone: bool,
    },
    /// The run was stopped before it was done.
    Stopped,
    Broken(StoreError),
}

/// Jobs that wait for a worker; `None` in `more` ends the workers.
#[derive(Default)]
struct Queue<'a> {
    jobs: Mutex<(VecDeque<Job<'a>>, bool)>,
    more: Condvar,
}

/// The workers.
pub(crate) struct Crew<'a> {
    queue: Arc<Queue<'a>>,
    messages: Receiver<Message>,
}

impl<'a> Crew<'a> {
    /// Hires `session.jobs` workers that live as long as `scope`.
    pub(crate) fn new<'scope>(scope: &'scope Scope<'scope, '_>, session: &'a Session<'a>) -> Self
    where
        'a: 'scope,
    {
        let queue = Arc::new(Queue::default());
        let (sender, messages) = channel();
        for _ in 0..session.jobs.max(1) {
            let (queue, sender) = (Arc::clone(&queue), sender.clone());
            scope.spawn(move || work(session, &queue, &sender));
        }
        Self { queue, messages }
    }

    pub(crate) fn start(&self, job: Job<'a>) {
        self.queue
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .push_back(job);
        self.queue.more.notify_one();
    }

    pub(crate) fn wait(&self) -> Message {
        self.messages
            .recv()
            .expect("workers live until the crew is dismissed")
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        self.queue
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 = true;
        self.queue.more.notify_all();
    }
}

fn work<'a>(session: &'a Session<'a>, queue: &Queue<'a>, sender: &Sender<Message>) {
    let mut desk = Desk::default();
    while let Some(job) = next_job(queue) {
        let (id, key) = (job.id, job.key);
        let verdict = do_job(session, &job, sender, &mut desk).unwrap_or_else(|failure| failure);
        // The receiver is gone only when the run was abandoned.
        if sender.send(Message::Done { id, key, verdict }).is_err() {
            return;
        }
    }
}

fn next_job<'a>(queue: &Queue<'a>) -> Option<Job<'a>> {
    let mut jobs = queue.jobs.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if jobs.1 {
            return None;
        }
        if let Some(job) = jobs.0.pop_front() {
            return Some(job);
        }
        jobs = queue
            .more
            .wait(jobs)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn do_job(
    session: &Session<'_>,
    job: &Job<'_>,
    sender: &Sender<Message>,
    desk: &mut Desk,
) -> Result<Verdict, Verdict> {
    let store = session.store;
    let _claim = claim(session, job, sender)?;
    if let Some(found) = store.lookup(&job.key)
        && first_absent(store, &found.outputs, job.distrusted).is_none()
    {
        return Ok(Verdict::Found {
            outputs: found.outputs.clone().into(),
            seconds: found.seconds,
        });
    }
    let mut attempt = 0;
    loop {
        let done = do_once(session, job, sender, desk);
        if job.foreign {
            desk.clear(matches!(done, Ok(Verdict::Ran { .. })));
        }
        match done {
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
            done => return done,
        }
    }
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

fn do_once(
    session: &Session<'_>,
    job: &Job<'_>,
    sender: &Sender<Message>,
    desk: &mut Desk,
) -> Result<Verdict, Verdict> {
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
    let seed = job.prepared.recipe.seed.unwrap_or(0);
    let params = &job.prepared.params;
    let mut task = Task::new(params, seed, inputs, &folder, &ear)
        .on_gpus(job.gpus.clone())
        .with_scratch(store.scratch(&job.key))
        .in_study(study_folder(session));
    let began = Instant::now();
    if let Err(failure) = run_kind(session, job, &mut task, desk) {
        let failure = unless_ended(failure, session, job, &ear);
        return Err(with_words(store, failure, task.into_produced()));
    }
    let seconds = began.elapsed().as_secs_f64();
    let outputs = keep(session, job, task.into_produced())?;
    sources_unchanged(store, &job.prepared)?;
    let entry = Entry {
        key: job.key,
        instance: job.address.clone(),
        recipe: job.prepared.recipe.clone(),
        outputs,
        warnings: ear.into_warnings(),
        seconds,
        finished_unix: (session.now)(),
        run: session.run.to_owned(),
    };
    store.record(&entry).map_err(Verdict::Broken)?;
    store.clear_scratch(&job.key);
    Ok(Verdict::Ran {
        outputs: entry.outputs.into(),
        seconds,
    })
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

/// Files lent to commands, in a folder made for the first.
#[derive(Default)]
struct Lent {
    staging: Option<Staging>,
    count: usize,
}

impl Lent {
    /// Inputs of commands larger than this are lent, smaller ones written.
    const LARGE_BYTES: usize = 32 << 10;

    fn file(&mut self, store: &Store, digest: &Digest) -> Result<PathBuf, Verdict> {
        if self.staging.is_none() {
            self.staging = Some(store.stage().map_err(Verdict::Broken)?);
        }
        let folder = self.staging.as_ref().map_or(Path::new(""), Staging::path);
        let path = folder.join(self.count.to_string());
        self.count += 1;
        store.lend(digest, &path).map_err(unreadable)?;
        Ok(path)
    }
}

fn read_inputs(
    store: &Store,
    job: &Job<'_>,
    lent: &mut Lent,
) -> Result<BTreeMap<String, Vec<Input>>, Verdict> {
    let mut left = READ_BYTES;
    let mut inputs = BTreeMap::new();
    for (port, artifacts) in &job.prepared.inputs {
        let mut read = Vec::with_capacity(artifacts.len());
        for artifact in artifacts {
            let mut input = read_input(store, artifact, job.foreign, &mut left)?;
            if job.foreign && input.file.is_none() && input.content.len() > Lent::LARGE_BYTES {
                input.file = Some(lent.file(store, &input.digest)?);
            }
            read.push(input);
        }
        inputs.insert(port.clone(), read);
    }
    Ok(inputs)
}

fn unreadable(error: ReadError) -> Verdict {
    match error {
        ReadError::Missing { digest } => Verdict::Damaged { digest, gone: true },
        ReadError::Damaged { digest, .. } => Verdict::Damaged {
            digest,
            gone: false,
        },
        ReadError::Io(error) => Verdict::Failed(told(&error)),
    }
}

/// A source of more than `left` bytes is mapped; one that is read is taken off.
fn read_input(
    store: &Store,
    artifact: &Artifact,
    foreign: bool,
    left: &mut u64,
) -> Result<Input, Verdict> {
    let unread = |error| {
        let what = format!("reading `{}`: {error}", artifact.name);
        Verdict::Failed(NodeError::new(what))
    };
    let (content, file) = match &artifact.origin {
        Origin::Source(path) if foreign => content_for_command(path).map_err(unread)?,
        Origin::Source(path) => {
            let content = Content::read_or_map(path, *left).map_err(unread)?;
            *left = left.checked_sub(content.len() as u64).unwrap_or(*left);
            (content, Some(path.clone()))
        }
        Origin::Blob => (store.get(&artifact.digest).map_err(unreadable)?, None),
    };
    let Artifact {
        digest,
        labels,
        name,
        ..
    } = artifact.clone();
    Ok(Input {
        digest,
        labels,
        content,
        name,
        file,
    })
}

/// Sources of a node up to this size in all are read into memory for kinds of flow's own.
const READ_BYTES: u64 = 256 << 20;

/// A command gets a small source as a copy; one that is larger or a program it opens itself.
fn content_for_command(path: &Path) -> io::Result<(Content, Option<PathBuf>)> {
    let metadata = fs::metadata(path)?;
    let small = metadata.len() <= Lent::LARGE_BYTES as u64;
    if small && metadata.permissions().mode() & 0o111 == 0 {
        return Ok((fs::read(path)?.into(), None));
    }
    Ok((Content::from(Vec::new()), Some(path.to_owned())))
}

/// A result made from a file that changed meanwhile belongs to no recipe.
fn sources_unchanged(store: &Store, prepared: &Prepared) -> Result<(), Verdict> {
    for (_, artifacts) in &prepared.inputs {
        for artifact in artifacts {
            let Origin::Source(path) = &artifact.origin else {
                continue;
            };
            if store.path_digest(path).map_err(Verdict::Broken)? != artifact.digest {
                let what = format!("`{}` changed while it was being read", artifact.name);
                return Err(Verdict::Failed(NodeError::new(what).help("run again")));
            }
        }
    }
    Ok(())
}
