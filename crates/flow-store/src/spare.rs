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
    /// Where they lie, files named `mode-size-process-number`, folders `mode-bytes-files-process-number`.
    folder: PathBuf,
    /// Where the process before left its own, and where these go in the end.
    between: PathBuf,
    files: Mutex<Option<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    all: Vec<Spare>,
    folders: Vec<SpareFolder>,
    bytes: u64,
    next: u64,
}

#[derive(Debug)]
struct Spare {
    path: PathBuf,
    mode: u32,
    size: u64,
}

/// A folder of nothing but spare files.
#[derive(Debug)]
pub(crate) struct SpareFolder {
    pub path: PathBuf,
    pub mode: u32,
    /// How many files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Files {
    fn have_room(&self, files: usize, bytes: u64) -> bool {
        let there: usize = self.folders.iter().map(|folder| folder.files).sum();
        self.all.len() + there + files <= MOST_FILES && self.bytes + bytes <= MOST_BYTES
    }
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
        if !files.have_room(1, size) {
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

    /// A folder with about so many files of this mode.
    pub fn take_folder(&self, mode: u32, wanted: usize) -> Option<SpareFolder> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        let fits = |folder: &SpareFolder| {
            folder.mode == mode && (wanted / 2..=wanted.saturating_mul(2)).contains(&folder.files)
        };
        let at = files.folders.iter().position(fits)?;
        let taken = files.folders.swap_remove(at);
        files.bytes -= taken.bytes;
        Some(taken)
    }

    /// Keeps a folder of spare files as it is; false where there is no room for it.
    pub fn put_folder(&self, folder: SpareFolder) -> bool {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        let SpareFolder {
            path,
            mode,
            files: count,
            bytes,
        } = folder;
        let name = format!(
            "{mode:o}-{bytes}-{count}-{}-{}",
            std::process::id(),
            files.next
        );
        let kept = self.folder.join(name);
        if !files.have_room(count, bytes) || fs::rename(path, &kept).is_err() {
            return false;
        }
        files.next += 1;
        files.bytes += bytes;
        files.folders.push(SpareFolder {
            path: kept,
            mode,
            files: count,
            bytes,
        });
        true
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
            if let Some(folder) = SpareFolder::at(entry.path()) {
                files.bytes += folder.bytes;
                files.folders.push(folder);
            } else if let Some(spare) = Spare::at(entry.path()) {
                files.bytes += spare.size;
                files.all.push(spare);
            }
        }
        files
    }
}

impl Spare {
    fn at(path: PathBuf) -> Option<Self> {
        let [mode, size, _, _] = parts(&path)?;
        let mode = u32::from_str_radix(&mode, 8).ok()?;
        let size = size.parse().ok()?;
        Some(Self { path, mode, size })
    }
}

impl SpareFolder {
    fn at(path: PathBuf) -> Option<Self> {
        let [mode, bytes, files, _, _] = parts(&path)?;
        let mode = u32::from_str_radix(&mode, 8).ok()?;
        let (bytes, files) = (bytes.parse().ok()?, files.parse().ok()?);
        path.is_dir().then_some(Self {
            path,
            mode,
            files,
            bytes,
        })
    }
}

/// The parts of a name, if they are as many.
fn parts<const N: usize>(path: &Path) -> Option<[String; N]> {
    let parts = path.file_name()?.to_str()?.split('-').map(str::to_owned);
    parts.collect::<Vec<_>>().try_into().ok()
}
