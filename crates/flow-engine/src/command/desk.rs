//! What a worker keeps from one command for the next: its folder, its streams, its starter.
//!
//! Making them anew for each command would cost more than many a command. They are used again only
//! after a command that did well and left no process behind.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flow_contract::NodeError;
use flow_store::{Staging, Store, StoreError};

use super::start::Starter;
use super::words::Words;
use crate::child;

/// A worker's desk.
#[derive(Default)]
pub(crate) struct Desk {
    staging: Option<Staging>,
    words: Option<Words>,
    pub(super) starter: Starter,
}

impl Desk {
    /// An empty folder for the next command.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be made.
    pub(crate) fn folder(&mut self, store: &Store) -> Result<PathBuf, StoreError> {
        if self.staging.is_none() {
            self.staging = Some(store.stage()?);
        }
        let path = self.staging.as_ref().map(Staging::path);
        Ok(path.unwrap_or(Path::new("")).to_owned())
    }

    /// Clears up after a command; `well` says whether it did what it should.
    pub(crate) fn clear(&mut self, well: bool) {
        let clear = |own: &mut Staging| child::left_nobody(own.path()) && own.clear().is_ok();
        let cleared = self.staging.as_mut().is_some_and(|own| clear(own) && well);
        if !cleared {
            (self.staging, self.words) = (None, None);
        }
    }

    /// Empty streams for a command in `folder`.
    pub(super) fn words(&mut self, folder: &Path) -> Result<Words, NodeError> {
        match self.words.take() {
            Some(words) if words.clear().is_ok() => Ok(words),
            _ => Words::new(folder),
        }
    }

    /// Takes streams back that were read.
    pub(super) fn take_back(&mut self, words: Words) {
        self.words = Some(words);
    }

    /// Writes a new file in the command's folder.
    pub(super) fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match &mut self.staging {
            Some(staging) => staging.write(path, bytes),
            None => std::fs::write(path, bytes),
        }
    }

    /// Makes a folder in the command's folder.
    pub(super) fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        match &mut self.staging {
            Some(staging) => staging.make_folder(path),
            None => std::fs::create_dir_all(path),
        }
    }

    /// Makes a folder in the command's folder that so many files will be written to.
    pub(super) fn make_folder_for(&mut self, path: &Path, files: usize) -> io::Result<()> {
        match &mut self.staging {
            Some(staging) => staging.make_folder_for(path, files),
            None => std::fs::create_dir_all(path),
        }
    }

    /// Makes a symbolic link in the command's folder.
    pub(super) fn link(&mut self, target: &Path, path: &Path) -> io::Result<()> {
        match &mut self.staging {
            Some(staging) => staging.link(target, path),
            None => symlink(target, path),
        }
    }

    /// Whether something was laid at a path of the command's folder.
    pub(super) fn holds(&self, path: &Path) -> bool {
        match &self.staging {
            Some(staging) => staging.holds(path),
            None => path.exists(),
        }
    }

    /// Takes away what the command before left and this one was not given.
    pub(super) fn sweep(&mut self) -> io::Result<()> {
        self.staging.as_mut().map_or(Ok(()), Staging::sweep)
    }
}
