//! The order of nodes, and circles among them. Everything here is iterative: a chain of any
//! length is fine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};

use crate::NodeId;

/// An acyclic graph of nodes with its order and neighbours laid out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Graph {
    order: Vec<NodeId>,
    dependencies: Neighbours,
    dependents: Neighbours,
}

/// The neighbours of all nodes one after the other, and where those of each begin.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Neighbours {
    ids: Vec<NodeId>,
    starts: Vec<usize>,
}

impl Neighbours {
    fn of(&self, id: NodeId) -> &[NodeId] {
        &self.ids[self.starts[id.index()]..self.starts[id.index() + 1]]
    }
}

impl Graph {
    /// From pairs of (taken from, taker) over `count` nodes; `Err` has one shortest circle for
    /// each knot of nodes that wait for each other.
    pub fn new(count: usize, edges: &[(NodeId, NodeId)]) -> Result<Self, Vec<Vec<NodeId>>> {
        let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(count, edges.len());
        (0..count).for_each(|_| {
            graph.add_node(());
        });
        graph.extend_with_edges(edges.iter().map(|(from, to)| (from.0, to.0)));
        match order(&graph) {
            Some(order) => Ok(Self {
                order,
                dependencies: neighbours(&graph, Incoming),
                dependents: neighbours(&graph, Outgoing),
            }),
            None => Err(circles(&graph)),
        }
    }

    /// Whether it names the nodes of a plan of `count`, and no others.
    pub fn is_over(&self, count: usize) -> bool {
        let own = |ids: &[NodeId]| ids.iter().all(|id| id.index() < count);
        let laid_out = |near: &Neighbours| {
            let ends = near.starts.last() == Some(&near.ids.len());
            own(&near.ids) && ends && near.starts.len() == count + 1 && near.starts.is_sorted()
        };
        own(&self.order)
            && self.order.len() == count
            && laid_out(&self.dependencies)
            && laid_out(&self.dependents)
    }

    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    pub fn dependencies(&self, id: NodeId) -> &[NodeId] {
        self.dependencies.of(id)
    }

    pub fn dependents(&self, id: NodeId) -> &[NodeId] {
        self.dependents.of(id)
    }
}

fn id(index: NodeIndex<u32>) -> NodeId {
    NodeId(index.index() as u32)
}

/// Kahn's order; of nodes that are free at once, the first of the file goes first.
fn order(graph: &DiGraph<(), (), u32>) -> Option<Vec<NodeId>> {
    let waits = |node| graph.neighbors_directed(node, Incoming).count();
    let mut waits: Vec<usize> = graph.node_indices().map(waits).collect();
    let mut free: BinaryHeap<Reverse<NodeIndex<u32>>> = graph
        .node_indices()
        .filter(|node| waits[node.index()] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(node)) = free.pop() {
        order.push(id(node));
        for next in graph.neighbors_directed(node, Outgoing) {
            waits[next.index()] -= 1;
            if waits[next.index()] == 0 {
                free.push(Reverse(next));
            }
        }
    }
    (order.len() == waits.len()).then_some(order)
}

fn neighbours(graph: &DiGraph<(), (), u32>, way: petgraph::Direction) -> Neighbours {
    let mut ids = Vec::with_capacity(graph.edge_count());
    let mut starts = Vec::with_capacity(graph.node_count() + 1);
    starts.push(0);
    let mut own = Vec::new();
    for node in graph.node_indices() {
        own.clear();
        own.extend(graph.neighbors_directed(node, way).map(id));
        own.sort_unstable();
        own.dedup();
        ids.extend_from_slice(&own);
        starts.push(ids.len());
    }
    Neighbours { ids, starts }
}

fn circles(graph: &DiGraph<(), (), u32>) -> Vec<Vec<NodeId>> {
    let knots = kosaraju_scc(graph).into_iter();
    let mut circles: Vec<Vec<NodeId>> = knots
        .filter_map(|knot| {
            let start = *knot.iter().min()?;
            shortest_circle(graph, start)
        })
        .collect();
    circles.sort_unstable();
    circles
}

/// The shortest way from `start` against the arrows back to itself: each takes from the next.
fn shortest_circle(graph: &DiGraph<(), (), u32>, start: NodeIndex<u32>) -> Option<Vec<NodeId>> {
    let mut came_from = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut sources: Vec<_> = graph.neighbors_directed(node, Incoming).collect();
        sources.sort_unstable();
        for source in sources {
            if source == start {
                return Some(way_back(&came_from, start, node));
            }
            if came_from[source.index()].is_none() {
                came_from[source.index()] = Some(node);
                queue.push_back(source);
            }
        }
    }
    None
}

fn way_back(
    came_from: &[Option<NodeIndex<u32>>],
    start: NodeIndex<u32>,
    last: NodeIndex<u32>,
) -> Vec<NodeId> {
    let mut circle = vec![id(start)];
    let mut node = last;
    while node != start {
        circle.push(id(node));
        match came_from[node.index()] {
            Some(before) => node = before,
            None => break,
        }
    }
    let inner = circle.len() - 1;
    circle.push(id(start));
    circle[1..=inner].reverse();
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(count: usize, edges: &[(u32, u32)]) -> Result<Graph, Vec<Vec<NodeId>>> {
        let edges: Vec<_> = edges
            .iter()
            .map(|(a, b)| (NodeId(*a), NodeId(*b)))
            .collect();
        Graph::new(count, &edges)
    }

    #[test]
    fn the_order_is_that_of_the_file_where_nothing_else_decides() {
        let graph = graph(4, &[(3, 0), (3, 0), (0, 2)]).unwrap();
        assert_eq!(graph.order(), [NodeId(1), NodeId(3), NodeId(0), NodeId(2)]);
        assert_eq!(graph.dependencies(NodeId(0)), [NodeId(3)]);
        assert_eq!(graph.dependents(NodeId(0)), [NodeId(2)]);
    }

    #[test]
    fn every_knot_shows_its_shortest_circle() {
        let edges = [(0, 1), (1, 2), (2, 0), (1, 0), (4, 4), (0, 3)];
        let circles = graph(5, &edges).unwrap_err();
        let ids = |path: &[u32]| path.iter().map(|i| NodeId(*i)).collect::<Vec<_>>();
        assert_eq!(circles, [ids(&[0, 1, 0]), ids(&[4, 4])]);
    }

    #[test]
    fn a_long_circle_is_walked_without_recursion() {
        let mut edges: Vec<(u32, u32)> = (0..20_000).map(|i| (i, i + 1)).collect();
        assert_eq!(graph(20_001, &edges).unwrap().order().len(), 20_001);
        edges.push((20_000, 0));
        let circles = graph(20_001, &edges).unwrap_err();
        assert_eq!(circles[0].len(), 20_002);
        // Each takes from the next: node 0 takes from 20,000.
        assert_eq!(circles[0][..2], [NodeId(0), NodeId(20_000)]);
    }
}
