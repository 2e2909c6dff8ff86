//! Why results that were found in the cache were computed when they were: the run that made them said so.

use std::collections::{BTreeMap, HashMap};

use flow_contract::Key;
use flow_engine::{Finished, Summary, Why};
use flow_store::{RunFile, Store};
use serde::Deserialize;

use crate::log::date;

/// Where the cached results of a run come from, by key.
#[derive(Default)]
pub struct Origins(HashMap<Key, Origin>);

/// The run that made a result.
struct Origin {
    finished_unix: u64,
    /// What its journal says; `None` where that is gone, as for results from a shared cache.
    why: Option<Why>,
}

impl Origins {
    /// Looks up the cached results of a run; each journal is read once.
    pub fn new(store: &Store, summary: &Summary) -> Self {
        let mut origins = Self::default();
        let mut keys_of: HashMap<String, Vec<Key>> = HashMap::new();
        for done in summary.finished.iter().filter(|done| !done.ran) {
            let Some(made) = store.made(&done.key) else {
                continue;
            };
            let origin = Origin {
                finished_unix: made.finished_unix,
                why: None,
            };
            keys_of.entry(made.run).or_default().push(done.key);
            origins.0.insert(done.key, origin);
        }
        for run in store.runs().unwrap_or_default() {
            if let Some(keys) = keys_of.get(&run.id) {
                let mut reasons = reasons(&run);
                for key in keys {
                    if let Some(origin) = origins.0.get_mut(key) {
                        origin.why = reasons.remove(&key.to_string());
                    }
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
        let origin = self.0.get(&done.key)?;
        let since = format!("cached since {}", date(origin.finished_unix));
        Some(match &origin.why {
            Some(why) => format!("{since} (then: {why})"),
            None => since,
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
fn reasons(run: &RunFile) -> BTreeMap<String, Why> {
    let text = std::fs::read_to_string(&run.path).unwrap_or_default();
    let started = text.lines().filter(|line| line.starts_with(STARTED));
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
        let run = RunFile {
            id: "1-a".to_owned(),
            path,
            running: false,
        };
        let told: Vec<String> = reasons(&run)
            .into_iter()
            .map(|(key, why)| format!("{key}: {why}"))
            .collect();
        assert_eq!(
            told,
            ["k1: it never ran here", "k2: `params.x` was 1 and is 2"]
        );
    }
}
