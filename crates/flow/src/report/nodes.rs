//! The run: the graph of the study and a table of its nodes.

use std::collections::HashMap;

use flow_nodes::draw::{DrawnNode, DrawnState, graph};
use rayon::prelude::*;

use super::facts::{Facts, NodeFacts};
use super::figure::figure;
use super::files::Files;
use super::html::{note, tag, tag_of, words};
use super::quantity::duration;
use super::table::{frame, heading, number_heading, prose};
use super::troubles::Failure;

const NAMES: [&str; 2] = ["node", "kind"];
const NUMBERS: [&str; 4] = ["instances", "ran", "cached", "run time [s]"];
const WORDS: [&str; 4] = ["state", "needs", "why it ran", "files"];

/// The section on the run.
pub fn run(facts: &Facts, files: &Files) -> String {
    let heading = words("h2", &[("id", "run-heading")], "The run");
    let (failures, drawing) = (failures(&facts.failures), drawing(facts));
    tag_of(
        "section",
        &[("id", "run"), ("aria-labelledby", "run-heading")],
        &[&heading, &failures, &drawing, &table(facts, files)],
    )
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
    let nodes: Vec<DrawnNode> = facts.nodes.iter().map(drawn).collect();
    match graph("", &nodes, edges(&facts.nodes)) {
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
        name: node.name.clone(),
        kind: node.kind.clone(),
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
    let places: HashMap<&str, usize> = places.map(|(at, node)| (node.name.as_str(), at)).collect();
    let place = |name: &String| places.get(name.as_str()).copied();
    let into = |(to, node): (usize, &NodeFacts)| {
        let from = node.needs.iter().filter_map(place);
        from.map(|from| (from, to)).collect::<Vec<_>>()
    };
    nodes.iter().enumerate().flat_map(into).collect()
}

fn table(facts: &Facts, files: &Files) -> String {
    let numbers = NUMBERS.map(number_heading).concat();
    let head = [
        NAMES.map(heading).concat(),
        numbers,
        WORDS.map(heading).concat(),
    ]
    .concat();
    let rows = facts.nodes.par_iter().map(|node| row(node, files));
    let body = rows.collect::<Vec<String>>().concat();
    frame(
        "<strong>Nodes</strong>, their state, time and files",
        &head,
        &body,
        "",
    )
}

fn row(node: &NodeFacts, files: &Files) -> String {
    let number = |number: usize| words("td", &[("class", "number")], &number.to_string());
    let exact = node.seconds.to_string();
    let seconds = format!("{:.2}", node.seconds);
    let cells = [
        words("th", &[("scope", "row")], &node.name),
        words("td", &[], &node.kind),
        number(node.instances),
        number(node.ran),
        number(node.cached),
        words("td", &[("class", "number"), ("title", &exact)], &seconds),
        prose(&state_words(node)),
        prose(&node.needs.join(", ")),
        prose(node.why.as_deref().unwrap_or("–")),
        tag("td", &[("class", "links")], &files.of_node(&node.name)),
    ];
    tag("tr", &[], &cells.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, needs: &[&str], ran: usize) -> NodeFacts {
        NodeFacts {
            name: name.to_owned(),
            kind: "toy".to_owned(),
            needs: needs.iter().map(ToString::to_string).collect(),
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
