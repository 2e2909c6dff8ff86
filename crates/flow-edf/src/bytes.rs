//! The bytes of a recording: mapped from a file or held in memory.

use std::{fmt, fs::File, io, path::Path};

use memmap2::Mmap;

/// Read-only bytes.
pub(crate) enum Bytes {
    Mapped(Mmap),
    Held(Box<dyn AsRef<[u8]> + Send + Sync>),
}

impl Bytes {
    /// Maps a file; nothing of it is read yet.
    pub(crate) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if metadata.len() == 0 {
            return Ok(Self::held(Vec::new())); // an empty map is an error on some systems
        }
        map_file(&file).map(Self::Mapped)
    }

    /// Whatever keeps bytes; they are not copied.
    pub(crate) fn held(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::Held(Box::new(bytes))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => (**bytes).as_ref(),
        }
    }
}

/// Tells their number: a night has millions.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Mapped(_) => "mapped",
            Self::Held(_) => "held",
        };
        write!(f, "{} bytes, {kind}", self.as_slice().len())
    }
}

#[expect(
    unsafe_code,
    reason = "a memory map is only sound while nobody shortens the file"
)]
fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and only ever read as plain bytes, every value of which is valid. That no
    // one shortens the file meanwhile is a condition that `Recording::open` states to its caller.
    unsafe { Mmap::map(file) }
}
