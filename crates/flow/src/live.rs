//! The live view of a run on a terminal: a headline and the running instances, drawn in place.
//!
//! Nothing is drawn over what others wrote: what must stay (failures, warnings) is written above the
//! view. The cursor is never hidden and no mode of the terminal stays set, so that a kill at any
//! moment leaves it as it was.

use std::collections::{BTreeMap, HashMap};
use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use flow_engine::Event;

use crate::terminal;
use crate::words::{harmless, in_one_line};

/// How often the view is drawn.
const PERIOD: Duration = Duration::from_millis(150);

/// Most running instances that are shown.
const MOST_SHOWN: usize = 8;

/// The view, drawn by a thread of its own until [`Live::end`].
pub struct Live {
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<()>>,
}

struct Shared {
    board: Mutex<Board>,
    stop: AtomicBool,
    /// Set when the process goes on after Ctrl-Z: the screen below the cursor is no longer ours.
    resumed: Arc<AtomicBool>,
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        // A panic elsewhere is told elsewhere; what was counted still holds.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// A view of a run. `past`: seconds an instance took in earlier runs, by node.
    pub fn begin(past: HashMap<String, f64>) -> Self {
        let resumed = Arc::new(AtomicBool::new(false));
        // Without the signal a resumed view is drawn a little too high; no reason to refuse to run.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&resumed));
        let shared = Arc::new(Shared {
            board: Mutex::new(Board::new(past)),
            stop: AtomicBool::new(false),
            resumed,
        });
        let drawn = Arc::clone(&shared);
        let drawer = spawn(move || {
            while !drawn.stop.load(Ordering::Relaxed) {
                draw(&drawn, None);
                std::thread::park_timeout(PERIOD);
            }
        });
        Self {
            shared,
            drawer: Some(drawer),
        }
    }

    /// Counts what happened, and writes what must stay above the view.
    pub fn hear(&self, event: &Event, line: Option<&str>) {
        self.shared.board().hear(event);
        if line.is_some() {
            draw(&self.shared, line);
        }
    }

    /// Writes what must stay above the view.
    pub fn say(&self, line: &str) {
        draw(&self.shared, Some(line));
    }

    /// Takes the view off the screen.
    pub fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(drawer) = self.drawer.take() {
            drawer.thread().unpark();
            // It panicked: the panic was printed.
            let _ = drawer.join();
            let mut board = self.shared.board();
            let text = board.erase();
            put(&text);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

fn draw(shared: &Shared, above: Option<&str>) {
    let mut board = shared.board();
    if shared.resumed.swap(false, Ordering::Relaxed) {
        board.drawn.clear();
    }
    let width = terminal::width();
    let mut text = board.erase_at(width);
    if let Some(line) = above {
        text.push_str(&harmless(line));
        text.push('\n');
    }
    let lines = board.lines(width);
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    board.drawn = lines;
    put(&text);
}

fn put(text: &str) {
    let mut err = stderr().lock();
    // A terminal that went away is no reason to end a run.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// What is known of the run.
struct Board {
    began: Instant,
    past: HashMap<String, f64>,
    /// Seconds and instances of this run, by node.
    took: HashMap<String, (f64, usize)>,
    /// Instances not settled, by node.
    left: BTreeMap<String, usize>,
    running: BTreeMap<String, Running>,
    ran: usize,
    cached: usize,
    failed: usize,
    skipped: usize,
    drawn: Vec<String>,
}

struct Running {
    since: Instant,
    waits: bool,
    done: u64,
    total: u64,
    note: String,
    /// As the node itself reckons.
    seconds_left: Option<f64>,
}

/// The node of an instance, as the study names it.
fn node_of(instance: &str) -> &str {
    instance.split('[').next().unwrap_or(instance)
}

impl Board {
    fn new(past: HashMap<String, f64>) -> Self {
        Self {
            began: Instant::now(),
            past,
            took: HashMap::new(),
            left: BTreeMap::new(),
            running: BTreeMap::new(),
            ran: 0,
            cached: 0,
            failed: 0,
            skipped: 0,
            drawn: Vec::new(),
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Expanded { node, instances } => {
                *self.left.entry(node_of(node).to_owned()).or_default() += instances;
            }
            Event::Started { instance, .. } => self.start(instance, false),
            Event::Waiting { instance, .. } => self.start(instance, true),
            Event::Progress {
                instance,
                done,
                total,
                note,
                seconds_left,
            } => {
                if let Some(running) = self.running.get_mut(instance) {
                    (running.done, running.total) = (*done, *total);
                    running.note.clone_from(note);
                    running.seconds_left = *seconds_left;
                }
            }
            Event::Cached { instance, .. } => {
                self.cached += 1;
                self.settle(instance);
            }
            Event::Ran {
                instance, seconds, ..
            } => {
                self.ran += 1;
                let took = self.took.entry(node_of(instance).to_owned()).or_default();
                *took = (took.0 + seconds, took.1 + 1);
                self.settle(instance);
            }
            Event::Failed { instance, .. } => {
                self.failed += 1;
                self.settle(instance);
            }
            Event::Skipped { instance, .. } => {
                self.skipped += 1;
                self.settle(instance);
            }
            _ => {}
        }
    }

    fn start(&mut self, instance: &str, waits: bool) {
        let running = Running {
            since: Instant::now(),
            waits,
            done: 0,
            total: 0,
            note: String::new(),
            seconds_left: None,
        };
        self.running.insert(instance.to_owned(), running);
    }

    fn settle(&mut self, instance: &str) {
        self.running.remove(instance);
        if let Some(left) = self.left.get_mut(node_of(instance)) {
            *left = left.saturating_sub(1);
        }
    }

    /// Seconds an instance of a node takes: as in this run, else in earlier ones, else as one that
    /// runs reckons.
    fn expected(&self, node: &str) -> Option<f64> {
        let here = self.took.get(node).map(|(seconds, n)| seconds / *n as f64);
        let mut running = self
            .running
            .iter()
            .filter(|(name, _)| node_of(name) == node);
        here.or_else(|| self.past.get(node).copied()).or_else(|| {
            running.find_map(|(_, one)| Some(one.since.elapsed().as_secs_f64() + one.seconds_left?))
        })
    }

    /// Seconds until all known instances are done, as many at a time as run now; `None` where
    /// nothing is known of a node that is left.
    fn seconds_left(&self) -> Option<f64> {
        let mut work = 0.0;
        for (node, left) in self.left.iter().filter(|(_, left)| **left > 0) {
            let expected = self.expected(node)?;
            work += expected * *left as f64;
        }
        for (instance, running) in &self.running {
            let expected = self.expected(node_of(instance))?;
            let spent = running.since.elapsed().as_secs_f64();
            work += running.seconds_left.unwrap_or((expected - spent).max(0.0)) - expected;
        }
        Some(work / self.running.len().max(1) as f64)
    }

    /// The lines of the view, none wider than `width`.
    fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![cut(&self.headline(), width)];
        let longest = self.running.keys().map(|name| name.chars().count()).max();
        // The name gets at most half the line; what it is doing the rest.
        let column = longest.unwrap_or(0).min(width / 2);
        for (name, running) in self.running.iter().take(MOST_SHOWN) {
            lines.push(cut(&running.line(name, column), width));
        }
        if self.running.len() > MOST_SHOWN {
            let more = self.running.len() - MOST_SHOWN;
            lines.push(cut(&format!("  and {more} more"), width));
        }
        lines
    }

    fn headline(&self) -> String {
        let left = self.left.values().sum::<usize>();
        let left = left.saturating_sub(self.running.len());
        let mut parts = vec![
            clock(self.began.elapsed().as_secs_f64()),
            format!("{left} left"),
            format!("{} running", self.running.len()),
            format!("{} done", self.ran),
            format!("{} cached", self.cached),
        ];
        if self.failed > 0 {
            parts.insert(1, format!("{} FAILED", self.failed));
        }
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        if let Some(seconds) = self.seconds_left().filter(|_| !self.running.is_empty()) {
            parts.insert(1, format!("about {} to go", clock(seconds)));
        }
        if let Some(bytes) = terminal::memory() {
            parts.push(format!("{} MiB", bytes >> 20));
        }
        parts.join(" · ")
    }

    fn erase(&mut self) -> String {
        self.erase_at(terminal::width())
    }

    /// Goes up to where the view began and clears from there, however the terminal wraps it now.
    fn erase_at(&mut self, width: usize) -> String {
        let rows = |line: &String| line.chars().count().max(1).div_ceil(width.max(1));
        let up: usize = self.drawn.drain(..).map(|line| rows(&line)).sum();
        match up {
            0 => "\r\u{1b}[J".to_owned(),
            up => format!("\r\u{1b}[{up}A\u{1b}[J"),
        }
    }
}

impl Running {
    fn line(&self, name: &str, column: usize) -> String {
        let name = cut(name, column);
        let mut line = format!(
            "  {name:<column$}  {:>5}",
            clock(self.since.elapsed().as_secs_f64())
        );
        if self.waits {
            line.push_str("  waits for another run");
        } else if self.total > 0 {
            line.push_str(&format!(
                "  {} {}/{}",
                bar(self.done, self.total),
                self.done,
                self.total
            ));
        }
        if !self.note.is_empty() {
            line.push_str("  ");
            line.push_str(&self.note);
        }
        line
    }
}

/// `████░░░░`, eight cells.
fn bar(done: u64, total: u64) -> String {
    let full = (done.min(total) * 8 / total.max(1)) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(8 - full))
}

/// `0:07`, `12:30`, `1:02:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// At most `width` characters; what was cut ends in `…`.
fn cut(text: &str, width: usize) -> String {
    let text = in_one_line(text);
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        let mut board = Board::new(HashMap::from([("net".to_owned(), 10.0)]));
        board.hear(&Event::Expanded {
            node: "net".into(),
            instances: 4,
        });
        board.hear(&Event::Cached {
            instance: "net[fold=0]".into(),
            key: String::new(),
        });
        board.start("net[fold=1]", false);
        board.start("net[fold=2]", false);
        board
    }

    #[test]
    fn the_headline_counts_and_estimates_from_earlier_runs() {
        let line = board().headline();
        assert!(
            line.starts_with("0:00 · about 0:1")
                && line.contains("1 left · 2 running · 0 done · 1 cached"),
            "{line}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut board = board();
        let note = "accuracy 0.5".repeat(9);
        board.hear(&Event::Progress {
            instance: "net[fold=1]".into(),
            done: 1,
            total: 3,
            note,
            seconds_left: None,
        });
        for width in [1, 2, 10, 20, 40, 80, 200] {
            for line in board.lines(width) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_view_is_erased_by_the_rows_it_takes_at_the_new_width() {
        let mut board = board();
        board.drawn = vec!["x".repeat(80), "y".repeat(10)];
        assert_eq!(board.erase_at(40), "\r\u{1b}[3A\u{1b}[J");
        assert_eq!(board.erase_at(40), "\r\u{1b}[J", "nothing is left of it");
    }

    #[test]
    fn an_unknown_node_gives_no_estimate() {
        let mut board = board();
        board.hear(&Event::Expanded {
            node: "scores".into(),
            instances: 1,
        });
        assert_eq!(board.seconds_left(), None);
    }

    #[test]
    fn clocks_and_bars() {
        assert_eq!(
            [clock(7.9), clock(750.0), clock(3723.0)],
            ["0:07", "12:30", "1:02:03"]
        );
        assert_eq!(
            [bar(0, 3), bar(2, 4), bar(9, 4)],
            ["░░░░░░░░", "████░░░░", "████████"]
        );
    }
}
