//! Runs that are killed, run out of room, or meet another run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flow_engine::{Event, Standing};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::lab::Lab;

/// Where a runner process finds its laboratory.
const PLACE: &str = "FLOW_ENGINE_LAB";
/// How many kills `a_killed_run_…` makes; the normal number is for those who wait for tests.
const KILLS: &str = "FLOW_ENGINE_KILLS";

/// Not a test of its own: the process that other tests start and kill.
#[test]
fn runner() {
    if let Some(place) = std::env::var_os(PLACE) {
        Lab::at(Path::new(&place)).run();
    }
}

/// The shell words that run [`runner`] in a laboratory.
fn start(lab: &Lab, before: &str) -> Child {
    let line = format!("{before} exec \"$0\" --exact crash::runner --nocapture");
    let mut command = Command::new("sh");
    command
        .args(["-c", &line])
        .arg(std::env::current_exe().unwrap());
    command.env(PLACE, lab.path("")).process_group(0);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

const STEPS: usize = 8;

fn study(lab: &Lab) -> String {
    let outside = lab.path("outside").display().to_string();
    format!(
        r#"
[node.items]
kind = "rows"
lines = "a\nb\nc"
[node.step]
kind = "command"
for_each = {{ n = "0..{STEPS}" }}
shell = "echo $n >> {outside}; sleep 0.01; sh -c 'sleep 0.01; head -c 50000 /dev/zero; echo $n' > out"
outputs = {{ out = "out" }}
writes = ["."]
publish = {{ out = "steps/$n" }}
[node.word]
kind = "one"
for_each = {{ item = "items.table", n = "0..{STEPS}" }}
of = "step.out"
[node.all]
kind = "join"
of = "word.out"
letters = "first"
publish = {{ out = "all" }}
"#
    )
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                )),
            }
        }
    }
    files.sort();
    files
}

/// Waits until no process works below a folder.
fn nobody_left(folder: &Path) {
    let begin = Instant::now();
    let works = |entry: &fs::DirEntry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|place| place.starts_with(folder))
    };
    while fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| works(&entry))
    {
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "a child outlived its run"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

fn kill_after(lab: &Lab, wait: Duration, alone: bool) {
    let mut child = start(lab, "");
    thread::sleep(wait);
    let pid = Pid::from_child(&child);
    let killed = match alone {
        true => kill_process(pid, Signal::KILL),
        false => kill_process_group(pid, Signal::KILL),
    };
    killed.unwrap();
    child.wait().unwrap();
    nobody_left(&lab.path("cache"));
}

#[test]
fn a_killed_run_loses_nothing_it_had_recorded() {
    let kills: u32 = std::env::var(KILLS).map_or(12, |kills| kills.parse().unwrap());
    let whole = Lab::new("");
    whole.study(&study(&whole));
    let counts = whole.run().counts();
    let expected = files(&whole.path("reports"));
    for kill in 0..kills {
        let lab = Lab::new("");
        lab.study(&study(&lab));
        // Spread over the whole length of a run, in an order without pattern.
        let wait = Duration::from_micros(u64::from(kill * 7919 % 200) * 1000);
        kill_after(&lab, wait, kill % 2 == 0);
        let done: BTreeSet<String> = lab
            .survey()
            .into_iter()
            .filter(|one| matches!(one.standing, Standing::Current { .. }))
            .map(|one| one.address.to_string())
            .collect();
        let did = lab.run();
        assert_eq!(did.counts()[2..], [0, 0], "{:?}", did.events);
        assert_eq!(did.counts()[0] + did.counts()[1], counts[0] + counts[1]);
        assert!(did.ran().iter().all(|ran| !done.contains(ran)), "redone");
        assert_eq!(files(&lab.path("reports")), expected, "after {wait:?}");
    }
}

#[test]
fn two_runs_at_once_compute_no_key_twice_and_say_who_is_waited_for() {
    let lab = Lab::new("");
    let study = format!(
        "[node.slow]\nkind = \"command\"\nshell = \"echo s >> {}; sleep 0.4; touch out\"\noutputs = {{ out = \"out\" }}\nwrites = [\".\"]\n{}",
        lab.path("outside").display(),
        study(&lab)
    );
    lab.study(&study);
    let mut other = start(&lab, "");
    let begin = Instant::now();
    while !lab.path("outside").exists() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(1));
    }
    let did = lab.run();
    assert!(other.wait().unwrap().success());
    assert_eq!(did.counts()[2..], [0, 0]);
    assert_eq!(lab.read("outside").lines().count(), STEPS + 1);
    let told = did.events.iter().find_map(|event| match event {
        Event::Waiting { instance, pid } if instance == "slow" => Some(*pid),
        _ => None,
    });
    assert_eq!(told, Some(Some(other.id())));
}

#[test]
fn no_room_is_said_and_what_was_done_before_stays_done() {
    let lab = Lab::new(
        r#"
[node.small]
kind = "say"
words = "small"
[node.long]
kind = "join"
of = ["small.out", { file = "long" }]
"#,
    );
    lab.write("long", &"x".repeat(200_000));
    // Files of at most 64 KiB, and an error instead of a signal for more.
    let full = start(&lab, "trap '' XFSZ; ulimit -f 128;")
        .wait_with_output()
        .unwrap();
    assert!(!full.status.success());
    let words = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(words.contains("DiskFull"), "{words}");
    let did = lab.run();
    assert_eq!(did.ran(), ["long"]);
    assert_eq!(did.counts(), [1, 1, 0, 0]);
}
