//! A file on its way: `NAME.part`, locked while somebody writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::{FetchError, Sha256, Watch};

/// The open part of a file; the lock goes with it, however the process ends.
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    /// Bytes that are there.
    pub(crate) bytes: u64,
}

impl Part {
    /// Opens or makes the part of a file, waiting for another process that writes it.
    pub(crate) fn of(path: &Path, watch: &dyn Watch) -> Result<Self, FetchError> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| disk("making the folder", folder, e))?;
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(|e| disk("opening", &path, e))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if watch.should_stop() => {
                    return Err(FetchError::Stopped);
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_EVERY),
                Err(TryLockError::Error(error)) => return Err(disk("locking", &path, error)),
            }
        }
        let bytes = file
            .metadata()
            .map_err(|e| disk("reading the size of", &path, e))?
            .len();
        Ok(Self { file, path, bytes })
    }

    /// Begins again.
    pub(crate) fn restart(&mut self) -> Result<(), FetchError> {
        self.file
            .set_len(0)
            .map_err(|e| disk("emptying", &self.path, e))?;
        self.bytes = 0;
        Ok(())
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.bytes))?;
            self.file.write_all(bytes)
        };
        write().map_err(|e| disk("writing", &self.path, e))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn sha256(&mut self) -> Result<Sha256, FetchError> {
        let mut read = || {
            self.file.seek(SeekFrom::Start(0))?;
            Sha256::of_reader(&mut self.file)
        };
        read().map_err(|e| disk("reading", &self.path, e))
    }

    /// Gives the whole file its name. It is on the disk before, so that a power cut leaves no half file of that name.
    pub(crate) fn finish(self, path: &Path) -> Result<(), FetchError> {
        self.file
            .sync_all()
            .map_err(|e| disk("writing", &self.path, e))?;
        std::fs::rename(&self.path, path).map_err(|e| disk("renaming", &self.path, e))
    }

    /// Removes the part: somebody else finished the file.
    pub(crate) fn discard(self) {
        // What is left over is harmless: the next one to want the file finds it first.
        let _ = std::fs::remove_file(&self.path);
    }
}

pub(crate) fn disk(doing: &'static str, path: &Path, source: io::Error) -> FetchError {
    let path = path.to_owned();
    FetchError::Disk {
        doing,
        path,
        source,
    }
}
