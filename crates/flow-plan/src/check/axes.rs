//! `for_each`.

use flow_contract::{Form, Value};

use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item};
use crate::mistake::{AxisMistake, FileMistake, ParamMistake, SourceMistake};
use crate::refer::{DraftAxis, Names};
use crate::template::is_word;
use crate::{AxisValues, NodeId, Span, range};

use super::{Study, combine, outputs, sources};

/// Reads the axes of all nodes, then what combines them.
pub(super) fn read_all(study: &mut Study<'_>, complaints: &mut Complaints) {
    for at in 0..study.nodes.len() {
        let axes = read_node(study, NodeId(at as u32), complaints);
        study.nodes[at].axes = axes;
    }
    for at in 0..study.nodes.len() {
        check_rows(study, NodeId(at as u32), complaints);
        study.nodes[at].combine = combine::read(study, NodeId(at as u32), complaints);
    }
}

fn read_node(study: &Study<'_>, id: NodeId, complaints: &mut Complaints) -> Vec<DraftAxis> {
    let Some(item) = study.outline(id).table.get("for_each") else {
        return Vec::new();
    };
    let Data::Table(table) = &item.data else {
        let wants = "a table of axes, as in { fold = \"0..10\" }";
        super::wrong_sort(item, "`for_each`", wants, complaints);
        return Vec::new();
    };
    // Known by name only, to tell that an axis can't refer to another.
    let open: Vec<DraftAxis> = table.entries.iter().map(open_axis).collect();
    let names = fixed_names(study, &open);
    let entries = table.entries.iter();
    entries
        .map(|entry| read_axis(study, entry, names, complaints))
        .collect()
}

fn open_axis(entry: &Entry<'_>) -> DraftAxis {
    DraftAxis {
        name: entry.key.to_string(),
        span: entry.item.span,
        values: None,
        value_spans: Vec::new(),
    }
}

fn read_axis(
    study: &Study<'_>,
    entry: &Entry<'_>,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> DraftAxis {
    let name = entry.key.to_string();
    if !is_word(&name) {
        complaints.add(
            entry.key_span,
            FileMistake::BadName {
                what: "an axis",
                name,
            },
        );
    }
    let mut axis = open_axis(entry);
    let before = complaints.count();
    let values = match &entry.item.data {
        Data::List(items) => listed(names, &axis.name, items, complaints),
        Data::Text(text) => text_axis(study, &axis, text, names, complaints),
        Data::Table(_) => files(study, &entry.item, names, complaints),
        _ => {
            let what = format!("axis `{}`", axis.name);
            let wants = "a list, a range, the rows of \"node.output\", or { files = \"…\" }";
            super::wrong_sort(&entry.item, &what, wants, complaints);
            None
        }
    };
    let Some(Written { values, spans }) = values else {
        return axis;
    };
    if let AxisValues::Listed(values) = &values
        && complaints.count() == before
    {
        check_listed(&axis, values, &spans, complaints);
    }
    if complaints.count() == before {
        axis.values = Some(values);
        axis.value_spans = spans;
    }
    axis
}

/// Values with their places.
struct Written {
    values: AxisValues,
    spans: Vec<Span>,
}

impl Written {
    fn listed(values: Vec<Value>, span: Span) -> Self {
        Self {
            spans: vec![span; values.len()],
            values: AxisValues::Listed(values),
        }
    }
}

/// Entries of a list; a text with a list param in it stands for several.
fn listed(
    names: Names<'_>,
    axis: &str,
    items: &[Item<'_>],
    complaints: &mut Complaints,
) -> Option<Written> {
    let (mut values, mut spans) = (Vec::new(), Vec::new());
    for item in items {
        let found = match &item.data {
            Data::Text(text) => {
                let expanded = names.expand(text, item.span, complaints);
                expanded.map(|expanded| expanded.values)
            }
            Data::Table(_) => names.fixed(item, complaints).map(|row| vec![row]),
            Data::List(_) => {
                let what = format!("an entry of axis `{axis}`");
                super::wrong_sort(item, &what, "a value or a row { … }", complaints);
                None
            }
            _ => item.value().map(|value| vec![value]),
        };
        let found = found.unwrap_or_default();
        spans.extend(found.iter().map(|_| item.span));
        values.extend(found);
    }
    Some(Written {
        values: AxisValues::Listed(values),
        spans,
    })
}

/// A range, a list param, or the rows of a table.
fn text_axis(
    study: &Study<'_>,
    axis: &DraftAxis,
    text: &str,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<Written> {
    let span = axis.span;
    let expanded = names.expand(text, span, complaints)?;
    let referred = text.contains('$');
    let single = match expanded.values.as_slice() {
        [Value::Text(single)] if !expanded.many => single.as_str(),
        _ => return Some(Written::listed(expanded.values, span)),
    };
    match range::values(single) {
        Some(Ok(values)) => return Some(Written::listed(values, span)),
        Some(Err(why)) => {
            let text = single.to_owned();
            complaints.add(span, ParamMistake::Range { text, why });
            return None;
        }
        None if referred => return Some(Written::listed(expanded.values, span)),
        None => {}
    }
    if !looks_like_output(single) {
        let mistake = AxisMistake::Text {
            axis: axis.name.clone(),
            text: single.to_owned(),
        };
        complaints.add(span, mistake);
        return None;
    }
    rows(study, single, span, complaints)
}

/// Two names with a dot between them.
fn looks_like_output(text: &str) -> bool {
    let name = |part: &str| {
        let known = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        !part.is_empty() && part.chars().all(known)
    };
    text.split_once('.')
        .is_some_and(|(node, output)| name(node) && name(output))
}

fn rows(study: &Study<'_>, text: &str, span: Span, complaints: &mut Complaints) -> Option<Written> {
    let (node, output) = text.split_once('.')?;
    let (node, ty) = outputs::find_output(study, node, output, span, complaints)?;
    let many = study.outline(node).many.iter().any(|port| port == output);
    if ty.form != Form::Table && !many {
        let source = text.to_owned();
        complaints.add(span, AxisMistake::NotTable { source, ty });
        return None;
    }
    let output = output.to_owned();
    Some(Written {
        values: AxisValues::Rows { node, output },
        spans: Vec::new(),
    })
}

fn files(
    study: &Study<'_>,
    item: &Item<'_>,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<Written> {
    let Data::Table(table) = &item.data else {
        return None;
    };
    for entry in &table.entries {
        if entry.key != "files" {
            super::unknown_key(entry, "an axis of files", &["files"], complaints);
        }
    }
    let Some(pattern) = table.get("files") else {
        if table.entries.is_empty() {
            complaints.add(item.span, SourceMistake::NotAFile);
        }
        return None;
    };
    if pattern.text().is_none() {
        super::wrong_sort(
            pattern,
            "`files`",
            "a pattern such as \"data/*.edf\"",
            complaints,
        );
        return None;
    }
    let template = names.template(pattern, complaints)?;
    sources::check_file(study, &template, pattern.span, complaints);
    Some(Written {
        values: AxisValues::Files(template),
        spans: Vec::new(),
    })
}

/// Listed values must be there, be able to name an instance, and each stand once.
fn check_listed(axis: &DraftAxis, values: &[Value], spans: &[Span], complaints: &mut Complaints) {
    if values.is_empty() {
        let axis_name = axis.name.clone();
        return complaints.add(axis.span, AxisMistake::Empty { axis: axis_name });
    }
    let mut seen = std::collections::HashSet::with_capacity(values.len());
    for (value, span) in values.iter().zip(spans) {
        let key = match value {
            Value::Map(row) => row.get(&axis.name),
            value => Some(value),
        };
        match key {
            Some(Value::List(_) | Value::Map(_) | Value::Null) | None => {
                let mistake = AxisMistake::NoKey {
                    axis: axis.name.clone(),
                    columns: value
                        .as_map()
                        .map_or_else(Vec::new, |r| r.keys().cloned().collect()),
                };
                complaints.add(*span, mistake);
            }
            Some(key) if !seen.insert(key.to_string()) => {
                let mistake = AxisMistake::Twice {
                    axis: axis.name.clone(),
                    value: key.to_string(),
                };
                complaints.add(*span, mistake);
            }
            Some(_) => {}
        }
    }
}

/// The table that gives rows must be one table.
fn check_rows(study: &Study<'_>, id: NodeId, complaints: &mut Complaints) {
    for at in 0..study.outline(id).axes.len() {
        let axis = &study.outline(id).axes[at];
        let Some(AxisValues::Rows { node, output }) = &axis.values else {
            continue;
        };
        let source = study.outline(*node);
        if source.axes.is_empty() || *node == id {
            continue;
        }
        let mistake = AxisMistake::Swept {
            source: format!("{}.{output}", source.name),
            axes: source.axes.iter().map(|axis| axis.name.clone()).collect(),
        };
        complaints.add(axis.span, mistake);
    }
}

/// The names that `zip`, `exclude` and `include` may refer to.
pub(super) fn fixed_names<'s>(study: &'s Study<'_>, axes: &'s [DraftAxis]) -> Names<'s> {
    Names {
        params: &study.params,
        axes,
        vary: false,
    }
}
