//! The question what would run: `status`, and what others ask of the same survey.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use flow_engine::{Standing, Surveyed, survey};
use flow_store::Store;
use serde_json::{Value as Json, json};

use crate::args::{Ask, Place};
use crate::outcome::{Outcome, Refusal};
use crate::study::{Asked, Study, session};
use crate::words::{answer, answer_json, noticed};

/// Says what would run.
pub fn status(place: &Place, ask: &Ask) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let surveyed = surveyed(&study, &study.store_to_ask()?, &ask.targets)?;
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
    if let Some(notice) = study.plan.notice().filter(|_| stale > 0) {
        answer(&noticed(notice));
    }
    let up_to_date: usize = current.values().sum();
    let depends = surveyed.len() - up_to_date - stale;
    answer(&format!(
        "{up_to_date} up to date, {stale} would run, {depends} depend on those"
    ));
    Ok(Outcome::Done)
}

/// How the targets and what they need stand.
pub fn surveyed(
    study: &Study,
    store: &Store,
    targets: &[String],
) -> Result<Vec<Surveyed>, Refusal> {
    let targets = study.targets(targets)?;
    let asked = Asked {
        targets,
        jobs: 1,
        keep_going: true,
        run: String::new(),
    };
    let stop = AtomicBool::new(false);
    Ok(survey(&session(study, store, &asked, &stop))?)
}

/// An instance and where it stands.
pub fn as_json(surveyed: &Surveyed) -> Json {
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
