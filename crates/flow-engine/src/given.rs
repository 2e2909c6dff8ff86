//! What an instance gave.

use std::sync::Arc;

use flow_contract::Digest;
use flow_store::Made;

/// What an instance put on its ports: port name, digest, size in bytes.
pub type Outputs = Arc<[(String, Digest, u64)]>;

/// A result, and where it is from.
#[derive(Clone, Debug)]
pub struct Given {
    /// Port, digest and size of each output.
    pub outputs: Outputs,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The run that made it, where that is not this one.
    pub since: Option<Since>,
}

/// The run that made a result which was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// Its name, as in the journal.
    pub run: String,
    /// When the result was there, in seconds since 1970.
    pub finished_unix: u64,
}

impl Given {
    /// Whether this run made it.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.since.is_none()
    }
}

impl From<Made> for Given {
    fn from(made: Made) -> Self {
        Self {
            outputs: made.outputs.into(),
            seconds: made.seconds,
            since: Some(Since {
                run: made.run,
                finished_unix: made.finished_unix,
            }),
        }
    }
}
