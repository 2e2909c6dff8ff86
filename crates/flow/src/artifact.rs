//! Artifacts named on the command line: `node`, `node.output`, `node[axis=value].output`.

use flow_contract::{Digest, Labels, PortType};
use flow_engine::Standing;
use flow_plan::Node;

use crate::ask::surveyed;
use crate::outcome::Refusal;
use crate::study::Study;

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
    /// Its digest and size, or in words why it is not there.
    pub found: Result<(Digest, u64), String>,
}

/// The artifacts that a text names: of all instances that it selects, and of all outputs if it names none.
///
/// # Errors
/// No such node, instance or output.
pub fn artifacts(study: &Study, text: &str) -> Result<Vec<Artifact>, Refusal> {
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
    for one in surveyed(study, &[instance.to_owned()])? {
        let Some(node) = nodes.iter().find(|node| node.name == one.address.node) else {
            continue;
        };
        let ports = node.signature.outputs.iter();
        for port in ports.filter(|port| output.is_none_or(|output| port.name == output)) {
            let found = match &one.standing {
                Standing::Current { outputs, .. } => {
                    let mine = outputs.iter().find(|(name, ..)| *name == port.name);
                    let mine = mine.map(|(_, digest, size)| (*digest, *size));
                    mine.ok_or_else(|| "it gave no such output".to_owned())
                }
                _ => Err(format!("not up to date; `flow run '{}'`", one.address)),
            };
            all.push(Artifact {
                name: format!("{}.{}", one.address, port.name),
                node: node.name.clone(),
                labels: one.address.labels.clone(),
                output: port.name.to_string(),
                ty: port.ty.clone(),
                found,
            });
        }
    }
    Ok(all)
}

/// The instance and the output of a text. A dot inside brackets, as in `epsilon(0.01)`, parts nothing.
fn parts(text: &str) -> (&str, Option<&str>) {
    let after = text.rfind(']').map_or(0, |at| at + 1);
    match text[after..].rfind('.') {
        Some(dot) => (&text[..after + dot], Some(&text[after + dot + 1..])),
        None => (text, None),
    }
}

fn refuse_unknown(node: &Node, output: &str) -> Result<(), Refusal> {
    let outputs = &node.signature.outputs;
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
    }
}
