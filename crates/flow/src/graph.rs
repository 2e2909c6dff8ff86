//! `flow graph`: the study as dot, mermaid, SVG or JSON, by node or by instance.

use std::collections::{BTreeSet, HashMap};

use flow_engine::{Standing, Surveyed};
use flow_nodes::draw::{self, DrawnNode, DrawnState};
use flow_plan::{AxisValues, Plan};
use serde_json::{Value as Json, json};

use crate::args::{Graph, Place};
use crate::ask::surveyed;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, note};

/// How many arrows mermaid draws where its `maxEdges` is not raised.
const MERMAID_ARROWS: usize = 500;

/// What is drawn: boxes, and arrows from one to another that needs it.
struct Drawing {
    boxes: Vec<Drawn>,
    arrows: BTreeSet<(usize, usize)>,
}

/// A node or an instance.
struct Drawn {
    name: String,
    kind: String,
    state: DrawnState,
    note: String,
}

/// Draws the graph.
pub fn graph(place: &Place, graph: &Graph) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let by_instance = graph.by == "instance";
    let colours = graph.format == "svg" && !graph.json;
    let survey = match by_instance || colours {
        true => surveyed(&study, &study.store_to_ask()?, &[])?,
        false => Vec::new(),
    };
    let drawing = match by_instance {
        true => instances(&study.plan, &survey),
        false => nodes(&study.plan, &survey),
    };
    match (graph.json, graph.format.as_str()) {
        (true, _) | (_, "json") => answer_json(&drawing.json()),
        (_, "dot") => answer(&drawing.dot()),
        (_, "svg") => answer(&drawing.svg(study.plan.name())?),
        _ => {
            if drawing.arrows.len() > MERMAID_ARROWS {
                note(&format!(
                    "{} arrows: mermaid draws at most {MERMAID_ARROWS} unless its `maxEdges` says more\n  help: `--format svg` draws them all, `--by node` has fewer",
                    drawing.arrows.len()
                ));
            }
            answer(&drawing.mermaid());
        }
    }
    Ok(Outcome::Done)
}

fn nodes(plan: &Plan, survey: &[Surveyed]) -> Drawing {
    let order = plan.order();
    let place: HashMap<_, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let boxes = order.iter().map(|&id| {
        let node = plan.node(id);
        let mine = survey.iter().filter(|one| one.address.node == node.name);
        let mine: Vec<&Standing> = mine.map(|one| &one.standing).collect();
        Drawn {
            name: node.name.clone(),
            kind: node.kind.clone(),
            state: state(&mine),
            note: match mine.len() {
                0 | 1 => String::new(),
                many => format!("{many} instances"),
            },
        }
    });
    let arrows = order.iter().enumerate().flat_map(|(to, &id)| {
        let from = plan.dependencies(id).iter();
        from.map(|from| (place[from], to)).collect::<Vec<_>>()
    });
    Drawing {
        boxes: boxes.collect(),
        arrows: arrows.collect(),
    }
}

/// Of a node whose instances are not known yet there is one box, with arrows from all before it.
fn instances(plan: &Plan, survey: &[Surveyed]) -> Drawing {
    let mut of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, one) in survey.iter().enumerate() {
        of.entry(&one.address.node).or_default().push(at);
    }
    let all_of = |node| of.get(plan.node(node).name.as_str()).into_iter().flatten();
    let mut arrows = BTreeSet::new();
    let mut boxes = Vec::with_capacity(survey.len());
    for (to, one) in survey.iter().enumerate() {
        let id = plan.by_name(&one.address.node);
        let node = id.map(|id| plan.node(id));
        let axes = node.into_iter().flat_map(|node| &node.axes);
        let tables = axes.filter_map(|axis| match &axis.values {
            AxisValues::Rows { node, .. } => Some(*node),
            _ => None,
        });
        arrows.extend(tables.flat_map(all_of).map(|from| (*from, to)));
        match (&one.needs, id) {
            (Some(needs), _) => arrows.extend(needs.iter().map(|from| (*from, to))),
            (None, Some(id)) => {
                let before = plan.dependencies(id).iter().copied();
                arrows.extend(before.flat_map(all_of).map(|from| (*from, to)));
            }
            (None, None) => {}
        }
        boxes.push(Drawn {
            name: one.address.to_string(),
            kind: node.map(|node| node.kind.clone()).unwrap_or_default(),
            state: state(&[&one.standing]),
            note: String::new(),
        });
    }
    Drawing { boxes, arrows }
}

fn state(of: &[&Standing]) -> DrawnState {
    let is_current = |one: &&Standing| matches!(one, Standing::Current { .. });
    let is_failing = |one: &&Standing| matches!(one, Standing::Failing(_));
    match of {
        [] => DrawnState::Missing,
        of if of.iter().any(is_failing) => DrawnState::Failed,
        of if of.iter().all(is_current) => DrawnState::Cached,
        _ => DrawnState::Missing,
    }
}

impl Drawing {
    fn json(&self) -> Json {
        let names: Vec<Json> = self
            .boxes
            .iter()
            .map(|one| json!({"name": one.name, "kind": one.kind}))
            .collect();
        let name = |at: usize| self.boxes[at].name.as_str();
        let arrows: Vec<[&str; 2]> = self
            .arrows
            .iter()
            .map(|&(from, to)| [name(from), name(to)])
            .collect();
        json!({"nodes": names, "edges": arrows})
    }

    fn dot(&self) -> String {
        let quoted = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            text.replace('\n', "\\n")
        };
        let mut lines = vec!["digraph study {".to_owned()];
        for Drawn { name, kind, .. } in &self.boxes {
            let name = quoted(name);
            lines.push(format!("  \"{name}\" [label=\"{name}\\n{kind}\"];"));
        }
        for &(from, to) in &self.arrows {
            let (from, to) = (quoted(&self.boxes[from].name), quoted(&self.boxes[to].name));
            lines.push(format!("  \"{from}\" -> \"{to}\";"));
        }
        lines.push("}".to_owned());
        lines.join("\n")
    }

    fn mermaid(&self) -> String {
        let ids: Vec<String> = self
            .boxes
            .iter()
            .enumerate()
            .map(|(at, one)| mermaid_id(at, &one.name))
            .collect();
        let mut lines = vec!["graph LR".to_owned()];
        for (id, one) in ids.iter().zip(&self.boxes) {
            let (name, kind) = (mermaid_text(&one.name), mermaid_text(&one.kind));
            lines.push(format!("  {id}[\"{name}<br/><small>{kind}</small>\"]"));
        }
        for &(from, to) in &self.arrows {
            lines.push(format!("  {} --> {}", ids[from], ids[to]));
        }
        lines.join("\n")
    }

    fn svg(&self, title: &str) -> Result<String, Refusal> {
        let boxes = self.boxes.iter().map(|one| DrawnNode {
            name: one.name.clone(),
            kind: one.kind.clone(),
            state: one.state,
            note: one.note.clone(),
            more: String::new(),
        });
        let boxes: Vec<DrawnNode> = boxes.collect();
        let arrows = self.arrows.iter().copied().collect();
        draw::graph(title, &boxes, arrows).map_err(|why| {
            Refusal::failed(format!(
                "the graph can't be drawn as SVG: {why}\n  help: draw it `--by node`, or as dot or mermaid"
            ))
        })
    }
}

/// A name that mermaid takes for a node: the node's own where that is a plain word of no meaning there.
fn mermaid_id(at: usize, name: &str) -> String {
    const WORDS: [&str; 12] = [
        "call",
        "class",
        "classDef",
        "click",
        "default",
        "end",
        "flowchart",
        "graph",
        "href",
        "linkStyle",
        "style",
        "subgraph",
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // `n7` could be the number of another box.
    let is_number = name
        .strip_prefix('n')
        .is_some_and(|rest| rest.parse::<u32>().is_ok());
    match name.chars().all(plain) && !WORDS.contains(&name) && !is_number {
        true => name.to_owned(),
        false => format!("n{at}"),
    }
}

/// A text within quotes: mermaid reads entities of its own there, and HTML.
fn mermaid_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            sign if sign.is_control() || "\"#&<>`;".contains(sign) => {
                safe.push_str(&format!("#{};", u32::from(sign)));
            }
            sign => safe.push(sign),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(names: &[&str]) -> Drawing {
        let boxes = names.iter().map(|name| Drawn {
            name: (*name).to_owned(),
            kind: "train".to_owned(),
            state: DrawnState::Missing,
            note: String::new(),
        });
        Drawing {
            boxes: boxes.collect(),
            arrows: [(0, 1)].into(),
        }
    }

    #[test]
    fn names_that_mermaid_would_misread_get_numbers_and_entities() {
        let text = drawing(&["net", "shares[rule=a \"b\"\n<c>]"]).mermaid();
        assert!(text.contains("net --> n1"), "{text}");
        let label = "n1[\"shares[rule=a #34;b#34;#10;#60;c#62;]<br/>";
        assert!(text.contains(label), "{text}");
        assert!(drawing(&["end", "n0"]).mermaid().contains("n0 --> n1"));
    }

    #[test]
    fn dot_keeps_quotes_and_backslashes() {
        let text = drawing(&["a", "b[x=\"\\]"]).dot();
        assert!(text.contains("\"a\" -> \"b[x=\\\"\\\\]\";"), "{text}");
    }
}
