//! Activations: value and derivative.

use crate::kernels::Real;
use crate::network::Op;

/// An activation, number by number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    Relu,
    LeakyRelu(f64),
    Elu(f64),
    Gelu,
}

impl Activation {
    pub(crate) fn of(op: &Op) -> Option<Self> {
        match *op {
            Op::Relu => Some(Self::Relu),
            Op::LeakyRelu { slope } => Some(Self::LeakyRelu(slope)),
            Op::Elu { alpha } => Some(Self::Elu(alpha)),
            Op::Gelu => Some(Self::Gelu),
            _ => None,
        }
    }

    pub(crate) fn apply<T: Real>(self, x: &[T], out: &mut [T]) {
        match self {
            Self::Relu => each(x, out, |x| x.max(T::ZERO)),
            Self::LeakyRelu(slope) => {
                let slope = T::from_f64(slope);
                each(x, out, |x| if x >= T::ZERO { x } else { slope * x });
            }
            Self::Elu(alpha) => each(x, out, |x| {
                if x >= T::ZERO {
                    x
                } else {
                    T::from_f64(alpha * x.to_f64().exp_m1())
                }
            }),
            Self::Gelu => each(x, out, |x| T::from_f64(x.to_f64() * normal(x.to_f64()))),
        }
    }

    /// Multiplies `gradient` by the derivative at `x`; ReLU's is 0 at 0.
    pub(crate) fn derive<T: Real>(self, x: &[T], gradient: &mut [T]) {
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            *gradient = match self {
                Self::Relu if x > T::ZERO => *gradient,
                Self::Relu => T::ZERO,
                _ => *gradient * T::from_f64(self.slope(x.to_f64())),
            };
        }
    }

    fn slope(self, x: f64) -> f64 {
        match self {
            Self::Relu => f64::from(u8::from(x > 0.0)),
            Self::LeakyRelu(_) | Self::Elu(_) if x > 0.0 => 1.0,
            Self::LeakyRelu(slope) => slope,
            Self::Elu(alpha) => alpha * x.exp(),
            Self::Gelu => normal(x) + x * density(x),
        }
    }
}

fn each<T: Real>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The normal distribution function, within 1e-15 of the exact value.
///
/// Near 0 by the series `½ + φ(x) (x + x³/3 + x⁵/(3·5) + …)`, in the tails by the continued fraction
/// `Φ(−x) = φ(x) / (x + 1/(x + 2/(x + 3/(x + …))))` (Abramowitz & Stegun 1964, 26.2.11 and 26.2.14).
pub(crate) fn normal(x: f64) -> f64 {
    if x > 3.0 {
        return 1.0 - normal(-x);
    }
    if x < -3.0 {
        let fraction = (1..=80).rev().fold(-x, |rest, n| -x + f64::from(n) / rest);
        return density(x) / fraction;
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + density(x) * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_that_of_the_tables() {
        // scipy.special.ndtr 1.14
        for (x, phi) in [
            (-8.0, 6.220960574271784e-16),
            (-3.5, 0.000_232_629_079_035_525_04),
            (-1.0, 0.158_655_253_931_457_05),
            (0.0, 0.5),
            (0.3, 0.617_911_422_188_952_7),
            (2.5, 0.993_790_334_674_223_9),
            (4.0, 0.999_968_328_758_166_9),
        ] {
            assert!((normal(x) / phi - 1.0).abs() < 1e-13, "{x}: {}", normal(x));
        }
    }

    #[test]
    fn derivatives_are_those_of_the_values() {
        let activations = [
            Activation::Relu,
            Activation::LeakyRelu(0.1),
            Activation::Elu(1.5),
            Activation::Gelu,
        ];
        for activation in activations {
            for x in [-4.0, -1.0, -0.2, 0.3, 2.0, 5.0] {
                let mut values = [0.0; 2];
                activation.apply(&[x - 1e-6, x + 1e-6], &mut values);
                let mut slope = [1.0];
                activation.derive(&[x], &mut slope);
                let difference = (values[1] - values[0]) / 2e-6;
                assert!(
                    (slope[0] - difference).abs() < 1e-8,
                    "{activation:?} at {x}"
                );
            }
        }
    }
}
