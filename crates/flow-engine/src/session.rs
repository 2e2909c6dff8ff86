//! What a run or a survey works with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use flow_contract::{Catalog, Kind, Labels, Value};
use flow_plan::{NodeId, Plan, Target};
use flow_store::{Store, StoreError};

use crate::address::Address;
use crate::command::COMMAND;
use crate::event::Event;

/// What a run or a survey works with. Two of them may share a store, in one process or several.
pub struct Session<'a> {
    /// The checked study.
    pub plan: &'a Plan,
    /// The kinds there are.
    pub catalog: &'a dyn Catalog,
    /// Where results are kept.
    pub store: &'a Store,
    /// The folder of the study file; relative paths start here.
    pub root: &'a Path,
    /// What to bring up to date; everything when empty.
    pub targets: &'a [Target],
    /// How many cores a run may use, at least 1.
    pub jobs: usize,
    /// Whether to go on with what doesn't depend on a failure.
    pub keep_going: bool,
    /// The run's name, for the ledger.
    pub run: &'a str,
    /// Seconds since 1970 now, asked once per record; the engine reads no clock of its own for it.
    pub now: &'a (dyn Fn() -> u64 + Sync),
    /// Set from outside to end the run early.
    pub stop: &'a AtomicBool,
}

impl Session<'_> {
    /// The kind of a node. The plan was checked against the same catalog, so it is there.
    pub(crate) fn kind(&self, node: NodeId) -> &dyn Kind {
        let name = &self.plan.node(node).kind;
        if name == COMMAND.descriptor().name {
            return &COMMAND;
        }
        self.catalog
            .kind(name)
            .expect("the plan was checked against this catalog")
    }

    /// What is told first of a run.
    pub(crate) fn began(&self) -> Event {
        let nodes = self.plan.nodes().iter();
        let swept: BTreeSet<&str> = nodes
            .flat_map(|node| node.swept.iter().map(|(param, _)| param.as_str()))
            .collect();
        Event::RunStarted {
            run: self.run.to_owned(),
            study: self.plan.name().to_owned(),
            jobs: self.jobs,
            targets: self
                .targets
                .iter()
                .map(|target| self.address(target))
                .collect(),
            swept: swept.into_iter().map(str::to_owned).collect(),
        }
    }

    fn address(&self, target: &Target) -> String {
        let labels = target.labels.iter();
        let labels = labels.map(|(axis, value)| (axis.clone(), Value::from(value.as_str())));
        let address = Address {
            node: self.plan.node(target.node).name.clone(),
            labels: Labels::new(labels.collect()),
        };
        address.to_string()
    }

    /// A path of the study file, from its folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

/// The engine can't go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A target names an instance that does not exist.
    #[error("`{target}` names no instance{}", known(.some))]
    NoSuchInstance {
        /// What was asked for.
        target: String,
        /// Some that exist.
        some: Vec<String>,
    },
}

fn known(some: &[String]) -> String {
    match some {
        [] => "; the node has none".to_owned(),
        some => format!("; some that exist: {}", some.join(", ")),
    }
}
