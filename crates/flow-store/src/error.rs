//! What can go wrong in a cache folder, and what was being done when it did.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use flow_contract::Digest;
use flow_contract::encoding::EncodingError;

/// What was being done to which path: `writing blob 3fa9c1d2 to cache/blobs/3f`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The words before the path.
    pub doing: String,
    /// The path.
    pub path: PathBuf,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.doing, self.path.display())
    }
}

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, the quota or the largest allowed file size is full.
    #[error("{action}: {}", words(.source))]
    DiskFull {
        /// What was being done.
        action: Action,
        /// Why not.
        source: io::Error,
    },
    /// The file system or the permissions forbid writing.
    #[error("{action}: {}", words(.source))]
    ReadOnly {
        /// What was being done.
        action: Action,
        /// Why not.
        source: io::Error,
    },
    /// The process or the system has no file descriptors left.
    #[error("{action}: {}", words(.source))]
    TooManyFiles {
        /// What was being done.
        action: Action,
        /// Why not.
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("{action}: {}", words(.source))]
    Io {
        /// What was being done.
        action: Action,
        /// Why not.
        source: io::Error,
    },
    /// The store was opened by [`Store::open_read_only`](crate::Store::open_read_only).
    #[error("{action}: the cache is open for reading only")]
    OpenForReading {
        /// What was being done.
        action: Action,
    },
    /// A record is larger than the format can say.
    #[error("{action}: {source}")]
    Record {
        /// What was being done.
        action: Action,
        /// Why not.
        source: EncodingError,
    },
    /// A file has other sizes or times after it was hashed than before.
    #[error("hashing {}: it changes while it is read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// Other processes have the cache open, so nothing may be removed now.
    #[error("the cache {} is in use by {}", folder.display(), processes(.pids))]
    InUse {
        /// The cache.
        folder: PathBuf,
        /// The processes that write to it, as far as they are known.
        pids: Vec<u32>,
    },
    /// A blob that had to be read first can't be.
    #[error(transparent)]
    Blob(Box<ReadError>),
}

/// A blob can't be handed out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such blob.
    #[error("blob {digest} is not in the cache")]
    Missing {
        /// Its digest.
        digest: Digest,
    },
    /// The bytes are not those its name says; the blob counts as missing from now on.
    #[error("blob {digest} was damaged{}", set_aside(.moved_to))]
    Damaged {
        /// Its digest.
        digest: Digest,
        /// Where the damaged bytes lie now; `None` where they could not be moved.
        moved_to: Option<PathBuf>,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] StoreError),
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            other => Self::Blob(Box::new(other)),
        }
    }
}

/// Says what an I/O operation was for.
pub(crate) trait Doing<T> {
    /// Names the action and the path, only when it failed.
    fn doing(self, doing: impl FnOnce() -> String, path: &Path) -> Result<T, StoreError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::of(source, doing(), path))
    }
}

/// Words that need no data, for [`Doing`].
pub(crate) fn say(words: &'static str) -> impl FnOnce() -> String {
    move || words.to_owned()
}

impl StoreError {
    /// What the user can do about it, where something general can be said.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::DiskFull { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Some(
                "allow larger files, for instance by `ulimit -f unlimited`, and run again: what is \
                 finished is kept",
            ),
            Self::DiskFull { .. } => Some(
                "make room there, perhaps by `flow gc`, and run again: what is finished is kept",
            ),
            Self::ReadOnly { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(
                    "flow reads and writes there, even to answer: give yourself the right to, perhaps by \
                     `chmod -R u+rwX` on its folder, or copy the study to where you have it",
                )
            }
            Self::ReadOnly { .. } => Some(
                "flow writes there even to read safely: give yourself the right to, or copy the study \
                 to where you have it",
            ),
            Self::TooManyFiles { .. } => {
                Some("allow more open files, for instance by `ulimit -n 1024`, and run again")
            }
            Self::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists
                ) =>
            {
                Some("a file stands where a folder is needed: move it away, and run again")
            }
            _ => None,
        }
    }

    /// What went wrong with an I/O operation, by what was being done to which path.
    #[must_use]
    pub fn of(source: io::Error, doing: String, path: &Path) -> Self {
        use io::ErrorKind as Kind;
        let path = path.to_owned();
        let action = Action { doing, path };
        match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                Self::DiskFull { action, source }
            }
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly { action, source },
            _ => match source.raw_os_error() {
                Some(libc::EMFILE | libc::ENFILE) => Self::TooManyFiles { action, source },
                _ => Self::Io { action, source },
            },
        }
    }

    pub(crate) fn open_for_reading(doing: &str, path: &Path) -> Self {
        Self::OpenForReading {
            action: Action {
                doing: doing.to_owned(),
                path: path.to_owned(),
            },
        }
    }
}

/// The system's words without their number, in lower case.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn processes(pids: &[u32]) -> String {
    match pids {
        [] => "another process".to_owned(),
        [pid] => format!("process {pid}"),
        pids => {
            let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
            format!("processes {}", pids.join(", "))
        }
    }
}

fn set_aside(moved_to: &Option<PathBuf>) -> String {
    moved_to.as_ref().map_or_else(
        || " and can't be moved".to_owned(),
        |path| format!("; its bytes are now in {}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_done_to_which_path() {
        let full = io::Error::from_raw_os_error(libc::ENOSPC);
        let path = Path::new("cache/blobs/3f");
        let error = StoreError::of(full, "writing blob 3fa9c1d2 to".into(), path);
        assert!(matches!(error, StoreError::DiskFull { .. }));
        assert_eq!(
            error.to_string(),
            "writing blob 3fa9c1d2 to cache/blobs/3f: no space left on device"
        );
    }

    #[test]
    fn kinds_of_trouble_are_told_apart() {
        let kind = |code| {
            StoreError::of(
                io::Error::from_raw_os_error(code),
                String::new(),
                Path::new("x"),
            )
        };
        assert!(matches!(kind(libc::EDQUOT), StoreError::DiskFull { .. }));
        assert!(matches!(kind(libc::EFBIG), StoreError::DiskFull { .. }));
        assert!(matches!(kind(libc::EROFS), StoreError::ReadOnly { .. }));
        assert!(matches!(kind(libc::EACCES), StoreError::ReadOnly { .. }));
        assert!(matches!(
            kind(libc::EMFILE),
            StoreError::TooManyFiles { .. }
        ));
        assert!(matches!(kind(libc::EIO), StoreError::Io { .. }));
    }
}
