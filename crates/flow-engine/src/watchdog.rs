//! Ends commands whose flow was killed.
//!
//! A shell in a process group of its own waits for its input to end: then flow is gone, however it
//! ended. Which commands ran at that moment stands in a table in memory that both share, so that
//! starting a command wakes nobody. The shell kills their whole process groups, and whoever works
//! below the folders of commands. `PR_SET_PDEATHSIG` would reach only the first process of each
//! command, and asking for it means `fork` instead of `posix_spawn`.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::command;
use rustix::fs::{MemfdFlags, memfd_create};

/// Its input: folders that hold the folders of commands. Its output: the table, which it reads.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
nl='
'
folders=
while read -r folder; do folders="$folders$folder$nl"; done
groups=
while read -r group; do groups="$groups $group"; done </proc/self/fd/1
running=
for group in $groups; do
  running=yes
  [ "$group" = + ] || kill -9 "-$group"
done
[ "$running" ] || exit
set -f
IFS=$nl
for process in $(set +f; echo /proc/[0-9]* | tr ' ' '\n'); do
  where=$(readlink "$process/cwd") || continue
  for folder in $folders; do
    case "$where/" in "$folder/"*) kill -9 "${process#/proc/}" ;; esac
  done
done
"#;

/// One line of the table: a process group, `+` while it is being started, or nothing.
const LINE_BYTES: usize = 12;

/// The right of a command to run; taken back when dropped.
pub(crate) struct Watched {
    line: Option<u64>,
}

/// Makes ready for commands of the study in `root`, beside what the caller does: who watches over them takes longer to
/// start than to find the first of them that has to run. Without this, that one waits.
pub fn expect_commands(root: &Path) {
    let root = root.to_owned();
    thread::spawn(move || {
        drop(watchdog());
        command::expect_commands(&root);
    });
}

/// Says that a command is about to start in a folder.
pub(crate) fn begin(folder: &Path) -> Watched {
    let line = watchdog().map(|mut watchdog| {
        watchdog.knows(folder.parent().unwrap_or(folder));
        let line = watchdog.free.pop().unwrap_or(watchdog.lines);
        watchdog.lines = watchdog.lines.max(line + 1);
        watchdog.write(line, "+");
        line
    });
    Watched { line }
}

impl Watched {
    /// Says which process group the command is.
    pub(crate) fn is(&mut self, group: u32) {
        if let (Some(line), Some(watchdog)) = (self.line, watchdog()) {
            watchdog.write(line, &group.to_string());
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(line), Some(mut watchdog)) = (self.line, watchdog()) {
            watchdog.write(line, "");
            watchdog.free.push(line);
        }
    }
}

/// The watchdog's process; 0 where there is none.
pub(crate) fn pid() -> i32 {
    watchdog().map_or(0, |watchdog| watchdog.pid)
}

struct Watchdog {
    pid: i32,
    input: ChildStdin,
    table: File,
    /// Lines of the table ever used, and those of them that are free.
    lines: u64,
    free: Vec<u64>,
    folders: Vec<PathBuf>,
}

/// The one watchdog of a process; without a shell to run it, commands run unwatched.
fn watchdog() -> Option<MutexGuard<'static, Watchdog>> {
    static WATCHDOG: OnceLock<Option<Mutex<Watchdog>>> = OnceLock::new();
    let watchdog = WATCHDOG.get_or_init(|| start().ok().map(Mutex::new));
    let watchdog = watchdog.as_ref()?;
    Some(watchdog.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start() -> io::Result<Watchdog> {
    let table = File::from(memfd_create("commands", MemfdFlags::CLOEXEC)?);
    let shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(table.try_clone()?)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(Watchdog {
        pid: i32::try_from(shell.id()).unwrap_or(0),
        input: shell.stdin.ok_or(io::ErrorKind::BrokenPipe)?,
        table,
        lines: 0,
        free: Vec::new(),
        folders: Vec::new(),
    })
}

impl Watchdog {
    fn knows(&mut self, folder: &Path) {
        if self.folders.iter().all(|known| known != folder) {
            // A watchdog that somebody killed can't be told anything.
            let _ = writeln!(self.input, "{}", folder.display());
            self.folders.push(folder.to_owned());
        }
    }

    fn write(&self, line: u64, words: &str) {
        let words = format!("{words:<width$}\n", width = LINE_BYTES - 1);
        // Memory that can't be had for twelve bytes ends the run in other ways.
        let _ = self
            .table
            .write_all_at(words.as_bytes(), line * LINE_BYTES as u64);
    }
}
