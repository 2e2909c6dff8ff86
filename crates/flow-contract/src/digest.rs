//! Digests of bytes and keys of recipes.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use serde::{Deserialize, Serialize};

/// The BLAKE3 digest of some bytes: 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

/// Files above this size are hashed on all cores while more of them is read.
const LARGE_BYTES: u64 = 4 << 20;
/// How much is read at a time; three such pieces are under way.
const PIECE_BYTES: usize = 4 << 20;

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
        if file.metadata()?.len() <= LARGE_BYTES {
            return Ok(Self::of(&std::fs::read(path)?));
        }
        let mut hasher = blake3::Hasher::new();
        in_pieces(file, |piece| {
            hasher.update_rayon(piece);
        })?;
        Ok(Self(*hasher.finalize().as_bytes()))
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

/// Reads a file on a thread of its own, always a piece ahead of who takes them.
fn in_pieces(mut file: File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let (full, pieces) = sync_channel::<io::Result<Vec<u8>>>(1);
    let (empty, spare) = channel::<Vec<u8>>();
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut piece = spare.try_recv().unwrap_or_default();
                piece.clear();
                piece.reserve(PIECE_BYTES);
                let mut part = (&mut file).take(PIECE_BYTES as u64);
                let read = part.read_to_end(&mut piece).map(|_| piece);
                let last = !matches!(&read, Ok(piece) if !piece.is_empty());
                // Nobody takes more only after an error.
                if full.send(read).is_err() || last {
                    return;
                }
            }
        });
        for piece in pieces {
            let piece = piece?;
            take(&piece);
            // The reader may be done by now.
            let _ = empty.send(piece);
        }
        Ok(())
    })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
        for more in [0, 1, PIECE_BYTES, 5 * PIECE_BYTES + 3] {
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
