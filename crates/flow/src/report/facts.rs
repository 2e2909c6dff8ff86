//! What a run knows of itself, as it stands in `run.json`.

use std::collections::{BTreeMap, HashMap};

use flow_engine::{Finished, Summary};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value as Json;

use super::origins::Origins;
use super::troubles::{Failure, Troubles};
use crate::study::{Asked, Study, unix_now};
use crate::words::plain;

/// The whole of `run.json`.
#[derive(Serialize)]
pub struct Facts {
    /// The version of flow that ran.
    pub flow: &'static str,
    /// The study's name.
    pub study: String,
    /// The digest of the study file's bytes.
    pub study_digest: String,
    /// The run's name, as in the journal.
    pub run: String,
    /// When it ended, seconds since 1970 (UTC).
    pub finished_unix: u64,
    /// How many cores it might use.
    pub jobs: usize,
    /// The study's params, overrides applied.
    pub params: BTreeMap<String, Json>,
    pub ran: usize,
    pub cached: usize,
    pub failed: usize,
    pub skipped: usize,
    /// What failed, in the order in which it did.
    pub failures: Vec<Failure>,
    /// The nodes in the order of the plan.
    pub nodes: Vec<NodeFacts>,
    /// The instances in the order of the plan.
    pub instances: Vec<InstanceFacts>,
}

/// One node, its instances together.
#[derive(Serialize)]
pub struct NodeFacts {
    pub name: String,
    pub kind: String,
    pub needs: Vec<String>,
    pub instances: usize,
    pub ran: usize,
    pub cached: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Run time of its instances in seconds, whenever they ran.
    pub seconds: f64,
    /// Why its instances ran, in this run or in the one that made what was cached: each reason once, with
    /// how many had it.
    pub why: Option<String>,
}

/// One instance.
#[derive(Serialize)]
pub struct InstanceFacts {
    pub instance: String,
    pub key: String,
    pub ran: bool,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Digest of each output.
    pub outputs: BTreeMap<String, String>,
}

impl Facts {
    /// The facts of a run that just ended.
    pub fn new(
        (study, asked): (&Study, &Asked),
        summary: &Summary,
        troubles: &Troubles,
        origins: &Origins,
    ) -> Self {
        let plan = &study.plan;
        let facts = summary.finished.par_iter();
        let facts: Vec<InstanceFacts> = facts.map(|done| instance_facts(done, origins)).collect();
        let mut of_node: HashMap<&str, Vec<&InstanceFacts>> = HashMap::new();
        for (done, facts) in summary.finished.iter().zip(&facts) {
            of_node.entry(&done.address.node).or_default().push(facts);
        }
        let params = plan
            .params()
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)));
        Self {
            flow: env!("CARGO_PKG_VERSION"),
            study: plan.name().to_owned(),
            study_digest: study.digest.to_string(),
            run: asked.run.clone(),
            finished_unix: unix_now(),
            jobs: asked.jobs,
            params: params.collect(),
            ran: summary.ran,
            cached: summary.cached,
            failed: summary.failed,
            skipped: summary.skipped,
            failures: troubles.failures.clone(),
            nodes: plan
                .order()
                .iter()
                .map(|&id| {
                    let mine = of_node.get(plan.node(id).name.as_str());
                    let mine = mine.map_or(&[][..], Vec::as_slice);
                    node_facts((study, id), mine, troubles)
                })
                .collect(),
            instances: facts,
        }
    }

    /// As it is written.
    ///
    /// # Errors
    /// When something can't be said in JSON.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        // Copying a large text each time it outgrows its room takes longer than writing it.
        const USUAL_BYTES: usize = 640;
        let parts = self.nodes.len() + self.instances.len();
        let mut json = Vec::with_capacity((parts + 1) * USUAL_BYTES);
        serde_json::to_writer_pretty(&mut json, self)?;
        Ok(json)
    }
}

fn node_facts(
    (study, id): (&Study, flow_plan::NodeId),
    mine: &[&InstanceFacts],
    troubles: &Troubles,
) -> NodeFacts {
    let node = study.plan.node(id);
    let ran = mine.iter().filter(|done| done.ran).count();
    let needs = study.plan.dependencies(id).iter();
    NodeFacts {
        name: node.name.clone(),
        kind: node.kind.clone(),
        needs: needs
            .map(|&need| study.plan.node(need).name.clone())
            .collect(),
        instances: mine.len(),
        ran,
        cached: mine.len() - ran,
        failed: troubles.failed(&node.name),
        skipped: troubles.skipped(&node.name),
        // The sum of no floats is -0.
        seconds: mine.iter().fold(0.0, |sum, done| sum + done.seconds),
        why: reasons(mine.iter().filter_map(|done| done.why.as_deref())),
    }
}

/// Each reason once, the most frequent first; how many had it where there are several instances.
fn reasons<'a>(all: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut times: Vec<(&str, usize)> = Vec::new();
    for reason in all {
        let place = *places.entry(reason).or_insert(times.len());
        match times.get_mut(place) {
            Some((_, times)) => *times += 1,
            None => times.push((reason, 1)),
        }
    }
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let several = times.iter().map(|(_, times)| times).sum::<usize>() > 1;
    let said = times.iter().take(3).map(|(reason, times)| match several {
        true => format!("{times} × {reason}"),
        false => (*reason).to_owned(),
    });
    let mut said: Vec<String> = said.collect();
    if times.len() > 3 {
        said.push(format!("and {} more reasons", times.len() - 3));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

fn instance_facts(done: &Finished, origins: &Origins) -> InstanceFacts {
    let output = |(port, digest, _): &(String, flow_contract::Digest, u64)| {
        (port.clone(), digest.to_string())
    };
    let key = done.key.to_string();
    InstanceFacts {
        instance: done.address.to_string(),
        why: origins.why(done, &key),
        key,
        ran: done.given.ran(),
        seconds: done.given.seconds,
        outputs: done.given.outputs.iter().map(output).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_once_with_their_number() {
        let told = |all: &[&str]| reasons(all.iter().copied());
        assert_eq!(told(&[]), None);
        assert_eq!(told(&["new"]).unwrap(), "new");
        assert_eq!(told(&["a", "b", "b"]).unwrap(), "2 × b; 1 × a");
        assert_eq!(
            told(&["a", "b", "c", "d", "e"]).unwrap(),
            "1 × a; 1 × b; 1 × c; and 2 more reasons"
        );
    }
}
