//! Ends commands whose flow was killed.
//!
//! A shell in a process group of its own reads which commands run. When its input ends, flow is
//! gone, however it ended, and the shell kills what still runs: whole process groups, and whoever
//! works in the folder of a command that was just being started. `PR_SET_PDEATHSIG` would reach only
//! the first process of each command, and asking for it means `fork` instead of `posix_spawn`.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

const SCRIPT: &str = r#"
trap '' HUP INT TERM
nl='
'
groups=' '
folders=$nl
while read -r what name; do
  case $what in
    begins) folders="$folders$name$nl" ;;
    is) groups="$groups$name " ;;
    was) groups="${groups%% $name *} ${groups#* $name }" ;;
    ends) folders="${folders%%"$nl$name$nl"*}$nl${folders#*"$nl$name$nl"}" ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
[ "$folders" = "$nl" ] && exit
set -f
IFS=$nl
for process in $(set +f; echo /proc/[0-9]* | tr ' ' '\n'); do
  where=$(readlink "$process/cwd") || continue
  for folder in $folders; do
    case "$where/" in "$folder/"*) kill -9 "${process#/proc/}" ;; esac
  done
done
"#;

/// The right of a command to run; taken back when dropped.
pub(crate) struct Watched<'a> {
    folder: &'a Path,
    group: Option<u32>,
}

/// Says that a command is about to start in a folder.
pub(crate) fn begin(folder: &Path) -> Watched<'_> {
    tell(&format!("begins {}\n", folder.display()));
    Watched {
        folder,
        group: None,
    }
}

impl Watched<'_> {
    /// Says which process group the command is.
    pub(crate) fn is(&mut self, group: u32) {
        self.group = Some(group);
        tell(&format!("is {group}\n"));
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let group = self.group.map_or(String::new(), |id| format!("was {id}\n"));
        tell(&format!("{group}ends {}\n", self.folder.display()));
    }
}

/// One watchdog a process; without a shell to run it, commands run unwatched.
fn tell(words: &str) {
    static WATCHDOG: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
    if let Some(input) = WATCHDOG.get_or_init(start) {
        let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
        // A watchdog that somebody killed can't be told anything.
        let _ = input.write_all(words.as_bytes());
    }
}

fn start() -> Option<Mutex<ChildStdin>> {
    let shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    shell.ok()?.stdin.map(Mutex::new)
}
