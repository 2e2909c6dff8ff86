//! `flow diff`: what two runs gave, and from what: recipes, results, tables cell by cell.

use std::collections::{BTreeMap, BTreeSet};

use flow_contract::{Catalog, Digest, Key, Row, Value, first_difference};
use flow_nodes::CATALOG;
use flow_store::{Entry, RunFile, Store};
use serde_json::{Value as Json, json};

use crate::args::{Diff, Place};
use crate::log::events;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, plain};

/// How many cells of a table are told.
const MOST_CELLS: usize = 10;

/// Compares two runs, instance by instance.
pub fn diff(place: &Place, ask: &Diff) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store()?;
    let runs = store.runs()?;
    let (old, new) = (keys(find(&runs, &ask.old)?), keys(find(&runs, &ask.new)?));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    let mut equal = 0;
    for name in names {
        let change = match (old.get(name), new.get(name)) {
            (Some(_), None) => Some(json!({"instance": name, "change": "gone"})),
            (None, _) => Some(json!({"instance": name, "change": "new"})),
            (Some(old), Some(new)) => compare(&store, name, (old, new), ask.tolerance),
        };
        match change {
            Some(change) => changes.push(change),
            None => equal += 1,
        }
    }
    if ask.json {
        answer_json(&json!({"equal": equal, "changes": changes}));
        return Ok(Outcome::Done);
    }
    changes.iter().for_each(tell);
    answer(&format!("{equal} equal, {} differ", changes.len()));
    Ok(Outcome::Done)
}

fn find<'r>(runs: &'r [RunFile], id: &str) -> Result<&'r RunFile, Refusal> {
    runs.iter().find(|run| run.id == id).ok_or_else(|| {
        Refusal::wrong(format!(
            "there is no run `{id}`\n  help: `flow log` lists the runs"
        ))
    })
}

/// The key of every instance that was done in a run.
fn keys(run: &RunFile) -> BTreeMap<String, Key> {
    let done = events(run).into_iter().filter_map(|event| {
        let is_done = event["event"] == "ran" || event["event"] == "cached";
        let key = event["key"].as_str().filter(|_| is_done)?;
        let name = event["instance"].as_str()?.to_owned();
        Some((name, Key(key.parse::<Digest>().ok()?)))
    });
    done.collect()
}

/// What differs in an instance of both runs; nothing where the key is the same.
fn compare(store: &Store, name: &str, (old, new): (&Key, &Key), tolerance: f64) -> Option<Json> {
    if old == new {
        return None;
    }
    let (Some(old), Some(new)) = (store.lookup(old), store.lookup(new)) else {
        return Some(json!({"instance": name, "change": "recipe", "outputs": [],
            "note": "a record of it was removed from the cache"}));
    };
    let recipe = first_difference(&old.recipe, &new.recipe);
    let outputs = outputs(store, &old, &new, tolerance);
    Some(json!({"instance": name, "change": "recipe", "recipe": recipe, "outputs": outputs}))
}

fn outputs(store: &Store, old: &Entry, new: &Entry, tolerance: f64) -> Vec<Json> {
    let of = |entry: &Entry, port: &str| {
        let found = entry.outputs.iter().find(|(name, ..)| name == port);
        found.map(|(_, digest, _)| *digest)
    };
    let ports: BTreeSet<&str> = [old, new]
        .into_iter()
        .flat_map(|entry| entry.outputs.iter().map(|(port, ..)| port.as_str()))
        .collect();
    let differing = ports.into_iter().filter_map(|port| {
        let (old, new) = (of(old, port), of(new, port));
        (old != new).then(|| {
            let tables = old.zip(new).and_then(|(old, new)| {
                let rows = |digest| CATALOG.rows(&store.get(digest).ok()?).ok();
                Some((rows(&old)?, rows(&new)?))
            });
            let cells = tables.map(|(old, new)| cells(&old, &new, tolerance));
            let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
            json!({"port": port, "old": text(old), "new": text(new), "table": cells})
        })
    });
    differing.collect()
}

/// The cells of two tables that differ by more than the tolerance, row by row.
fn cells(old: &[Row], new: &[Row], tolerance: f64) -> Json {
    let mut differing = Vec::new();
    let mut count = 0;
    for (row, (before, after)) in old.iter().zip(new).enumerate() {
        let columns: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for column in columns {
            let (was, is) = (before.get(column), after.get(column));
            if was
                .zip(is)
                .is_some_and(|(was, is)| is_near(was, is, tolerance))
            {
                continue;
            }
            count += 1;
            if differing.len() < MOST_CELLS {
                differing.push(json!({"row": row + 1, "column": column,
                    "old": was.map(plain), "new": is.map(plain)}));
            }
        }
    }
    json!({"old_rows": old.len(), "new_rows": new.len(), "cells": count, "first": differing})
}

/// Whether two values are the same within a share of the larger.
fn is_near(was: &Value, is: &Value, tolerance: f64) -> bool {
    match (was.as_float(), is.as_float()) {
        (Some(was), Some(is)) => {
            let both_absent = was.is_nan() && is.is_nan();
            both_absent || was == is || (was - is).abs() <= tolerance * was.abs().max(is.abs())
        }
        _ => was == is,
    }
}

fn tell(change: &Json) {
    let text = |part: &Json| part.as_str().unwrap_or("nothing").to_owned();
    answer(&format!(
        "{}: {}",
        text(&change["instance"]),
        match change["change"].as_str() {
            Some("gone") => "only in the first run".to_owned(),
            Some("new") => "only in the second run".to_owned(),
            _ => match &change["recipe"] {
                Json::Null => "its recipe differs".to_owned(),
                part => format!(
                    "`{}` was {} and is {}",
                    text(&part["part"]),
                    text(&part["old"]),
                    text(&part["new"])
                ),
            },
        }
    ));
    for output in change["outputs"].as_array().into_iter().flatten() {
        let port = text(&output["port"]);
        let table = &output["table"];
        if table.is_null() {
            answer(&format!("  {port}: other bytes"));
            continue;
        }
        let (cells, before, after) = (&table["cells"], &table["old_rows"], &table["new_rows"]);
        answer(&format!(
            "  {port}: {cells} cells differ, {before} rows and {after}"
        ));
        for cell in table["first"].as_array().into_iter().flatten() {
            let (row, column) = (&cell["row"], text(&cell["column"]));
            answer(&format!(
                "    row {row}, {column}: {} → {}",
                cell["old"], cell["new"]
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_within_the_tolerance_are_the_same() {
        let row = |share: f64| Row::from([("share".to_owned(), Value::Float(share))]);
        let (old, new) = ([row(1.0), row(2.0)], [row(1.0 + 1e-9), row(2.5)]);
        assert_eq!(cells(&old, &new, 1e-6)["cells"], 1);
        assert_eq!(cells(&old, &new, 0.0)["cells"], 2);
        assert_eq!(cells(&old, &new, 1e-6)["first"][0]["row"], 2);
    }
}
