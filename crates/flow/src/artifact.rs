//! Artifacts named on the command line: `node`, `node.output`, `node[axis=value].output`, and of an
//! output of many files `node.output/file`.

use flow_contract::{Content, Digest, Labels, PortType, Recipe, Value};
use flow_engine::{Standing, Surveyed};
use flow_nodes::CATALOG;
use flow_plan::Node;
use flow_store::Store;

use crate::ask::surveyed;
use crate::outcome::Refusal;
use crate::study::Study;
use crate::words::shell_word;

/// An artifact that was asked for.
pub struct Artifact {
    /// The instance and the output, as in `net[fold=1].weights`.
    pub name: String,
    /// The node's name.
    pub node: String,
    /// Where the instance stands.
    pub labels: Labels,
    /// The output.
    pub output: String,
    /// What the artifact is.
    pub ty: PortType,
    /// Whether it is CSV, and so a table whatever its type.
    pub is_csv: bool,
    /// What is there of it.
    pub found: Found,
}

/// The digest and size of an artifact, or in words why it is not there.
type Found = Result<(Digest, u64), String>;

/// The artifacts that a text names: of all instances that it selects, and of all outputs if it names none.
///
/// # Errors
/// No such node, instance or output.
pub fn artifacts(study: &Study, store: &Store, text: &str) -> Result<Vec<Artifact>, Refusal> {
    let (instance, output) = parts(text);
    let targets = study.plan.targets(instance).map_err(Refusal::wrong)?;
    let nodes: Vec<&Node> = targets
        .iter()
        .map(|target| study.plan.node(target.node))
        .collect();
    if let (Some(output), Some(node)) = (output, nodes.first()) {
        refuse_unknown(node, output)?;
    }
    let mut all = Vec::new();
    for one in surveyed(study, store, &[instance.to_owned()])? {
        let Some(node) = nodes.iter().find(|node| node.name == one.address.node) else {
            continue;
        };
        for port in &node.signature.outputs {
            let (name, file) = output.map_or((&*port.name, None), whole_or_part);
            if name != port.name {
                continue;
            }
            for (output, found) in found(&one, node, &port.name, file) {
                all.push(Artifact {
                    name: format!("{}.{output}", one.address),
                    node: node.name.clone(),
                    labels: one.address.labels.clone(),
                    is_csv: one.recipe.as_ref().is_some_and(|(_, r)| is_csv(r, &output)),
                    output,
                    ty: port.ty.clone(),
                    found,
                });
            }
        }
    }
    Ok(all)
}

/// Whether an output is CSV, by the name that its command gives it, or by its own.
pub fn is_csv(recipe: &Recipe, output: &str) -> bool {
    let paths = recipe.params.get("outputs").and_then(Value::as_map);
    let path = paths.and_then(|paths| paths.get(output)?.as_text());
    recipe.kind == "convert" || path.unwrap_or(output).ends_with(".csv")
}

/// A table as Parquet, whether it is that or CSV.
///
/// # Errors
/// In words: why it can't be read.
pub fn as_parquet(content: Content, is_csv: bool) -> Result<Content, String> {
    match is_csv {
        true => CATALOG.parquet_of_csv(&content).map(Content::from),
        false => Ok(content),
    }
}

/// What is on an output port of an instance: one artifact, or a file each where it is many.
fn found(one: &Surveyed, node: &Node, port: &str, file: Option<&str>) -> Vec<(String, Found)> {
    let Standing::Current { outputs, .. } = &one.standing else {
        let why = format!("not up to date; `flow run {}`", shell_word(&one.address));
        return vec![(port.to_owned(), Err(why))];
    };
    let below = format!("{port}/");
    let wanted = |name: &str| match (node.gives_many(port), file) {
        (true, None) => name.starts_with(&below),
        (true, Some(file)) => name.strip_prefix(&below) == Some(file),
        (false, _) => name == port,
    };
    let mine = outputs.iter().filter(|(name, ..)| wanted(name));
    let mine: Vec<_> = mine
        .map(|(name, digest, size)| (name.clone(), Ok((*digest, *size))))
        .collect();
    match mine.is_empty() {
        true => {
            let name = file.map_or(port.to_owned(), |file| format!("{port}/{file}"));
            vec![(name, Err("it gave no such output".to_owned()))]
        }
        false => mine,
    }
}

/// A port, and of an output of many files the one that is meant.
fn whole_or_part(output: &str) -> (&str, Option<&str>) {
    match output.split_once('/') {
        Some((port, file)) => (port, Some(file)),
        None => (output, None),
    }
}

/// The instance and the output of a text. A dot inside brackets, as in `epsilon(0.01)`, parts nothing.
fn parts(text: &str) -> (&str, Option<&str>) {
    let after = text.rfind(']').map_or(0, |at| at + 1);
    match text[after..].find('.') {
        Some(dot) => (&text[..after + dot], Some(&text[after + dot + 1..])),
        None => (text, None),
    }
}

fn refuse_unknown(node: &Node, output: &str) -> Result<(), Refusal> {
    let outputs = &node.signature.outputs;
    let (output, _) = whole_or_part(output);
    if outputs.iter().any(|port| port.name == output) {
        return Ok(());
    }
    let has: Vec<&str> = outputs.iter().map(|port| &*port.name).collect();
    Err(Refusal::wrong(format!(
        "`{}` has no output `{output}`; it has {}",
        node.name,
        has.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_inside_brackets_parts_nothing() {
        assert_eq!(parts("scores"), ("scores", None));
        assert_eq!(parts("scores.classes"), ("scores", Some("classes")));
        let instance = "shares[rule=epsilon(0.01)]";
        assert_eq!(parts(instance), (instance, None));
        assert_eq!(
            parts("shares[rule=epsilon(0.01)].local"),
            (instance, Some("local"))
        );
        assert_eq!(parts("split.parts/a.csv"), ("split", Some("parts/a.csv")));
    }
}
