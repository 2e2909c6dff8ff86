//! Small files that nobody needs, kept for those who need one: what a command is given then costs a
//! rename, and no inode is made or freed. A process leaves them to the next.
//!
//! File systems search long for a free inode where many were freed a moment ago (ext4 without a
//! journal: 100 ns for each of the last minutes, at every new file).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::store::locked;

/// How many files are kept, and how large they are together.
const MOST_FILES: usize = 16_384;
const MOST_BYTES: u64 = 16 << 20;

/// The spare files of a process.
#[derive(Debug)]
pub(crate) struct Spares {
    /// Where they lie, named `mode-size-process-number`.
    folder: PathBuf,
    /// Where the process before left its own, and where these go in the end.
    between: PathBuf,
    files: Mutex<Option<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    all: Vec<Spare>,
    bytes: u64,
    next: u64,
}

#[derive(Debug)]
struct Spare {
    path: PathBuf,
    mode: u32,
    size: u64,
}

impl Spares {
    /// No files so far; those of the process before are taken over at the first use.
    pub fn new(folder: PathBuf, between: PathBuf) -> Self {
        Self {
            folder,
            between,
            files: Mutex::default(),
        }
    }

    /// A file that had this mode when it was put here.
    pub fn take(&self, mode: u32) -> Option<PathBuf> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        while let Some(spare) = files.all.pop() {
            files.bytes -= spare.size;
            if spare.mode == mode {
                return Some(spare.path);
            }
            // Of a process with another umask.
            let _ = fs::remove_file(spare.path);
        }
        None
    }

    /// Keeps a file, or removes it where there are enough.
    pub fn put(&self, path: &Path, mode: u32, size: u64) -> io::Result<()> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        if files.all.len() >= MOST_FILES || files.bytes + size > MOST_BYTES {
            return fs::remove_file(path);
        }
        let name = format!("{mode:o}-{size}-{}-{}", std::process::id(), files.next);
        let kept = self.folder.join(name);
        fs::rename(path, &kept)?;
        files.next += 1;
        files.bytes += size;
        files.all.push(Spare {
            path: kept,
            mode,
            size,
        });
        Ok(())
    }

    /// Leaves all files to the next process, unless another has done so.
    pub fn leave(&self) {
        if locked(&self.files).is_some() {
            let _ = fs::rename(&self.folder, &self.between);
        }
    }

    fn taken_over(&self) -> Files {
        let mut files = Files::default();
        if fs::rename(&self.between, &self.folder).is_err() {
            // Without a folder nothing can be kept, which is all.
            let _ = fs::create_dir(&self.folder);
        }
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if let Some(spare) = Spare::at(entry.path()) {
                files.bytes += spare.size;
                files.all.push(spare);
            }
        }
        files
    }
}

impl Spare {
    fn at(path: PathBuf) -> Option<Self> {
        let mut parts = path.file_name()?.to_str()?.split('-');
        let mode = u32::from_str_radix(parts.next()?, 8).ok()?;
        let size = parts.next()?.parse().ok()?;
        Some(Self { path, mode, size })
    }
}
