//! `flow kinds`.

use flow_contract::{Catalog, Descriptor, Kind, ParamSpec, ParamType, Value};
use flow_engine::COMMAND;
use flow_nodes::CATALOG;
use flow_plan::nearest;
use serde_json::{Value as Json, json};

use crate::args::Kinds;
use crate::outcome::{Outcome, Refusal};
use crate::words::{answer, answer_json, plain};

/// Lists the kinds.
pub fn kinds(kinds: &Kinds) -> Result<Outcome, Refusal> {
    let mut all: Vec<&Descriptor> = CATALOG.kinds().into_iter().map(Kind::descriptor).collect();
    all.push(COMMAND.descriptor());
    all.sort_by_key(|descriptor| descriptor.name);
    if let Some(name) = &kinds.kind {
        let nearest = nearest(name, all.iter().map(|descriptor| descriptor.name));
        all.retain(|descriptor| descriptor.name == name);
        if all.is_empty() {
            let meant = nearest.map(|nearest| format!("; did you mean `{nearest}`?"));
            return Err(Refusal::wrong(format!(
                "there is no kind `{name}`{}\n  help: `flow kinds` lists them",
                meant.unwrap_or_default()
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
    answer("\n  for example");
    descriptor
        .example
        .lines()
        .for_each(|line| answer(&format!("    {line}")));
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
        "example": descriptor.example,
        "inputs": descriptor.inputs.iter().map(|port| json!({"name": port.name, "type": port.ty.to_string(), "doc": port.doc})).collect::<Vec<_>>(),
        "outputs": descriptor.outputs.iter().map(|port| json!({"name": port.name, "type": port.ty.to_string(), "doc": port.doc})).collect::<Vec<_>>(),
        "params": descriptor.params.iter().map(param).collect::<Vec<_>>(),
    })
}
