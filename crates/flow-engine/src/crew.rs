//! The in-process executor: threads that take jobs and tell how they ended.
//!
//! A worker that is done goes on at once with a job that needs the same, if one follows; what was granted
//! passes from one to the other. The run learns of both in one message, while the second runs already.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use flow_contract::{Digest, Gpu, Key, Kind, NodeError};
use flow_plan::Resources;
use flow_store::StoreError;

use crate::board::InstanceId;
use crate::command::Desk;
use crate::execute::do_job;
use crate::form::Wants;
use crate::given::Given;
use crate::prepare::Prepared;
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
    pub(crate) prepared: Prepared<'a>,
    /// Whether a recorded result counts only if its bytes are read and found right.
    pub(crate) distrusted: bool,
    pub(crate) retries: u32,
    pub(crate) timeout: Option<Duration>,
    /// What it needs to run.
    pub(crate) needs: &'a Resources,
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
        /// The job that took over from it.
        then: Option<(InstanceId, Key)>,
    },
}

/// How a job ended.
pub(crate) enum Verdict {
    /// It is made, here or meanwhile by another run.
    Done(Given),
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

impl Verdict {
    fn is_good(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Jobs that wait for a worker.
#[derive(Default)]
struct Queue<'a> {
    jobs: Mutex<Jobs<'a>>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs<'a> {
    /// Those that were granted what they need.
    granted: VecDeque<Job<'a>>,
    /// Those that may take over what a job before them had.
    following: VecDeque<Waiting<'a>>,
    /// Whether the workers are to end.
    dismissed: bool,
}

/// A job with its number in the line it came from.
pub(crate) type Waiting<'a> = (u64, Job<'a>);

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
        self.queue.jobs().granted.push_back(job);
        self.queue.more.notify_one();
    }

    /// Lets a job follow one that needs the same, as soon as that is done.
    pub(crate) fn let_follow(&self, waiting: Waiting<'a>) {
        self.queue.jobs().following.push_back(waiting);
    }

    pub(crate) fn following(&self) -> usize {
        self.queue.jobs().following.len()
    }

    /// Takes back the jobs that have followed none.
    pub(crate) fn withdraw(&self) -> VecDeque<Waiting<'a>> {
        std::mem::take(&mut self.queue.jobs().following)
    }

    /// A message that is there already.
    pub(crate) fn news(&self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    pub(crate) fn wait(&self) -> Message {
        self.messages
            .recv()
            .expect("workers live until the crew is dismissed")
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        self.queue.jobs().dismissed = true;
        self.queue.more.notify_all();
    }
}

impl<'a> Queue<'a> {
    fn jobs(&self) -> MutexGuard<'_, Jobs<'a>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next granted job; `None` when the crew is dismissed.
    fn next(&self) -> Option<Job<'a>> {
        let mut jobs = self.jobs();
        while !jobs.dismissed {
            if let Some(job) = jobs.granted.pop_front() {
                return Some(job);
            }
            let more = self.more.wait(jobs);
            jobs = more.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// The job that takes over from one that is done.
    fn follower(&self, done: &Job<'a>) -> Option<Job<'a>> {
        let mut jobs = self.jobs();
        let next = jobs
            .following
            .pop_front_if(|(_, next)| next.needs == done.needs);
        let (_, mut next) = next.filter(|_| !jobs.dismissed)?;
        next.gpus.clone_from(&done.gpus);
        Some(next)
    }
}

fn work<'a>(session: &'a Session<'a>, queue: &Queue<'a>, sender: &Sender<Message>) {
    let mut desk = Desk::default();
    let mut follower = None;
    while let Some(job) = follower.take().or_else(|| queue.next()) {
        let (id, key) = (job.id, job.key);
        let verdict = do_job(session, &job, sender, &mut desk).unwrap_or_else(|failure| failure);
        let goes_on = verdict.is_good() && !session.stop.load(Ordering::Relaxed);
        follower = goes_on.then(|| queue.follower(&job)).flatten();
        let then = follower.as_ref().map(|next| (next.id, next.key));
        let done = Message::Done {
            id,
            key,
            verdict,
            then,
        };
        // The receiver is gone only when the run was abandoned.
        if sender.send(done).is_err() {
            return;
        }
    }
}
