//! Why a result is other than the one before: link by link, down to a param or a file.
//!
//! A link compares two recipes of an instance. Where the first part that differs is an input, the
//! next link is about the instance that gave it. The ledger alone tells: an instance's recipe of then
//! is in the record that holds the digest its reader once took.

use std::collections::{HashMap, HashSet};

use flow_contract::{Difference, Digest, Key, Recipe, differences};
use flow_plan::{AxisValues, Plan};
use flow_store::{Entry, Store, StoreError};
use serde::Serialize;

use crate::event::Why;
use crate::survey::{Standing, Surveyed};

/// One instance, and why its result is, or would be, another than before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// The instance.
    pub instance: String,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
    /// How many further parts of its recipe differ.
    pub more: usize,
    /// When the result was made; nothing where there is none yet.
    pub made: Option<Made>,
}

/// When a result was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// The run that made it.
    pub run: String,
    /// When it was done, in seconds since 1970.
    pub finished_unix: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Why a result is another than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// There was none before, as far as the cache knows.
    First {
        /// How many other instances of its node have results.
        others: usize,
        /// The output whose rows or files the node's instances are, where it is another than before.
        spanned_by: Option<String>,
    },
    /// A part of its recipe that is no input: a param, the seed, the kind's revision.
    Part {
        /// Which.
        part: String,
        /// Its value before, nothing where it is new.
        old: Option<String>,
        /// Its value now, nothing where it is gone.
        new: Option<String>,
    },
    /// A file of the user's holds something else.
    File {
        /// The file as the study names it.
        file: String,
        /// The digest of what it held.
        old: String,
        /// The digest of what it holds.
        new: String,
    },
    /// An output it takes holds something else.
    Input {
        /// The output, as in `net[fold=1].weights`.
        input: String,
        /// The digest of what it held.
        old: String,
        /// The digest of what it holds.
        new: String,
    },
    /// What it takes comes from elsewhere.
    Rewired {
        /// What it takes now.
        input: String,
        /// What it took.
        old_input: String,
    },
    /// It takes one more input.
    Added {
        /// The output or file.
        input: String,
    },
    /// It takes an input less.
    Removed {
        /// The port, and where several are on it the labels.
        input: String,
    },
    /// An output of its is gone from the cache.
    Gone {
        /// The output.
        output: String,
    },
    /// Its record in the cache is damaged.
    Damaged,
    /// Something before it would run.
    DependsOn {
        /// That instance.
        on: String,
    },
    /// It would fail before it starts.
    Failing {
        /// The words.
        error: String,
    },
    /// The same recipe gave other bytes.
    Unsteady,
}

/// What the ledger remembers of every instance.
#[derive(Debug)]
pub struct History {
    /// Oldest first.
    entries: Vec<Entry>,
    by_key: HashMap<Key, usize>,
    by_instance: HashMap<String, Vec<usize>>,
    by_output: HashMap<Digest, Vec<usize>>,
}

impl History {
    /// Reads the whole ledger.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    pub fn read(store: &Store) -> Result<Self, StoreError> {
        let mut entries = Vec::new();
        store.each_entry(|entry| entries.push(entry))?;
        // Stable: within a second the order of the ledger counts.
        entries.sort_by_key(|entry| entry.finished_unix);
        let mut history = Self {
            entries: Vec::new(),
            by_key: HashMap::new(),
            by_instance: HashMap::new(),
            by_output: HashMap::new(),
        };
        for (at, entry) in entries.iter().enumerate() {
            history.by_key.insert(entry.key, at);
            let of = history.by_instance.entry(entry.instance.clone());
            of.or_default().push(at);
            for (_, digest, _) in &entry.outputs {
                history.by_output.entry(*digest).or_default().push(at);
            }
        }
        history.entries = entries;
        Ok(history)
    }

    /// The last record of an instance that is older than `than`, or the last of all.
    fn last(&self, instance: &str, than: Option<usize>) -> Option<&Entry> {
        let of = self.by_instance.get(instance)?.iter().rev();
        let at = of.copied().find(|at| than.is_none_or(|than| *at < than))?;
        self.entries.get(at)
    }

    /// The last records that gave some bytes, newest first.
    fn gave(&self, digest: &Digest) -> impl Iterator<Item = &Entry> {
        let at = self.by_output.get(digest).into_iter().flatten().rev();
        at.filter_map(|at| self.entries.get(*at))
    }

    fn has(&self, instance: &str) -> bool {
        self.by_instance.contains_key(instance)
    }
}

/// Why the instance at a position of the survey has another result than before, or would get one:
/// itself first, then what that comes from.
#[must_use]
pub fn explain(plan: &Plan, survey: &[Surveyed], history: &History, at: usize) -> Vec<Link> {
    let walk = Walk {
        plan,
        survey,
        history,
    };
    let mut chain = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(Step { at, gave: None });
    while let Some(step) = next.filter(|step| seen.insert(step.at)) {
        let (link, then) = walk.link(&step);
        chain.push(link);
        next = then;
    }
    chain
}

/// The next instance of a chain.
struct Step {
    at: usize,
    /// What it gave before, where its reader knows.
    gave: Option<Digest>,
}

struct Walk<'a> {
    plan: &'a Plan,
    survey: &'a [Surveyed],
    history: &'a History,
}

impl Walk<'_> {
    fn link(&self, step: &Step) -> (Link, Option<Step>) {
        let one = &self.survey[step.at];
        let instance = one.address.to_string();
        let now = one.recipe.as_ref();
        let record = now.and_then(|(key, _)| self.history.by_key.get(key).copied());
        let is_current = matches!(one.standing, Standing::Current { .. });
        let before = match step.gave {
            Some(digest) => {
                let mut gave = self.history.gave(&digest);
                gave.find(|entry| entry.instance == instance)
            }
            None => self.history.last(&instance, record.filter(|_| is_current)),
        };
        let (reason, more, next) = match (&one.standing, now, before) {
            (Standing::DependsOn(on), ..) => self.depends(on),
            (Standing::Failing(error), ..) => (failing(error), 0, None),
            (Standing::Stale(Why::Gone { output }), ..) => (gone(output), 0, None),
            (Standing::Stale(Why::Damaged), ..) => (Reason::Damaged, 0, None),
            (_, Some((_, new)), Some(before)) => self.compared(one, &before.recipe, new),
            _ => self.first(one),
        };
        let made = record.filter(|_| is_current);
        let made = made
            .and_then(|at| self.history.entries.get(at))
            .map(made_of);
        let link = Link {
            instance,
            reason,
            more,
            made,
        };
        (link, next)
    }

    fn depends(&self, on: &str) -> (Reason, usize, Option<Step>) {
        let mut all = self.survey.iter();
        let at = all.position(|one| one.address.to_string() == on);
        let on = on.to_owned();
        (
            Reason::DependsOn { on },
            0,
            at.map(|at| Step { at, gave: None }),
        )
    }

    /// Without a record of before: new, because what spans its node's axes changed, or new altogether.
    fn first(&self, one: &Surveyed) -> (Reason, usize, Option<Step>) {
        let node = &one.address.node;
        let others = self.survey.iter().filter(|other| {
            other.address.node == *node
                && other.address != one.address
                && self.history.has(&other.address.to_string())
        });
        let others = others.count();
        let table = self.spanning_table(node).filter(|_| others > 0);
        let (spanned_by, next) = match table {
            Some((name, at)) => (Some(name), Some(Step { at, gave: None })),
            None => (None, None),
        };
        (Reason::First { others, spanned_by }, 0, next)
    }

    /// The output that spans an axis of a node and is another than before, and who gave it.
    fn spanning_table(&self, node: &str) -> Option<(String, usize)> {
        let node = self.plan.node(self.plan.by_name(node)?);
        node.axes.iter().find_map(|axis| {
            let AxisValues::Rows { node, output } = &axis.values else {
                return None;
            };
            let name = &self.plan.node(*node).name;
            let mut all = self.survey.iter();
            let at = all.position(|one| one.address.node == *name)?;
            let (key, _) = self.survey[at].recipe.as_ref()?;
            let record = self.history.by_key.get(key).copied();
            let before = self.history.last(name, record);
            before.map(|_| (format!("{name}.{output}"), at))
        })
    }

    fn compared(
        &self,
        one: &Surveyed,
        old: &Recipe,
        new: &Recipe,
    ) -> (Reason, usize, Option<Step>) {
        let all = differences(old, new);
        let Some(first) = all.first() else {
            return (Reason::Unsteady, 0, None);
        };
        let places = new.input_places();
        let input = places.iter().position(|place| is_of(&first.part, place));
        let (reason, next) = match input {
            Some(input) => self.moved(one, input, first),
            None => (left_or_part(first, old), None),
        };
        let same = |part: &str| match input {
            Some(input) => is_of(part, &places[input]),
            None => part == first.part,
        };
        let more = all.iter().filter(|one| !same(&one.part)).count();
        (reason, more, next)
    }

    /// An input that holds something else, or is new.
    fn moved(&self, one: &Surveyed, at: usize, part: &Difference) -> (Reason, Option<Step>) {
        let Some(taken) = one.inputs.get(at) else {
            return (part_of(part), None);
        };
        let input = taken.name.clone();
        let (Some(old), Some(new)) = (part.old.clone(), part.new.clone()) else {
            let next = taken.by.map(|at| Step { at, gave: None });
            return (Reason::Added { input }, next);
        };
        let Some(at) = taken.by else {
            let file = input;
            return (Reason::File { file, old, new }, None);
        };
        let gave: Option<Digest> = old.parse().ok();
        let makers = gave.iter().flat_map(|digest| self.history.gave(digest));
        let makers: Vec<&str> = makers.map(|entry| entry.instance.as_str()).collect();
        let by = self.survey[at].address.to_string();
        let own = makers.contains(&by.as_str());
        match makers.first().filter(|_| !own) {
            Some(other) => {
                let old_input = (*other).to_owned();
                (Reason::Rewired { input, old_input }, None)
            }
            None => {
                let gave = gave.filter(|_| own);
                (Reason::Input { input, old, new }, Some(Step { at, gave }))
            }
        }
    }
}

/// Whether a part of a recipe is an input's place or below it.
fn is_of(part: &str, place: &str) -> bool {
    let below = part.strip_prefix(place);
    below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

fn left_or_part(part: &Difference, old: &Recipe) -> Reason {
    let places = old.input_places();
    let left = places.iter().find(|place| is_of(&part.part, place));
    match left {
        Some(place) => Reason::Removed {
            input: place.trim_start_matches("inputs.").to_owned(),
        },
        None => part_of(part),
    }
}

fn part_of(part: &Difference) -> Reason {
    let Difference { part, old, new } = part.clone();
    Reason::Part { part, old, new }
}

fn failing(error: &str) -> Reason {
    let error = error.to_owned();
    Reason::Failing { error }
}

fn gone(output: &str) -> Reason {
    let output = output.to_owned();
    Reason::Gone { output }
}

fn made_of(entry: &Entry) -> Made {
    Made {
        run: entry.run.clone(),
        finished_unix: entry.finished_unix,
        seconds: entry.seconds,
    }
}
