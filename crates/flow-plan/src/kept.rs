//! A plan as bytes, so that a large study that did not change need not be read and checked again.
//!
//! The bytes are every part of a [`Plan`] as serde finds it. They are no format: only the program that wrote
//! them can read them, and who keeps them has to know which program, which text and which options they are of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use flow_contract::encoding::{EncodingError, from_bytes, to_bytes};
use flow_contract::{Params, Signature, Value};
use serde::{Deserialize, Serialize};

use crate::plan::{Source, Told};
use crate::{AxisValues, Node, NodeId, Plan, Template};

impl Plan {
    /// Its bytes, for [`Plan::kept`].
    ///
    /// # Errors
    /// [`EncodingError::Write`], where it holds what can't be written.
    pub fn to_keep(&self) -> Result<Vec<u8>, EncodingError> {
        let (mut ports, mut names) = (Shared::default(), Shared::default());
        let mut parts = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let params = match &node.told {
                Told::Settled(params) => KeptParams::Settled {
                    names: names.place(params.names())?,
                    values: Cow::Borrowed(params.values()),
                },
                Told::PerPoint(given) => KeptParams::PerPoint(Cow::Borrowed(given)),
            };
            parts.push((ports.place(&*node.signature)?, params));
        }
        to_bytes(&(
            &self.head,
            &self.params,
            &self.pools,
            &self.nodes,
            (&ports.different, &names.different, parts),
            &self.graph,
            &self.report,
        ))
    }

    /// The plan that [`Plan::to_keep`] gave these bytes for; `None` where it can't have.
    #[must_use]
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        let (head, params, pools, nodes, parts, graph, report) = from_bytes(bytes).ok()?;
        let mut nodes: Vec<Node> = nodes;
        let (ports, names, parts): KeptParts = parts;
        if nodes.len() != parts.len() {
            return None;
        }
        for (node, (its_ports, its_params)) in nodes.iter_mut().zip(parts) {
            node.signature = Arc::clone(ports.get(its_ports as usize)?);
            node.told = match its_params {
                KeptParams::Settled {
                    names: its_names,
                    values,
                } => {
                    let names = Arc::clone(names.get(its_names as usize)?);
                    let params = Params::with_names(names, values.into_owned())?;
                    Told::Settled(Arc::new(params))
                }
                KeptParams::PerPoint(given) => Told::PerPoint(given.into_owned()),
            };
        }
        let plan = Self {
            head,
            params,
            pools,
            names: OnceLock::new(),
            nodes,
            graph,
            report,
        };
        plan.is_closed().then_some(plan)
    }

    /// Whether it names no nodes but its own.
    fn is_closed(&self) -> bool {
        let count = self.nodes.len();
        let own = |id: &NodeId| id.index() < count;
        let shown = self.report.iter().flat_map(|report| &report.sections);
        self.graph.is_over(count)
            && self
                .nodes
                .iter()
                .flat_map(Node::mentions)
                .all(|id| own(&id))
            && shown
                .flat_map(|section| &section.show)
                .all(|shown| own(&shown.node))
    }
}

/// The parts of nodes that nodes may share, which are kept once: lists of ports, lists of names of params; and
/// by node which ports are its own, and what it is told.
type KeptParts = (
    Vec<Arc<Signature>>,
    Vec<Arc<[String]>>,
    Vec<(u32, KeptParams<'static>)>,
);

/// [`Told`] with the names of its params elsewhere.
#[derive(Serialize, Deserialize)]
enum KeptParams<'p> {
    Settled {
        names: u32,
        values: Cow<'p, [Value]>,
    },
    PerPoint(Cow<'p, BTreeMap<String, Template>>),
}

/// Parts, each different one once.
struct Shared<'p, T: ?Sized> {
    different: Vec<&'p T>,
    places: HashMap<Vec<u8>, u32>,
}

impl<T: ?Sized> Default for Shared<'_, T> {
    fn default() -> Self {
        Self {
            different: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<'p, T: Serialize + ?Sized> Shared<'p, T> {
    /// Where this one is.
    fn place(&mut self, part: &'p T) -> Result<u32, EncodingError> {
        let place = self.places.entry(to_bytes(&part)?).or_insert_with(|| {
            self.different.push(part);
            self.different.len() as u32 - 1
        });
        Ok(*place)
    }
}

impl Node {
    /// The nodes that its ports and axes take from.
    fn mentions(&self) -> impl Iterator<Item = NodeId> {
        let sources = self.bindings.iter().flat_map(|binding| &binding.sources);
        let by_ports = sources.filter_map(|source| match source {
            Source::Output { node, .. } => Some(*node),
            Source::File(_) | Source::Files(_) => None,
        });
        let by_axes = self.axes.iter().filter_map(|axis| match axis.values {
            AxisValues::Rows { node, .. } => Some(node),
            AxisValues::Listed(_) | AxisValues::Files(_) => None,
        });
        by_ports.chain(by_axes)
    }
}
