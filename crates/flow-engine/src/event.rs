//! What happens in a run, as one enum that progress, the `--json` stream, the journal, the report
//! and the tests all read.

use std::collections::BTreeMap;

use flow_contract::{Difference, NodeError};
use serde::{Deserialize, Serialize};

/// One thing that happened. As JSON: an object whose `event` is the name in snake case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// The run's name.
        run: String,
        /// The study's name.
        study: String,
        /// How many cores it may use.
        jobs: usize,
        /// The addresses it was asked for; none where that was everything.
        targets: Vec<String>,
        /// The params that were swept.
        swept: Vec<String>,
    },
    /// A node's instances became known.
    Expanded {
        /// The node.
        node: String,
        /// How many instances it has.
        instances: usize,
    },
    /// An instance's result was in the store already.
    Cached {
        /// The instance's address.
        instance: String,
        /// Its key.
        key: String,
    },
    /// An instance began to run.
    Started {
        /// The instance's address.
        instance: String,
        /// Its key.
        key: String,
        /// Why it runs.
        why: Why,
    },
    /// An instance waits for another run that computes the same key.
    Waiting {
        /// The instance's address.
        instance: String,
        /// The process that computes it, as far as it is known.
        pid: Option<u32>,
    },
    /// An instance got further.
    Progress {
        /// The instance's address.
        instance: String,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
        /// A short note.
        note: String,
        /// Seconds the other steps will take at the pace so far, once there is a pace.
        seconds_left: Option<f64>,
    },
    /// An instance said something the user should know.
    Warned {
        /// The instance's address.
        instance: String,
        /// The words.
        words: String,
    },
    /// An instance ran and is recorded.
    Ran {
        /// The instance's address.
        instance: String,
        /// Its key.
        key: String,
        /// How long it ran.
        seconds: f64,
    },
    /// An instance failed.
    Failed {
        /// The instance's address.
        instance: String,
        /// What, where, why, and how to mend it.
        error: ErrorWords,
    },
    /// An instance was not run.
    Skipped {
        /// The instance's address, or the node's name where its instances never became known.
        instance: String,
        /// The instance that failed before it.
        because: String,
    },
    /// A stored blob was damaged, set aside, and is computed again.
    Damaged {
        /// The instance whose output it was.
        instance: String,
        /// The blob's digest.
        digest: String,
    },
    /// A file below the reports folder was written.
    Published {
        /// The instance it comes from.
        instance: String,
        /// The file.
        path: String,
    },
    /// The run ended.
    RunFinished {
        /// Instances that ran.
        ran: usize,
        /// Instances found in the store.
        cached: usize,
        /// Instances that failed.
        failed: usize,
        /// Instances not run because something before them failed.
        skipped: usize,
    },
}

/// The parts of a [`NodeError`], serialisable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorWords {
    /// What went wrong.
    pub what: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The digests of what it said before it failed, by name: `stdout`, `stderr`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, String>,
}

impl From<&NodeError> for ErrorWords {
    fn from(error: &NodeError) -> Self {
        let NodeError {
            what,
            place,
            why,
            help,
            said,
        } = error.clone();
        let said = said.into_iter();
        Self {
            what,
            place,
            why,
            help,
            said: said.map(|(name, at)| (name, at.to_string())).collect(),
        }
    }
}

/// Why an instance's result is not at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Why {
    /// It never ran in this cache.
    New,
    /// Its recipe differs from the last one; the first part that does.
    Changed(Difference),
    /// Its recipe is known but an output is gone from the store.
    Gone {
        /// The output that is gone.
        output: String,
    },
    /// It has a record in the ledger, and that is damaged.
    Damaged,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::New => f.write_str("it never ran here"),
            Self::Damaged => f.write_str("its record in the cache is damaged"),
            Self::Gone { output } => write!(f, "its output `{output}` is gone from the cache"),
            Self::Changed(Difference { part, old, new }) => {
                let value = |value: &Option<String>| {
                    value
                        .as_deref()
                        .map_or_else(|| "nothing".to_owned(), shortened)
                };
                write!(f, "`{part}` was {} and is {}", value(old), value(new))
            }
        }
    }
}

/// Digests are cut to eight digits: more says nothing to a reader.
fn shortened(value: &str) -> String {
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        format!("{}…", &value[..8])
    } else {
        value.to_owned()
    }
}

/// Hears events as they happen.
pub trait Listener {
    /// Something happened.
    fn hear(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> Listener for F {
    fn hear(&mut self, event: &Event) {
        self(event);
    }
}
