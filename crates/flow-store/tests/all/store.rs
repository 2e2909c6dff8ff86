//! Putting, getting, recording, publishing and staging, by one process.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use crate::support::{bytes, entry, files, memory_folder, put};
use flow_contract::Digest;
use flow_store::{Claim, Keep, Published, ReadError, Repeat, Staging, Store, StoreError};
use tempfile::{TempDir, tempdir};

fn fresh() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache")).unwrap();
    (folder, store)
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut all = files(folder);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn bytes_of_any_size_come_back_here_and_in_the_next_process() {
    let (folder, store) = fresh();
    let sizes = [0, 1, 7, 8, 32 << 10, (32 << 10) + 1, 100_000];
    let digests: Vec<Digest> = sizes
        .iter()
        .map(|&len| store.put_bytes(&bytes(7, len)).unwrap())
        .collect();
    let again = Store::open(store.folder()).unwrap();
    let reading = Store::open_read_only(&folder.path().join("cache")).unwrap();
    for (len, digest) in sizes.into_iter().zip(&digests) {
        for store in [&store, &again, &reading] {
            assert!(store.contains(digest));
            assert_eq!(*store.get(digest).unwrap(), *bytes(7, len));
        }
    }
    let missing = Digest::of(b"never put");
    assert!(!store.contains(&missing));
    assert!(matches!(store.get(&missing), Err(ReadError::Missing { digest }) if digest == missing));
}

#[test]
fn only_large_blobs_cost_a_file_and_it_is_read_only() {
    let (_folder, store) = fresh();
    for number in 0..100 {
        store.put_bytes(&bytes(number, 1000)).unwrap();
    }
    store.put_bytes(&bytes(1, 50_000)).unwrap();
    store.put_bytes(&bytes(1, 50_000)).unwrap();
    let blob = only_file(&store.folder().join("blobs"));
    assert_eq!(
        fs::metadata(blob).unwrap().permissions().mode() & 0o777,
        0o444
    );
    assert!(files(&store.folder().join("packs")).len() <= 2);
}

#[test]
fn the_same_bytes_are_packed_once() {
    let (_folder, store) = fresh();
    let pack = store.folder().join("packs/0.log");
    store.put_bytes(b"same").unwrap();
    let once = fs::metadata(&pack).unwrap().len();
    store.put_bytes(b"same").unwrap();
    assert_eq!(fs::metadata(&pack).unwrap().len(), once);
}

#[test]
fn a_staged_file_is_moved_in() {
    let (_folder, store) = fresh();
    let staging = store.stage().unwrap();
    for len in [10, 40_000] {
        let path = staging.path().join("out");
        fs::write(&path, bytes(3, len)).unwrap();
        let (digest, size) = store.put_file(&path).unwrap();
        assert_eq!((digest, size), (Digest::of(&bytes(3, len)), len as u64));
        assert!(!path.exists());
        assert_eq!(*store.get(&digest).unwrap(), *bytes(3, len));
    }
}

#[test]
fn a_file_with_another_name_is_copied_so_that_an_edit_there_changes_no_blob() {
    let (folder, store) = fresh();
    let staging = store.stage().unwrap();
    let original = folder.path().join("data");
    fs::write(&original, bytes(4, 40_000)).unwrap();
    let (hard, soft) = (staging.path().join("hard"), staging.path().join("soft"));
    fs::hard_link(&original, &hard).unwrap();
    std::os::unix::fs::symlink(&original, &soft).unwrap();
    for path in [hard, soft] {
        let (digest, _) = store.put_file(&path).unwrap();
        fs::write(&original, bytes(5, 40_000)).unwrap();
        assert_eq!(*store.get(&digest).unwrap(), *bytes(4, 40_000));
        fs::write(&original, bytes(4, 40_000)).unwrap();
    }
}

#[test]
fn a_recorded_entry_comes_back_whole_and_the_newest_wins() {
    let (_folder, store) = fresh();
    let mut entry = entry("train", 3, Digest::of(b"weights"), 7);
    entry.warnings = vec!["slow".into(), "käse".into()];
    store.record(&entry).unwrap();
    assert_eq!(store.lookup(&entry.key), Some(entry.clone()));
    let made = store.made(&entry.key).unwrap();
    assert_eq!(
        (made.outputs, made.seconds, made.finished_unix, made.run),
        (
            entry.outputs.clone(),
            entry.seconds,
            entry.finished_unix,
            entry.run.clone()
        )
    );
    entry.outputs.push(("log".into(), Digest::of(b"log"), 3));
    store.record(&entry).unwrap();
    let again = Store::open(store.folder()).unwrap();
    for store in [&store, &again] {
        assert_eq!(store.lookup(&entry.key), Some(entry.clone()));
        assert_eq!(store.last_of("train[i=3]"), Some(entry.clone()));
        assert_eq!(store.last_of("train[i=4]"), None);
    }
}

#[test]
fn the_last_record_of_an_instance_is_the_newest_of_all_its_keys() {
    let (_folder, store) = fresh();
    let names = |number| {
        let mut entry = entry("lrp", number, Digest::of(b""), 0);
        entry.instance = "lrp".into();
        entry
    };
    store.record(&names(1)).unwrap();
    assert_eq!(store.last_of("lrp"), Some(names(1)));
    store.record(&names(2)).unwrap();
    assert_eq!(store.last_of("lrp"), Some(names(2)));
    store.record(&names(1)).unwrap();
    let again = Store::open(store.folder()).unwrap();
    assert_eq!(again.last_of("lrp"), Some(names(1)));
}

#[test]
fn another_open_store_sees_what_was_recorded_once_it_claims() {
    let (_folder, store) = fresh();
    let other = Store::open(store.folder()).unwrap();
    for number in 0..3 {
        let entry = put(&store, "a", number, 10);
        let answer = put(&other, "b", number, 10);
        let claim = other.claim(&entry.key).unwrap();
        assert!(matches!(claim, Claim::Mine(_)));
        assert_eq!(other.lookup(&entry.key), Some(entry.clone()));
        assert_eq!(*other.get(&entry.outputs[0].1).unwrap(), *bytes(number, 10));
        store.refresh().unwrap();
        assert_eq!(store.lookup(&answer.key), Some(answer));
    }
}

#[test]
fn a_key_is_claimed_once_by_stores_and_by_threads() {
    let (_folder, store) = fresh();
    let other = Store::open(store.folder()).unwrap();
    let key = entry("a", 1, Digest::of(b""), 0).key;
    let claim = store.claim(&key).unwrap();
    assert!(matches!(claim, Claim::Mine(_)));
    let own_pid = Some(std::process::id());
    for store in [&store, &other] {
        assert!(matches!(store.claim(&key).unwrap(), Claim::Theirs { pid } if pid == own_pid));
        assert!(!store.wait_for(&key, Duration::ZERO).unwrap());
    }
    let free = entry("a", 2, Digest::of(b""), 0).key;
    assert!(matches!(other.claim(&free).unwrap(), Claim::Mine(_)));
    drop(claim);
    assert!(other.wait_for(&key, Duration::ZERO).unwrap());
    assert!(matches!(other.claim(&key).unwrap(), Claim::Mine(_)));
}

#[test]
fn publishing_writes_once_and_restores_what_was_edited() {
    let (folder, store) = fresh();
    for len in [100, 50_000] {
        let digest = store.put_bytes(&bytes(1, len)).unwrap();
        let path = folder.path().join(format!("reports/deep/{len}.svg"));
        assert_eq!(store.publish(&digest, &path).unwrap(), Published::Written);
        assert_eq!(store.publish(&digest, &path).unwrap(), Published::Unchanged);
        assert_eq!(fs::read(&path).unwrap(), bytes(1, len));
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
        fs::write(&path, bytes(2, len)).unwrap();
        assert_eq!(store.publish(&digest, &path).unwrap(), Published::Written);
        assert_eq!(fs::read(&path).unwrap(), bytes(1, len));
        assert_eq!(*store.get(&digest).unwrap(), *bytes(1, len));
    }
    let reports = files(&folder.path().join("reports"));
    assert_eq!(reports.len(), 2, "nothing else is left there: {reports:?}");
}

#[test]
fn a_link_in_the_place_of_a_published_file_is_replaced_by_the_file() {
    let (folder, store) = fresh();
    let digest = store.put_bytes(b"figure").unwrap();
    let (elsewhere, path) = (folder.path().join("mine"), folder.path().join("figure.svg"));
    fs::write(&elsewhere, b"figure").unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(store.publish(&digest, &path).unwrap(), Published::Written);
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn files_come_from_and_go_to_other_file_systems() {
    let (folder, store) = fresh();
    let other = memory_folder();
    let device = |folder: &Path| fs::metadata(folder).unwrap().dev();
    if device(folder.path()) == device(other.path()) {
        println!("skipped: there is no second file system here");
        return;
    }
    for len in [100, 50_000] {
        let path = other.path().join(len.to_string());
        fs::write(&path, bytes(1, len)).unwrap();
        let (digest, _) = store.put_file(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(*store.get(&digest).unwrap(), *bytes(1, len));
        assert_eq!(store.publish(&digest, &path).unwrap(), Published::Written);
        assert_eq!(fs::read(&path).unwrap(), bytes(1, len));
    }
    assert_eq!(files(other.path()).len(), 2);
}

#[test]
fn a_store_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Store>();
    shared::<Claim>();
}

#[test]
fn a_lent_blob_can_be_read_as_a_file() {
    let (_folder, store) = fresh();
    let staging = store.stage().unwrap();
    for len in [100, 50_000] {
        let digest = store.put_bytes(&bytes(1, len)).unwrap();
        let path = staging.path().join(len.to_string());
        store.lend(&digest, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes(1, len));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o444
        );
    }
    let missing = store.lend(&Digest::of(b"none"), &staging.path().join("x"));
    assert!(matches!(missing, Err(ReadError::Missing { .. })));
}

#[test]
fn a_missing_blob_is_not_published_and_leaves_what_is_there() {
    let (folder, store) = fresh();
    let path = folder.path().join("figure.svg");
    fs::write(&path, "mine").unwrap();
    let error = store.publish(&Digest::of(b"none"), &path).unwrap_err();
    assert!(
        matches!(&error, StoreError::Blob(error) if matches!(**error, ReadError::Missing { .. }))
    );
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_file_rewritten_at_once_with_equal_size_is_always_noticed() {
    let (folder, store) = fresh();
    let path = folder.path().join("source");
    for round in 0..100u32 {
        let content = round.to_le_bytes();
        fs::write(&path, content).unwrap();
        assert_eq!(store.path_digest(&path).unwrap(), Digest::of(&content));
        if round % 20 == 0 {
            store.sync().unwrap();
        }
        if round % 2 == 0 {
            assert_eq!(store.path_digest(&path).unwrap(), Digest::of(&content));
        }
    }
}

#[test]
fn an_old_file_is_remembered_by_its_stat_and_touch_costs_a_hash() {
    let (folder, store) = fresh();
    let path = folder.path().join("source");
    fs::write(&path, b"data").unwrap();
    let digest = Digest::of(b"data");
    // The file system's clock has to move on before a stat can be trusted.
    while !store.stat_unchanged(&path, &digest) {
        assert_eq!(store.path_digest(&path).unwrap(), digest);
    }
    let again = Store::open_read_only(store.folder()).unwrap();
    assert!(again.stat_unchanged(&path, &digest));
    assert!(!again.stat_unchanged(&path, &Digest::of(b"other")));
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(!store.stat_unchanged(&path, &digest));
    assert_eq!(store.path_digest(&path).unwrap(), digest);
    assert!(matches!(
        store.path_digest(&folder.path().join("none")),
        Err(StoreError::Io { .. })
    ));
}

#[test]
fn an_edit_that_keeps_size_and_time_of_change_is_noticed() {
    let (folder, store) = fresh();
    let path = folder.path().join("source");
    fs::write(&path, b"data").unwrap();
    while !store.stat_unchanged(&path, &Digest::of(b"data")) {
        store.path_digest(&path).unwrap();
    }
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, b"DATA").unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(store.path_digest(&path).unwrap(), Digest::of(b"DATA"));
}

#[test]
fn repeats_survive_damaged_lines_and_a_file_that_is_full() {
    let (_folder, store) = fresh();
    let repeat = |id: &str| Repeat {
        id: id.to_owned(),
        of: "0".to_owned(),
        cached: 3,
    };
    let ids = || -> Vec<String> {
        let all = store.repeats().unwrap().into_iter();
        all.map(|repeat| repeat.id).collect()
    };
    store.begin_run("0").unwrap();
    let path = store.folder().join("runs/repeats");
    fs::write(&path, b"\xff\xfe 0 x\n").unwrap();
    repeat("1").note(store.folder()).unwrap();
    assert_eq!(ids(), ["1"]);
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(&vec![b'\n'; 1 << 20]).unwrap();
    repeat("2").note(store.folder()).unwrap();
    assert!(!path.exists(), "it was put aside, and a new one begins");
    repeat("3").note(store.folder()).unwrap();
    assert_eq!(ids(), ["1", "2", "3"]);
}

#[test]
fn a_file_from_the_future_is_hashed_every_time() {
    let (folder, store) = fresh();
    let path = folder.path().join("source");
    fs::write(&path, b"data").unwrap();
    let now = fs::metadata(&path).unwrap().modified().unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(now + Duration::from_secs(1000)).unwrap();
    for _ in 0..3 {
        assert_eq!(store.path_digest(&path).unwrap(), Digest::of(b"data"));
        assert!(!store.stat_unchanged(&path, &Digest::of(b"data")));
    }
}

#[test]
fn a_large_staging_folder_is_gone_with_its_handle_and_all_of_them_with_the_store() {
    let (_folder, store) = fresh();
    let (first, second) = (store.stage().unwrap(), store.stage().unwrap());
    assert_ne!(first.path(), second.path());
    fs::write(first.path().join("half"), vec![0; 100_000]).unwrap();
    let path = first.path().to_owned();
    drop(first);
    assert!(!path.exists() && second.path().exists());
    let small = store.stage().unwrap();
    fs::write(small.path().join("half"), b"written").unwrap();
    let path = small.path().to_owned();
    drop(small);
    assert_ne!(store.stage().unwrap().path(), path, "nobody gets it again");
    assert!(!store.stage_later().unwrap().path().exists());
    let other = Store::open(store.folder()).unwrap();
    assert!(second.path().exists(), "the living are not swept");
    drop((second, store));
    let left = fs::read_dir(other.folder().join("staging")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.collect::<Vec<_>>(), ["spare-0-0"]);
    assert!(files(&other.folder().join("staging")).is_empty());
}

#[test]
fn a_journal_is_listed_and_known_to_be_running_while_it_is_open() {
    let (_folder, store) = fresh();
    let mut journal = store.begin_run("2026-01-01").unwrap();
    journal.write_line("{}").unwrap();
    let listed = |running| {
        let runs = store.runs().unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(
            (runs[0].id.as_str(), runs[0].is_running()),
            ("2026-01-01", running)
        );
        assert_eq!(fs::read(&runs[0].path).unwrap(), b"{}\n");
    };
    listed(true);
    drop(journal);
    listed(false);
    assert!(store.begin_run("2026-01-01").is_err());
    store.remove_run("2026-01-01").unwrap();
    assert!(store.runs().unwrap().is_empty());
}

#[test]
fn a_store_open_for_reading_makes_and_changes_nothing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("cache");
    let store = Store::open_read_only(&path).unwrap();
    assert_eq!(store.lookup(&entry("a", 1, Digest::of(b""), 0).key), None);
    assert!(store.runs().unwrap().is_empty());
    for result in [
        store.put_bytes(b"x").map(drop),
        store.put_bytes(&bytes(1, 50_000)).map(drop),
        store.record(&entry("a", 1, Digest::of(b""), 0)),
        store.stage().map(drop),
        store.discard(&Digest::of(b"")),
        store.begin_run("r").map(drop),
        store
            .claim(&entry("a", 1, Digest::of(b""), 0).key)
            .map(drop),
    ] {
        assert!(matches!(result, Err(StoreError::OpenForReading { .. })));
    }
    store.sync().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_discarded_blob_is_gone_and_can_be_put_again() {
    let (_folder, store) = fresh();
    for len in [10, 50_000] {
        let digest = store.put_bytes(&bytes(1, len)).unwrap();
        store.discard(&digest).unwrap();
        assert!(!store.contains(&digest));
        assert!(!Store::open(store.folder()).unwrap().contains(&digest));
        store.put_bytes(&bytes(1, len)).unwrap();
        assert!(Store::open(store.folder()).unwrap().contains(&digest));
    }
}

#[test]
fn what_lay_in_a_cleared_staging_folder_is_used_again_and_never_seen() {
    let (_folder, store) = fresh();
    let mut staging = store.stage().unwrap();
    let root = staging.path().to_owned();
    let path = |name: &str| root.join(name);
    let inode = |name: &str| fs::symlink_metadata(path(name)).unwrap().ino();
    staging.write(&path("first"), b"long before").unwrap();
    staging.make_folder(&path("a/b")).unwrap();
    staging.write(&path("a/b/deep"), b"").unwrap();
    fs::write(path("made"), b"own").unwrap();
    fs::write(path("tool"), b"#!/bin/sh").unwrap();
    fs::set_permissions(path("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let [first, made, tool] = ["first", "made", "tool"].map(inode);
    staging.clear().unwrap();
    assert!(!staging.holds(&path("first")) && !staging.holds(&path("a/b")));
    staging.write(&path("first"), b"short").unwrap();
    staging.write(&path("tool"), b"").unwrap();
    assert_eq!((inode("first"), inode("tool")), (first, made));
    assert_ne!(inode("tool"), tool, "a program's mode would stay");
    assert_eq!(fs::read(path("first")).unwrap(), b"short");
    assert!(staging.holds(&path("first")));
    staging.sweep().unwrap();
    let mut names: Vec<_> = fs::read_dir(&root).unwrap().collect();
    names.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    let names = names
        .iter()
        .map(|entry| entry.as_ref().unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["first", "tool"]);
}

#[test]
fn a_file_a_folder_and_a_link_take_each_others_places_in_a_staging_folder() {
    let (_folder, store) = fresh();
    let mut staging = store.stage().unwrap();
    let path = staging.path().join("x");
    let below = path.join("y");
    for _ in 0..2 {
        staging.write(&path, b"file").unwrap();
        staging.clear().unwrap();
        staging.make_folder(&path).unwrap();
        staging.write(&below, b"below").unwrap();
        assert_eq!(fs::read(&below).unwrap(), b"below");
        staging.clear().unwrap();
        staging.link(Path::new("elsewhere"), &path).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("elsewhere"));
        staging.clear().unwrap();
        assert!(!staging.holds(&path));
    }
}

#[test]
fn files_a_process_no_longer_needs_are_used_by_the_next() {
    let (_folder, store) = fresh();
    let folder = store.folder().to_owned();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let mut staging = store.stage().unwrap();
    let path = staging.path().join("x");
    staging.write(&path, b"written").unwrap();
    let made = inode(&path);
    staging.clear().unwrap();
    drop((staging, store));
    let left: Vec<_> = fs::read_dir(folder.join("staging")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let store = Store::open(&folder).unwrap();
    let mut staging = store.stage().unwrap();
    let root = staging.path().to_owned();
    let first = root.join("first");
    staging.write(&first, b"w").unwrap();
    assert_eq!(inode(&first), made);
    assert_eq!(fs::read(&first).unwrap(), b"w");
    drop((staging, store));
    let kept = Keep::default();
    Store::open(&folder).unwrap().gc(&kept).unwrap();
    assert_eq!(fs::read_dir(folder.join("staging")).unwrap().count(), 0);
}

#[test]
fn a_file_left_by_a_process_is_not_taken_at_its_word() {
    let tricks: [fn(&Path); 4] = [
        |spare| fs::write(spare, b"longer than its name says").unwrap(),
        |spare| {
            fs::remove_file(spare).unwrap();
            symlink(spare.ancestors().nth(4).unwrap().join("own"), spare).unwrap();
        },
        |spare| {
            fs::remove_file(spare).unwrap();
            fs::hard_link(spare.ancestors().nth(4).unwrap().join("own"), spare).unwrap();
        },
        |spare| {
            fs::remove_file(spare).unwrap();
            fs::create_dir(spare).unwrap();
        },
    ];
    for trick in tricks {
        let (folder, store) = fresh();
        let (own, cache) = (folder.path().join("own"), store.folder().to_owned());
        fs::write(&own, b"the user's own").unwrap();
        let mut staging = store.stage().unwrap();
        let path = staging.path().join("x");
        staging.write(&path, b"short").unwrap();
        staging.clear().unwrap();
        drop((staging, store));
        trick(&only_file(&cache.join("staging")));
        let store = Store::open(&cache).unwrap();
        let mut staging = store.stage().unwrap();
        for name in ["first", "second"] {
            let path = staging.path().join(name);
            staging.write(&path, b"short").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"short");
        }
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 2);
        assert_eq!(fs::read(&own).unwrap(), b"the user's own");
    }
}

#[test]
fn what_is_written_out_is_whole_or_not_there() {
    let (folder, store) = fresh();
    let reports = folder.path().join("reports");
    let report = reports.join("report.html");
    for text in ["long at first", "short"] {
        let write = |file: &mut dyn Write| file.write_all(text.as_bytes());
        store.write_out(&report, write).unwrap();
        assert_eq!(fs::read_to_string(&report).unwrap(), text);
    }
    // A folder in its place: what was written aside can't be renamed to it.
    fs::remove_file(&report).unwrap();
    fs::create_dir(&report).unwrap();
    assert!(
        store
            .write_out(&report, |file| file.write_all(b"lost"))
            .is_err()
    );
    assert_eq!(files(&reports).len(), 0);
    assert_eq!(fs::read_dir(&reports).unwrap().count(), 1);
}

#[test]
fn what_is_written_out_takes_a_file_nobody_needs() {
    let (folder, store) = fresh();
    let report = folder.path().join("report.html");
    let mut staging = store.stage().unwrap();
    let spare = staging.path().join("x");
    staging.write(&spare, b"longer than the report").unwrap();
    let made = fs::metadata(&spare).unwrap().ino();
    staging.clear().unwrap();
    staging.sweep().unwrap();
    for (text, again) in [("short", true), ("other", false)] {
        let write = |file: &mut dyn Write| file.write_all(text.as_bytes());
        store.write_out(&report, write).unwrap();
        assert_eq!(fs::read_to_string(&report).unwrap(), text);
        assert_eq!(fs::metadata(&report).unwrap().ino() == made, again);
    }
}

#[test]
fn empty_folders_are_left_to_the_next_process_if_they_are_that() {
    let tricks: [fn(&Path); 4] = [
        |_| {},
        |empty| fs::write(empty.join("file"), "not empty").unwrap(),
        |empty| fs::set_permissions(empty, fs::Permissions::from_mode(0o700)).unwrap(),
        |empty| {
            fs::remove_dir(empty).unwrap();
            symlink(empty.ancestors().nth(5).unwrap().join("own"), empty).unwrap();
        },
    ];
    for (at, trick) in tricks.into_iter().enumerate() {
        let (folder, store) = fresh();
        let (own, cache) = (folder.path().join("own"), store.folder().to_owned());
        fs::create_dir(&own).unwrap();
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        let mut staging = store.stage().unwrap();
        staging.make_folder(&staging.path().join("in")).unwrap();
        let mut made = [inode(staging.path()), inode(&staging.path().join("in"))];
        staging.clear().unwrap();
        drop((staging, store));
        let left = fs::read_dir(cache.join("staging")).unwrap();
        let empty = left.last().unwrap().unwrap().path().join("empty");
        for entry in fs::read_dir(empty).unwrap() {
            trick(&entry.unwrap().path());
        }

        let store = Store::open(&cache).unwrap();
        let mut staging = store.stage().unwrap();
        staging.make_folder(&staging.path().join("in")).unwrap();
        let mut now = [inode(staging.path()), inode(&staging.path().join("in"))];
        made.sort_unstable();
        now.sort_unstable();
        assert_eq!(now == made, at == 0, "{at}");
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 1);
        staging.write(&staging.path().join("in/x"), b"x").unwrap();
        drop((staging, store));
        assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
    }
}

#[test]
fn a_folder_of_many_files_is_left_to_the_next_process_and_never_seen_as_it_was() {
    let (_folder, store) = fresh();
    let cache = store.folder().to_owned();
    let (inode, many) = (|path: &Path| fs::metadata(path).unwrap().ino(), "many");
    let fill = |staging: &mut Staging, names: std::ops::Range<u32>, text: &str| {
        let folder = staging.path().join(many);
        staging.make_folder_for(&folder, names.len()).unwrap();
        for name in names {
            let path = folder.join(name.to_string());
            staging.write(&path, text.as_bytes()).unwrap();
        }
        staging.sweep().unwrap();
        folder
    };
    let mut staging = store.stage().unwrap();
    let folder = fill(&mut staging, 0..100, "long at first");
    let was = inode(&folder.join("60"));
    staging.clear().unwrap();
    drop((staging, store));

    let store = Store::open(&cache).unwrap();
    let mut staging = store.stage().unwrap();
    let other = fill(&mut staging, 0..10, "few take another");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 10);
    staging.clear().unwrap();
    drop(staging);
    let mut staging = store.stage().unwrap();
    let folder = fill(&mut staging, 50..130, "short");
    assert_eq!(inode(&folder.join("60")), was);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 80);
    for name in 50..130 {
        let text = fs::read(folder.join(name.to_string())).unwrap();
        assert_eq!(text, b"short");
    }
}
