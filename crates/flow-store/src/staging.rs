//! Folders for running instances.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
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
    /// The mode of a file just made here; what has another one is not used again.
    mode: Option<u32>,
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
            if refill(path, self.mode, bytes).is_ok() {
                return Ok(());
            }
            fs::remove_file(path)?;
        }
        if let Some(unused) = self.unused() {
            let filled = refill(&unused, self.mode, bytes);
            if filled.and_then(|()| fs::rename(&unused, path)).is_ok() {
                return Ok(());
            }
            // Where that fails too, it goes with the workspace.
            let _ = fs::remove_file(&unused);
        }
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        if self.mode.is_none() {
            self.mode = Some(file.metadata()?.mode());
        }
        Ok(())
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
        fs::create_dir_all(path)
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
        let plain = meta.is_file() && Some(meta.mode()) == self.mode && meta.nlink() == 1;
        plain && meta.len() <= LEFT_BYTES
    }

    /// Takes away all that is done with and was not used again.
    ///
    /// # Errors
    /// The I/O error of moving it.
    pub fn sweep(&mut self) -> io::Result<()> {
        let left = std::mem::take(&mut self.left);
        for (path, size) in left.files {
            match self.mode {
                Some(mode) => self.workspace.spares.put(&path, mode, size)?,
                None => fs::remove_file(&path)?,
            }
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
        self.workspace.spares.take(self.mode?)
    }
}

/// Gives a file other content. It is never cut to nothing on the way: ext4 would write such a file to the
/// disk when it is closed. What lies in the cache since another process is not taken at its word: it must
/// be a plain file with this mode and no other name, and its size is looked at.
fn refill(path: &Path, mode: Option<u32>, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = options.write(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || Some(meta.mode()) != mode || meta.nlink() != 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.write_all(bytes)?;
    match meta.len() > bytes.len() as u64 {
        true => file.set_len(bytes.len() as u64),
        false => Ok(()),
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What is not swept goes with the folder.
        let _ = self.sweep();
        if !self.workspace.may_leave(&self.path) {
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
        fs::create_dir(&staging.path).doing(say("making folder"), &staging.path)?;
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
            mode: None,
        })
    }
}
