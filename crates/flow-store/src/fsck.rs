//! Checking everything there is, on all cores.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flow_contract::{Digest, Key};
use rayon::prelude::*;

use crate::error::{Doing, ReadError, StoreError, say};
use crate::ledger::entry;
use crate::log::Found;
use crate::store::{Store, locked};

/// What a check found.
#[derive(Debug, Default)]
pub struct Fsck {
    /// Blobs whose bytes are those their name says.
    pub good_blobs: u64,
    /// Their bytes.
    pub good_bytes: u64,
    /// Blobs that were not, sorted by digest; each was moved aside and counts as missing.
    pub damaged: Vec<DamagedBlob>,
    /// Blobs that could not be read.
    pub unreadable: Vec<StoreError>,
    /// Records of the ledger that are intact.
    pub good_records: u64,
    /// Records that are not, and count as never made.
    pub damaged_records: u64,
    /// Places in packs, ledger and stat memo from which nothing can be told.
    pub damaged_places: u64,
    /// As [`Store::misplaced`].
    pub misplaced: Vec<PathBuf>,
    /// Outputs that are recorded and not in the store, sorted by instance.
    pub missing: Vec<MissingOutput>,
}

/// A blob whose bytes were not those its name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedBlob {
    /// Its name.
    pub digest: Digest,
    /// Where its bytes are now; `None` where they could not be moved.
    pub moved_to: Option<PathBuf>,
}

/// An output that is recorded and not in the store; its instance is computed again when needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingOutput {
    /// The instance.
    pub instance: String,
    /// The output port.
    pub port: String,
    /// What is missing.
    pub digest: Digest,
    /// The record's key.
    pub key: Key,
}

impl Fsck {
    /// Whether every blob and record is as it should be; missing outputs may have been discarded.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let damaged = self.damaged.len() as u64 + self.damaged_records + self.damaged_places;
        damaged == 0 && self.unreadable.is_empty() && self.misplaced.is_empty()
    }
}

impl Store {
    /// Hashes every blob and reads every record; moves damaged blobs aside.
    ///
    /// Other processes may go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the cache can't be listed; trouble with single blobs is in the answer.
    pub fn fsck(&self) -> Result<Fsck, StoreError> {
        self.refresh()?;
        // What was hashed before doesn't count here.
        locked(&self.verified).clear();
        let mut fsck = Fsck {
            misplaced: self.misplaced.clone(),
            ..Fsck::default()
        };
        let packed = self.packs.frames()?;
        let large = self.large_blobs()?;
        let of_packs = packed
            .par_iter()
            .map(|(header, found)| self.check_packed(&header.name, found));
        let of_files = large.par_iter().map(|(digest, _)| self.check_large(digest));
        let checked: Vec<Result<u64, ReadError>> = of_files.chain(of_packs).collect();
        checked.into_iter().for_each(|one| fsck.note(one));
        fsck.damaged.sort_unstable();
        self.check_records(&mut fsck)?;
        for log in [&self.packs, &self.ledger, &self.memo] {
            fsck.damaged_places += log.damaged_places()?;
        }
        Ok(fsck)
    }

    /// Takes damaged records and places out of packs, ledger and stat memo, so that the next check finds
    /// none.
    ///
    /// No other thread may use this store meanwhile.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has the cache open; [`StoreError`] when it can't be
    /// written to.
    pub fn mend(&self) -> Result<(), StoreError> {
        self.alone(|| {
            let mut intact = HashSet::new();
            self.each_entry(|entry| {
                intact.insert(entry.key.0);
            })?;
            self.ledger
                .compact(|header| intact.contains(&header.name))?;
            self.packs.compact(|_| true)?;
            self.memo.compact(|_| true)
        })
    }

    /// Digests and sizes of the blobs that are files of their own, sorted.
    pub(crate) fn large_blobs(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let mut blobs = Vec::new();
        let folder = self.folder.join("blobs");
        for part in list(&folder)? {
            for entry in list(&part.path())? {
                let Some(digest) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                    continue;
                };
                let meta = entry.metadata().doing(say("reading"), &entry.path())?;
                blobs.push((digest, meta.len()));
            }
        }
        blobs.sort_unstable();
        Ok(blobs)
    }

    fn check_packed(&self, digest: &Digest, found: &Found) -> Result<u64, ReadError> {
        let blob = self.get_packed(digest, found)?;
        let blob = blob.ok_or(ReadError::Missing { digest: *digest })?;
        Ok(blob.len() as u64)
    }

    fn check_large(&self, digest: &Digest) -> Result<u64, ReadError> {
        let blob = self.get_large(digest)?;
        let (blob, _) = blob.ok_or(ReadError::Missing { digest: *digest })?;
        Ok(blob.len() as u64)
    }

    fn check_records(&self, fsck: &mut Fsck) -> Result<(), StoreError> {
        let large: HashSet<Digest> = self.large_blobs()?.into_iter().map(|blob| blob.0).collect();
        for (header, found) in self.ledger.frames()? {
            let Some(entry) = entry(&found).filter(|entry| entry.key.0 == header.name) else {
                fsck.damaged_records += 1;
                continue;
            };
            fsck.good_records += 1;
            for (port, digest, _) in entry.outputs {
                if !large.contains(&digest) && !self.packs.contains(&digest) {
                    fsck.missing.push(MissingOutput {
                        instance: entry.instance.clone(),
                        port,
                        digest,
                        key: entry.key,
                    });
                }
            }
        }
        fsck.missing.sort_unstable();
        Ok(())
    }
}

impl Fsck {
    fn note(&mut self, checked: Result<u64, ReadError>) {
        match checked {
            Ok(bytes) => {
                self.good_blobs += 1;
                self.good_bytes += bytes;
            }
            Err(ReadError::Damaged { digest, moved_to }) => {
                self.damaged.push(DamagedBlob { digest, moved_to });
            }
            // Removed or mended by another process meanwhile.
            Err(ReadError::Missing { .. }) => {}
            Err(ReadError::Io(error)) => self.unreadable.push(error),
        }
    }
}

/// The entries of a folder; none if there is no such folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries
            .and_then(Iterator::collect)
            .doing(say("listing"), folder),
    }
}
