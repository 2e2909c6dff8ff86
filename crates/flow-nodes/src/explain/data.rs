//! Samples of any file: an array in safetensors, `.npz` or `.npy`.
//!
//! Numbers may be floats of 32 or 64 bits or whole numbers; they are rounded to 32 bits as they are walked.
//! Axes are `[sample, channel, time]`, or `[sample, time, channel]` where only that fits the network; one
//! sample may lack the first axis, and one channel its own.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use flow_contract::NodeError;
use flow_learn::network::Network;
use safetensors::SafeTensors;
use zip::ZipArchive;

/// An array of a file, row-major, little-endian.
struct Array<'a> {
    name: String,
    number: Number,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

/// The types of numbers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

/// The types by the names safetensors and numpy give them.
const NUMBERS: [(&str, &str, Number, usize); 10] = [
    ("F32", "f4", Number::F32, 4),
    ("F64", "f8", Number::F64, 8),
    ("I8", "i1", Number::I8, 1),
    ("I16", "i2", Number::I16, 2),
    ("I32", "i4", Number::I32, 4),
    ("I64", "i8", Number::I64, 8),
    ("U8", "u1", Number::U8, 1),
    ("U16", "u2", Number::U16, 2),
    ("U32", "u4", Number::U32, 4),
    ("U64", "u8", Number::U64, 8),
];

/// Samples that fit a network, and their classes where the file has them.
pub struct Data<'a> {
    x: Array<'a>,
    /// How many samples.
    pub count: usize,
    channels: usize,
    time: usize,
    /// Whether time comes before channel in the file.
    pub time_first: bool,
    /// `[sample]`.
    pub labels: Option<Vec<usize>>,
}

/// Which arrays of the file are meant; empty for the usual names.
pub struct Wanted<'a> {
    /// The samples.
    pub x: &'a str,
    /// The classes.
    pub labels: &'a str,
}

/// Usual names of samples and of classes.
const SAMPLES: [&str; 5] = ["x", "X", "data", "input", "epochs"];
const LABELS: [&str; 5] = ["y", "labels", "label", "stage", "target"];

/// The sizes `(channels, time)` that the samples of a file could have, the likeliest first.
///
/// # Errors
/// Where the bytes are no file of arrays, or no array in them can be samples.
pub fn sizes(bytes: &[u8], wanted: &Wanted<'_>) -> Result<Vec<(usize, usize)>, NodeError> {
    let arrays = arrays(bytes)?;
    let x = chosen(&arrays, wanted.x, &SAMPLES, 3)?;
    match x.shape[..] {
        [_, a, b] => Ok(vec![(a, b), (b, a)]),
        [a, b] => Ok(vec![(a, b), (1, b), (b, a)]),
        _ => Err(
            NodeError::new(format!("`{}` has shape {:?}", x.name, x.shape))
                .help("samples are [sample, channel, time]"),
        ),
    }
}

impl<'a> Data<'a> {
    /// Reads the samples for a network.
    ///
    /// # Errors
    /// A file or a type that can't be read; no such array; a shape that doesn't fit the network.
    pub fn read(
        bytes: &'a [u8],
        wanted: &Wanted<'_>,
        network: &Network,
    ) -> Result<Self, NodeError> {
        let mut arrays = arrays(bytes)?;
        let name = chosen(&arrays, wanted.x, &SAMPLES, 3)?.name.clone();
        let labels = match wanted.labels {
            "" => arrays
                .iter()
                .find(|array| LABELS.contains(&array.name.as_str())),
            name => Some(chosen(&arrays, name, &LABELS, 1)?),
        };
        let labels = labels
            .map(|array| array.classes(wanted.labels))
            .transpose()?
            .flatten();
        let at = arrays.iter().position(|array| array.name == name);
        let x = at.map(|at| arrays.swap_remove(at));
        let x = x.ok_or_else(|| NodeError::new(format!("there is no array `{name}`")))?;
        let (channels, time) = (network.channels, network.time);
        let (count, time_first) = match x.shape[..] {
            [n, a, b] if (a, b) == (channels, time) => (n, false),
            [n, a, b] if (b, a) == (channels, time) => (n, true),
            [a, b] if (a, b) == (channels, time) => (1, false),
            [n, b] if (1, b) == (channels, time) => (n, false),
            [a, b] if (b, a) == (channels, time) => (1, true),
            _ => {
                let what = format!(
                    "`{name}` has shape {:?}, the network takes [sample, {channels}, {time}]",
                    x.shape
                );
                return Err(
                    NodeError::new(what).help("give the samples the network's channels and length")
                );
            }
        };
        let labels = labels.filter(|labels| labels.len() == count);
        Ok(Self {
            x,
            count,
            channels,
            time,
            time_first,
            labels,
        })
    }

    /// Appends the numbers of a sample, `[channel, time]`.
    pub fn append(&self, sample: usize, into: &mut Vec<f32>) {
        let len = self.channels * self.time;
        let value = |n: usize| self.x.value(sample * len + n) as f32;
        match self.time_first {
            false => into.extend((0..len).map(value)),
            true => {
                into.extend((0..len).map(|n| value(n % self.time * self.channels + n / self.time)))
            }
        }
    }
}

impl Array<'_> {
    fn value(&self, n: usize) -> f64 {
        fn at<const N: usize>(bytes: &[u8], n: usize) -> [u8; N] {
            bytes.as_chunks::<N>().0[n]
        }
        let bytes = &self.bytes;
        match self.number {
            Number::F32 => f64::from(f32::from_le_bytes(at(bytes, n))),
            Number::F64 => f64::from_le_bytes(at(bytes, n)),
            Number::I8 => f64::from(i8::from_le_bytes(at(bytes, n))),
            Number::I16 => f64::from(i16::from_le_bytes(at(bytes, n))),
            Number::I32 => f64::from(i32::from_le_bytes(at(bytes, n))),
            Number::I64 => i64::from_le_bytes(at(bytes, n)) as f64,
            Number::U8 => f64::from(bytes[n]),
            Number::U16 => f64::from(u16::from_le_bytes(at(bytes, n))),
            Number::U32 => f64::from(u32::from_le_bytes(at(bytes, n))),
            Number::U64 => u64::from_le_bytes(at(bytes, n)) as f64,
        }
    }

    /// The numbers as classes; `None` where they are none and nobody asked for them by name.
    fn classes(&self, asked: &str) -> Result<Option<Vec<usize>>, NodeError> {
        let len = self.shape.iter().product();
        let class = |n| {
            let value = self.value(n);
            (value >= 0.0 && value.fract() == 0.0 && value < 1e6).then_some(value as usize)
        };
        let classes: Option<Vec<usize>> = (0..len).map(class).collect();
        match classes {
            None if !asked.is_empty() => Err(NodeError::new(format!(
                "`{asked}` holds numbers that are no classes"
            ))
            .help("classes are whole numbers from 0")),
            classes => Ok(classes),
        }
    }
}

/// The array asked for, or the one of a usual name, or the only one with enough axes.
fn chosen<'b, 'a>(
    arrays: &'b [Array<'a>],
    asked: &str,
    usual: &[&str],
    axes: usize,
) -> Result<&'b Array<'a>, NodeError> {
    let named = |name: &str| arrays.iter().find(|array| array.name == name);
    let has = || {
        let each = arrays
            .iter()
            .map(|array| format!("`{}` {:?}", array.name, array.shape));
        format!("the file has {}", each.collect::<Vec<_>>().join(", "))
    };
    if !asked.is_empty() {
        let none = || NodeError::new(format!("there is no array `{asked}`")).help(has());
        return named(asked).ok_or_else(none);
    }
    if let Some(found) = usual.iter().find_map(|name| named(name)) {
        return Ok(found);
    }
    let mut fitting = arrays.iter().filter(|array| array.shape.len() == axes);
    match (fitting.next(), fitting.next(), arrays) {
        (Some(only), None, _) | (None, None, [only]) => Ok(only),
        _ => Err(
            NodeError::new("it is not clear which array holds the samples")
                .because(has())
                .help("name it: `tensor = \"…\"` in a study, `--tensor …` on the command line"),
        ),
    }
}

fn arrays(bytes: &[u8]) -> Result<Vec<Array<'_>>, NodeError> {
    if bytes.starts_with(b"\x93NUMPY") {
        return Ok(vec![npy("x".to_owned(), Cow::Borrowed(bytes))?]);
    }
    if bytes.starts_with(b"PK") {
        return npz(bytes);
    }
    let wrong = |error| {
        NodeError::new(format!(
            "neither safetensors nor `.npz` nor `.npy`: {error}"
        ))
    };
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let mut arrays = Vec::new();
    for (name, view) in file.tensors() {
        // Tensors of other types, such as flags, may lie beside those that are asked for.
        let dtype = format!("{:?}", view.dtype());
        let Some(&(_, _, number, _)) = NUMBERS.iter().find(|(own, ..)| *own == dtype) else {
            continue;
        };
        arrays.push(Array {
            name,
            number,
            shape: view.shape().to_vec(),
            bytes: Cow::Borrowed(view.data()),
        });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

fn npz(bytes: &[u8]) -> Result<Vec<Array<'static>>, NodeError> {
    let wrong =
        |error: &dyn std::fmt::Display| NodeError::new(format!("reading the `.npz` file: {error}"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| wrong(&error))?;
    let mut arrays = Vec::new();
    for n in 0..zip.len() {
        let mut member = zip.by_index(n).map_err(|error| wrong(&error))?;
        let name = member.name().map_err(|error| wrong(&error))?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let mut bytes = Vec::new();
        member
            .read_to_end(&mut bytes)
            .map_err(|error| wrong(&error))?;
        arrays.push(npy(name, Cow::Owned(bytes))?);
    }
    Ok(arrays)
}

/// Reads an `.npy` array: magic, version, length of the head, a Python dict, the numbers.
fn npy(name: String, bytes: Cow<'_, [u8]>) -> Result<Array<'_>, NodeError> {
    let broken = || NodeError::new(format!("array `{name}` is no whole `.npy` array"));
    let wide = bytes.get(6).ok_or_else(broken)? >= &2;
    let begin = if wide { 12 } else { 10 };
    let size = bytes.get(8..begin).ok_or_else(broken)?;
    let size = size
        .iter()
        .rev()
        .fold(0, |size, &byte| size << 8 | usize::from(byte));
    let head = bytes.get(begin..begin + size).ok_or_else(broken)?;
    let head = String::from_utf8_lossy(head).into_owned();
    let after = |key: &str| {
        head.split_once(&format!("'{key}':"))
            .map(|(_, rest)| rest.trim_start())
    };
    let descr = after("descr")
        .and_then(|rest| rest.split('\'').nth(1))
        .ok_or_else(broken)?;
    let shape = after("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next());
    let shape = shape
        .ok_or_else(broken)?
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let shape: Vec<usize> = shape
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| broken())?;
    if after("fortran_order").is_some_and(|rest| rest.starts_with("True")) && shape.len() > 1 {
        return Err(
            NodeError::new(format!("array `{name}` lies column by column"))
                .help("save `numpy.ascontiguousarray(…)`"),
        );
    }
    let number = NUMBERS
        .iter()
        .find(|(_, own, ..)| descr.trim_start_matches(['<', '|', '=']) == *own);
    let Some(&(_, _, number, width)) = number else {
        return Err(NodeError::new(format!("array `{name}` holds `{descr}`"))
            .help("save it as float32, float64 or whole numbers, little-endian"));
    };
    let numbers = shape
        .iter()
        .try_fold(width, |all, &size| all.checked_mul(size));
    let from = begin + size;
    if numbers.and_then(|numbers| numbers.checked_add(from)) != Some(bytes.len()) {
        return Err(broken());
    }
    let bytes = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[from..]),
        Cow::Owned(mut bytes) => {
            bytes.drain(..from);
            Cow::Owned(bytes)
        }
    };
    Ok(Array {
        name,
        number,
        shape,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz;

    const X: Wanted<'_> = Wanted { x: "", labels: "" };

    fn file() -> Vec<u8> {
        let floats: Vec<f64> = (0..12).map(f64::from).collect();
        let array = |name: &str, descr: &str, shape: &[usize], bytes: &[u8]| npz::Array {
            name: name.to_owned(),
            descr: descr.to_owned(),
            shape: shape.to_vec(),
            bytes: bytes.to_vec(),
        };
        npz::npz(&[
            array("signals", "<f8", &[2, 3, 2], bytemuck::cast_slice(&floats)),
            array("y", "<i8", &[2], bytemuck::cast_slice(&[1_i64, 0])),
        ])
        .unwrap()
    }

    fn network(channels: usize, time: usize) -> Network {
        Network::parse(channels, time, &["flatten", "dense 2"]).unwrap()
    }

    #[test]
    fn an_npz_is_read_in_either_order_of_axes() {
        let file = file();
        assert_eq!(sizes(&file, &X).unwrap()[0], (3, 2));
        let mut x = Vec::new();
        let data = Data::read(&file, &X, &network(3, 2)).unwrap();
        data.append(1, &mut x);
        assert_eq!(x, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        assert_eq!(data.labels, Some(vec![1, 0]));
        x.clear();
        Data::read(&file, &X, &network(2, 3))
            .unwrap()
            .append(0, &mut x);
        assert_eq!(x, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_shapes() {
        let file = file();
        let told = |wanted: &Wanted<'_>, network: &Network| {
            Data::read(&file, wanted, network)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let text = told(&X, &network(5, 2));
        assert!(
            text.contains("[2, 3, 2], the network takes [sample, 5, 2]"),
            "{text}"
        );
        let text = told(&Wanted { x: "z", labels: "" }, &network(3, 2));
        assert!(text.contains("`signals` [2, 3, 2], `y` [2]"), "{text}");
        for cut in [7, 60, file.len() / 2] {
            assert!(arrays(&file[..cut]).is_err(), "{cut}");
        }
    }
}
