//! What the terminal and the system say of themselves.

use std::fs::{self, File};
use std::io::{IsTerminal, stderr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A terminal that doesn't say has so many columns.
const USUAL: usize = 80;

/// Whether a view can be drawn on stderr.
pub fn can_draw() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of the terminal, asked again after it was resized.
pub fn width() -> usize {
    static WIDTH: AtomicUsize = AtomicUsize::new(0);
    static RESIZED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let resized = RESIZED.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(true));
        // Without the signal the first width is kept.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGWINCH, Arc::clone(&flag));
        flag
    });
    if resized.swap(false, Ordering::Relaxed) {
        WIDTH.store(asked_width().unwrap_or(USUAL), Ordering::Relaxed);
    }
    WIDTH.load(Ordering::Relaxed)
}

/// Asks `stty`, which POSIX has: a crate for one system call would rebuild half the workspace.
fn asked_width() -> Option<usize> {
    let terminal = File::open("/dev/tty").ok()?;
    let mut stty = Command::new("stty");
    let said = stty
        .arg("size")
        .stdin(terminal)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let columns: usize = text.split_whitespace().nth(1)?.parse().ok()?;
    (columns > 0).then_some(columns)
}

/// Bytes of memory this process holds now; `None` where the system doesn't say.
pub fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
