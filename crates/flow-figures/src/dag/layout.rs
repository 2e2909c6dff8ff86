//! Layered layout (Sugiyama, Tagawa & Toda 1981): layers, order within layers, places.
//!
//! Layers by longest path; every edge that crosses a layer gets a lane there; order by barycentres
//! and swaps of neighbours, keeping the order with the fewest crossings; places by least squares to
//! the neighbours' mean with the order and the distances kept (isotonic regression).

use std::collections::BTreeSet;

/// Edges spread over this part of a box's width.
const SPREAD: f64 = 0.5;

/// Where a box or an edge's bend is: middle, from the left edge of the layout; layer from the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub x: f64,
    pub layer: usize,
}

/// An edge's way: from its box, through its lanes, to its box.
pub(super) type Route = Vec<Place>;

/// A finished layout.
pub(super) struct Layout {
    pub width: f64,
    pub layer_count: usize,
    pub places: Vec<Place>,
    pub edges: Vec<Route>,
}

/// The layer of every node: one more than the deepest before it; sources sink to their first use.
///
/// # Errors
/// A node on or behind a cycle.
pub(super) fn layers(nodes: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, usize> {
    let mut waits = vec![0usize; nodes];
    for &(_, to) in edges {
        waits[to] += 1;
    }
    let mut layer = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|&n| waits[n] == 0).collect();
    let sources = ready.clone();
    let mut seen = 0;
    while let Some(node) = ready.pop() {
        seen += 1;
        for &(_, to) in edges.iter().filter(|(from, _)| *from == node) {
            layer[to] = layer[to].max(layer[node] + 1);
            waits[to] -= 1;
            if waits[to] == 0 {
                ready.push(to);
            }
        }
    }
    if seen < nodes {
        return Err((0..nodes).find(|&n| waits[n] > 0).unwrap_or(0));
    }
    for source in sources {
        let uses = edges
            .iter()
            .filter(|(from, _)| *from == source)
            .map(|&(_, to)| layer[to]);
        layer[source] = uses.min().map_or(0, |first| first - 1);
    }
    Ok(layer)
}

/// Layers that all edges together pass between their ends.
pub(super) fn lanes(layers: &[usize], edges: &[(usize, usize)]) -> usize {
    let unique: BTreeSet<(usize, usize)> = edges.iter().copied().collect();
    unique
        .into_iter()
        .map(|(from, to)| layers[to] - layers[from] - 1)
        .sum()
}

/// Boxes in the fullest layer.
pub(super) fn widest_layer(layers: &[usize]) -> usize {
    let last = layers.iter().copied().max().unwrap_or(0);
    (0..=last)
        .map(|l| layers.iter().filter(|&&of| of == l).count())
        .max()
        .unwrap_or(0)
}

impl Layout {
    /// * `layers`: of every node, from [`layers`]
    /// * `sizes`: width of a box, width of the page
    pub fn new(layers: &[usize], edges: &[(usize, usize)], sizes: (f64, f64)) -> Layout {
        let mut graph = Graph::new(layers, edges, sizes.0);
        graph.order();
        let (x, width) = graph.place(sizes.1);
        let place = |vertex: usize| Place {
            x: x[vertex],
            layer: graph.layer[vertex],
        };
        let mut routes: Vec<Route> = graph
            .chains
            .iter()
            .map(|chain| chain.iter().map(|&v| place(v)).collect())
            .collect();
        spread_ends(&mut routes, &graph.chains, sizes.0);
        let layer_count = graph.rows.len();
        Layout {
            width,
            layer_count,
            places: (0..layers.len()).map(place).collect(),
            edges: routes,
        }
    }
}

/// Boxes and lanes together are vertices; a vertex below `boxes` is a box.
pub(super) struct Graph {
    pub boxes: usize,
    pub box_width: f64,
    pub layer: Vec<usize>,
    pub up: Vec<Vec<usize>>,
    pub down: Vec<Vec<usize>>,
    /// Vertices of every edge, from box to box.
    pub chains: Vec<Vec<usize>>,
    /// Vertices of every layer, from left to right.
    pub rows: Vec<Vec<usize>>,
}

impl Graph {
    pub fn new(layers: &[usize], edges: &[(usize, usize)], box_width: f64) -> Graph {
        let boxes = layers.len();
        let mut layer = layers.to_vec();
        let unique: BTreeSet<(usize, usize)> = edges.iter().copied().collect();
        let mut chains = Vec::new();
        for (from, to) in unique {
            let mut chain = vec![from];
            for l in layers[from] + 1..layers[to] {
                chain.push(layer.len());
                layer.push(l);
            }
            chain.push(to);
            chains.push(chain);
        }
        let (mut up, mut down) = (vec![Vec::new(); layer.len()], vec![Vec::new(); layer.len()]);
        for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
            down[pair[0]].push(pair[1]);
            up[pair[1]].push(pair[0]);
        }
        let count = layer.iter().copied().max().unwrap_or(0) + 1;
        let row = |l: usize| (0..layer.len()).filter(|&v| layer[v] == l).collect();
        let rows = (0..count).map(row).collect();
        Graph {
            boxes,
            box_width,
            layer,
            up,
            down,
            chains,
            rows,
        }
    }
}

/// Spreads the edges at each box over its side, in the order of where they come from or go to.
fn spread_ends(routes: &mut [Route], chains: &[Vec<usize>], box_width: f64) {
    for outgoing in [true, false] {
        let end = |len: usize| if outgoing { (0, 1) } else { (len - 1, len - 2) };
        let vertex = |edge: usize| chains[edge][end(chains[edge].len()).0];
        let mut order: Vec<usize> = (0..routes.len()).collect();
        let toward = |edge: usize| routes[edge][end(routes[edge].len()).1].x;
        order.sort_by(|&a, &b| {
            vertex(a)
                .cmp(&vertex(b))
                .then(toward(a).total_cmp(&toward(b)))
        });
        for group in order.chunk_by(|&a, &b| vertex(a) == vertex(b)) {
            for (i, &edge) in group.iter().enumerate() {
                let part = (i as f64 + 0.5) / group.len() as f64 - 0.5;
                let at = end(routes[edge].len()).0;
                routes[edge][at].x += part * box_width * SPREAD;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SIDE_GAP;
    use super::*;

    #[test]
    fn layers_follow_the_longest_path() {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 2)];
        assert_eq!(layers(4, &edges), Ok(vec![0, 1, 2, 1]));
    }

    #[test]
    fn a_cycle_is_named() {
        assert_eq!(layers(3, &[(0, 1), (1, 2), (2, 1)]), Err(1));
        assert_eq!(layers(1, &[(0, 0)]), Err(0));
    }

    #[test]
    fn boxes_keep_their_distance_and_the_page() {
        let edges: Vec<(usize, usize)> = (0..20)
            .flat_map(|i| [(i, i + 1), (i, (i * 7 + 3) % 20 + 1)])
            .filter(|(a, b)| a < b)
            .collect();
        let layer = layers(21, &edges).expect("no cycle");
        let layout = Layout::new(&layer, &edges, (60.0, 400.0));
        for (i, a) in layout.places.iter().enumerate() {
            assert!(a.x >= 30.0 - 1e-9 && a.x <= layout.width - 30.0 + 1e-9);
            for b in &layout.places[..i] {
                assert!(a.layer != b.layer || (a.x - b.x).abs() >= 60.0 + SIDE_GAP - 1e-6);
            }
        }
    }
}
