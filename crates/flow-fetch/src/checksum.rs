//! SHA-256 checksums and the lists that releases publish.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::Digest;

/// The SHA-256 of some bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256([u8; 32]);

/// A line of a list of checksums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The file, relative to the list.
    pub file: String,
    /// The checksum of its bytes.
    pub sha256: Sha256,
}

/// A list of checksums can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// A text is no checksum.
    #[error("`{0}` is no SHA-256, which has 64 hexadecimal digits")]
    NotSha256(String),
    /// A line of a list is no checksum and name.
    #[error("line {line} of the list reads `{text}`, not a SHA-256 and the name of a file")]
    Line {
        /// The line, from 1.
        line: usize,
        /// The start of what stands there.
        text: String,
    },
    /// A name leads out of the folder.
    #[error("line {line} of the list names `{file}`, which leads out of its folder")]
    Outside {
        /// The line, from 1.
        line: usize,
        /// The name.
        file: String,
    },
}

impl Sha256 {
    /// The checksum of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The checksum of what is left to read.
    ///
    /// # Errors
    /// The I/O error of reading.
    pub fn of_reader(reader: &mut impl Read) -> io::Result<Self> {
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(Self(hasher.finalize().into())),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    /// The checksum of a file; none where there is no such file.
    ///
    /// # Errors
    /// The I/O error of opening or reading it.
    pub fn of_file(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(mut file) => Self::of_reader(&mut file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let wrong = || ChecksumError::NotSha256(text.chars().take(80).collect());
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// Reads a list as `sha256sum` and PhysioNet write it: a checksum, white space, a name, on each line.
///
/// A `*` before the name, which marks binary files, and a leading `./` are left out; empty lines too.
///
/// # Errors
/// [`ChecksumError::Line`], [`ChecksumError::Outside`].
pub fn read_checksums(text: &str) -> Result<Vec<Checksum>, ChecksumError> {
    let mut list = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let wrong = || ChecksumError::Line {
            line,
            text: text.chars().take(40).collect(),
        };
        let (sha256, file) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(wrong)?;
        let sha256 = sha256.parse().map_err(|_| wrong())?;
        let file = file
            .trim_start()
            .trim_start_matches('*')
            .trim_start_matches("./");
        if !stays_inside(file) {
            let file = file.to_owned();
            return Err(ChecksumError::Outside { line, file });
        }
        let file = file.to_owned();
        list.push(Checksum { file, sha256 });
    }
    Ok(list)
}

/// Whether a name from outside can only mean a file below the folder it is joined to.
fn stays_inside(file: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    !file.contains(['\\', '\0']) && file.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_checksum_of_nothing_is_the_known_one() {
        assert_eq!(Sha256::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.to_uppercase().parse(), Ok(Sha256::of(b"")));
        assert!("e3".parse::<Sha256>().is_err());
        assert!("é".repeat(32).parse::<Sha256>().is_err());
    }

    #[test]
    fn lists_of_sha256sum_and_physionet_are_read() {
        let text = format!("{EMPTY}  ./a b.edf\r\n\n{EMPTY} *sleep/c.edf\n");
        let list = read_checksums(&text).unwrap();
        let files: Vec<&str> = list.iter().map(|line| line.file.as_str()).collect();
        assert_eq!(files, ["a b.edf", "sleep/c.edf"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for file in ["../x", "/etc/passwd", "a/../../b", "a//b", "..\\x"] {
            let error = read_checksums(&format!("{EMPTY} {file}")).unwrap_err();
            assert!(
                matches!(error, ChecksumError::Outside { line: 1, .. }),
                "{file}"
            );
        }
        let error = read_checksums("<html>not a list</html>").unwrap_err();
        assert!(matches!(error, ChecksumError::Line { line: 1, .. }));
    }
}
