//! The ledger: key → outputs and the whole recipe.
//!
//! A record's payload is `lengths, checks, head, tail`: the head holds what came out, when and how, the tail
//! all that only people ask for. Each part is checked when it is read, bound to its key.

use flow_contract::encoding::{EncodingError, from_bytes, to_bytes};
use flow_contract::{Content, Digest, Key, Recipe};
use serde::{Deserialize, Serialize};

use crate::error::{Action, StoreError};
use crate::frame::{HEADER_BYTES, check, number};
use crate::log::{Found, When};
use crate::store::{Store, locked};

/// An artifact an instance gave: port, digest, size in bytes.
pub type Output = (String, Digest, u64);

/// What is kept of one instance's work.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The digest of the recipe.
    pub key: Key,
    /// The instance, as it is addressed: `relevance[fold=3]`.
    pub instance: String,
    /// Everything that decided the result.
    pub recipe: Recipe,
    /// What came out.
    pub outputs: Vec<Output>,
    /// What the node warned of.
    pub warnings: Vec<String>,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// When it was done, in seconds since 1970.
    pub finished_unix: u64,
    /// The run that did it.
    pub run: String,
}

/// An [`Entry`] without what only people ask for, which takes most of the time to read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Made {
    /// What came out.
    pub outputs: Vec<Output>,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// When it was done, in seconds since 1970.
    pub finished_unix: u64,
    /// The run that did it.
    pub run: String,
}

#[derive(Serialize)]
struct MadeRef<'a> {
    outputs: &'a [Output],
    seconds: f64,
    finished_unix: u64,
    run: &'a str,
}

#[derive(Serialize)]
struct TailRef<'a> {
    instance: &'a str,
    recipe: &'a Recipe,
    warnings: &'a [String],
}

#[derive(Deserialize)]
struct Tail {
    instance: String,
    recipe: Recipe,
    warnings: Vec<String>,
}

const PARTS_AT: usize = 24;

impl Store {
    /// Records an instance's work; its blobs must be in the store already.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be written; nothing of it is seen then.
    pub fn record(&self, entry: &Entry) -> Result<(), StoreError> {
        let payload = encode(entry).map_err(|source| StoreError::Record {
            action: Action {
                doing: format!("recording `{}` in", entry.instance),
                path: self.folder.join("ledger"),
            },
            source,
        })?;
        let group = group(&entry.instance);
        self.ledger
            .append(&entry.key.0, group, When::Always, |_| payload)?;
        *locked(&self.unsynced_seconds) += entry.seconds;
        Ok(())
    }

    /// What is recorded of a key, the newest; damaged records count as none.
    ///
    /// What other processes record is seen after [`Store::claim`] or [`Store::refresh`].
    #[must_use]
    pub fn lookup(&self, key: &Key) -> Option<Entry> {
        let found = self.ledger.find_mapped(&key.0)?;
        entry(&found).filter(|entry| entry.key == *key)
    }

    /// [`Store::lookup`] without what only people ask for.
    #[must_use]
    pub fn made(&self, key: &Key) -> Option<Made> {
        let found = self.ledger.find_mapped(&key.0)?;
        let record = Record::read(&found).filter(|record| record.key == *key);
        record?.made()
    }

    /// Whether there is a record of a key, intact or not.
    #[must_use]
    pub fn has_record(&self, key: &Key) -> bool {
        self.ledger.contains(&key.0)
    }

    /// The newest record of an instance by its name, whatever its key.
    #[must_use]
    pub fn last_of(&self, instance: &str) -> Option<Entry> {
        let found = self.ledger.newest_of(group(instance)).ok()??;
        entry(&found).filter(|entry| entry.instance == instance)
    }
}

/// Decodes a found record; `None` if it is damaged.
pub(crate) fn entry(found: &Found) -> Option<Entry> {
    let record = Record::read(found)?;
    let made = record.made()?;
    let tail: Tail = from_bytes(record.tail()?).ok()?;
    Some(Entry {
        key: record.key,
        instance: tail.instance,
        recipe: tail.recipe,
        outputs: made.outputs,
        warnings: tail.warnings,
        seconds: made.seconds,
        finished_unix: made.finished_unix,
        run: made.run,
    })
}

/// The group of an instance's records.
fn group(instance: &str) -> u64 {
    number(&Digest::of(instance.as_bytes()).as_bytes()[..8])
}

fn encode(entry: &Entry) -> Result<Vec<u8>, EncodingError> {
    let head = to_bytes(&MadeRef {
        outputs: &entry.outputs,
        seconds: entry.seconds,
        finished_unix: entry.finished_unix,
        run: &entry.run,
    })?;
    let tail = to_bytes(&TailRef {
        instance: &entry.instance,
        recipe: &entry.recipe,
        warnings: &entry.warnings,
    })?;
    let mut bytes = Vec::with_capacity(PARTS_AT + head.len() + tail.len());
    bytes.extend((head.len() as u64).to_le_bytes());
    bytes.extend(check_of(HEAD, &entry.key, &head).to_le_bytes());
    bytes.extend(check_of(TAIL, &entry.key, &tail).to_le_bytes());
    bytes.extend(head);
    bytes.extend(tail);
    Ok(bytes)
}

const HEAD: u64 = 0;
const TAIL: u64 = 1;

fn check_of(part: u64, key: &Key, bytes: &[u8]) -> u64 {
    check(part, &[key.0.as_bytes(), bytes])
}

/// A record's bytes with their key.
struct Record {
    key: Key,
    bytes: Content,
    /// Where the tail begins.
    tail_at: usize,
}

impl Record {
    fn read(found: &Found) -> Option<Self> {
        let bytes = found.frame().ok()?;
        // The header's own check is left out: both parts are bound to the key.
        let name: [u8; 32] = *bytes.get(8..40)?.first_chunk()?;
        let head_len = number(bytes.get(HEADER_BYTES..HEADER_BYTES + 8)?);
        let tail_at = (HEADER_BYTES + PARTS_AT).checked_add(usize::try_from(head_len).ok()?)?;
        (tail_at <= bytes.len()).then_some(Self {
            key: Key(Digest::from_bytes(name)),
            bytes,
            tail_at,
        })
    }

    fn made(&self) -> Option<Made> {
        let head = &self.bytes[HEADER_BYTES + PARTS_AT..self.tail_at];
        self.intact(HEAD, head).then(|| from_bytes(head).ok())?
    }

    fn tail(&self) -> Option<&[u8]> {
        let tail = &self.bytes[self.tail_at..];
        self.intact(TAIL, tail).then_some(tail)
    }

    fn intact(&self, part: u64, bytes: &[u8]) -> bool {
        let at = HEADER_BYTES + 8 + 8 * part as usize;
        number(&self.bytes[at..at + 8]) == check_of(part, &self.key, bytes)
    }
}
