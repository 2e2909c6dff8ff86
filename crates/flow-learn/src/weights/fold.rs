//! Batch norms taken into the layer before them.

use super::{LayerWeights, Weights, WeightsError};
use crate::kernels::Real;
use crate::network::{Network, Op};

/// The same function with every batch norm that follows a convolution or dense layer folded in.
///
/// `w′[o] = w[o] · s[o]`, `b′[o] = (b[o] − mean[o]) · s[o] + bias[o]`, `s = weight / √(variance + ε)`.
/// A layer without a bias gets one. Batch norms elsewhere stay.
///
/// # Errors
/// As [`Weights::check`].
pub fn fold_batch_norms<T: Real>(
    network: &Network,
    weights: &Weights<T>,
) -> Result<(Network, Weights<T>), WeightsError> {
    weights.check(network)?;
    let mut folded = Network {
        layers: Vec::new(),
        ..*network
    };
    let mut kept = Weights::default();
    for layer in &network.layers {
        let numbers = weights.get(&layer.name).cloned();
        let before = folded
            .layers
            .last_mut()
            .filter(|before| before.op.is_linear());
        if let (Op::BatchNorm { epsilon }, Some(before), Some(norm)) = (&layer.op, before, &numbers)
        {
            let mut linear: LayerWeights<T> = kept.get(&before.name).cloned().unwrap_or_default();
            fold(&mut linear, norm, T::from_f64(*epsilon));
            kept.insert(before.name.clone(), linear);
            if let Op::Conv { bias, .. } | Op::Dense { bias, .. } = &mut before.op {
                *bias = true;
            }
            continue;
        }
        if let Some(numbers) = numbers {
            kept.insert(layer.name.clone(), numbers);
        }
        folded.layers.push(layer.clone());
    }
    Ok((folded, kept))
}

fn fold<T: Real>(linear: &mut LayerWeights<T>, norm: &LayerWeights<T>, epsilon: T) {
    linear.bias.resize(norm.weight.len(), T::ZERO);
    let each = linear.weight.len() / norm.weight.len();
    for (o, weight) in linear.weight.chunks_mut(each).enumerate() {
        let scale = norm.weight[o] / (norm.variance[o] + epsilon).sqrt();
        weight.iter_mut().for_each(|w| *w *= scale);
        linear.bias[o] = (linear.bias[o] - norm.mean[o]) * scale + norm.bias[o];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::predict;
    use crate::training::initial_weights;

    #[test]
    fn a_folded_network_gives_the_same_logits() {
        let entries = [
            "batch-norm",
            "conv 3 k2 no-bias",
            "batch-norm",
            "relu",
            "flatten",
            "dense 4",
            "batch-norm",
        ];
        let network = Network::parse(2, 6, &entries).unwrap();
        let mut weights: Weights<f64> = initial_weights(&network, 1).unwrap().cast();
        for name in ["batch-norm1", "batch-norm2", "batch-norm3"] {
            let mut norm = weights.get(name).cloned().unwrap();
            for n in 0..norm.weight.len() {
                let n_ = n as f64;
                norm.weight[n] = 1.5 - 0.2 * n_;
                (norm.bias[n], norm.mean[n], norm.variance[n]) = (0.1 * n_, 0.3 - n_, 0.5 + n_);
            }
            weights.insert(name.to_owned(), norm);
        }
        let (folded, kept) = fold_batch_norms(&network, &weights).unwrap();
        assert_eq!(folded.layers.len(), network.layers.len() - 2);
        let x: Vec<f64> = (0..24).map(|n| f64::from(n * 7 % 11) - 5.0).collect();
        let (whole, small) = (predict(&network, &weights, &x), predict(&folded, &kept, &x));
        for (a, b) in whole.unwrap().iter().zip(small.unwrap()) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
