//! Samples of any file: an array in safetensors, `.npz` or `.npy`.
//!
//! Numbers of any type that [`crate::arrays`] reads are rounded to 32 bits as they are walked.
//! Axes are `[sample, channel, time]`, or `[sample, time, channel]` where only that fits the network; one
//! sample may lack the first axis, and one channel its own.

use flow_contract::NodeError;
use flow_learn::network::Network;

use crate::arrays::{self, ToNumber};
use crate::npz::Array;

/// Samples that fit a network, and their classes where the file has them.
pub struct Data<'a> {
    x: Array<'a>,
    /// Bytes of a value, and what makes a number of them.
    value: (usize, ToNumber),
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
    let arrays = read(bytes)?;
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
    /// A file or a type that can't be read; no such array; a shape that doesn't fit the network; classes, asked
    /// for by name, of another number of samples.
    pub fn read(
        bytes: &'a [u8],
        wanted: &Wanted<'_>,
        network: &Network,
    ) -> Result<Self, NodeError> {
        let mut arrays = read(bytes)?;
        let name = chosen(&arrays, wanted.x, &SAMPLES, 3)?.name.clone();
        let labels = match wanted.labels {
            "" => arrays
                .iter()
                .find(|array| LABELS.contains(&array.name.as_str())),
            name => Some(chosen(&arrays, name, &LABELS, 1)?),
        };
        let labels = labels
            .map(|array| classes(array, wanted.labels))
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
        let labels = match labels {
            Some(own) if own.len() != count && !wanted.labels.is_empty() => {
                let (asked, own) = (wanted.labels, own.len());
                let what = format!("`{asked}` holds {own} classes, `{name}` {count} samples");
                return Err(NodeError::new(what).help("give every sample its class"));
            }
            labels => labels.filter(|own| own.len() == count),
        };
        Ok(Self {
            value: x.to_number()?,
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
        let (size, number) = self.value;
        let value = |n: usize| number(&self.x.bytes[(sample * len + n) * size..]) as f32;
        match self.time_first {
            false => into.extend((0..len).map(value)),
            true => {
                into.extend((0..len).map(|n| value(n % self.time * self.channels + n / self.time)))
            }
        }
    }
}

/// The numbers as classes; `None` where they are none and nobody asked for them by name.
fn classes(array: &Array<'_>, asked: &str) -> Result<Option<Vec<usize>>, NodeError> {
    let numbers = match array.numbers() {
        Err(_) if asked.is_empty() => return Ok(None),
        numbers => numbers?,
    };
    let class = |value: f64| {
        (value >= 0.0 && value.fract() == 0.0 && value < 1e6).then_some(value as usize)
    };
    match numbers.into_iter().map(class).collect() {
        None if !asked.is_empty() => Err(NodeError::new(format!(
            "`{asked}` holds numbers that are no classes"
        ))
        .help("classes are whole numbers from 0")),
        classes => Ok(classes),
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

fn read(bytes: &[u8]) -> Result<Vec<Array<'_>>, NodeError> {
    let held = arrays::arrays(bytes)?;
    let mut held =
        held.ok_or_else(|| NodeError::new("neither safetensors nor `.npz` nor `.npy`"))?;
    // An npy file names nothing.
    if let [only] = &mut held[..]
        && only.name.is_empty()
    {
        only.name = "x".to_owned();
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz;

    const X: Wanted<'_> = Wanted { x: "", labels: "" };

    fn file() -> Vec<u8> {
        let floats: Vec<f64> = (0..12).map(f64::from).collect();
        fn array<'a>(name: &str, descr: &str, shape: &[usize], bytes: &'a [u8]) -> Array<'a> {
            Array {
                name: name.to_owned(),
                descr: descr.to_owned(),
                shape: shape.to_vec(),
                bytes: bytes.into(),
            }
        }
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
            assert!(read(&file[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn classes_asked_for_by_name_are_not_dropped() {
        let x = [0.0_f32; 6];
        let array = |name: &str, descr: &str, shape: &[usize], bytes: &[u8]| Array {
            name: name.to_owned(),
            descr: descr.to_owned(),
            shape: shape.to_vec(),
            bytes: bytes.to_vec().into(),
        };
        let file = npz::npz(&[
            array("x", "<f4", &[3, 1, 2], bytemuck::cast_slice(&x)),
            array("y", "<i8", &[2], bytemuck::cast_slice(&[1_i64, 0])),
        ])
        .unwrap();
        let read = |labels| Data::read(&file, &Wanted { x: "", labels }, &network(1, 2));
        assert_eq!(
            read("").unwrap().labels,
            None,
            "they may be of something else"
        );
        let told = read("y").err().map(|error| error.to_string());
        let told = told.unwrap_or_default();
        assert!(
            told.contains("`y` holds 2 classes, `x` 3 samples"),
            "{told}"
        );
    }
}
