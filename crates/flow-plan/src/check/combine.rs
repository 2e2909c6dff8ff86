//! `zip`, `exclude` and `include`.

use flow_contract::Value;

use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item, Table};
use crate::mistake::AxisMistake;
use crate::nearest::nearest;
use crate::points::MOST_POINTS;
use crate::refer::DraftAxis;
use crate::{AxisValues, Combine, NodeId};

use super::axes::fixed_names;
use super::{Study, wrong_sort};

/// Reads how the axes of a node combine.
pub(super) fn read(study: &Study<'_>, id: NodeId, complaints: &mut Complaints) -> Combine {
    let mut combine = Combine::default();
    let outline = study.outline(id);
    for entry in &outline.table.entries {
        let key = entry.key.as_ref();
        if !["zip", "exclude", "include"].contains(&key) {
            continue;
        }
        if outline.table.get("for_each").is_none() {
            let key = key.to_owned();
            complaints.add(entry.key_span, AxisMistake::NoAxes { key });
            continue;
        }
        match key {
            "zip" => combine.zip = zip(&outline.axes, &entry.item, complaints),
            "exclude" => combine.exclude = exclude(study, &outline.axes, &entry.item, complaints),
            _ => combine.include = include(study, &outline.axes, &entry.item, complaints),
        }
    }
    check_size(&outline.axes, &combine, id, study, complaints);
    combine
}

fn zip(axes: &[DraftAxis], item: &Item<'_>, complaints: &mut Complaints) -> Vec<Vec<usize>> {
    let wants = "a list of groups, as in [[\"a\", \"b\"]]";
    let Data::List(groups) = &item.data else {
        wrong_sort(item, "`zip`", wants, complaints);
        return Vec::new();
    };
    let mut walked = Vec::new();
    let mut read = Vec::new();
    for group in groups {
        match &group.data {
            Data::List(names) => {
                let group = zip_group(axes, group, names, &mut walked, complaints);
                read.extend(group);
            }
            Data::Text(_) => {
                complaints.add(item.span, AxisMistake::ZipAlone);
                break;
            }
            _ => wrong_sort(group, "a group of `zip`", wants, complaints),
        }
    }
    read
}

fn zip_group(
    axes: &[DraftAxis],
    group: &Item<'_>,
    names: &[Item<'_>],
    walked: &mut Vec<usize>,
    complaints: &mut Complaints,
) -> Option<Vec<usize>> {
    let mut read = Vec::new();
    for name in names {
        let Some(text) = name.text() else {
            wrong_sort(name, "an axis in `zip`", "the name of an axis", complaints);
            continue;
        };
        let Some(axis) = find_axis(axes, text, name.span, complaints) else {
            continue;
        };
        if walked.contains(&axis) {
            let axis = text.to_owned();
            complaints.add(name.span, AxisMistake::ZipAgain { axis });
            continue;
        }
        walked.push(axis);
        read.push(axis);
    }
    if names.len() < 2 {
        complaints.add(group.span, AxisMistake::ZipAlone);
    }
    read.sort_unstable();
    check_lengths(axes, group, &read, complaints);
    (read.len() > 1).then_some(read)
}

fn check_lengths(axes: &[DraftAxis], group: &Item<'_>, zip: &[usize], complaints: &mut Complaints) {
    let lengths = zip.iter().filter_map(|axis| match &axes[*axis].values {
        Some(AxisValues::Listed(values)) => Some((axes[*axis].name.clone(), values.len())),
        _ => None,
    });
    let lengths: Vec<(String, usize)> = lengths.collect();
    if lengths.iter().any(|(_, length)| *length != lengths[0].1) {
        complaints.add(group.span, AxisMistake::ZipLengths { axes: lengths });
    }
}

fn find_axis(
    axes: &[DraftAxis],
    name: &str,
    span: crate::Span,
    complaints: &mut Complaints,
) -> Option<usize> {
    let found = axes.iter().position(|axis| axis.name == name);
    if found.is_none() {
        let mistake = AxisMistake::Unknown {
            axis: name.to_owned(),
            nearest: nearest(name, axes.iter().map(|axis| axis.name.as_str())),
            axes: axes.iter().map(|axis| axis.name.clone()).collect(),
        };
        complaints.add(span, mistake);
    }
    found
}

/// The entries of a list of tables.
fn entries<'t>(
    item: &'t Item<'t>,
    key: &str,
    complaints: &mut Complaints,
) -> Vec<(&'t Item<'t>, &'t Table<'t>)> {
    let wants = "a list of values by axis, as in [{ fold = 3 }]";
    let Data::List(list) = &item.data else {
        wrong_sort(item, &format!("`{key}`"), wants, complaints);
        return Vec::new();
    };
    let mut tables = Vec::new();
    for entry in list {
        match &entry.data {
            Data::Table(table) => tables.push((entry, table)),
            _ => wrong_sort(
                entry,
                &format!("an entry of `{key}`"),
                "a table of values by axis",
                complaints,
            ),
        }
    }
    tables
}

/// The axis and value of one pair of an entry.
fn pair(
    study: &Study<'_>,
    axes: &[DraftAxis],
    entry: &Entry<'_>,
    complaints: &mut Complaints,
) -> Option<(usize, Value)> {
    let axis = find_axis(axes, &entry.key, entry.key_span, complaints)?;
    let value = fixed_names(study, axes).fixed(&entry.item, complaints)?;
    match value {
        Value::List(_) | Value::Map(_) => {
            let what = format!("the value on axis `{}`", entry.key);
            wrong_sort(&entry.item, &what, "a single value", complaints);
            None
        }
        value => Some((axis, value)),
    }
}

fn exclude(
    study: &Study<'_>,
    axes: &[DraftAxis],
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Vec<Vec<(usize, Value)>> {
    let mut excluded = Vec::new();
    for (_, table) in entries(item, "exclude", complaints) {
        let mut pairs = Vec::new();
        for entry in &table.entries {
            let Some((axis, value)) = pair(study, axes, entry, complaints) else {
                continue;
            };
            if !study.overridden {
                check_value(&axes[axis], &value, entry, complaints);
            }
            pairs.push((axis, value));
        }
        excluded.push(pairs);
    }
    excluded
}

/// A value that isn't there would exclude nothing, silently.
fn check_value(axis: &DraftAxis, value: &Value, entry: &Entry<'_>, complaints: &mut Complaints) {
    let Some(keys) = listed_keys(axis) else {
        return;
    };
    let value = value.to_string();
    if keys.contains(&value) {
        return;
    }
    let mistake = AxisMistake::UnknownValue {
        axis: axis.name.clone(),
        nearest: nearest(&value, keys.iter().map(String::as_str)),
        value,
        values: keys,
    };
    complaints.add(entry.item.span, mistake);
}

/// The values of an axis as they are addressed, where they are written out.
pub(super) fn listed_keys(axis: &DraftAxis) -> Option<Vec<String>> {
    let Some(AxisValues::Listed(values)) = &axis.values else {
        return None;
    };
    let key = |value: &Value| match value {
        Value::Map(row) => row.get(&axis.name).map(ToString::to_string),
        value => Some(value.to_string()),
    };
    Some(values.iter().filter_map(key).collect())
}

fn include(
    study: &Study<'_>,
    axes: &[DraftAxis],
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Vec<Vec<Value>> {
    let mut included = Vec::new();
    for (item, table) in entries(item, "include", complaints) {
        let before = complaints.count();
        let mut values: Vec<Option<Value>> = vec![None; axes.len()];
        for entry in &table.entries {
            if let Some((axis, value)) = pair(study, axes, entry, complaints) {
                values[axis] = Some(value);
            }
        }
        let open = axes
            .iter()
            .zip(&values)
            .filter(|(_, value)| value.is_none());
        let missing: Vec<String> = open.map(|(axis, _)| axis.name.clone()).collect();
        if !missing.is_empty() && complaints.count() == before {
            complaints.add(item.span, AxisMistake::Incomplete { missing });
        }
        included.extend(values.into_iter().collect::<Option<Vec<Value>>>());
    }
    included
}

/// Counts the instances of listed axes before anybody tries to write them out.
fn check_size(
    axes: &[DraftAxis],
    combine: &Combine,
    id: NodeId,
    study: &Study<'_>,
    complaints: &mut Complaints,
) {
    let leads = |axis: usize| !combine.zip.iter().any(|group| group[1..].contains(&axis));
    let lengths = axes.iter().enumerate().filter(|(at, _)| leads(*at));
    let lengths = lengths.filter_map(|(_, axis)| match &axis.values {
        Some(AxisValues::Listed(values)) => Some(values.len()),
        _ => None,
    });
    let product = lengths.fold(1usize, usize::saturating_mul);
    if product > MOST_POINTS {
        let span = study
            .outline(id)
            .table
            .get("for_each")
            .map(|item| item.span);
        let span = span.unwrap_or(study.outline(id).span);
        complaints.add(span, AxisMistake::TooMany { most: MOST_POINTS });
    }
}
