//! `flow compare`: a number of a table along the axis that was swept.

mod figure;
mod group;

use flow_contract::{Catalog, Row, Value};
use flow_nodes::CATALOG;
use serde_json::json;

use crate::args::{Compare, Place};
use crate::artifact::{Artifact, artifacts, as_parquet};
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, note};
use group::{Group, groups};

/// A row of a table with where the table stands.
pub struct Located {
    /// Values by axis, swept param or column.
    pub row: Row,
}

/// Tabulates a metric over an axis.
pub fn compare(place: &Place, compare: &Compare) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let (name, column) = compare
        .metric
        .rsplit_once('.')
        .ok_or_else(|| unsaid(&compare.metric))?;
    let rows = rows(&study, name)?;
    let groups = groups(&rows, column, compare).map_err(|refusal| {
        let lacks_column = rows.iter().all(|one| !one.row.contains_key(column));
        match lacks_column && is_output(&study, name, column) {
            true => unsaid(&compare.metric),
            false => refusal,
        }
    })?;
    if let Some(path) = &compare.figure {
        figure::draw(&groups, compare, path)?;
        note(&format!("wrote   {}", path.display()));
    }
    match (compare.json, compare.csv) {
        (true, _) => answer_json(
            &groups
                .iter()
                .map(|group| as_json(group, compare))
                .collect::<Vec<_>>(),
        ),
        (_, true) => table(&groups, compare)
            .iter()
            .for_each(|line| answer(&csv(line))),
        _ => aligned(&table(&groups, compare)),
    }
    Ok(Outcome::Done)
}

fn unsaid(metric: &str) -> Refusal {
    Refusal::wrong(format!(
        "`{metric}` names no column\n  help: write `node.output.column`, as in `scores.scores.value`; `flow show node.output` lists columns"
    ))
}

/// Whether a node has an output of a name, so that the column was forgotten.
fn is_output(study: &Study, node: &str, output: &str) -> bool {
    let targets = study.plan.targets(node).unwrap_or_default();
    targets.iter().any(|target| {
        let outputs = &study.plan.node(target.node).signature.outputs;
        outputs.iter().any(|port| port.name == output)
    })
}

/// All rows of an output, of every instance that is up to date.
fn rows(study: &Study, name: &str) -> Result<Vec<Located>, Refusal> {
    let store = study.store()?;
    let mut located = Vec::new();
    let mut missing = Vec::new();
    for artifact in artifacts(study, &store, name)? {
        let (digest, _) = match &artifact.found {
            Ok(found) => found,
            Err(why) => {
                missing.push(format!("{}: {why}", artifact.name));
                continue;
            }
        };
        let content = store.get(digest).map_err(Refusal::failed)?;
        let table = as_parquet(content, artifact.is_csv);
        let table = table
            .and_then(|table| CATALOG.rows(&table))
            .map_err(|why| {
                Refusal::wrong(format!(
                    "`{}` is {}, not a table: {why}",
                    artifact.name, artifact.ty
                ))
            })?;
        let place = place_of(study, &artifact);
        located.extend(table.into_iter().map(|row| at(&place, row)));
    }
    if located.is_empty() {
        let first = missing
            .first()
            .map_or("its tables have no rows", String::as_str);
        return Err(Refusal::wrong(format!(
            "there is nothing to compare yet: {first}"
        )));
    }
    missing
        .iter()
        .for_each(|why| note(&format!("left out {why}")));
    Ok(located)
}

/// The axes and swept params an artifact stands at; one of many files of an output also at its name, `file`.
fn place_of(study: &Study, artifact: &Artifact) -> Row {
    let labels = artifact.labels.iter();
    let mut place: Row = labels
        .map(|(axis, value)| (axis.to_owned(), value.clone()))
        .collect();
    if let Some((_, file)) = artifact.output.split_once('/') {
        place.insert("file".to_owned(), Value::from(file));
    }
    if let Some(id) = study.plan.by_name(&artifact.node) {
        let swept = study.plan.node(id).swept.iter();
        place.extend(swept.map(|(param, value)| (param.clone(), Value::from(value.as_str()))));
    }
    place
}

/// A column keeps its name; the axis of that name says the same.
fn at(place: &Row, row: Row) -> Located {
    let mut all = place.clone();
    all.extend(row);
    Located { row: all }
}

fn table(groups: &[Group], compare: &Compare) -> Vec<Vec<String>> {
    let mut head = vec![compare.over.clone()];
    head.extend(compare.by.iter().cloned());
    head.extend(["n", "mean", "sd", "least", "greatest"].map(str::to_owned));
    let mut lines = vec![head];
    for group in groups {
        let mut line = vec![group.over.clone()];
        line.extend(group.by.iter().cloned());
        line.push(group.n.to_string());
        let sd = group.sd.map_or_else(String::new, short);
        line.extend([
            short(group.mean),
            sd,
            short(group.least),
            short(group.greatest),
        ]);
        lines.push(line);
    }
    lines
}

/// Six significant digits; the JSON has all of them.
fn short(value: f64) -> String {
    let text = format!("{value:.5e}");
    text.parse::<f64>()
        .map_or(text, |rounded| rounded.to_string())
}

fn csv(cells: &[String]) -> String {
    let quoted = cells
        .iter()
        .map(|cell| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        });
    quoted.collect::<Vec<_>>().join(",")
}

/// Words to the left, numbers to the right.
fn aligned(lines: &[Vec<String>]) {
    let count = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for line in lines {
        let cells = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| match at + 5 < count {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            });
        answer(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn as_json(group: &Group, compare: &Compare) -> serde_json::Value {
    let mut object = json!({
        "n": group.n, "mean": group.mean, "sd": group.sd, "least": group.least, "greatest": group.greatest,
    });
    object[&compare.over] = json!(group.over);
    for (name, value) in compare.by.iter().zip(&group.by) {
        object[name] = json!(value);
    }
    object
}
