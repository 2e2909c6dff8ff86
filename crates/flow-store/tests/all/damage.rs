//! Flipped bits, cut-off files and lost folders: what is read is right or said to be missing.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::support::{bytes, copy_folder, files, memory_folder, put};
use flow_contract::Digest;
use flow_store::{Claim, Entry, ReadError, Store, StoreError};
use tempfile::TempDir;

/// A cache with small and large blobs, records and a remembered source file.
struct Lab {
    folder: TempDir,
    entries: Vec<(Entry, Vec<u8>)>,
}

const SOURCE: &[u8] = b"source";

impl Lab {
    fn new(sizes: &[usize]) -> Self {
        let folder = memory_folder();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let mut entries = Vec::new();
        for (number, &len) in (0..).zip(sizes) {
            entries.push((put(&store, "node", number, len), bytes(number, len)));
        }
        let source = folder.path().join("source");
        fs::write(&source, SOURCE).unwrap();
        while !store.stat_unchanged(&source, &Digest::of(SOURCE)) {
            store.path_digest(&source).unwrap();
        }
        Self { folder, entries }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Checks that nothing wrong is handed out; returns how many records and blobs are there.
    fn check(&self, store: &Store) -> (usize, usize) {
        let (mut records, mut blobs) = (0, 0);
        for (entry, bytes) in &self.entries {
            if let Some(found) = store.lookup(&entry.key) {
                assert_eq!(found, *entry);
                records += 1;
            }
            let made = store.made(&entry.key);
            assert!(made.is_none_or(|made| made.outputs == entry.outputs && made.run == entry.run));
            let last = store.last_of(&entry.instance);
            assert!(last.is_none_or(|last| last == *entry));
            match store.get(&entry.outputs[0].1) {
                Ok(content) => {
                    assert_eq!(*content, **bytes);
                    blobs += 1;
                }
                Err(ReadError::Missing { .. } | ReadError::Damaged { .. }) => {}
                Err(ReadError::Io(error)) => panic!("{error}"),
            }
        }
        let source = self.folder.path().join("source");
        assert_eq!(store.path_digest(&source).unwrap(), Digest::of(SOURCE));
        (records, blobs)
    }
}

fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    byte[0] ^= 1 << (at % 8);
    file.write_all_at(&byte, at).unwrap();
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_before_use() {
    let lab = Lab::new(&[40, 0, 33, 40_000]);
    for path in files(&lab.cache()) {
        let len = fs::metadata(&path).unwrap().len();
        let step = if len > 10_000 { 397 } else { 1 };
        for at in (0..len).step_by(step) {
            flip(&path, at);
            let store = Store::open_read_only(&lab.cache()).unwrap();
            let (records, blobs) = lab.check(&store);
            assert!(
                records + 1 >= 4 && blobs + 1 >= 4,
                "one flip, one loss: {path:?} {at}"
            );
            flip(&path, at);
        }
    }
    let store = Store::open_read_only(&lab.cache()).unwrap();
    assert_eq!(lab.check(&store), (4, 4));
}

#[test]
fn a_flipped_bit_costs_no_other_record_when_the_next_process_writes() {
    let lab = Lab::new(&[40, 10, 33]);
    for name in [
        "packs/0.log",
        "ledger/0.log",
        "packs/0.index",
        "ledger/0.index",
    ] {
        for at in (0..fs::metadata(lab.cache().join(name)).unwrap().len()).step_by(5) {
            let copy = memory_folder();
            copy_folder(&lab.cache(), copy.path());
            flip(&copy.path().join(name), at);
            // With the index gone, the segment alone has to tell.
            for index in ["packs/0.index", "ledger/0.index"] {
                drop(fs::remove_file(copy.path().join(index)));
            }
            let store = Store::open(copy.path()).unwrap();
            let new = put(&store, "new", 9, 20);
            drop(store);
            let store = Store::open(copy.path()).unwrap();
            let (records, blobs) = lab.check(&store);
            assert!(records + 1 >= 3 && blobs + 1 >= 3, "{name} {at}");
            assert_eq!(store.lookup(&new.key), Some(new));
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_loses_only_what_was_cut() {
    let lab = Lab::new(&[40, 33]);
    for name in [
        "packs/0.log",
        "ledger/0.log",
        "packs/0.index",
        "ledger/0.index",
        "memo/0.log",
    ] {
        let len = fs::metadata(lab.cache().join(name)).unwrap().len();
        let mut least = (0, 0);
        for cut in 0..=len {
            let copy = memory_folder();
            copy_folder(&lab.cache(), copy.path());
            let file = File::options()
                .write(true)
                .open(copy.path().join(name))
                .unwrap();
            file.set_len(cut).unwrap();
            let store = Store::open(copy.path()).unwrap();
            let before = lab.check(&store);
            // A torn frame was never there; damage is something else.
            let damaged = |entry: &&(Entry, Vec<u8>)| {
                store.has_record(&entry.0.key) && store.made(&entry.0.key).is_none()
            };
            assert_eq!(lab.entries.iter().find(damaged), None, "{name} {cut}");
            assert!(!copy.path().join("damaged").exists(), "{name} {cut}");
            let new = put(&store, "new", 9, 20);
            drop(store);
            let store = Store::open(copy.path()).unwrap();
            assert_eq!(lab.check(&store), before, "{name} {cut}");
            assert_eq!(store.lookup(&new.key).as_ref(), Some(&new));
            assert_eq!(*store.get(&new.outputs[0].1).unwrap(), *bytes(9, 20));
            assert!(before >= least, "more bytes, no less: {name} {cut}");
            least = before;
        }
        assert_eq!(least, (2, 2));
    }
}

#[test]
fn a_damaged_blob_is_moved_aside_reported_and_can_be_put_again() {
    let lab = Lab::new(&[40, 40_000]);
    let files = files(&lab.cache().join("blobs"));
    flip(&lab.cache().join("packs/0.log"), 72 + 5);
    flip(&files[0], 39_999);
    let store = Store::open(&lab.cache()).unwrap();
    for (entry, good) in &lab.entries {
        let digest = entry.outputs[0].1;
        let error = store.get(&digest).unwrap_err();
        let ReadError::Damaged {
            moved_to: Some(path),
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(fs::read(path).unwrap().len(), good.len());
        for store in [&store, &Store::open(&lab.cache()).unwrap()] {
            assert!(!store.contains(&digest));
            assert!(matches!(store.get(&digest), Err(ReadError::Missing { .. })));
        }
        assert_eq!(store.put_bytes(good).unwrap(), digest);
        for store in [&store, &Store::open(&lab.cache()).unwrap()] {
            assert_eq!(*store.get(&digest).unwrap(), **good);
        }
    }
}

#[test]
fn a_blob_mended_by_another_process_is_taken_and_not_set_aside_again() {
    let lab = Lab::new(&[40]);
    let (entry, good) = &lab.entries[0];
    let digest = entry.outputs[0].1;
    let (store, other) = (
        Store::open(&lab.cache()).unwrap(),
        Store::open(&lab.cache()).unwrap(),
    );
    other
        .put_bytes(b"so that it need not look around for a segment")
        .unwrap();
    flip(&lab.cache().join("packs/0.log"), 72 + 5);
    assert!(matches!(store.get(&digest), Err(ReadError::Damaged { .. })));
    store.put_bytes(good).unwrap();
    assert_eq!(*other.get(&digest).unwrap(), **good);
    assert_eq!(
        *Store::open(&lab.cache()).unwrap().get(&digest).unwrap(),
        **good
    );
}

#[test]
fn a_blob_that_changes_after_its_first_read_is_noticed() {
    let lab = Lab::new(&[40_000]);
    let store = Store::open(&lab.cache()).unwrap();
    let digest = lab.entries[0].0.outputs[0].1;
    store.get(&digest).unwrap();
    let path = &files(&lab.cache().join("blobs"))[0];
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    flip(path, 100);
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
    assert!(matches!(store.get(&digest), Err(ReadError::Damaged { .. })));
}

#[test]
fn a_torn_tail_is_cut_off_by_the_next_writer() {
    let lab = Lab::new(&[40]);
    let path = lab.cache().join("packs/0.log");
    let len = fs::metadata(&path).unwrap().len();
    fs::write(&path, [fs::read(&path).unwrap(), bytes(1, 1000)].concat()).unwrap();
    let store = Store::open(&lab.cache()).unwrap();
    store.put_bytes(&bytes(9, 24)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), len + 72 + 24);
}

#[test]
fn a_damaged_record_counts_as_none_and_is_known_to_be_there() {
    let lab = Lab::new(&[10]);
    let key = lab.entries[0].0.key;
    flip(&lab.cache().join("ledger/0.log"), 72 + 30);
    let store = Store::open_read_only(&lab.cache()).unwrap();
    assert_eq!((store.made(&key), store.has_record(&key)), (None, true));
}

#[test]
fn an_index_of_another_segment_is_left_aside() {
    let (lab, other) = (Lab::new(&[40, 10, 33]), Lab::new(&[5, 6, 7]));
    for name in ["packs/0.index", "ledger/0.index"] {
        fs::copy(other.cache().join(name), lab.cache().join(name)).unwrap();
    }
    assert_eq!(lab.check(&Store::open(&lab.cache()).unwrap()), (3, 3));
}

#[test]
fn fsck_finds_every_damaged_blob_record_and_place() {
    let lab = Lab::new(&[40, 10, 33, 40_000, 50_000]);
    let store = Store::open(&lab.cache()).unwrap();
    let clean = store.fsck().unwrap();
    assert!(clean.is_clean() && clean.missing.is_empty());
    assert_eq!(
        (clean.good_blobs, clean.good_bytes, clean.good_records),
        (5, 90_083, 5)
    );

    let large = files(&lab.cache().join("blobs"));
    flip(&large[0], 7);
    flip(&lab.cache().join("packs/0.log"), 72 + 5);
    flip(&lab.cache().join("ledger/0.log"), 72 + 100);
    let found = store.fsck().unwrap();
    assert_eq!((found.damaged.len(), found.damaged_records), (2, 1));
    assert!(found.damaged.iter().all(|blob| blob.moved_to.is_some()));
    assert_eq!((found.good_blobs, found.good_records), (3, 4));
    let gone = |entry: &&(Entry, Vec<u8>)| {
        store.lookup(&entry.0.key).is_some() && !store.contains(&entry.0.outputs[0].1)
    };
    assert_eq!(found.missing.len(), lab.entries.iter().filter(gone).count());

    let again = store.fsck().unwrap();
    assert!(again.damaged.is_empty());
    flip(&lab.cache().join("packs/0.log"), 0);
    assert_eq!(store.fsck().unwrap().damaged_places, 1);

    let other = Store::open(&lab.cache()).unwrap();
    assert!(matches!(store.mend(), Err(StoreError::InUse { .. })));
    drop(other);
    store.mend().unwrap();
    let mended = store.fsck().unwrap();
    assert!(mended.is_clean(), "{mended:?}");
    assert_eq!(mended.good_records, 4);
    lab.check(&store);
}

/// Puts something else in the place of a file.
type Misplace = fn(&Path);

fn a_folder(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::write(path.join("x"), "x").unwrap();
}

fn a_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

fn a_link_to_nowhere(path: &Path) {
    std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap();
}

#[test]
fn what_stands_in_the_place_of_a_file_is_moved_aside() {
    let misplace: [Misplace; 3] = [a_folder, a_pipe, a_link_to_nowhere];
    for (which, misplace) in misplace.iter().enumerate() {
        let lab = Lab::new(&[40, 10, 40_000]);
        for path in files(&lab.cache()) {
            let name = path.strip_prefix(lab.cache()).unwrap().to_owned();
            let copy = memory_folder();
            copy_folder(&lab.cache(), copy.path());
            fs::remove_file(copy.path().join(&name)).unwrap();
            misplace(&copy.path().join(&name));
            for _ in 0..2 {
                let store = Store::open(copy.path()).unwrap();
                lab.check(&store);
                let claim = store.claim(&lab.entries[0].0.key).unwrap();
                assert!(matches!(claim, Claim::Mine(_)));
                for (number, len) in [(0, 40), (1, 10), (2, 40_000)] {
                    put(&store, "node", number, len);
                }
                assert_eq!(lab.check(&store), (3, 3), "{which} {}", name.display());
            }
            assert!(Store::open(copy.path()).unwrap().fsck().unwrap().is_clean());
        }
    }
}
