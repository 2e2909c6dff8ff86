//! The studies of a sweep as one plan.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use flow_contract::Value;

use super::dependence::Dependence;
use super::points::{Place, Points};
use crate::graph::Graph;
use crate::template::{Piece, Shape, safe};
use crate::{AxisValues, Node, NodeId, Plan, Shown, Source, Template, item};

/// Which node of the merged plan stands for which node of the study, and where.
pub(super) struct Merge {
    points: Points,
    dependence: Dependence,
    ids: HashMap<(NodeId, Place), NodeId>,
    /// The merged nodes in order.
    order: Vec<Merged>,
}

/// A node of the study at its values.
struct Merged {
    id: NodeId,
    place: Place,
    /// The first point with these values.
    point: usize,
}

impl Merge {
    pub fn new(points: Points, dependence: Dependence, nodes: usize) -> Self {
        let mut order = Vec::new();
        for id in (0..nodes as u32).map(NodeId) {
            let first = first_points(&points, dependence.dimensions(id)).into_iter();
            order.extend(first.map(|(place, point)| Merged { id, place, point }));
        }
        let each = order.iter().enumerate();
        let ids = each.map(|(at, one)| ((one.id, one.place.clone()), NodeId(at as u32)));
        Self {
            ids: ids.collect(),
            points,
            dependence,
            order,
        }
    }

    pub fn plan(&self, studies: &[Plan]) -> Plan {
        let nodes: Vec<Node> = self
            .order
            .iter()
            .map(|one| self.node(&studies[one.point], one))
            .collect();
        let first = &studies[0];
        let mut params = first.params.clone();
        for dimension in &self.points.dimensions {
            let values = dimension
                .values
                .iter()
                .map(|text| item::read_override(text));
            params.insert(dimension.param.clone(), Value::List(values.collect()));
        }
        Plan {
            head: first.head.clone(),
            params,
            pools: first.pools.clone(),
            names: OnceLock::new(),
            graph: self.graph(studies),
            report: first.report.clone().map(|mut report| {
                for section in &mut report.sections {
                    section.show = section
                        .show
                        .iter()
                        .flat_map(|one| self.shown(one))
                        .collect();
                }
                report
            }),
            nodes,
        }
    }

    fn node(&self, study: &Plan, Merged { id, place, .. }: &Merged) -> Node {
        let mut node = study.node(*id).clone();
        for source in node
            .bindings
            .iter_mut()
            .flat_map(|binding| &mut binding.sources)
        {
            if let Source::Output { node, .. } = source {
                *node = self.before(*node, place);
            }
        }
        for axis in &mut node.axes {
            if let AxisValues::Rows { node, .. } = &mut axis.values {
                *node = self.before(*node, place);
            }
        }
        node.swept = self.points.labels(place);
        if node.swept.is_empty() {
            return node;
        }
        let labels: Vec<String> = node.swept.iter().map(|(p, v)| format!("{p}={v}")).collect();
        let folder: String = labels
            .iter()
            .map(|label| format!("{}/", safe(label)))
            .collect();
        for publish in &mut node.publish {
            publish.path = below(&folder, &publish.path);
        }
        node.name = format!("{}[{}]", node.name, labels.join(","));
        node
    }

    /// The merged node that stands before one at `place`: what changes it changes the other too.
    fn before(&self, id: NodeId, place: &Place) -> NodeId {
        let own = self.dependence.dimensions(id);
        let place: Place = place
            .iter()
            .filter(|(d, _)| own.contains(d))
            .copied()
            .collect();
        self.ids[&(id, place)]
    }

    fn graph(&self, studies: &[Plan]) -> Graph {
        let edges = self.order.iter().enumerate().flat_map(|(at, one)| {
            let from = studies[one.point].dependencies(one.id).iter();
            from.map(move |from| (self.before(*from, &one.place), NodeId(at as u32)))
        });
        let edges: Vec<(NodeId, NodeId)> = edges.collect();
        Graph::new(self.order.len(), &edges)
            .expect("each study has no circle, and no edge leaves it")
    }

    fn shown(&self, shown: &Shown) -> Vec<Shown> {
        let all = self.order.iter().enumerate();
        let mine = all.filter(|(_, one)| one.id == shown.node);
        let at = |(at, _)| Shown {
            node: NodeId(at as u32),
            ..shown.clone()
        };
        mine.map(at).collect()
    }
}

/// The places on some dimensions, each with the first point that stands there.
fn first_points(points: &Points, dimensions: &[usize]) -> Vec<(Place, usize)> {
    let mut seen = HashSet::new();
    let each = (0..points.len()).map(|point| (points.place(point, dimensions), point));
    each.filter(|(place, _)| seen.insert(place.clone()))
        .collect()
}

/// A path below a folder.
fn below(folder: &str, path: &Template) -> Template {
    let words = Piece::Words(folder.to_owned());
    match &path.0 {
        Shape::Text(pieces) => {
            let mut all = vec![words];
            all.extend(pieces.iter().cloned());
            Template(Shape::Text(all))
        }
        _ => Template::fixed(Value::Text(format!("{folder}{}", path.written()))),
    }
}
