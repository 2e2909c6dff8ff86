//! `flow show`: an artifact on the terminal.

mod sketch;
mod table;

use flow_contract::Value;
use flow_nodes::look::{ColumnLook, Look, Statistics, TensorLook, look};
use serde_json::{Map, Value as Json, json};

use crate::args::{Place, Show};
use crate::artifact::{Artifact, artifacts};
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, plain};
use sketch::{heat_map, number, sparkline};

/// Prints artifacts: what they are, their shape, statistics, first rows and a small picture.
pub fn show(place: &Place, show: &Show) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let mut shown = Vec::new();
    for artifact in artifacts(&study, &store, &show.artifact)? {
        let seen = match &artifact.found {
            Err(_) => None,
            Ok((digest, _)) => {
                let content = store.get(digest).map_err(Refusal::failed)?;
                let seen = look(artifact.ty.form, &content, show.rows);
                Some(seen.map_err(|error| Refusal::failed(format!("{}: {error}", artifact.name)))?)
            }
        };
        if show.json {
            shown.push(as_json(&artifact, seen.as_ref()));
        } else {
            print(&artifact, seen.as_ref());
        }
    }
    if show.json {
        answer_json(&shown);
    }
    Ok(Outcome::Done)
}

fn print(artifact: &Artifact, seen: Option<&Look>) {
    let (digest, size) = match &artifact.found {
        Err(why) => return answer(&format!("{}: {why}", artifact.name)),
        Ok(found) => found,
    };
    let head = format!(
        "{}: {}, {}, {}",
        artifact.name,
        artifact.ty,
        bytes(*size),
        digest.short()
    );
    answer(&head);
    match seen {
        None | Some(Look::Bytes) => {}
        Some(Look::Table {
            rows,
            columns,
            first,
        }) => {
            answer(&format!("  {rows} rows × {} columns", columns.len()));
            table::print(&statistics(columns));
            answer("");
            table::print(&first_rows(columns, first));
            if first.len() < *rows {
                answer(&format!("  … {rows} rows in all"));
            }
        }
        Some(Look::Tensors { facts, tensors }) => {
            let axes = Some(&*artifact.ty.axes).filter(|axes| !axes.is_empty());
            axes.iter()
                .for_each(|axes| answer(&format!("  axes [{axes}]")));
            facts.iter().for_each(|(name, fact)| {
                answer(&format!(
                    "  {name}: {}",
                    cut(&fact.replace('\t', ", ").replace('\n', "; "), 88)
                ));
            });
            tensors.iter().for_each(print_tensor);
        }
        Some(Look::Figure { title, description }) => {
            answer(&format!("  {title}"));
            wrapped(description, 90)
                .iter()
                .for_each(|line| answer(&format!("  {line}")));
        }
        Some(Look::Picture { width, height }) => {
            answer(&format!("  PNG, {width} × {height} pixels"));
        }
        Some(Look::Text { lines, first }) => {
            first
                .iter()
                .for_each(|line| answer(&format!("  {}", cut(line, 110))));
            if first.len() < *lines {
                answer(&format!("  … {lines} lines in all"));
            }
        }
    }
}

fn bytes(size: u64) -> String {
    match size {
        0..10_000 => format!("{size} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", size as f64 / 1e3),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// One line a column: what it holds.
fn statistics(columns: &[ColumnLook]) -> Vec<Vec<String>> {
    let heads = [
        "column",
        "",
        "empty",
        "least",
        "mean",
        "sd",
        "greatest",
        "distribution",
    ];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    for column in columns {
        let mut line = vec![
            column.name.clone(),
            column.sort.to_owned(),
            column.empty.to_string(),
        ];
        match &column.statistics {
            Some(of) => {
                line.extend([of.least, of.mean, of.sd, of.greatest].map(number));
                line.push(sparkline(&column.histogram));
            }
            None => {
                line.extend([const { String::new() }; 4]);
                line.push(cut(&kinds_of(&column.distinct), 36));
            }
        }
        lines.push(line);
    }
    lines
}

/// `5 different: W ×51, N2 ×179, …`.
fn kinds_of(distinct: &[(String, usize)]) -> String {
    let each = distinct.iter().take(4).map(|(text, times)| {
        let text = if text.is_empty() { "(nothing)" } else { text };
        format!("{} ×{times}", cut(text, 14))
    });
    let more = if distinct.len() > 4 { ", …" } else { "" };
    format!(
        "{} different: {}{more}",
        distinct.len(),
        each.collect::<Vec<_>>().join(", ")
    )
}

fn first_rows(columns: &[ColumnLook], rows: &[Vec<Value>]) -> Vec<Vec<String>> {
    let heads = columns.iter().map(|column| column.name.clone()).collect();
    let cell = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::Float(float) => number(*float),
        other => cut(&other.to_string(), 32),
    };
    let cells = rows.iter().map(|row| row.iter().map(cell).collect());
    std::iter::once(heads).chain(cells).collect()
}

fn print_tensor(tensor: &TensorLook) {
    let sizes: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    let mut line = format!("  {} {} [{}]", tensor.name, tensor.dtype, sizes.join(", "));
    if let Some(of) = &tensor.statistics {
        let [least, mean, sd, greatest] = [of.least, of.mean, of.sd, of.greatest].map(number);
        line.push_str(&format!("  {least} to {greatest}, mean {mean}, sd {sd}"));
        if of.nan > 0 {
            line.push_str(&format!(", {} NaN", of.nan));
        }
    }
    answer(&line);
    match tensor.sketch.as_slice() {
        [] => {}
        few if few.len() <= 4 => {
            few.iter()
                .for_each(|line| answer(&format!("    {}", sparkline(line))));
            answer(&format!("    ({})", tensor.sketched));
        }
        many => {
            heat_map(many)
                .iter()
                .for_each(|line| answer(&format!("    {line}")));
            answer(&format!("    ({})", tensor.sketched));
        }
    }
}

fn as_json(artifact: &Artifact, seen: Option<&Look>) -> Json {
    let mut of = json!({"artifact": artifact.name, "type": artifact.ty.to_string()});
    match &artifact.found {
        Err(why) => of["missing"] = json!(why),
        Ok((digest, size)) => {
            of["digest"] = json!(digest.to_string());
            of["bytes"] = json!(size);
        }
    }
    let more = match seen {
        None | Some(Look::Bytes) => Json::Null,
        Some(Look::Table {
            rows,
            columns,
            first,
        }) => json!({
            "rows": rows,
            "columns": columns.iter().map(column_json).collect::<Vec<_>>(),
            "first": first.iter().map(|row| row_json(columns, row)).collect::<Vec<_>>(),
        }),
        Some(Look::Tensors { facts, tensors }) => json!({
            "axes": artifact.ty.axes,
            "facts": facts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "tensors": tensors.iter().map(tensor_json).collect::<Vec<_>>(),
        }),
        Some(Look::Figure { title, description }) => {
            json!({"title": title, "description": description})
        }
        Some(Look::Picture { width, height }) => json!({"width": width, "height": height}),
        Some(Look::Text { lines, first }) => json!({"lines": lines, "first": first}),
    };
    if let (Some(of), Json::Object(more)) = (of.as_object_mut(), more) {
        of.extend(more);
    }
    of
}

fn row_json(columns: &[ColumnLook], row: &[Value]) -> Json {
    let pairs = columns.iter().zip(row);
    let cells: Map<String, Json> = pairs
        .map(|(column, value)| (column.name.clone(), plain(value)))
        .collect();
    Json::Object(cells)
}

fn column_json(column: &ColumnLook) -> Json {
    let mut of = json!({"name": column.name, "sort": column.sort, "empty": column.empty});
    match &column.statistics {
        Some(statistics) => of["statistics"] = statistics_json(statistics),
        None => of["distinct"] = json!(column.distinct.len()),
    }
    of
}

fn tensor_json(tensor: &TensorLook) -> Json {
    json!({
        "name": tensor.name, "dtype": tensor.dtype, "shape": tensor.shape,
        "statistics": tensor.statistics.as_ref().map(statistics_json),
    })
}

fn statistics_json(of: &Statistics) -> Json {
    json!({
        "count": of.count, "nan": of.nan, "least": of.least, "mean": of.mean, "sd": of.sd,
        "greatest": of.greatest,
    })
}
