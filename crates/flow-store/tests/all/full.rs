//! Full and read-only disks, and no file descriptors left.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use flow_contract::Digest;
use flow_store::{Store, StoreError};

use crate::children::{command, did};
use crate::support::{bytes, entry, files, memory_folder, put};

/// Puts until the disk is full, then says so.
pub fn fill(folder: &Path, _from: u64) {
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
    let help = match error.to_string().ends_with("file too large") {
        true => "ulimit -f",
        false => "make room",
    };
    assert!(error.help().unwrap().contains(help), "{error}");
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
        let key = entry("node", number, Digest::of(b""), 0).key;
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
    let Some(disk) = Disk::mount("size=1m") else {
        return;
    };
    let cache = disk.path().join("cache");
    let output = command("fill", &cache, 0, "").output().unwrap();
    disk.remount("size=4m");
    recovers(&cache, filled(&output));
}

#[test]
fn a_file_system_that_may_not_be_written_is_a_clear_error_and_can_be_read() {
    let Some(disk) = Disk::mount("size=1m") else {
        return;
    };
    let cache = disk.path().join("cache");
    let store = Store::open(&cache).unwrap();
    let entry = put(&store, "node", 1, 40_000);
    drop(store);
    disk.remount("ro");
    let error = Store::open(&cache).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(
        error.to_string().ends_with("read-only file system"),
        "{error}"
    );
    let reading = Store::open_read_only(&cache).unwrap();
    assert_eq!(reading.lookup(&entry.key).as_ref(), Some(&entry));
    assert_eq!(
        *reading.get(&entry.outputs[0].1).unwrap(),
        *bytes(1, 40_000)
    );

    let folder = memory_folder();
    let store = Store::open(folder.path()).unwrap();
    let digest = store.put_bytes(b"figure").unwrap();
    let error = store
        .publish(&digest, &disk.path().join("figure.svg"))
        .unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().starts_with("publishing blob "), "{error}");
}

/// A small file system in memory, unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn mount(options: &str) -> Option<Self> {
        let folder = memory_folder();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path());
        if mount.output().is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: a small file system can't be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,{options}")])
            .arg(self.path());
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a failing test may have files open.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

/// Uses up all file descriptors but a few, then puts.
pub fn many_files(folder: &Path, _from: u64) {
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
