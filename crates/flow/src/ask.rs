//! The questions: `status`, `why`, `graph`, `kinds`, `show`, `check`.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use flow_contract::Kind;
use flow_contract::{Catalog, Descriptor, Form, ParamSpec, ParamType, Recipe, Value};
use flow_engine::{COMMAND, Standing, Surveyed, survey};
use flow_nodes::CATALOG;
use serde_json::{Value as Json, json};

use crate::args::{Ask, Check, Graph, Kinds, Place, Show, Why};
use crate::outcome::{Outcome, Refusal};
use crate::study::{Asked, Study, session};
use crate::words::{answer, answer_json};

/// Says what would run.
pub fn status(place: &Place, ask: &Ask) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let surveyed = surveyed(&study, &ask.targets)?;
    if ask.json {
        answer_json(&surveyed.iter().map(as_json).collect::<Vec<_>>());
        return Ok(Outcome::Done);
    }
    let mut current: BTreeMap<&str, usize> = BTreeMap::new();
    let mut stale = 0;
    for Surveyed {
        address, standing, ..
    } in &surveyed
    {
        match standing {
            Standing::Current { .. } => *current.entry(&address.node).or_default() += 1,
            Standing::Stale(why) => {
                stale += 1;
                answer(&format!("would run   {address}: {why}"));
            }
            Standing::DependsOn(on) => answer(&format!("depends on  {address}: on {on}")),
            Standing::Failing(error) => answer(&format!("would fail  {address}: {error}")),
        }
    }
    let up_to_date: usize = current.values().sum();
    let depends = surveyed.len() - up_to_date - stale;
    answer(&format!(
        "{up_to_date} up to date, {stale} would run, {depends} depend on those"
    ));
    Ok(Outcome::Done)
}

fn surveyed(study: &Study, targets: &[String]) -> Result<Vec<Surveyed>, Refusal> {
    let store = study.store()?;
    let targets = study.targets(targets)?;
    let asked = Asked {
        targets,
        jobs: 1,
        keep_going: true,
        run: String::new(),
    };
    let stop = AtomicBool::new(false);
    Ok(survey(&session(study, &store, &asked, &stop))?)
}

fn as_json(surveyed: &Surveyed) -> Json {
    let instance = surveyed.address.to_string();
    let key = surveyed.recipe.as_ref().map(|(key, _)| key.to_string());
    match &surveyed.standing {
        Standing::Current { seconds, .. } => {
            json!({"instance": instance, "standing": "current", "key": key, "seconds": seconds})
        }
        Standing::Stale(why) => {
            json!({"instance": instance, "standing": "stale", "key": key, "why": why, "words": why.to_string()})
        }
        Standing::DependsOn(on) => {
            json!({"instance": instance, "standing": "depends_on", "on": on})
        }
        Standing::Failing(error) => {
            json!({"instance": instance, "standing": "failing", "error": error})
        }
    }
}

/// Says why instances would run, or what their results were made from.
pub fn why(place: &Place, why: &Why) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let target = study.plan.target(&why.target).map_err(Refusal::wrong)?;
    let node = study.plan.node(target.node).name.clone();
    let all = surveyed(&study, std::slice::from_ref(&why.target))?;
    let mine: Vec<&Surveyed> = all.iter().filter(|one| one.address.node == node).collect();
    if why.json {
        let answers = mine.iter().map(|one| {
            let mut answer = as_json(one);
            let parts = one.recipe.as_ref().map(|(_, recipe)| recipe_json(recipe));
            answer["recipe"] = parts.unwrap_or(Json::Null);
            answer
        });
        answer_json(&answers.collect::<Vec<_>>());
        return Ok(Outcome::Done);
    }
    for one in mine {
        match &one.standing {
            Standing::Current { .. } => answer(&format!("{} is up to date", one.address)),
            Standing::Stale(why) => answer(&format!("{} would run: {why}", one.address)),
            Standing::DependsOn(on) => {
                answer(&format!("{} depends on {on}, which would run", one.address));
            }
            Standing::Failing(error) => answer(&format!("{} would fail: {error}", one.address)),
        }
        for (part, value) in one.recipe.iter().flat_map(|(_, recipe)| recipe.words()) {
            answer(&format!("  {part} = {value}"));
        }
    }
    Ok(Outcome::Done)
}

fn recipe_json(recipe: &Recipe) -> Json {
    recipe
        .words()
        .into_iter()
        .map(|(part, value)| json!({"part": part, "value": value}))
        .collect()
}

/// Draws the graph of nodes.
pub fn graph(place: &Place, graph: &Graph) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let plan = &study.plan;
    let nodes: Vec<_> = plan.order().iter().map(|&id| (id, plan.node(id))).collect();
    let edges: Vec<(&str, &str)> = nodes
        .iter()
        .flat_map(|(id, node)| {
            let from = plan.dependencies(*id).iter();
            from.map(move |&from| (plan.node(from).name.as_str(), node.name.as_str()))
        })
        .collect();
    if graph.json || graph.format == "json" {
        let nodes: Vec<Json> = nodes
            .iter()
            .map(|(_, node)| json!({"name": node.name, "kind": node.kind}))
            .collect();
        answer_json(&json!({"nodes": nodes, "edges": edges}));
        return Ok(Outcome::Done);
    }
    let dot = graph.format == "dot";
    answer(if dot { "digraph study {" } else { "graph LR" });
    for (_, node) in &nodes {
        let (name, kind) = (&node.name, &node.kind);
        answer(&if dot {
            format!("  \"{name}\" [label=\"{name}\\n{kind}\"];")
        } else {
            format!("  {name}[\"{name}<br/><small>{kind}</small>\"]")
        });
    }
    for (from, to) in edges {
        answer(&if dot {
            format!("  \"{from}\" -> \"{to}\";")
        } else {
            format!("  {from} --> {to}")
        });
    }
    if dot {
        answer("}");
    }
    Ok(Outcome::Done)
}

/// Lists the kinds.
pub fn kinds(kinds: &Kinds) -> Result<Outcome, Refusal> {
    let mut all: Vec<&Descriptor> = CATALOG.kinds().into_iter().map(Kind::descriptor).collect();
    all.push(COMMAND.descriptor());
    all.sort_by_key(|descriptor| descriptor.name);
    if let Some(name) = &kinds.kind {
        all.retain(|descriptor| descriptor.name == name);
        if all.is_empty() {
            return Err(Refusal::wrong(format!(
                "there is no kind `{name}`\n  help: `flow kinds` lists them"
            )));
        }
    }
    if kinds.json {
        answer_json(
            &all.iter()
                .map(|descriptor| kind_json(descriptor))
                .collect::<Vec<_>>(),
        );
    } else if kinds.kind.is_some() {
        all.iter().for_each(|descriptor| describe(descriptor));
    } else {
        all.iter()
            .for_each(|d| answer(&format!("{:<24} {}", d.name, d.summary)));
    }
    Ok(Outcome::Done)
}

fn describe(descriptor: &Descriptor) {
    answer(&format!(
        "{} (revision {})\n  {}",
        descriptor.name, descriptor.revision, descriptor.summary
    ));
    for port in descriptor.inputs {
        answer(&format!(
            "  takes {}: {} — {}",
            port.name, port.ty, port.doc
        ));
    }
    for port in descriptor.outputs {
        answer(&format!(
            "  gives {}: {} — {}",
            port.name, port.ty, port.doc
        ));
    }
    for spec in descriptor.params {
        let default = match &spec.default {
            Some(default) => format!(", default {}", Value::from(default)),
            None => ", required".to_owned(),
        };
        let unit = if spec.unit.is_empty() {
            String::new()
        } else {
            format!(" in {}", spec.unit)
        };
        answer(&format!(
            "  param {}: {}{unit}{default} — {}",
            spec.name,
            range(&spec.ty),
            spec.doc
        ));
    }
}

fn range(ty: &ParamType) -> String {
    match ty {
        ParamType::Bool => "true or false".to_owned(),
        ParamType::Int { min, max: i64::MAX } => format!("integer from {min}"),
        ParamType::Int { min, max } => format!("integer {min} to {max}"),
        ParamType::Float { min, max } if max.is_infinite() => format!("number from {min}"),
        ParamType::Float { min, max } => format!("number {min} to {max}"),
        ParamType::Text => "text".to_owned(),
        ParamType::Choice(words) => format!("one of {}", words.join(", ")),
        ParamType::List(of) => format!("list of {}", range(of)),
        ParamType::Map(of) => format!("table of {}", range(of)),
        ParamType::Scalar => "boolean, number or text".to_owned(),
    }
}

fn kind_json(descriptor: &Descriptor) -> Json {
    let param = |spec: &ParamSpec| {
        let default = spec
            .default
            .as_ref()
            .map(|default| plain(&Value::from(default)));
        json!({"name": spec.name, "type": range(&spec.ty), "unit": spec.unit, "default": default, "doc": spec.doc})
    };
    json!({
        "name": descriptor.name,
        "revision": descriptor.revision,
        "summary": descriptor.summary,
        "inputs": descriptor.inputs.iter().map(|port| json!({"name": port.name, "type": port.ty.to_string(), "doc": port.doc})).collect::<Vec<_>>(),
        "outputs": descriptor.outputs.iter().map(|port| json!({"name": port.name, "type": port.ty.to_string(), "doc": port.doc})).collect::<Vec<_>>(),
        "params": descriptor.params.iter().map(param).collect::<Vec<_>>(),
    })
}

/// A value as plain JSON.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Int(int) => json!(int),
        Value::Float(float) => json!(float),
        Value::Text(text) => json!(text),
        Value::List(list) => list.iter().map(plain).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
    }
}

/// Prints an artifact.
pub fn show(place: &Place, show: &Show) -> Result<Outcome, Refusal> {
    let (instance, output) = show.artifact.rsplit_once('.').ok_or_else(|| {
        Refusal::wrong(format!(
            "`{}` names no output; write `node.output`",
            show.artifact
        ))
    })?;
    let study = Study::open(place)?;
    let target = study.plan.target(instance).map_err(Refusal::wrong)?;
    let node = study.plan.node(target.node);
    let Some(port) = node
        .signature
        .outputs
        .iter()
        .find(|port| port.name == output)
    else {
        let has: Vec<&str> = node
            .signature
            .outputs
            .iter()
            .map(|port| &*port.name)
            .collect();
        let words = format!(
            "`{}` has no output `{output}`; it has {}",
            node.name,
            has.join(", ")
        );
        return Err(Refusal::wrong(words));
    };
    let store = study.store()?;
    for one in surveyed(&study, &[instance.to_owned()])? {
        if one.address.node != node.name {
            continue;
        }
        let Standing::Current { outputs, .. } = &one.standing else {
            answer(&format!(
                "{} is not up to date; `flow run {}`",
                one.address, node.name
            ));
            continue;
        };
        let Some((_, digest, size)) = outputs.iter().find(|(name, ..)| name == output) else {
            continue;
        };
        answer(&format!(
            "{}.{output}: {}, {size} bytes, {}",
            one.address,
            port.ty,
            digest.short()
        ));
        if port.ty.form == Form::Table {
            let content = store.get(digest).map_err(Refusal::failed)?;
            let rows = CATALOG.rows(&content).map_err(Refusal::failed)?;
            print_rows(&rows, show);
        }
    }
    Ok(Outcome::Done)
}

fn print_rows(rows: &[flow_contract::Row], show: &Show) {
    for row in rows.iter().take(show.rows) {
        if show.json {
            answer_json(
                &row.iter()
                    .map(|(k, v)| (k.clone(), plain(v)))
                    .collect::<Json>(),
            );
        } else {
            let cells: Vec<String> = row
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            answer(&format!("  {}", cells.join("  ")));
        }
    }
    if rows.len() > show.rows && !show.json {
        answer(&format!("  … {} rows in all", rows.len()));
    }
}

/// Checks the study file.
pub fn check(place: &Place, check: &Check) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let count = study.plan.nodes().len();
    if check.json {
        answer_json(&json!({"study": study.plan.name(), "nodes": count, "problems": []}));
    } else {
        answer(&format!(
            "`{}` is a valid study of {count} nodes",
            study.plan.name()
        ));
    }
    Ok(Outcome::Done)
}
