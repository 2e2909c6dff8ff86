//! Starts commands from a thread that is confined as they are.
//!
//! What a thread starts inherits what confines it, and a thread can't shed that. As long as commands may
//! do the same, one thread starts them all; the first that may do something else gets a new one.

use std::io;
use std::process::{Child, Command};
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

struct Confined {
    by: Confinement,
    orders: Option<Sender<Command>>,
    started: Receiver<Result<Child, StartError>>,
    thread: Option<JoinHandle<()>>,
}

impl Starter {
    /// Starts a command that may do what `confinement` lets it.
    pub(crate) fn start(
        &mut self,
        command: Command,
        confinement: Confinement,
    ) -> Result<Child, StartError> {
        let confined = self.confined.take_if(|confined| confined.by == confinement);
        let confined = match confined {
            Some(confined) => confined,
            None => Confined::new(confinement).map_err(StartError::Start)?,
        };
        let started = confined.start(command);
        if started.is_ok() {
            self.confined = Some(confined);
        }
        started
    }
}

impl Confined {
    fn new(by: Confinement) -> io::Result<Self> {
        let (orders, todo) = channel::<Command>();
        let (sender, started) = channel();
        let rules = by.clone();
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn(move || {
            let mut entered = rules.enter().map(drop).map_err(StartError::Confine);
            for mut command in todo {
                let confined = std::mem::replace(&mut entered, Ok(()));
                let child = confined.and_then(|()| command.spawn().map_err(StartError::Start));
                if sender.send(child).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            by,
            orders: Some(orders),
            started,
            thread: Some(thread),
        })
    }

    fn start(&self, command: Command) -> Result<Child, StartError> {
        // Where the thread is gone, nothing comes back.
        if let Some(orders) = &self.orders {
            let _ = orders.send(command);
        }
        let gone = |_| Err(StartError::Start(io::ErrorKind::BrokenPipe.into()));
        self.started.recv().unwrap_or_else(gone)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        self.orders = None;
        // It has nothing to do but to end.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What a thread needs that only starts programs.
const STACK_BYTES: usize = 256 << 10;
