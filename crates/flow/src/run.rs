//! `flow run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use flow_engine::{Event, Listener, Summary};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::args::{Ask, Place, Run};
use crate::current::Asking;
use crate::outcome::{Outcome, Refusal};
use crate::progress::Progress;
use crate::study::{Asked, Study, jobs, run_name, session};
use crate::{ask, report, words};

/// Brings targets up to date, publishes, and writes the report.
pub fn run(place: &Place, run: &Run) -> Result<Outcome, Refusal> {
    let began = Instant::now();
    if run.dry_run {
        let ask = Ask {
            targets: run.targets.clone(),
            json: run.json,
        };
        return ask::status(place, &ask);
    }
    let asking = Asking::new(place, run);
    let nothing_to_do = asking.as_ref().and_then(|asking| asking.answer(run, began));
    match nothing_to_do {
        Some(outcome) => Ok(outcome),
        None => whole(place, run, asking.as_ref()),
    }
}

/// A run that looks at everything.
fn whole(place: &Place, run: &Run, asking: Option<&Asking>) -> Result<Outcome, Refusal> {
    if let Some(asking) = asking {
        asking.expect_commands();
    }
    let study = Study::open(place)?;
    let jobs = jobs(run.jobs);
    let targets = study.targets(&run.targets)?;
    // Nodes share these threads for their inner loops, so that together they use `jobs` cores.
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build_global()
        .map_err(Refusal::failed)?;
    let store = study.store()?;
    words::misplaced(&store);
    let asked = Asked {
        targets,
        jobs,
        keep_going: run.keep_going,
        run: run_name(),
    };
    let stop = stop_on_signals()?;
    let session = session(&study, &store, &asked, &stop);
    let journal = store.begin_run(&asked.run)?;
    let mut last = Last {
        notice: words::before_running(&study.plan),
        progress: Progress::new(run, &store, journal),
        troubles: report::Troubles::default(),
        end: None,
    };
    let summary = flow_engine::run(&session, &mut last)?;
    last.progress.rest();
    let reported = match run.targets.is_empty() {
        true => report::write(&study, &store, &asked, &summary, &last.troubles),
        false => Ok(None),
    };
    if let Ok(Some(path)) = &reported
        && !run.quiet
    {
        words::note(&format!("report  {}", path.display()));
    }
    last.say_end();
    reported.map_err(Refusal::failed)?;
    study.keep_plan();
    if let Some(asking) = asking {
        asking.remember(&session, &summary, &reports(&study, run));
    }
    let outcome = outcome(&summary);
    // The process ends after this, and takes less time over it than the parts one by one.
    std::mem::forget((summary, study));
    Ok(outcome)
}

/// A flag that Ctrl-C, a polite kill and a terminal that closes set: running nodes then end, what is done is
/// kept. The same signal a second time ends the process at once.
fn stop_on_signals() -> Result<Arc<AtomicBool>, Refusal> {
    let stop = Arc::new(AtomicBool::new(false));
    // Under `nohup` a run goes on without its terminal.
    let hang_up = Some(SIGHUP).filter(|signal| !is_ignored(*signal));
    for signal in [SIGINT, SIGTERM].into_iter().chain(hang_up) {
        flag::register_conditional_default(signal, Arc::clone(&stop)).map_err(Refusal::failed)?;
        flag::register(signal, Arc::clone(&stop)).map_err(Refusal::failed)?;
    }
    Ok(stop)
}

/// Whether who started this process made it deaf to a signal; not, where the system does not say.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Keeps the last event back until the report is written, so that it is the last line.
struct Last {
    /// What the study says once, before anything runs.
    notice: Option<String>,
    progress: Progress,
    troubles: report::Troubles,
    end: Option<Event>,
}

impl Last {
    fn say_end(&mut self) {
        if let Some(end) = self.end.take() {
            self.progress.hear(&end);
        }
    }
}

impl Listener for Last {
    fn hear(&mut self, event: &Event) {
        self.troubles.hear(event);
        if matches!(event, Event::Started { .. })
            && let Some(notice) = self.notice.take()
        {
            self.progress.say(&notice);
        }
        match event {
            Event::RunFinished { .. } => self.end = Some(event.clone()),
            event => self.progress.hear(event),
        }
    }
}

/// The files beside what nodes publish that the next run would write if they were gone.
fn reports(study: &Study, run: &Run) -> Vec<PathBuf> {
    let folder = study.root.join(study.plan.reports());
    match run.targets.is_empty() {
        true => vec![folder.join("report.html"), folder.join("run.json")],
        false => Vec::new(),
    }
}

fn outcome(summary: &Summary) -> Outcome {
    match summary {
        Summary { bug: true, .. } => Outcome::Bug,
        Summary {
            failed: 0,
            skipped: 0,
            ..
        } => Outcome::Done,
        _ => Outcome::NodeFailed,
    }
}
