//! Why results that were found in the cache were computed when they were: the run that made them said so.

use std::collections::HashMap;
use std::path::Path;

use flow_contract::Key;
use flow_engine::{Finished, Summary, Why};
use flow_store::Store;
use rayon::prelude::*;
use serde::Deserialize;

use crate::log::date;

/// Why the cached results of a run were computed, by key; nothing of those whose journal is gone, as it is for
/// results from a shared cache.
#[derive(Default)]
pub struct Origins(HashMap<Key, Why>);

impl Origins {
    /// Looks up the cached results of a run; each journal is read once.
    pub fn new(store: &Store, summary: &Summary) -> Self {
        let mut keys_of: HashMap<&str, Vec<Key>> = HashMap::new();
        for done in &summary.finished {
            if let Some(since) = &done.given.since {
                keys_of.entry(&since.run).or_default().push(done.key);
            }
        }
        let mut origins = Self::default();
        for (run, keys) in keys_of {
            let mut reasons = reasons(&store.run_path(run));
            for key in keys {
                if let Some(why) = reasons.remove(&key.to_string()) {
                    origins.0.insert(key, why);
                }
            }
        }
        origins
    }

    /// Why an instance ran, in this run or in the one that its result is cached since.
    pub fn why(&self, done: &Finished) -> Option<String> {
        if let Some(why) = &done.why {
            return Some(why.to_string());
        }
        let since = date(done.given.since.as_ref()?.finished_unix);
        Some(match self.0.get(&done.key) {
            Some(why) => format!("cached since {since} (then: {why})"),
            None => format!("cached since {since}"),
        })
    }
}

/// A line of a journal on the start of an instance; of the others nothing is read.
#[derive(Deserialize)]
struct Started {
    key: String,
    why: Why,
}

/// The reasons in a run's journal, by key.
fn reasons(journal: &Path) -> HashMap<String, Why> {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    let started = text.par_lines().filter(|line| line.starts_with(STARTED));
    let reason = |line: &str| {
        let Started { key, why } = serde_json::from_str(line).ok()?;
        Some((key, why))
    };
    started.filter_map(reason).collect()
}

/// How such a line begins.
const STARTED: &str = r#"{"event":"started","#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_tells_why_each_key_was_computed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1-a.jsonl");
        let lines = [
            r#"{"event":"run_started","run":"1-a","study":"s","jobs":1}"#,
            r#"{"event":"started","instance":"a","key":"k1","why":{"reason":"new"}}"#,
            r#"{"event":"started","instance":"b","key":"k2","why":{"reason":"changed","part":"params.x","old":"1","new":"2"}}"#,
            r#"{"event":"started","inst"#,
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let mut told: Vec<String> = reasons(&path)
            .into_iter()
            .map(|(key, why)| format!("{key}: {why}"))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            ["k1: it never ran here", "k2: `params.x` was 1 and is 2"]
        );
    }
}
