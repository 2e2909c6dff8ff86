//! `flow why`: the first part of a recipe that differs, and where that comes from.

use flow_contract::Recipe;
use flow_engine::{History, Link, Reason, Standing, Surveyed, explain};
use serde_json::{Value as Json, json};

use crate::args::{Place, Why};
use crate::ask::{as_json, surveyed};
use crate::log::date;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json};

/// Says why instances would run, or what their results were made from and why they were made.
pub fn why(place: &Place, why: &Why) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let targets = study.plan.targets(&why.target).map_err(Refusal::wrong)?;
    let meant = |node: &str| {
        let mut targets = targets.iter();
        targets.any(|target| study.plan.node(target.node).name == node)
    };
    let store = study.store_to_ask()?;
    let all = surveyed(&study, &store, std::slice::from_ref(&why.target))?;
    let history = History::read(&store)?;
    let mut answers = Vec::new();
    for (at, one) in all.iter().enumerate() {
        if !meant(&one.address.node) {
            continue;
        }
        let chain = explain(&study.plan, &all, &history, at);
        match why.json {
            true => answers.push(told(one, &chain)),
            false => tell(one, &chain),
        }
    }
    if why.json {
        answer_json(&answers);
    }
    Ok(Outcome::Done)
}

fn told(one: &Surveyed, chain: &[Link]) -> Json {
    let mut answer = as_json(one, &chain.first().map(words).unwrap_or_default());
    let recipe = one.recipe.as_ref();
    answer["recipe"] = recipe.map_or(Json::Null, |(_, recipe)| recipe_json(recipe));
    let links = chain.iter().map(|link| {
        let mut told = json!(link);
        told["words"] = json!(words(link));
        told
    });
    answer["because"] = links.collect();
    answer
}

fn recipe_json(recipe: &Recipe) -> Json {
    let words = recipe.words().into_iter();
    words
        .map(|(part, value)| json!({"part": part, "value": value}))
        .collect()
}

fn tell(one: &Surveyed, chain: &[Link]) {
    let state = match &one.standing {
        Standing::Current { .. } => "is up to date",
        Standing::Stale(_) => "would run",
        Standing::DependsOn(_) => "waits",
        Standing::Failing(_) => "would fail",
    };
    for (at, link) in chain.iter().enumerate() {
        let words = words(link);
        let made = link.made.as_ref().map(|made| {
            let when = date(made.finished_unix);
            format!("made {when} by run {}", made.run)
        });
        let made = made.unwrap_or_default();
        match at {
            0 if made.is_empty() => answer(&format!("{} {state}: {words}", link.instance)),
            0 => answer(&format!("{} {state}, {made}: {words}", link.instance)),
            _ if made.is_empty() => answer(&format!("  ← {} would run: {words}", link.instance)),
            _ => answer(&format!("  ← {}, {made}: {words}", link.instance)),
        }
    }
    let recipe = one.recipe.iter();
    for (part, value) in recipe.flat_map(|(_, recipe)| recipe.words()) {
        answer(&format!("  {part} = {value}"));
    }
}

/// A reason in words.
pub fn words(link: &Link) -> String {
    let mut words = match &link.reason {
        Reason::First { others, spanned_by } => first(*others, spanned_by.as_deref(), link),
        reason => reason_words(reason),
    };
    match link.more {
        0 => {}
        1 => words.push_str("; 1 other part differs too"),
        more => words.push_str(&format!("; {more} other parts differ too")),
    }
    words
}

/// Of an instance without an earlier result.
fn first(others: usize, spanned_by: Option<&str>, link: &Link) -> String {
    let state = match link.made {
        Some(_) => "no earlier result of it is known here",
        None => "it never ran here",
    };
    match (others, spanned_by) {
        (0, _) => state.to_owned(),
        (others, None) => format!("{state}; {others} other instances of the node have results"),
        (_, Some(table)) => format!("{state}: it is made for an entry of {table}, which changed"),
    }
}

fn reason_words(reason: &Reason) -> String {
    let moved = |old: &str, new: &str| format!("changed ({} → {})", short(old), short(new));
    match reason {
        Reason::First { .. } => String::new(),
        Reason::Part { part, old, new } => {
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".into(), short);
            format!("`{part}` was {} and is {}", value(old), value(new))
        }
        Reason::File { file, old, new } => format!("its input file {file} {}", moved(old, new)),
        Reason::Input { input, old, new } => format!("its input {input} {}", moved(old, new)),
        Reason::Rewired { input, old_input } => {
            format!("it takes {input} where it took an output of {old_input}")
        }
        Reason::Added { input } => format!("it takes {input} too"),
        Reason::Removed { input } => format!("it no longer takes its input `{input}`"),
        Reason::Gone { output } => format!("its output `{output}` is gone from the cache"),
        Reason::Damaged => "its record in the cache is damaged".to_owned(),
        Reason::DependsOn { on } => format!("it depends on {on}"),
        Reason::Failing { error } => error.clone(),
        Reason::Unsteady => "the same recipe gave other bytes than before".to_owned(),
    }
}

/// Digests are cut to eight digits: more says nothing to a reader.
pub fn short(value: &str) -> String {
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_digest {
        true => format!("{}…", &value[..8]),
        false => value.to_owned(),
    }
}
