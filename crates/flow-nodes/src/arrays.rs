//! Arrays in files of others: npy, npz and safetensors, and the columns of Parquet and CSV tables.
//!
//! All become [`Array`]s: row-major and little-endian, whatever the file had.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use flow_contract::{NodeError, Value};
use safetensors::tensor::{SafeTensors, TensorView};
use zip::ZipArchive;

use crate::npz::{Array, descr};
use crate::table::Table;

/// What a file holds.
pub enum Held<'a> {
    /// Arrays by name; an npy file's one has the name "".
    Arrays(Vec<Array<'a>>),
    /// A table, read column by column.
    Table(Table),
}

/// Reads a file of any of the forms, told by its first bytes; what is none of them is read as CSV.
///
/// # Errors
/// A file that ends early, or holds a type of numbers that is not known here.
pub fn read(bytes: &[u8]) -> Result<Held<'_>, NodeError> {
    if let Some(arrays) = arrays(bytes)? {
        return Ok(Held::Arrays(arrays));
    }
    Table::read_any(bytes).map(Held::Table)
}

/// The arrays of an npy, npz or safetensors file, which are borrowed where its bytes serve as they are; `None`
/// where it is none of them.
///
/// # Errors
/// As [`read`].
pub fn arrays(bytes: &[u8]) -> Result<Option<Vec<Array<'_>>>, NodeError> {
    if bytes.starts_with(b"\x93NUMPY") {
        return Ok(Some(vec![npy("", Cow::Borrowed(bytes))?]));
    }
    if bytes.starts_with(b"PK") {
        return npz(bytes).map(Some);
    }
    // A safetensors file begins with the length of its JSON header.
    if bytes.get(8) == Some(&b'{') {
        return safetensors(bytes).map(Some);
    }
    Ok(None)
}

fn npz(bytes: &[u8]) -> Result<Vec<Array<'static>>, NodeError> {
    let wrong = |error: &dyn std::fmt::Display| NodeError::new(format!("reading npz: {error}"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| wrong(&error))?;
    let mut arrays = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| wrong(&error))?;
        let name = entry.name().map_err(|error| wrong(&error))?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let mut held = Vec::new();
        entry
            .read_to_end(&mut held)
            .map_err(|error| wrong(&error).at(format!("array `{name}`")))?;
        arrays.push(npy(&name, Cow::Owned(held))?);
    }
    Ok(arrays)
}

/// One `.npy` file of version 1, 2 or 3.
fn npy<'a>(name: &str, bytes: Cow<'a, [u8]>) -> Result<Array<'a>, NodeError> {
    let wrong = |what: &str| NodeError::new(what).at(format!("array `{name}`"));
    let version = bytes
        .get(6)
        .copied()
        .ok_or_else(|| wrong("the npy header is cut off"))?;
    let (from, length): (usize, usize) = match (version, &*bytes) {
        (1, [_, _, _, _, _, _, _, _, a, b, ..]) => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        (2 | 3, [_, _, _, _, _, _, _, _, a, b, c, d, ..]) => {
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err(wrong("the npy header is of no known version")),
    };
    let head = bytes.get(from..from.saturating_add(length));
    let head = head.and_then(|head| std::str::from_utf8(head).ok());
    let head = head.ok_or_else(|| wrong("the npy header is cut off"))?;
    let descr = quoted(head, "descr").ok_or_else(|| wrong("structured arrays are not read"))?;
    let (descr, by_columns) = (descr.to_owned(), head.contains("'fortran_order': True"));
    let shape = shape(head).ok_or_else(|| wrong("the npy header says no shape"))?;
    let size = item_size(&descr)
        .ok_or_else(|| wrong(&format!("numbers of type `{descr}` are not read")).help(TYPES))?;
    let count = shape
        .iter()
        .try_fold(size, |all, &one| all.checked_mul(one));
    let start = from + length;
    let end = count.and_then(|count| count.checked_add(start));
    let end = end.filter(|end| *end <= bytes.len());
    let end = end.ok_or_else(|| wrong(&format!("its file ends before its {shape:?} values do")))?;
    let mut data = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[start..end]),
        Cow::Owned(bytes) => Cow::Owned(bytes[start..end].to_vec()),
    };
    let unit = if descr.contains('U') { 4 } else { size };
    if descr.starts_with('>') {
        data.to_mut().chunks_mut(unit).for_each(<[u8]>::reverse);
    }
    if by_columns {
        data = Cow::Owned(row_major(&data, &shape, size));
    }
    let descr = descr.replace(['>', '='], "<");
    Ok(Array {
        name: name.to_owned(),
        descr,
        shape,
        bytes: data,
    })
}

const TYPES: &str = "save booleans, integers, float16, float32, float64 or text";

/// The text behind a key of the header's dict.
pub(crate) fn quoted<'a>(head: &'a str, key: &str) -> Option<&'a str> {
    let after = head.split_once(&format!("'{key}':"))?.1.trim_start();
    after
        .strip_prefix('\'')?
        .split_once('\'')
        .map(|(text, _)| text)
}

/// The sizes in the header's dict.
pub(crate) fn shape(head: &str) -> Option<Vec<usize>> {
    let after = head.split_once("'shape':")?.1.split_once('(')?.1;
    let sizes = after.split_once(')')?.0.split(',').map(str::trim);
    sizes
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().ok())
        .collect()
}

/// Bytes of one value of a type.
pub(crate) fn item_size(descr: &str) -> Option<usize> {
    let (sort, size) = (descr.get(1..2)?, descr.get(2..)?.parse::<usize>().ok()?);
    match (sort, size) {
        ("b", 1) | ("i" | "u", 1 | 2 | 4 | 8) | ("f", 2 | 4 | 8) | ("S", 1..=4096) => Some(size),
        ("U", 1..=4096) => Some(4 * size),
        _ => None,
    }
}

/// The same values with the last axis running fastest instead of the first.
fn row_major(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    let turned: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    transpose(data, &turned, &order, size)
}

/// A row-major array with its axes in another order: axis `i` of the result is axis `order[i]`.
#[must_use]
pub fn transpose(data: &[u8], shape: &[usize], order: &[usize], size: usize) -> Vec<u8> {
    let mut strides = vec![size; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let mut out = Vec::with_capacity(data.len());
    let mut at = vec![0; sizes.len()];
    for _ in 0..data.len() / size.max(1) {
        let from: usize = at.iter().zip(&steps).map(|(at, step)| at * step).sum();
        out.extend_from_slice(&data[from..from + size]);
        for axis in (0..sizes.len()).rev() {
            at[axis] += 1;
            if at[axis] < sizes[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    out
}

fn safetensors(bytes: &[u8]) -> Result<Vec<Array<'_>>, NodeError> {
    let wrong = |error| NodeError::new(format!("reading tensors: {error}"));
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let tensors = file.tensors().into_iter();
    let mut arrays: Vec<_> = tensors.map(|(name, view)| of_tensor(name, &view)).collect();
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

/// A tensor as an array. A type that is not read may lie beside what is asked for, so it is refused only when
/// its numbers are.
pub fn of_tensor<'a>(name: String, view: &TensorView<'a>) -> Array<'a> {
    let dtype = view.dtype();
    Array {
        name,
        descr: descr(dtype).map_or_else(|| format!("{dtype:?}"), str::to_owned),
        shape: view.shape().to_vec(),
        bytes: Cow::Borrowed(view.data()),
    }
}

/// What makes a number of the bytes of one value.
pub type ToNumber = fn(&[u8]) -> f64;

impl Array<'_> {
    /// How many bytes a value has, and what makes a number of them: exactly, for every type but 64-bit integers
    /// beyond 2⁵³ is a subset of f64.
    ///
    /// # Errors
    /// When they are text, or of a type that is not read.
    pub fn to_number(&self) -> Result<(usize, ToNumber), NodeError> {
        let refused = |what: String| {
            let error = NodeError::new(what).at(format!("array `{}`", self.name));
            Err(error.help(TYPES))
        };
        let Some(size) = item_size(&self.descr) else {
            return refused(format!("numbers of type `{}` are not read", self.descr));
        };
        let of: ToNumber = match self.descr.get(1..).unwrap_or_default() {
            "b1" | "u1" => |bytes| f64::from(bytes[0]),
            "i1" => |bytes| f64::from(bytes[0].cast_signed()),
            "i2" => |bytes| f64::from(i16::from_le_bytes(fixed(bytes))),
            "u2" => |bytes| f64::from(u16::from_le_bytes(fixed(bytes))),
            "i4" => |bytes| f64::from(i32::from_le_bytes(fixed(bytes))),
            "u4" => |bytes| f64::from(u32::from_le_bytes(fixed(bytes))),
            "i8" => |bytes| i64::from_le_bytes(fixed(bytes)) as f64,
            "u8" => |bytes| u64::from_le_bytes(fixed(bytes)) as f64,
            "f2" => |bytes| half(u16::from_le_bytes(fixed(bytes))),
            "f4" => |bytes| f64::from(f32::from_le_bytes(fixed(bytes))),
            "f8" => |bytes| f64::from_le_bytes(fixed(bytes)),
            _ => return refused("it holds text, not numbers".to_owned()),
        };
        Ok((size, of))
    }

    /// The values as numbers.
    ///
    /// # Errors
    /// As [`Array::to_number`].
    pub fn numbers(&self) -> Result<Vec<f64>, NodeError> {
        let (size, of) = self.to_number()?;
        Ok(self.bytes.chunks_exact(size).map(of).collect())
    }

    /// The values as names: text as it stands, whole numbers in digits.
    ///
    /// # Errors
    /// When a number is not whole.
    pub fn names(&self) -> Result<Vec<String>, NodeError> {
        let trim = |text: String| text.trim_end_matches('\0').to_owned();
        match self.descr.get(1..2) {
            Some("U") => {
                let letter = |bytes: &[u8]| char::from_u32(u32::from_le_bytes(fixed(bytes)));
                let text = |bytes: &[u8]| trim(bytes.chunks(4).filter_map(letter).collect());
                Ok(self.bytes.chunks(self.item()).map(text).collect())
            }
            Some("S") => {
                let text = |bytes: &[u8]| trim(String::from_utf8_lossy(bytes).into_owned());
                Ok(self.bytes.chunks(self.item()).map(text).collect())
            }
            _ => self
                .numbers()?
                .iter()
                .map(|&number| whole(number, &self.name))
                .collect(),
        }
    }

    fn item(&self) -> usize {
        item_size(&self.descr).unwrap_or(1)
    }
}

/// A whole number in digits.
fn whole(number: f64, of: &str) -> Result<String, NodeError> {
    if number.fract() == 0.0 {
        return Ok(format!("{number}"));
    }
    Err(NodeError::new(format!(
        "array `{of}` holds {number}, which names no class"
    )))
}

/// The cells of a column as names.
///
/// # Errors
/// When there is no such column, a cell is empty, or a number is not whole.
pub fn column_names(table: &Table, column: &str) -> Result<Vec<String>, NodeError> {
    let cells = table.values(column)?;
    let name =
        |(row, cell): (usize, Value)| match cell {
            Value::Null => Err(NodeError::new(format!("column `{column}` is empty"))
                .at(format!("row {}", row + 1))),
            Value::Float(number) => whole(number, column),
            cell => Ok(cell.to_string()),
        };
    cells.into_iter().enumerate().map(name).collect()
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut fixed = [0; N];
    fixed.copy_from_slice(&bytes[..N]);
    fixed
}

/// A 16-bit float: `(−1)^s · 2^(e − 15) · (1 + m / 1024)`, subnormal for e = 0, infinite or NaN for 31.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    match exponent {
        0 => sign * mantissa * (-24_f64).exp2(),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + mantissa / 1024.0) * f64::from(exponent - 15).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz;

    fn file(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let dict =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dict.len() as u16).to_le_bytes());
        bytes.extend(dict.bytes());
        bytes.extend(data);
        bytes
    }

    fn one(bytes: &[u8]) -> Result<Array<'_>, NodeError> {
        match read(bytes)? {
            Held::Arrays(mut arrays) => Ok(arrays.remove(0)),
            Held::Table(_) => Err(NodeError::new("a table")),
        }
    }

    #[test]
    fn big_endian_fortran_and_half_floats_become_plain_numbers() {
        let big = file(">i2", "False", "(2,)", &[1, 2, 255, 254]);
        let big = one(&big).unwrap();
        assert_eq!(big.numbers().unwrap(), [258.0, -2.0]);
        // Columns first: [[1, 2, 3], [4, 5, 6]].
        let turned = file("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        let turned = one(&turned).unwrap();
        assert_eq!(turned.numbers().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let halves = file("<f2", "False", "(3,)", &[0, 0x3c, 0, 0xc0, 1, 0]);
        let halves = one(&halves).unwrap();
        assert_eq!(halves.numbers().unwrap(), [1.0, -2.0, (-24_f64).exp2()]);
    }

    #[test]
    fn text_of_numpy_is_read_as_names() {
        let letters = "ab\0c\0\0"
            .chars()
            .flat_map(|letter| (letter as u32).to_le_bytes());
        let names = file("<U3", "False", "(2,)", &letters.collect::<Vec<_>>());
        let names = one(&names).unwrap();
        assert_eq!(names.names().unwrap(), ["ab", "c"]);
        assert!(names.numbers().is_err());
        let numbers = file("<f8", "False", "(1,)", &2.5_f64.to_le_bytes());
        let numbers = one(&numbers).unwrap();
        assert!(numbers.names().unwrap_err().what.contains("2.5"));
    }

    #[test]
    fn an_npz_that_we_write_is_read_back() {
        let array = |name: &str| Array {
            name: name.to_owned(),
            descr: "<f4".to_owned(),
            shape: vec![1, 2],
            bytes: [1.5_f32, -2.0]
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect::<Vec<_>>()
                .into(),
        };
        let bytes = npz::npz(&[array("x"), array("y")]).unwrap();
        let Held::Arrays(arrays) = read(&bytes).unwrap() else {
            panic!("an npz holds arrays")
        };
        assert_eq!(arrays[1].name, "y");
        assert_eq!(arrays[1].numbers().unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn damaged_and_foreign_arrays_are_refused_in_words() {
        let said = |bytes: &[u8]| one(bytes).err().unwrap().what;
        assert!(said(&file("<f8", "False", "(2,)", &[0; 15])).contains("ends before"));
        assert!(said(&file("<c16", "False", "(1,)", &[0; 16])).contains("`<c16`"));
        assert!(
            said(&file("<f8", "False", "(9999999999, 9999999999)", &[])).contains("ends before")
        );
        assert!(said(b"\x93NUMPY\x01\x00\xff\xff{").contains("cut off"));
        assert!(said(b"\x93NUMPY").contains("cut off"));
    }
}
