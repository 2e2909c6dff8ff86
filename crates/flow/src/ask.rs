//! The question what would run: `status`, and what others ask of the same survey.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use flow_engine::{History, Standing, Surveyed, Why, explain, survey};
use flow_store::Store;
use serde_json::{Value as Json, json};

use crate::args::{Ask, Place};
use crate::outcome::{Outcome, Refusal};
use crate::study::{Asked, Study, session};
use crate::why::words;
use crate::words::{answer, answer_json, noticed};

/// Says what would run.
pub fn status(place: &Place, ask: &Ask) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let surveyed = surveyed(&study, &store, &ask.targets)?;
    let reasons = reasons(&study, &store, &surveyed)?;
    let told = surveyed.iter().zip(&reasons);
    if ask.json {
        answer_json(&told.map(|(one, why)| as_json(one, why)).collect::<Vec<_>>());
        return Ok(Outcome::Done);
    }
    let mut current: BTreeMap<&str, usize> = BTreeMap::new();
    let mut stale = 0;
    for (one, why) in told {
        let address = &one.address;
        match &one.standing {
            Standing::Current { .. } => *current.entry(&address.node).or_default() += 1,
            Standing::Stale(_) => {
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

/// Why each instance of a survey would run, in the words of `flow why`; empty for one that would not.
fn reasons(study: &Study, store: &Store, all: &[Surveyed]) -> Result<Vec<String>, Refusal> {
    let changed = |one: &Surveyed| matches!(one.standing, Standing::Stale(Why::Changed(_)));
    // The whole ledger is read only where it has something to say.
    let history = match all.iter().any(changed) {
        true => Some(History::read(store)?),
        false => None,
    };
    let each = all.iter().enumerate();
    let reasons = each.map(|(at, one)| match (&one.standing, &history) {
        (Standing::Stale(Why::Changed(_)), Some(history)) => {
            let chain = explain(&study.plan, all, history, at);
            chain.first().map(words).unwrap_or_default()
        }
        (Standing::Stale(why), _) => why.to_string(),
        _ => String::new(),
    });
    Ok(reasons.collect())
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

/// An instance, where it stands, and why in words.
pub fn as_json(surveyed: &Surveyed, words: &str) -> Json {
    let instance = surveyed.address.to_string();
    let key = surveyed.recipe.as_ref().map(|(key, _)| key.to_string());
    match &surveyed.standing {
        Standing::Current { seconds, .. } => {
            json!({"instance": instance, "standing": "current", "key": key, "seconds": seconds})
        }
        Standing::Stale(why) => {
            json!({"instance": instance, "standing": "stale", "key": key, "why": why, "words": words})
        }
        Standing::DependsOn(on) => {
            json!({"instance": instance, "standing": "depends_on", "on": on})
        }
        Standing::Failing(error) => {
            json!({"instance": instance, "standing": "failing", "error": error})
        }
    }
}
