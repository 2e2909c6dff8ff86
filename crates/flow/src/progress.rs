//! What people and programs hear of a run: lines on stderr, JSON on stdout, the journal.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use flow_engine::{Event, Listener};
use flow_store::{Journal, Store};

use crate::args::Run;
use crate::live::Live;
use crate::{terminal, words};

/// Tells every event to the journal and, as asked, to people or programs.
pub struct Progress {
    json: bool,
    quiet: bool,
    began: Instant,
    journal: Journal,
    live: Option<Live>,
    pace: Pace,
}

/// How far apart the progress lines of one instance are, so that the log of a CI job stays short.
const APART: Duration = Duration::from_secs(5);

/// When each running instance's progress was last told in a line.
#[derive(Default)]
struct Pace(HashMap<String, Instant>);

impl Pace {
    /// Whether an event makes a line at this moment: everything but progress too soon after that of its instance before.
    fn is_due(&mut self, event: &Event, now: Instant) -> bool {
        match event {
            Event::Ran { instance, .. } | Event::Failed { instance, .. } => {
                self.0.remove(instance);
            }
            Event::Progress { instance, .. } => {
                let last = self.0.get(instance);
                if last.is_some_and(|last| now.duration_since(*last) < APART) {
                    return false;
                }
                self.0.insert(instance.clone(), now);
            }
            _ => {}
        }
        true
    }
}

impl Progress {
    /// Progress of a run that keeps this journal.
    pub fn new(run: &Run, store: &Store, journal: Journal) -> Self {
        let draws = !run.json && !run.quiet && terminal::can_draw();
        Self {
            live: draws.then(|| Live::begin(past(store))),
            json: run.json,
            quiet: run.quiet,
            began: Instant::now(),
            journal,
            pace: Pace::default(),
        }
    }

    /// Takes a live view off the screen, so that others can write.
    pub fn rest(&mut self) {
        self.live = None;
    }

    /// Says something to people that is no event.
    pub fn say(&self, words: &str) {
        match &self.live {
            Some(live) => live.say(words),
            None if self.quiet => {}
            None => words::note(words),
        }
    }

    /// What a live view leaves on the screen: what went wrong.
    fn stays(event: &Event) -> bool {
        matches!(
            event,
            Event::Failed { .. } | Event::Warned { .. } | Event::Damaged { .. }
        )
    }

    fn line(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Started { instance, why, .. } => format!("run     {instance}: {why}"),
            Event::Ran {
                instance, seconds, ..
            } => format!("done    {instance} in {seconds:.2} s"),
            Event::Progress {
                instance,
                done,
                total,
                note,
                seconds_left,
            } => {
                let left = seconds_left.map_or_else(String::new, time_left);
                format!("        {instance} {done}/{total} {note}{left}")
            }
            Event::Waiting { instance, pid } => match pid {
                Some(pid) if *pid == std::process::id() => {
                    format!(
                        "wait    {instance}: another instance of this run is computing the same"
                    )
                }
                Some(pid) => format!("wait    {instance}: process {pid} is computing it"),
                None => format!("wait    {instance}: another process is computing it"),
            },
            Event::Warned { instance, words } => format!("warning {instance}: {words}"),
            Event::Skipped { instance, because } => {
                format!("skip    {instance}: because of {because}")
            }
            Event::Damaged { instance, digest } => {
                format!(
                    "damaged an output of {instance} ({}…): set aside and computed again",
                    &digest[..8]
                )
            }
            Event::Failed { instance, error } => {
                let mut text = format!("error: {instance}: {}", error.what);
                for (word, part) in [
                    ("at", &error.place),
                    ("why", &error.why),
                    ("help", &error.help),
                ] {
                    if let Some(part) = part {
                        text.push_str(&format!("\n  {word}: {part}"));
                    }
                }
                text
            }
            Event::RunFinished {
                ran,
                cached,
                failed,
                skipped,
            } => counted([*ran, *cached, *failed, *skipped], self.began),
            Event::RunStarted { .. }
            | Event::Expanded { .. }
            | Event::Cached { .. }
            | Event::Published { .. } => return None,
        })
    }
}

/// The last line of a run: how many instances ran, were cached, failed and were skipped.
pub fn counted([ran, cached, failed, skipped]: [usize; 4], began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    format!("{ran} ran, {cached} cached, {failed} failed, {skipped} skipped in {seconds:.1} s")
}

impl Listener for Progress {
    fn hear(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            match event {
                // What is found again by the next run needs no write of its own.
                Event::Expanded { .. } | Event::Cached { .. } => self.journal.add_line(&line),
                // A full disk must not end a run for want of a journal.
                _ => drop(self.journal.write_line(&line)),
            }
        }
        if self.json {
            return words::answer_json(event);
        }
        if let Some(live) = &self.live {
            let line = self.line(event).filter(|_| Self::stays(event));
            return live.hear(event, line.as_deref());
        }
        let loud = matches!(event, Event::Failed { .. } | Event::RunFinished { .. });
        let due = self.pace.is_due(event, Instant::now());
        if let Some(line) = self.line(event).filter(|_| loud || due && !self.quiet) {
            words::note(&line);
        }
    }
}

/// `, 2 min left`, in one unit that fits.
fn time_left(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!(", {seconds:.0} s left"),
        ..5400.0 => format!(", {:.0} min left", seconds / 60.0),
        _ => format!(", {:.1} h left", seconds / 3600.0),
    }
}

/// How many of the latest journals are read for durations.
const JOURNALS: usize = 3;

/// Mean seconds an instance took in the latest runs, by node; what can't be read is left out.
fn past(store: &Store) -> HashMap<String, f64> {
    let runs = store.runs().unwrap_or_default();
    let mut sums: HashMap<String, (f64, f64)> = HashMap::new();
    for run in runs
        .iter()
        .rev()
        .filter(|run| !run.is_running())
        .take(JOURNALS)
    {
        let text = run.text();
        for line in text
            .lines()
            .filter(|line| line.contains("\"event\":\"ran\""))
        {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
                continue;
            };
            if let (Some(instance), Some(seconds)) =
                (event["instance"].as_str(), event["seconds"].as_f64())
            {
                let node = instance.split('[').next().unwrap_or(instance);
                let sum = sums.entry(node.to_owned()).or_default();
                *sum = (sum.0 + seconds, sum.1 + 1.0);
            }
        }
    }
    let means = sums
        .into_iter()
        .map(|(node, (seconds, n))| (node, seconds / n));
    means.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use flow_engine::Why;

    use super::*;

    /// The page on the stream: event → fields.
    fn documented() -> BTreeMap<String, BTreeSet<String>> {
        let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut event = String::new();
        for line in include_str!("../events.md").lines() {
            let name = |rest: &str| rest.split('`').next().map(str::to_owned);
            if let Some(rest) = line.strip_prefix("## `") {
                event = name(rest).unwrap();
                events.entry(event.clone()).or_default();
            } else if let Some(rest) = line.strip_prefix("* `") {
                events.entry(event.clone()).or_default().extend(name(rest));
            }
        }
        events
    }

    /// One of each event. A new variant does not compile in `place`, which leads here.
    fn one_of_each() -> Vec<Event> {
        let text = || "x".to_owned();
        let (instance, key) = (text(), text());
        let error = flow_engine::ErrorWords {
            what: text(),
            place: None,
            why: None,
            help: None,
            said: Default::default(),
        };
        let all = vec![
            Event::RunStarted {
                run: text(),
                study: text(),
                jobs: 1,
                targets: vec![],
                swept: vec![],
            },
            Event::Expanded {
                node: text(),
                instances: 1,
            },
            Event::Cached {
                instance: instance.clone(),
                key: key.clone(),
            },
            Event::Started {
                instance: instance.clone(),
                key: key.clone(),
                why: Why::New,
            },
            Event::Waiting {
                instance: instance.clone(),
                pid: None,
            },
            Event::Progress {
                instance: instance.clone(),
                done: 1,
                total: 2,
                note: text(),
                seconds_left: None,
            },
            Event::Warned {
                instance: instance.clone(),
                words: text(),
            },
            Event::Ran {
                instance: instance.clone(),
                key,
                seconds: 0.0,
            },
            Event::Failed {
                instance: instance.clone(),
                error,
            },
            Event::Skipped {
                instance: instance.clone(),
                because: text(),
            },
            Event::Damaged {
                instance: instance.clone(),
                digest: text(),
            },
            Event::Published {
                instance,
                path: text(),
            },
            Event::RunFinished {
                ran: 0,
                cached: 0,
                failed: 0,
                skipped: 0,
            },
        ];
        let places: BTreeSet<usize> = all.iter().map(place).collect();
        assert_eq!(places.len(), all.len());
        all
    }

    fn place(event: &Event) -> usize {
        match event {
            Event::RunStarted { .. } => 0,
            Event::Expanded { .. } => 1,
            Event::Cached { .. } => 2,
            Event::Started { .. } => 3,
            Event::Waiting { .. } => 4,
            Event::Progress { .. } => 5,
            Event::Warned { .. } => 6,
            Event::Ran { .. } => 7,
            Event::Failed { .. } => 8,
            Event::Skipped { .. } => 9,
            Event::Damaged { .. } => 10,
            Event::Published { .. } => 11,
            Event::RunFinished { .. } => 12,
        }
    }

    #[test]
    fn progress_of_an_instance_makes_a_line_every_five_seconds() {
        let mut pace = Pace::default();
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let event = |place: usize| one_of_each().swap_remove(place);
        let (progress, ran) = (event(5), event(7));
        let heard = [1, 2, 5, 6, 10, 11, 21].map(|seconds| pace.is_due(&progress, after(seconds)));
        assert_eq!(heard, [true, false, false, true, false, true, true]);
        assert!(pace.is_due(&ran, after(22)));
        assert!(pace.0.is_empty());
    }

    #[test]
    fn a_damaged_line_of_a_journal_hides_no_other_duration() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        std::fs::create_dir_all(folder.path().join("runs")).unwrap();
        let lines = [
            &br#"{"event":"ran","instance":"net[fold=1]","key":"k1","seconds":2.0}"#[..],
            b"{\"event\":\"ran\",\xff",
            br#"{"event":"ran","instance":"net[fold=2]","key":"k2","seconds":4.0}"#,
        ];
        std::fs::write(store.run_path("1-a"), lines.join(&b'\n')).unwrap();
        assert_eq!(past(&store), HashMap::from([("net".to_owned(), 3.0)]));
    }

    #[test]
    fn the_page_on_the_stream_names_every_event_with_its_fields() {
        let mut events = BTreeMap::new();
        for event in one_of_each() {
            let json = serde_json::to_value(&event).unwrap();
            let fields = json.as_object().unwrap().keys();
            let fields = fields.filter(|field| *field != "event").cloned().collect();
            events.insert(json["event"].as_str().unwrap().to_owned(), fields);
        }
        assert_eq!(documented(), events);
    }
}
