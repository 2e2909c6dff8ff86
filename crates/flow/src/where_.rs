//! `flow where`: from a published file back to its recipe and its inputs, down to raw files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use flow_contract::{Digest, Recipe};
use flow_engine::{Standing, Surveyed};
use serde_json::{Value as Json, json};

use crate::args::{Place, Where};
use crate::ask::surveyed;
use crate::log::events;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json};

/// What gave an artifact: an instance's place in the survey, and the port.
type Makers<'s> = HashMap<Digest, (&'s Surveyed, &'s str)>;

/// Traces a file back.
pub fn where_from(place: &Place, ask: &Where) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let path = place_of(&ask.file, &study)?;
    let bytes = std::fs::read(&path)
        .map_err(|error| Refusal::wrong(format!("reading `{}`: {error}", path.display())))?;
    let digest = Digest::of(&bytes);
    let all = surveyed(&study, &store, &[])?;
    let makers = makers(&all);
    let converted = store.last_of(&format!(
        "publish:{}",
        path.strip_prefix(&study.root).unwrap_or(&path).display()
    ));
    let intact = |entry: &flow_store::Entry| entry.outputs.iter().any(|(_, out, _)| *out == digest);
    let origin = converted
        .as_ref()
        .and_then(|entry| first_input(&entry.recipe));
    let edited = !makers.contains_key(&digest) && !converted.as_ref().is_some_and(intact);
    let found = makers.get(&digest).or_else(|| makers.get(&origin?));
    let found = match found {
        Some(found) => Some(*found),
        None => published_by(&store, &path)?
            .and_then(|instance| all.iter().find(|one| one.address.to_string() == instance))
            .map(|one| (one, "")),
    };
    let Some((maker, port)) = found else {
        return Err(Refusal::wrong(format!(
            "`{}` is no published file of the study as it stands\n  help: `flow status` says what is not up to date",
            ask.file.display()
        )));
    };
    let steps = steps(&all, maker);
    if ask.json {
        let made = json!({"instance": maker.address.to_string(), "port": port});
        answer_json(&json!({
            "file": ask.file, "digest": digest.to_string(), "edited": edited,
            "converted": converted.is_some(), "made_by": made, "steps": steps,
        }));
        return Ok(Outcome::Done);
    }
    let since = match edited {
        true => ", edited since it was published",
        false => "",
    };
    let name = ask.file.display();
    answer(&format!("{name} ({}…{since})", digest.short()));
    let dot = if port.is_empty() { "" } else { "." };
    answer(&format!("  is {}{dot}{port}", maker.address));
    steps.iter().for_each(tell);
    Ok(Outcome::Done)
}

/// A path from here, or where there is no such file, from the study's folder.
fn place_of(file: &Path, study: &Study) -> Result<PathBuf, Refusal> {
    let here = std::path::absolute(file).map_err(Refusal::wrong)?;
    let there = study.root.join(file);
    Ok(match !here.exists() && there.exists() {
        true => there,
        false => here,
    })
}

fn makers(all: &[Surveyed]) -> Makers<'_> {
    let mut makers = HashMap::new();
    for one in all {
        if let Standing::Current { outputs, .. } = &one.standing {
            for (port, digest, _) in outputs.iter() {
                makers.entry(*digest).or_insert((one, port.as_str()));
            }
        }
    }
    makers
}

fn first_input(recipe: &Recipe) -> Option<Digest> {
    let (_, artifacts) = recipe.inputs.first()?;
    artifacts.first().map(|(_, digest)| *digest)
}

/// Who published a path last, by the journals.
fn published_by(store: &flow_store::Store, path: &Path) -> Result<Option<String>, Refusal> {
    let path = path.display().to_string();
    for run in store.runs()?.iter().rev() {
        let events = events(run);
        let mine = |event: &&Json| event["event"] == "published" && event["path"] == path;
        if let Some(event) = events.iter().rfind(mine) {
            return Ok(event["instance"].as_str().map(str::to_owned));
        }
    }
    Ok(None)
}

/// The recipes on the way to a result, nearest first, each once.
fn steps(all: &[Surveyed], maker: &Surveyed) -> Vec<Json> {
    let mut steps = Vec::new();
    let mut seen = HashSet::new();
    let mut open = std::collections::VecDeque::from([maker]);
    while let Some(one) = open.pop_front() {
        let name = one.address.to_string();
        let Some((key, recipe)) = one.recipe.as_ref().filter(|_| seen.insert(name.clone())) else {
            continue;
        };
        let mut inputs = Vec::new();
        for (port, taken) in ports(recipe).zip(&one.inputs) {
            open.extend(taken.by.map(|by| &all[by]));
            let kind = if taken.by.is_some() { "result" } else { "file" };
            inputs.push(json!({"port": port, "from": taken.name, "is": kind,
                "digest": taken.digest.to_string()}));
        }
        let params: BTreeMap<&String, String> = recipe
            .params
            .iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        steps.push(json!({
            "instance": name, "kind": recipe.kind, "revision": recipe.revision,
            "key": key.to_string(), "seed": recipe.seed, "params": params, "inputs": inputs,
        }));
    }
    steps
}

/// The port of every input, in the order of the recipe.
fn ports(recipe: &Recipe) -> impl Iterator<Item = &str> {
    recipe.inputs.iter().flat_map(|(port, artifacts)| {
        let each = artifacts.iter();
        each.map(|_| port.as_str())
    })
}

fn tell(step: &Json) {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let key: String = text("key").chars().take(8).collect();
    let (instance, kind, revision) = (text("instance"), text("kind"), &step["revision"]);
    answer(&format!(
        "{instance}: {kind} (revision {revision}), recipe {key}…"
    ));
    for (name, value) in step["params"].as_object().into_iter().flatten() {
        answer(&format!(
            "  {name} = {}",
            value.as_str().unwrap_or_default()
        ));
    }
    if let Some(seed) = step["seed"].as_u64() {
        answer(&format!("  seed = {seed}"));
    }
    for input in step["inputs"].as_array().into_iter().flatten() {
        let text = |key: &str| input[key].as_str().unwrap_or_default();
        let digest: String = text("digest").chars().take(8).collect();
        let raw = if text("is") == "file" { "file " } else { "" };
        answer(&format!(
            "  {} ← {raw}{} {digest}…",
            text("port"),
            text("from")
        ));
    }
}
