//! Adam's update of a buffer of parameters, in one pass.

use rayon::prelude::*;

/// Numbers a thread takes at once; numbers are independent, so it has no say in the outcome.
const CHUNK: usize = 8192;

/// The numbers of one step of Adam, the same for every parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    pub(crate) beta_1: f32,
    pub(crate) beta_2: f32,
    /// `1 − β₁` and `1 − β₂`, each rounded once.
    pub(crate) rest_1: f32,
    pub(crate) rest_2: f32,
    /// `η / (1 − β₁ᵗ)`.
    pub(crate) rate: f32,
    /// `√(1 − β₂ᵗ)`.
    pub(crate) root: f32,
    pub(crate) epsilon: f32,
}

/// What a step changes, and the gradient it follows; four buffers of one length.
#[derive(Debug)]
pub struct AdamBuffers<'a> {
    /// θ
    pub weight: &'a mut [f32],
    /// m
    pub moment_1: &'a mut [f32],
    /// v
    pub moment_2: &'a mut [f32],
    /// g
    pub gradient: &'a [f32],
}

impl AdamStep {
    /// Step `time`, from 1, at `learning_rate` η; constants are worked out in `f64`.
    pub fn new(learning_rate: f64, betas: [f64; 2], epsilon: f64, time: usize) -> Self {
        let left = betas.map(|beta| 1.0 - libm::pow(beta, time as f64));
        let [beta_1, beta_2] = betas;
        Self {
            beta_1: beta_1 as f32,
            beta_2: beta_2 as f32,
            rest_1: (1.0 - beta_1) as f32,
            rest_2: (1.0 - beta_2) as f32,
            rate: (learning_rate / left[0]) as f32,
            root: left[1].sqrt() as f32,
            epsilon: epsilon as f32,
        }
    }

    /// Takes the step.
    ///
    /// `m ← β₁·m + (1 − β₁)·g`, `v ← β₂·v + (1 − β₂)·g²`,
    /// `θ ← θ − η · m̂ / (√v̂ + ε)` with `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)`.
    /// Products and sums are rounded apart, so the bytes are the same on every machine.
    ///
    /// Source: Kingma & Ba 2015, algorithm 1. Checked: `tests/golden/tiny/training.safetensors`.
    pub fn take(&self, buffers: AdamBuffers<'_>) {
        buffers
            .weight
            .par_chunks_mut(CHUNK)
            .zip(buffers.moment_1.par_chunks_mut(CHUNK))
            .zip(buffers.moment_2.par_chunks_mut(CHUNK))
            .zip(buffers.gradient.par_chunks(CHUNK))
            .for_each(|(((weight, moment_1), moment_2), gradient)| {
                let moments = moment_1.iter_mut().zip(moment_2);
                for ((w, (m, v)), &g) in weight.iter_mut().zip(moments).zip(gradient) {
                    *m = self.beta_1 * *m + self.rest_1 * g;
                    *v = self.beta_2 * *v + self.rest_2 * (g * g);
                    *w -= self.rate * *m / (v.sqrt() / self.root + self.epsilon);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_goes_by_the_learning_rate_against_the_gradient() {
        let gradient: Vec<f32> = (0..3 * CHUNK).map(|n| n as f32 - 100.5).collect();
        let mut weight = vec![1.0; gradient.len()];
        let (mut moment_1, mut moment_2) = (vec![0.0; weight.len()], vec![0.0; weight.len()]);
        AdamStep::new(0.01, [0.9, 0.999], 1e-7, 1).take(AdamBuffers {
            weight: &mut weight,
            moment_1: &mut moment_1,
            moment_2: &mut moment_2,
            gradient: &gradient,
        });
        for (weight, gradient) in weight.iter().zip(gradient) {
            let wanted = 1.0 - 0.01 * gradient.signum();
            assert!((weight - wanted).abs() < 1e-6, "{weight} for {gradient}");
        }
    }

    #[test]
    fn epsilon_stands_outside_the_root() {
        let (mut weight, mut moment_1, mut moment_2) = ([0.0], [0.0], [0.0]);
        AdamStep::new(1.0, [0.9, 0.999], 1.0, 1).take(AdamBuffers {
            weight: &mut weight,
            moment_1: &mut moment_1,
            moment_2: &mut moment_2,
            gradient: &[3.0],
        });
        assert!((weight[0] + 3.0 / 4.0).abs() < 1e-6, "{}", weight[0]);
    }
}
