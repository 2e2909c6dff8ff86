//! How the command ends: exit codes and refusals in words.

use crate::words;

/// How the command ended; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for is done.
    Done = 0,
    /// A node failed.
    NodeFailed = 1,
    /// The study or the command line is wrong.
    Wrong = 2,
    /// The cache is damaged and could not be mended.
    Damaged = 3,
    /// A bug in flow.
    Bug = 101,
}

/// Why the command can't be carried out, in words.
#[derive(Debug)]
pub struct Refusal {
    outcome: Outcome,
    words: String,
}

impl Refusal {
    /// The study or the command line is wrong.
    pub fn wrong(words: impl ToString) -> Self {
        Self {
            outcome: Outcome::Wrong,
            words: words.to_string(),
        }
    }

    /// Something outside the study failed: a disk, a lock, a permission.
    pub fn failed(words: impl ToString) -> Self {
        Self {
            outcome: Outcome::NodeFailed,
            words: words.to_string(),
        }
    }

    /// Says the words and gives the exit code.
    pub fn tell(self) -> Outcome {
        let text = self.words.trim_end();
        // Problems of a study file come rendered; anything else is one sentence.
        if text.starts_with("error") {
            words::error(text)
        } else {
            words::error(&format!("error: {text}"))
        }
        self.outcome
    }
}

impl From<flow_store::StoreError> for Refusal {
    fn from(error: flow_store::StoreError) -> Self {
        match error.help() {
            Some(help) => Self::failed(format!("{error}\n  help: {help}")),
            None => Self::failed(error),
        }
    }
}

impl From<flow_engine::EngineError> for Refusal {
    fn from(error: flow_engine::EngineError) -> Self {
        match error {
            flow_engine::EngineError::NoSuchInstance { .. } => Self::wrong(error),
            flow_engine::EngineError::Store(error) => error.into(),
        }
    }
}
