//! What is not what it should be is moved into `cache/damaged`, so that it is in nobody's way and can
//! still be looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Doing, StoreError, say};
use crate::fsck::list;

/// How many things of one name are kept.
const MOST: u32 = 100;

/// Moves a file, folder or whatever else into `cache/damaged`, under this name or, where something that
/// can't be written over has it, `name-2` and so on; returns where it is now.
pub(crate) fn move_aside(cache: &Path, path: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = folder(cache)?;
    let mut moved = Err(io::ErrorKind::AlreadyExists.into());
    for number in 1..=MOST {
        let target = match number {
            1 => folder.join(name),
            number => folder.join(format!("{name}-{number}")),
        };
        moved = fs::rename(path, &target).map(|()| target);
        let taken = |error: &io::Error| {
            use io::ErrorKind::{DirectoryNotEmpty, IsADirectory, NotADirectory};
            matches!(
                error.kind(),
                DirectoryNotEmpty | IsADirectory | NotADirectory
            )
        };
        if !moved.as_ref().is_err_and(taken) {
            break;
        }
    }
    moved
}

/// `cache/damaged`, made where it isn't.
pub(crate) fn folder(cache: &Path) -> io::Result<PathBuf> {
    let folder = cache.join("damaged");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Files of a cache, and folders that hold files only.
const FILES: [&str; 3] = ["claims", "plan", "snapshot"];
const FOLDERS: [&str; 4] = ["packs", "ledger", "memo", "runs"];

/// Makes the places of files free where something else is there; returns where that is now.
///
/// Opening a pipe would wait for ever, and opening a folder fails.
pub(crate) fn clear(cache: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut paths: Vec<PathBuf> = FILES.iter().map(|name| cache.join(name)).collect();
    for folder in FOLDERS {
        paths.extend(list(&cache.join(folder))?.iter().map(fs::DirEntry::path));
    }
    let moved = paths.iter().map(|path| clear_for_file(cache, path));
    moved.filter_map(Result::transpose).collect()
}

/// The same for one file.
pub(crate) fn clear_for_file(cache: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    if is_file_or_nothing(path) {
        return Ok(None);
    }
    let parts = path.strip_prefix(cache).unwrap_or(path).components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    match move_aside(cache, path, &parts.join("-")) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        moved => moved.map(Some).doing(say("moving aside"), path),
    }
}

/// Whether a file, perhaps by a symbolic link, or nothing at all is at a path.
pub(crate) fn is_file_or_nothing(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(meta) => meta.is_file(),
        // A link to nowhere is something.
        Err(_) => fs::symlink_metadata(path).is_err(),
    }
}
