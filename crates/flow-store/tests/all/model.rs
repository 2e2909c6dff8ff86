//! Any sequence of operations by two open stores gives what a plain map would.

use std::collections::BTreeMap;

use flow_contract::Digest;
use flow_store::{Keep, Store, StoreError};
use proptest::prelude::*;

use crate::support::{bytes, entry, memory_folder};

#[derive(Clone, Debug)]
enum Step {
    Put(u64),
    /// Records a number's key with the blob of another as its output.
    Record(u64, u64),
    Discard(u64),
    Reopen,
    /// Keeps the records and blobs of smaller numbers.
    Sweep(u64),
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let number = || 0..6u64;
    let step = prop_oneof![
        4 => number().prop_map(Step::Put),
        4 => (number(), number()).prop_map(|(key, output)| Step::Record(key, output)),
        2 => number().prop_map(Step::Discard),
        2 => Just(Step::Reopen),
        1 => number().prop_map(Step::Sweep),
        1 => Just(Step::Sync),
    ];
    prop::collection::vec((0..2usize, step), 0..40)
}

fn blob(number: u64) -> Vec<u8> {
    bytes(number, if number.is_multiple_of(3) { 33_000 } else { 50 })
}

#[derive(Default)]
struct Model {
    blobs: BTreeMap<u64, ()>,
    records: BTreeMap<u64, u64>,
}

fn record(number: u64, output: u64) -> flow_store::Entry {
    entry(
        "node",
        number,
        Digest::of(&blob(output)),
        blob(output).len() as u64,
    )
}

fn sweep(stores: &mut [Option<Store>; 2], at: usize, below: u64, model: &mut Model) {
    let keep = Keep {
        keys: (0..below).map(|number| record(number, 0).key).collect(),
        digests: (0..below).map(|number| Digest::of(&blob(number))).collect(),
        ..Keep::default()
    };
    let folder = stores[at].as_ref().unwrap().folder().to_owned();
    let refused = stores[at].as_ref().unwrap().gc(&keep);
    assert!(matches!(refused, Err(StoreError::InUse { .. })));
    stores[1 - at] = None;
    stores[at].as_ref().unwrap().gc(&keep).unwrap();
    stores[1 - at] = Some(Store::open(&folder).unwrap());
    model.records.retain(|number, _| *number < below);
    let named: Vec<u64> = model.records.values().copied().collect();
    model
        .blobs
        .retain(|number, ()| *number < below || named.contains(number));
}

fn check(store: &Store, model: &Model) {
    store.refresh().unwrap();
    for number in 0..6 {
        let digest = Digest::of(&blob(number));
        let there = model.blobs.contains_key(&number);
        assert_eq!(store.contains(&digest), there, "blob {number}");
        let content = store.get(&digest).ok().map(|content| content.to_vec());
        assert_eq!(content, there.then(|| blob(number)));
        let expected = model
            .records
            .get(&number)
            .map(|&output| record(number, output));
        assert_eq!(store.lookup(&record(number, 0).key), expected);
        assert_eq!(store.last_of(&format!("node[i={number}]")), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_stores_behave_like_one_map(steps in steps()) {
        let folder = memory_folder();
        let open = || Some(Store::open(folder.path()).unwrap());
        let mut stores = [open(), open()];
        let mut model = Model::default();
        for (at, step) in steps {
            let store = stores[at].as_ref().unwrap();
            store.refresh().unwrap();
            match step {
                Step::Put(number) => {
                    store.put_bytes(&blob(number)).unwrap();
                    model.blobs.insert(number, ());
                }
                Step::Record(number, output) => {
                    store.record(&record(number, output)).unwrap();
                    model.records.insert(number, output);
                }
                Step::Discard(number) => {
                    store.discard(&Digest::of(&blob(number))).unwrap();
                    model.blobs.remove(&number);
                }
                Step::Reopen => {
                    stores[at] = None;
                    stores[at] = open();
                }
                Step::Sweep(below) => sweep(&mut stores, at, below, &mut model),
                Step::Sync => store.sync().unwrap(),
            }
        }
        stores.iter().flatten().for_each(|store| check(store, &model));
        drop(stores);
        check(&Store::open(folder.path()).unwrap(), &model);
        prop_assert!(Store::open_read_only(folder.path()).unwrap().fsck().unwrap().is_clean());
    }
}
