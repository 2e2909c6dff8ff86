//! Removing what no kept run needs.
//!
//! Every open store holds `cache/lock` shared; removing takes it exclusively, so nothing is removed
//! under a run. Records go first, then blobs: whatever a kill leaves in between is a blob without a
//! record, which the next sweep finds.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::{self, TryLockError};

use flow_contract::{Digest, Key};

use crate::error::{Doing, StoreError, say};
use crate::ledger::Output;
use crate::store::{Store, locked};
use crate::{spare, workspace};

/// What must stay, and how much may.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Records that stay, with their outputs: those of the runs to keep.
    pub keys: HashSet<Key>,
    /// Blobs that stay in any case.
    pub digests: HashSet<Digest>,
    /// Outputs that need not stay although their record does.
    pub transient: HashSet<Digest>,
    /// Other records stay too, the newest first, as long as all blobs together have at most so many
    /// bytes; `None` keeps no others.
    pub max_bytes: Option<u64>,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records removed.
    pub removed_records: u64,
    /// Blobs removed.
    pub removed_blobs: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Records that stay.
    pub kept_records: u64,
    /// Blobs that stay.
    pub kept_blobs: u64,
    /// Their bytes; more than `max_bytes` if what must stay is more.
    pub kept_bytes: u64,
}

/// What stays, decided before anything is removed.
struct Decision {
    keys: HashSet<Key>,
    digests: HashSet<Digest>,
    bytes: u64,
    sizes: HashMap<Digest, u64>,
    records: u64,
}

/// A record that need not stay.
struct Candidate {
    key: Key,
    finished_unix: u64,
    outputs: Vec<Output>,
}

impl Store {
    /// Says what [`Store::gc`] would remove now.
    ///
    /// # Errors
    /// [`StoreError`] when the cache can't be read.
    pub fn gc_dry_run(&self, keep: &Keep) -> Result<Swept, StoreError> {
        self.refresh()?;
        Ok(self.decide(keep)?.swept())
    }

    /// Removes records and blobs that need not stay, damaged blobs, and the room they took; also what
    /// unfinished instances left for their next attempt.
    ///
    /// No other thread may use this store meanwhile.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has the cache open, and then removes nothing;
    /// [`StoreError`] when something can't be removed, which the next call then does.
    pub fn gc(&self, keep: &Keep) -> Result<Swept, StoreError> {
        self.alone(|| {
            let decision = self.decide(keep)?;
            let swept = decision.swept();
            self.remove(&decision)?;
            // Files for the next run's commands; it can make them anew.
            for (spares, ..) in spare::waiting(&self.folder.join("staging")) {
                let _ = fs::remove_dir_all(spares);
            }
            Ok(swept)
        })
    }

    /// Works while no other process has the cache open.
    pub(crate) fn alone<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let path = self.folder.join("lock");
        let Some(lock) = &self.lock else {
            return Err(StoreError::open_for_reading("removing from", &self.folder));
        };
        lock.unlock().doing(say("unlocking"), &path)?;
        let locked = lock.try_lock();
        // Between the two locks another process may have swept.
        let done = self.reload().and_then(|()| match locked {
            Ok(()) => work(),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                folder: self.folder.clone(),
                pids: workspace::living(&self.folder.join("staging")),
            }),
            Err(TryLockError::Error(error)) => Err(error).doing(say("locking"), &path),
        });
        lock.unlock().doing(say("unlocking"), &path)?;
        lock.lock_shared().doing(say("locking"), &path)?;
        self.reload()?;
        done
    }

    fn reload(&self) -> Result<(), StoreError> {
        locked(&self.verified).clear();
        self.packs.reload()?;
        self.ledger.reload()?;
        self.memo.reload()
    }

    fn decide(&self, keep: &Keep) -> Result<Decision, StoreError> {
        let mut decision = Decision {
            keys: HashSet::new(),
            digests: HashSet::new(),
            bytes: 0,
            sizes: self.blob_sizes()?,
            records: self.ledger.frames()?.len() as u64,
        };
        keep.digests
            .iter()
            .for_each(|digest| decision.keep_blob(digest));
        let mut others = Vec::new();
        self.each_entry(|entry| {
            let (key, outputs) = (entry.key, entry.outputs);
            if keep.keys.contains(&key) {
                decision.keep(key, &outputs, &keep.transient);
            } else {
                let finished_unix = entry.finished_unix;
                others.push(Candidate {
                    key,
                    finished_unix,
                    outputs,
                });
            }
        })?;
        others.sort_unstable_by_key(|other| (Reverse(other.finished_unix), other.key));
        for other in others {
            let bytes = decision.bytes + decision.new_bytes(&other.outputs, &keep.transient);
            if keep.max_bytes.is_none_or(|max| bytes > max) {
                break;
            }
            decision.keep(other.key, &other.outputs, &keep.transient);
        }
        Ok(decision)
    }

    fn remove(&self, decision: &Decision) -> Result<(), StoreError> {
        self.ledger
            .compact(|header| decision.keys.contains(&Key(header.name)))?;
        self.packs
            .compact(|header| decision.digests.contains(&header.name))?;
        self.memo.compact(|_| true)?;
        for (digest, _) in self.large_blobs()? {
            if !decision.digests.contains(&digest) {
                let path = self.blob_path(&digest);
                fs::remove_file(&path)
                    .doing(|| format!("removing blob {} at", digest.short()), &path)?;
            }
        }
        for name in ["damaged", "scratch"] {
            let folder = self.folder.join(name);
            if folder.exists() {
                fs::remove_dir_all(&folder).doing(say("removing"), &folder)?;
            }
        }
        Ok(())
    }
}

impl Decision {
    fn keep(&mut self, key: Key, outputs: &[Output], transient: &HashSet<Digest>) {
        self.keys.insert(key);
        for (_, digest, _) in outputs {
            if !transient.contains(digest) {
                self.keep_blob(digest);
            }
        }
    }

    fn keep_blob(&mut self, digest: &Digest) {
        if let Some(bytes) = self.sizes.get(digest)
            && self.digests.insert(*digest)
        {
            self.bytes += bytes;
        }
    }

    /// Bytes that keeping these outputs would add.
    fn new_bytes(&self, outputs: &[Output], transient: &HashSet<Digest>) -> u64 {
        let new: HashSet<&Digest> = outputs
            .iter()
            .map(|(_, digest, _)| digest)
            .filter(|digest| !transient.contains(digest) && !self.digests.contains(digest))
            .collect();
        new.into_iter()
            .filter_map(|digest| self.sizes.get(digest))
            .sum()
    }

    fn swept(&self) -> Swept {
        let all: u64 = self.sizes.values().sum();
        Swept {
            removed_records: self.records - self.keys.len() as u64,
            removed_blobs: (self.sizes.len() - self.digests.len()) as u64,
            removed_bytes: all - self.bytes,
            kept_records: self.keys.len() as u64,
            kept_blobs: self.digests.len() as u64,
            kept_bytes: self.bytes,
        }
    }
}
