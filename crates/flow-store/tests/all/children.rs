//! Child processes: this very test binary, told by the environment what to do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{full, processes};

const TASK: &str = "FLOW_STORE_TEST_TASK";
const FOLDER: &str = "FLOW_STORE_TEST_FOLDER";
const FROM: &str = "FLOW_STORE_TEST_FROM";

/// A child's work: the folder, and the number to begin with.
type Work = fn(&Path, u64);

/// What a child can be told to do.
const TASKS: &[(&str, Work)] = &[
    ("append", processes::append),
    ("compute", processes::compute),
    ("fill", full::fill),
    ("many-files", full::many_files),
    ("until-killed", processes::until_killed),
];

#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let from = std::env::var(FROM).unwrap().parse().unwrap();
    let (_, work) = TASKS.iter().find(|(name, _)| *name == task).unwrap();
    work(&folder, from);
}

pub fn command(task: &str, folder: &Path, from: u64, before: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "children::child", "--nocapture"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped());
    command
}

pub fn spawn(task: &str, folder: &Path, from: u64) -> Child {
    command(task, folder, from, "").spawn().unwrap()
}

/// Tells the parent, past the test harness.
pub fn did(number: u64) {
    let mut out = std::io::stdout();
    out.write_all(format!("did {number}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
