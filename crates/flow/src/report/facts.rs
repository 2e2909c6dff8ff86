//! What a run knows of itself, as it stands in `run.json`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use flow_contract::Digest;
use flow_engine::{Finished, Summary};
use flow_plan::{NodeId, Plan};
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::origins::{LastWords, Origins};
use super::troubles::{Failure, Troubles};
use crate::study::{Asked, Study, unix_now};
use crate::words::plain;

/// The whole of `run.json`.
#[derive(Serialize)]
pub struct Facts<'a> {
    /// The version of flow that ran.
    pub flow: &'static str,
    /// The study's name.
    pub study: &'a str,
    /// The digest of the study file's bytes.
    pub study_digest: String,
    /// The run's name, as in the journal.
    pub run: &'a str,
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
    pub failures: &'a [Failure],
    /// The nodes in the order of the plan.
    pub nodes: Vec<NodeFacts<'a>>,
    /// The instances in the order of the plan.
    pub instances: Vec<InstanceFacts<'a>>,
}

/// One node, its instances together.
#[derive(Serialize)]
pub struct NodeFacts<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub needs: Vec<&'a str>,
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
pub struct InstanceFacts<'a> {
    pub instance: String,
    pub key: String,
    pub ran: bool,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
    /// Digest of each output.
    #[serde(serialize_with = "by_port")]
    pub outputs: &'a [(String, Digest, u64)],
}

fn by_port<S: Serializer>(outputs: &&[(String, Digest, u64)], to: S) -> Result<S::Ok, S::Error> {
    let mut digests: Vec<(&str, &Digest)> = outputs
        .iter()
        .map(|(port, digest, _)| (port.as_str(), digest))
        .collect();
    digests.sort_unstable();
    to.collect_map(
        digests
            .into_iter()
            .map(|(port, digest)| (port, digest.to_string())),
    )
}

impl<'a> Facts<'a> {
    /// The facts of a run that just ended.
    pub fn new(
        (study, asked): (&'a Study, &'a Asked),
        summary: &'a Summary,
        troubles: &'a Troubles,
        origins: &Origins,
    ) -> Self {
        let plan = &study.plan;
        let facts = summary.finished.par_iter();
        let facts = facts.map_init(|| None, |last, done| instance_facts(done, origins, last));
        let facts: Vec<InstanceFacts> = facts.collect();
        let mut of_node: HashMap<&str, Vec<&InstanceFacts>> = HashMap::new();
        for (done, facts) in summary.finished.iter().zip(&facts) {
            of_node.entry(&done.address.node).or_default().push(facts);
        }
        let nodes = plan.order().par_iter().map(|&id| {
            let mine = of_node.get(plan.node(id).name.as_str());
            let mine = mine.map_or(&[][..], Vec::as_slice);
            node_facts((plan, id), mine, troubles)
        });
        let params = plan
            .params()
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)));
        Self {
            flow: env!("CARGO_PKG_VERSION"),
            study: plan.name(),
            study_digest: study.digest.to_string(),
            run: &asked.run,
            finished_unix: unix_now(),
            jobs: asked.jobs,
            params: params.collect(),
            ran: summary.ran,
            cached: summary.cached,
            failed: summary.failed,
            skipped: summary.skipped,
            failures: &troubles.failures,
            nodes: nodes.collect(),
            instances: facts,
        }
    }

    /// Writes them as JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        Ok(serde_json::to_writer_pretty(to, self)?)
    }
}

fn node_facts<'a>(
    (plan, id): (&'a Plan, NodeId),
    mine: &[&InstanceFacts],
    troubles: &Troubles,
) -> NodeFacts<'a> {
    let node = plan.node(id);
    let ran = mine.iter().filter(|done| done.ran).count();
    let needs = plan.dependencies(id).iter();
    NodeFacts {
        name: &node.name,
        kind: &node.kind,
        needs: needs.map(|&need| plan.node(need).name.as_str()).collect(),
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

fn instance_facts<'a, 'o>(
    done: &'a Finished,
    origins: &'o Origins,
    last: &mut Option<LastWords<'o>>,
) -> InstanceFacts<'a> {
    let key = done.key.to_string();
    InstanceFacts {
        instance: done.address.to_string(),
        why: origins.why(done, &key, last),
        key,
        ran: done.given.ran(),
        seconds: done.given.seconds,
        outputs: &done.given.outputs,
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
