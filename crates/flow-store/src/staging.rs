//! Folders for running instances.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Doing, StoreError, say};
use crate::store::Store;
use crate::workspace::{LEFT_BYTES, Workspace};

/// A folder for one instance, or for one after another, removed when dropped.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    workspace: Arc<Workspace>,
    /// What was put here since the last [`Staging::clear`].
    given: BTreeSet<PathBuf>,
    left: Left,
    /// Empty folders that nobody needed at their paths, kept outside for the next.
    folders: Vec<PathBuf>,
}

/// What an instance left where it was, done with since [`Staging::clear`]. What the next is given at the
/// same path costs a write then, and neither a rename nor an inode.
#[derive(Debug, Default)]
struct Left {
    /// Files with their sizes.
    files: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
    /// Those of the files that instances made themselves: sooner used elsewhere than others.
    loose: Vec<PathBuf>,
}

/// A folder of so many files is worth leaving as it is.
const FULL_FOLDER: usize = 64;

impl Staging {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file in the folder.
    ///
    /// # Errors
    /// The I/O error of writing it.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.give(path)?;
        if self.left.files.remove(path).is_some() {
            if refill(path, &self.workspace, bytes).is_ok() {
                return Ok(());
            }
            remove(path)?;
        }
        if let Some(unused) = self.unused() {
            let filled = refill(&unused, &self.workspace, bytes);
            if filled.and_then(|()| fs::rename(&unused, path)).is_ok() {
                return Ok(());
            }
            // Where that fails too, it goes with the workspace.
            let _ = remove(&unused);
        }
        File::create(path)?.write_all(bytes)
    }

    /// Makes a folder in the folder, and all above it.
    ///
    /// # Errors
    /// The I/O error of making it.
    pub fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        self.enter(path)?;
        if path.is_dir() {
            return Ok(());
        }
        if let Some(spare) = self.folders.pop()
            && fs::rename(&spare, path).is_ok()
        {
            return Ok(());
        }
        match self.workspace.reuse_folder(path) {
            true => Ok(()),
            false => fs::create_dir_all(path),
        }
    }

    /// The same for a folder that so many files will be written to: one that an earlier process left with about
    /// as many comes as it is, and what has a name that is used again is written over in place.
    ///
    /// # Errors
    /// The I/O error of making it.
    pub fn make_folder_for(&mut self, path: &Path, files: usize) -> io::Result<()> {
        if 2 * files >= FULL_FOLDER
            && path.symlink_metadata().is_err()
            && path.parent().is_some_and(Path::is_dir)
            && let Some(spare) = self.workspace.take_folder(files)
            && fs::rename(&spare.path, path).is_ok()
        {
            let bytes = spare.bytes / spare.files.max(1) as u64;
            for entry in fs::read_dir(path)? {
                self.left.files.insert(entry?.path(), bytes);
            }
        }
        self.make_folder(path)
    }

    /// Makes a symbolic link in the folder.
    ///
    /// # Errors
    /// The I/O error of making it.
    pub fn link(&mut self, target: &Path, path: &Path) -> io::Result<()> {
        self.give(path)?;
        if self.left.files.remove(path).is_some() {
            fs::remove_file(path)?;
        }
        symlink(target, path)
    }

    /// Whether something lies at a path that is not done with.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        let left = self.left.files.contains_key(path) || self.left.folders.contains(path);
        !left && path.exists()
    }

    /// Declares all that lies in the folder done with: it counts as empty. What is not used again stays
    /// in sight until [`Staging::sweep`]; nobody may use it any longer.
    ///
    /// # Errors
    /// The I/O error of listing or removing what lies there.
    pub fn clear(&mut self) -> io::Result<()> {
        let (folder, given) = (self.path.clone(), std::mem::take(&mut self.given));
        self.clear_folder(&folder, &given)
    }

    fn clear_folder(&mut self, folder: &Path, given: &BTreeSet<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, meta) = (entry.path(), entry.metadata()?);
            if meta.is_dir() {
                self.clear_folder(&path, given)?;
                self.left.folders.insert(path);
            } else if self.is_worth_keeping(&meta) {
                if !given.contains(&path) {
                    self.left.loose.push(path.clone());
                }
                self.left.files.insert(path, meta.len());
            } else {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn is_worth_keeping(&self, meta: &fs::Metadata) -> bool {
        let plain = meta.is_file() && meta.mode() == self.workspace.mode && meta.nlink() == 1;
        plain && meta.len() <= LEFT_BYTES
    }

    /// Takes away all that is done with and was not used again.
    ///
    /// # Errors
    /// The I/O error of moving it.
    pub fn sweep(&mut self) -> io::Result<()> {
        let left = std::mem::take(&mut self.left);
        for (path, size) in left.files {
            self.workspace
                .spares
                .put(&path, self.workspace.mode, size)?;
        }
        // The deepest first.
        for path in left.folders.into_iter().rev() {
            let spare = self.workspace.fresh();
            fs::rename(&path, &spare)?;
            self.folders.push(spare);
        }
        Ok(())
    }

    /// Makes a path free for a file or a link.
    fn give(&mut self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            self.enter(folder)?;
        }
        if self.left.folders.contains(path) {
            self.sweep()?;
        }
        self.given.insert(path.to_owned());
        Ok(())
    }

    /// Takes a folder and those above it into use again, where they are.
    fn enter(&mut self, folder: &Path) -> io::Result<()> {
        let own = self.path.clone();
        for folder in folder.ancestors().take_while(|above| *above != own) {
            if self.left.files.contains_key(folder) {
                self.sweep()?;
            }
            self.left.folders.remove(folder);
        }
        Ok(())
    }

    /// A file to be used elsewhere.
    fn unused(&mut self) -> Option<PathBuf> {
        while let Some(path) = self.left.loose.pop() {
            if self.left.files.remove(&path).is_some() {
                return Some(path);
            }
        }
        self.workspace.spares.take(self.workspace.mode)
    }

    /// Leaves folders of many files as they are to the next process: that costs a rename each, and its
    /// command perhaps none.
    fn leave_folders(&mut self) {
        let mut full: BTreeMap<PathBuf, (usize, u64)> = BTreeMap::new();
        for (path, size) in &self.left.files {
            let folder = path
                .parent()
                .filter(|folder| self.left.folders.contains(*folder));
            if let Some(folder) = folder {
                let (files, bytes) = full.entry(folder.to_owned()).or_default();
                (*files, *bytes) = (*files + 1, *bytes + size);
            }
        }
        let within = |folder: &PathBuf| folder.parent().map(Path::to_owned);
        let above: BTreeSet<PathBuf> = self.left.folders.iter().filter_map(within).collect();
        full.retain(|folder, (files, bytes)| {
            let is_full = *files >= FULL_FOLDER && !above.contains(folder);
            is_full && self.workspace.leave_folder(folder, *files, *bytes)
        });
        let gone = |file: &PathBuf| {
            file.parent()
                .is_some_and(|folder| full.contains_key(folder))
        };
        self.left.files.retain(|file, _| !gone(file));
        self.left
            .folders
            .retain(|folder| !full.contains_key(folder));
    }
}

/// Removes what should have been a file, and may be anything since another process left it.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Gives a file other content. It is never cut to nothing on the way: ext4 would write such a file to the
/// disk when it is closed.
fn refill(path: &Path, workspace: &Workspace, bytes: &[u8]) -> io::Result<()> {
    let (mut file, size) = workspace.open_again(path)?;
    file.write_all(bytes)?;
    match size > bytes.len() as u64 {
        true => file.set_len(bytes.len() as u64),
        false => Ok(()),
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.leave_folders();
        // What is not swept goes with the folder.
        let _ = self.sweep();
        for folder in &self.folders {
            self.workspace.leave_empty(folder);
        }
        if !self.workspace.leave_empty(&self.path) && !self.workspace.may_leave(&self.path) {
            // What can't be removed now goes with the workspace; it may never have been made.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl Store {
    /// Makes an empty folder on the cache's file system for one instance to write to.
    ///
    /// # Errors
    /// [`StoreError`] when the folder can't be made.
    pub fn stage(&self) -> Result<Staging, StoreError> {
        let staging = self.stage_later()?;
        if !staging.workspace.reuse_folder(&staging.path) {
            fs::create_dir(&staging.path).doing(say("making folder"), &staging.path)?;
        }
        Ok(staging)
    }

    /// The same without making the folder: most instances never write to it.
    ///
    /// # Errors
    /// [`StoreError`] when this process's workspace can't be made.
    pub fn stage_later(&self) -> Result<Staging, StoreError> {
        let workspace = self.workspace()?;
        Ok(Staging {
            path: workspace.fresh(),
            workspace,
            given: BTreeSet::new(),
            left: Left::default(),
            folders: Vec::new(),
        })
    }
}
