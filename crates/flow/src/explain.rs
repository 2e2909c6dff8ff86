//! `flow explain`: the kinds `model` and `explain` in one command, without a study.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flow_contract::{
    Catalog, Content, Digest, Input, Kind, Labels, NodeError, Observer, Params, Produced, Row,
    Task, Value,
};
use flow_nodes::CATALOG;
use flow_nodes::explain::{Description, Wanted, fitted, layout_of, placed, sizes};
use serde_json::json;

use crate::args::Explain;
use crate::outcome::{Outcome, Refusal};
use crate::words::{answer, answer_json, note, plain};

/// Explains the samples of a file and writes what was found.
pub fn explain(explain: &Explain) -> Result<Outcome, Refusal> {
    let weights = read(&explain.weights)?;
    let data = read(&explain.data)?;
    let model = model(explain, &weights, &data)?;
    let made = explained(explain, model, data)?;
    let summary = made.get("summary").map_or(&[][..], Vec::as_slice);
    let rows = CATALOG.rows(summary).map_err(Refusal::failed)?;
    if explain.json {
        rows.iter().for_each(|row| {
            let cells = row.iter().map(|(name, value)| (name.clone(), plain(value)));
            answer_json(&cells.collect::<serde_json::Value>());
        });
        let files = FILES.map(|(_, name)| explain.out.join(name));
        answer_json(&json!({"written": files}));
        return Ok(Outcome::Done);
    }
    table(&rows);
    answer(&format!("written to {}:", explain.out.display()));
    for (_, name) in FILES {
        answer(&format!("  {name}"));
    }
    Ok(Outcome::Done)
}

/// What is written, by port.
const FILES: [(&str, &str); 5] = [
    ("relevance", "relevance.safetensors"),
    ("shares", "shares.parquet"),
    ("summary", "summary.parquet"),
    ("figure", "shares.svg"),
    ("picture", "shares.png"),
];

fn read(path: &Path) -> Result<Input, Refusal> {
    let name = path.display().to_string();
    let content =
        Content::map(path).map_err(|error| Refusal::wrong(format!("reading {name}: {error}")))?;
    Ok(input(name, content))
}

fn input(name: String, content: Content) -> Input {
    Input {
        // Nothing is cached here, so nobody asks for the digest.
        digest: Digest::of(b""),
        labels: Labels::default(),
        content,
        name,
        file: None,
    }
}

/// The weights as the kind `model` gives them, for the first size of the samples that they fit.
fn model(explain: &Explain, weights: &Input, data: &Input) -> Result<Input, Refusal> {
    let described = match fs::read_to_string(&explain.network) {
        Ok(text) => Description::read(&text),
        Err(_)
            if Path::new(&explain.network)
                .extension()
                .is_some_and(|end| end == "json" || end == "txt") =>
        {
            return Err(Refusal::wrong(format!(
                "there is no file {}",
                explain.network
            )));
        }
        Err(_) => Description::read(&explain.network),
    };
    let description = described.map_err(|error| wrong(placed(error, &explain.network)))?;
    let sizes = match description.input {
        Some(size) => vec![size],
        None => {
            sizes(&data.content, &wanted(explain)).map_err(|error| wrong(error.at(&data.name)))?
        }
    };
    let layout = layout_of(&explain.layout);
    let mut first = None;
    for size in sizes {
        match fitted(&description, size, &weights.content, layout) {
            Ok((network, own, layout)) => {
                let parameters = network.parameters().unwrap_or_default();
                note(&format!(
                    "{parameters} parameters in {layout} layout, input [{}, {}]",
                    size.0, size.1
                ));
                let bytes = flow_nodes::explain::write(&network, &own).map_err(wrong)?;
                return Ok(input(weights.name.clone(), Content::from(bytes)));
            }
            Err(error) => first.get_or_insert(error),
        };
    }
    let error = first.unwrap_or_else(|| NodeError::new("the samples have no size"));
    Err(wrong(placed(error, &weights.name)))
}

fn wanted(explain: &Explain) -> Wanted<'_> {
    Wanted {
        x: &explain.tensor,
        labels: &explain.labels,
    }
}

/// Runs the kind `explain`, puts its files in their place and gives those that are in memory.
fn explained(
    explain: &Explain,
    model: Input,
    data: Input,
) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
    let kind = CATALOG
        .kind("explain")
        .ok_or_else(|| Refusal::failed("there is no kind `explain`"))?;
    let params = params(explain, kind)?;
    fs::create_dir_all(&explain.out).map_err(|error| {
        Refusal::failed(format!("making folder {}: {error}", explain.out.display()))
    })?;
    let inputs = BTreeMap::from([
        ("weights".to_owned(), vec![model]),
        ("data".to_owned(), vec![data]),
    ]);
    let mut task = Task::new(&params, 0, inputs, &explain.out, &Told);
    kind.run(&mut task).map_err(wrong)?;
    let mut kept = BTreeMap::new();
    for (port, made) in task.into_produced() {
        let Some((_, name)) = FILES.iter().find(|(own, _)| *own == port) else {
            continue;
        };
        let path = explain.out.join(name);
        let done = match made {
            Produced::Staged(file) => fs::rename(file, &path),
            Produced::Bytes(bytes) => {
                let done = fs::write(&path, &bytes);
                kept.insert(port, bytes);
                done
            }
        };
        done.map_err(|error| Refusal::failed(format!("writing {}: {error}", path.display())))?;
    }
    Ok(kept)
}

fn params(explain: &Explain, kind: &dyn Kind) -> Result<Params, Refusal> {
    let texts = |texts: &[String]| {
        Value::List(
            texts
                .iter()
                .map(|text| Value::Text(text.trim().to_owned()))
                .collect(),
        )
    };
    let mut values = kind.descriptor().defaults();
    let class = explain.target.parse::<i64>().ok();
    let target = match class {
        Some(_) => "given",
        None => explain.target.as_str(),
    };
    values.extend([
        ("rules".to_owned(), texts(&explain.rule)),
        ("target".to_owned(), Value::Text(target.to_owned())),
        ("class".to_owned(), Value::Int(class.unwrap_or(0))),
        ("start".to_owned(), Value::Text(explain.start.clone())),
        ("tensor".to_owned(), Value::Text(explain.tensor.clone())),
        ("labels".to_owned(), Value::Text(explain.labels.clone())),
        ("channels".to_owned(), texts(&explain.channels)),
        ("classes".to_owned(), texts(&explain.classes)),
        ("backend".to_owned(), Value::Text(explain.backend.clone())),
    ]);
    for name in ["rules", "backend"] {
        kind.check_param(name, &values[name]).map_err(|problem| {
            Refusal::wrong(format!("{}\n  help: {}", problem.what, problem.help))
        })?;
    }
    Ok(Params::new(values))
}

fn wrong(error: NodeError) -> Refusal {
    Refusal::wrong(error)
}

/// Rules down, channels across: mean of the samples' shares and pooled share.
fn table(rows: &[Row]) {
    let text = |row: &Row, column: &str| {
        row.get(column)
            .map_or_else(String::new, ToString::to_string)
    };
    let percent = |row: &Row, column: &str| {
        let value = row.get(column).and_then(Value::as_float);
        value.map_or_else(|| "silent".to_owned(), |value| format!("{value:.3}"))
    };
    let header = ["rule", "modality", "mean share [%]", "pooled share [%]"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let (mean, pooled) = (percent(row, "mean_of_shares"), percent(row, "pooled_share"));
        [text(row, "rule"), text(row, "modality"), mean, pooled]
    });
    let lines: Vec<[String; 4]> = std::iter::once(header).chain(cells).collect();
    let width = |n: usize| {
        lines
            .iter()
            .map(|line| line[n].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    for [rule, modality, mean, pooled] in &lines {
        let [a, b, c, d] = widths;
        answer(&format!(
            "{rule:<a$}  {modality:<b$}  {mean:>c$}  {pooled:>d$}"
        ));
    }
}

/// Says what a person should know; a walk without a study is short, so its steps are not told.
struct Told;

impl Observer for Told {
    fn progress(&self, _done: u64, _total: u64, _note: &str) {}

    fn warn(&self, words: &str) {
        note(&format!("warning: {words}"));
    }

    fn should_stop(&self) -> bool {
        false
    }
}
