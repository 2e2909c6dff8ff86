//! Several processes on one cache: appending, claiming, being killed.
//!
//! A child is this very test binary, told by the environment what to do.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flow_store::{Claim, Store, StoreError};

use crate::support::{bytes, entry, files, memory_folder, put};

const TASK: &str = "FLOW_STORE_TEST_TASK";
const FOLDER: &str = "FLOW_STORE_TEST_FOLDER";
const FROM: &str = "FLOW_STORE_TEST_FROM";

/// A child's work: the folder, and the number to begin with.
type Work = fn(&Path, u64);

/// What a child can be told to do.
const TASKS: &[(&str, Work)] = &[
    ("append", append),
    ("compute", compute),
    ("fill", fill),
    ("many-files", many_files),
    ("until-killed", until_killed),
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

fn command(task: &str, folder: &Path, from: u64, before: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped());
    command
}

fn spawn(task: &str, folder: &Path, from: u64) -> Child {
    command(task, folder, from, "").spawn().unwrap()
}

/// Tells the parent, past the test harness.
fn did(number: u64) {
    let mut out = std::io::stdout();
    out.write_all(format!("did {number}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn size_of(number: u64) -> usize {
    if number.is_multiple_of(7) {
        40_000
    } else {
        300
    }
}

fn append(folder: &Path, from: u64) {
    let store = Store::open(folder).unwrap();
    for number in 0..200 {
        // Blobs are the same in all children, records are not.
        let digest = store.put_bytes(&bytes(number, size_of(number))).unwrap();
        let record = entry("node", from + number, digest, size_of(number) as u64);
        store.record(&record).unwrap();
    }
}

#[test]
fn processes_and_threads_append_at_once_and_nothing_is_lost() {
    let folder = memory_folder();
    let store = Store::open(folder.path()).unwrap();
    let children: Vec<Child> = (1..4)
        .map(|n| spawn("append", folder.path(), n * 1000))
        .collect();
    std::thread::scope(|scope| {
        for thread in 4..7 {
            let store = &store;
            scope.spawn(move || {
                (0..200).for_each(|n| drop(put(store, "node", thread * 1000 + n, 300)))
            });
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    store.refresh().unwrap();
    for store in [&store, &Store::open(folder.path()).unwrap()] {
        for number in (1..7).flat_map(|from| (0..200).map(move |n| from * 1000 + n)) {
            let key = entry("node", number, flow_contract::Digest::of(b""), 0).key;
            let found = store.lookup(&key).unwrap();
            assert!(store.get(&found.outputs[0].1).is_ok());
        }
        assert!(store.fsck().unwrap().is_clean());
    }
}

const KEYS: u64 = 60;

/// Goes through all keys, computing those nobody has computed.
fn compute(folder: &Path, _from: u64) {
    let store = Store::open(&folder.join("cache")).unwrap();
    let computed = folder.join("computed");
    let mut computed = File::options()
        .append(true)
        .create(true)
        .open(computed)
        .unwrap();
    for number in 0..KEYS {
        let output = bytes(number, size_of(number));
        let record = entry(
            "node",
            number,
            flow_contract::Digest::of(&output),
            output.len() as u64,
        );
        loop {
            match store.claim(&record.key).unwrap() {
                Claim::Theirs { pid } => {
                    assert!(pid.is_none_or(|pid| pid != std::process::id()));
                    store
                        .wait_for(&record.key, Duration::from_secs(60))
                        .unwrap();
                }
                Claim::Mine(_guard) => {
                    if store.lookup(&record.key).is_none() {
                        writeln!(computed, "{number}").unwrap();
                        store.put_bytes(&output).unwrap();
                        store.record(&record).unwrap();
                    }
                    break;
                }
            }
        }
        assert_eq!(*store.get(&record.outputs[0].1).unwrap(), *output);
    }
}

#[test]
fn no_key_is_computed_twice_by_processes_running_at_once() {
    let folder = memory_folder();
    let children: Vec<Child> = (0..4).map(|_| spawn("compute", folder.path(), 0)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let computed = fs::read_to_string(folder.path().join("computed")).unwrap();
    let mut numbers: Vec<u64> = computed.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..KEYS).collect::<Vec<u64>>());
}

/// Puts and records, and says so, until it is killed.
fn until_killed(folder: &Path, from: u64) {
    let store = Store::open(folder).unwrap();
    for number in from.. {
        let record = entry("node", number, flow_contract::Digest::of(b""), 0);
        let _claim = store.claim(&record.key).unwrap();
        let staging = store.stage().unwrap();
        let staged = staging.path().join("out");
        fs::write(&staged, bytes(number, size_of(number))).unwrap();
        let (digest, size) = store.put_file(&staged).unwrap();
        store.record(&entry("node", number, digest, size)).unwrap();
        did(number);
    }
}

#[test]
fn a_killed_process_loses_nothing_it_had_recorded_and_leaves_nothing_behind() {
    let folder = memory_folder();
    let mut done = Vec::new();
    for round in 0..50u64 {
        let mut child = spawn("until-killed", folder.path(), round * 10_000);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        // Some number of lines, then some number of turns: the kill falls at any moment of the work.
        let mut said = String::new();
        for _ in 0..4 + round * 37 % 41 {
            out.read_line(&mut said).unwrap();
        }
        for turn in 0..round * 7919 % 20_000 {
            std::hint::black_box(turn);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        out.read_to_string(&mut said).unwrap();
        let whole_lines = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let numbers = whole_lines
            .lines()
            .filter_map(|line| line.split("did ").nth(1)?.parse::<u64>().ok());
        done.extend(numbers);

        let store = Store::open(folder.path()).unwrap();
        assert_eq!(files(&folder.path().join("staging")), Vec::<PathBuf>::new());
        let last: u64 = *done.last().unwrap();
        for number in last..last + 3 {
            let key = entry("node", number, flow_contract::Digest::of(b""), 0).key;
            assert!(matches!(store.claim(&key).unwrap(), Claim::Mine(_)));
        }
    }
    let store = Store::open(folder.path()).unwrap();
    for &number in &done {
        let key = entry("node", number, flow_contract::Digest::of(b""), 0).key;
        let found = store.lookup(&key).unwrap();
        let content = store.get(&found.outputs[0].1).unwrap();
        assert_eq!(*content, *bytes(number, size_of(number)));
    }
    let fsck = store.fsck().unwrap();
    assert!(fsck.is_clean() && fsck.missing.is_empty());
    assert!(done.len() > 500, "only {} were done", done.len());
    // One segment and its index were handed on from process to process.
    assert_eq!(files(&folder.path().join("ledger")).len(), 2);
}

/// Puts until the disk is full, then says so.
fn fill(folder: &Path, _from: u64) {
    let store = Store::open(folder).unwrap();
    let mut recorded = Vec::new();
    let error = loop {
        let number = recorded.len() as u64;
        let size = if number % 5 == 4 { 33_000 } else { 3_000 };
        match store.put_bytes(&bytes(number, size)) {
            Ok(digest) => match store.record(&entry("node", number, digest, size as u64)) {
                Ok(()) => recorded.push(digest),
                Err(error) => break error,
            },
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert!(error.to_string().starts_with("writing "), "{error}");
    for (number, digest) in (0..).zip(&recorded) {
        assert_eq!(store.get(digest).unwrap()[..8], bytes(number, 8)[..]);
    }
    did(recorded.len() as u64);
}

fn filled(output: &std::process::Output) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let number = text.lines().find_map(|line| line.split("did ").nth(1));
    number.unwrap().parse().unwrap()
}

/// Checks that the first records are whole, and that work goes on where there is room.
fn recovers(folder: &Path, recorded: u64) {
    let store = Store::open(folder).unwrap();
    for number in 0..recorded {
        let key = entry("node", number, flow_contract::Digest::of(b""), 0).key;
        let found = store.lookup(&key).unwrap();
        assert_eq!(
            store.get(&found.outputs[0].1).unwrap()[..8],
            bytes(number, 8)[..]
        );
    }
    assert!(files(&folder.join("staging")).is_empty());
    let fsck = store.fsck().unwrap();
    assert!(fsck.is_clean() && fsck.missing.is_empty());
    let new = put(&store, "new", 1, 3_000);
    assert_eq!(Store::open(folder).unwrap().lookup(&new.key), Some(new));
}

#[test]
fn the_largest_allowed_file_is_a_clear_error_and_the_next_run_recovers() {
    let folder = memory_folder();
    // In units of 512 bytes; the signal that would end the process is ignored.
    let limited = "trap '' XFSZ; ulimit -f 400;";
    let output = command("fill", folder.path(), 0, limited).output().unwrap();
    let recorded = filled(&output);
    assert!(recorded > 10);
    recovers(folder.path(), recorded);
}

#[test]
fn a_full_disk_is_a_clear_error_and_the_next_run_recovers() {
    let disk = memory_folder();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(disk.path())
        .output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        println!("skipped: a small file system can't be mounted here");
        return;
    }
    let cache = disk.path().join("cache");
    let output = command("fill", &cache, 0, "").output().unwrap();
    let larger = Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(disk.path())
        .status();
    let checked = std::panic::catch_unwind(|| recovers(&cache, filled(&output)));
    let unmounted = Command::new("umount").arg(disk.path()).status();
    assert!(larger.unwrap().success() && unmounted.unwrap().success());
    checked.unwrap();
}

/// Uses up all file descriptors but a few, then puts.
fn many_files(folder: &Path, _from: u64) {
    let store = Store::open(folder).unwrap();
    let mut open = Vec::new();
    let before = put(&store, "node", 1, 40_000);
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    let error = store.put_bytes(&bytes(2, 40_000)).unwrap_err();
    assert!(matches!(error, StoreError::TooManyFiles { .. }), "{error}");
    open.clear();
    assert_eq!(store.lookup(&before.key), Some(before));
    store.put_bytes(&bytes(2, 40_000)).unwrap();
}

#[test]
fn running_out_of_file_descriptors_is_a_clear_error() {
    let folder = memory_folder();
    let output = command("many-files", folder.path(), 0, "ulimit -n 64;")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
