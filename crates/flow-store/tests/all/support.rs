//! What several test files need.

use std::fs;
use std::path::{Path, PathBuf};

use flow_contract::{Digest, Labels, Recipe, Value};
use flow_store::{Entry, Store};
use tempfile::{TempDir, tempdir, tempdir_in};

/// Bytes that differ for every number, `len` of them.
pub fn bytes(number: u64, len: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A record of the instance `name[i=number]` with one output.
pub fn entry(name: &str, number: u64, output: Digest, size: u64) -> Entry {
    let labels = Labels::new(vec![("i".into(), Value::Int(number as i64))]);
    let recipe = Recipe {
        kind: name.into(),
        revision: 1,
        params: [("number".to_owned(), Value::Int(number as i64))].into(),
        seed: Some(number),
        backend: None,
        inputs: vec![("in".into(), vec![(labels, Digest::of(b"input"))])],
    };
    Entry {
        key: recipe.key(),
        instance: format!("{name}[i={number}]"),
        recipe,
        outputs: vec![("out".into(), output, size)],
        warnings: vec![],
        seconds: 0.5,
        finished_unix: 1_700_000_000 + number,
        run: "r1".into(),
    }
}

/// Puts a blob and records it.
pub fn put(store: &Store, name: &str, number: u64, len: usize) -> Entry {
    let digest = store.put_bytes(&bytes(number, len)).unwrap();
    let entry = entry(name, number, digest, len as u64);
    store.record(&entry).unwrap();
    entry
}

/// A folder in memory where there is one: these tests make thousands of small files.
pub fn memory_folder() -> TempDir {
    tempdir_in("/dev/shm").or_else(|_| tempdir()).unwrap()
}

/// All files in a folder and those below, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files_found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_found.extend(files(&path));
        } else {
            files_found.push(path);
        }
    }
    files_found.sort();
    files_found
}

/// Copies what is in a folder.
pub fn copy_folder(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}
