//! References to outputs: `node.output` and `node[axis=value].output`.

use flow_contract::{Kind, PortType};

use crate::complaints::Complaints;
use crate::mistake::SourceMistake;
use crate::nearest::nearest;
use crate::select::address;
use crate::template::is_extension;
use crate::{NodeId, Span};

use super::combine::listed_keys;
use super::{Outline, Study};

/// A reference to an output, cut apart.
pub(super) struct Parts<'t> {
    pub node: &'t str,
    pub output: &'t str,
    pub labels: Vec<(&'t str, String)>,
}

/// Cuts `node.output`; complains with what was probably meant.
pub(super) fn read_output<'t>(
    study: &Study<'_>,
    text: &'t str,
    span: Span,
    complaints: &mut Complaints,
) -> Option<Parts<'t>> {
    let mut wrong = |hint: Option<String>| {
        let text = text.to_owned();
        complaints.add(span, SourceMistake::Syntax { text, hint });
    };
    let Some(address) = address(text) else {
        wrong(None);
        return None;
    };
    let joined = match address.labels.is_empty() {
        true => address.name.split_once('.'),
        false => address
            .rest
            .strip_prefix('.')
            .map(|output| (address.name, output)),
    };
    match joined {
        Some((node, output)) if is_plain(node) && is_plain(output) => Some(Parts {
            node,
            output,
            labels: address.labels,
        }),
        _ => {
            wrong(meant_output(study, text));
            None
        }
    }
}

/// Whether a text is probably the path of a file.
pub(super) fn looks_like_file(study: &Study<'_>, text: &str) -> bool {
    let named = |(node, extension): (&str, &str)| {
        is_extension(extension) && !study.names.contains_key(node)
    };
    !text.contains('[') && (text.contains(['/', '\\']) || text.rsplit_once('.').is_some_and(named))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', ' ', '/', '$', '[', ']'])
}

/// What was meant by a node alone, or by brackets after the output.
fn meant_output(study: &Study<'_>, text: &str) -> Option<String> {
    let (head, labels) = match text.split_once('[') {
        Some((head, labels)) => (head, format!("[{labels}")),
        None => (text, String::new()),
    };
    let (node, output) = match head.split_once('.') {
        Some((node, output)) => (node, Some(output)),
        None => (head, None),
    };
    let id = study.names.get(node)?;
    let first = study.outline(*id).signature.outputs.first();
    let output = output.or(first.map(|port| port.name.as_ref()))?;
    let labels = labels.split_inclusive(']').next().unwrap_or("");
    Some(format!("{node}{labels}.{output}"))
}

fn unknown_node(study: &Study<'_>, node: &str, complaints: &Complaints) -> SourceMistake {
    let names = study.nodes.iter().map(|outline| outline.name);
    let names = names.take(complaints.suggestions());
    let nearest = nearest(node, names.clone());
    let others = names.filter(|_| nearest.is_none());
    SourceMistake::UnknownNode {
        node: node.to_owned(),
        nodes: others.map(str::to_owned).collect(),
        nearest,
    }
}

/// The node and type of an output; complains where there is none. Silent where the node's own
/// kind is unknown, which was reported.
pub(super) fn find_output(
    study: &Study<'_>,
    node: &str,
    output: &str,
    span: Span,
    complaints: &mut Complaints,
) -> Option<(NodeId, PortType)> {
    let Some(id) = study.names.get(node).copied() else {
        let mistake = unknown_node(study, node, complaints);
        complaints.add(complaints.narrow(span, node), mistake);
        return None;
    };
    let outline = study.outline(id);
    let kind = outline.kind?;
    let outputs = &outline.signature.outputs;
    if let Some(port) = outputs.iter().find(|port| port.name == output) {
        return Some((id, port.ty.clone()));
    }
    let mistake = SourceMistake::UnknownOutput {
        node: node.to_owned(),
        kind: kind.descriptor().name.to_owned(),
        output: output.to_owned(),
        nearest: nearest(output, outputs.iter().map(|port| port.name.as_ref())),
        outputs: outputs.iter().map(|port| port.name.to_string()).collect(),
    };
    complaints.add(complaints.narrow(span, output), mistake);
    None
}

/// Complains about a label on an axis or with a value that the node doesn't have.
pub(super) fn check_label(
    given: &Outline<'_>,
    name: &str,
    value: &str,
    span: Span,
    complaints: &mut Complaints,
) {
    let Some(axis) = given.axes.iter().find(|axis| axis.name == name) else {
        let names = || given.axes.iter().map(|axis| axis.name.as_str());
        let mistake = SourceMistake::UnknownAxis {
            node: given.name.to_owned(),
            axis: name.to_owned(),
            nearest: nearest(name, names()),
            axes: names().map(str::to_owned).collect(),
        };
        return complaints.add(complaints.narrow(span, name), mistake);
    };
    let Some(mut values) = listed_keys(axis) else {
        return;
    };
    let at = given.axes.iter().position(|other| other.name == name);
    let included = given.combine.include.iter();
    values.extend(included.filter_map(|values| Some(values.get(at?)?.to_string())));
    if value.contains('$') || values.iter().any(|known| known == value) {
        return;
    }
    let mistake = SourceMistake::UnknownValue {
        node: given.name.to_owned(),
        axis: name.to_owned(),
        value: value.to_owned(),
        nearest: nearest(value, values.iter().map(String::as_str)),
        values,
    };
    complaints.add(complaints.narrow(span, value), mistake);
}

/// Outputs in the study that fit a port, those of `first` before others.
pub(super) fn fitting(
    study: &Study<'_>,
    wants: &PortType,
    taker: &Outline<'_>,
    first: Option<NodeId>,
    complaints: &Complaints,
) -> Vec<String> {
    let looked_at = complaints.suggestions();
    let first = first.map(|id| study.outline(id));
    let all = first.into_iter().chain(&study.nodes);
    let mut found: Vec<String> = Vec::new();
    for outline in all
        .filter(|outline| outline.name != taker.name)
        .take(looked_at)
    {
        for port in &outline.signature.outputs {
            let name = format!("{}.{}", outline.name, port.name);
            if wants.takes(&port.ty) && !found.contains(&name) {
                found.push(name);
            }
        }
        if found.len() > 3 {
            break;
        }
    }
    found.truncate(3);
    found
}

/// The kinds of which an output fits a port.
pub(super) fn kinds_that_give(study: &Study<'_>, wants: &PortType) -> Vec<String> {
    let gives = |kind: &&&dyn Kind| {
        let outputs = kind.descriptor().outputs;
        outputs.iter().any(|port| wants.takes(&port.ty))
    };
    let kinds = study.kinds.values().filter(gives);
    kinds
        .map(|kind| kind.descriptor().name.to_owned())
        .collect()
}
