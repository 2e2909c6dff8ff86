//! `flow diff`: what two runs gave, and from what: recipes, results, tables cell by cell.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use flow_contract::{Digest, Key, first_difference};
use flow_nodes::CATALOG;
use flow_store::{Entry, RunFile, Store};
use serde_json::{Value as Json, json};

use crate::args::{Diff, Place};
use crate::artifact::{as_parquet, is_csv};
use crate::log::events;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::why::short;
use crate::words::{answer, answer_json};
use rows::{Table, cells};

/// Compares two runs, instance by instance.
pub fn diff(place: &Place, ask: &Diff) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let of = |id: &Option<String>, back| find(&store, id.as_deref(), back).map(|run| keys(&run));
    let (old, new) = (of(&ask.old, 1)?, of(&ask.new, 0)?);
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

/// The journal of a run, or of the run whose results it found; without a name the last but so many
/// of those with a journal.
fn find(store: &Store, id: Option<&str>, back: usize) -> Result<RunFile, Refusal> {
    let Some(id) = id else {
        let last = store.runs()?.into_iter().nth_back(back);
        return last.ok_or_else(|| Refusal::wrong("there are no two runs to compare yet"));
    };
    let repeats = store.repeats()?;
    let repeat = repeats.into_iter().find(|run| run.id == id);
    let whole = repeat.map_or_else(|| id.to_owned(), |run| run.of);
    let mut runs = store.runs()?.into_iter();
    runs.find(|run| run.id == whole).ok_or_else(|| {
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
