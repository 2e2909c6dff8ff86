//! The cache folder as a whole: opening it, and making it last.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flow_contract::Digest;
use rayon::prelude::*;

use crate::aside;
use crate::claim::Claims;
use crate::error::{Doing, StoreError, say};
use crate::log::{Access, Log};
use crate::memo::{Clock, Stamp};
use crate::workspace::{self, Workspace};

/// A cache folder, shared by threads and processes.
///
/// Everything put and recorded is there for other processes at once and survives the death of this
/// one; [`Store::sync`] makes it survive a power cut.
#[derive(Debug)]
pub struct Store {
    pub(crate) folder: PathBuf,
    pub(crate) access: Access,
    pub(crate) packs: Log,
    pub(crate) ledger: Log,
    pub(crate) memo: Log,
    pub(crate) clock: Clock,
    /// Large blobs that were hashed in this process, with their stat at that time.
    pub(crate) verified: Mutex<HashMap<Digest, Stamp>>,
    /// Files whose stat is too young to be trusted, to be looked at again.
    pub(crate) young: Mutex<Vec<PathBuf>>,
    /// Files and folders written since the last sync.
    pub(crate) unsynced: Mutex<BTreeSet<PathBuf>>,
    /// How long the work took that was recorded since the last sync, in seconds.
    pub(crate) unsynced_seconds: Mutex<f64>,
    /// Where that is now which stood in the place of a file.
    pub(crate) misplaced: Vec<PathBuf>,
    pub(crate) lock: Option<File>,
    claims: Mutex<Option<Arc<Claims>>>,
    workspace: Mutex<Option<Arc<Workspace>>>,
}

impl Store {
    /// Opens a cache folder for a run, and makes it if there is none.
    ///
    /// Waits while another process removes things from it. Sweeps what killed processes left.
    ///
    /// # Errors
    /// [`StoreError`] when the folder can't be made, locked or read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let lock_moved = aside::clear_for_file(folder, &folder.join("lock"))?;
        let lock = open_lock(folder)?;
        lock.lock_shared()
            .doing(say("locking"), &folder.join("lock"))?;
        workspace::sweep(&folder.join("staging"))?;
        let mut misplaced = aside::clear(folder)?;
        misplaced.extend(lock_moved);
        let mut store = Self::with(folder, Access::Write, Some(lock))?;
        store.misplaced = misplaced;
        Ok(store)
    }

    /// Opens a cache folder for questions only: nothing in it is locked, made or changed.
    ///
    /// A folder that doesn't exist is an empty cache.
    ///
    /// # Errors
    /// [`StoreError`] when what is there can't be read.
    pub fn open_read_only(folder: &Path) -> Result<Self, StoreError> {
        Self::with(folder, Access::Read, None)
    }

    fn with(folder: &Path, access: Access, lock: Option<File>) -> Result<Self, StoreError> {
        Ok(Self {
            packs: Log::open(folder.join("packs"), access)?,
            ledger: Log::open(folder.join("ledger"), access)?,
            memo: Log::open(folder.join("memo"), access)?,
            folder: folder.to_owned(),
            access,
            lock,
            misplaced: Vec::new(),
            clock: Clock::default(),
            verified: Mutex::default(),
            young: Mutex::default(),
            unsynced: Mutex::default(),
            unsynced_seconds: Mutex::default(),
            claims: Mutex::default(),
            workspace: Mutex::default(),
        })
    }

    /// The cache folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What stood in the place of a file of the cache when it was opened, such as a folder called
    /// `ledger/0.log`: where it was moved to. What that file held is computed again.
    #[must_use]
    pub fn misplaced(&self) -> &[PathBuf] {
        &self.misplaced
    }

    /// Reads what other processes have put and recorded since.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.packs.refresh()?;
        self.ledger.refresh()
    }

    /// Ends a run: [`Store::sync`], unless doing again what a power cut would lose takes no longer than
    /// that. What is left alone then, the kernel writes within its half minute.
    ///
    /// # Errors
    /// [`StoreError`] when the disk doesn't take it.
    pub fn rest(&self) -> Result<(), StoreError> {
        /// Seven files to be written at 4 ms each, and as much again for good measure.
        const WORTH_SECONDS: f64 = 0.05;
        if *locked(&self.unsynced_seconds) > WORTH_SECONDS {
            return self.sync();
        }
        self.remember_young();
        Ok(())
    }

    /// Makes all that was put, recorded and published so far survive a power cut.
    ///
    /// Also hashes files again that were too young to be remembered by their stat.
    ///
    /// # Errors
    /// [`StoreError`] when the disk doesn't take it.
    pub fn sync(&self) -> Result<(), StoreError> {
        if self.access == Access::Read {
            return Ok(());
        }
        self.remember_young();
        let unsynced = std::mem::take(&mut *locked(&self.unsynced));
        // Side by side, because the disk takes many at once for little more than one.
        unsynced.par_iter().try_for_each(|path| sync_path(path))?;
        *locked(&self.unsynced_seconds) = 0.0;
        [&self.packs, &self.ledger, &self.memo]
            .into_par_iter()
            .try_for_each(Log::sync)
    }

    /// This process's own folder under `cache/staging`.
    pub(crate) fn workspace(&self) -> Result<Arc<Workspace>, StoreError> {
        let folder = self.folder.join("staging");
        if self.access == Access::Read {
            return Err(StoreError::open_for_reading("staging in", &folder));
        }
        let mut workspace = locked(&self.workspace);
        if let Some(workspace) = &*workspace {
            return Ok(Arc::clone(workspace));
        }
        let made = Arc::new(Workspace::make(&folder)?);
        *workspace = Some(Arc::clone(&made));
        Ok(made)
    }

    pub(crate) fn claims(&self) -> Result<Arc<Claims>, StoreError> {
        let path = self.folder.join("claims");
        if self.access == Access::Read {
            return Err(StoreError::open_for_reading("claiming in", &path));
        }
        let mut claims = locked(&self.claims);
        if let Some(claims) = &*claims {
            return Ok(Arc::clone(claims));
        }
        let opened = Arc::new(Claims::open(&path)?);
        *claims = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Notes paths for the next [`Store::sync`].
    pub(crate) fn sync_later(&self, paths: impl IntoIterator<Item = PathBuf>) {
        locked(&self.unsynced).extend(paths);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.lock.iter().for_each(unlock);
    }
}

/// Gives a kernel lock back now.
///
/// Closing the file is not enough: a program being started has a copy of it until it runs.
pub(crate) fn unlock(file: &File) {
    // Failing that, the lock ends with the last copy.
    let _ = file.unlock();
}

/// What a lock guards stays usable when a thread died holding it: every change here is one step.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the folder, with a note to git that nothing in it is a source.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).doing(say("making folder"), folder)?;
    let ignore = folder.join(".gitignore");
    if fs::symlink_metadata(&ignore).is_err() {
        fs::write(&ignore, "*\n!.gitignore\n").doing(say("writing"), &ignore)?;
    }
    Ok(())
}

fn sync_path(path: &Path) -> Result<(), StoreError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // Removed since: then nothing of it needs to last.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced.doing(say("syncing"), path),
    }
}

fn open_lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(&path).doing(say("opening"), &path)
}
