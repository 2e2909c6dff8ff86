//! Weights in safetensors files, in PyTorch's or Keras's layout.

mod names;
#[cfg(test)]
mod tests;

use super::{LayerWeights, Tensor, Weights, part, tensors};
use crate::kernels::Real;
use crate::network::{Network, NetworkError, Op, Shape};
use names::Names;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::fmt;

/// How a file orders the axes of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Convolution `[out, in / groups, kernel]`, dense `[out, in]`; a flattened map is channel by
    /// channel.
    #[default]
    PyTorch,
    /// Convolution `[kernel, in / groups, out]`, dense `[in, out]`; a flattened map is time by time.
    Keras,
}

/// What keeps weights from being read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsFileError {
    /// The network makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The bytes are no safetensors file.
    #[error("no safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// The file has no tensor for a layer.
    #[error("no tensor for `{wanted}` {shape:?}; the file has {}", .has.join(", "))]
    Missing {
        /// `layer.part`, as the network names it.
        wanted: String,
        /// Its shape in the file's layout.
        shape: Vec<usize>,
        /// Names and shapes of the file's tensors, in order.
        has: Vec<String>,
    },
    /// A tensor has another shape.
    #[error("tensor `{tensor}` for `{wanted}` has shape {found:?}, wanted {shape:?}{}", hint(*.fits_other))]
    WrongShape {
        /// The tensor in the file.
        tensor: String,
        /// `layer.part`, as the network names it.
        wanted: String,
        /// The shape found.
        found: Vec<usize>,
        /// The shape wanted in the file's layout.
        shape: Vec<usize>,
        /// Whether the other layout would fit.
        fits_other: bool,
    },
    /// A tensor that no layer takes: the description lacks a layer, or a bias.
    #[error("the network has no place for {}; add what they belong to, or leave them out of the file", .tensors.join(", "))]
    Unused {
        /// Names and shapes.
        tensors: Vec<String>,
    },
    /// A tensor holds something else than floating point numbers.
    #[error("tensor `{tensor}` holds {dtype:?}, wanted F32, F64, F16 or BF16")]
    WrongType {
        /// The tensor in the file.
        tensor: String,
        /// Its type.
        dtype: Dtype,
    },
    /// A tensor holds NaN or infinity.
    #[error("tensor `{tensor}` holds a number that is not finite")]
    NotFinite {
        /// The tensor in the file.
        tensor: String,
    },
}

fn hint(fits_other: bool) -> &'static str {
    if fits_other {
        " (the other layout, PyTorch or Keras, would fit)"
    } else {
        ""
    }
}

impl<T: Real> Weights<T> {
    /// The weights as a safetensors file in PyTorch's layout, `<layer>.weight`, `<layer>.bias`, for
    /// batch norms also `<layer>.running_mean` and `<layer>.running_var`; `f32` unless `T` is `f64`.
    ///
    /// The same weights give the same bytes.
    ///
    /// # Errors
    /// [`WeightsFileError::Missing`] where a layer has no numbers, or a network that makes no sense.
    pub fn to_safetensors(&self, network: &Network) -> Result<Vec<u8>, WeightsFileError> {
        let wide = size_of::<T>() == 8;
        let mut parts = Vec::new();
        for wanted in tensors(network)? {
            let name = format!("{}.{}", wanted.layer, wanted.part);
            let layer = self.get(&wanted.layer);
            let numbers = layer.map_or(&[][..], |layer| part(layer, wanted.part));
            if numbers.len() != wanted.shape.iter().product::<usize>() {
                return Err(WeightsFileError::Missing {
                    wanted: name,
                    shape: wanted.shape,
                    has: vec![],
                });
            }
            let mut bytes = Vec::with_capacity(8 * numbers.len());
            for x in numbers {
                match wide {
                    true => bytes.extend(x.to_f64().to_le_bytes()),
                    false => bytes.extend((x.to_f64() as f32).to_le_bytes()),
                }
            }
            parts.push((name, wanted.shape, bytes));
        }
        let dtype = if wide { Dtype::F64 } else { Dtype::F32 };
        let mut views = Vec::with_capacity(parts.len());
        for (name, shape, bytes) in &parts {
            views.push((name.as_str(), TensorView::new(dtype, shape.clone(), bytes)?));
        }
        Ok(safetensors::serialize(views, None)?)
    }

    /// Reads the weights of a network from a safetensors file.
    ///
    /// A tensor is found by the name `<layer>.weight`; where none of the network's names is in the
    /// file, each layer of the network takes the first layer of the file that has its shapes and is not
    /// taken, in the order of names, numbers in names counting as numbers.
    /// Keras's `kernel`, `gamma`, `beta`, `moving_mean` and `moving_variance` are known; what is neither
    /// a weight nor a bias nor a moment, such as a count of batches, is left alone.
    ///
    /// # Errors
    /// The first tensor that is missing, of another shape or type, or not finite; weights that no layer
    /// takes.
    pub fn from_safetensors(
        network: &Network,
        bytes: &[u8],
        layout: Layout,
    ) -> Result<Self, WeightsFileError> {
        let file = SafeTensors::deserialize(bytes)?;
        Reader::new(network, &file, layout)?.weights()
    }

    /// The same in whichever layout fits: Keras's first where a tensor is called `kernel`, PyTorch's
    /// first elsewhere. Returns the layout too.
    ///
    /// # Errors
    /// As [`Weights::from_safetensors`] in the layout tried first.
    pub fn from_safetensors_of_any_layout(
        network: &Network,
        bytes: &[u8],
    ) -> Result<(Self, Layout), WeightsFileError> {
        let layout = Layout::suggested_by(&SafeTensors::deserialize(bytes)?);
        let first = Self::from_safetensors(network, bytes, layout);
        match first {
            Err(
                error @ (WeightsFileError::WrongShape { .. } | WeightsFileError::Missing { .. }),
            ) => {
                let second = Self::from_safetensors(network, bytes, layout.other());
                second.map_or(Err(error), |weights| Ok((weights, layout.other())))
            }
            first => first.map(|weights| (weights, layout)),
        }
    }
}

impl Layout {
    /// The layout whose names a file uses.
    fn suggested_by(file: &SafeTensors<'_>) -> Self {
        let is_kernel = |name: &&str| {
            let word = name.rsplit(['.', '/']).next().unwrap_or(name);
            word.split(':').next() == Some("kernel")
        };
        match file.names().iter().find(|name| is_kernel(name)) {
            Some(_) => Self::Keras,
            None => Self::PyTorch,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::PyTorch => Self::Keras,
            Self::Keras => Self::PyTorch,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PyTorch => "PyTorch",
            Self::Keras => "Keras",
        })
    }
}

/// A file whose tensors have been matched with those of a network.
struct Reader<'a> {
    wanted: Vec<Tensor>,
    /// For each wanted tensor: its name in the file.
    names: Vec<String>,
    file: &'a SafeTensors<'a>,
    layout: Layout,
    /// For each wanted tensor: the map its inputs were flattened from, where they were.
    flattened: Vec<Option<(usize, usize)>>,
}

impl<'a> Reader<'a> {
    fn new(
        network: &Network,
        file: &'a SafeTensors<'a>,
        layout: Layout,
    ) -> Result<Self, WeightsFileError> {
        let wanted = tensors(network)?;
        let flattened = flattened(network, &wanted)?;
        let names = Names::of(file);
        let names = names.matched(&wanted, file, layout)?;
        Ok(Self {
            wanted,
            names,
            file,
            layout,
            flattened,
        })
    }

    fn weights<T: Real>(&self) -> Result<Weights<T>, WeightsFileError> {
        let mut weights = Weights::default();
        for (n, wanted) in self.wanted.iter().enumerate() {
            let numbers = self.read(n, wanted)?;
            let mut layer: LayerWeights<T> =
                weights.get(&wanted.layer).cloned().unwrap_or_default();
            match wanted.part {
                "weight" => layer.weight = numbers,
                "bias" => layer.bias = numbers,
                "running_mean" => layer.mean = numbers,
                _ => layer.variance = numbers,
            }
            weights.insert(wanted.layer.clone(), layer);
        }
        Ok(weights)
    }

    fn read<T: Real>(&self, n: usize, wanted: &Tensor) -> Result<Vec<T>, WeightsFileError> {
        let name = &self.names[n];
        let view = self.file.tensor(name)?;
        let numbers = numbers(name, &view)?;
        if !numbers.iter().all(|x| x.is_finite()) {
            return Err(WeightsFileError::NotFinite {
                tensor: name.clone(),
            });
        }
        let ordered = match self.layout {
            Layout::PyTorch => numbers,
            Layout::Keras => from_keras(&numbers, &wanted.shape, self.flattened[n]),
        };
        Ok(ordered.into_iter().map(T::from_f64).collect())
    }
}

fn in_layout(shape: &[usize], layout: Layout) -> Vec<usize> {
    match layout {
        Layout::PyTorch => shape.to_vec(),
        Layout::Keras => shape.iter().rev().copied().collect(),
    }
}

/// The numbers of a tensor in Keras's order, `[kernel, in, out]` or `[in, out]`, in PyTorch's.
fn from_keras(numbers: &[f64], shape: &[usize], flattened: Option<(usize, usize)>) -> Vec<f64> {
    let input = |j: usize| match flattened {
        // Channel by channel here, time by time there.
        Some((channels, time)) => j % time * channels + j / time,
        None => j,
    };
    match *shape {
        [out, inputs, taps] => {
            let at = |n: usize| (n % taps * inputs + n / taps % inputs) * out + n / taps / inputs;
            (0..numbers.len()).map(|n| numbers[at(n)]).collect()
        }
        [out, inputs] => {
            let at = |n: usize| input(n % inputs) * out + n / inputs;
            (0..numbers.len()).map(|n| numbers[at(n)]).collect()
        }
        _ => (0..numbers.len()).map(|n| numbers[input(n)]).collect(),
    }
}

/// For each tensor whether its layer's inputs are a flattened `(channels, time)`.
///
/// Biases come after a dense layer's sums, so they are never in a flattened order.
fn flattened(
    network: &Network,
    wanted: &[Tensor],
) -> Result<Vec<Option<(usize, usize)>>, NetworkError> {
    let (mut gets, mut map, mut of_layer) = (network.input(), None, Vec::new());
    for (layer, after) in network.layers.iter().zip(network.shapes()?) {
        if let (Op::Flatten, Shape::Map { channels, time }) = (&layer.op, gets) {
            map = Some((channels, time));
        }
        of_layer.push((&layer.name, &layer.op, map));
        if layer.op.is_linear() {
            map = None;
        }
        gets = after;
    }
    let of = |tensor: &Tensor| {
        let found = of_layer.iter().find(|(name, _, _)| **name == tensor.layer);
        found.and_then(|(_, op, map)| match (op, tensor.part) {
            (Op::Dense { .. }, "bias") => None,
            _ => *map,
        })
    };
    Ok(wanted.iter().map(of).collect())
}

fn numbers(name: &str, view: &TensorView<'_>) -> Result<Vec<f64>, WeightsFileError> {
    let data = view.data();
    Ok(match view.dtype() {
        Dtype::F32 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from(f32::from_le_bytes(b)))
            .collect(),
        Dtype::F64 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from_le_bytes(b))
            .collect(),
        Dtype::BF16 => {
            let wide = |&b: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
            data.as_chunks()
                .0
                .iter()
                .map(|b| f64::from(wide(b)))
                .collect()
        }
        Dtype::F16 => data
            .as_chunks()
            .0
            .iter()
            .map(|&b| half(u16::from_le_bytes(b)))
            .collect(),
        dtype => {
            return Err(WeightsFileError::WrongType {
                tensor: name.to_owned(),
                dtype,
            });
        }
    })
}

/// The value of an IEEE 754 half-precision number.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}
