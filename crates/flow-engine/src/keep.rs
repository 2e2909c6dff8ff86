//! What a node gave, into the store: its outputs, or what it said before it failed.

use std::collections::BTreeMap;

use flow_contract::{Digest, NodeError, Produced};
use flow_store::Store;

use crate::command::paths_of_outputs;
use crate::crew::{Job, Verdict};
use crate::form::{self, Wants};
use crate::session::Session;

/// Stores every output of a job that is done.
pub(crate) fn keep(
    session: &Session<'_>,
    job: &Job<'_>,
    mut produced: BTreeMap<String, Produced>,
) -> Result<Vec<(String, Digest, u64)>, Verdict> {
    let store = session.store;
    let paths = match job.foreign {
        true => paths_of_outputs(&job.prepared.params),
        false => BTreeMap::new(),
    };
    let mut kept = Vec::with_capacity(job.outputs.len());
    for (output, wants) in given_names(job, &produced) {
        let what = || format!("`{}` gave nothing on its port `{output}`", job.address);
        let given = produced
            .remove(&output)
            .ok_or_else(|| Verdict::Failed(NodeError::new(what())))?;
        if job.foreign {
            // One of many is named by its path below the port.
            let path = paths.get(&output).map_or(output.as_str(), String::as_str);
            let named = (output.as_str(), path);
            form::check(session.catalog, wants, &given, named).map_err(Verdict::Failed)?;
        }
        let (digest, size) = match given {
            Produced::Bytes(bytes) => (
                store.put_bytes(&bytes).map_err(Verdict::Broken)?,
                bytes.len() as u64,
            ),
            Produced::Staged(path) if path.is_file() => {
                store.put_file(&path).map_err(Verdict::Broken)?
            }
            Produced::Staged(_) => return Err(Verdict::Failed(NodeError::new(what()))),
        };
        kept.push((output, digest, size));
    }
    Ok(kept)
}

/// The outputs to keep: a port of many stands for all that were given below its name.
fn given_names(job: &Job<'_>, produced: &BTreeMap<String, Produced>) -> Vec<(String, Wants)> {
    let mut names = Vec::with_capacity(job.outputs.len());
    for wanted in &job.outputs {
        if wanted.many {
            let below = format!("{}/", wanted.port);
            let given = produced.keys().filter(|name| name.starts_with(&below));
            names.extend(given.map(|name| (name.clone(), wanted.wants)));
        } else {
            names.push((wanted.port.clone(), wanted.wants));
        }
    }
    names
}

/// Keeps what a node said before it failed.
pub(crate) fn with_words(
    store: &Store,
    failure: Verdict,
    given: BTreeMap<String, Produced>,
) -> Verdict {
    let Verdict::Failed(mut error) = failure else {
        return failure;
    };
    for (name, given) in given {
        // Words that can't be kept are no reason to hide the failure itself.
        if let (true, Produced::Bytes(bytes)) = (["stdout", "stderr"].contains(&&*name), given)
            && let Ok(digest) = store.put_bytes(&bytes)
        {
            error.said.push((name, digest));
        }
    }
    Verdict::Failed(error)
}
