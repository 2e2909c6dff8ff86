//! Composites made ready: for each step of a program, the weight parts and constants its rule needs.

use super::RelevanceError;
use super::linear::Map;
use super::program::{Action, Linear, Program, Step};
use crate::kernels::Real;
use crate::network::Network;
use crate::rules::{Branch, Gate, InputPart, Part, Propagation, Stabilizer, Term};
use std::sync::Arc;

/// One way back through a program.
pub(crate) struct Path<T> {
    /// One a step.
    pub(crate) passages: Vec<Passage<T>>,
    pub(crate) activations: Activations,
}

/// What happens at an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activations {
    /// Relevance goes through unchanged.
    Pass,
    /// The gradient is multiplied by the derivative.
    Derive,
    /// As `Derive`, and at a ReLU only a positive gradient goes through.
    Guide,
}

/// How relevance goes back through one step; steps that aren't weighted sums hold `Pass`.
pub(crate) enum Passage<T> {
    Pass,
    Gradient,
    Branches(Vec<Ready<T>>),
}

/// A [`Branch`] with its numbers.
pub(crate) struct Ready<T> {
    pub(crate) scale: f64,
    pub(crate) gate: Gate,
    pub(crate) stabilizer: Stabilizer,
    pub(crate) denominator: Denominator<T>,
    pub(crate) terms: Vec<Product<T>>,
}

/// Where a branch's denominators come from.
pub(crate) enum Denominator<T> {
    /// They are what the step gave in the forward pass.
    Kept,
    /// The sum of the terms that depend on the sample, of the bias, and of those that don't.
    Summed {
        bias: Option<Vec<T>>,
        constant: Option<Vec<T>>,
    },
}

/// A [`Term`] with its numbers, its sign in them.
pub(crate) struct Product<T> {
    pub(crate) factor: Factor<T>,
    pub(crate) weight: Arc<Vec<T>>,
}

/// What stands for the input.
pub(crate) enum Factor<T> {
    All,
    Positive,
    Negative,
    /// The same for every sample, `[in_len]`.
    Constant(Vec<T>),
}

/// Whether the sum of step `place` may be overwritten by the ReLU behind it.
///
/// It may where every rule gives nothing to units that are 0: then the sum is asked for only where it is
/// positive, and there the ReLU leaves it alone. `propagations`: one a network layer, for each composite.
pub(crate) fn may_overwrite<'a, T: Real>(
    program: &Program<T>,
    mut propagations: impl Iterator<Item = &'a Vec<Option<Propagation>>>,
    place: usize,
) -> bool {
    let linear = |step: &&Step<T>| matches!(step.action, Action::Linear(_));
    let Some(next) = program.steps[place + 1..].iter().find(linear) else {
        return false;
    };
    propagations.all(|rules| match &rules[next.layer] {
        Some(Propagation::Branches(branches)) => branches
            .iter()
            .flat_map(|branch| &branch.terms)
            .all(|term| term.input.vanishes_with_input()),
        _ => false,
    })
}

impl<T: Real> Path<T> {
    /// The path of a gradient.
    pub(crate) fn gradient(program: &Program<T>, activations: Activations) -> Self {
        Self {
            passages: program.steps.iter().map(|_| Passage::Gradient).collect(),
            activations,
        }
    }

    /// The path of relevance; `propagations`: one a network layer.
    pub(crate) fn relevance(
        program: &Program<T>,
        network: &Network,
        propagations: &[Option<Propagation>],
        parts: &mut Parts<T>,
    ) -> Result<Self, RelevanceError> {
        let mut passages = Vec::with_capacity(program.steps.len());
        for (place, step) in program.steps.iter().enumerate() {
            passages.push(match (&step.action, &propagations[step.layer]) {
                (Action::Linear(linear), Some(Propagation::Branches(branches))) => {
                    let site = Site {
                        place,
                        linear,
                        layer: &network.layers[step.layer].name,
                        input_is_positive: step.input_is_positive,
                    };
                    Passage::Branches(site.ready(branches, parts)?)
                }
                (Action::Linear(linear), _) => {
                    passes(&network.layers[step.layer].name, linear.map)?;
                    Passage::Pass
                }
                _ => Passage::Pass,
            });
        }
        Ok(Self {
            passages,
            activations: Activations::Pass,
        })
    }
}

fn passes(layer: &str, map: Map) -> Result<(), RelevanceError> {
    let (gets, gives) = (map.in_len(), map.out_len());
    if gets == gives {
        return Ok(());
    }
    Err(RelevanceError::Pass {
        layer: layer.to_owned(),
        gets,
        gives,
    })
}

/// Weight parts that several branches or rules need, kept once.
pub(crate) struct Parts<T>(Vec<(usize, Part, f64, Arc<Vec<T>>)>);

impl<T: Real> Parts<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    fn of(&mut self, place: usize, linear: &Linear<T>, part: Part, sign: f64) -> Arc<Vec<T>> {
        if part == Part::All && sign == 1.0 {
            return Arc::clone(&linear.weight);
        }
        let same = |(p, own, s, _): &&(usize, Part, f64, Arc<Vec<T>>)| {
            *p == place && *own == part && *s == sign
        };
        if let Some((.., weight)) = self.0.iter().find(same) {
            return Arc::clone(weight);
        }
        let of = |w: &T| T::from_f64(sign * part.of(w.to_f64()));
        let weight = Arc::new(linear.weight.iter().map(of).collect::<Vec<_>>());
        self.0.push((place, part, sign, Arc::clone(&weight)));
        weight
    }
}

/// A weighted sum and where it stands.
struct Site<'a, T> {
    place: usize,
    layer: &'a str,
    linear: &'a Linear<T>,
    input_is_positive: bool,
}

impl<T: Real> Site<'_, T> {
    fn ready(
        &self,
        branches: &[Branch],
        parts: &mut Parts<T>,
    ) -> Result<Vec<Ready<T>>, RelevanceError> {
        let needed = |branch: &&Branch| branch.gate != Gate::Negative || !self.linear.relu;
        branches
            .iter()
            .filter(needed)
            .map(|branch| self.branch(branch, parts))
            .collect()
    }

    fn branch(&self, branch: &Branch, parts: &mut Parts<T>) -> Result<Ready<T>, RelevanceError> {
        let mut terms = Vec::with_capacity(branch.terms.len());
        for term in self.terms(&branch.terms) {
            terms.push(self.product(&term, parts)?);
        }
        let kept = self.is_the_sum(branch);
        Ok(Ready {
            scale: branch.scale,
            gate: branch.gate,
            stabilizer: branch.stabilizer,
            denominator: match kept {
                true => Denominator::Kept,
                false => Denominator::Summed {
                    bias: self.bias(branch.bias),
                    constant: self.constant(&terms),
                },
            },
            terms,
        })
    }

    /// Terms that can be anything but 0, in their simplest form: where the input isn't negative, its
    /// positive part is all of it.
    fn terms(&self, terms: &[Term]) -> Vec<Term> {
        let simple = |term: &Term| match term.input {
            InputPart::Negative if self.input_is_positive => None,
            InputPart::Positive if self.input_is_positive => Some(Term {
                input: InputPart::All,
                ..term.clone()
            }),
            _ => Some(term.clone()),
        };
        terms.iter().filter_map(simple).collect()
    }

    /// Whether the denominator is what the forward pass computes.
    fn is_the_sum(&self, branch: &Branch) -> bool {
        let whole = |part| part == Part::All;
        let bias = whole(branch.bias) || self.linear.bias.is_none();
        match self.terms(&branch.terms)[..] {
            [ref term] => {
                bias && term.input == InputPart::All && whole(term.weight) && term.sign == 1.0
            }
            _ => false,
        }
    }

    fn bias(&self, part: Part) -> Option<Vec<T>> {
        let bias = self.linear.bias.as_ref()?;
        let of = |b: &T| T::from_f64(part.of(b.to_f64()));
        (part != Part::Nothing).then(|| bias.iter().map(of).collect())
    }

    fn product(&self, term: &Term, parts: &mut Parts<T>) -> Result<Product<T>, RelevanceError> {
        let constant = |values: &[f64]| -> Result<Factor<T>, RelevanceError> {
            Ok(Factor::Constant(self.spread(values, term.sign)?))
        };
        let (factor, sign) = match &term.input {
            InputPart::All => (Factor::All, term.sign),
            InputPart::Positive => (Factor::Positive, term.sign),
            InputPart::Negative => (Factor::Negative, term.sign),
            InputPart::Ones => (constant(&[1.0])?, 1.0),
            InputPart::Values(values) => (constant(values)?, 1.0),
        };
        let weight = parts.of(self.place, self.linear, term.weight, sign);
        Ok(Product { factor, weight })
    }

    /// One value a channel as a whole input.
    fn spread(&self, values: &[f64], sign: f64) -> Result<Vec<T>, RelevanceError> {
        let (channels, time) = self.linear.map.input();
        if values.len() != 1 && values.len() != channels {
            return Err(RelevanceError::Box {
                layer: self.layer.to_owned(),
                values: values.len(),
                channels,
            });
        }
        let value = |at: usize| T::from_f64(sign * values[(at / time).min(values.len() - 1)]);
        Ok((0..channels * time).map(value).collect())
    }

    /// The part of the denominators that is the same for every sample, added up in `f64`.
    fn constant(&self, terms: &[Product<T>]) -> Option<Vec<T>> {
        let wide = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
        let mut sum: Option<Vec<f64>> = None;
        let mut term = vec![0.0; self.linear.map.out_len()];
        for product in terms {
            if let Factor::Constant(values) = &product.factor {
                let (values, weight) = (wide(values), wide(&product.weight));
                self.linear.map.forward(&values, &weight, None, &mut term);
                let sum = sum.get_or_insert_with(|| vec![0.0; term.len()]);
                super::fused::add(sum, &term);
            }
        }
        sum.map(|sum| sum.into_iter().map(T::from_f64).collect())
    }
}
