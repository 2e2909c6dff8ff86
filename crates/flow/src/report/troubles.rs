//! What went wrong in a run, gathered from its events.

use std::collections::HashMap;

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
    /// How many instances failed and were skipped, by what may be the name of their node.
    counts: HashMap<String, [usize; 2]>,
}

const FAILED: usize = 0;
const SKIPPED: usize = 1;

impl Troubles {
    /// Remembers failures and what they held up.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Failed { instance, error } => {
                self.count(instance, FAILED);
                self.failures.push(Failure {
                    instance: instance.clone(),
                    error: words(error),
                });
            }
            // A node whose instances never became known is told by its name alone.
            Event::Skipped { instance, .. } => self.count(instance, SKIPPED),
            _ => {}
        }
    }

    /// How many instances of a node failed.
    pub fn failed(&self, node: &str) -> usize {
        self.counts.get(node).map_or(0, |counts| counts[FAILED])
    }

    /// How many instances of a node were skipped.
    pub fn skipped(&self, node: &str) -> usize {
        self.counts.get(node).map_or(0, |counts| counts[SKIPPED])
    }

    /// Counts an instance under every name that its node can have: `net[batch=32,fold=1]` is one of `net`, or
    /// in a sweep over `batch` of `net[batch=32]`.
    fn count(&mut self, instance: &str, what: usize) {
        let mut count = |node: String| self.counts.entry(node).or_default()[what] += 1;
        if let Some(node) = instance.split('[').next().filter(|node| *node != instance) {
            count(node.to_owned());
        }
        for (at, _) in instance.match_indices(',') {
            count(format!("{}]", &instance[..at]));
        }
        count(instance.to_owned());
    }
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
    fn a_node_at_a_value_of_a_sweep_has_its_own_troubles() {
        let mut troubles = Troubles::default();
        for instance in [
            "net[batch=32]",
            "used[batch=32,fold=1]",
            "used[batch=8,fold=1]",
        ] {
            troubles.hear(&Event::Skipped {
                instance: instance.to_owned(),
                because: "a".to_owned(),
            });
        }
        let nodes = [
            "net[batch=32]",
            "used[batch=32]",
            "used[batch=8]",
            "used[batch=4]",
        ];
        assert_eq!(nodes.map(|node| troubles.skipped(node)), [1, 1, 1, 0]);
    }
}
