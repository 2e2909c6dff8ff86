//! The questions about the study: `status`, `why`.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use flow_contract::Recipe;
use flow_engine::{Standing, Surveyed, survey};
use serde_json::{Value as Json, json};

use crate::args::{Ask, Place, Why};
use crate::outcome::{Outcome, Refusal};
use crate::study::{Asked, Study, session};
use crate::words::{answer, answer_json, noticed};

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
pub fn surveyed(study: &Study, targets: &[String]) -> Result<Vec<Surveyed>, Refusal> {
    let store = study.store_to_ask()?;
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
    let targets = study.plan.targets(&why.target).map_err(Refusal::wrong)?;
    let meant = |node: &str| {
        targets
            .iter()
            .any(|target| study.plan.node(target.node).name == node)
    };
    let all = surveyed(&study, std::slice::from_ref(&why.target))?;
    let mine: Vec<&Surveyed> = all.iter().filter(|one| meant(&one.address.node)).collect();
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
