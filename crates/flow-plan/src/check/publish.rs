//! `publish`: where outputs go below `reports/`.

use std::collections::HashMap;

use flow_contract::Value;

use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item};
use crate::mistake::{EffectMistake, SourceMistake};
use crate::nearest::nearest;
use crate::problem::Mark;
use crate::template::safe;
use crate::{Publish, Span, Template};

use super::combine::listed_keys;
use super::nodes::Draft;
use super::{Outline, Study, wrong_sort};

/// Files that flow itself writes into `reports/`.
const OWN_FILES: [&str; 2] = ["report.html", "run.json"];

/// Reads what a node publishes.
pub(super) fn read(
    study: &Study<'_>,
    outline: &Outline<'_>,
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Vec<(Publish, Span)> {
    let mut published = Vec::new();
    let Data::Table(table) = &item.data else {
        let output = outline.signature.outputs.first();
        let output = output.map_or("output", |port| &*port.name);
        let path = item.text().unwrap_or("tables/table.csv");
        let wants = format!("a table of outputs and paths, as in {{ {output} = \"{path}\" }}");
        wrong_sort(item, "`publish`", &wants, complaints);
        return published;
    };
    for entry in &table.entries {
        check_output(outline, entry, complaints);
        let paths = match &entry.item.data {
            Data::List(paths) => paths.as_slice(),
            _ => std::slice::from_ref(&entry.item),
        };
        for path in paths {
            if let Some(template) = read_path(study, outline, path, complaints) {
                let output = entry.key.to_string();
                let path_span = path.span;
                published.push((
                    Publish {
                        output,
                        path: template,
                    },
                    path_span,
                ));
            }
        }
    }
    published
}

fn check_output(outline: &Outline<'_>, entry: &Entry<'_>, complaints: &mut Complaints) {
    let Some(kind) = outline.kind else {
        return;
    };
    let outputs = || {
        outline
            .signature
            .outputs
            .iter()
            .map(|port| port.name.as_ref())
    };
    if outputs().any(|port| port == entry.key) {
        return;
    }
    let mistake = SourceMistake::UnknownOutput {
        node: outline.name.to_owned(),
        kind: kind.descriptor().name.to_owned(),
        output: entry.key.to_string(),
        nearest: nearest(&entry.key, outputs()),
        outputs: outputs().map(str::to_owned).collect(),
    };
    complaints.add(entry.key_span, mistake);
}

fn read_path(
    study: &Study<'_>,
    outline: &Outline<'_>,
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Option<Template> {
    if item.text().is_none() {
        wrong_sort(item, "a path in `publish`", "text", complaints);
        return None;
    }
    let template = study.names_of(outline).template(item, complaints)?;
    if let Some(Value::List(_)) = template.as_fixed() {
        wrong_sort(item, "a path in `publish`", "a single text", complaints);
        return None;
    }
    let written = template.written();
    let own = OWN_FILES.contains(&written.as_str());
    let why = escape(&written).or(own.then_some("flow writes this file itself"));
    if let Some(why) = why {
        let path = written.clone();
        complaints.add(item.span, EffectMistake::Escapes { path, why });
    }
    check_axes(outline, &template, item.span, complaints);
    Some(template)
}

/// Why a path leaves its folder, if it does. References count as plain names.
pub(super) fn escape(path: &str) -> Option<&'static str> {
    if path.trim().is_empty() {
        return Some("it is empty");
    }
    if path.starts_with(['/', '\\', '~']) || path.contains(":\\") {
        return Some("it is absolute");
    }
    if path.split(['/', '\\']).any(|part| part == "..") {
        return Some("`..` leads out of the folder");
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        return Some("it has an empty part");
    }
    None
}

/// Every instance needs a path of its own.
fn check_axes(outline: &Outline<'_>, path: &Template, span: Span, complaints: &mut Complaints) {
    let used = path.axes();
    let uses = |axis: usize| used.contains(&outline.axes[axis].name.as_str());
    let walks_with_used = |axis: usize| {
        let mut groups = outline.combine.zip.iter();
        groups.any(|group| group.contains(&axis) && group.iter().any(|other| uses(*other)))
    };
    let single = |axis: usize| listed_keys(&outline.axes[axis]).is_some_and(|keys| keys.len() == 1);
    let open = (0..outline.axes.len())
        .filter(|axis| !uses(*axis) && !walks_with_used(*axis) && !single(*axis));
    let axes: Vec<String> = open.map(|axis| outline.axes[axis].name.clone()).collect();
    if !axes.is_empty() {
        let path = path.written();
        return complaints.add(span, EffectMistake::Overlaps { path, axes });
    }
    for axis in outline
        .axes
        .iter()
        .filter(|axis| used.contains(&axis.name.as_str()))
    {
        let Some((one, other)) = same_names(&listed_keys(axis).unwrap_or_default()) else {
            continue;
        };
        let axis = axis.name.clone();
        complaints.add(span, EffectMistake::SameName { axis, one, other });
    }
}

/// Two values that are the same once they are safe.
fn same_names(keys: &[String]) -> Option<(String, String)> {
    let mut seen: HashMap<String, &String> = HashMap::with_capacity(keys.len());
    keys.iter().find_map(|key| {
        let before = seen.insert(safe(key), key)?;
        Some((before.clone(), key.clone()))
    })
}

/// No two outputs may go to one path.
pub(super) fn check_all(study: &Study<'_>, drafts: &[Draft], complaints: &mut Complaints) {
    let mut seen: HashMap<String, (usize, Span)> = HashMap::new();
    for (at, outline) in study.nodes.iter().enumerate() {
        for (publish, span) in &drafts[at].publish {
            let path = publish.path.written();
            let Some((_, first)) = seen.get(&path) else {
                seen.insert(path, (at, *span));
                continue;
            };
            let label = format!("also here, before `{}`", outline.name);
            let mark = Mark {
                span: *first,
                label,
            };
            complaints.add_with(*span, EffectMistake::Twice { path }, vec![mark]);
        }
    }
}
