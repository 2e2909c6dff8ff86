//! The weights a training begins with.

use crate::network::{Network, NetworkError};
use crate::random::{Purpose, Stream};
use crate::weights::{LayerWeights, Weights, tensors};

/// Weights drawn from a seed: Glorot uniform, biases 0, batch norms 1 and 0.
///
/// `w ~ U(−l, l)`, `l = √(6 / (fan in + fan out))`, fan in = channels in / groups × taps, fan
/// out = channels out × taps. Source: Glorot & Bengio 2010, eq. 16; fans as Keras counts them.
///
/// # Errors
/// As [`Network::shapes`].
pub fn initial_weights(network: &Network, seed: u64) -> Result<Weights<f32>, NetworkError> {
    let mut weights = Weights::default();
    for tensor in tensors(network)? {
        let numbers: usize = tensor.shape.iter().product();
        let mut layer: LayerWeights<f32> = weights.get(&tensor.layer).cloned().unwrap_or_default();
        match (tensor.part, tensor.shape.len()) {
            ("weight", 1) => layer.weight = vec![1.0; numbers],
            ("weight", _) => {
                let place = network
                    .layers
                    .iter()
                    .position(|other| other.name == tensor.layer);
                let purpose = Purpose::Weights(place.unwrap_or_default() as u64);
                layer.weight = glorot(&tensor.shape, Stream::new(seed, purpose));
            }
            ("bias", _) => layer.bias = vec![0.0; numbers],
            ("running_mean", _) => layer.mean = vec![0.0; numbers],
            _ => layer.variance = vec![1.0; numbers],
        }
        weights.insert(tensor.layer, layer);
    }
    Ok(weights)
}

fn glorot(shape: &[usize], mut stream: Stream) -> Vec<f32> {
    let taps: usize = shape[2..].iter().product();
    let limit = (6.0 / ((shape[0] + shape[1]) * taps) as f64).sqrt();
    let numbers: usize = shape.iter().product();
    (0..numbers)
        .map(|_| ((2.0 * stream.unit() - 1.0) * limit) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fill_their_range_and_differ_by_layer() {
        let network = Network::ellis2021(3, 3000, 5);
        let weights = initial_weights(&network, 1).unwrap();
        weights.check(&network).unwrap();
        let first = &weights.get("layer1").unwrap().weight;
        let limit = (6.0_f32 / (19.0 * 5.0)).sqrt();
        let most = first.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
        assert!(most <= limit && most > 0.97 * limit);
        assert_ne!(first[0], weights.get("layer2").unwrap().weight[0]);
        assert_ne!(weights, initial_weights(&network, 2).unwrap());
    }
}
