//! How much space what takes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;

use flow_contract::Digest;

use crate::error::StoreError;
use crate::fsck::list;
use crate::ledger::{Entry, entry};
use crate::store::Store;

/// What the whole cache takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Blobs, large and small.
    pub blobs: u64,
    /// Bytes of the large ones, each a file.
    pub large_bytes: u64,
    /// Records in the ledger.
    pub records: u64,
    /// Bytes of packs with their indexes, small blobs and what is left of removed ones.
    pub pack_bytes: u64,
    /// Bytes of the ledger with its index.
    pub ledger_bytes: u64,
    /// Bytes of the stat memo with its index.
    pub memo_bytes: u64,
    /// Bytes of blobs set aside as damaged.
    pub damaged_bytes: u64,
}

/// What one group of instances takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records.
    pub records: u64,
    /// Blobs in the cache that the records name, each counted once.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Size {
    /// Bytes of all of it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.large_bytes
            + self.pack_bytes
            + self.ledger_bytes
            + self.memo_bytes
            + self.damaged_bytes
    }
}

impl Store {
    /// What the whole cache takes.
    ///
    /// # Errors
    /// [`StoreError`] when the cache can't be listed.
    pub fn size(&self) -> Result<Size, StoreError> {
        let damaged = list(&self.folder.join("damaged"))?;
        Ok(Size {
            blobs: self.blob_sizes()?.len() as u64,
            large_bytes: self
                .large_blobs()?
                .into_iter()
                .map(|(_, bytes)| bytes)
                .sum(),
            records: self.ledger.frames()?.len() as u64,
            pack_bytes: self.packs.bytes()?,
            ledger_bytes: self.ledger.bytes()?,
            memo_bytes: self.memo.bytes()?,
            damaged_bytes: damaged
                .iter()
                .map(|file| fs::metadata(file.path()).map_or(0, |meta| meta.len()))
                .sum(),
        })
    }

    /// What each group of records takes, by the caller's name for it: the node, the run.
    ///
    /// A blob that two groups name counts in both.
    ///
    /// # Errors
    /// [`StoreError`] when the cache can't be read.
    pub fn usage(
        &self,
        group: impl Fn(&Entry) -> String,
    ) -> Result<BTreeMap<String, Usage>, StoreError> {
        let sizes = self.blob_sizes()?;
        let mut usages: BTreeMap<String, Usage> = BTreeMap::new();
        let mut counted: HashSet<(String, Digest)> = HashSet::new();
        self.each_entry(|entry| {
            let group = group(&entry);
            let usage = usages.entry(group.clone()).or_default();
            usage.records += 1;
            for (_, digest, _) in &entry.outputs {
                let bytes = sizes.get(digest).copied();
                if let Some(bytes) = bytes
                    && counted.insert((group.clone(), *digest))
                {
                    usage.blobs += 1;
                    usage.bytes += bytes;
                }
            }
        })?;
        Ok(usages)
    }

    /// Reads every intact record, for each key the newest.
    ///
    /// # Errors
    /// [`StoreError`] when the ledger can't be read.
    pub fn each_entry(&self, mut hear: impl FnMut(Entry)) -> Result<(), StoreError> {
        for (header, found) in self.ledger.frames()? {
            if let Some(entry) = entry(&found).filter(|entry| entry.key.0 == header.name) {
                hear(entry);
            }
        }
        Ok(())
    }

    /// All blobs with their sizes in bytes.
    pub(crate) fn blob_sizes(&self) -> Result<HashMap<Digest, u64>, StoreError> {
        let mut sizes: HashMap<Digest, u64> = self.large_blobs()?.into_iter().collect();
        for (header, found) in self.packs.frames()? {
            sizes.insert(header.name, u64::from(found.len));
        }
        Ok(sizes)
    }
}
