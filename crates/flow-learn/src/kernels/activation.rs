//! Functions of one number: ReLU and its kin, with their slopes.

use super::Real;

/// A function applied to every number of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where `x ≥ 0`, else `slope · x`.
    LeakyRelu {
        /// Slope below zero.
        slope: f64,
    },
    /// `x` where `x ≥ 0`, else `alpha · (eˣ − 1)`.
    Elu {
        /// Value far below zero, negated.
        alpha: f64,
    },
    /// `x · Φ(x)`, Φ the normal distribution function.
    Gelu,
}

impl Activation {
    /// The value at `x`.
    pub fn value<T: Real>(self, x: T) -> T {
        match self {
            // Not `max`, which makes 0 of NaN.
            Self::Relu if x <= T::ZERO => T::ZERO,
            Self::LeakyRelu { slope } if x < T::ZERO => T::from_f64(slope) * x,
            Self::Elu { alpha } if x < T::ZERO => T::from_f64(alpha * x.to_f64().exp_m1()),
            Self::Relu | Self::LeakyRelu { .. } | Self::Elu { .. } => x,
            Self::Gelu => T::from_f64(x.to_f64() * normal_below(x.to_f64())),
        }
    }

    /// The slope at `x`; at a corner the one from the left, as PyTorch has it.
    pub fn slope<T: Real>(self, x: T) -> T {
        let below = x <= T::ZERO;
        match self {
            Self::Relu if below => T::ZERO,
            Self::LeakyRelu { slope } if below => T::from_f64(slope),
            Self::Elu { alpha } if below => T::from_f64(alpha * x.to_f64().exp()),
            Self::Relu | Self::LeakyRelu { .. } | Self::Elu { .. } => T::ONE,
            Self::Gelu => {
                let x = x.to_f64();
                let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
                T::from_f64(normal_below(x) + x * density)
            }
        }
    }
}

/// `Φ(x) = ½ · erfc(−x / √2)`.
fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 4] = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Elu { alpha: 1.5 },
        Activation::Gelu,
    ];

    #[test]
    fn slopes_are_those_of_the_values() {
        for activation in ALL {
            for x in [-3.0_f64, -0.7, 0.4, 2.0] {
                let rise = activation.value(x + 1e-6) - activation.value(x - 1e-6);
                assert!(
                    (rise / 2e-6 - activation.slope(x)).abs() < 1e-8,
                    "{activation:?} at {x}"
                );
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for activation in ALL {
            assert!(activation.value(f64::NAN).is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn gelu_has_the_published_values() {
        // Φ(1) = 0.841344746068543 (Abramowitz & Stegun, table 26.1).
        assert!((Activation::Gelu.value(1.0_f64) - 0.841_344_746_068_543).abs() < 1e-15);
        assert!((Activation::Gelu.value(-1.0_f64) + 0.158_655_253_931_457).abs() < 1e-15);
    }
}
