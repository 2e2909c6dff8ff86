//! The folder in which a process keeps what is on its way into the store.
//!
//! Every process that writes has a workspace `cache/staging/<pid>-<n>` with a lock file beside it.
//! The kernel drops the lock with the process; the next to open the store then sweeps the workspace.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Doing, StoreError, say};
use crate::spare::{SpareFolder, Spares};
use crate::store::unlock;

/// A folder of a process, gone with it.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
    lock_path: PathBuf,
    pub lock: File,
    /// The mode of files that this process makes here; what has another one is not used again.
    pub mode: u32,
    /// The mode of its folders, and whose all are.
    folder_mode: u32,
    user: u32,
    next: AtomicU64,
    /// Folders that instances left and that go with the workspace.
    left: AtomicU64,
    pub spares: Spares,
}

/// What may stay in a folder until the whole workspace goes.
const LEFT_FOLDERS: u64 = 4096;
const LEFT_FILES: usize = 8;
pub(crate) const LEFT_BYTES: u64 = 64 << 10;

impl Workspace {
    /// Makes a folder no other process has.
    pub fn make(staging: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(staging).doing(say("making folder"), staging)?;
        for n in 0u64.. {
            let folder = staging.join(format!("{}-{n}", std::process::id()));
            let lock_path = folder.with_extension("lock");
            let lock = match File::create_new(&lock_path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                lock => lock.doing(say("making"), &lock_path)?,
            };
            if !holds(&lock, &lock_path) {
                continue;
            }
            fs::create_dir_all(&folder).doing(say("making folder"), &folder)?;
            let made = lock.metadata().doing(say("reading"), &lock_path)?;
            let folder_made = fs::metadata(&folder).doing(say("reading"), &folder)?;
            return Ok(Self {
                mode: made.mode(),
                folder_mode: folder_made.mode(),
                user: made.uid(),
                spares: Spares::new(&folder, staging.to_owned()),
                folder,
                lock_path,
                lock,
                next: AtomicU64::new(0),
                left: AtomicU64::new(0),
            });
        }
        unreachable!("a process has fewer than 2^64 stores")
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the workspace that nothing else uses.
    pub fn fresh(&self) -> PathBuf {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(n.to_string())
    }

    /// Opens a file from another use for writing, without cutting it; its size.
    ///
    /// What lies in the cache since another process is not taken at its word: it must be a plain file of this user
    /// with this mode and no other name.
    ///
    /// # Errors
    /// The I/O error of opening it; that it is not such a file.
    pub fn open_again(&self, path: &Path) -> io::Result<(File, u64)> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = File::options().write(true).custom_flags(flags).open(path)?;
        let meta = file.metadata()?;
        let own = (meta.mode(), meta.uid(), meta.nlink()) == (self.mode, self.user, 1);
        match meta.is_file() && own {
            true => Ok((file, meta.len())),
            false => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Opens a file at a path where there is none, a spare one if there is.
    ///
    /// # Errors
    /// The I/O error of making it.
    pub fn open_new(&self, path: &Path) -> io::Result<(File, u64)> {
        if let Some(spare) = self.spares.take_known(self.mode)
            && let Ok(open) = self.open_again(&spare)
            && fs::rename(&spare, path).is_ok()
        {
            return Ok(open);
        }
        Ok((File::create(path)?, 0))
    }

    /// Makes a folder at a path where there is none, if a spare one is there for it.
    pub fn reuse_folder(&self, path: &Path) -> bool {
        let Some(spare) = self.spares.take_empty() else {
            return false;
        };
        let meta = fs::symlink_metadata(&spare);
        let own = meta.is_ok_and(|meta| (meta.mode(), meta.uid()) == (self.folder_mode, self.user));
        own && is_empty(&spare) && fs::rename(&spare, path).is_ok()
    }

    /// Keeps a folder for [`Workspace::reuse_folder`] if it is empty; false where it stays.
    pub fn leave_empty(&self, path: &Path) -> bool {
        is_empty(path) && self.spares.put_empty(path)
    }

    /// A folder with about so many spare files.
    pub fn take_folder(&self, files: usize) -> Option<SpareFolder> {
        self.spares.take_folder(self.mode, files)
    }

    /// Keeps a folder of spare files as it is; false where there is no room for it.
    pub fn leave_folder(&self, path: &Path, files: usize, bytes: u64) -> bool {
        self.spares.put_folder(SpareFolder {
            path: path.to_owned(),
            mode: self.mode,
            files,
            bytes,
        })
    }

    /// Whether a folder that is done with may wait until the workspace goes: it holds little, and
    /// few others wait.
    pub fn may_leave(&self, folder: &Path) -> bool {
        self.left.load(Ordering::Relaxed) < LEFT_FOLDERS
            && holds_little(folder)
            && self.left.fetch_add(1, Ordering::Relaxed) < LEFT_FOLDERS
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.spares.leave();
        // What can't be removed now is swept by the next to open the store.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
        unlock(&self.lock);
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether a folder holds few and small files and no folder.
fn holds_little(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let (mut files, mut bytes) = (0, 0);
    for entry in entries {
        let Some(meta) = entry.ok().and_then(|entry| entry.metadata().ok()) else {
            return false;
        };
        (files, bytes) = (files + 1, bytes + meta.len());
        if meta.is_dir() || files > LEFT_FILES || bytes > LEFT_BYTES {
            return false;
        }
    }
    true
}

/// Takes the lock; false if another process is just sweeping this very file.
fn holds(lock: &File, path: &Path) -> bool {
    lock.try_lock().is_ok() && is_still(lock, path)
}

/// Whether the open file is the one at the path.
fn is_still(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Removes the workspaces of processes that are gone.
pub(crate) fn sweep(staging: &Path) -> Result<(), StoreError> {
    for lock_path in lock_files(staging)? {
        let Ok(lock) = File::open(&lock_path) else {
            continue;
        };
        if holds(&lock, &lock_path) {
            // Whatever remains is left to the next sweep, so the lock file goes last.
            let _ = remove_if_there(&lock_path.with_extension(""))
                .and_then(|()| fs::remove_file(&lock_path));
        }
    }
    Ok(())
}

/// The processes that have a workspace now.
pub(crate) fn living(staging: &Path) -> Vec<u32> {
    let mut pids = Vec::new();
    for path in lock_files(staging).unwrap_or_default() {
        let held = File::open(&path)
            .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
        let name = path.file_stem().and_then(|name| name.to_str());
        let pid: Option<u32> = name.and_then(|name| name.split('-').next()?.parse().ok());
        pids.extend(pid.filter(|pid| held && *pid != std::process::id()));
    }
    pids
}

fn lock_files(staging: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(staging) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.doing(say("listing"), staging)?,
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths
        .filter(|path| path.extension().is_some_and(|end| end == "lock"))
        .collect())
}

fn remove_if_there(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
