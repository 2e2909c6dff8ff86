//! A plan as bytes, so that a large study that did not change need not be read and checked again.
//!
//! The bytes are every part of a [`Plan`] as serde finds it. They are no format: only the program that wrote
//! them can read them, and who keeps them has to know which program, which text and which options they are of.

use flow_contract::encoding::{EncodingError, from_bytes, to_bytes};

use crate::plan::Source;
use crate::{AxisValues, Node, NodeId, Plan};

impl Plan {
    /// Its bytes, for [`Plan::kept`].
    ///
    /// # Errors
    /// [`EncodingError::Write`], where it holds what can't be written.
    pub fn to_keep(&self) -> Result<Vec<u8>, EncodingError> {
        to_bytes(&(
            &self.head,
            &self.params,
            &self.pools,
            &self.nodes,
            &self.graph,
            &self.report,
        ))
    }

    /// The plan that [`Plan::to_keep`] gave these bytes for; `None` where it can't have.
    #[must_use]
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        let (head, params, pools, nodes, graph, report) = from_bytes(bytes).ok()?;
        let nodes: Vec<Node> = nodes;
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
