//! A child process from its start to the end of everything it started.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use flow_contract::Observer;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, kill_process_group,
    set_child_subreaper, waitid, waitpgid, waitpid,
};

use crate::command::{Confinement, StartError, Starter};
use crate::watchdog::{self, Watched};

/// How often a running command is asked whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A child could not be started or waited for.
pub(crate) enum ChildError {
    Start(StartError),
    Wait(io::Error),
}

/// A command's first process, while its number is sure to be its own.
#[derive(Default)]
struct First(Mutex<Option<Pid>>);

/// Runs a command in its folder; nothing of its process group is left when this returns.
///
/// It may do what `confinement` lets it. When the observer wants it to stop, its whole tree is
/// killed. It dies with flow, too. What it left running in other groups is ended by [`left_nobody`].
pub(crate) fn run_to_end(
    mut command: Command,
    folder: &Path,
    (starter, confinement): (&mut Starter, Confinement),
    observer: &dyn Observer,
) -> Result<ExitStatus, ChildError> {
    adopt_orphans();
    let _running = Running::begin();
    let watched = watchdog::begin(folder);
    command.current_dir(folder).process_group(0);
    let first = Arc::new(First::default());
    let child = Arc::clone(&first);
    let ended = starter.begin(confinement, move || child.to_end(command, watched));
    let ended = ended.map_err(ChildError::Start)?;
    loop {
        match ended.recv_timeout(LOOK_EVERY) {
            Ok(ended) => return ended,
            Err(RecvTimeoutError::Timeout) if observer.should_stop() => first.kill_tree(folder),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(ChildError::Wait(io::ErrorKind::BrokenPipe.into()));
            }
        }
    }
}

impl First {
    /// Starts a command and waits for it, on one thread, which is woken once.
    fn to_end(&self, mut command: Command, mut watched: Watched) -> Result<ExitStatus, ChildError> {
        let start = |error| ChildError::Start(StartError::Start(error));
        let mut child = command.spawn().map_err(start)?;
        watched.is(child.id());
        let pid = Pid::from_child(&child);
        *self.lock() = Some(pid);
        let waited = wait(pid);
        // Before the child is reaped nobody else can get its number. What it left running has no reader.
        let _ = kill_process_group(pid, Signal::KILL);
        *self.lock() = None;
        let status = child.wait();
        while let Ok(Some(_)) = waitpgid(pid, WaitOptions::NOHANG) {}
        waited.and(status).map_err(ChildError::Wait)
    }

    /// Kills the process, its group, all that descend from it, whatever group they moved to, and those
    /// whose parents are gone but that still work in its folder.
    fn kill_tree(&self, folder: &Path) {
        let first = self.lock();
        let Some(pid) = *first else {
            return;
        };
        // One that ended meanwhile can't be killed, which is fine.
        let _ = kill_process_group(pid, Signal::KILL);
        kill_below(vec![pid.as_raw_nonzero().get()], folder);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a child has ended, and leaves it to be reaped.
fn wait(pid: Pid) -> io::Result<()> {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), ended) {
            Err(rustix::io::Errno::INTR) => {}
            waited => return Ok(waited.map(drop)?),
        }
    }
}

/// From the first command on, a process whose parent ended becomes a child of flow's main thread.
fn adopt_orphans() {
    static ADOPTING: OnceLock<bool> = OnceLock::new();
    // Where it can't, nobody is found to be left.
    ADOPTING.get_or_init(|| set_child_subreaper(Some(getpid())).is_ok());
}

/// Whether commands that ended left no process behind; ends those that work in `folder`, and where no
/// command runs any more, all: whose they are can't be told while several do.
///
/// Other threads' commands are children of the threads that started them. Where the kernel doesn't
/// list children, the answer is no.
pub(crate) fn left_nobody(folder: &Path) -> bool {
    let (orphans, nobodys) = {
        // A command that starts meanwhile can't have left anybody who is listed here.
        let running = running();
        (orphans(), *running == 0)
    };
    if orphans.as_ref().is_some_and(Vec::is_empty) {
        return true;
    }
    let orphans = orphans.unwrap_or_default();
    let known = orphans.iter().filter(|_| nobodys);
    kill_below(
        known.map(|pid| pid.as_raw_nonzero().get()).collect(),
        folder,
    );
    for orphan in orphans {
        // Ended ones are taken off the list of children, for nobody else waits for them.
        let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
    }
    false
}

/// Children of the main thread but for the watchdog; `None` where the kernel doesn't say.
fn orphans() -> Option<Vec<Pid>> {
    let own = getpid().as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/self/task/{own}/children")).ok()?;
    let pids = children.split_whitespace().map(str::parse::<i32>);
    let pids = pids.filter(|pid| *pid != Ok(watchdog::pid()));
    pids.map(|pid| Pid::from_raw(pid.ok()?)).collect()
}

/// How many commands run.
fn running() -> MutexGuard<'static, usize> {
    static RUNNING: Mutex<usize> = Mutex::new(0);
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that runs, until dropped.
struct Running;

impl Running {
    fn begin() -> Self {
        *running() += 1;
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *running() -= 1;
    }
}

/// Kills these processes, those that work in a folder, and all that descend from them.
fn kill_below(mut tree: Vec<i32>, folder: &Path) {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, parent) in processes() {
        let place = fs::read_link(format!("/proc/{pid}/cwd"));
        if place.is_ok_and(|place| place.starts_with(&folder)) || was_told(pid, &folder) {
            tree.push(pid);
        }
        children.entry(parent).or_default().push(pid);
    }
    let mut at = 0;
    while let Some(pid) = tree.get(at) {
        tree.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    for pid in tree.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Whether a process has the command's folder in its environment, as `TMPDIR`.
fn was_told(pid: i32, folder: &Path) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let told = [b"TMPDIR=", folder.as_os_str().as_bytes(), b"/"].concat();
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|variable| variable.starts_with(&told))
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
