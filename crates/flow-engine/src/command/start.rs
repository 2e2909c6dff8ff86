//! Starts commands from a thread that is confined as they are.
//!
//! What a thread starts inherits what confines it, and a thread can't shed that. As long as commands may
//! do the same, one thread starts them all; the first that may do something else gets a new one.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use landlock::RulesetError;

use super::confine::{Confinement, System};

/// Starts a worker's commands, one at a time.
#[derive(Default)]
pub(crate) struct Starter {
    confined: Option<Confined>,
    pub(super) system: System,
}

/// A command could not be started.
pub(crate) enum StartError {
    /// The kernel does not confine it as it should.
    Confine(RulesetError),
    /// The system does not start it.
    Start(io::Error),
}

type Work = Box<dyn FnOnce() + Send>;

/// A thread that can do no more than a command may.
struct Confined {
    by: Confinement,
    todo: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Starter {
    /// Begins to do something that may do what `confinement` lets it; what it gives comes back.
    ///
    /// # Errors
    /// [`StartError`] when there is no such thread.
    pub(crate) fn begin<T: Send + 'static>(
        &mut self,
        confinement: Confinement,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Receiver<T>, StartError> {
        let confined = self.confined.take_if(|confined| confined.by == confinement);
        let confined = match confined {
            Some(confined) => confined,
            None => Confined::new(confinement)?,
        };
        let (sender, given) = channel();
        // Who waits no longer needs nothing.
        confined.begin(Box::new(move || drop(sender.send(work()))));
        self.confined = Some(confined);
        Ok(given)
    }
}

impl Confined {
    fn new(by: Confinement) -> Result<Self, StartError> {
        let (todo, works) = channel::<Work>();
        let (sender, entered) = channel();
        let rules = by.clone();
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn(move || {
            let entered = rules.enter().map(drop);
            let confined = entered.is_ok();
            if sender.send(entered).is_ok() && confined {
                works.into_iter().for_each(|work| work());
            }
        });
        let thread = thread.map_err(StartError::Start)?;
        let gone = || StartError::Start(io::ErrorKind::BrokenPipe.into());
        let entered = entered.recv().map_err(|_| gone())?;
        entered.map_err(StartError::Confine)?;
        Ok(Self {
            by,
            todo: Some(todo),
            thread: Some(thread),
        })
    }

    fn begin(&self, work: Work) {
        // Where the thread is gone, the work is dropped, and nothing comes back.
        if let Some(todo) = &self.todo {
            drop(todo.send(work));
        }
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        self.todo = None;
        // It has nothing to do but to end.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What a thread needs that only starts programs.
const STACK_BYTES: usize = 256 << 10;
