//! Blobs: bytes by their digest.
//!
//! Up to 32 KiB they lie in packs, larger ones in a read-only file each. Small blobs are hashed
//! whenever they are read; large ones once a process, and again when their stat has changed.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flow_contract::{Content, Digest};

use crate::aside;
use crate::error::{Doing, ReadError, StoreError, say};
use crate::log::{Access, Found, When};
use crate::memo::Stamp;
use crate::store::{Store, locked};

/// The largest blob that is put into a pack.
pub(crate) const PACKED_BYTES: usize = 32 << 10;
/// How often a blob is looked for while other processes put, remove or mend it.
const TRIES: usize = 3;

/// What the file system says of a large blob; any change shows in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobStat(Stamp);

impl Store {
    /// Puts bytes into the store.
    ///
    /// # Errors
    /// [`StoreError`] when they can't be written; nothing of them is seen then.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if bytes.len() <= PACKED_BYTES {
            self.pack(&digest, bytes)?;
        } else if !self.has_whole(&digest) {
            let aside = self.workspace()?.fresh();
            let doing = || format!("writing blob {} to", digest.short());
            fs::write(&aside, bytes)
                .inspect_err(|_| drop(fs::remove_file(&aside)))
                .doing(doing, &aside)?;
            self.move_in(&aside, &digest)?;
        }
        Ok(digest)
    }

    /// Moves a staged file into the store; returns its digest and size in bytes.
    ///
    /// A file that has another name too, or is on another file system, is copied.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read or moved.
    pub fn put_file(&self, staged: &Path) -> Result<(Digest, u64), StoreError> {
        let meta = fs::symlink_metadata(staged).doing(say("reading"), staged)?;
        let aside = if meta.is_file() && meta.nlink() == 1 {
            staged.to_owned()
        } else {
            self.copy_aside(staged)?
        };
        let len = fs::metadata(&aside).doing(say("reading"), &aside)?.len();
        if len <= PACKED_BYTES as u64 {
            let bytes = fs::read(&aside).doing(say("reading"), &aside)?;
            let digest = self.put_bytes(&bytes)?;
            fs::remove_file(&aside).doing(say("removing"), &aside)?;
            return Ok((digest, bytes.len() as u64));
        }
        let digest = Digest::of_file(&aside).doing(say("hashing"), &aside)?;
        match self.has_whole(&digest) {
            true => fs::remove_file(&aside).doing(say("removing"), &aside)?,
            false => self.move_in(&aside, &digest)?,
        }
        Ok((digest, len))
    }

    /// Whether a large blob is there and intact: then it stays the file that others may be reading.
    fn has_whole(&self, digest: &Digest) -> bool {
        matches!(self.get_large(digest), Ok(Some(_)))
    }

    /// The verified bytes of a blob.
    ///
    /// # Errors
    /// [`ReadError::Missing`]; [`ReadError::Damaged`], after which it counts as missing;
    /// [`ReadError::Io`].
    pub fn get(&self, digest: &Digest) -> Result<Content, ReadError> {
        Ok(self.get_with_stat(digest)?.0)
    }

    /// The same with the stat of a large blob's file, of which only a map is given out, for
    /// [`Store::is_still`]. A small blob is read into memory.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn get_with_stat(&self, digest: &Digest) -> Result<(Content, Option<BlobStat>), ReadError> {
        for _ in 0..TRIES {
            let packed = match self.packs.find(digest) {
                Some(found) => self.get_packed(digest, &found)?,
                None => None,
            };
            if let Some(content) = packed {
                return Ok((content, None));
            }
            if let Some((content, stat)) = self.get_large(digest)? {
                return Ok((content, Some(stat)));
            }
            // Another process may have put it since.
            self.packs.refresh()?;
        }
        Err(ReadError::Missing { digest: *digest })
    }

    /// Whether a large blob is still the file that was verified. If not, who knows what was read since.
    #[must_use]
    pub fn is_still(&self, digest: &Digest, verified: BlobStat) -> bool {
        let now = fs::metadata(self.blob_path(digest));
        now.is_ok_and(|now| Stamp::of(&now) == verified.0)
    }

    /// Whether the store has a blob, whatever its bytes are.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        let there = || self.packs.contains(digest) || self.blob_path(digest).exists();
        there() || (self.packs.refresh().is_ok() && self.packs.contains(digest))
    }

    /// Removes a blob that need not be kept.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be removed.
    pub fn discard(&self, digest: &Digest) -> Result<(), StoreError> {
        if let Some(found) = self.packs.find(digest) {
            self.packs.forget(digest, &found)?;
        }
        let path = self.blob_path(digest);
        let doing = || format!("removing blob {} at", digest.short());
        if self.access == Access::Read {
            return Err(StoreError::open_for_reading(&doing(), &path));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).doing(doing, &path),
            _ => Ok(()),
        }
    }

    /// Where a large blob lies.
    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let mut path = self.folder.join("blobs");
        path.push(&name[..2]);
        path.push(name);
        path
    }

    /// Checks a small blob in its pack; `None` if a damaged one was put again meanwhile.
    pub(crate) fn get_packed(
        &self,
        digest: &Digest,
        found: &Found,
    ) -> Result<Option<Content>, ReadError> {
        let bytes = match found.payload() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Vec::new(),
            bytes => bytes.doing(
                || format!("reading blob {} from", digest.short()),
                &self.folder.join("packs"),
            )?,
        };
        if Digest::of(&bytes) == *digest {
            return Ok(Some(Content::from(bytes)));
        }
        match self.packs.forget(digest, found) {
            Ok(false) => Ok(None),
            forgotten => Err(self.set_aside_packed(digest, &bytes, forgotten.is_ok())),
        }
    }

    /// Checks a large blob; `None` if there is none, or a damaged one was put again meanwhile.
    pub(crate) fn get_large(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Content, BlobStat)>, ReadError> {
        let path = self.blob_path(digest);
        let doing = || format!("reading blob {} from", digest.short());
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let stamp = match fs::metadata(&path) {
            Err(error) if absent(&error) && aside::is_file_or_nothing(&path) => return Ok(None),
            Ok(meta) if meta.is_file() => Stamp::of(&meta),
            Err(error) if !absent(&error) => return Err(error).doing(doing, &path)?,
            _ => return Err(self.set_aside(digest, &path)),
        };
        if locked(&self.verified).get(digest) != Some(&stamp) {
            let actual = match Digest::of_file(&path) {
                Err(error) if absent(&error) => return Ok(None),
                actual => actual,
            };
            if !matches!(actual, Ok(actual) if actual == *digest) {
                let same = fs::metadata(&path).is_ok_and(|meta| Stamp::of(&meta) == stamp);
                return match actual {
                    _ if !same => Ok(None),
                    Ok(_) => Err(self.set_aside(digest, &path)),
                    Err(error) => Err(self.unreadable(digest, &path, error)),
                };
            }
            locked(&self.verified).insert(*digest, stamp);
        }
        match Content::map(&path) {
            Err(error) if absent(&error) => Ok(None),
            content => Ok(Some((content.doing(doing, &path)?, BlobStat(stamp)))),
        }
    }

    fn pack(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let copy = |_| bytes.to_vec();
        self.packs.append(digest, 0, When::Absent, copy)
    }

    /// Makes a file of its own from one that must stay as it is.
    fn copy_aside(&self, source: &Path) -> Result<PathBuf, StoreError> {
        let aside = self.workspace()?.fresh();
        fs::copy(source, &aside)
            .inspect_err(|_| drop(fs::remove_file(&aside)))
            .doing(|| format!("copying {} to", source.display()), &aside)?;
        Ok(aside)
    }

    /// Renames a file to its digest and makes it read-only.
    fn move_in(&self, aside: &Path, digest: &Digest) -> Result<(), StoreError> {
        let target = self.blob_path(digest);
        let folder = target.with_file_name("");
        let doing = || format!("writing blob {} to", digest.short());
        let moved = fs::set_permissions(aside, Permissions::from_mode(0o444))
            .and_then(|()| rename_into(aside, &target, &folder));
        match moved {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let copy = self.copy_aside(aside)?;
                rename_into(&copy, &target, &folder).doing(doing, &folder)?;
                fs::remove_file(aside).doing(say("removing"), aside)?;
            }
            moved => moved.doing(doing, &folder)?,
        }
        if let Ok(meta) = fs::metadata(&target) {
            locked(&self.verified).insert(*digest, Stamp::of(&meta));
        }
        self.sync_later([target, folder]);
        Ok(())
    }

    /// Moves a damaged large blob away.
    fn set_aside(&self, digest: &Digest, path: &Path) -> ReadError {
        let moved = match self.access {
            Access::Read => None,
            Access::Write => aside::move_aside(&self.folder, path, &digest.to_string()).ok(),
        };
        ReadError::Damaged {
            digest: *digest,
            moved_to: moved,
        }
    }

    /// Moves a large blob away that this user may not read: one that is readable can be put in its place.
    fn unreadable(&self, digest: &Digest, path: &Path, error: io::Error) -> ReadError {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        match denied.then(|| self.set_aside(digest, path)) {
            Some(
                aside @ ReadError::Damaged {
                    moved_to: Some(_), ..
                },
            ) => aside,
            _ => {
                let doing = format!("reading blob {} from", digest.short());
                StoreError::of(error, doing, path).into()
            }
        }
    }

    /// Copies a damaged small blob away.
    fn set_aside_packed(&self, digest: &Digest, bytes: &[u8], forgotten: bool) -> ReadError {
        let copy = || {
            let target = aside::folder(&self.folder)?.join(digest.to_string());
            fs::write(&target, bytes).map(|()| target)
        };
        ReadError::Damaged {
            digest: *digest,
            // Only a store that may write has made it forgotten.
            moved_to: forgotten.then(|| copy().ok()).flatten(),
        }
    }
}

/// Renames, and makes the folder if it is the first of its two digits.
fn rename_into(from: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            fs::rename(from, to)
        }
        renamed => renamed,
    }
}
