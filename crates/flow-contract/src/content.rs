//! The bytes of an artifact, in memory or mapped from a file.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

/// Immutable bytes that are cheap to clone: held in memory, or a range of a mapped file.
#[derive(Clone, Debug)]
pub struct Content(Bytes);

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Content {
    /// Maps a whole file.
    ///
    /// # Errors
    /// The I/O error of opening or mapping `path`.
    pub fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self::from(Vec::new()));
        }
        #[expect(
            unsafe_code,
            reason = "blobs are read-only and replaced by rename, never rewritten"
        )]
        let map = unsafe { Mmap::map(&file)? };
        let all = 0..map.len();
        Ok(Self(Bytes::Mapped(Arc::new(map), all)))
    }

    /// A file that others may write to: read where it has at most `most` bytes, else mapped. Who cuts
    /// a mapped file off ends the process that reads there.
    ///
    /// # Errors
    /// The I/O error of opening, reading or mapping `path`.
    pub fn read_or_map(path: &Path, most: u64) -> io::Result<Self> {
        match std::fs::metadata(path)?.len() {
            len if len <= most => std::fs::read(path).map(Self::from),
            _ => Self::map(path),
        }
    }

    /// A part of these bytes, sharing the memory; `None` if the range is outside.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Option<Self> {
        if range.start > range.end || range.end > self.len() {
            return None;
        }
        Some(match &self.0 {
            Bytes::Memory(bytes) => Self::from(bytes[range].to_vec()),
            Bytes::Mapped(map, outer) => Self(Bytes::Mapped(
                Arc::clone(map),
                outer.start + range.start..outer.start + range.end,
            )),
        })
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Memory(bytes.into()))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Memory(bytes) => bytes,
            Bytes::Mapped(map, range) => &map[range.clone()],
        }
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_part_is_where_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        std::fs::write(&path, b"0123456789").unwrap();
        for content in [
            Content::map(&path).unwrap(),
            Content::from(b"0123456789".to_vec()),
        ] {
            let part = content.part(2..8).unwrap().part(1..3).unwrap();
            assert_eq!(&*part, b"34");
            assert!(content.part(5..11).is_none());
        }
    }

    #[test]
    fn an_empty_file_maps_to_no_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Content::map(file.path()).unwrap().is_empty());
    }
}
