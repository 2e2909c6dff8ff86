//! Small files that nobody needs, kept for those who need one: what a command is given then costs a
//! rename, and no inode is made or freed. A process leaves them to the next.
//!
//! File systems search long for a free inode where many were freed a moment ago (ext4 without a
//! journal: 100 ns for each of the last minutes, at every new file).

use std::fs::{self, ReadDir};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::locked;

/// How many files are kept, and how large they are together.
const MOST_FILES: usize = 16_384;
const MOST_BYTES: u64 = 16 << 20;

/// How many empty folders are kept: each worker needs two.
const MOST_EMPTY: usize = 16;

/// The folder of empty folders.
const EMPTY: &str = "empty";

/// The spare files of a process.
#[derive(Debug)]
pub(crate) struct Spares {
    /// Where they lie, files named `mode-size-workspace-number`, folders `mode-bytes-files-workspace-number`, and
    /// empty folders one deeper.
    folder: PathBuf,
    /// Process and number of the workspace.
    workspace: String,
    /// Where the process before left its own and these go in the end, as `spare-files-bytes`.
    staging: PathBuf,
    files: Mutex<Option<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    known: Vec<Spare>,
    folders: Vec<SpareFolder>,
    empty: Vec<PathBuf>,
    /// What the process before left and was not looked at: most runs need little of it.
    unlisted: Option<ReadDir>,
    /// How many files there are of all these, and how large they are.
    count: usize,
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
        self.count + files <= MOST_FILES && self.bytes + bytes <= MOST_BYTES
    }

    fn take(&mut self, workspace: &str) -> Option<Spare> {
        while self.known.is_empty() && self.list_one(workspace) {}
        let spare = self.known.pop()?;
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(spare.size);
        Some(spare)
    }

    /// Looks at one more of what the process before left; whether there was one.
    ///
    /// A listing that goes on while files come and go may name some of this workspace; those are known.
    fn list_one(&mut self, workspace: &str) -> bool {
        let entry = self
            .unlisted
            .as_mut()
            .and_then(|entries| entries.flatten().next());
        let Some(path) = entry.map(|entry| entry.path()) else {
            if self.unlisted.take().is_some() {
                // Counted anew, in case that who left them counted wrong.
                self.count = self.known.len();
                self.count += self
                    .folders
                    .iter()
                    .map(|folder| folder.files)
                    .sum::<usize>();
                self.bytes = self.known.iter().map(|spare| spare.size).sum();
                self.bytes += self.folders.iter().map(|folder| folder.bytes).sum::<u64>();
            }
            return false;
        };
        if let Some(folder) = SpareFolder::at(&path, workspace) {
            self.folders.push(folder);
        } else if let Some(spare) = Spare::at(&path, workspace) {
            self.known.push(spare);
        }
        true
    }
}

impl Spares {
    /// No files so far; those of the process before are taken over at the first use.
    pub fn new(workspace: &Path, staging: PathBuf) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            folder: workspace.join("spare"),
            workspace: format!("{}.{number}", std::process::id()),
            staging,
            files: Mutex::default(),
        }
    }

    /// A file that had this mode when it was put here.
    pub fn take(&self, mode: u32) -> Option<PathBuf> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        while let Some(spare) = files.take(&self.workspace) {
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
        let name = format!("{mode:o}-{size}-{}-{}", self.workspace, files.next);
        let kept = self.folder.join(name);
        fs::rename(path, &kept)?;
        files.next += 1;
        files.count += 1;
        files.bytes += size;
        files.known.push(Spare {
            path: kept,
            mode,
            size,
        });
        Ok(())
    }

    /// A file as from [`Spares::take`], if this process has taken over what there is already.
    pub fn take_known(&self, mode: u32) -> Option<PathBuf> {
        let known = locked(&self.files).is_some();
        known.then(|| self.take(mode)).flatten()
    }

    /// A path where an empty folder was put.
    pub fn take_empty(&self) -> Option<PathBuf> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        files.empty.pop()
    }

    /// Keeps an empty folder; false where there are enough, or no files were taken over.
    pub fn put_empty(&self, path: &Path) -> bool {
        let mut files = locked(&self.files);
        let Some(files) = files
            .as_mut()
            .filter(|files| files.empty.len() < MOST_EMPTY)
        else {
            return false;
        };
        let kept = self
            .folder
            .join(EMPTY)
            .join(format!("{}-{}", self.workspace, files.next));
        let mut moved = fs::rename(path, &kept);
        if moved.is_err() && fs::create_dir(self.folder.join(EMPTY)).is_ok() {
            moved = fs::rename(path, &kept);
        }
        files.next += 1;
        files.empty.extend(moved.is_ok().then_some(kept));
        moved.is_ok()
    }

    /// A folder with about so many files of this mode.
    pub fn take_folder(&self, mode: u32, wanted: usize) -> Option<SpareFolder> {
        let mut files = locked(&self.files);
        let files = files.get_or_insert_with(|| self.taken_over());
        let fits = |folder: &SpareFolder| {
            folder.mode == mode && (wanted / 2..=wanted.saturating_mul(2)).contains(&folder.files)
        };
        while files.list_one(&self.workspace) {}
        let at = files.folders.iter().position(fits)?;
        let taken = files.folders.swap_remove(at);
        files.count = files.count.saturating_sub(taken.files);
        files.bytes = files.bytes.saturating_sub(taken.bytes);
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
        let name = format!("{mode:o}-{bytes}-{count}-{}-{}", self.workspace, files.next);
        let kept = self.folder.join(name);
        if !files.have_room(count, bytes) || fs::rename(path, &kept).is_err() {
            return false;
        }
        files.next += 1;
        files.count += count;
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
        if let Some(files) = &*locked(&self.files)
            && waiting(&self.staging).next().is_none()
        {
            let name = format!("spare-{}-{}", files.count, files.bytes);
            let _ = fs::rename(&self.folder, self.staging.join(name));
        }
    }

    fn taken_over(&self) -> Files {
        for (path, count, bytes) in waiting(&self.staging) {
            if fs::rename(path, &self.folder).is_ok() {
                let empty = fs::read_dir(self.folder.join(EMPTY));
                let empty = empty.into_iter().flatten().flatten();
                return Files {
                    empty: empty.map(|entry| entry.path()).collect(),
                    unlisted: fs::read_dir(&self.folder).ok(),
                    count,
                    bytes,
                    ..Files::default()
                };
            }
        }
        // Without a folder nothing can be kept, which is all.
        let _ = fs::create_dir(&self.folder);
        Files::default()
    }
}

/// The folders of spare files that wait for the next process, with how many they hold and how large those are;
/// of a folder that does not say so, as if it were full.
pub(crate) fn waiting(staging: &Path) -> impl Iterator<Item = (PathBuf, usize, u64)> {
    let entries = fs::read_dir(staging).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name();
        let mut parts = name.to_str()?.strip_prefix("spare")?.split('-').skip(1);
        let files = parts.next().and_then(|part| part.parse().ok());
        let bytes = parts.next().and_then(|part| part.parse().ok());
        let (files, bytes) = files.zip(bytes).unwrap_or((MOST_FILES, MOST_BYTES));
        Some((entry.path(), files, bytes))
    })
}

impl Spare {
    fn at(path: &Path, workspace: &str) -> Option<Self> {
        let [mode, size, of, _] = parts(path)?;
        let mode = u32::from_str_radix(mode, 8).ok()?;
        let size = size.parse().ok()?;
        (of != workspace).then(|| Self {
            path: path.to_owned(),
            mode,
            size,
        })
    }
}

impl SpareFolder {
    fn at(path: &Path, workspace: &str) -> Option<Self> {
        let [mode, bytes, files, of, _] = parts(path)?;
        let mode = u32::from_str_radix(mode, 8).ok()?;
        let (bytes, files) = (bytes.parse().ok()?, files.parse().ok()?);
        (of != workspace && path.is_dir()).then(|| Self {
            path: path.to_owned(),
            mode,
            files,
            bytes,
        })
    }
}

/// The parts of a name, if they are as many.
fn parts<const N: usize>(path: &Path) -> Option<[&str; N]> {
    let parts = path.file_name()?.to_str()?.split('-');
    parts.collect::<Vec<_>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: u32 = 0o100_644;

    fn spares(staging: &Path, process: &str) -> Spares {
        fs::create_dir(staging.join(process)).unwrap();
        Spares::new(&staging.join(process), staging.to_owned())
    }

    fn put(spares: &Spares, staging: &Path, bytes: &[u8]) {
        let path = staging.join("made");
        fs::write(&path, bytes).unwrap();
        spares.put(&path, MODE, bytes.len() as u64).unwrap();
    }

    #[test]
    fn files_pass_from_one_process_to_the_next_with_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let staging = folder.path();
        let first = spares(staging, "1-0");
        for bytes in [b"a" as &[u8], b"bb", b"ccc"] {
            put(&first, staging, bytes);
        }
        first.leave();
        let left: Vec<_> = waiting(staging)
            .map(|(_, files, bytes)| (files, bytes))
            .collect();
        assert_eq!(left, [(3, 6)]);

        let second = spares(staging, "2-0");
        let size = fs::metadata(second.take(MODE).unwrap()).unwrap().len();
        second.leave();
        let left: Vec<_> = waiting(staging)
            .map(|(_, files, bytes)| (files, bytes))
            .collect();
        assert_eq!(left, [(2, 6 - size)]);
    }

    #[test]
    fn files_are_kept_up_to_so_many_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let spares = spares(folder.path(), "1-0");
        let kept = [MOST_BYTES, 0, 1].map(|size| {
            let path = folder.path().join("made");
            fs::write(&path, "x").unwrap();
            spares.put(&path, MODE, size).unwrap();
            locked(&spares.files).as_ref().unwrap().count
        });
        assert_eq!(kept, [1, 2, 2]);
    }

    #[test]
    fn a_full_folder_takes_no_more_and_gives_all_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let staging = folder.path();
        // As a build that wrote no numbers left it.
        fs::create_dir(staging.join("spare")).unwrap();
        fs::write(staging.join("spare/100644-1-1-0"), "x").unwrap();
        let spares = spares(staging, "1-0");
        let path = staging.join("made");
        fs::write(&path, "y").unwrap();
        spares.put(&path, MODE, 1).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(spares.take(MODE).unwrap()).unwrap(), b"x");
        assert!(spares.take(MODE).is_none());
        put(&spares, staging, b"zz");
        assert_eq!(fs::read(spares.take(MODE).unwrap()).unwrap(), b"zz");
    }

    #[test]
    fn so_many_empty_folders_are_kept_once_there_are_spares_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let staging = folder.path();
        let first = spares(staging, "1-0");
        let keep = |spares: &Spares| {
            let path = staging.join("empty");
            fs::create_dir_all(&path).unwrap();
            spares.put_empty(&path)
        };
        assert!(!keep(&first));
        put(&first, staging, b"a");
        let kept = (0..MOST_EMPTY + 4).filter(|_| keep(&first));
        assert_eq!(kept.count(), MOST_EMPTY);
        first.leave();
        let second = spares(staging, "2-0");
        let taken = std::iter::from_fn(|| second.take_empty());
        let there = taken.filter(|path| fs::remove_dir(path).is_ok());
        assert_eq!(there.count(), MOST_EMPTY);
        assert!(keep(&second));
    }
}
