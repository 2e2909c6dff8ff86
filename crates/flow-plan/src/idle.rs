//! Axes that decide nothing of their node.

use crate::plan::Told;
use crate::{Axis, AxisValues, Node, Plan, Source, Template};

impl Plan {
    /// The axes that no param, port or seed of their node depends on, so that all instances along one
    /// give the same.
    #[must_use]
    pub fn idle_axes(&self) -> Vec<(&Node, &Axis)> {
        let all = self.nodes.iter();
        let all = all.flat_map(|node| node.axes.iter().map(move |axis| (node, axis)));
        all.filter(|(node, axis)| !self.decides(node, axis))
            .collect()
    }

    fn decides(&self, node: &Node, axis: &Axis) -> bool {
        let named = |template: &Template| template.axes().contains(&axis.name.as_str());
        let mut sources = node.bindings.iter().flat_map(|binding| &binding.sources);
        let given = match &node.told {
            Told::Settled(_) => None,
            Told::PerPoint(given) => Some(given.values()),
        };
        given.into_iter().flatten().chain(&node.seed).any(named)
            || sources.any(|source| match source {
                Source::File(path) | Source::Files(path) => named(path),
                Source::Output {
                    node,
                    output,
                    select,
                } => {
                    let each_file = AxisValues::Rows {
                        node: *node,
                        output: output.clone(),
                    };
                    select.iter().any(|(_, value)| named(value))
                        || self.node(*node).axes.contains(axis)
                        || axis.values == each_file && self.node(*node).gives_many(output)
                }
            })
    }
}
