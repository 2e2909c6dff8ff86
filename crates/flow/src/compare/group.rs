//! Rows gathered by where they stand.

use std::collections::{BTreeSet, HashMap};

use flow_contract::{Row, Value};

use super::Located;
use crate::args::Compare;
use crate::outcome::Refusal;
use crate::words::note;

/// What the rows at one place say.
#[derive(Debug, PartialEq)]
pub struct Group {
    /// The value on the axis.
    pub over: String,
    /// The values of the columns that tell groups apart.
    pub by: Vec<String>,
    /// How many rows.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation with n − 1; `None` for one row.
    pub sd: Option<f64>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

/// Gathers the numbers of a column, in the order in which the places first come.
///
/// # Errors
/// A name that is no axis, param or column; a column without numbers; a filter that leaves nothing.
pub fn groups(rows: &[Located], column: &str, compare: &Compare) -> Result<Vec<Group>, Refusal> {
    let filters = compare.only.iter().map(|(name, _)| name.as_str());
    let names = [column, &compare.over].into_iter();
    for name in names
        .chain(compare.by.iter().map(String::as_str))
        .chain(filters)
    {
        known(rows, name)?;
    }
    let mut order: Vec<(String, Vec<String>)> = Vec::new();
    let mut numbers: HashMap<(String, Vec<String>), Vec<f64>> = HashMap::new();
    let mut told = HashMap::new();
    for Located { row } in rows.iter().filter(|one| meant(&one.row, compare)) {
        let Some(number) = number(row, column)? else {
            continue;
        };
        let text = |name: &String| row.get(name).map(Value::to_string).unwrap_or_default();
        let key = (
            text(&compare.over),
            compare.by.iter().map(text).collect::<Vec<_>>(),
        );
        if !numbers.contains_key(&key) {
            order.push(key.clone());
        }
        numbers.entry(key).or_default().push(number);
        gather_words(row, compare, &mut told);
    }
    if order.is_empty() {
        return Err(Refusal::wrong(format!(
            "no row has a number in `{column}`{}",
            match compare.only.is_empty() {
                true => "",
                false => " where `--where` says",
            }
        )));
    }
    say_what_is_averaged(&told);
    let groups = order.into_iter().map(|key| {
        let numbers = numbers.remove(&key).unwrap_or_default();
        summed(key, &numbers)
    });
    Ok(groups.collect())
}

fn known(rows: &[Located], name: &str) -> Result<(), Refusal> {
    if rows.iter().any(|one| one.row.contains_key(name)) {
        return Ok(());
    }
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(|one| one.row.keys())
        .map(String::as_str)
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    Err(Refusal::wrong(format!(
        "there is no axis, swept param or column `{name}`\n  help: there are {}",
        names.join(", ")
    )))
}

fn meant(row: &Row, compare: &Compare) -> bool {
    let same = |(name, wanted): &(String, String)| {
        row.get(name)
            .is_some_and(|value| value.to_string() == *wanted)
    };
    compare.only.iter().all(same)
}

/// The number of a row; an empty cell has none.
fn number(row: &Row, column: &str) -> Result<Option<f64>, Refusal> {
    match row.get(column) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Int(int)) => Ok(Some(*int as f64)),
        Some(Value::Float(float)) => Ok(Some(*float).filter(|float| !float.is_nan())),
        Some(other) => {
            let numbers = row
                .iter()
                .filter(|(_, value)| matches!(value, Value::Int(_) | Value::Float(_)));
            let names: Vec<&str> = numbers.map(|(name, _)| name.as_str()).collect();
            Err(Refusal::wrong(format!(
                "`{column}` holds {}, not numbers\n  help: numbers are in {}",
                other.sort(),
                names.join(", ")
            )))
        }
    }
}

/// Remembers the words of columns that are averaged over.
fn gather_words(row: &Row, compare: &Compare, told: &mut HashMap<String, BTreeSet<String>>) {
    for (name, value) in row {
        let text = matches!(value, Value::Text(_));
        if text && *name != compare.over && !compare.by.contains(name) {
            told.entry(name.clone())
                .or_default()
                .insert(value.to_string());
        }
    }
}

/// A mean over different things is easily taken for one of them.
fn say_what_is_averaged(told: &HashMap<String, BTreeSet<String>>) {
    let mut mixed: Vec<&String> = told
        .iter()
        .filter(|(_, words)| words.len() > 1)
        .map(|(name, _)| name)
        .collect();
    mixed.sort();
    for name in mixed {
        let words: Vec<&str> = told[name].iter().take(4).map(String::as_str).collect();
        let more = if told[name].len() > 4 { ", …" } else { "" };
        note(&format!(
            "averaged over {name} ({}{more}); `--by {name}` tells them apart",
            words.join(", ")
        ));
    }
}

fn summed((over, by): (String, Vec<String>), numbers: &[f64]) -> Group {
    let n = numbers.len();
    let mean = numbers.iter().sum::<f64>() / n as f64;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    Group {
        over,
        by,
        n,
        mean,
        sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        least: numbers.iter().copied().fold(f64::INFINITY, f64::min),
        greatest: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}
