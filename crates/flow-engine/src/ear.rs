//! What a running node says, and when it should stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow_contract::Observer;

use crate::board::InstanceId;
use crate::crew::Message;

/// Passes a node's words on to the run.
pub(crate) struct Ear<'a> {
    stop: &'a AtomicBool,
    deadline: Option<Instant>,
    pace: Mutex<Option<Pace>>,
    id: InstanceId,
    sender: Mutex<Sender<Message>>,
    warnings: Mutex<Vec<String>>,
}

/// The first progress of an attempt, from which its pace is taken: an attempt that goes on from an
/// earlier one begins in the middle.
#[derive(Clone, Copy)]
struct Pace {
    from: u64,
    since: Instant,
}

impl<'a> Ear<'a> {
    /// An ear for one attempt, which should stop when told or after `timeout`.
    pub(crate) fn new(
        stop: &'a AtomicBool,
        timeout: Option<Duration>,
        id: InstanceId,
        sender: &Sender<Message>,
    ) -> Self {
        Self {
            stop,
            pace: Mutex::default(),
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            id,
            sender: Mutex::new(sender.clone()),
            warnings: Mutex::default(),
        }
    }

    /// Whether the attempt took too long.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// What the node warned of.
    pub(crate) fn into_warnings(self) -> Vec<String> {
        let warnings = self.warnings.into_inner();
        warnings.unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the other steps will take at the pace since the first progress.
    fn seconds_left(&self, done: u64, total: u64) -> Option<f64> {
        let now = Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let Pace { from, since } = *pace.get_or_insert(Pace {
            from: done,
            since: now,
        });
        let seconds = (now - since).as_secs_f64();
        (done > from).then(|| seconds / (done - from) as f64 * total.saturating_sub(done) as f64)
    }

    fn send(&self, message: Message) {
        // A run that no longer listens needs no words.
        let _ = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(message);
    }
}

impl Observer for Ear<'_> {
    fn progress(&self, done: u64, total: u64, note: &str) {
        self.send(Message::Progress {
            id: self.id,
            done,
            total,
            note: note.to_owned(),
            seconds_left: self.seconds_left(done, total),
        });
    }

    fn warn(&self, words: &str) {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(words.to_owned());
        self.send(Message::Warned {
            id: self.id,
            words: words.to_owned(),
        });
    }

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_late()
    }
}
