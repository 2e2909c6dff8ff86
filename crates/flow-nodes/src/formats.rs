//! Whether a file that a command made is whole, and of the format its name says.
//!
//! What a format says of itself is read to the end: heads, lengths, sums, places. Values are not
//! judged. Formats not known here pass.

use std::io::{Cursor, Read};

use safetensors::tensor::SafeTensors;
use serde_json::Value;
use zip::ZipArchive;

use crate::arrays::{item_size, quoted, shape};

/// A check of some bytes; in words why they are not of the format.
type Check = fn(&[u8]) -> Result<(), String>;

/// Sorted by extension. Guard: `formats_are_sorted_and_refuse_what_is_cut_off`.
static FORMATS: [(&str, Check); 10] = [
    ("arrow", arrow),
    ("csv", crate::csv::check),
    ("feather", arrow),
    ("json", json),
    ("npy", npy),
    ("npz", npz),
    ("parquet", parquet),
    ("png", png),
    ("safetensors", safetensors),
    ("svg", svg),
];

/// Checks that bytes are a whole file of the format with this extension.
///
/// # Errors
/// In words: why they are not.
pub fn check(extension: &str, bytes: &[u8]) -> Result<(), String> {
    let known = FORMATS.iter().find(|(name, _)| *name == extension);
    let Some((_, check)) = known else {
        return Ok(());
    };
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    check(bytes)
}

fn begins(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(16)];
    format!("it begins with \"{}\"", head.escape_ascii())
}

/// The footer, and that the columns and pages lie within the file. Cells are not decoded.
fn parquet(bytes: &[u8]) -> Result<(), String> {
    match bytes.starts_with(b"PAR1") {
        true => crate::parquet::check(bytes),
        false => Err(begins(bytes)),
    }
}

fn safetensors(bytes: &[u8]) -> Result<(), String> {
    match SafeTensors::deserialize(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error}; {}", begins(bytes))),
    }
}

fn json(bytes: &[u8]) -> Result<(), String> {
    let read = serde_json::from_slice::<Value>(bytes);
    read.map(drop).map_err(|error| error.to_string())
}

/// Arrow's file format: a magic at both ends, and before the last one the length of the footer.
fn arrow(bytes: &[u8]) -> Result<(), String> {
    const MAGIC: &[u8] = b"ARROW1";
    if !bytes.starts_with(MAGIC) {
        return Err(begins(bytes));
    }
    let body = bytes.strip_suffix(MAGIC).ok_or("its end is missing")?;
    let length = body.last_chunk::<4>().ok_or("its end is missing")?;
    let footer = u32::from_le_bytes(*length) as usize;
    // Eight bytes of magic and padding come first, four of length last.
    match footer > 0 && footer + 12 <= body.len() {
        true => Ok(()),
        false => Err(format!("its footer of {footer} bytes does not fit into it")),
    }
}

/// Every chunk with its sum, from the header to the end mark.
fn png(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes
        .strip_prefix(b"\x89PNG\r\n\x1a\n")
        .ok_or_else(|| begins(bytes))?;
    let mut first = true;
    loop {
        let (length, after) = rest.split_first_chunk::<4>().ok_or("it is cut off")?;
        let size = u32::from_be_bytes(*length) as usize + 4;
        let (chunk, after) = after.split_at_checked(size).ok_or("it is cut off")?;
        let (sum, after) = after.split_first_chunk::<4>().ok_or("it is cut off")?;
        let name = chunk[..4].escape_ascii().to_string();
        if crc32(chunk) != u32::from_be_bytes(*sum) {
            return Err(format!("its part {name} is damaged"));
        }
        match (first, name.as_str()) {
            (true, "IHDR") => first = false,
            (true, _) => return Err(format!("it begins with {name} instead of IHDR")),
            (false, "IEND") => return Ok(()),
            (false, _) => {}
        }
        rest = after;
    }
}

/// CRC-32 as in ISO 3309 and PNG: reflected, polynomial 0xEDB88320.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// The head of an array, and that its values fill the rest.
fn npy(bytes: &[u8]) -> Result<(), String> {
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or_else(|| begins(bytes))?;
    let cut = || "its head is cut off".to_owned();
    let (from, length) = match rest {
        [1, _, a, b, ..] => (4, usize::from(u16::from_le_bytes([*a, *b]))),
        [2 | 3, _, a, b, c, d, ..] => (6, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => return Err(cut()),
    };
    let (head, values) = rest[from..].split_at_checked(length).ok_or_else(cut)?;
    let head = String::from_utf8_lossy(head);
    let shape = shape(&head).ok_or("its head says no shape")?;
    // The size of structured and of pickled values is not known here.
    let size = quoted(&head, "descr").and_then(|descr| match descr.get(1..3) {
        Some("c8" | "M8" | "m8") => Some(8),
        Some("c1") => Some(16),
        _ => item_size(descr),
    });
    let Some(size) = size else {
        return Ok(());
    };
    let wanted = shape
        .iter()
        .try_fold(size, |all, &one| all.checked_mul(one));
    match wanted == Some(values.len()) {
        true => Ok(()),
        false => Err(format!(
            "{} bytes follow its head, and {shape:?} values of {size} bytes are promised",
            values.len()
        )),
    }
}

/// Every array of the archive, with its sum.
fn npz(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(b"PK") {
        return Err(begins(bytes));
    }
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?.to_string();
        let mut held = Vec::new();
        let read = entry.read_to_end(&mut held);
        read.map_err(|error| format!("array `{name}`: {error}"))?;
        if name.ends_with(".npy") {
            npy(&held).map_err(|why| format!("array `{name}`: {why}"))?;
        }
    }
    Ok(())
}

/// Elements that are all closed, the outermost an `svg`.
fn svg(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
    let mut open: Vec<&str> = Vec::new();
    let mut root = None;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let length = markup_length(rest).ok_or("it is cut off within a tag")?;
        let (markup, after) = rest.split_at(length);
        rest = after;
        if markup.starts_with("<?") || markup.starts_with("<!") {
            continue;
        }
        let name = markup.trim_start_matches(['<', '/']);
        let name = name
            .split(|c: char| c.is_whitespace() || c == '/' || c == '>')
            .next();
        let name = name.unwrap_or_default();
        if markup.starts_with("</") {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!(
                    "`{name}` is closed where `{}` is open",
                    last.unwrap_or("nothing")
                ));
            }
            continue;
        }
        root = root.or(Some(name));
        if !markup.ends_with("/>") {
            open.push(name);
        }
    }
    let root = root.map(|name| name.rsplit(':').next().unwrap_or(name));
    match (root, open.last()) {
        (Some("svg"), None) => Ok(()),
        (Some("svg"), Some(name)) => Err(format!("it is cut off: `{name}` is not closed")),
        (Some(other), _) => Err(format!("it is a document of `{other}`")),
        (None, _) => Err(begins(bytes)),
    }
}

/// How long the tag, comment or instruction is that a text begins with.
fn markup_length(text: &str) -> Option<usize> {
    for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if let Some(inner) = text.strip_prefix(start) {
            return Some(start.len() + inner.find(end)? + end.len());
        }
    }
    let (mut quote, mut depth) = (None, 0);
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(sign),
            // The inner part of a DOCTYPE.
            (None, '[') => depth += 1,
            (None, ']') => depth -= 1,
            (None, '>') if depth == 0 => return Some(at + 1),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz::{Array, npz as write_npz};
    use crate::table::TableBuilder;
    use crate::tensor::TensorsBuilder;

    /// The head of an npy file as numpy writes it, and 3 × 2 numbers of four bytes.
    fn array() -> Vec<u8> {
        let dict = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }         \n";
        let length = (dict.len() as u16).to_le_bytes();
        [&b"\x93NUMPY\x01\x00"[..], &length, dict, &[7; 24]].concat()
    }

    fn whole() -> Vec<(&'static str, Vec<u8>)> {
        let table = TableBuilder::new()
            .int("epoch", &[0, 1])
            .text("stage", &["W", "N2"]);
        let archive = Array {
            name: "x".to_owned(),
            descr: "<f4".to_owned(),
            shape: vec![3, 2],
            bytes: vec![7; 24].into(),
        };
        let tensors = TensorsBuilder::new().f32("x", &[2], &[1.0, 2.0]);
        // One grey pixel.
        let png = [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55"[..],
            &b"\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82"[..],
        ];
        let arrow = [
            &b"ARROW1\0\0"[..],
            &[1; 16],
            &16u32.to_le_bytes(),
            b"ARROW1",
        ]
        .concat();
        vec![
            ("arrow", arrow.clone()),
            ("csv", b"stage,note\nW,\"a long, quoted\nfield\"\nN2,d".to_vec()),
            ("feather", arrow),
            ("json", b" {\"a\": [1, null]}".to_vec()),
            ("npy", array()),
            ("npz", write_npz(&[archive]).unwrap()),
            ("parquet", table.parquet().unwrap()),
            ("png", png.concat()),
            ("safetensors", tensors.build().unwrap()),
            ("svg", b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"b\">]>\n<svg a=\">\"><g/><text>1 &lt; 2</text></svg>".to_vec()),
        ]
    }

    #[test]
    fn formats_are_sorted_and_refuse_what_is_cut_off() {
        let whole = whole();
        let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted());
        assert_eq!(
            names,
            whole.iter().map(|(name, _)| *name).collect::<Vec<_>>()
        );
        for (name, bytes) in &whole {
            assert_eq!(check(name, bytes), Ok(()), "{name}");
            for end in [0, bytes.len() / 2, bytes.len() - 2] {
                assert!(check(name, &bytes[..end]).is_err(), "{name} up to {end}");
            }
        }
        for (name, other) in &whole {
            if !["csv", "json"].contains(name) {
                assert!(check(name, b"a,b\n1,2\n").is_err(), "{name}");
            }
            assert_eq!(check("bin", other), Ok(()));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            check("csv", b"a;b\n1;2\n3\n").unwrap_err(),
            "line 3 has 1 fields, and the first has 2"
        );
        assert_eq!(check("csv", b"alone\n\n1\n"), Ok(()));
        assert!(check("svg", b"<html></html>").unwrap_err().contains("html"));
        assert!(
            check("svg", b"<svg><g></svg>")
                .unwrap_err()
                .contains("`g` is open")
        );
        let mut png = whole().swap_remove(7).1;
        png[20] ^= 1;
        assert!(check("png", &png).unwrap_err().contains("IHDR is damaged"));
        assert!(
            check("npy", &[&array()[..], &[0]].concat())
                .unwrap_err()
                .contains("25 bytes")
        );
    }
}
