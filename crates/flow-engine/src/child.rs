//! A child process from its start to the end of everything it started.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use flow_contract::Observer;
use landlock::RulesetError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

use crate::command::Confinement;
use crate::watchdog;

/// How often a running command is asked whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A child could not be started or waited for.
pub(crate) enum ChildError {
    Confine(RulesetError),
    Start(io::Error),
    Wait(io::Error),
}

/// Runs a command in its folder; nothing of its process group is left when this returns.
///
/// It may do what `confinement` lets it. When the observer wants it to stop, its whole tree is
/// killed. It dies with flow, too.
pub(crate) fn run_to_end(
    command: &mut Command,
    folder: &Path,
    confinement: &Confinement,
    observer: &dyn Observer,
) -> Result<ExitStatus, ChildError> {
    let mut watched = watchdog::begin(folder);
    command.current_dir(folder).process_group(0);
    let mut child = start_confined(command, confinement)?;
    watched.is(child.id());
    let pid = Pid::from_child(&child);
    let waited = wait(pid, folder, observer);
    // Before the child is reaped nobody else can get its number. What it left running has no reader.
    let _ = kill_process_group(pid, Signal::KILL);
    let status = child.wait();
    waited.and(status).map_err(ChildError::Wait)
}

/// Starts the command from a thread of its own, because a thread can't shed what confines it.
fn start_confined(command: &mut Command, confinement: &Confinement) -> Result<Child, ChildError> {
    let start = || {
        confinement.enter().map_err(ChildError::Confine)?;
        command.spawn().map_err(ChildError::Start)
    };
    thread::scope(|scope| match scope.spawn(start).join() {
        Ok(started) => started,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn wait(pid: Pid, folder: &Path, observer: &dyn Observer) -> io::Result<()> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let every = Timespec::try_from(LOOK_EVERY).ok();
    loop {
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], every.as_ref()) {
            Ok(0) if observer.should_stop() => {
                kill_tree(pid, folder);
                return Ok(());
            }
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills a process, its group, all that descend from it, whatever group they moved to, and those
/// whose parents are gone but that still work in its folder.
fn kill_tree(root: Pid, folder: &Path) {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let mut tree = vec![root.as_raw_nonzero().get()];
    for (pid, parent) in processes() {
        let place = fs::read_link(format!("/proc/{pid}/cwd"));
        if place.is_ok_and(|place| place.starts_with(&folder)) {
            tree.push(pid);
        }
        children.entry(parent).or_default().push(pid);
    }
    let mut at = 0;
    while let Some(pid) = tree.get(at) {
        tree.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    // One that ended meanwhile can't be killed, which is fine.
    let _ = kill_process_group(root, Signal::KILL);
    for pid in tree.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Every process with its parent.
fn processes() -> Vec<(i32, i32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name between the brackets may hold anything, brackets too.
        let after = stat.rsplit_once(')')?.1;
        Some((pid, after.split_whitespace().nth(1)?.parse().ok()?))
    };
    entries.flatten().filter_map(process).collect()
}
