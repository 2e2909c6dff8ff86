//! The stat memo: a file whose stat is the one it had when it was hashed is not hashed again.
//!
//! A stat is remembered only if the file last changed before the clock tick in which it was hashed,
//! read off the file system itself: a later change then can't leave the stat as it was (git's rule
//! for racily clean entries). Younger files are hashed again at [`Store::sync`] or in the next run.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Mutex;

use flow_contract::Digest;

use crate::error::{Doing, StoreError, say};
use crate::frame::{HEADER_BYTES, check, number};
use crate::log::{Access, When};
use crate::store::{Store, locked};

/// Seconds and nanoseconds since 1970.
type Time = (i64, i64);

/// What `stat` says of a file, as far as a change would show in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: Time,
    changed: Time,
}

const STAMP_BYTES: usize = 56;

impl Stamp {
    pub fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    fn last_change(&self) -> Time {
        self.modified.max(self.changed)
    }

    fn to_bytes(self) -> [u8; STAMP_BYTES] {
        let numbers = [
            self.device,
            self.inode,
            self.size,
            self.modified.0 as u64,
            self.modified.1 as u64,
            self.changed.0 as u64,
            self.changed.1 as u64,
        ];
        let mut bytes = [0; STAMP_BYTES];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// The clock by which the file system stamps files, as last read.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Option<Time>>);

impl Clock {
    /// Whether a stamp is older than now; reads the clock only if it may have become so.
    fn is_past(&self, time: Time, file: &File) -> io::Result<bool> {
        let mut last = locked(&self.0);
        if last.is_none_or(|last| time >= last) {
            file.write_all_at(b"t", 0)?;
            let meta = file.metadata()?;
            *last = Some((meta.mtime(), meta.mtime_nsec()));
        }
        Ok(last.is_some_and(|last| time < last))
    }
}

/// How often a file may change while it is hashed.
const TRIES: usize = 3;

impl Store {
    /// The digest of a file outside the store, hashed only if its stat is not remembered.
    ///
    /// # Errors
    /// [`StoreError::Changing`] if the file is being written to; [`StoreError`] when it can't be read.
    pub fn path_digest(&self, path: &Path) -> Result<Digest, StoreError> {
        let stamp = stamp(path)?;
        match self.remembered(path, &stamp) {
            Some(digest) => Ok(digest),
            None => self.hash(path, stamp),
        }
    }

    /// Whether a file is known to have this content by its stat alone.
    #[must_use]
    pub fn stat_unchanged(&self, path: &Path, digest: &Digest) -> bool {
        stamp(path).is_ok_and(|stamp| self.remembered(path, &stamp) == Some(*digest))
    }

    /// Looks again at files that were too young to be remembered.
    pub(crate) fn remember_young(&self) {
        let young = std::mem::take(&mut *locked(&self.young));
        for path in young {
            // One that is gone or changing by now is simply not remembered.
            let _ = self.path_digest(&path);
        }
        locked(&self.young).clear();
    }

    /// Notes a file whose stat is too young for its content to be remembered by it.
    pub(crate) fn note_young(&self, path: &Path) {
        locked(&self.young).push(path.to_owned());
    }

    fn remembered(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        let frame = self.memo.find_mapped(&name(path))?.frame().ok()?;
        let payload = &frame[HEADER_BYTES..];
        let (content, check_bytes) = payload.split_last_chunk::<8>()?;
        let intact = number(check_bytes) == check_of(path, content);
        let same = content.get(..STAMP_BYTES)? == stamp.to_bytes();
        let digest: &[u8; 32] = content.get(STAMP_BYTES..)?.first_chunk()?;
        (intact && same).then(|| Digest::from_bytes(*digest))
    }

    fn hash(&self, path: &Path, mut before: Stamp) -> Result<Digest, StoreError> {
        for _ in 0..TRIES {
            let past = self.is_past(&before)?;
            let digest = Digest::of_file(path).doing(say("hashing"), path)?;
            let after = stamp(path)?;
            if after == before {
                if past {
                    self.remember(path, &after, &digest)?;
                } else {
                    self.note_young(path);
                }
                return Ok(digest);
            }
            before = after;
        }
        Err(StoreError::Changing {
            path: path.to_owned(),
        })
    }

    fn is_past(&self, stamp: &Stamp) -> Result<bool, StoreError> {
        if self.access == Access::Read {
            return Ok(false);
        }
        let workspace = self.workspace()?;
        let past = self.clock.is_past(stamp.last_change(), &workspace.lock);
        past.doing(say("writing to"), &self.folder.join("staging"))
    }

    fn remember(&self, path: &Path, stamp: &Stamp, digest: &Digest) -> Result<(), StoreError> {
        let mut payload = stamp.to_bytes().to_vec();
        payload.extend(digest.as_bytes());
        let check = check_of(path, &payload);
        payload.extend(check.to_le_bytes());
        self.memo.append(&name(path), 0, When::Always, |_| payload)
    }
}

fn stamp(path: &Path) -> Result<Stamp, StoreError> {
    let meta = fs::metadata(path).doing(say("reading"), path)?;
    Ok(Stamp::of(&meta))
}

fn name(path: &Path) -> Digest {
    Digest::of(path.as_os_str().as_encoded_bytes())
}

fn check_of(path: &Path, content: &[u8]) -> u64 {
    check(0, &[path.as_os_str().as_encoded_bytes(), content])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_before_the_file_systems_clock_is_past() {
        let file = tempfile::tempfile().unwrap();
        let clock = Clock::default();
        let now = Stamp::of(&file.metadata().unwrap()).last_change();
        assert!(clock.is_past((0, 0), &file).unwrap());
        assert!(!clock.is_past((now.0 + 1000, 0), &file).unwrap());
        let read = locked(&clock.0).unwrap();
        assert!(read >= now);
        assert!(clock.is_past((read.0, read.1 - 1), &file).unwrap());
    }
}
