//! Journals of runs: lines the engine writes, kept under `cache/runs`.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::aside;
use crate::error::{Doing, StoreError, say};
use crate::log::Access;
use crate::store::{Store, unlock};

/// The journal of the run that is going on; locked as long as it is open.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    waiting: String,
}

/// A journal there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFile {
    /// The run's id.
    pub id: String,
    /// Its journal.
    pub path: PathBuf,
}

impl RunFile {
    /// Its lines; none where it can't be read. A damaged byte costs its line only.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether its process is still writing it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        File::open(&self.path)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// A run that found everything as an earlier one left it; it has no journal, only a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The run's id.
    pub id: String,
    /// The run whose results it found.
    pub of: String,
    /// How many results it found.
    pub cached: usize,
}

/// Lines of repeats up to this size stay, and as much again of older ones.
const MOST_REPEAT_BYTES: u64 = 1 << 20;
const REPEATS: [&str; 2] = ["repeats.old", "repeats"];

impl Repeat {
    /// Appends a line about this run. The store need not be open: such a run is answered without it.
    ///
    /// # Errors
    /// The I/O error where the cache can't be written to.
    pub fn note(&self, cache: &Path) -> io::Result<()> {
        let path = cache.join("runs").join(REPEATS[1]);
        aside::clear_for_file(cache, &path).map_err(io::Error::other)?;
        let mut file = File::options().append(true).create(true).open(&path)?;
        // One write, so that lines of two runs never mix.
        file.write_all(format!("{} {} {}\n", self.id, self.of, self.cached).as_bytes())?;
        if file.metadata()?.len() > MOST_REPEAT_BYTES {
            fs::rename(&path, path.with_file_name(REPEATS[0]))?;
        }
        Ok(())
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Self {
            id: words.next()?,
            of: words.next()?,
            cached: words.next()?.parse().ok()?,
        })
    }
}

impl Journal {
    /// Appends a line; `line` has no line break.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be written.
    pub fn write_line(&mut self, line: &str) -> Result<(), StoreError> {
        self.add_line(line);
        self.write()
    }

    /// The same for a line of which nothing is lost by a kill: it is written with the next.
    pub fn add_line(&mut self, line: &str) {
        self.waiting.push_str(line);
        self.waiting.push('\n');
    }

    fn write(&mut self) -> Result<(), StoreError> {
        // One write, so that a line is there whole or, after a kill, is the last.
        let written = self.file.write_all(self.waiting.as_bytes());
        self.waiting.clear();
        written.doing(say("writing to"), &self.path)
    }

    /// The journal's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Lines of which nothing is lost.
        let _ = self.write();
        unlock(&self.file);
    }
}

impl Store {
    /// Begins the journal of a run.
    ///
    /// # Errors
    /// [`StoreError`] when there is one of this id or it can't be made.
    pub fn begin_run(&self, id: &str) -> Result<Journal, StoreError> {
        let path = self.run_path(id);
        if self.access == Access::Read {
            return Err(StoreError::open_for_reading("writing to", &path));
        }
        let folder = self.folder.join("runs");
        fs::create_dir_all(&folder).doing(say("making folder"), &folder)?;
        let file = File::options().append(true).create_new(true).open(&path);
        let file = file.doing(say("making"), &path)?;
        file.lock().doing(say("locking"), &path)?;
        Ok(Journal {
            file,
            path,
            waiting: String::new(),
        })
    }

    /// All journals, sorted by id.
    ///
    /// # Errors
    /// [`StoreError`] when the folder can't be listed.
    pub fn runs(&self) -> Result<Vec<RunFile>, StoreError> {
        let folder = self.folder.join("runs");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.doing(say("listing"), &folder)?,
        };
        let mut runs = Vec::new();
        for entry in entries {
            let path = entry.doing(say("listing"), &folder)?.path();
            if path.extension().is_some_and(|end| end == "jsonl") {
                let id = path.file_stem().unwrap_or_default();
                let id = id.to_string_lossy().into_owned();
                runs.push(RunFile { id, path });
            }
        }
        runs.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    /// All runs that found everything as an earlier one left it, sorted by id.
    ///
    /// # Errors
    /// [`StoreError`] when their lines can't be read.
    pub fn repeats(&self) -> Result<Vec<Repeat>, StoreError> {
        let mut repeats = Vec::new();
        for name in REPEATS {
            let path = self.folder.join("runs").join(name);
            match fs::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                bytes => {
                    // A damaged line costs itself only.
                    let bytes = bytes.doing(say("reading"), &path)?;
                    let text = String::from_utf8_lossy(&bytes);
                    repeats.extend(text.lines().filter_map(Repeat::read));
                }
            }
        }
        repeats.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(repeats)
    }

    /// Removes a run's journal.
    ///
    /// # Errors
    /// [`StoreError`] when there is none or it can't be removed.
    pub fn remove_run(&self, id: &str) -> Result<(), StoreError> {
        let path = self.run_path(id);
        fs::remove_file(&path).doing(say("removing"), &path)
    }

    /// The journal of a run, of which nobody looks whether it is there.
    #[must_use]
    pub fn run_path(&self, id: &str) -> PathBuf {
        self.folder.join("runs").join(format!("{id}.jsonl"))
    }
}
