//! What people and programs hear of a run: lines on stderr, JSON on stdout, the journal.

use std::time::Instant;

use flow_engine::{Event, Listener};
use flow_store::Journal;

use crate::args::Run;
use crate::words;

/// Tells every event to the journal and, as asked, to people or programs.
pub struct Progress {
    json: bool,
    quiet: bool,
    began: Instant,
    journal: Journal,
}

impl Progress {
    /// Progress of a run that keeps this journal.
    pub fn new(run: &Run, journal: Journal) -> Self {
        Self {
            json: run.json,
            quiet: run.quiet,
            began: Instant::now(),
            journal,
        }
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
            // A full disk must not end a run for want of a journal.
            let _ = self.journal.write_line(&line);
        }
        if self.json {
            return words::answer_json(event);
        }
        let loud = matches!(event, Event::Failed { .. } | Event::RunFinished { .. });
        if let Some(line) = self.line(event).filter(|_| loud || !self.quiet) {
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
