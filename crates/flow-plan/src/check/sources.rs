//! What is connected to the ports of a node.

use std::borrow::Cow;

use flow_contract::{Arity, Form, InputPort, Kind, PortType, Value};

use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item, Table};
use crate::mistake::{NodeMistake, SourceMistake};
use crate::{AxisValues, Binding, NodeId, Source, Span, Template};

use super::nodes::{Draft, check_port_name, takes};
use super::outputs::{
    Parts, check_label, find_output, fitting, kinds_that_give, looks_like_file, read_output,
};
use super::{Outline, Study, wrong_sort};

/// A port with what is written for it.
struct Port<'p> {
    name: &'p str,
    ty: PortType,
    /// `None` for a port the node declares: as many as are given.
    arity: Option<Arity>,
    doc: &'p str,
}

/// Connects the ports of the kind and those that the node declares.
pub(super) fn connect_all(
    study: &Study<'_>,
    outline: &Outline<'_>,
    kind: &dyn Kind,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    let descriptor = kind.descriptor();
    for port in descriptor.inputs {
        let wanted = Port {
            name: &port.name,
            ty: port.ty.clone(),
            arity: Some(port.arity),
            doc: port.doc,
        };
        match outline.table.get(&port.name) {
            Some(item) => {
                connect(study, outline, &wanted, item, draft, complaints);
            }
            None if port.arity == Arity::One => {
                let mistake = missing(study, outline, descriptor.name, port, complaints);
                complaints.add(outline.span, mistake);
            }
            None => {}
        }
    }
    let declared = outline.table.get("inputs");
    if let Some(item) = declared.filter(|_| descriptor.open_ports) {
        declare_all(study, outline, item, draft, complaints);
    }
}

fn missing(
    study: &Study<'_>,
    outline: &Outline<'_>,
    kind: &str,
    port: &InputPort,
    complaints: &Complaints,
) -> SourceMistake {
    SourceMistake::Missing {
        kind: kind.to_owned(),
        port: port.name.to_string(),
        ty: port.ty.clone(),
        doc: port.doc.to_owned(),
        fitting: fitting(study, &port.ty, outline, None, complaints),
    }
}

fn declare_all(
    study: &Study<'_>,
    outline: &Outline<'_>,
    item: &Item<'_>,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    let Some(table) = super::table(item, "`inputs`", complaints) else {
        return;
    };
    for entry in &table.entries {
        declare(study, outline, entry, draft, complaints);
    }
}

fn declare(
    study: &Study<'_>,
    outline: &Outline<'_>,
    entry: &Entry<'_>,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    check_port_name(entry, complaints);
    let signature = &outline.signature;
    let by = if signature.inputs.iter().any(|port| port.name == entry.key) {
        Some("an input of the kind")
    } else if signature.outputs.iter().any(|port| port.name == entry.key) {
        Some("an output of this node")
    } else {
        None
    };
    if let Some(by) = by {
        let port = entry.key.to_string();
        return complaints.add(entry.key_span, NodeMistake::PortTaken { port, by });
    }
    let wanted = Port {
        name: &entry.key,
        ty: PortType::new("any", Form::File),
        arity: None,
        doc: "declared in the study",
    };
    let arity = connect(study, outline, &wanted, &entry.item, draft, complaints);
    draft.declared.push(InputPort {
        name: Cow::Owned(entry.key.to_string()),
        ty: wanted.ty,
        arity,
        doc: "declared in the study",
    });
}

/// Connects one port; gives its arity.
fn connect(
    study: &Study<'_>,
    outline: &Outline<'_>,
    port: &Port<'_>,
    item: &Item<'_>,
    draft: &mut Draft,
    complaints: &mut Complaints,
) -> Arity {
    let items = match &item.data {
        Data::List(items) => items.as_slice(),
        _ => std::slice::from_ref(item),
    };
    let several = matches!(item.data, Data::List(_));
    if several && matches!(port.arity, Some(Arity::One | Arity::Optional)) {
        let mistake = SourceMistake::Several {
            port: port.name.to_owned(),
            sources: items.len(),
        };
        complaints.add(item.span, mistake);
        return Arity::One;
    }
    let mut gathers = several;
    let mut sources = Vec::new();
    for item in items {
        if let Some(found) = source(study, outline, port, item, complaints) {
            gathers |= found.gathers;
            if let Source::Output { node, .. } = &found.source {
                draft.connected.push((*node, item.span));
            }
            sources.push(found.source);
        }
    }
    let counted = match gathers {
        true => Arity::Many,
        false => Arity::One,
    };
    let arity = port.arity.unwrap_or(counted);
    if !sources.is_empty() {
        draft.bindings.push(Binding {
            port: port.name.to_owned(),
            arity,
            sources,
        });
    }
    arity
}

/// A source, and whether it may give several artifacts to one instance.
struct Found {
    source: Source,
    gathers: bool,
}

fn source(
    study: &Study<'_>,
    outline: &Outline<'_>,
    port: &Port<'_>,
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Option<Found> {
    match &item.data {
        Data::Text(text) => output(study, outline, port, text, item.span, complaints),
        Data::Table(table) => file(study, outline, port, item, table, complaints),
        _ => {
            let what = format!("port `{}`", port.name);
            let wants = "\"node.output\" or { file = \"path\" }";
            wrong_sort(item, &what, wants, complaints);
            None
        }
    }
}

fn file(
    study: &Study<'_>,
    outline: &Outline<'_>,
    port: &Port<'_>,
    item: &Item<'_>,
    table: &Table<'_>,
    complaints: &mut Complaints,
) -> Option<Found> {
    let (mut known, mut strange) = (None, None);
    for entry in &table.entries {
        match entry.key.as_ref() {
            "file" | "files" if known.is_none() => known = Some(entry),
            _ => strange = Some(entry),
        }
    }
    if let Some(entry) = strange {
        super::unknown_key(entry, "a file on a port", &["file", "files"], complaints);
    }
    let Some(entry) = known else {
        if strange.is_none() {
            complaints.add(item.span, SourceMistake::NotAFile);
        }
        return None;
    };
    if entry.item.text().is_none() {
        wrong_sort(
            &entry.item,
            &format!("`{}`", entry.key),
            "a path",
            complaints,
        );
        return None;
    }
    let template = study.names_of(outline).template(&entry.item, complaints)?;
    check_file(study, &template, entry.item.span, complaints);
    if entry.key == "file" {
        return Some(Found {
            source: Source::File(template),
            gathers: false,
        });
    }
    if matches!(port.arity, Some(Arity::One | Arity::Optional)) {
        let port = port.name.to_owned();
        complaints.add(entry.key_span, SourceMistake::FilesOnOne { port });
    }
    Some(Found {
        source: Source::Files(template),
        gathers: true,
    })
}

/// A file must be a single path that isn't one of flow's own results.
pub(super) fn check_file(
    study: &Study<'_>,
    template: &Template,
    span: Span,
    complaints: &mut Complaints,
) {
    if let Some(value @ (Value::List(_) | Value::Map(_))) = template.as_fixed() {
        let found = value.sort().to_owned();
        return super::complain_of_sort(span, "a file", "a single path", found, complaints);
    }
    let path = template.written();
    let path = path.trim_start_matches("./");
    for folder in [&study.head.cache, &study.head.reports] {
        if std::path::Path::new(path).starts_with(folder) {
            let mistake = SourceMistake::ResultAsFile {
                path: path.to_owned(),
                folder: folder.display().to_string(),
            };
            complaints.add(span, mistake);
        }
    }
}

/// `node.output` or `node[axis=value].output`.
fn output(
    study: &Study<'_>,
    outline: &Outline<'_>,
    port: &Port<'_>,
    text: &str,
    span: Span,
    complaints: &mut Complaints,
) -> Option<Found> {
    if looks_like_file(study, text) {
        let text = text.to_owned();
        complaints.add(span, SourceMistake::LooksLikeFile { text });
        return None;
    }
    let parts = read_output(study, text, span, complaints)?;
    let (id, ty) = find_output(study, parts.node, parts.output, span, complaints)?;
    let given = study.outline(id);
    if !takes(&port.ty, &ty) {
        let mistake = SourceMistake::Type {
            node: outline.name.to_owned(),
            port: port.name.to_owned(),
            wants: port.ty.clone(),
            source: format!("{}.{}", parts.node, parts.output),
            gives: ty,
            doc: port.doc.to_owned(),
            fitting: fitting(study, &port.ty, outline, Some(id), complaints),
            kinds: kinds_that_give(study, &port.ty),
        };
        complaints.add(span, mistake);
        return None;
    }
    let select = select(study, outline, given, &parts.labels, span, complaints);
    let gathers = check_axes(outline, given, port, &parts, span, complaints)
        | gathers_files(outline, (id, given), port, &parts, span, complaints);
    Some(Found {
        source: Source::Output {
            node: id,
            output: parts.output.to_owned(),
            select,
        },
        gathers,
    })
}

/// Whether all files of an output come together: it gives many, and the node has no axis of them.
fn gathers_files(
    outline: &Outline<'_>,
    (id, given): (NodeId, &Outline<'_>),
    port: &Port<'_>,
    parts: &Parts<'_>,
    span: Span,
    complaints: &mut Complaints,
) -> bool {
    let own = AxisValues::Rows {
        node: id,
        output: parts.output.to_owned(),
    };
    let is_axis = outline
        .axes
        .iter()
        .any(|axis| axis.values.as_ref() == Some(&own));
    if is_axis || !given.many.iter().any(|port| port == parts.output) {
        return false;
    }
    if matches!(port.arity, Some(Arity::One | Arity::Optional)) {
        let source = format!("{}.{}", given.name, parts.output);
        let mistake = SourceMistake::NotGathered {
            node: outline.name.to_owned(),
            port: port.name.to_owned(),
            axes: vec!["file".to_owned()],
            same: Some(format!("file = \"{source}\"")),
            source,
        };
        complaints.add(span, mistake);
    }
    true
}

/// The values in brackets; each must be on an axis of the node, and among its values if these are
/// written out.
fn select(
    study: &Study<'_>,
    outline: &Outline<'_>,
    given: &Outline<'_>,
    labels: &[(&str, String)],
    span: Span,
    complaints: &mut Complaints,
) -> Vec<(String, Template)> {
    let mut select = Vec::new();
    for (name, value) in labels {
        check_label(given, name, value, span, complaints);
        if let Some(template) = study.names_of(outline).text(value, span, complaints) {
            select.push(((*name).to_owned(), template));
        }
    }
    select
}

/// Matches the axes of the two nodes; gives whether artifacts of several instances come together.
fn check_axes(
    outline: &Outline<'_>,
    given: &Outline<'_>,
    port: &Port<'_>,
    parts: &Parts<'_>,
    span: Span,
    complaints: &mut Complaints,
) -> bool {
    let mut lacking = Vec::new();
    for axis in &given.axes {
        if parts.labels.iter().any(|(name, _)| *name == axis.name) {
            continue;
        }
        let Some(own) = outline.axes.iter().find(|own| own.name == axis.name) else {
            lacking.push(axis);
            continue;
        };
        if own.values.is_some() && axis.values.is_some() && own.values != axis.values {
            let mistake = SourceMistake::OtherValues {
                node: outline.name.to_owned(),
                source: given.name.to_owned(),
                axis: axis.name.clone(),
                output: parts.output.to_owned(),
            };
            complaints.add(span, mistake);
        }
    }
    if !lacking.is_empty() && matches!(port.arity, Some(Arity::One | Arity::Optional)) {
        let written = lacking.iter().map(|axis| {
            Some(format!(
                "{} = {}",
                axis.name,
                complaints.written(axis.span)?
            ))
        });
        let same: Option<Vec<String>> = written.collect();
        let mistake = SourceMistake::NotGathered {
            node: outline.name.to_owned(),
            port: port.name.to_owned(),
            source: format!("{}.{}", given.name, parts.output),
            axes: lacking.iter().map(|axis| axis.name.clone()).collect(),
            same: same.map(|same| same.join(", ")),
        };
        complaints.add(span, mistake);
    }
    !lacking.is_empty()
}
