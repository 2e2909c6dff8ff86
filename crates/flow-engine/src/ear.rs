//! What a running node says, and when it should stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow_contract::Observer;

use crate::board::InstanceId;
use crate::execute::Message;

/// Passes a node's words on to the run.
pub(crate) struct Ear<'a> {
    stop: &'a AtomicBool,
    deadline: Option<Instant>,
    id: InstanceId,
    sender: Mutex<Sender<Message>>,
    warnings: Mutex<Vec<String>>,
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
