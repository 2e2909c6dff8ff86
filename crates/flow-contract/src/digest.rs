//! Digests of bytes and keys of recipes.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::str::FromStr;

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The BLAKE3 digest of some bytes: 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

/// Files above this size are hashed on all cores.
const LARGE_BYTES: u64 = 4 << 20;
/// How much a core reads at a time; it is still in the core's cache when it is hashed. A power of two,
/// so that pieces are whole subtrees of BLAKE3's tree.
const PIECE_BYTES: u64 = 256 << 10;
/// How many pieces in a row one core takes at least.
const ROW_PIECES: usize = 64;

impl Digest {
    /// Digests bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Digests a file's content as it is read: a file that somebody cuts off meanwhile has another
    /// digest, where a map of it would end the process.
    ///
    /// # Errors
    /// The I/O error of opening or reading `path`.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        if len <= LARGE_BYTES {
            let mut bytes = Vec::with_capacity(len as usize + 1);
            // A limit, though there is none, keeps the file from being asked for its size once more.
            file.take(u64::MAX).read_to_end(&mut bytes)?;
            return Ok(Self::of(&bytes));
        }
        match of_large(&file, len) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let read = blake3::Hasher::new().update_reader(file)?.finalize();
                Ok(Self(*read.as_bytes()))
            }
            digest => digest,
        }
    }

    /// A digest from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

/// Digests the first `len` bytes of a file, more than a piece of them, on all cores.
///
/// Reading what others may cut off is slower than mapping it only where the bytes go through memory
/// twice; here each piece goes into a buffer that the core still has at hand when it hashes it.
fn of_large(file: &File, len: u64) -> io::Result<Digest> {
    let buffer = || vec![0; PIECE_BYTES as usize];
    let value = |buffer: &mut Vec<u8>, piece: u64| -> io::Result<ChainingValue> {
        let from = piece * PIECE_BYTES;
        let part = &mut buffer[..(len - from).min(PIECE_BYTES) as usize];
        file.read_exact_at(part, from)?;
        let mut hasher = blake3::Hasher::new();
        Ok(hasher
            .set_input_offset(from)
            .update(part)
            .finalize_non_root())
    };
    let pieces = (0..len.div_ceil(PIECE_BYTES) as usize).into_par_iter();
    let values = pieces.with_min_len(ROW_PIECES);
    let values = values.map_init(buffer, |buffer, piece| value(buffer, piece as u64));
    let values: Vec<ChainingValue> = values.collect::<io::Result<_>>()?;
    let (left, right) = values.split_at(left_of(values.len()));
    let root = merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash);
    Ok(Digest(*root.as_bytes()))
}

/// The value above pieces that lie side by side, at least one.
fn subtree(values: &[ChainingValue]) -> ChainingValue {
    if let [value] = values {
        return *value;
    }
    let (left, right) = values.split_at(left_of(values.len()));
    merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
}

/// How many of at least two leaves lie to the left: the largest power of two that leaves some.
fn left_of(leaves: usize) -> usize {
    1 << (leaves - 1).ilog2()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest of 64 hexadecimal digits")]
pub struct ParseDigestError {
    text: String,
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseDigestError {
            text: text.to_owned(),
        };
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// The digest of a recipe: the name under which its outcome is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub Digest);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::of(b"epoch");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("zz".parse::<Digest>().is_err());
        assert!("é".repeat(32).parse::<Digest>().is_err());
    }

    #[test]
    fn a_large_file_has_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let piece = PIECE_BYTES as usize;
        for more in [0, 1, piece, 5 * piece + 3, 17 * piece] {
            let bytes: Vec<u8> = (0..LARGE_BYTES as usize + more)
                .map(|at| (at / 1000) as u8)
                .collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Digest::of_file(&path).unwrap(), Digest::of(&bytes));
        }
    }

    #[test]
    fn a_file_that_is_cut_off_while_it_is_hashed_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let file = File::create(&path).unwrap();
        for _ in 0..20 {
            file.set_len(64 << 20).unwrap();
            thread::scope(|scope| {
                let hashed = scope.spawn(|| Digest::of_file(&path));
                file.set_len(1).unwrap();
                hashed.join().unwrap().unwrap();
            });
        }
    }
}
