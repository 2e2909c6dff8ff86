//! Which two runs are compared: what each was asked for, and what became of its instances.

use std::collections::BTreeMap;

use flow_contract::{Digest, Key};
use flow_store::{RunFile, Store};
use serde_json::{Value as Json, json};

use crate::args::Diff;
use crate::log::{began, date, events};
use crate::outcome::Refusal;

/// A run by its journal.
pub struct Run {
    id: String,
    study: Json,
    targets: Vec<String>,
    swept: Vec<String>,
    /// Whether it came to its end.
    ended: bool,
    /// What became of each instance, by address.
    pub ends: BTreeMap<String, End>,
}

/// What became of an instance.
pub enum End {
    /// Its result is that of a recipe.
    Made(Key),
    /// There is none, because of this: `failed`, `skipped`.
    Unmade(String),
}

/// The runs that are meant, the earlier first. Without names: the last that came to its end, and the last before it that
/// was asked for the same or for everything.
///
/// # Errors
/// A name of no run; no two runs to choose.
pub fn chosen(store: &Store, ask: &Diff) -> Result<(Run, Run), Refusal> {
    let mut runs = store.runs()?;
    let too_few = || Refusal::wrong("there are no two runs to compare yet");
    let new = match &ask.new {
        Some(id) => named(store, &runs, id)?,
        None => last(&mut runs, |_| true).ok_or_else(too_few)?,
    };
    if let Some(id) = &ask.old {
        return Ok((named(store, &store.runs()?, id)?, new));
    }
    if runs.is_empty() {
        return Err(too_few());
    }
    let old = last(&mut runs, |old| new.is_within(old)).ok_or_else(|| {
        Refusal::wrong(format!(
            "no run before {}, the last, was asked for {}\n  help: `flow log` lists the runs; name two: `flow diff RUN RUN`",
            new.id,
            new.asked()
        ))
    })?;
    Ok((old, new))
}

/// Takes the last run that came to its end and that is wanted, with those after it, off a list.
fn last(runs: &mut Vec<RunFile>, wanted: impl Fn(&Run) -> bool) -> Option<Run> {
    while let Some(file) = runs.pop() {
        if file.is_running() {
            continue;
        }
        let run = Run::read(&file);
        if run.ended && wanted(&run) {
            return Some(run);
        }
    }
    None
}

/// The run of a name; where that found nothing to do, the one whose results it found.
fn named(store: &Store, runs: &[RunFile], id: &str) -> Result<Run, Refusal> {
    let repeats = store.repeats()?;
    let repeat = repeats.into_iter().find(|run| run.id == id);
    let whole = repeat.map_or_else(|| id.to_owned(), |run| run.of);
    let file = runs.iter().find(|run| run.id == whole);
    file.map(Run::read).ok_or_else(|| {
        Refusal::wrong(format!(
            "there is no run `{id}`\n  help: `flow log` lists the runs"
        ))
    })
}

impl Run {
    fn read(file: &RunFile) -> Self {
        let mut run = Self {
            id: file.id.clone(),
            study: Json::Null,
            targets: Vec::new(),
            swept: Vec::new(),
            ended: false,
            ends: BTreeMap::new(),
        };
        events(file).iter().for_each(|event| run.hear(event));
        run
    }

    fn hear(&mut self, event: &Json) {
        let name = event["event"].as_str().unwrap_or_default();
        let end = match name {
            "run_started" => {
                self.study = event["study"].clone();
                self.targets = texts(&event["targets"]);
                self.swept = texts(&event["swept"]);
                return;
            }
            "run_finished" => {
                self.ended = true;
                return;
            }
            "ran" | "cached" => event["key"]
                .as_str()
                .and_then(|key| Some(End::Made(Key(key.parse::<Digest>().ok()?)))),
            "failed" | "skipped" => Some(End::Unmade(name.to_owned())),
            _ => None,
        };
        if let (Some(instance), Some(end)) = (event["instance"].as_str(), end) {
            self.ends.insert(instance.to_owned(), end);
        }
    }

    /// Whether another run was asked for all that this one was, of the same study.
    fn is_within(&self, other: &Self) -> bool {
        let all = other.targets.is_empty() || other.targets == self.targets;
        all && self.study == other.study && self.swept == other.swept
    }

    /// Whether another run was asked for things that this one was not.
    pub fn leaves_out_of(&self, other: &Self) -> bool {
        !self.targets.is_empty() && self.targets != other.targets
    }

    /// When it began, and what it was asked for.
    pub fn words(&self) -> String {
        let when = date(began(&self.id).as_secs());
        format!("{} of {when}, asked for {}", self.id, self.asked())
    }

    fn asked(&self) -> String {
        let targets: Vec<String> = self
            .targets
            .iter()
            .map(|target| format!("`{target}`"))
            .collect();
        let targets = match targets.is_empty() {
            true => "everything".to_owned(),
            false => targets.join(", "),
        };
        match self.swept.is_empty() {
            true => targets,
            false => format!("{targets} over {}", self.swept.join(", ")),
        }
    }

    /// The same as JSON.
    pub fn as_json(&self) -> Json {
        json!({"run": self.id, "targets": self.targets, "swept": self.swept})
    }
}

fn texts(list: &Json) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .filter_map(|text| Some(text.as_str()?.to_owned()))
        .collect()
}
