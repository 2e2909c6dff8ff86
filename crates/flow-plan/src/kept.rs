//! A plan as bytes, so that a large study that did not change need not be read and checked again.
//!
//! The bytes are every part of a [`Plan`] as serde finds it, the nodes in parts that are read side by side. They
//! are no format: only the program that wrote them can read them, and who keeps them has to know which
//! program, which text and which options they are of.

use std::thread;

use flow_contract::encoding::{EncodingError, from_bytes, to_bytes};

use crate::plan::Source;
use crate::{AxisValues, Node, NodeId, Plan};

/// Nodes that one thread should have to read, to be worth its start.
const NODES_IN_A_PART: usize = 200;
const MOST_THREADS: usize = 4;

impl Plan {
    /// Its bytes, for [`Plan::kept`].
    ///
    /// # Errors
    /// [`EncodingError::Write`], where it holds what can't be written.
    pub fn to_keep(&self) -> Result<Vec<u8>, EncodingError> {
        let parts = self.nodes.chunks(NODES_IN_A_PART);
        let parts = parts
            .map(|part| to_bytes(&part))
            .collect::<Result<Vec<_>, _>>()?;
        let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
        let rest = to_bytes(&(
            &self.head,
            &self.params,
            &self.pools,
            &self.graph,
            &self.report,
            sizes,
        ))?;
        let size = (rest.len() as u64).to_le_bytes();
        Ok([&size[..], &rest, &parts.concat()].concat())
    }

    /// The plan that [`Plan::to_keep`] gave these bytes for; `None` where it can't have.
    #[must_use]
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        let (size, bytes) = bytes.split_first_chunk()?;
        let size = usize::try_from(u64::from_le_bytes(*size)).ok()?;
        let (rest, mut bytes) = bytes.split_at_checked(size)?;
        let (head, params, pools, graph, report, sizes) = from_bytes(rest).ok()?;
        let sizes: Vec<usize> = sizes;
        let mut parts = Vec::new();
        for size in sizes {
            let (part, after) = bytes.split_at_checked(size)?;
            parts.push(part);
            bytes = after;
        }
        let nodes = nodes(&parts)?;
        let names = nodes.iter().zip(0..);
        let names = names.map(|(node, at)| (node.name.clone(), NodeId(at)));
        let plan = Self {
            head,
            params,
            pools,
            names: names.collect(),
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

/// The nodes of all parts, read on as many threads as there are cores.
fn nodes(parts: &[&[u8]]) -> Option<Vec<Node>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST_THREADS);
    let mut shares = parts.chunks(parts.len().div_ceil(threads).max(1));
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| scope.spawn(|| read(share))).collect();
        let mut nodes = read(own)?;
        for other in others {
            nodes.append(&mut other.join().ok()??);
        }
        Some(nodes)
    })
}

fn read(parts: &[&[u8]]) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    for part in parts {
        nodes.append(&mut from_bytes::<Vec<Node>>(part).ok()?);
    }
    Some(nodes)
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
