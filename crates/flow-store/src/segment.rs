//! One append-only file of frames, and its index beside it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow_contract::Content;

use crate::error::{Doing, StoreError, say};
use crate::frame::{ALIGNMENT, HEADER_BYTES, Header, MAGIC, Row};
use crate::index::{Indexed, block, read_blocks};
use crate::store::unlock;

/// A map this much shorter than its segment is made anew.
const REMAP_BEHIND_BYTES: u64 = 1 << 20;
/// Rows that wait for the index; a killed process leaves at most so many frames to be read.
const ROWS_PER_BLOCK: usize = 512;

/// A segment as far as this process has read it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u32,
    pub path: PathBuf,
    pub file: Arc<File>,
    /// The end of the last whole frame read so far.
    pub end: u64,
    /// How much of the segment the index covers.
    covered: u64,
    /// How much of the index's file is good.
    index_bytes: u64,
    map: Option<Content>,
}

impl Segment {
    /// The path of a segment.
    pub fn path(folder: &Path, number: u32) -> PathBuf {
        folder.join(format!("{number}.log"))
    }

    /// The path of its index.
    pub fn index_path(&self) -> PathBuf {
        self.path.with_extension("index")
    }

    /// Opens a segment and reads the rows of all its frames.
    pub fn load(folder: &Path, number: u32) -> Result<(Self, Vec<Row>), StoreError> {
        let path = Self::path(folder, number);
        let file = File::open(&path).doing(say("opening"), &path)?;
        let mut segment = Self {
            number,
            path,
            file: Arc::new(file),
            end: 0,
            covered: 0,
            index_bytes: 0,
            map: None,
        };
        let rows = segment.rows()?;
        Ok((segment, rows))
    }

    /// Reads the rows of all frames there are now.
    pub fn rows(&mut self) -> Result<Vec<Row>, StoreError> {
        let len = self.len()?;
        let mut indexed = self.indexed(len)?;
        self.covered = indexed.covered;
        self.index_bytes = indexed.bytes;
        self.end = scan(&self.file, self.covered, len, &mut indexed.rows)
            .doing(say("reading"), &self.path)?
            .end;
        Ok(indexed.rows)
    }

    /// Reads the rows of frames that came since.
    pub fn new_rows(&mut self) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let len = self.len()?;
        if len > self.end {
            self.end = scan(&self.file, self.end, len, &mut rows)
                .doing(say("reading"), &self.path)?
                .end;
        }
        Ok(rows)
    }

    /// How many places before the end are no frames, whatever the index says.
    pub fn damaged_places(&self) -> Result<u64, StoreError> {
        let scanned = scan(&self.file, 0, self.end, &mut Vec::new());
        let scanned = scanned.doing(say("reading"), &self.path)?;
        Ok(scanned.damaged + u64::from(scanned.end < self.end))
    }

    /// The segment mapped at least up to `end`; `None` where reading is cheaper.
    pub fn mapped(&mut self, end: u64) -> Option<Content> {
        let mapped = self.map.as_ref().map_or(0, |map| map.len() as u64);
        if mapped < end && (self.map.is_none() || mapped + REMAP_BEHIND_BYTES <= self.end) {
            self.map = Content::map(&self.path).ok();
        }
        self.map.clone().filter(|map| map.len() as u64 >= end)
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(self
            .file
            .metadata()
            .doing(say("reading"), &self.path)?
            .len())
    }

    fn indexed(&self, segment_bytes: u64) -> Result<Indexed, StoreError> {
        let path = self.index_path();
        if !path.is_file() {
            return Ok(Indexed::default());
        }
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Indexed::default()),
            bytes => bytes.doing(say("reading"), &path)?,
        };
        let indexed = read_blocks(&bytes, segment_bytes);
        Ok(self.checked(indexed))
    }

    /// An index whose last row is not in the segment belongs to another one.
    fn checked(&self, indexed: Indexed) -> Indexed {
        let fits = indexed.rows.last().is_none_or(|row| {
            header_at(&self.file, row.offset).is_ok_and(|at| at.is_some_and(|h| row.is_of(h)))
        });
        if fits { indexed } else { Indexed::default() }
    }
}

/// The frame header at an offset, if one is there.
pub(crate) fn header_at(file: &File, offset: u64) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(Header::from_bytes(&bytes, offset)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a scan came across.
struct Scanned {
    /// Where the last whole frame ends.
    end: u64,
    /// How many damaged places lie before it.
    damaged: u64,
}

/// Reads rows in `from .. len`, leaving damaged places aside.
fn scan(file: &File, from: u64, len: u64, rows: &mut Vec<Row>) -> io::Result<Scanned> {
    let (mut offset, mut end, mut damaged) = (from, from, 0);
    while offset < len {
        let Some(header) = header_at(file, offset)? else {
            match next_frame(file, offset + ALIGNMENT, len)? {
                Some(next) => (offset, damaged) = (next, damaged + 1),
                None => break,
            }
            continue;
        };
        if offset + header.span() > len {
            break;
        }
        rows.push(Row::new(header, offset));
        offset += header.span();
        end = offset;
    }
    Ok(Scanned { end, damaged })
}

/// Where the next frame begins after a damaged place.
fn next_frame(file: &File, from: u64, len: u64) -> io::Result<Option<u64>> {
    let mut window = vec![0; 1 << 16];
    let mut start = from;
    while start < len {
        let bytes = (len - start).min(window.len() as u64) as usize;
        file.read_exact_at(&mut window[..bytes], start)?;
        for at in (0..bytes).step_by(ALIGNMENT as usize) {
            let offset = start + at as u64;
            if window[at..bytes].starts_with(&MAGIC) && header_at(file, offset)?.is_some() {
                return Ok(Some(offset));
            }
        }
        start += window.len() as u64;
    }
    Ok(None)
}

/// The right to append to a segment: a kernel lock on its file.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Which of the log's segments.
    pub segment: usize,
    file: File,
    index: File,
    index_bytes: u64,
    covered: u64,
    waiting: Vec<Row>,
    unsynced: bool,
}

impl Writer {
    /// Takes a segment, unless another process has it; cuts off what a killed process left there.
    ///
    /// Returns the rows of frames that came since the segment was read.
    pub fn take(at: usize, segment: &mut Segment) -> Result<Option<(Self, Vec<Row>)>, StoreError> {
        let path = segment.path.clone();
        let file = open_to_write(&path).doing(say("opening"), &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error).doing(say("locking"), &path),
        }
        let came = segment.new_rows()?;
        let index_path = segment.index_path();
        let (writer, index_bytes) = (say("opening"), segment.index_bytes);
        let index = open_to_write(&index_path).doing(writer, &index_path)?;
        let mut writer = Self {
            segment: at,
            file,
            index,
            index_bytes,
            covered: segment.covered,
            waiting: Vec::new(),
            unsynced: false,
        };
        writer.catch_up(segment)?;
        Ok(Some((writer, came)))
    }

    /// Brings file, index and waiting rows in line with the segment's last whole frame.
    fn catch_up(&mut self, segment: &mut Segment) -> Result<(), StoreError> {
        let index_path = segment.index_path();
        let index_len = self
            .index
            .metadata()
            .doing(say("reading"), &index_path)?
            .len();
        if index_len != self.index_bytes {
            let indexed = segment.indexed(segment.end)?;
            (self.covered, self.index_bytes) = (indexed.covered, indexed.bytes);
        }
        (|| {
            if self.file.metadata()?.len() > segment.end {
                self.file.set_len(segment.end)?;
            }
            if index_len > self.index_bytes {
                self.index.set_len(self.index_bytes)?;
            }
            scan(&self.file, self.covered, segment.end, &mut self.waiting)
        })()
        .doing(say("repairing"), &segment.path)?;
        Ok(())
    }

    /// Appends a frame; where that fails, nothing of it stays.
    pub fn append(
        &mut self,
        segment: &mut Segment,
        header: Header,
        payload: &[u8],
    ) -> io::Result<Row> {
        let offset = segment.end;
        let mut bytes = Vec::with_capacity(header.span() as usize);
        bytes.extend(header.to_bytes(offset));
        bytes.extend(payload);
        bytes.resize(header.span() as usize, 0);
        if let Err(error) = self.file.write_all_at(&bytes, offset) {
            // Should this fail too, the next writer finds a torn tail and cuts it off.
            let _ = self.file.set_len(offset);
            return Err(error);
        }
        let row = Row::new(header, offset);
        segment.end = row.end();
        self.unsynced = true;
        self.waiting.push(row);
        if self.waiting.len() >= ROWS_PER_BLOCK {
            self.write_index();
        }
        Ok(row)
    }

    /// Writes the waiting rows to the index.
    ///
    /// A failure is left aside: the rows wait on, and without an index the segment itself is read.
    pub fn write_index(&mut self) {
        let Some(last) = self.waiting.last() else {
            return;
        };
        let bytes = block(&self.waiting, self.covered, last.end());
        if self.index.write_all_at(&bytes, self.index_bytes).is_ok() {
            self.index_bytes += bytes.len() as u64;
            self.covered = last.end();
            self.waiting.clear();
        } else {
            let _ = self.index.set_len(self.index_bytes);
        }
    }

    /// Makes what was appended survive a power cut.
    pub fn sync(&mut self) -> io::Result<()> {
        self.write_index();
        if self.unsynced {
            self.file.sync_data()?;
            self.index.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.write_index();
        unlock(&self.file);
    }
}

fn open_to_write(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}
