//! The run: the graph of the study and a table of its nodes.

use std::collections::HashMap;

use flow_nodes::draw::{DrawnNode, DrawnState, fits, graph};
use rayon::prelude::*;

use super::facts::{Facts, NodeFacts};
use super::figure::figure;
use super::files::Files;
use super::html::{note, push_tag, push_words, tag, words};
use super::quantity::duration;
use super::table::{heading, number_heading, push_frame, push_prose};
use super::troubles::Failure;

const NAMES: [&str; 2] = ["node", "kind"];
const NUMBERS: [&str; 4] = ["instances", "ran", "cached", "run time [s]"];
const WORDS: [&str; 4] = ["state", "needs", "why it ran", "files"];

/// The section on the run, at the end of other HTML.
pub fn push_run(html: &mut String, facts: &Facts, files: &Files) {
    let attributes = [("aria-labelledby", "run-heading"), ("id", "run")];
    push_tag(html, "section", &attributes, |html| {
        push_words(html, "h2", &[("id", "run-heading")], "The run");
        html.push_str(&failures(facts.failures));
        html.push_str(&drawing(facts));
        push_table(html, facts, files);
    });
}

/// What failed, in the words of the nodes.
fn failures(failures: &[Failure]) -> String {
    let item = |failure: &Failure| {
        let name = words("strong", &[], &failure.instance);
        tag("li", &[], &(name + &words("pre", &[], &failure.error)))
    };
    let items: String = failures.iter().map(item).collect();
    match failures.len() {
        0 => String::new(),
        _ => words("h3", &[], "What failed") + &tag("ul", &[("class", "failures")], &items),
    }
}

fn drawing(facts: &Facts) -> String {
    let draw = |()| {
        let nodes: Vec<DrawnNode> = facts.nodes.iter().map(drawn).collect();
        graph("", &nodes, edges(&facts.nodes))
    };
    match fits(facts.nodes.len()).and_then(draw) {
        Ok(svg) => figure(
            &svg,
            "What ran, from what, and for how long (all instances together)",
        ),
        Err(why) => note(&format!("The graph of the study is not drawn: {why}.")),
    }
}

fn drawn(node: &NodeFacts) -> DrawnNode {
    let time = duration(node.seconds);
    DrawnNode {
        name: node.name.to_owned(),
        kind: node.kind.to_owned(),
        state: state(node),
        more: node.why.clone().unwrap_or_default(),
        note: match node.instances {
            0 => String::new(),
            1 => time,
            many => format!("{many} in {time}"),
        },
    }
}

fn state(node: &NodeFacts) -> DrawnState {
    match node {
        NodeFacts { failed: 1.., .. } => DrawnState::Failed,
        NodeFacts { skipped: 1.., .. } => DrawnState::Skipped,
        NodeFacts { instances: 0, .. } => DrawnState::Missing,
        NodeFacts { ran: 0, .. } => DrawnState::Cached,
        _ => DrawnState::Ran,
    }
}

fn state_words(node: &NodeFacts) -> String {
    let counted = |number: usize, word: &str| match number {
        0 => None,
        number => Some(format!("{number} {word}")),
    };
    let parts = [
        counted(node.failed, "failed"),
        counted(node.skipped, "skipped"),
        counted(node.ran, "computed"),
        counted(node.cached, "from the cache"),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() {
        "no results".to_owned()
    } else {
        said.join(", ")
    }
}

fn edges(nodes: &[NodeFacts]) -> Vec<(usize, usize)> {
    let places = nodes.iter().enumerate();
    let places: HashMap<&str, usize> = places.map(|(at, node)| (node.name, at)).collect();
    let place = |name: &&str| places.get(name).copied();
    let into = |(to, node): (usize, &NodeFacts)| {
        let from = node.needs.iter().filter_map(place);
        from.map(|from| (from, to)).collect::<Vec<_>>()
    };
    nodes.iter().enumerate().flat_map(into).collect()
}

fn push_table(html: &mut String, facts: &Facts, files: &Files) {
    let numbers = NUMBERS.map(number_heading).concat();
    let head = [
        NAMES.map(heading).concat(),
        numbers,
        WORDS.map(heading).concat(),
    ]
    .concat();
    let caption = "<strong>Nodes</strong>, their state, time and files";
    let parts = facts.nodes.par_chunks(NODES_IN_A_PART);
    let parts: Vec<String> = parts.map(|nodes| rows(nodes, files)).collect();
    push_frame(html, "scroll", [caption, &head, ""], |html| {
        html.extend(parts);
    });
}

/// How many nodes a thread writes at a time.
const NODES_IN_A_PART: usize = 64;

fn rows(nodes: &[NodeFacts], files: &Files) -> String {
    const USUAL_BYTES: usize = 600;
    let mut html = String::with_capacity(nodes.len() * USUAL_BYTES);
    for node in nodes {
        push_tag(&mut html, "tr", &[], |html| push_cells(html, node, files));
    }
    html
}

fn push_cells(html: &mut String, node: &NodeFacts, files: &Files) {
    push_words(html, "th", &[("scope", "row")], node.name);
    push_words(html, "td", &[], node.kind);
    for number in [node.instances, node.ran, node.cached] {
        push_words(html, "td", &[("class", "number")], &number.to_string());
    }
    let exact = node.seconds.to_string();
    let seconds = format!("{:.2}", node.seconds);
    let attributes = [("class", "number"), ("title", &exact)];
    push_words(html, "td", &attributes, &seconds);
    push_prose(html, &state_words(node));
    push_prose(html, &node.needs.join(", "));
    push_prose(html, node.why.as_deref().unwrap_or("–"));
    push_tag(html, "td", &[("class", "links")], |html| {
        html.push_str(&files.of_node(node.name));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node<'a>(name: &'a str, needs: &[&'a str], ran: usize) -> NodeFacts<'a> {
        NodeFacts {
            name,
            kind: "toy",
            needs: needs.to_vec(),
            instances: 2,
            ran,
            cached: 2 - ran,
            failed: 0,
            skipped: 0,
            seconds: 1.5,
            why: (ran > 0).then(|| "param `a<b` changed".to_owned()),
        }
    }

    #[test]
    fn edges_lead_to_the_node_that_needs() {
        assert_eq!(edges(&[node("a", &[], 1), node("b", &["a"], 0)]), [(0, 1)]);
    }

    #[test]
    fn a_failed_node_is_drawn_as_failed_whatever_else_ran() {
        let mut node = node("a", &[], 1);
        node.failed = 1;
        assert_eq!(state(&node), DrawnState::Failed);
        assert_eq!(state_words(&node), "1 failed, 1 computed, 1 from the cache");
        (node.failed, node.skipped) = (0, 2);
        assert_eq!(state(&node), DrawnState::Skipped);
    }

    #[test]
    fn a_node_is_drawn_with_state_and_time() {
        let drawn = drawn(&node("a", &[], 0));
        assert_eq!(
            (drawn.state, drawn.note.as_str()),
            (DrawnState::Cached, "2 in 1.50 s")
        );
    }
}
