//! What `gc` removes and keeps, and what takes how much room.

use std::fs;

use crate::support::{bytes, files, put};
use flow_store::{Entry, Keep, Store, StoreError, Swept};
use tempfile::{TempDir, tempdir};

/// Ten records, every other with a large blob; record 0 is the oldest.
fn lab() -> (TempDir, Store, Vec<Entry>) {
    let folder = tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache")).unwrap();
    let size = |number: u64| {
        if number.is_multiple_of(2) {
            100
        } else {
            40_000
        }
    };
    let entries = (0..10).map(|number| put(&store, "node", number, size(number)));
    let entries = entries.collect();
    (folder, store, entries)
}

fn keep(entries: &[Entry]) -> Keep {
    Keep {
        keys: entries.iter().map(|entry| entry.key).collect(),
        ..Keep::default()
    }
}

#[test]
fn what_is_kept_stays_and_the_rest_is_gone_from_disk() {
    let (_folder, store, entries) = lab();
    let orphan = store.put_bytes(b"orphan").unwrap();
    let wanted = store.put_bytes(b"wanted").unwrap();
    let mut keep = keep(&entries[..4]);
    keep.digests.insert(wanted);
    let planned = store.gc_dry_run(&keep).unwrap();
    assert!(store.contains(&orphan), "a dry run removes nothing");
    let swept = store.gc(&keep).unwrap();
    assert_eq!(planned, swept);
    let expected = Swept {
        removed_records: 6,
        removed_blobs: 7,
        removed_bytes: 3 * 100 + 3 * 40_000 + 6,
        kept_records: 4,
        kept_blobs: 5,
        kept_bytes: 2 * 100 + 2 * 40_000 + 6,
    };
    assert_eq!(swept, expected);
    let again = Store::open(store.folder()).unwrap();
    for store in [&store, &again] {
        for (number, entry) in (0..).zip(&entries) {
            let kept = number < 4;
            assert_eq!(store.lookup(&entry.key).is_some(), kept);
            assert_eq!(store.last_of(&entry.instance).is_some(), kept);
            let (_, digest, size) = &entry.outputs[0];
            assert_eq!(store.contains(digest), kept);
            if kept {
                assert_eq!(*store.get(digest).unwrap(), *bytes(number, *size as usize));
            }
        }
        assert!(!store.contains(&orphan) && store.contains(&wanted));
    }
    assert_eq!(files(&store.folder().join("blobs")).len(), 2);
    let new = put(&store, "new", 77, 50);
    again.refresh().unwrap();
    assert_eq!(again.lookup(&new.key), Some(new));
    assert!(again.fsck().unwrap().is_clean());
}

#[test]
fn with_a_largest_size_the_newest_of_the_others_stay() {
    let (_folder, store, entries) = lab();
    let mut keep = keep(&entries[..1]);
    keep.max_bytes = Some(100 + 40_000 + 100);
    let swept = store.gc(&keep).unwrap();
    assert_eq!((swept.kept_records, swept.kept_bytes), (3, 40_200));
    for number in [0, 8, 9] {
        assert!(store.lookup(&entries[number].key).is_some());
    }
}

#[test]
fn a_record_too_large_to_stay_takes_all_older_ones_with_it() {
    let (_folder, store, entries) = lab();
    let keep = Keep {
        max_bytes: Some(39_999),
        ..Keep::default()
    };
    // The newest is large; smaller and older ones would have room.
    let swept = store.gc(&keep).unwrap();
    assert_eq!((swept.kept_records, swept.removed_records), (0, 10));
    assert!(store.lookup(&entries[8].key).is_none());
}

#[test]
fn an_output_that_need_not_stay_takes_no_room_of_the_others() {
    let (_folder, store, entries) = lab();
    let mut keep = Keep {
        max_bytes: Some(99),
        ..Keep::default()
    };
    keep.transient.insert(entries[9].outputs[0].1);
    let swept = store.gc(&keep).unwrap();
    assert_eq!((swept.kept_records, swept.kept_bytes), (1, 0));
    assert!(store.lookup(&entries[9].key).is_some());
}

#[test]
fn a_transient_output_goes_and_its_record_stays() {
    let (_folder, store, entries) = lab();
    let mut keep = keep(&entries);
    keep.transient.insert(entries[1].outputs[0].1);
    let swept = store.gc(&keep).unwrap();
    assert_eq!((swept.removed_records, swept.removed_blobs), (0, 1));
    assert_eq!(store.lookup(&entries[1].key).as_ref(), Some(&entries[1]));
    assert!(!store.contains(&entries[1].outputs[0].1));
}

#[test]
fn nothing_is_removed_under_another_open_store() {
    let (_folder, store, entries) = lab();
    let other = Store::open(store.folder()).unwrap();
    let error = store.gc(&Keep::default()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }));
    for entry in &entries {
        assert_eq!(
            *store.get(&entry.outputs[0].1).unwrap(),
            *other.get(&entry.outputs[0].1).unwrap()
        );
    }
    let late = put(&store, "late", 1, 10);
    other.refresh().unwrap();
    assert_eq!(other.lookup(&late.key), Some(late));
    drop(other);
    assert_eq!(store.gc(&Keep::default()).unwrap().kept_blobs, 0);
}

#[test]
fn removing_gives_back_room_of_discarded_and_damaged_blobs() {
    let (_folder, store, entries) = lab();
    store.discard(&entries[0].outputs[0].1).unwrap();
    fs::create_dir_all(store.folder().join("damaged")).unwrap();
    fs::write(store.folder().join("damaged/x"), bytes(1, 500)).unwrap();
    let scratch = store.scratch(&entries[1].key);
    fs::create_dir_all(&scratch).unwrap();
    let before = store.size().unwrap();
    assert_eq!(
        (before.blobs, before.records, before.damaged_bytes),
        (9, 10, 500)
    );
    store.gc(&keep(&entries)).unwrap();
    let after = store.size().unwrap();
    assert_eq!(
        (after.blobs, after.records, after.damaged_bytes),
        (9, 10, 0)
    );
    assert!(after.pack_bytes < before.pack_bytes);
    assert!(!scratch.exists());
}

#[test]
fn usage_counts_a_blob_once_in_every_group_that_names_it() {
    let (_folder, store, entries) = lab();
    let mut again = entries[1].clone();
    again.instance = "other".into();
    store.record(&again).unwrap();
    let mut copy = crate::support::entry("node", 50, again.outputs[0].1, 40_000);
    copy.outputs.push(copy.outputs[0].clone());
    store.record(&copy).unwrap();
    let usage = store
        .usage(|entry| {
            entry
                .instance
                .split('[')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .unwrap();
    let node = usage["node"];
    assert_eq!(
        (node.records, node.blobs, node.bytes),
        (10, 10, 5 * 100 + 5 * 40_000)
    );
    assert_eq!(usage["other"].bytes, 40_000);
}
