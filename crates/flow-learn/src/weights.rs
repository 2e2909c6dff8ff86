//! The trained numbers of a network, by layer name.

mod file;
mod fold;

pub use file::{Layout, WeightsFileError};
pub use fold::fold_batch_norms;

use crate::kernels::Real;
use crate::network::{Network, NetworkError, Op};

/// The numbers of one layer, row-major, in PyTorch's layout.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerWeights<T> {
    /// Convolution `[out, in / groups, kernel]`, dense `[out, in]`, batch norm `[channels]`.
    pub weight: Vec<T>,
    /// `[out]`; empty where the layer has none.
    pub bias: Vec<T>,
    /// Batch norm's running mean `[channels]`; empty elsewhere.
    pub mean: Vec<T>,
    /// Batch norm's running variance `[channels]`; empty elsewhere.
    pub variance: Vec<T>,
}

impl<T> LayerWeights<T> {
    /// The bias, where the layer has one.
    pub fn bias(&self) -> Option<&[T]> {
        (!self.bias.is_empty()).then_some(&self.bias)
    }
}

/// The numbers of a network, in forward order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights<T> {
    layers: Vec<(String, LayerWeights<T>)>,
}

impl<T: Real> Weights<T> {
    /// Weights of these layers; a later one replaces an earlier one of the same name.
    pub fn new(layers: impl IntoIterator<Item = (String, LayerWeights<T>)>) -> Self {
        let mut weights = Self { layers: Vec::new() };
        for (name, layer) in layers {
            weights.insert(name, layer);
        }
        weights
    }

    /// The numbers of a layer.
    pub fn get(&self, layer: &str) -> Option<&LayerWeights<T>> {
        self.layers
            .iter()
            .find(|(name, _)| name == layer)
            .map(|(_, weights)| weights)
    }

    /// Puts the numbers of a layer in, at the end where it is new.
    pub fn insert(&mut self, layer: String, weights: LayerWeights<T>) {
        match self.layers.iter_mut().find(|(name, _)| *name == layer) {
            Some((_, old)) => *old = weights,
            None => self.layers.push((layer, weights)),
        }
    }

    /// The layers in the order they were put in.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &LayerWeights<T>)> {
        self.layers
            .iter()
            .map(|(name, weights)| (name.as_str(), weights))
    }

    /// The same numbers, rounded or widened.
    pub fn cast<U: Real>(&self) -> Weights<U> {
        let cast = |from: &[T]| from.iter().map(|&x| U::from_f64(x.to_f64())).collect();
        let layers = self.iter().map(|(name, from)| {
            let weights = LayerWeights {
                weight: cast(&from.weight),
                bias: cast(&from.bias),
                mean: cast(&from.mean),
                variance: cast(&from.variance),
            };
            (name.to_owned(), weights)
        });
        Weights::new(layers)
    }

    /// Whether every tensor the network needs is there, in its length, and finite.
    ///
    /// # Errors
    /// The first tensor that is missing, has another length, or holds NaN or infinity.
    pub fn check(&self, network: &Network) -> Result<(), WeightsError> {
        let none = LayerWeights::default();
        for wanted in tensors(network)? {
            let layer = self.get(&wanted.layer).unwrap_or(&none);
            let found = part(layer, wanted.part);
            if found.len() != wanted.shape.iter().product::<usize>() {
                return Err(WeightsError::WrongLength {
                    tensor: wanted,
                    found: found.len(),
                });
            }
            if found.iter().any(|x| !x.is_finite()) {
                return Err(WeightsError::NotFinite { tensor: wanted });
            }
        }
        Ok(())
    }
}

/// The part of a layer's numbers of this name.
pub(crate) fn part<'a, T>(layer: &'a LayerWeights<T>, part: &str) -> &'a [T] {
    match part {
        "weight" => &layer.weight,
        "bias" => &layer.bias,
        "running_mean" => &layer.mean,
        _ => &layer.variance,
    }
}

/// One tensor that a network needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its layer.
    pub layer: String,
    /// `weight`, `bias`, `running_mean` or `running_var`, as PyTorch names them.
    pub part: &'static str,
    /// Its shape in PyTorch's layout.
    pub shape: Vec<usize>,
}

/// What is wrong with weights.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// The network itself makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A tensor is missing or has another length.
    #[error("`{}.{}` needs {:?}, found {found} numbers", .tensor.layer, .tensor.part, .tensor.shape)]
    WrongLength {
        /// What the network needs.
        tensor: Tensor,
        /// Numbers found; 0 where the tensor is missing.
        found: usize,
    },
    /// A tensor holds NaN or infinity.
    #[error("`{}.{}` holds a number that is not finite", .tensor.layer, .tensor.part)]
    NotFinite {
        /// The tensor.
        tensor: Tensor,
    },
}

/// Every tensor the network needs, in forward order.
///
/// # Errors
/// As [`Network::shapes`].
pub fn tensors(network: &Network) -> Result<Vec<Tensor>, NetworkError> {
    let mut gets = network.input();
    let mut tensors = Vec::new();
    for (layer, after) in network.layers.iter().zip(network.shapes()?) {
        let tensor = |part, shape| Tensor {
            layer: layer.name.clone(),
            part,
            shape,
        };
        let bias_of = |said: bool, units| said.then(|| tensor("bias", vec![units]));
        match layer.op {
            Op::Conv {
                filters,
                kernel,
                groups,
                bias,
                ..
            } => {
                tensors.push(tensor(
                    "weight",
                    vec![filters, gets.channels() / groups, kernel],
                ));
                tensors.extend(bias_of(bias, filters));
            }
            Op::Dense { units, bias } => {
                tensors.push(tensor("weight", vec![units, gets.numbers()]));
                tensors.extend(bias_of(bias, units));
            }
            Op::BatchNorm { .. } => {
                let parts = ["weight", "bias", "running_mean", "running_var"];
                tensors.extend(parts.map(|part| tensor(part, vec![gets.channels()])));
            }
            _ => {}
        }
        gets = after;
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tensor_is_named_with_its_shape() {
        let network = Network::of(3, 30, [Op::conv(4, 5)]);
        let error = Weights::<f32>::default().check(&network).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`layer1.weight` needs [4, 3, 5], found 0 numbers"
        );
    }

    #[test]
    fn a_nan_is_announced() {
        let network = Network::of(
            1,
            3,
            [Op::Dense {
                units: 1,
                bias: false,
            }],
        );
        assert!(Weights::<f32>::default().check(&network).is_err());
        let network = Network::of(
            1,
            1,
            [
                Op::Flatten,
                Op::Dense {
                    units: 1,
                    bias: false,
                },
            ],
        );
        let weights = LayerWeights {
            weight: vec![f64::NAN],
            ..LayerWeights::default()
        };
        let weights = Weights::new([("layer1".to_owned(), weights)]);
        assert!(matches!(
            weights.check(&network),
            Err(WeightsError::NotFinite { .. })
        ));
    }
}
