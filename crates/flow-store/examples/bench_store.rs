//! What the store costs: one JSON line a measurement, the best of several where that is cheap.
//!
//! `cargo run --release -p flow-store --example bench_store [folder]`; the folder is removed first.

#![expect(clippy::print_stdout, reason = "the numbers are the output")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flow_contract::{Digest, Key, Labels, Recipe, Value};
use flow_store::{Claim, Entry, Store};

const NODES: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map_or_else(
        || std::env::temp_dir().join("flow-bench-store"),
        PathBuf::from,
    );
    if args.next().is_some() {
        return look_up(&folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fill(&folder, 1_000)?;
    open(&folder, "1,000 records and blobs")?;
    fill(&folder, NODES)?;
    open(&folder, "100,000 records and blobs")?;
    // Memory is measured where nothing else was done before.
    let mut alone = Command::new(std::env::current_exe()?);
    alone.arg(&folder).arg("look-up").status()?;
    read(&folder)?;
    sources(&folder)?;
    large(&folder)?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Wall-clock and processor time of this thread; the second says more on a busy machine.
struct Stopwatch {
    start: Instant,
    cpu_ns: u64,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu_ns: cpu_ns(),
        }
    }

    fn seconds(&self) -> (f64, f64) {
        let cpu = (cpu_ns() - self.cpu_ns) as f64 / 1e9;
        (self.start.elapsed().as_secs_f64(), cpu)
    }

    fn report(&self, what: &str, times: u64) {
        report(what, self.seconds(), times);
    }
}

fn cpu_ns() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn report(what: &str, (seconds, cpu): (f64, f64), times: u64) {
    let each = |seconds: f64| seconds / times as f64 * 1e6;
    println!(
        r#"{{"what":"{what}","times":{times},"seconds":{seconds:.6},"each_us":{:.3},"each_cpu_us":{:.3}}}"#,
        each(seconds),
        each(cpu)
    );
}

fn memory(what: &str) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
    };
    let (all, own) = (of("VmRSS:"), of("RssAnon:"));
    if let (Some(all), Some(own)) = (all, own) {
        println!(r#"{{"what":"memory {what}","rss_kib":{all},"anonymous_kib":{own}}}"#);
    }
}

fn entry(number: u64, output: Digest) -> Entry {
    let labels = Labels::new(vec![("i".into(), Value::Int(number as i64))]);
    let recipe = Recipe {
        kind: "command".into(),
        revision: 1,
        params: [("command".to_owned(), Value::from("cat $in > $out"))].into(),
        seed: None,
        backend: None,
        inputs: vec![(
            "in".into(),
            vec![(labels, Digest::of(&number.to_le_bytes()))],
        )],
    };
    Entry {
        key: recipe.key(),
        instance: format!("node[i={number}]"),
        recipe,
        outputs: vec![("out".into(), output, 100)],
        warnings: vec![],
        seconds: 0.01,
        finished_unix: 1_700_000_000,
        run: "bench".into(),
    }
}

fn fill(folder: &Path, nodes: u64) -> Result<(), Box<dyn Error>> {
    let store = Store::open(folder)?;
    let entries: Vec<Entry> = (0..nodes)
        .map(|number| entry(number, Digest::of(&content(number))))
        .collect();
    let watch = Stopwatch::start();
    for (number, entry) in (0..).zip(&entries) {
        store.put_bytes(&content(number))?;
        store.record(entry)?;
    }
    watch.report("put 104 bytes and record", nodes);
    let watch = Stopwatch::start();
    for entry in entries.iter().take(1_000) {
        assert!(matches!(store.claim(&entry.key)?, Claim::Mine(_)));
    }
    watch.report("claim and release", 1_000);
    let watch = Stopwatch::start();
    store.sync()?;
    watch.report("sync", 1);
    Ok(())
}

fn content(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(13)
}

/// The best of several openings.
fn open(folder: &Path, what: &str) -> Result<(), Box<dyn Error>> {
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..9 {
        let watch = Stopwatch::start();
        let store = Store::open(folder)?;
        let (wall, cpu) = watch.seconds();
        best = (best.0.min(wall), best.1.min(cpu));
        drop(store);
    }
    report(&format!("open with {what}"), best, 1);
    Ok(())
}

fn look_up(folder: &Path) -> Result<(), Box<dyn Error>> {
    let keys: Vec<Key> = (0..NODES)
        .map(|number| entry(number, Digest::of(&content(number))).key)
        .collect();
    memory("before opening");
    let store = Store::open(folder)?;
    memory("open with 100,000 records and blobs");
    for round in ["first", "second"] {
        let watch = Stopwatch::start();
        let found = keys.iter().filter(|key| store.made(key).is_some());
        assert_eq!(found.count() as u64, NODES);
        watch.report(&format!("what a key made, {round} time"), NODES);
    }
    memory("after looking up all outputs");
    let watch = Stopwatch::start();
    let found = keys.iter().filter(|key| store.lookup(key).is_some());
    assert_eq!(found.count() as u64, NODES);
    watch.report("whole entry of a key", NODES);
    Ok(())
}

fn read(folder: &Path) -> Result<(), Box<dyn Error>> {
    let store = Store::open(folder)?;
    let watch = Stopwatch::start();
    for number in 0..NODES {
        store.get(&Digest::of(&content(number)))?;
    }
    watch.report("get 104 bytes", NODES);
    let watch = Stopwatch::start();
    assert!(store.last_of("node[i=7]").is_some());
    watch.report("last of an instance, first time", 1);
    let watch = Stopwatch::start();
    let fsck = store.fsck()?;
    watch.report("fsck", fsck.good_blobs + fsck.good_records);
    Ok(())
}

fn sources(folder: &Path) -> Result<(), Box<dyn Error>> {
    let sources = folder.join("sources");
    fs::create_dir_all(&sources)?;
    let paths: Vec<PathBuf> = (0..2_000).map(|n| sources.join(n.to_string())).collect();
    for path in &paths {
        fs::write(path, path.as_os_str().as_encoded_bytes())?;
    }
    let store = Store::open(folder)?;
    store.path_digest(&paths[0])?;
    store.sync()?;
    for round in ["first", "second"] {
        let watch = Stopwatch::start();
        for path in &paths {
            store.path_digest(path)?;
        }
        watch.report(&format!("digest of a small source, {round} time"), 2_000);
    }
    Ok(())
}

fn large(folder: &Path) -> Result<(), Box<dyn Error>> {
    let store = Store::open(folder)?;
    let staging = store.stage()?;
    let path = staging.path().join("large");
    let megabytes = 512;
    fs::write(&path, vec![7; megabytes << 20])?;
    let watch = Stopwatch::start();
    let plain = Digest::of_file(&path)?;
    watch.report("hash 512 MiB", megabytes as u64);
    let watch = Stopwatch::start();
    let (digest, _) = store.put_file(&path)?;
    assert_eq!(digest, plain);
    watch.report("put 512 MiB, by MiB", megabytes as u64);
    drop(store);
    let store = Store::open(folder)?;
    for round in ["first", "second"] {
        let watch = Stopwatch::start();
        store.get(&digest)?;
        watch.report(
            &format!("get 512 MiB, {round} time, by MiB"),
            megabytes as u64,
        );
    }
    Ok(())
}
