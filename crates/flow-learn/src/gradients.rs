//! Explanations from the gradient of a logit.
//!
//! | method | value at an input |
//! |---|---|
//! | `gradient` | `∂f/∂x` |
//! | `guided-backprop` | the same, but a ReLU lets only a positive gradient back |
//! | `input-x-gradient` | `x · ∂f/∂x` |
//! | `integrated-gradients(nodes, quadrature=…)` | `x · ∫₀¹ ∂f/∂x (αx) dα`, baseline 0 |
//! | `saliency` | `|∂f/∂x|` |
//!
//! `f` is the target's logit, or as [`Start`](crate::relevance::Start) says. At a tie a maximum pool gives its
//! gradient to the first maximum; the derivative of a ReLU at 0 is 0.

mod quadrature;

pub use quadrature::{GradientNode, Quadrature};

use crate::rules::text::Call;
use crate::rules::{Parameter, RuleError, Wants};
use crate::spelling::nearest;
use std::fmt;
use std::str::FromStr;

/// A method on gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientMethod {
    /// The gradient itself. Simonyan et al. 2014, arXiv:1312.6034.
    Gradient,
    /// Springenberg et al. 2015, arXiv:1412.6806.
    GuidedBackprop,
    /// Shrikumar et al. 2016, arXiv:1605.01713.
    InputXGradient,
    /// Sundararajan et al. 2017, arXiv:1703.01365.
    IntegratedGradients {
        /// Points at which the gradient is taken, at least 1.
        nodes: usize,
        /// Where they lie.
        quadrature: Quadrature,
    },
    /// The size of the gradient. Simonyan et al. 2014, arXiv:1312.6034.
    Saliency,
}

const NODES: &[Parameter] = &[
    Parameter {
        name: "nodes",
        wants: Wants::Count {
            usual: 50,
            most: 10_000,
        },
    },
    Parameter {
        name: "quadrature",
        wants: Wants::Word(&["gauss-legendre", "riemann-middle"]),
    },
];

/// Names and parameters, sorted.
const METHODS: [(&str, &[Parameter]); 5] = [
    ("gradient", &[]),
    ("guided-backprop", &[]),
    ("input-x-gradient", &[]),
    ("integrated-gradients", NODES),
    ("saliency", &[]),
];

impl GradientMethod {
    /// Reads a method, such as `integrated-gradients(50)`.
    ///
    /// # Errors
    /// What can't be read, with the nearest right name.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let call = Call::parse(text)?;
        let method = METHODS.into_iter().find(|(name, _)| *name == call.name);
        let (name, parameters) = method.ok_or_else(|| RuleError::UnknownRule {
            name: call.name.to_owned(),
            nearest: nearest(call.name, METHODS.map(|(name, _)| name)),
        })?;
        let values = call.arguments(name, parameters)?;
        match name {
            "gradient" => Ok(Self::Gradient),
            "guided-backprop" => Ok(Self::GuidedBackprop),
            "input-x-gradient" => Ok(Self::InputXGradient),
            "saliency" => Ok(Self::Saliency),
            _ => Ok(Self::IntegratedGradients {
                nodes: values[0].number() as usize,
                quadrature: match values[1].is("riemann-middle") {
                    true => Quadrature::RiemannMiddle,
                    false => Quadrature::GaussLegendre,
                },
            }),
        }
    }

    /// Where the gradient is taken, and with which weight it counts.
    pub(crate) fn nodes(self) -> Vec<GradientNode> {
        match self {
            Self::IntegratedGradients { nodes, quadrature } => quadrature.nodes(nodes),
            _ => vec![GradientNode {
                at: 1.0,
                weight: 1.0,
            }],
        }
    }

    /// The value at an input, from the weighted sum of its gradients.
    pub(crate) fn value(self, x: f64, gradient: f64) -> f64 {
        match self {
            Self::Gradient | Self::GuidedBackprop => gradient,
            Self::InputXGradient | Self::IntegratedGradients { .. } => x * gradient,
            Self::Saliency => gradient.abs(),
        }
    }
}

impl FromStr for GradientMethod {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}

impl fmt::Display for GradientMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gradient => f.write_str("gradient"),
            Self::GuidedBackprop => f.write_str("guided-backprop"),
            Self::InputXGradient => f.write_str("input-x-gradient"),
            Self::Saliency => f.write_str("saliency"),
            Self::IntegratedGradients { nodes, quadrature } => match quadrature {
                Quadrature::GaussLegendre => write!(f, "integrated-gradients({nodes})"),
                Quadrature::RiemannMiddle => {
                    write!(f, "integrated-gradients({nodes},quadrature=riemann-middle)")
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        assert!(METHODS.is_sorted_by_key(|(name, _)| name));
        for text in [
            "gradient",
            "guided-backprop",
            "input-x-gradient",
            "integrated-gradients(50)",
            "integrated-gradients(7,quadrature=riemann-middle)",
            "saliency",
        ] {
            assert_eq!(GradientMethod::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn half_a_node_is_refused() {
        for text in ["integrated-gradients(2.5)", "integrated-gradients(0)"] {
            let error = GradientMethod::parse(text).unwrap_err();
            assert!(matches!(error, RuleError::BadValue { .. }), "{error}");
        }
    }
}
