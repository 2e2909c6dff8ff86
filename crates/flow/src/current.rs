//! The answer of `flow run` where nothing changed since the same was asked, before the study is
//! parsed and before anything heavy is begun.
//!
//! `flow_engine::snapshot` decides; any doubt leads to a whole run. Such an answer leaves one line and
//! no journal: that of the run it repeats tells of the same results.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flow_engine::snapshot::{self, Question};
use flow_engine::{Event, Session, Summary};
use flow_store::Repeat;
use serde_json::{Value as Json, json};

use crate::args::{Place, Run};
use crate::kept::{cache_of, changes, program};
use crate::outcome::Outcome;
use crate::progress::counted;
use crate::study::{jobs, run_name};
use crate::words::{answer, answer_json, note};

/// What was asked, as far as it decides what a run does.
pub struct Asking {
    root: PathBuf,
    study: Vec<u8>,
    words: Vec<String>,
}

impl Asking {
    /// Reads the study's bytes; `None` where a whole run has to say what is wrong.
    pub fn new(place: &Place, run: &Run) -> Option<Self> {
        // Every option is named, so that a new one can't be forgotten.
        let Run {
            targets,
            json: _,
            jobs: _,
            keep_going: _,
            dry_run: _,
            quiet: _,
        } = run;
        let targets = targets.iter().map(|target| format!("target {target}"));
        // Programs are looked for there, and they are inputs of commands.
        let path = format!("PATH {}", std::env::var("PATH").unwrap_or_default());
        Some(Self {
            root: std::path::absolute(&place.folder).ok()?,
            study: std::fs::read(place.folder.join(&place.study)).ok()?,
            words: changes(place)
                .chain(targets)
                .chain([program()?, path])
                .collect(),
        })
    }

    /// Makes ready for commands where the study has some, as far as that can be told before it is parsed.
    pub fn expect_commands(&self) {
        let word = b"\"command\"";
        if self.study.windows(word.len()).any(|part| part == word) {
            flow_engine::expect_commands(&self.root);
        }
    }

    /// Says that nothing is to be done, if that is certain.
    pub fn answer(&self, run: &Run, began: Instant) -> Option<Outcome> {
        let cache = self.root.join(cache_of(&self.study));
        let current = snapshot::current(&self.question(&cache))?;
        let repeat = Repeat {
            id: run_name(),
            of: current.run,
            cached: current.cached,
        };
        if run.json {
            replay(&cache, run, &repeat)?;
        } else {
            note(&counted([0, repeat.cached, 0, 0], began));
        }
        // A cache that can't be written to answers all the same.
        let _ = repeat.note(&cache);
        Some(Outcome::Done)
    }

    /// Remembers that after this run there is nothing to do; `also` are files that must stay.
    pub fn remember(&self, session: &Session<'_>, summary: &Summary, also: &[PathBuf]) {
        let question = self.question(session.store.folder());
        // Without it the next run takes the long way, that is all.
        let _ = snapshot::take(&question, session, summary, also);
    }

    fn question<'a>(&'a self, cache: &'a Path) -> Question<'a> {
        Question {
            cache,
            root: &self.root,
            study: &self.study,
            words: &self.words,
        }
    }
}

/// Prints the events of a run that finds everything, from the journal of the run that made it.
fn replay(cache: &Path, run: &Run, repeat: &Repeat) -> Option<()> {
    let journal = cache.join("runs").join(format!("{}.jsonl", repeat.of));
    let journal = std::fs::read_to_string(journal).ok()?;
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for line in journal.lines() {
        let mut event: Json = serde_json::from_str(line).ok()?;
        match event["event"].as_str()? {
            "run_started" => {
                event["run"] = json!(repeat.id);
                event["jobs"] = json!(jobs(run.jobs));
                lines.push(event.to_string());
            }
            "expanded" => lines.push(line.to_owned()),
            "cached" | "ran" if seen.insert(event["instance"].to_string()) => {
                let (instance, key) = (event["instance"].as_str()?, event["key"].as_str()?);
                let (instance, key) = (instance.to_owned(), key.to_owned());
                lines.push(serde_json::to_string(&Event::Cached { instance, key }).ok()?);
            }
            _ => {}
        }
    }
    if seen.len() != repeat.cached {
        return None;
    }
    lines.iter().for_each(|line| answer(line));
    let (ran, cached, failed, skipped) = (0, repeat.cached, 0, 0);
    answer_json(&Event::RunFinished {
        ran,
        cached,
        failed,
        skipped,
    });
    Some(())
}
