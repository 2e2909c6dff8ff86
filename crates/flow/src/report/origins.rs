//! Why results that were found in the cache were computed when they were: the run that made them said so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use flow_engine::{Finished, Summary, Why};
use flow_store::Store;
use rayon::prelude::*;
use serde::Deserialize;

use crate::log::date;

/// Why the cached results of a run were computed, by the run that did and by key as text; nothing of those whose
/// journal is gone, as it is for results from a shared cache.
#[derive(Default)]
pub struct Origins(HashMap<String, HashMap<String, Why>>);

impl Origins {
    /// Looks up the cached results of a run; each journal is read once.
    pub fn new(store: &Store, summary: &Summary) -> Self {
        let mut origins = Self::default();
        for since in summary
            .finished
            .iter()
            .filter_map(|done| done.given.since.as_ref())
        {
            if !origins.0.contains_key(&since.run) {
                let reasons = reasons(&store.run_path(&since.run));
                origins.0.insert(since.run.clone(), reasons);
            }
        }
        origins
    }

    /// Why an instance ran, in this run or in the one that its result is cached since; `key` is its key as text.
    pub fn why<'o>(
        &'o self,
        done: &Finished,
        key: &str,
        last: &mut Option<LastWords<'o>>,
    ) -> Option<Arc<str>> {
        if let Some(why) = &done.why {
            return Some(why.to_string().into());
        }
        let since = done.given.since.as_ref()?;
        let why = self.0.get(&since.run).and_then(|reasons| reasons.get(key));
        let of = (since.finished_unix, why);
        let known = last.as_ref().filter(|last| last.of == of);
        let words = known.map_or_else(|| cached_since(of), |last| Arc::clone(&last.words));
        let said = Arc::clone(&words);
        *last = Some(LastWords { of, words });
        Some(said)
    }
}

/// The last words on a cached result: those on the next are often the same.
pub struct LastWords<'o> {
    /// When it was made, and why.
    of: (u64, Option<&'o Why>),
    words: Arc<str>,
}

fn cached_since((unix, why): (u64, Option<&Why>)) -> Arc<str> {
    let since = date(unix);
    let words = match why {
        Some(why) => format!("cached since {since} (then: {why})"),
        None => format!("cached since {since}"),
    };
    words.into()
}

/// A line of a journal on the start of an instance; of the others nothing is read.
#[derive(Deserialize)]
struct Started {
    key: String,
    why: Why,
}

/// The reasons in a run's journal, by key. A damaged byte costs its line only, because lines are read as bytes.
fn reasons(journal: &Path) -> HashMap<String, Why> {
    let bytes = std::fs::read(journal).unwrap_or_default();
    let lines = bytes.par_split(|byte| *byte == b'\n');
    let started = lines.filter(|line| line.starts_with(STARTED));
    let reason = |line: &[u8]| {
        let Started { key, why } = serde_json::from_slice(line).ok()?;
        Some((key, why))
    };
    started.filter_map(reason).collect()
}

/// How such a line begins.
const STARTED: &[u8] = br#"{"event":"started","#;

#[cfg(test)]
mod tests {
    use flow_contract::{Digest, Key, Labels};
    use flow_engine::{Address, Given, Since};

    use super::*;

    #[test]
    fn a_journal_tells_why_each_key_was_computed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1-a.jsonl");
        let lines = [
            r#"{"event":"run_started","run":"1-a","study":"s","jobs":1}"#,
            r#"{"event":"started","instance":"a","key":"k1","why":{"reason":"new"}}"#,
            r#"{"event":"started","instance":"b","key":"k2","why":{"reason":"changed","part":"params.x","old":"1","new":"2"}}"#,
            r#"{"event":"started","instance":"c","key":"?","why":{"reason":"new"}}"#,
            r#"{"event":"started","inst"#,
        ];
        let mut bytes = lines.join("\n").into_bytes();
        let damaged = bytes.iter().position(|byte| *byte == b'?').unwrap();
        bytes[damaged] = 0xff;
        std::fs::write(&path, bytes).unwrap();
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

    #[test]
    fn each_cached_result_has_words_of_its_own() {
        let cached = |name: &[u8], finished_unix: u64| Finished {
            address: Address {
                node: "a".to_owned(),
                labels: Labels::default(),
            },
            key: Key(Digest::of(name)),
            given: Given {
                outputs: [].into(),
                seconds: 0.0,
                since: Some(Since {
                    run: "1-a".to_owned(),
                    finished_unix,
                }),
            },
            why: None,
        };
        let all = [
            cached(b"1", 0),
            cached(b"2", 0),
            cached(b"3", 0),
            cached(b"1", 60),
        ];
        let key = |done: &Finished| done.key.to_string();
        let reasons = HashMap::from([(key(&all[0]), Why::New), (key(&all[1]), Why::Damaged)]);
        let origins = Origins(HashMap::from([("1-a".to_owned(), reasons)]));
        let mut last = None;
        let words = all.each_ref().map(|done| {
            let words = origins.why(done, &key(done), &mut last).unwrap();
            assert_eq!(
                origins.why(done, &key(done), &mut last),
                Some(Arc::clone(&words))
            );
            words
                .strip_prefix("cached since 1970-01-01 00:0")
                .unwrap()
                .to_owned()
        });
        assert_eq!(
            words,
            [
                "0:00 UTC (then: it never ran here)",
                "0:00 UTC (then: its record in the cache is damaged)",
                "0:00 UTC",
                "1:00 UTC (then: it never ran here)"
            ]
        );
    }
}
