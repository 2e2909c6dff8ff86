//! Several processes on one cache: appending, claiming, being killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use flow_contract::Digest;
use flow_store::{Claim, Store};

use crate::children::{did, spawn};
use crate::support::{bytes, entry, files, memory_folder, put};

fn size_of(number: u64) -> usize {
    if number.is_multiple_of(7) {
        40_000
    } else {
        300
    }
}

pub fn append(folder: &Path, from: u64) {
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
            let key = entry("node", number, Digest::of(b""), 0).key;
            let found = store.lookup(&key).unwrap();
            assert!(store.get(&found.outputs[0].1).is_ok());
        }
        assert!(store.fsck().unwrap().is_clean());
    }
}

const KEYS: u64 = 60;

/// Goes through all keys, computing those nobody has computed.
pub fn compute(folder: &Path, _from: u64) {
    let store = Store::open(&folder.join("cache")).unwrap();
    let computed = folder.join("computed");
    let mut computed = File::options()
        .append(true)
        .create(true)
        .open(computed)
        .unwrap();
    for number in 0..KEYS {
        let output = bytes(number, size_of(number));
        let record = entry("node", number, Digest::of(&output), output.len() as u64);
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
pub fn until_killed(folder: &Path, from: u64) {
    let store = Store::open(folder).unwrap();
    for number in from.. {
        let record = entry("node", number, Digest::of(b""), 0);
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
            let key = entry("node", number, Digest::of(b""), 0).key;
            assert!(matches!(store.claim(&key).unwrap(), Claim::Mine(_)));
        }
    }
    let store = Store::open(folder.path()).unwrap();
    for &number in &done {
        let key = entry("node", number, Digest::of(b""), 0).key;
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
