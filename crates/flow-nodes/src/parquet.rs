//! Parquet that may be damaged: what polars would believe is checked before polars reads it.
//!
//! polars takes the counts of a page's header as they stand. A negative one becomes a request for 2.3e18 bytes,
//! which ends the process; other damage makes it panic. So the headers are read here first, and polars within a guard.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::io::parquet::read::FileMetadata;
use polars::prelude::{DataFrame, ParquetReader, SerReader};

/// Pages up to this size are unpacked whatever their column says of its own size.
const MODEST_PAGE: u64 = 64 << 20;

/// The cells, and the texts that the file's own metadata has under `fact`.
///
/// # Errors
/// In words: why the bytes are not Parquet, or where they are damaged.
pub fn read(bytes: &[u8], fact: &str) -> Result<(DataFrame, Vec<String>), String> {
    guarded(|| {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let about = reader.get_metadata().map_err(|error| error.to_string())?;
        check_pages(about, bytes)?;
        let facts = about.key_value_metadata().iter().flatten();
        let texts = facts
            .filter(|one| one.key == fact)
            .filter_map(|one| one.value.clone());
        let texts = texts.collect();
        let frame = reader.finish().map_err(|error| error.to_string())?;
        Ok((frame, texts))
    })
}

/// Checks the footer and the header of every page; cells are not decoded.
///
/// # Errors
/// As [`read`].
pub fn check(bytes: &[u8]) -> Result<(), String> {
    guarded(|| {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        reader.schema().map_err(|error| error.to_string())?;
        let about = reader.get_metadata().map_err(|error| error.to_string())?;
        check_pages(about, bytes)
    })
}

/// Runs polars over bytes of others; a panic of its says that they are damaged.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("its pages are damaged".to_owned()))
}

/// Checks that every column lies within the file, and that its pages lie within it and have its values.
fn check_pages(about: &FileMetadata, bytes: &[u8]) -> Result<(), String> {
    for group in &about.row_groups {
        for column in group.parquet_columns() {
            let range = column.byte_range();
            let chunk = range.start.try_into().ok().zip(range.end.try_into().ok());
            let chunk = chunk.and_then(|(start, end): (usize, usize)| bytes.get(start..end));
            let (Some(chunk), true) = (chunk, range.start >= 4) else {
                return Err(format!(
                    "a column lies at bytes {} to {}, and the file has {}",
                    range.start,
                    range.end,
                    bytes.len()
                ));
            };
            let most = u64::try_from(column.uncompressed_size()).unwrap_or(0);
            let values = values(chunk, column.num_values(), most.max(MODEST_PAGE))
                .map_err(|why| format!("the column at byte {}: {why}", range.start))?;
            let is_flat = column.descriptor().descriptor.max_rep_level == 0;
            if is_flat && values != group.num_rows() as u64 {
                let rows = group.num_rows();
                return Err(format!(
                    "a column has {values} values, and the table has {rows} rows"
                ));
            }
        }
    }
    Ok(())
}

/// How many values a column's pages have, which is what its footer says.
fn values(mut chunk: &[u8], wanted: i64, largest_page: u64) -> Result<u64, String> {
    let wanted = u64::try_from(wanted).map_err(|_| format!("it has {wanted} values"))?;
    let mut seen = 0;
    while seen < wanted {
        let cut = || format!("it ends after {seen} of {wanted} values");
        let page = PageHeader::read(&mut chunk).ok_or_else(cut)?;
        let sound = |number: i64| u64::try_from(number).map_err(|_| format!("a page has {number}"));
        let (packed, unpacked) = (sound(page.compressed_size)?, sound(page.uncompressed_size)?);
        let (values, entries) = (sound(page.values)?, sound(page.dictionary_entries)?);
        if unpacked > largest_page || entries > unpacked {
            return Err(format!(
                "a page of {unpacked} bytes with {entries} entries is too large"
            ));
        }
        let packed = usize::try_from(packed).unwrap_or(usize::MAX);
        chunk = chunk.get(packed..).ok_or_else(cut)?;
        seen += values;
    }
    match seen == wanted {
        true => Ok(seen),
        false => Err(format!("its pages have {seen} values, and it has {wanted}")),
    }
}

/// What a page says of itself; zero where it says nothing.
#[derive(Debug, Default)]
struct PageHeader {
    uncompressed_size: i64,
    compressed_size: i64,
    values: i64,
    dictionary_entries: i64,
}

impl PageHeader {
    /// Reads a header off the front; `None` where the bytes are none. Fields as in `parquet.thrift`.
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut thrift = Thrift(bytes);
        let mut id = 0;
        while let Some((next, wire)) = thrift.field(id)? {
            id = next;
            match (id, wire) {
                (2, 5) => header.uncompressed_size = thrift.int()?,
                (3, 5) => header.compressed_size = thrift.int()?,
                // The header of a data page of version 1 or 2.
                (5 | 8, 12) => header.values = thrift.first_int()?,
                (7, 12) => header.dictionary_entries = thrift.first_int()?,
                _ => thrift.skip(wire, 0)?,
            }
        }
        Some(header)
    }
}

/// Bytes in Thrift's compact protocol, as far as page headers use it.
struct Thrift<'a, 'b>(&'a mut &'b [u8]);

impl Thrift<'_, '_> {
    /// Deeper than any header of the format.
    const DEEPEST: usize = 8;

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        *self.0 = rest;
        Some(first)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        *self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// Seven bits a byte, the lowest first.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A signed number: its sign is its lowest bit.
    fn int(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The next field of a struct after the field `before`: its id and wire type; `Some(None)` at its end.
    fn field(&mut self, before: i64) -> Option<Option<(i64, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let id = match head >> 4 {
            0 => self.int()?,
            step => before.checked_add(i64::from(step))?,
        };
        Some(Some((id, head & 0x0f)))
    }

    /// The number in field 1 of a struct, which is read to its end; zero where there is none.
    fn first_int(&mut self) -> Option<i64> {
        let (mut found, mut id) = (0, 0);
        while let Some((next, wire)) = self.field(id)? {
            id = next;
            match (id, wire) {
                (1, 5) => found = self.int()?,
                _ => self.skip(wire, 1)?,
            }
        }
        Some(found)
    }

    /// Passes over a value of a field.
    fn skip(&mut self, wire: u8, depth: usize) -> Option<()> {
        match wire {
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => self.varint().and_then(|length| self.pass(length)),
            12 if depth < Self::DEEPEST => {
                let mut id = 0;
                while let Some((next, wire)) = self.field(id)? {
                    id = next;
                    self.skip(wire, depth + 1)?;
                }
                Some(())
            }
            // Page headers have no lists, sets and maps.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small files of pyarrow 26 (5 columns of 4 rows): dictionaries in snappy, delta encodings unpacked in pages of
    /// version 2, plain in zstd.
    const FILES: [&[u8]; 3] = [
        include_bytes!("../tests/parquet/dictionary-snappy.parquet"),
        include_bytes!("../tests/parquet/delta-none.parquet"),
        include_bytes!("../tests/parquet/plain-zstd.parquet"),
    ];

    #[test]
    fn a_damaged_file_is_an_error_at_worst() {
        for whole in FILES {
            assert_eq!(read(whole, "").unwrap().0.height(), 4);
            assert_eq!(check(whole), Ok(()));
            for (at, flip) in (0..whole.len()).flat_map(|at| [(at, 0x01), (at, 0x80), (at, 0xff)]) {
                let mut damaged = whole.to_vec();
                damaged[at] ^= flip;
                // That it comes back is the claim: an abort would end the tests.
                let read = read(&damaged, "");
                assert!(read.is_err() || check(&damaged).is_ok(), "{at} {flip}");
            }
        }
    }

    #[test]
    fn pages_must_have_the_values_of_their_column() {
        // Type 0, 8 bytes, 8 bytes, a data page of 2 values, end of it, end of the header; the page.
        let page = [
            0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x2c, 0x15, 0x04, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        assert_eq!(values(&page, 2, 8), Ok(2));
        assert_eq!(values(&page.repeat(2), 4, 8), Ok(4));
        let refused = |bytes: &[u8], wanted, largest| values(bytes, wanted, largest).unwrap_err();
        assert_eq!(refused(&page, 3, 8), "it ends after 2 of 3 values");
        assert_eq!(
            refused(&page, 1, 8),
            "its pages have 2 values, and it has 1"
        );
        assert_eq!(refused(&page[..18], 2, 8), "it ends after 0 of 2 values");
        assert!(refused(&page, 2, 7).contains("too large"));
        let mut negative = page;
        negative[8] = 0x03;
        assert_eq!(refused(&negative, 2, 8), "a page has -2");
    }
}
