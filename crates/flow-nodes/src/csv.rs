//! CSV as others write it: what parts its fields, and what each column holds, told from every row.
//!
//! A column is of numbers or booleans only where nothing is lost by that: `007`, `"1"` in quotes and whole
//! numbers beyond 64 bits stay text.

use std::collections::BTreeSet;

/// What a file's header and rows say.
#[derive(Debug, PartialEq)]
pub struct Outline {
    /// The sign between fields.
    pub separator: u8,
    /// Names and what they hold, in order; no name twice. Guard: `what_can_not_be_read_is_said_with_its_line`.
    pub columns: Vec<(String, Holds)>,
    /// Whether there are empty lines, which are no rows.
    pub has_empty_lines: bool,
}

/// What the cells of a column are, empty ones apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// All are empty.
    Nothing,
    /// Whole numbers of 64 bits.
    Whole,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Anything else.
    Text,
}

/// The mark that some programs put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file's header and judges its columns by all rows.
///
/// # Errors
/// In words: what [`check`] refuses, text that is not UTF-8, and a column that stands twice.
pub fn outline(bytes: &[u8]) -> Result<Outline, String> {
    let separator = separator(bytes);
    let mut columns: Vec<(String, Holds)> = Vec::new();
    let has_empty_lines = rows(bytes, separator, |line, fields| {
        if fields
            .iter()
            .any(|field| std::str::from_utf8(field).is_err())
        {
            return Err(format!("line {line} is not UTF-8"));
        }
        if columns.is_empty() {
            let names = fields.iter().map(|field| (unquoted(field), Holds::Nothing));
            columns = names.collect();
        } else {
            for ((_, holds), field) in columns.iter_mut().zip(fields) {
                *holds = holds.and(Holds::of(field));
            }
        }
        Ok(())
    })?;
    let mut seen = BTreeSet::new();
    match columns.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(format!("the column `{name}` stands twice")),
        None if columns.is_empty() => Err("it is empty".to_owned()),
        None => Ok(Outline {
            separator,
            columns,
            has_empty_lines,
        }),
    }
}

/// Checks that all rows have as many fields as the first, and that quoted fields are closed.
///
/// A file that ends within its last field can't be told from a whole one.
///
/// # Errors
/// In words: the line, and what is wrong there.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    rows(bytes, separator(bytes), |_, _| Ok(())).map(drop)
}

/// The file without its empty lines.
pub fn without_empty_lines(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut quoted = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if quoted || line != b"\n" && line != b"\r\n" {
            kept.extend_from_slice(line);
        }
        quoted ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
    }
    kept
}

/// Fields end at commas, or where the first line has none, at semicolons or tabs.
fn separator(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| *byte == b'\n').next();
    let first = first.unwrap_or_default();
    let mut signs = [b',', b';', b'\t'].into_iter();
    signs.find(|sign| first.contains(sign)).unwrap_or(b',')
}

/// Goes through the rows, each with the number of its line and its fields, quotes and all. Tells whether
/// there are empty lines.
fn rows(
    bytes: &[u8],
    separator: u8,
    mut row: impl FnMut(usize, &[&[u8]]) -> Result<(), String>,
) -> Result<bool, String> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let (mut fields, mut wanted, mut empty) = (Vec::new(), None, false);
    let (mut start, mut quoted, mut line, mut first) = (0, false, 1, 1);
    let ends = std::iter::once((bytes.len(), &b'\n'));
    for (at, byte) in bytes.iter().enumerate().chain(ends) {
        match byte {
            0 => return Err(format!("line {line} holds a byte 0, so it is no text")),
            b'"' => quoted = !quoted,
            b'\n' if quoted && at < bytes.len() => line += 1,
            b'\n' if quoted => return Err(format!("a quoted field in line {first} is not closed")),
            b'\n' => {
                let last = &bytes[start..at];
                fields.push(last.strip_suffix(b"\r").unwrap_or(last));
                if fields != [b""] {
                    refuse_ragged(first, fields.len(), &mut wanted)?;
                    row(first, &fields)?;
                } else if at < bytes.len() {
                    empty = true;
                }
                fields.clear();
                (start, line) = (at + 1, line + 1);
                first = line;
            }
            byte if *byte == separator && !quoted => {
                fields.push(&bytes[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(empty)
}

fn refuse_ragged(line: usize, fields: usize, wanted: &mut Option<usize>) -> Result<(), String> {
    match *wanted.get_or_insert(fields) {
        wanted if wanted == fields => Ok(()),
        wanted => Err(format!(
            "line {line} has {fields} fields, and the first has {wanted}"
        )),
    }
}

fn unquoted(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.map_or_else(|| text.to_string(), |inner| inner.replace("\"\"", "\""))
}

impl Holds {
    fn of(field: &[u8]) -> Self {
        let text = std::str::from_utf8(field).unwrap_or("\"");
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = || {
            let signs = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
            let special = ["NaN", "nan", "inf", "-inf"].contains(&text);
            (special || text.bytes().all(signs)) && text.parse::<f64>().is_ok()
        };
        match text {
            "" => Self::Nothing,
            _ if is_whole && digits.len() > 1 && digits.starts_with('0') => Self::Text,
            _ if is_whole && text.parse::<i64>().is_ok() => Self::Whole,
            _ if is_whole => Self::Text,
            _ if is_number() => Self::Number,
            _ if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => {
                Self::Boolean
            }
            _ => Self::Text,
        }
    }

    /// What a column holds that holds both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (one, other) if one == other => one,
            (Self::Whole, Self::Number) | (Self::Number, Self::Whole) => Self::Number,
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(cells: &[&str]) -> Holds {
        let cells = cells.iter().map(|cell| Holds::of(cell.as_bytes()));
        cells.fold(Holds::Nothing, Holds::and)
    }

    #[test]
    fn a_column_is_text_where_numbers_would_lose_something() {
        assert_eq!(holds(&["1", "", "-20"]), Holds::Whole);
        assert_eq!(holds(&["1", "0.5", "1e-3", "NaN"]), Holds::Number);
        assert_eq!(holds(&["true", "False"]), Holds::Boolean);
        assert_eq!(holds(&["", ""]), Holds::Nothing);
        let texts = [
            "007",
            "\"1\"",
            "99999999999999999999",
            " 1",
            "NA",
            "1_0",
            "e",
            "-",
            ".",
        ];
        for text in texts {
            assert_eq!(holds(&["1", text]), Holds::Text, "{text}");
        }
        assert_eq!(holds(&["1", "true"]), Holds::Text);
    }

    #[test]
    fn marks_separators_quotes_and_line_ends_are_known() {
        let told = |text: &str| {
            let outline = outline(text.as_bytes()).unwrap();
            let names = outline.columns.into_iter().map(|(name, _)| name);
            (outline.separator, names.collect::<Vec<_>>().join("|"))
        };
        assert_eq!(told("\u{feff}a,b\r\n1,2\r\n"), (b',', "a|b".to_owned()));
        assert_eq!(
            told("a;\"b\"\"c\"\n1;\"x;\ny\"\n"),
            (b';', "a|b\"c".to_owned())
        );
        assert_eq!(told("a\tb"), (b'\t', "a|b".to_owned()));
        let text = b"a,b\n\n1,\"\n\n\"\n\r\n";
        assert!(outline(text).unwrap().has_empty_lines);
        assert_eq!(without_empty_lines(text), b"a,b\n1,\"\n\n\"\n");
    }

    #[test]
    fn what_can_not_be_read_is_said_with_its_line() {
        let why = |bytes: &[u8]| outline(bytes).unwrap_err();
        assert_eq!(
            why(b"a,b\n\"1\n\",2\n\n3\n"),
            "line 5 has 1 fields, and the first has 2"
        );
        assert_eq!(why(b"a,b\nJ\xf6rg,2\n"), "line 2 is not UTF-8");
        assert_eq!(why(b"a,b,a\n"), "the column `a` stands twice");
        assert_eq!(
            why(b"a,b\n\"1,2\n3,4\n"),
            "a quoted field in line 2 is not closed"
        );
        assert_eq!(why(b"a\n\0\n"), "line 2 holds a byte 0, so it is no text");
        assert_eq!(why(b""), "it is empty");
    }
}
