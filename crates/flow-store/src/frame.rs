//! The bytes of a log: frames in a segment, rows in its index.

use flow_contract::Digest;

/// Marks the begin of a frame; its last byte is the version of the format.
pub(crate) const MAGIC: [u8; 4] = *b"flw1";
/// Bytes of a frame before its payload.
pub(crate) const HEADER_BYTES: usize = 72;
/// Frames begin at multiples of this, so that they can be found again after a damaged one.
pub(crate) const ALIGNMENT: u64 = 8;
/// Bytes of a row of an index.
pub(crate) const ROW_BYTES: usize = 48;

/// What a frame says about its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the payload is called: the digest of a blob, a key, the digest of a path.
    pub name: Digest,
    /// A second, shared name: the instance of a record.
    pub group: u64,
    /// Counts up over all segments; of two frames with one name the higher one holds.
    pub order: u64,
    /// Bytes of the payload.
    pub len: u32,
    /// Whether the frame says that its name is to be forgotten.
    pub gone: bool,
}

impl Header {
    /// The header as it stands at `offset`, which its check covers: a copy elsewhere is no frame.
    pub fn to_bytes(self, offset: u64) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.len.to_le_bytes());
        bytes[8..40].copy_from_slice(self.name.as_bytes());
        bytes[40..48].copy_from_slice(&self.group.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.order.to_le_bytes());
        bytes[56] = u8::from(self.gone);
        let check = check(offset, &[&bytes[..64]]);
        bytes[64..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` if these bytes are none at this offset.
    pub fn from_bytes(bytes: &[u8], offset: u64) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let name: [u8; 32] = *bytes[8..40].first_chunk()?;
        let intact = bytes[..4] == MAGIC && number(&bytes[64..]) == check(offset, &[&bytes[..64]]);
        intact.then(|| Self {
            name: Digest::from_bytes(name),
            group: number(&bytes[40..48]),
            order: number(&bytes[48..56]),
            len: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            gone: bytes[56] != 0,
        })
    }

    /// Bytes from this frame to the next.
    pub fn span(self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.len).next_multiple_of(ALIGNMENT)
    }
}

/// Where a frame is and what it is called, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The first half of its name.
    pub prefix: Prefix,
    /// Where in the segment it begins.
    pub offset: u64,
    /// As in [`Header`].
    pub group: u64,
    /// As in [`Header`].
    pub order: u64,
    /// As in [`Header`].
    pub len: u32,
    /// As in [`Header`].
    pub gone: bool,
}

impl Row {
    pub fn new(header: Header, offset: u64) -> Self {
        Self {
            prefix: prefix(&header.name),
            offset,
            group: header.group,
            order: header.order,
            len: header.len,
            gone: header.gone,
        }
    }

    /// Where the frame ends.
    pub fn end(&self) -> u64 {
        self.offset + HEADER_BYTES as u64 + u64::from(self.len).next_multiple_of(ALIGNMENT)
    }

    /// Whether this row speaks of this frame.
    pub fn is_of(&self, header: Header) -> bool {
        *self == Self::new(header, self.offset)
    }

    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.prefix[0].to_le_bytes());
        bytes.extend(self.prefix[1].to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.group.to_le_bytes());
        bytes.extend(self.order.to_le_bytes());
        bytes.extend(self.len.to_le_bytes());
        bytes.extend([u8::from(self.gone), 0, 0, 0]);
    }

    pub fn read(bytes: &[u8; ROW_BYTES]) -> Self {
        Self {
            prefix: [number(&bytes[..8]), number(&bytes[8..16])],
            offset: number(&bytes[16..24]),
            group: number(&bytes[24..32]),
            order: number(&bytes[32..40]),
            len: u32::from_le_bytes([bytes[40], bytes[41], bytes[42], bytes[43]]),
            gone: bytes[44] != 0,
        }
    }
}

/// The first half of a digest: enough to find it by, never enough to trust it.
pub(crate) type Prefix = [u64; 2];

pub(crate) fn prefix(name: &Digest) -> Prefix {
    let bytes = name.as_bytes();
    [number(&bytes[..8]), number(&bytes[8..16])]
}

/// Eight bytes of BLAKE3 over the place and the parts.
pub(crate) fn check(offset: u64, parts: &[&[u8]]) -> u64 {
    let mut bytes = Vec::with_capacity(8 + parts.iter().map(|part| part.len()).sum::<usize>());
    bytes.extend(offset.to_le_bytes());
    parts.iter().for_each(|part| bytes.extend(*part));
    number(&Digest::of(&bytes).as_bytes()[..8])
}

/// A number of up to eight bytes, little endian.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let len = bytes.len().min(8);
    eight[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn headers()(name: [u8; 32], group: u64, order: u64, len: u32, gone: bool) -> Header {
            Header { name: Digest::from_bytes(name), group, order, len, gone }
        }
    }

    proptest! {
        #[test]
        fn a_header_survives_its_bytes_but_only_in_its_place(header in headers(), offset in 0..1u64 << 48) {
            let bytes = header.to_bytes(offset);
            prop_assert_eq!(Header::from_bytes(&bytes, offset), Some(header));
            prop_assert_eq!(Header::from_bytes(&bytes, offset + 8), None);
        }

        #[test]
        fn a_flipped_bit_makes_it_no_header(header in headers(), bit in 0..HEADER_BYTES * 8) {
            let mut bytes = header.to_bytes(64);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Header::from_bytes(&bytes, 64), None);
        }

        #[test]
        fn a_row_survives_its_bytes(header in headers(), offset: u64) {
            let row = Row::new(header, offset);
            let mut bytes = Vec::new();
            row.write(&mut bytes);
            prop_assert_eq!(Row::read(bytes.first_chunk().unwrap()), row);
            prop_assert!(row.is_of(header));
        }
    }
}
