//! Arrays as numpy keeps them: `.npy` files in a ZIP container.

use std::borrow::Cow;
use std::io::{Cursor, Write};

use flow_contract::NodeError;
use safetensors::Dtype;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// One array.
#[derive(Clone)]
pub struct Array<'a> {
    /// Its name, without `.npy`.
    pub name: String,
    /// numpy's name of the type: `<f4`, `<i8`, `|b1`, `<U12`; another name where numpy has none.
    pub descr: String,
    /// Sizes of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The values, row-major, little-endian.
    pub bytes: Cow<'a, [u8]>,
}

/// numpy's name of a type of safetensors, if it has one.
#[must_use]
pub fn descr(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::BOOL => "|b1",
        Dtype::U8 => "|u1",
        Dtype::I8 => "|i1",
        Dtype::U16 => "<u2",
        Dtype::I16 => "<i2",
        Dtype::U32 => "<u4",
        Dtype::I32 => "<i4",
        Dtype::U64 => "<u8",
        Dtype::I64 => "<i8",
        Dtype::F16 => "<f2",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        _ => return None,
    })
}

/// The bytes of an `.npz` file, the same for the same arrays.
///
/// # Errors
/// When two arrays share a name.
pub fn npz(arrays: &[Array<'_>]) -> Result<Vec<u8>, NodeError> {
    let wrong = |error: &dyn std::fmt::Display| NodeError::new(format!("writing npz: {error}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for array in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(array.bytes.len() as u64 >= u64::from(u32::MAX) / 2);
        zip.start_file(format!("{}.npy", array.name), options)
            .map_err(|error| wrong(&error))?;
        let written = zip
            .write_all(&header(array))
            .and_then(|()| zip.write_all(&array.bytes));
        written.map_err(|error| wrong(&error))?;
    }
    let whole = zip.finish().map_err(|error| wrong(&error))?;
    Ok(whole.into_inner())
}

/// The head of an `.npy` file, version 1.0: magic, version, length, and a Python dict padded to 64 bytes.
fn header(array: &Array<'_>) -> Vec<u8> {
    let sizes = array.shape.iter().map(|size| format!("{size},"));
    let dict = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        array.descr,
        sizes.collect::<String>()
    );
    let unpadded = 10 + dict.len() + 1;
    let padding = unpadded.next_multiple_of(64) - unpadded;
    let length = (dict.len() + padding + 1) as u16;
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    head.extend(length.to_le_bytes());
    head.extend(dict.bytes());
    head.extend(std::iter::repeat_n(b' ', padding));
    head.push(b'\n');
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_on_64_bytes_and_says_the_shape() {
        for shape in [vec![], vec![3], vec![1000, 3, 3000]] {
            let array = Array {
                name: "x".to_owned(),
                descr: "<f4".to_owned(),
                shape,
                bytes: Cow::Borrowed(&[]),
            };
            let head = header(&array);
            assert_eq!(head.len() % 64, 0);
            assert_eq!(
                usize::from(head[8]) + 256 * usize::from(head[9]) + 10,
                head.len()
            );
            assert_eq!(head.last(), Some(&b'\n'));
        }
    }
}
