//! What kinds foresee of their outputs, and what they see can't work, along the graph.

use std::collections::{BTreeMap, HashMap};

use flow_contract::{Facts, Foresight, Known};

use crate::complaints::Complaints;
use crate::conform::conform;
use crate::graph::Graph;
use crate::mistake::NodeMistake;
use crate::{Binding, NodeId, Scope, Source};

use super::nodes::Draft;
use super::values::tried_scopes;
use super::{Outline, Study};

/// Facts by node and output.
type Foreseen = HashMap<NodeId, BTreeMap<&'static str, Facts>>;

/// Asks each kind in the order of the graph, with what those before it foresaw.
///
/// A fact holds for all instances of a node, or isn't one.
pub(super) fn check_all(
    study: &Study<'_>,
    drafts: &[Draft],
    graph: &Graph,
    complaints: &mut Complaints,
) {
    let mut foreseen = Foreseen::new();
    for &id in graph.order() {
        let (outline, draft) = (study.outline(id), &drafts[id.index()]);
        let Some(foresight) = outline.kind.and_then(|kind| kind.foresight()) else {
            continue;
        };
        let inputs = draft.bindings.iter();
        let inputs = inputs.map(|binding| (binding.port.clone(), agreed(binding, &foreseen)));
        let inputs: BTreeMap<String, Facts> = inputs.collect();
        let outputs = ask(outline, draft, foresight, &inputs, complaints);
        foreseen.insert(id, outputs);
    }
}

/// What is sure of every artifact on a port.
fn agreed(binding: &Binding, foreseen: &Foreseen) -> Facts {
    let all = binding.sources.iter().map(|source| match source {
        Source::Output { node, output, .. } => foreseen.get(node)?.get(output.as_str()).cloned(),
        _ => None,
    });
    all.map(Option::unwrap_or_default)
        .reduce(common)
        .unwrap_or_default()
}

fn common(mut facts: Facts, others: Facts) -> Facts {
    facts.retain(|name, number| others.get(name) == Some(number));
    facts
}

/// Asks at every listed value of the axes; complains of the first problem.
fn ask(
    outline: &Outline<'_>,
    draft: &Draft,
    foresight: Foresight,
    inputs: &BTreeMap<String, Facts>,
    complaints: &mut Complaints,
) -> BTreeMap<&'static str, Facts> {
    let mut outputs: Option<BTreeMap<&'static str, Facts>> = None;
    for scope in tried_scopes(&outline.axes) {
        let known = Known {
            params: params(outline, draft, &scope),
            inputs: inputs.clone(),
        };
        match foresight(&known) {
            Ok(found) => outputs = Some(outputs.map_or(found.clone(), |all| both(all, &found))),
            Err(problem) => {
                let item = outline.table.get(&problem.param);
                let span = item.map_or(outline.span, |item| item.span);
                let mistake = NodeMistake::ParamRefused {
                    kind: outline
                        .kind
                        .map_or("", |kind| kind.descriptor().name)
                        .to_owned(),
                    param: problem.param,
                    what: problem.what,
                    help: problem.help,
                };
                complaints.add(span, mistake);
                return BTreeMap::new();
            }
        }
    }
    outputs.unwrap_or_default()
}

fn both(
    all: BTreeMap<&'static str, Facts>,
    found: &BTreeMap<&'static str, Facts>,
) -> BTreeMap<&'static str, Facts> {
    let shared = all
        .into_iter()
        .filter_map(|(port, facts)| Some((port, common(facts, found.get(port)?.clone()))));
    shared.collect()
}

/// The params that are settled at this point, with defaults.
fn params(
    outline: &Outline<'_>,
    draft: &Draft,
    scope: &Scope,
) -> BTreeMap<String, flow_contract::Value> {
    let Some(kind) = outline.kind else {
        return BTreeMap::new();
    };
    let mut values = kind.descriptor().defaults();
    for spec in kind.descriptor().params {
        let Some(template) = draft.params.get(spec.name) else {
            continue;
        };
        let known = template.axes().iter().all(|axis| scope.row(axis).is_some());
        let value = known.then(|| conform(template, &spec.ty, scope).ok());
        match value.flatten() {
            Some(value) => values.insert(spec.name.to_owned(), value),
            None => values.remove(spec.name),
        };
    }
    values
}
