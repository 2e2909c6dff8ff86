//! Composites made ready: for each step of a program, the weight parts and constants its rule needs.

use super::RelevanceError;
use super::program::{Action, Linear, Program, Step};
use crate::kernels::Real;
use crate::kernels::relevance::{Back, Forward, Map};
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
    Gradient(Arc<Back<T>>),
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
    /// The sum of the terms that depend on the sample, and of what doesn't, `[out_len]`.
    Summed { constant: Option<Vec<T>> },
}

/// A [`Term`] with its numbers, its sign in them.
pub(crate) struct Product<T> {
    pub(crate) factor: Factor<T>,
    /// For the denominator, where the term depends on the sample; the first one adds the bias.
    pub(crate) forward: Option<Forward<T>>,
    pub(crate) back: Arc<Back<T>>,
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
    pub(crate) fn gradient(
        program: &Program<T>,
        activations: Activations,
        parts: &mut Parts<T>,
    ) -> Self {
        let passage = |(place, step): (usize, &Step<T>)| match &step.action {
            Action::Linear(linear) => Passage::Gradient(parts.of(place, linear, Part::All, 1.0).1),
            _ => Passage::Pass,
        };
        Self {
            passages: program.steps.iter().enumerate().map(passage).collect(),
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

/// A weight part, plain and packed for the way back.
type Packed<T> = (Arc<Vec<T>>, Arc<Back<T>>);

/// Weight parts that several branches or rules need, kept once.
pub(crate) struct Parts<T>(Vec<(usize, Part, f64, Packed<T>)>);

impl<T: Real> Parts<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    fn of(&mut self, place: usize, linear: &Linear<T>, part: Part, sign: f64) -> Packed<T> {
        let same = |(p, own, s, _): &&(usize, Part, f64, Packed<T>)| {
            *p == place && *own == part && *s == sign
        };
        if let Some((.., packed)) = self.0.iter().find(same) {
            return packed.clone();
        }
        let of = |w: &T| T::from_f64(sign * part.of(w.to_f64()));
        let weight = Arc::new(linear.weight.iter().map(of).collect::<Vec<_>>());
        let back = Arc::new(Back::new(linear.map, Arc::clone(&weight)));
        self.0
            .push((place, part, sign, (Arc::clone(&weight), Arc::clone(&back))));
        (weight, back)
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
        let kept = self.is_the_sum(branch);
        let mut bias = self.bias(branch.bias).filter(|_| !kept);
        let mut constant: Option<Vec<f64>> = None;
        let mut terms = Vec::with_capacity(branch.terms.len());
        for term in self.terms(&branch.terms) {
            let (factor, sign) = self.factor(&term)?;
            let (weight, back) = parts.of(self.place, self.linear, term.weight, sign);
            let forward = match &factor {
                Factor::Constant(values) => {
                    let sum = self.sum(values, &weight);
                    constant = Some(match constant {
                        Some(before) => before.iter().zip(sum).map(|(a, b)| a + b).collect(),
                        None => sum,
                    });
                    None
                }
                _ if kept => None,
                _ => Some(Forward::new(self.linear.map, weight, bias.take())),
            };
            terms.push(Product {
                factor,
                forward,
                back,
            });
        }
        if let Some(bias) = bias {
            constant = Some(self.with_bias(constant, &bias));
        }
        let constant = constant.map(|sum| sum.into_iter().map(T::from_f64).collect());
        Ok(Ready {
            scale: branch.scale,
            gate: branch.gate,
            stabilizer: branch.stabilizer,
            denominator: match kept {
                true => Denominator::Kept,
                false => Denominator::Summed { constant },
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

    /// What stands for the input, and the sign that is left for the weights.
    fn factor(&self, term: &Term) -> Result<(Factor<T>, f64), RelevanceError> {
        let constant = |values: &[f64]| -> Result<(Factor<T>, f64), RelevanceError> {
            Ok((Factor::Constant(self.spread(values, term.sign)?), 1.0))
        };
        match &term.input {
            InputPart::All => Ok((Factor::All, term.sign)),
            InputPart::Positive => Ok((Factor::Positive, term.sign)),
            InputPart::Negative => Ok((Factor::Negative, term.sign)),
            InputPart::Ones => constant(&[1.0]),
            InputPart::Values(values) => constant(values),
        }
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

    /// A weighted sum of what is the same for every sample, in `f64`.
    fn sum(&self, values: &[T], weight: &[T]) -> Vec<f64> {
        let wide = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
        let mut sum = vec![0.0; self.linear.map.out_len()];
        Forward::new(self.linear.map, Arc::new(wide(weight)), None).run(
            &wide(values),
            false,
            &mut sum,
        );
        sum
    }

    /// A constant with a bias that no term of the sample carries.
    fn with_bias(&self, constant: Option<Vec<f64>>, bias: &[T]) -> Vec<f64> {
        let (_, time) = self.linear.map.output();
        let mut sum = constant.unwrap_or_else(|| vec![0.0; self.linear.map.out_len()]);
        for (row, bias) in sum.chunks_mut(time).zip(bias) {
            row.iter_mut().for_each(|sum| *sum += bias.to_f64());
        }
        sum
    }
}
