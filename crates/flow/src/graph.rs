//! `flow graph`.

use serde_json::{Value as Json, json};

use crate::args::{Graph, Place};
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json};

/// Draws the graph of nodes.
pub fn graph(place: &Place, graph: &Graph) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let plan = &study.plan;
    let nodes: Vec<_> = plan.order().iter().map(|&id| (id, plan.node(id))).collect();
    let edges: Vec<(&str, &str)> = nodes
        .iter()
        .flat_map(|(id, node)| {
            let from = plan.dependencies(*id).iter();
            from.map(move |&from| (plan.node(from).name.as_str(), node.name.as_str()))
        })
        .collect();
    if graph.json || graph.format == "json" {
        let nodes: Vec<Json> = nodes
            .iter()
            .map(|(_, node)| json!({"name": node.name, "kind": node.kind}))
            .collect();
        answer_json(&json!({"nodes": nodes, "edges": edges}));
        return Ok(Outcome::Done);
    }
    let dot = graph.format == "dot";
    answer(if dot { "digraph study {" } else { "graph LR" });
    for (_, node) in &nodes {
        let (name, kind) = (&node.name, &node.kind);
        answer(&if dot {
            format!("  \"{name}\" [label=\"{name}\\n{kind}\"];")
        } else {
            format!("  {name}[\"{name}<br/><small>{kind}</small>\"]")
        });
    }
    for (from, to) in edges {
        answer(&if dot {
            format!("  \"{from}\" -> \"{to}\";")
        } else {
            format!("  {from} --> {to}")
        });
    }
    if dot {
        answer("}");
    }
    Ok(Outcome::Done)
}
