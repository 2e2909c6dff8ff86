//! The checked study.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use flow_contract::{Arity, Params, Signature, Value};
use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::{Combine, Point, ScopeError, Span, Template};

/// A study that can run: typed, acyclic, every name resolved.
///
/// Invariant: valid by construction; [`plan`](crate::plan) is the only constructor, and [`Plan::kept`] reads
/// back what it made. Guard: `tests/problems.rs`.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) head: Head,
    pub(crate) params: BTreeMap<String, Value>,
    pub(crate) pools: BTreeMap<String, u32>,
    pub(crate) nodes: Vec<Node>,
    /// Made when a name is first asked for.
    pub(crate) names: OnceLock<HashMap<String, NodeId>>,
    pub(crate) graph: Graph,
    pub(crate) report: Option<Report>,
}

/// `[study]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub name: String,
    pub description: Option<String>,
    pub notice: Option<String>,
    pub seed: u64,
    pub cache: PathBuf,
    pub reports: PathBuf,
}

/// A node of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Its position in [`Plan::nodes`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A named step, checked against its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// The name in the study, and where a sweep doubled it the values it stands at: `net[batch=32]`.
    pub name: String,
    /// The swept params that it, or anything before it, depends on, each with its value as
    /// `--set` takes it.
    pub swept: Vec<(String, String)>,
    /// The kind's name.
    pub kind: String,
    /// Its ports; nodes may share them.
    #[serde(skip, default = "no_ports")]
    pub signature: Arc<Signature>,
    /// Its outputs that are any number of files; see [`Node::gives_many`].
    pub many: Vec<String>,
    /// Its outputs that say no type, so that the end of the file's name tells what it must be.
    pub untyped: Vec<String>,
    /// Its params; see [`Node::params_at`].
    #[serde(skip)]
    pub(crate) told: Told,
    /// What is connected, in the order of the ports; a port with nothing is left out.
    pub bindings: Vec<Binding>,
    /// The axes of `for_each`, in the order of the file.
    pub axes: Vec<Axis>,
    /// How the axes combine.
    pub combine: Combine,
    /// The seed, for kinds that are seeded; see [`Node::seed_at`].
    pub seed: Option<Template>,
    /// Where outputs are published.
    pub publish: Vec<Publish>,
    /// What an instance may use.
    pub resources: Resources,
    /// How often a failed instance is tried again.
    pub retries: u32,
    /// How long an instance may take.
    pub timeout: Option<Duration>,
    /// Whether its outputs stay when the cache is cleaned; without them what was made from them is
    /// current all the same.
    pub keep: bool,
    /// The place of its name in the file.
    pub span: Span,
}

/// The params of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// All, with defaults: no axis changes them.
    Settled(Arc<Params>),
    /// Those that are given, for [`Node::params_at`] to fill in at each point.
    PerPoint(BTreeMap<String, Template>),
}

/// In place of what a node that is read back is told, until [`Plan::kept`] puts it there.
impl Default for Told {
    fn default() -> Self {
        Self::PerPoint(BTreeMap::new())
    }
}

/// In place of the ports of a node that is read back, as well.
fn no_ports() -> Arc<Signature> {
    static NONE: LazyLock<Arc<Signature>> = LazyLock::new(|| {
        Arc::new(Signature {
            inputs: Vec::new(),
            outputs: Vec::new(),
        })
    });
    Arc::clone(&NONE)
}

/// What is connected to a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The input port.
    pub port: String,
    /// How many artifacts the port takes.
    pub arity: Arity,
    /// Where they come from, in the order of the file; never empty.
    pub sources: Vec<Source>,
}

/// Where artifacts come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// An output of another node: of those instances that agree with the reader on every axis
    /// both have, and that have the values of `select`.
    Output {
        /// The node.
        node: NodeId,
        /// The output port.
        output: String,
        /// Values on axes of that node; equal where they read the same.
        select: Vec<(String, Template)>,
    },
    /// A file by its path.
    File(Template),
    /// All files that a pattern matches.
    Files(Template),
}

/// A dimension along which a node has instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub values: AxisValues,
}

/// Where the values of an axis come from; two axes are the same if name and values are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AxisValues {
    /// Written in the study: scalars, or maps that are rows with a column named like the axis.
    Listed(Vec<Value>),
    /// The rows of a table, each named by its column that is named like the axis.
    Rows {
        /// The node that makes the table; it has no axes.
        node: NodeId,
        /// The output port.
        output: String,
    },
    /// The files that a pattern matches, sorted by path; see [`file_row`](crate::file_row).
    Files(Template),
}

/// An output that is copied out of the cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// The output port.
    pub output: String,
    /// The path below `reports/`.
    pub path: Template,
}

impl Publish {
    /// The path below `reports/` at a point; axis values in it can't leave their folder.
    ///
    /// # Errors
    /// [`ScopeError`] where the point's row lacks a column.
    pub fn path_at(&self, point: &Point) -> Result<String, ScopeError> {
        self.path.safe_text_at(&point.scope)
    }
}

/// What one instance may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores, at least 1.
    pub cores: u32,
    /// Memory in bytes; `None` where the study doesn't say.
    pub memory_bytes: Option<u64>,
    /// Whole GPUs.
    pub gpus: u32,
    /// Places in named pools, never more than the pool has.
    pub pools: BTreeMap<String, u32>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            cores: 1,
            memory_bytes: None,
            gpus: 0,
            pools: BTreeMap::new(),
        }
    }
}

/// What the report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The title.
    pub title: Option<String>,
    /// The sections in order.
    pub sections: Vec<Section>,
}

/// A part of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Prose above what is shown.
    pub text: Option<String>,
    /// Outputs in order.
    pub show: Vec<Shown>,
}

/// An output in the report: of all instances, or of those with some values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The node.
    pub node: NodeId,
    /// The output port.
    pub output: String,
    /// Values on axes of that node.
    pub select: Vec<(String, Value)>,
}

impl Plan {
    /// The study's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// What the study is about.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.head.description.as_deref()
    }

    /// What to know before it runs, such as how long it takes.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.head.notice.as_deref()
    }

    /// The params with overrides and references filled in and ranges written out.
    #[must_use]
    pub fn params(&self) -> &BTreeMap<String, Value> {
        &self.params
    }

    /// The seed of nodes that name none.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.head.seed
    }

    /// The cache folder as the study writes it.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.head.cache
    }

    /// The folder of published files as the study writes it.
    #[must_use]
    pub fn reports(&self) -> &Path {
        &self.head.reports
    }

    /// The nodes in the order of the file.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node of this plan.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node of a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<NodeId> {
        let names = self.names.get_or_init(|| {
            let nodes = self.nodes.iter().zip(0..);
            nodes
                .map(|(node, at)| (node.name.clone(), NodeId(at)))
                .collect()
        });
        names.get(name).copied()
    }

    /// All nodes, each after all it takes from, else in the order of the file.
    #[must_use]
    pub fn order(&self) -> &[NodeId] {
        self.graph.order()
    }

    /// The nodes that a node takes from, by ports or axes; sorted, each once.
    #[must_use]
    pub fn dependencies(&self, id: NodeId) -> &[NodeId] {
        self.graph.dependencies(id)
    }

    /// The nodes that take from a node; sorted, each once.
    #[must_use]
    pub fn dependents(&self, id: NodeId) -> &[NodeId] {
        self.graph.dependents(id)
    }

    /// What the report shows, where the study says.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// Named pools with their capacities.
    #[must_use]
    pub fn pools(&self) -> &BTreeMap<String, u32> {
        &self.pools
    }
}
