//! Places in the study file.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A range of bytes of the study file.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// A place as editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// The text of the study file with the starts of its lines.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub text: String,
    starts: Vec<usize>,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text: text.to_owned(),
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// The place of a byte; a byte inside a character counts as that character.
    pub fn place(&self, byte: usize) -> Place {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        let before = self.text[start..]
            .char_indices()
            .take_while(|(at, _)| start + at < byte);
        Place {
            line,
            column: before.count() + 1,
        }
    }

    /// The text of a line counted from 1, without its break.
    pub fn line(&self, line: usize) -> &str {
        let start = self.starts[line - 1];
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let source = Source::new("µ = 1\nβ = \"µV\"\r\n");
        let at = source.text.find('V').unwrap();
        assert_eq!(source.place(at), Place { line: 2, column: 7 });
        assert_eq!(source.line(2), "β = \"µV\"");
        assert_eq!(source.place(1_000).line, 3);
        assert_eq!(Source::new("").place(0), Place { line: 1, column: 1 });
    }
}
