//! Whether bytes from outside have the form that the study says they have.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flow_contract::{Form, NodeError, Produced};

/// How many bytes at either end are looked at.
const END_BYTES: u64 = 4096;
/// The largest header that readers of safetensors accept.
const LARGEST_HEADER_BYTES: u64 = 100_000_000;

/// Checks what was given on a port by its signature: the whole content is up to its readers.
///
/// # Errors
/// In words: which port, what it should be, and what it begins with.
pub(crate) fn check(form: Form, given: &Produced, port: &str) -> Result<(), NodeError> {
    let ends = match given {
        Produced::Bytes(bytes) => Ok(Ends::of(bytes)),
        Produced::Staged(path) => Ends::read(path),
    };
    let ends = ends.map_err(|error| NodeError::new(format!("reading output `{port}`: {error}")))?;
    if ends.have(form) {
        return Ok(());
    }
    let head = &ends.head[..ends.head.len().min(16)];
    let begins = match ends.len {
        0 => "it is empty".to_owned(),
        _ => format!("it begins with \"{}\"", head.escape_ascii()),
    };
    Err(
        NodeError::new(format!("output `{port}` is not {}", words(form)))
            .because(begins)
            .help("give it another `type` in `outputs`, or none for any file"),
    )
}

fn words(form: Form) -> &'static str {
    match form {
        Form::Tensors => "tensors as safetensors",
        Form::Table => "a table as Parquet",
        Form::Figure => "a figure as SVG",
        Form::Picture => "a picture as PNG",
        Form::Document => "a document as JSON",
        Form::File => "a file",
    }
}

/// Both ends of some bytes; they overlap where there are few.
struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    len: u64,
}

impl Ends {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.len().min(END_BYTES as usize);
        Self {
            head: bytes[..end].to_vec(),
            tail: bytes[bytes.len() - end..].to_vec(),
            len: bytes.len() as u64,
        }
    }

    fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        let end = len.min(END_BYTES);
        let (mut head, mut tail) = (vec![0; end as usize], vec![0; end as usize]);
        file.read_exact(&mut head)?;
        file.seek(SeekFrom::Start(len - end))?;
        file.read_exact(&mut tail)?;
        Ok(Self { head, tail, len })
    }

    fn have(&self, form: Form) -> bool {
        match form {
            Form::File => true,
            Form::Table => {
                self.len >= 12 && self.head.starts_with(b"PAR1") && self.tail.ends_with(b"PAR1")
            }
            Form::Tensors => self.safetensors(),
            Form::Figure => self.head.windows(4).any(|bytes| bytes == b"<svg"),
            Form::Picture => self.head.starts_with(b"\x89PNG\r\n\x1a\n"),
            Form::Document => self.json(),
        }
    }

    /// Eight bytes of length, little endian, then so many bytes of a JSON object.
    fn safetensors(&self) -> bool {
        let Some((length, header)) = self.head.split_first_chunk::<8>() else {
            return false;
        };
        let length = u64::from_le_bytes(*length);
        header.first() == Some(&b'{') && length <= LARGEST_HEADER_BYTES && length + 8 <= self.len
    }

    /// By its first and last sign: an object, a list, a text, a number or a word.
    fn json(&self) -> bool {
        match (self.head.trim_ascii_start(), self.tail.trim_ascii_end()) {
            ([b'{', ..], [.., b'}']) | ([b'[', ..], [.., b']']) => true,
            ([b'"', _, ..], [.., b'"']) => true,
            ([b'-' | b'0'..=b'9', ..], [.., b'0'..=b'9']) => true,
            (word, _) => matches!(word.trim_ascii_end(), b"true" | b"false" | b"null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(form: Form, bytes: &[u8]) -> bool {
        check(form, &Produced::Bytes(bytes.to_vec()), "out").is_ok()
    }

    #[test]
    fn each_form_is_known_by_its_signature() {
        let tensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
        let right: [(Form, &[u8]); 6] = [
            (Form::Tensors, &tensors),
            (Form::Table, b"PAR1....PAR1"),
            (Form::Figure, b"<?xml version=\"1.0\"?>\n<svg/>"),
            (Form::Picture, b"\x89PNG\r\n\x1a\n...."),
            (Form::Document, b" {\"a\": [1]}\n"),
            (Form::File, b""),
        ];
        for (form, bytes) in right {
            assert!(fits(form, bytes), "{form:?}");
            for (other, _) in right.iter().filter(|(other, _)| *other != Form::File) {
                assert_eq!(fits(*other, bytes), *other == form, "{other:?} of {form:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        assert!(!fits(Form::Table, b"PAR1"));
        assert!(!fits(
            Form::Tensors,
            &[&9u64.to_le_bytes()[..], b"{}"].concat()
        ));
        assert!(!fits(Form::Document, b"{\"a\": "));
    }
}
