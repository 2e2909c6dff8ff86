//! `flow diff`: what two runs gave, and from what: recipes, results, tables cell by cell.

mod rows;
mod runs;

use std::collections::BTreeSet;

use flow_contract::{Digest, Key, first_difference};
use flow_nodes::CATALOG;
use flow_store::{Entry, Store};
use serde_json::{Value as Json, json};

use crate::args::{Diff, Place};
use crate::artifact::{as_parquet, is_csv};
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::why::short;
use crate::words::{answer, answer_json};
use rows::{Table, cells};
use runs::End;

/// Compares two runs, instance by instance.
pub fn diff(place: &Place, ask: &Diff) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let (old, new) = runs::chosen(&store, ask)?;
    let names: BTreeSet<&String> = old.ends.keys().chain(new.ends.keys()).collect();
    let mut changes = Vec::new();
    let (mut equal, mut unasked) = (0, [0; 2]);
    for name in names {
        let change = match (old.ends.get(name), new.ends.get(name)) {
            (Some(_), None) if new.leaves_out_of(&old) => {
                unasked[0] += 1;
                continue;
            }
            (None, _) if old.leaves_out_of(&new) => {
                unasked[1] += 1;
                continue;
            }
            (Some(_), None) => Some(json!({"instance": name, "change": "gone"})),
            (None, _) => Some(json!({"instance": name, "change": "new"})),
            (Some(End::Made(old)), Some(End::Made(new))) => {
                compare(&store, name, (old, new), ask.tolerance)
            }
            (Some(old), Some(new)) => unmade(name, old, new),
        };
        match change {
            Some(change) => changes.push(change),
            None => equal += 1,
        }
    }
    if ask.json {
        answer_json(&json!({
            "first": old.as_json(), "second": new.as_json(), "equal": equal, "changes": changes,
            "unasked_in_second": unasked[0], "unasked_in_first": unasked[1],
        }));
        return Ok(Outcome::Done);
    }
    answer(&format!("first run   {}", old.words()));
    answer(&format!("second run  {}", new.words()));
    changes.iter().for_each(tell);
    for (count, [one, other]) in unasked
        .iter()
        .zip([["first", "second"], ["second", "first"]])
    {
        if *count > 0 {
            answer(&format!(
                "{count} only in the {one} run, not asked for in the {other}"
            ));
        }
    }
    answer(&format!("{equal} equal, {} differ", changes.len()));
    Ok(Outcome::Done)
}

/// Of an instance that one run at least has no result of; nothing where that is both.
fn unmade(name: &str, old: &End, new: &End) -> Option<Json> {
    let (change, end) = match (old, new) {
        (End::Made(_), End::Unmade(why)) => ("unmade", why),
        (End::Unmade(why), End::Made(_)) => ("made", why),
        _ => return None,
    };
    Some(json!({"instance": name, "change": change, "end": end}))
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
        let csv = (is_csv(&old.recipe, port), is_csv(&new.recipe, port));
        let (old, new) = (of(old, port), of(new, port));
        (old != new).then(|| {
            let tables = old.zip(new).and_then(|(old, new)| {
                Some((table(store, &old, csv.0)?, table(store, &new, csv.1)?))
            });
            let cells = tables.map(|(old, new)| cells(&old, &new, tolerance));
            let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
            json!({"port": port, "old": text(old), "new": text(new), "table": cells})
        })
    });
    differing.collect()
}

fn table(store: &Store, digest: &Digest, is_csv: bool) -> Option<Table> {
    let table = as_parquet(store.get(digest).ok()?, is_csv).ok()?;
    let (columns, rows) = CATALOG.table(&table).ok()?;
    Some(Table { columns, rows })
}

fn tell(change: &Json) {
    let text = |part: &Json| part.as_str().unwrap_or("nothing").to_owned();
    answer(&format!(
        "{}: {}",
        text(&change["instance"]),
        match change["change"].as_str() {
            Some("gone") => "only in the first run".to_owned(),
            Some("new") => "only in the second run".to_owned(),
            Some("unmade") => format!("{} in the second run", text(&change["end"])),
            Some("made") => format!(
                "{} in the first run, and is there now",
                text(&change["end"])
            ),
            _ => match &change["recipe"] {
                Json::Null => "its recipe differs".to_owned(),
                part => format!(
                    "`{}` was {} and is {}",
                    text(&part["part"]),
                    short(&text(&part["old"])),
                    short(&text(&part["new"]))
                ),
            },
        }
    ));
    for output in change["outputs"].as_array().into_iter().flatten() {
        let port = text(&output["port"]);
        let table = &output["table"];
        if table.is_null() {
            let what = match (output["old"].is_null(), output["new"].is_null()) {
                (true, _) => "only in the second run",
                (_, true) => "only in the first run",
                _ => "other bytes",
            };
            answer(&format!("  {port}: {what}"));
            continue;
        }
        let (cells, before, after) = (&table["cells"], &table["old_rows"], &table["new_rows"]);
        let by: Vec<String> = list(&table["matched_by"]).map(text).collect();
        let by = match by.is_empty() {
            true => "by position".to_owned(),
            false => format!("by {}", by.join(", ")),
        };
        answer(&format!(
            "  {port}: {cells} cells differ, {} rows added, {} removed ({before} rows and {after}, matched {by})",
            table["added"], table["removed"]
        ));
        for cell in list(&table["first"]) {
            let (row, column) = (text(&cell["row"]), text(&cell["column"]));
            answer(&format!(
                "    {row}: {column} {} → {}",
                cell["old"], cell["new"]
            ));
        }
        for (sign, rows) in [("+", "first_added"), ("-", "first_removed")] {
            list(&table[rows]).for_each(|row| answer(&format!("    {sign} {}", text(row))));
        }
    }
}

fn list(of: &Json) -> impl Iterator<Item = &Json> {
    of.as_array().into_iter().flatten()
}
