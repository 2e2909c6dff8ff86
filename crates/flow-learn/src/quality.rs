//! How good an explanation is: does taking away what it points at change the answer, and how few inputs
//! does it point at.
//!
//! Inputs are taken away by setting them to 0. All sums are `f64`, in a fixed order.

use crate::kernels::Real;
use crate::relevance::{RelevanceError, Walker};

/// An explanation with what it explains.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a, T> {
    /// The network.
    pub walker: &'a Walker<T>,
    /// `[batch, channels, time]`.
    pub x: &'a [T],
    /// `[batch, channels, time]`.
    pub relevance: &'a [T],
    /// The class explained, `[batch]`.
    pub targets: &'a [usize],
}

/// What the network says while the most relevant inputs are taken away, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Flipping {
    /// Steps, `L`; the last may take fewer inputs than the others.
    pub steps: usize,
    /// The target's logit, `[batch, L + 1]`, before the first step first.
    pub logit: Vec<f64>,
    /// The target's probability by softmax, `[batch, L + 1]`.
    pub probability: Vec<f64>,
}

/// Takes inputs away in the order of their relevance, the largest first, `per_step` at a time.
///
/// Relevance counts with its sign; equals are taken in the order channel, time.
///
/// # Errors
/// As [`Walker::logits`]; [`RelevanceError::Length`] and [`RelevanceError::Class`] where the parts of
/// `explained` don't fit each other.
///
/// Source: Samek et al. 2017, IEEE Trans. Neural Netw. Learn. Syst. 28, 2660–2673, with single
/// inputs for regions. Checked: `tests/relevance/quality.rs`.
pub fn pixel_flipping<T: Real>(
    explained: Explained<'_, T>,
    per_step: usize,
) -> Result<Flipping, RelevanceError> {
    let features = explained.check()?;
    let per_step = per_step.max(1);
    let steps = features.div_ceil(per_step);
    let orders: Vec<_> = explained.relevance.chunks(features).map(order).collect();
    let mut x = explained.x.to_vec();
    let mut flipping = Flipping {
        steps,
        logit: vec![0.0; orders.len() * (steps + 1)],
        probability: vec![0.0; orders.len() * (steps + 1)],
    };
    for step in 0..=steps {
        for (sample, order) in orders.iter().enumerate() {
            let gone = (step * per_step).saturating_sub(per_step)..step * per_step;
            for &feature in &order[gone.start.min(features)..gone.end.min(features)] {
                x[sample * features + feature] = T::ZERO;
            }
        }
        let logits = explained.walker.logits(&x)?;
        let classes = explained.walker.classes();
        for (sample, logits) in logits.chunks(classes).enumerate() {
            let target = explained.targets[sample];
            let at = sample * (steps + 1) + step;
            flipping.logit[at] = logits[target].to_f64();
            flipping.probability[at] = softmax(logits, target);
        }
    }
    Ok(flipping)
}

impl Flipping {
    /// Area over the curve: the mean of `f(x₀) − f(x_k)` over `k = 0..=L`, a sample each.
    ///
    /// * `curve`: [`Flipping::logit`] or [`Flipping::probability`]
    pub fn area_over(&self, curve: &[f64]) -> Vec<f64> {
        let over = |curve: &[f64]| {
            let falls = curve.iter().map(|f| curve[0] - f);
            falls.sum::<f64>() / curve.len() as f64
        };
        curve.chunks(self.steps + 1).map(over).collect()
    }

    /// Area under the curve by trapezoids over equal steps, divided by `L`, a sample each.
    ///
    /// * `curve`: [`Flipping::logit`] or [`Flipping::probability`]
    pub fn area_under(&self, curve: &[f64]) -> Vec<f64> {
        let under = |curve: &[f64]| {
            let pairs = curve.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
            pairs.sum::<f64>() / self.steps.max(1) as f64
        };
        curve.chunks(self.steps + 1).map(under).collect()
    }
}

/// Correlation between what subsets of the input are relevant for and what taking them away costs, a sample
/// each; NaN where either is the same for all subsets.
///
/// Pearson's `r` over the subsets of `(Σ relevance in the subset, f(x) − f(x without the subset))`, `f` the
/// target's logit.
///
/// * `subsets`: places in a sample, `channel · time + t`
///
/// # Errors
/// As [`pixel_flipping`]; [`RelevanceError::Length`] where a place lies outside the sample.
///
/// Source: Bhatt et al. 2020, IJCAI, 3016–3022. Checked: `tests/relevance/quality.rs`.
pub fn faithfulness_correlation<T: Real>(
    explained: Explained<'_, T>,
    subsets: &[Vec<usize>],
) -> Result<Vec<f64>, RelevanceError> {
    let features = explained.check()?;
    let outside = subsets.iter().flatten().find(|&&place| place >= features);
    if let Some(&found) = outside {
        let what = "a subset's largest place";
        let wanted = features - 1;
        return Err(RelevanceError::Length {
            what,
            found,
            wanted,
        });
    }
    let whole = explained.target_logits(explained.x)?;
    let mut pairs = vec![Vec::with_capacity(subsets.len()); whole.len()];
    for subset in subsets {
        let mut x = explained.x.to_vec();
        for x in x.chunks_mut(features) {
            subset.iter().for_each(|&place| x[place] = T::ZERO);
        }
        let left = explained.target_logits(&x)?;
        let samples = explained.relevance.chunks(features);
        for ((pairs, relevance), (whole, left)) in
            pairs.iter_mut().zip(samples).zip(whole.iter().zip(left))
        {
            let sum: f64 = subset.iter().map(|&place| relevance[place].to_f64()).sum();
            pairs.push((sum, whole - left));
        }
    }
    Ok(pairs.iter().map(|pairs| pearson(pairs)).collect())
}

/// How few inputs hold the relevance: the Gini index of `|R|`, from 0 (all alike) to 1; NaN where all is 0.
///
/// With `a = |R|` sorted ascending, `G = Σ over i = 1..=n of (2i − n − 1) · a_i / (n · Σ a)`.
///
/// Source: Chalasani et al. 2020, ICML, 1383–1391. Checked: `tests/relevance/quality.rs`.
pub fn gini<T: Real>(relevance: &[T]) -> f64 {
    let mut sizes: Vec<f64> = relevance.iter().map(|r| r.to_f64().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let n = sizes.len() as f64;
    let weighted = sizes
        .iter()
        .enumerate()
        .map(|(i, a)| (2.0 * i as f64 + 1.0 - n) * a);
    weighted.sum::<f64>() / (n * sizes.iter().sum::<f64>())
}

/// How many inputs hold the relevance: the entropy `−Σ p ln p` of `p = |R| / Σ |R|`; NaN where all is 0.
///
/// Source: Bhatt et al. 2020, IJCAI, 3016–3022. Checked: `tests/relevance/quality.rs`.
pub fn entropy<T: Real>(relevance: &[T]) -> f64 {
    let total: f64 = relevance.iter().map(|r| r.to_f64().abs()).sum();
    if total == 0.0 {
        return f64::NAN;
    }
    let shares = relevance.iter().map(|r| r.to_f64().abs() / total);
    -shares.filter(|&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

impl<T: Real> Explained<'_, T> {
    /// Whether the parts fit each other; gives the numbers of a sample.
    fn check(&self) -> Result<usize, RelevanceError> {
        crate::relevance::length("relevance", self.relevance.len(), self.x.len())?;
        self.walker.check_targets(self.x, self.targets)?;
        Ok(self.walker.sample_len())
    }

    fn target_logits(&self, x: &[T]) -> Result<Vec<f64>, RelevanceError> {
        self.walker.target_logits(x, self.targets)
    }
}

/// Places from the largest value to the smallest; equals stay in their order.
fn order<T: Real>(relevance: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..relevance.len()).collect();
    // −0 + 0 is 0: the two zeros are equals.
    let value = |place: usize| relevance[place].to_f64() + 0.0;
    order.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    order
}

fn softmax<T: Real>(logits: &[T], class: usize) -> f64 {
    let logits = logits.iter().map(|logit| logit.to_f64());
    let most = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.map(|logit| (logit - most).exp()).collect();
    powers[class] / powers.iter().sum::<f64>()
}

/// Pearson's `r`; NaN where one side is the same for all pairs but for the rounding of a sum.
fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let is_flat = |mean: f64, of: fn(&(f64, f64)) -> f64| {
        let rounding = 4.0 * n * f64::EPSILON * mean.abs();
        pairs.iter().all(|pair| (of(pair) - mean).abs() <= rounding)
    };
    if is_flat(a, |pair| pair.0) || is_flat(b, |pair| pair.1) {
        return f64::NAN;
    }
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        pairs.iter().map(|pair| of(pair.0 - a, pair.1 - b)).sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_input_alone_is_sparsest_and_equals_are_densest() {
        assert!((gini(&[0.0, 0.0, 0.0, -2.0]) - 0.75).abs() < 1e-15);
        assert!(gini(&[1.0, -1.0, 1.0]).abs() < 1e-15);
        assert_eq!(entropy(&[0.0, 3.0]), 0.0);
        assert!((entropy(&[1.0, -1.0, 1.0, 1.0]) - 4f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn nothing_relevant_is_neither() {
        assert!(gini(&[0.0, 0.0]).is_nan());
        assert!(entropy(&[0.0_f32, 0.0]).is_nan());
    }

    #[test]
    fn what_is_the_same_for_all_subsets_correlates_with_nothing() {
        // The mean of three times 0.1 is not 0.1, so deviations of rounding alone would correlate.
        assert!(pearson(&[(0.1, 1.0), (0.1, 2.0), (0.1, 4.0)]).is_nan());
        assert!(pearson(&[(1.0, 0.7), (2.0, 0.7), (4.0, 0.7)]).is_nan());
        assert!((pearson(&[(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)]) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn negative_zero_is_no_smaller_than_zero() {
        assert_eq!(order(&[0.0, -0.0, 1.0, -1.0, 0.0]), [2, 0, 1, 4, 3]);
    }
}
