//! The index of a segment: rows in checked blocks, so that opening reads no frame.
//!
//! A block says which part of the segment it covers; blocks follow each other without a gap. An
//! index is only ever a short cut: what it doesn't cover is read from the segment itself, and one
//! that is damaged or belongs to another segment is left aside.

use flow_contract::Digest;

use crate::frame::{ROW_BYTES, Row, number};

const MAGIC: [u8; 4] = *b"idx1";
const CHECK_BYTES: usize = 8;
const BLOCK_HEADER_BYTES: usize = 32;

/// What an index tells of its segment.
#[derive(Debug, Default)]
pub(crate) struct Indexed {
    /// The rows, by offset.
    pub rows: Vec<Row>,
    /// How much of the segment they cover.
    pub covered: u64,
    /// How much of the index's own file is good.
    pub bytes: u64,
}

/// Reads blocks as long as they are good and within the first `segment_bytes` of the segment.
pub(crate) fn read_blocks(bytes: &[u8], segment_bytes: u64) -> Indexed {
    let mut indexed = Indexed::default();
    let mut rest = bytes;
    while let Some((rows, to)) = first_block(rest, indexed.covered, segment_bytes) {
        let (rows_of_block, _) = rows.as_chunks::<ROW_BYTES>();
        indexed.rows.reserve(rows_of_block.len());
        indexed.rows.extend(rows_of_block.iter().map(Row::read));
        indexed.covered = to;
        rest = &rest[BLOCK_HEADER_BYTES + rows.len()..];
    }
    indexed.bytes = (bytes.len() - rest.len()) as u64;
    indexed
}

/// The bytes of a block of rows that covers the segment `from ..= to`.
pub(crate) fn block(rows: &[Row], from: u64, to: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BLOCK_HEADER_BYTES + rows.len() * ROW_BYTES);
    bytes.extend([0; CHECK_BYTES]);
    bytes.extend(MAGIC);
    bytes.extend((rows.len() as u32).to_le_bytes());
    bytes.extend(from.to_le_bytes());
    bytes.extend(to.to_le_bytes());
    rows.iter().for_each(|row| row.write(&mut bytes));
    let digest = Digest::of(&bytes[CHECK_BYTES..]);
    bytes[..CHECK_BYTES].copy_from_slice(&digest.as_bytes()[..CHECK_BYTES]);
    bytes
}

/// The bytes of the rows of the block that `bytes` begin with, and up to where it covers.
fn first_block(bytes: &[u8], from: u64, segment_bytes: u64) -> Option<(&[u8], u64)> {
    let header: &[u8; BLOCK_HEADER_BYTES] = bytes.first_chunk()?;
    let len = (number(&header[12..16]) as usize).checked_mul(ROW_BYTES)?;
    let rows = bytes[BLOCK_HEADER_BYTES..].get(..len)?;
    let to = number(&header[24..]);
    let fits = header[8..12] == MAGIC
        && number(&header[16..24]) == from
        && (from..=segment_bytes).contains(&to);
    let checked = || Digest::of(&bytes[CHECK_BYTES..BLOCK_HEADER_BYTES + len]);
    let good = fits && checked().as_bytes()[..CHECK_BYTES] == header[..CHECK_BYTES];
    good.then_some((rows, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Header;

    fn row(offset: u64) -> Row {
        let header = Header {
            name: Digest::of(&offset.to_le_bytes()),
            group: 3,
            order: offset,
            len: 10,
            gone: false,
        };
        Row::new(header, offset)
    }

    #[test]
    fn blocks_are_read_up_to_the_first_that_does_not_fit() {
        let mut bytes = block(&[row(0), row(88)], 0, 176);
        bytes.extend(block(&[row(176)], 176, 264));
        let all = read_blocks(&bytes, 264);
        assert_eq!((all.rows.len(), all.covered), (3, 264));
        assert_eq!(all.rows[2], row(176));
        let shorter_segment = read_blocks(&bytes, 263);
        assert_eq!(
            (shorter_segment.rows.len(), shorter_segment.covered),
            (2, 176)
        );
    }

    #[test]
    fn a_flip_anywhere_ends_the_index_before_it() {
        let first = block(&[row(0)], 0, 88);
        let mut bytes = first.clone();
        bytes.extend(block(&[row(88)], 88, 176));
        for at in 0..bytes.len() {
            bytes[at] ^= 4;
            let good = if at < first.len() { 0 } else { 1 };
            assert_eq!(read_blocks(&bytes, 176).rows.len(), good, "{at}");
            bytes[at] ^= 4;
        }
    }

    #[test]
    fn a_cut_off_index_is_read_to_its_last_whole_block() {
        let first = block(&[row(0)], 0, 88);
        let mut bytes = first.clone();
        bytes.extend(block(&[row(88)], 88, 176));
        for len in 0..bytes.len() {
            let indexed = read_blocks(&bytes[..len], 176);
            assert_eq!(indexed.rows.len(), usize::from(len >= first.len()), "{len}");
        }
    }
}
