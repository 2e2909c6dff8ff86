//! What went wrong in a run, gathered from its events.

use flow_engine::Event;
use serde::Serialize;

/// An instance that failed.
#[derive(Clone, Serialize)]
pub struct Failure {
    /// Its address.
    pub instance: String,
    /// What, where, why, and how to mend it, a line each.
    pub error: String,
}

/// What failed and what was skipped for it.
#[derive(Default)]
pub struct Troubles {
    pub failures: Vec<Failure>,
    /// Addresses of what was skipped; a node's name where its instances never became known.
    skipped: Vec<String>,
}

impl Troubles {
    /// Remembers failures and what they held up.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Failed { instance, error } => self.failures.push(Failure {
                instance: instance.clone(),
                error: words(error),
            }),
            Event::Skipped { instance, .. } => self.skipped.push(instance.clone()),
            _ => {}
        }
    }

    /// How many instances of a node failed.
    pub fn failed(&self, node: &str) -> usize {
        let failed = self
            .failures
            .iter()
            .map(|failure| failure.instance.as_str());
        failed.filter(|instance| is_of(instance, node)).count()
    }

    /// How many instances of a node were skipped.
    pub fn skipped(&self, node: &str) -> usize {
        let skipped = self.skipped.iter();
        skipped.filter(|instance| is_of(instance, node)).count()
    }
}

/// Whether an address is a node's: `net[fold=1]` of `net`, and in a sweep `net[batch=32,fold=1]` of `net[batch=32]`.
fn is_of(instance: &str, node: &str) -> bool {
    let (swept, next) = match node.strip_suffix(']') {
        Some(swept) => (swept, ','),
        None => (node, '['),
    };
    let rest = instance.strip_prefix(swept);
    instance == node || rest.is_some_and(|rest| rest.starts_with(next))
}

fn words(error: &flow_engine::ErrorWords) -> String {
    let mut lines = vec![error.what.clone()];
    let parts = [
        ("at", &error.place),
        ("why", &error.why),
        ("help", &error.help),
    ];
    for (name, part) in parts {
        lines.extend(part.iter().map(|part| format!("{name}: {part}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_counted_by_node() {
        let mut troubles = Troubles::default();
        let skipped = |instance: &str| Event::Skipped {
            instance: instance.to_owned(),
            because: "net[fold=1]".to_owned(),
        };
        troubles.hear(&skipped("scores"));
        troubles.hear(&skipped("predicted[fold=1]"));
        troubles.hear(&skipped("predicted[fold=2]"));
        let counts = ["scores", "predicted", "net"].map(|node| troubles.skipped(node));
        assert_eq!(counts, [1, 2, 0]);
        assert_eq!(troubles.failed("net"), 0);
    }

    #[test]
    fn a_sweeps_nodes_are_told_apart() {
        assert!(is_of("net[batch=32,fold=1]", "net[batch=32]"));
        assert!(is_of("net[batch=32]", "net[batch=32]"));
        assert!(!is_of("net[batch=3,fold=1]", "net[batch=32]"));
        assert!(!is_of("net[batch=32,fold=1]", "net[batch=3]"));
        assert!(is_of("net[fold=1]", "net") && !is_of("network[fold=1]", "net"));
    }
}
