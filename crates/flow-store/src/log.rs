//! A log: frames found by name, in append-only segments shared by processes.
//!
//! Each process that writes holds one segment by a kernel lock; all processes read all segments.
//! Of several frames with one name the one with the highest order holds, wherever it lies.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flow_contract::{Content, Digest};

use crate::error::{Doing, StoreError, say};
use crate::frame::{HEADER_BYTES, Header, Prefix, Row, number, prefix};
use crate::segment::{Segment, Writer, header_at};

/// A folder of segments.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    access: Access,
    state: Mutex<State>,
}

/// Whether a store may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// Whether a frame is written when its name is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Absent,
}

#[derive(Debug, Default)]
struct State {
    segments: Vec<Segment>,
    places: HashMap<Prefix, Place, BuildHasherDefault<Uniform>>,
    /// The newest frame of each group; made when first asked for.
    groups: Option<HashMap<u64, Place, BuildHasherDefault<Uniform>>>,
    writer: Option<Writer>,
    newest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    order: u64,
    len: u32,
    segment: u32,
    gone: bool,
}

impl Place {
    fn new(row: &Row, segment: usize) -> Self {
        Self {
            offset: row.offset,
            order: row.order,
            len: row.len,
            segment: segment as u32,
            gone: row.gone,
        }
    }
}

/// A frame that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    file: Arc<File>,
    map: Option<Content>,
    /// Which of the frames of its name it is.
    pub order: u64,
    /// Where its frame begins.
    pub offset: u64,
    /// Bytes of its payload.
    pub len: u32,
}

/// Names are digests, so their bits need no mixing.
#[derive(Default)]
struct Uniform(u64);

impl Hasher for Uniform {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = number(bytes);
    }

    fn write_usize(&mut self, _length: usize) {}

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }
}

impl Log {
    /// Opens a log, makes its folder where it may, and reads which frames there are.
    pub fn open(folder: PathBuf, access: Access) -> Result<Self, StoreError> {
        if access == Access::Write {
            fs::create_dir_all(&folder).doing(say("making folder"), &folder)?;
        }
        let log = Self {
            folder,
            access,
            state: Mutex::default(),
        };
        log.reload()?;
        Ok(log)
    }

    /// Forgets what was read and reads it again.
    pub fn reload(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        *state = State::default();
        for number in numbers(&self.folder)? {
            state.load(&self.folder, number)?;
        }
        Ok(())
    }

    /// Reads what other processes have appended.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.state().refresh(&self.folder)
    }

    /// Whether a frame of this name holds.
    pub fn contains(&self, name: &Digest) -> bool {
        let place = self.state().places.get(&prefix(name)).copied();
        place.is_some_and(|place| !place.gone)
    }

    /// The frame of a name, to be read from its file.
    pub fn find(&self, name: &Digest) -> Option<Found> {
        let state = self.state();
        let place = *state.places.get(&prefix(name))?;
        (!place.gone).then(|| state.found(place, None))
    }

    /// The frame of a name, to be read from a map of its segment.
    pub fn find_mapped(&self, name: &Digest) -> Option<Found> {
        let mut state = self.state();
        let place = *state.places.get(&prefix(name))?;
        (!place.gone).then(|| state.found_mapped(place))
    }

    /// The newest frame of a group.
    pub fn newest_of(&self, group: u64) -> Result<Option<Found>, StoreError> {
        let mut state = self.state();
        if state.groups.is_none() {
            state.read_groups(&self.folder)?;
        }
        let place = state.groups.as_ref().and_then(|groups| groups.get(&group));
        Ok(place.copied().map(|place| state.found_mapped(place)))
    }

    /// All frames that hold, in the order they lie, with their headers.
    pub fn frames(&self) -> Result<Vec<(Header, Found)>, StoreError> {
        let state = self.state();
        let mut places: Vec<Place> = state.places.values().copied().collect();
        places.retain(|place| !place.gone);
        places.sort_unstable_by_key(|place| (place.segment, place.offset));
        let mut frames = Vec::with_capacity(places.len());
        for place in places {
            let found = state.found(place, None);
            let header = found.header().doing(say("reading"), &self.folder)?;
            frames.extend(header.map(|header| (header, found)));
        }
        Ok(frames)
    }

    /// Appends a frame; it is there for every process once this returns.
    ///
    /// `payload` makes the bytes from the frame's order.
    pub fn append(
        &self,
        name: &Digest,
        group: u64,
        when: When,
        payload: impl FnOnce(u64) -> Vec<u8>,
    ) -> Result<(), StoreError> {
        let mut state = self.writing("writing to")?;
        let there = state.places.get(&prefix(name)).is_some_and(|at| !at.gone);
        if when == When::Absent && there {
            return Ok(());
        }
        let order = state.newest + 1;
        let payload = payload(order);
        let len = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::FileTooLarge.into());
        let header = Header {
            name: *name,
            group,
            order,
            len: len.doing(say("writing to"), &self.folder)?,
            gone: false,
        };
        state.append(header, &payload)
    }

    /// Makes a frame forgotten, here and in other processes; false if a newer one holds by now.
    pub fn forget(&self, name: &Digest, found: &Found) -> Result<bool, StoreError> {
        let mut state = self.writing("removing from")?;
        state.refresh(&self.folder)?;
        let place = state.places.get(&prefix(name));
        if place.is_none_or(|place| place.order != found.order) {
            return Ok(false);
        }
        let header = Header {
            name: *name,
            group: 0,
            order: state.newest + 1,
            len: 0,
            gone: true,
        };
        state.append(header, &[])?;
        Ok(true)
    }

    /// Makes what was appended survive a power cut.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        let Some(writer) = &mut state.writer else {
            return Ok(());
        };
        writer.sync().doing(say("syncing"), &self.folder)?;
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.doing(say("syncing"), &self.folder)
    }

    /// How many places in all segments are damaged so that no frame can be told from them.
    pub fn damaged_places(&self) -> Result<u64, StoreError> {
        let state = self.state();
        state.segments.iter().map(Segment::damaged_places).sum()
    }

    /// Bytes of all segments and indexes.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let state = self.state();
        let mut bytes = 0;
        for segment in &state.segments {
            let index = fs::metadata(segment.index_path()).map_or(0, |meta| meta.len());
            bytes += segment.end + index;
        }
        Ok(bytes)
    }

    /// Writes the frames to keep to a new segment and removes all others.
    ///
    /// Only while no other process has the store open.
    pub fn compact(&self, keep: impl Fn(&Header) -> bool) -> Result<(), StoreError> {
        let mut frames = self.frames()?;
        frames.retain(|(header, _)| keep(header));
        let mut state = self.state();
        let bytes: u64 = state.segments.iter().map(|segment| segment.end).sum();
        if bytes == frames.iter().map(|(header, _)| header.span()).sum::<u64>() {
            return Ok(());
        }
        state.writer = None;
        let next = state.next_number();
        let aside = self.folder.join(format!("{next}.new"));
        let written = copy_frames(&aside, &frames);
        if let Err(error) = written {
            let _ = fs::remove_file(&aside);
            return Err(error).doing(say("compacting to"), &aside);
        }
        let target = Segment::path(&self.folder, next);
        fs::rename(&aside, &target).doing(say("compacting to"), &target)?;
        for segment in &state.segments {
            // The index first: one without its segment would be taken for the next one's.
            let _ = fs::remove_file(segment.index_path());
            fs::remove_file(&segment.path).doing(say("removing"), &segment.path)?;
        }
        drop(state);
        self.reload()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with a writer.
    fn writing(&self, doing: &'static str) -> Result<MutexGuard<'_, State>, StoreError> {
        if self.access == Access::Read {
            return Err(StoreError::open_for_reading(doing, &self.folder));
        }
        let mut state = self.state();
        if state.writer.is_none() {
            state.take_writer(&self.folder)?;
        }
        Ok(state)
    }
}

impl State {
    fn load(&mut self, folder: &Path, number: u32) -> Result<(), StoreError> {
        let (segment, rows) = Segment::load(folder, number)?;
        self.segments.push(segment);
        self.absorb(self.segments.len() - 1, &rows);
        Ok(())
    }

    fn absorb(&mut self, segment: usize, rows: &[Row]) {
        self.places.reserve(rows.len());
        for row in rows {
            let place = Place::new(row, segment);
            self.newest = self.newest.max(row.order);
            newer(self.places.entry(row.prefix).or_insert(place), place);
            if let Some(groups) = &mut self.groups
                && !row.gone
            {
                newer(groups.entry(row.group).or_insert(place), place);
            }
        }
    }

    fn read_groups(&mut self, folder: &Path) -> Result<(), StoreError> {
        let mut groups = HashMap::default();
        for (at, segment) in self.segments.iter().enumerate() {
            // What came since this process last read the segment is left to the next refresh.
            let (_, rows) = Segment::load(folder, segment.number)?;
            for row in rows
                .iter()
                .filter(|row| !row.gone && row.end() <= segment.end)
            {
                let place = Place::new(row, at);
                newer(groups.entry(row.group).or_insert(place), place);
            }
        }
        self.groups = Some(groups);
        Ok(())
    }

    fn refresh(&mut self, folder: &Path) -> Result<(), StoreError> {
        let own = self.writer.as_ref().map(|writer| writer.segment);
        for at in 0..self.segments.len() {
            if own != Some(at) {
                let rows = self.segments[at].new_rows()?;
                self.absorb(at, &rows);
            }
        }
        while Segment::path(folder, self.next_number()).is_file() {
            self.load(folder, self.next_number())?;
        }
        Ok(())
    }

    /// One above the highest segment there is.
    fn next_number(&self) -> u32 {
        self.segments.last().map_or(0, |last| last.number + 1)
    }

    /// Takes the first segment no other process has, or begins one.
    fn take_writer(&mut self, folder: &Path) -> Result<(), StoreError> {
        self.refresh(folder)?;
        for at in 0.. {
            if at == self.segments.len() {
                let path = Segment::path(folder, self.next_number());
                let begun = File::options().create(true).append(true).open(&path);
                begun.doing(say("making"), &path)?;
                self.load(folder, self.next_number())?;
            }
            if let Some((writer, rows)) = Writer::take(at, &mut self.segments[at])? {
                self.absorb(at, &rows);
                self.writer = Some(writer);
                break;
            }
        }
        Ok(())
    }

    fn append(&mut self, header: Header, payload: &[u8]) -> Result<(), StoreError> {
        let writer = self.writer.as_mut().expect("`writing` took a writer");
        let at = writer.segment;
        let segment = &mut self.segments[at];
        let row = writer
            .append(segment, header, payload)
            .doing(say("writing to"), &segment.path)?;
        self.absorb(at, &[row]);
        Ok(())
    }

    fn found(&self, place: Place, map: Option<Content>) -> Found {
        Found {
            file: Arc::clone(&self.segments[place.segment as usize].file),
            map,
            order: place.order,
            offset: place.offset,
            len: place.len,
        }
    }

    fn found_mapped(&mut self, place: Place) -> Found {
        let end = place.offset + HEADER_BYTES as u64 + u64::from(place.len);
        let map = self.segments[place.segment as usize].mapped(end);
        self.found(place, map)
    }
}

impl Found {
    /// The frame's header, if it is intact.
    pub fn header(&self) -> io::Result<Option<Header>> {
        header_at(&self.file, self.offset)
    }

    /// The payload, whatever its bytes are.
    pub fn payload(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.len as usize];
        let offset = self.offset + HEADER_BYTES as u64;
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Header and payload as they lie in the segment, unchecked.
    pub fn frame(&self) -> io::Result<Content> {
        let len = HEADER_BYTES + self.len as usize;
        let start = self.offset as usize;
        if let Some(part) = self
            .map
            .as_ref()
            .and_then(|map| map.part(start..start + len))
        {
            return Ok(part);
        }
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, self.offset)?;
        Ok(Content::from(bytes))
    }
}

fn newer(old: &mut Place, new: Place) {
    if new.order >= old.order {
        *old = new;
    }
}

/// The numbers of the segments in a folder, ascending.
fn numbers(folder: &Path) -> Result<Vec<u32>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.doing(say("listing"), folder)?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let path = entry.doing(say("listing"), folder)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".log")?.parse::<u32>().ok());
        numbers.extend(number.filter(|_| path.is_file()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn copy_frames(path: &Path, frames: &[(Header, Found)]) -> io::Result<()> {
    let file = File::create(path)?;
    let mut out = io::BufWriter::with_capacity(1 << 20, &file);
    let mut offset = 0;
    for (header, found) in frames {
        let padding = header.span() - HEADER_BYTES as u64 - u64::from(header.len);
        io::Write::write_all(&mut out, &header.to_bytes(offset))?;
        io::Write::write_all(&mut out, &found.payload()?)?;
        io::Write::write_all(&mut out, &[0; 8][..padding as usize])?;
        offset += header.span();
    }
    io::Write::flush(&mut out)?;
    drop(out);
    file.sync_all()
}
