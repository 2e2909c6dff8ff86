//! `flow log`: the runs of a study, one run's events, or what a node said.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use flow_contract::Digest;
use flow_engine::Standing;
use flow_store::{Repeat, RunFile, Store};
use serde_json::{Value as Json, json};

use crate::args::{Log, Place};
use crate::ask::surveyed;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json};

/// Lists the runs, or looks into one run or one node.
pub fn log(place: &Place, log: &Log) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let (runs, repeats) = (store.runs()?, store.repeats()?);
    let Some(what) = &log.what else {
        list(&runs, &repeats, log);
        return Ok(Outcome::Done);
    };
    if let Some(run) = runs.iter().find(|run| run.id == *what) {
        events(run).iter().for_each(|event| tell(event, log.json));
    } else if let Some(repeat) = repeats.iter().find(|run| run.id == *what) {
        tell_repeat(repeat, log.json);
    } else {
        said(&study, &store, &runs, log)?;
    }
    Ok(Outcome::Done)
}

/// The events of a run's journal; a line that a kill cut off is left out.
pub fn events(run: &RunFile) -> Vec<Json> {
    let text = run.text();
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// What a run came to.
struct Told {
    began_unix: u64,
    seconds: f64,
    counts: [u64; 4],
    ended: bool,
    failed: Vec<String>,
}

const COUNTS: [&str; 4] = ["ran", "cached", "failed", "skipped"];

fn told(run: &RunFile) -> Told {
    let text = run.text();
    // Of a long journal few lines count, and parsing the others would take most of the time.
    let named = |name: &str| {
        let sign = format!("\"event\":\"{name}\"");
        let lines = text.lines().filter(move |line| line.contains(&sign));
        lines.filter_map(|line| serde_json::from_str::<Json>(line).ok())
    };
    let last = named("run_finished").next_back();
    let began = began(&run.id);
    let written = fs::metadata(&run.path).and_then(|meta| meta.modified());
    let written = written
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Told {
        began_unix: began.as_secs(),
        seconds: written.map_or(0.0, |end| end.saturating_sub(began).as_secs_f64()),
        counts: COUNTS.map(|name| {
            let last = last.as_ref();
            last.and_then(|event| event[name].as_u64()).unwrap_or(0)
        }),
        ended: last.is_some(),
        failed: named("failed")
            .filter_map(|event| Some(event["instance"].as_str()?.to_owned()))
            .collect(),
    }
}

/// When a run began, since 1970, by its id.
pub fn began(id: &str) -> Duration {
    let seconds = id.split('-').next().and_then(|text| text.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or_default()
}

/// A run of the list.
enum Listed<'a> {
    Whole(&'a RunFile),
    Repeat(&'a Repeat),
}

impl Listed<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Whole(run) => &run.id,
            Self::Repeat(run) => &run.id,
        }
    }
}

fn list(runs: &[RunFile], repeats: &[Repeat], log: &Log) {
    let mut all: Vec<Listed<'_>> = runs.iter().map(Listed::Whole).collect();
    all.extend(repeats.iter().map(Listed::Repeat));
    all.sort_by(|a, b| b.id().cmp(a.id()));
    for run in all.iter().take(log.last) {
        match run {
            Listed::Whole(run) => list_whole(run, log.json),
            Listed::Repeat(run) => list_repeat(run, log.json),
        }
    }
    if all.is_empty() && !log.json {
        answer("no run yet; `flow run` makes one");
    }
}

fn list_whole(run: &RunFile, as_json: bool) {
    // Asked before the journal is read: one that ends meanwhile is not told as killed.
    let running = run.is_running();
    let told = told(run);
    let [ran, cached, failed, skipped] = told.counts;
    if as_json {
        return answer_json(&json!({
            "run": run.id, "began_unix": told.began_unix, "seconds": told.seconds,
            "running": running, "finished": told.ended, "ran": ran, "cached": cached,
            "failed": failed, "skipped": skipped, "failures": told.failed, "repeats": null,
        }));
    }
    let end = match (running, told.ended) {
        (true, _) => "is running".to_owned(),
        (false, false) => "was killed".to_owned(),
        (false, true) => format!(
            "{ran} ran, {cached} cached, {failed} failed, {skipped} skipped in {:.1} s",
            told.seconds
        ),
    };
    let failures = match told.failed.is_empty() {
        true => String::new(),
        false => format!("; failed: {}", told.failed.join(", ")),
    };
    let when = date(told.began_unix);
    answer(&format!("{}  {when}  {end}{failures}", run.id));
}

fn list_repeat(run: &Repeat, as_json: bool) {
    let (began, cached) = (began(&run.id).as_secs(), run.cached);
    if as_json {
        return answer_json(&json!({
            "run": run.id, "began_unix": began, "seconds": 0.0, "running": false, "finished": true,
            "ran": 0, "cached": cached, "failed": 0, "skipped": 0, "failures": [], "repeats": run.of,
        }));
    }
    let (id, when, of) = (&run.id, date(began), &run.of);
    answer(&format!(
        "{id}  {when}  0 ran, {cached} cached, 0 failed, 0 skipped: all was as run {of} left it"
    ));
}

/// Of a run without a journal.
fn tell_repeat(run: &Repeat, as_json: bool) {
    let Repeat { id, of, cached } = run;
    if as_json {
        return answer_json(
            &json!({"event": "run_repeated", "run": id, "of": of, "cached": cached}),
        );
    }
    answer(&format!(
        "found {cached} results as run {of} left them; `flow log {of}` tells of that run"
    ));
}

/// Seconds since 1970 as a date and time in UTC, by the civil calendar.
pub fn date(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Counted from 1 March of year 0, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    format!(
        "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC",
        second % 60
    )
}

fn tell(event: &Json, as_json: bool) {
    if as_json {
        return answer_json(event);
    }
    let name = event["event"].as_str().unwrap_or_default();
    let mut words = format!("{name:<12}");
    for key in ["instance", "node", "because", "path", "words"] {
        if let Some(text) = event[key].as_str() {
            words.push_str(&format!(" {text}"));
        }
    }
    if let Some(seconds) = event["seconds"].as_f64() {
        words.push_str(&format!(" in {seconds:.2} s"));
    }
    for key in ["what", "why", "help"] {
        if let Some(text) = event["error"][key].as_str() {
            words.push_str(&format!("\n  {key}: {text}"));
        }
    }
    answer(&words);
}

/// What the instances of a node said: those that are up to date, and those that failed last.
fn said(study: &Study, store: &Store, runs: &[RunFile], log: &Log) -> Result<(), Refusal> {
    let what = log.what.as_deref().unwrap_or_default();
    let target = study
        .plan
        .target(what)
        .map_err(|error| Refusal::wrong(format!("{error}\n  help: `flow log` lists the runs")))?;
    let node = study.plan.node(target.node).name.clone();
    let last = runs.last().map(events).unwrap_or_default();
    for one in surveyed(study, store, &[what.to_owned()])? {
        if one.address.node != node {
            continue;
        }
        let instance = one.address.to_string();
        let failed = |event: &&Json| event["event"] == "failed" && event["instance"] == instance;
        let failure = last.iter().rfind(failed);
        let mut streams: Vec<(String, String)> = Vec::new();
        match (&one.standing, failure) {
            (Standing::Current { outputs, .. }, _) => {
                let own = outputs.iter().filter(|(port, ..)| is_stream(port));
                streams.extend(own.map(|(port, digest, _)| (port.clone(), digest.to_string())));
            }
            (_, Some(event)) => {
                let kept = event["error"]["said"].as_object().into_iter().flatten();
                let kept = kept.filter_map(|(name, at)| Some((name.clone(), at.as_str()?.into())));
                streams.extend(kept);
            }
            _ => {}
        }
        show_streams(store, &instance, &streams, log.json);
    }
    Ok(())
}

fn is_stream(port: &str) -> bool {
    port == "stdout" || port == "stderr"
}

fn show_streams(store: &Store, instance: &str, streams: &[(String, String)], as_json: bool) {
    let text = |digest: &String| {
        let content = store.get(&digest.parse::<Digest>().ok()?).ok()?;
        Some(String::from_utf8_lossy(&content).into_owned())
    };
    let said = streams
        .iter()
        .map(|(name, digest)| (name, text(digest).unwrap_or_default()));
    if as_json {
        let said: serde_json::Map<String, Json> = said
            .map(|(name, text)| (name.clone(), json!(text)))
            .collect();
        return answer_json(&json!({"instance": instance, "said": said}));
    }
    let mut silent = true;
    for (name, text) in said.filter(|(_, text)| !text.is_empty()) {
        silent = false;
        answer(&format!("{instance} {name}:"));
        text.lines().for_each(|line| answer(&format!("  {line}")));
    }
    if silent {
        answer(&format!("{instance} said nothing that is kept"));
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn seconds_become_dates_across_leap_days() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_709_251_200), "2024-03-01 00:00:00 UTC");
    }
}
