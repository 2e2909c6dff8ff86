//! Figures that no kind draws, for those who may not use the leaf crates: graphs and comparisons.

use flow_figures::{Dag, DagNode, NodeState, dag};

pub use flow_figures::{Comparison, Extent, Series};

/// A node to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnNode {
    /// Its name.
    pub name: String,
    /// Its kind, in small letters.
    pub kind: String,
    /// Where it stands.
    pub state: DrawnState,
    /// One more line, such as a duration; may be empty.
    pub note: String,
    /// What is said of it when it is pointed at; may be empty.
    pub more: String,
}

/// Where a node stands after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawnState {
    /// It ran, or some of its instances did.
    Ran,
    /// All of it came from the cache.
    Cached,
    /// One of its instances failed.
    Failed,
    /// It was left out because something before it failed.
    Skipped,
    /// It has no results.
    Missing,
}

/// Whether a graph of so many nodes can be drawn.
///
/// # Errors
/// In words: no nodes, or too many of them.
pub fn fits(nodes: usize) -> Result<(), String> {
    flow_figures::dag_fits(nodes).map_err(|error| error.to_string())
}

/// The graph as SVG; `edges` lead from a node to one that needs it, by position in `nodes`.
///
/// # Errors
/// In words: no nodes, too many of them, an edge to nowhere, or a cycle.
pub fn graph(
    title: &str,
    nodes: &[DrawnNode],
    edges: Vec<(usize, usize)>,
) -> Result<String, String> {
    let graph = Dag {
        title: title.to_owned(),
        nodes: nodes.iter().map(node).collect(),
        edges,
    };
    let figure = dag(&graph).map_err(|error| error.to_string())?;
    Ok(figure.svg)
}

/// A number over the values of an axis, as SVG and as PNG at 300 dpi.
///
/// # Errors
/// In words: nothing to draw, or more values or lines than a figure can tell apart.
pub fn comparison(input: &Comparison) -> Result<(String, Vec<u8>), String> {
    let figure = flow_figures::comparison(input).map_err(|error| error.to_string())?;
    let picture = figure
        .png(crate::figures::SCALE)
        .map_err(|error| error.to_string())?;
    Ok((figure.svg, picture))
}

fn node(drawn: &DrawnNode) -> DagNode {
    DagNode {
        name: drawn.name.clone(),
        kind: drawn.kind.clone(),
        state: match drawn.state {
            DrawnState::Ran => NodeState::Done,
            DrawnState::Cached => NodeState::Cached,
            DrawnState::Failed => NodeState::Failed,
            DrawnState::Skipped => NodeState::Skipped,
            DrawnState::Missing => NodeState::Wanted,
        },
        note: drawn.note.clone(),
        more: drawn.more.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(name: &str) -> DrawnNode {
        DrawnNode {
            name: name.to_owned(),
            kind: "train".to_owned(),
            state: DrawnState::Ran,
            note: "4 × in 3 s".to_owned(),
            more: "a param changed".to_owned(),
        }
    }

    #[test]
    fn a_graph_shows_names_and_notes() {
        let svg = graph("Nodes", &[drawn("net"), drawn("heat")], vec![(0, 1)]).unwrap();
        for words in ["net (done) → heat", "4 × in 3 s, a param changed", "<svg"] {
            assert!(svg.contains(words), "{words}");
        }
    }

    #[test]
    fn an_edge_to_nowhere_is_refused_in_words() {
        assert!(
            !graph("", &[drawn("net")], vec![(0, 7)])
                .unwrap_err()
                .is_empty()
        );
        assert!(graph("", &[], Vec::new()).is_err());
    }
}
