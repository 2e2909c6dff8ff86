//! Two tables cell by cell: rows are matched by their labels where the tables have such columns.

use std::collections::{BTreeSet, HashMap, HashSet};

use flow_contract::{Row, Value};
use serde_json::{Value as Json, json};

use crate::words::plain;

/// How many cells and rows of a table are told.
const MOST_TOLD: usize = 10;

/// A table: its columns in order, and its rows.
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// What differs by more than the tolerance, and which rows are in one table only.
pub fn cells(old: &Table, new: &Table, tolerance: f64) -> Json {
    let labels = labels(old, new);
    let (was, is) = (names(old, &labels), names(new, &labels));
    let of: HashMap<&String, &Row> = was.iter().zip(&old.rows).collect();
    let mut differing = Vec::new();
    let mut count = 0;
    for (name, after) in is.iter().zip(&new.rows) {
        let Some(before) = of.get(name) else { continue };
        let columns: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for column in columns {
            let (was, is) = (before.get(column), after.get(column));
            let pair = was.zip(is);
            if pair.is_some_and(|(was, is)| is_near(was, is, tolerance)) {
                continue;
            }
            count += 1;
            if differing.len() < MOST_TOLD {
                differing.push(json!({"row": name, "column": column,
                    "old": was.map(plain), "new": is.map(plain)}));
            }
        }
    }
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<&String> = others.iter().collect();
        let these = these.iter().filter(|name| !others.contains(name));
        these.cloned().collect()
    };
    let (added, removed) = (only(&is, &was), only(&was, &is));
    json!({
        "old_rows": old.rows.len(), "new_rows": new.rows.len(), "matched_by": labels,
        "cells": count, "added": added.len(), "removed": removed.len(), "first": differing,
        "first_added": &added[..added.len().min(MOST_TOLD)],
        "first_removed": &removed[..removed.len().min(MOST_TOLD)],
    })
}

/// The columns that name a row: of those in both tables that hold no fractions, the first so many that
/// tell all rows of either apart. None where they do not.
fn labels(old: &Table, new: &Table) -> Vec<String> {
    let has_fractions = |table: &Table, column: &str| {
        let mut rows = table.rows.iter();
        rows.any(|row| matches!(row.get(column), Some(Value::Float(_))))
    };
    let fits = |column: &&String| {
        let both = old.columns.contains(column);
        both && !has_fractions(old, column) && !has_fractions(new, column)
    };
    let mut chosen = Vec::new();
    for column in new.columns.iter().filter(fits) {
        chosen.push(column.clone());
        if [old, new].iter().all(|table| tell_apart(table, &chosen)) {
            return chosen;
        }
    }
    Vec::new()
}

fn tell_apart(table: &Table, labels: &[String]) -> bool {
    let mut seen = HashSet::with_capacity(table.rows.len());
    table.rows.iter().all(|row| seen.insert(name(row, labels)))
}

/// A name for every row: its labels, or its number.
fn names(table: &Table, labels: &[String]) -> Vec<String> {
    let rows = table.rows.iter().enumerate();
    rows.map(|(at, row)| match labels.is_empty() {
        true => format!("row {}", at + 1),
        false => name(row, labels),
    })
    .collect()
}

fn name(row: &Row, labels: &[String]) -> String {
    let pair = |label: &String| {
        let value = row.get(label).map(ToString::to_string);
        format!("{label}={}", value.unwrap_or_default())
    };
    labels.iter().map(pair).collect::<Vec<_>>().join(",")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, i64, f64)]) -> Table {
        let row = |(stage, fold, share): &(&str, i64, f64)| {
            Row::from([
                ("stage".to_owned(), Value::from(*stage)),
                ("fold".to_owned(), Value::Int(*fold)),
                ("share".to_owned(), Value::Float(*share)),
            ])
        };
        Table {
            columns: ["stage", "fold", "share"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn cells_within_the_tolerance_are_the_same() {
        let old = table(&[("W", 1, 1.0), ("R", 1, 2.0)]);
        let new = table(&[("W", 1, 1.0 + 1e-9), ("R", 1, 2.5)]);
        assert_eq!(cells(&old, &new, 1e-6)["cells"], 1);
        assert_eq!(cells(&old, &new, 0.0)["cells"], 2);
        assert_eq!(cells(&old, &new, 1e-6)["first"][0]["row"], "stage=R");
    }

    #[test]
    fn rows_are_matched_by_the_labels_it_takes_to_tell_them_apart() {
        let old = table(&[("W", 1, 1.0), ("W", 2, 2.0), ("R", 1, 3.0)]);
        let new = table(&[("W", 2, 2.0), ("R", 1, 3.5), ("N1", 1, 4.0)]);
        let told = cells(&old, &new, 0.0);
        assert_eq!(told["matched_by"], json!(["stage", "fold"]));
        assert_eq!(
            (&told["cells"], &told["added"], &told["removed"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!(told["first"][0]["row"], "stage=R,fold=1");
        assert_eq!(told["first_added"], json!(["stage=N1,fold=1"]));
        assert_eq!(told["first_removed"], json!(["stage=W,fold=1"]));
    }

    #[test]
    fn rows_without_labels_are_matched_by_position() {
        let old = table(&[("W", 1, 1.0), ("W", 1, 2.0)]);
        let new = table(&[("W", 1, 1.0), ("W", 1, 2.5), ("W", 1, 3.0)]);
        let told = cells(&old, &new, 0.0);
        assert_eq!(told["matched_by"], json!([]));
        assert_eq!((&told["cells"], &told["added"]), (&json!(1), &json!(1)));
        assert_eq!(told["first"][0]["row"], "row 2");
    }
}
