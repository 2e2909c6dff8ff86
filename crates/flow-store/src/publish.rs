//! Files under `reports/`, made from blobs.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flow_contract::{Content, Digest};

use crate::error::{Doing, ReadError, StoreError, say};
use crate::store::Store;

/// What publishing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The destination had these bytes already.
    Unchanged,
    /// The destination was written: new, or other bytes were there.
    Written,
}

/// Bytes that are written to a file at once.
const WRITTEN_AT_ONCE: usize = 64 << 10;

impl Store {
    /// Puts a blob's bytes at a path for people: shared with the blob where the file system can
    /// copy on write, else copied; never a hard link, because people edit such files.
    ///
    /// # Errors
    /// [`StoreError::Blob`] if the blob is missing or damaged; [`StoreError`] when the destination
    /// can't be written, which then is as it was.
    pub fn publish(&self, digest: &Digest, destination: &Path) -> Result<Published, StoreError> {
        if self.is_published(digest, destination) {
            return Ok(Published::Unchanged);
        }
        loop {
            let (content, stat) = self.get_with_stat(digest)?;
            let write = |aside: &Path| self.write(digest, &content, aside);
            self.write_and_rename(destination, || publishing(digest), write)?;
            // What was written of a blob that changed since is anybody's guess: it is verified again.
            if stat.is_none_or(|stat| self.is_still(digest, stat)) {
                break;
            }
        }
        self.note_young(destination);
        Ok(Published::Written)
    }

    /// Puts what `write` gives, which is no blob, at a path for people: a reader never sees half of it, and a
    /// killed process leaves nothing there.
    ///
    /// `write` may be called twice, for the second time where the first file could not be moved.
    ///
    /// # Errors
    /// [`StoreError`] when the destination can't be written, which then is as it was.
    pub fn write_out(
        &self,
        destination: &Path,
        write: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let workspace = self.workspace()?;
        self.write_and_rename(destination, say("writing"), |aside| {
            let (file, before) = workspace.open_new(aside)?;
            let mut file = BufWriter::with_capacity(WRITTEN_AT_ONCE, file);
            write(&mut file)?;
            let end = file.stream_position()?;
            match before > end {
                true => file.get_ref().set_len(end),
                false => Ok(()),
            }
        })
    }

    /// Puts a blob at a path in a staging folder for a program to read, and not to write.
    ///
    /// A large one is shared with the blob or a symbolic link to it, so that it costs no copy.
    ///
    /// # Errors
    /// As [`Store::get`]; [`ReadError::Io`] when the path can't be written.
    pub fn lend(&self, digest: &Digest, destination: &Path) -> Result<(), ReadError> {
        let content = self.get(digest)?;
        let blob = self.blob_path(digest);
        let lent = if blob.exists() {
            lend_large(&blob, destination)
        } else {
            fs::write(destination, &*content)
                .and_then(|()| fs::set_permissions(destination, Permissions::from_mode(0o444)))
        };
        let doing = || format!("lending blob {} to", digest.short());
        Ok(lent.doing(doing, destination)?)
    }

    fn is_published(&self, digest: &Digest, destination: &Path) -> bool {
        fs::symlink_metadata(destination).is_ok_and(|meta| meta.is_file())
            && self.path_digest(destination).is_ok_and(|is| is == *digest)
    }

    /// Writes in the workspace, or beside the destination if that is on another file system.
    fn write_and_rename(
        &self,
        destination: &Path,
        doing: impl FnOnce() -> String,
        write: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let folder = folder_of(destination);
        let workspace = self.workspace()?;
        let write_by = |aside: &Path| {
            write(aside)
                .and_then(|()| fs::rename(aside, destination))
                .inspect_err(|_| drop(fs::remove_file(aside)))
        };
        let renamed = fs::create_dir_all(folder).and_then(|()| {
            let near = device(workspace.folder()) == device(folder);
            // A bind mount has the device of what it shows, and still no file can be renamed into it.
            match near.then(|| write_by(&workspace.fresh())) {
                Some(Err(error)) if error.kind() != io::ErrorKind::CrossesDevices => Err(error),
                Some(Ok(())) => Ok(()),
                _ => write_by(&beside(destination)),
            }
        });
        renamed.doing(doing, destination)?;
        self.sync_later([destination.to_owned(), folder.to_owned()]);
        Ok(())
    }

    fn write(&self, digest: &Digest, content: &Content, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        let shared = File::open(self.blob_path(digest))
            .is_ok_and(|blob| rustix::fs::ioctl_ficlone(&file, &blob).is_ok());
        if shared {
            Ok(())
        } else {
            file.write_all(content)
        }
    }
}

fn publishing(digest: &Digest) -> String {
    format!("publishing blob {} to", digest.short())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn device(folder: &Path) -> Option<u64> {
    fs::metadata(folder).ok().map(|meta| meta.dev())
}

fn lend_large(blob: &Path, destination: &Path) -> io::Result<()> {
    let file = File::create_new(destination)?;
    if rustix::fs::ioctl_ficlone(&file, File::open(blob)?).is_ok() {
        return fs::set_permissions(destination, Permissions::from_mode(0o444));
    }
    fs::remove_file(destination)?;
    std::os::unix::fs::symlink(std::path::absolute(blob)?, destination)
}

/// A hidden name in the destination's folder that only this process uses.
fn beside(destination: &Path) -> PathBuf {
    let name = destination.file_name().unwrap_or_default().display();
    destination.with_file_name(format!(".{name}.{}", std::process::id()))
}
