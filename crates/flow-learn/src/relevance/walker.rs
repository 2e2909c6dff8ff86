//! The walker: batches in, explanations out.

mod on_device;

use super::device::DeviceWalk;
use super::path::{Activations, Parts, Path, may_overwrite};
use super::program::Program;
use super::wide::needs_double;
use super::workspace::{Pool, Workspace};
use super::{
    Explanations, Method, RelevanceError, Start, Target, backward, check_target, class, finite,
    length, one_hot,
};
use crate::composite::Composite;
use crate::gradients::{GradientMethod, GradientNode};
use crate::kernels::Real;
use crate::kernels::relevance::largest;
use crate::network::Network;
use crate::rules::{Propagation, Rule};
use crate::weights::{Weights, fold_batch_norms};
use rayon::prelude::*;
use std::fmt;

/// A network, its weights and composites, ready to explain batch after batch.
///
/// Its buffers are kept: after the first batch nothing large is allocated. It may be shared by threads.
pub struct Walker<T> {
    program: Program<T>,
    ways: Vec<Way<T>>,
    pool: Pool<T>,
    /// The walker of the methods that `T` is too narrow for, and their places among all.
    wide: Option<(Box<Walker<f64>>, Vec<usize>)>,
    /// The walk on a device that our kernels don't run on, where one was asked for.
    device: Option<Box<DeviceWalk>>,
}

/// A method, ready.
struct Way<T> {
    name: String,
    path: Path<T>,
    /// The method and its points, for gradients.
    gradient: Option<(GradientMethod, Vec<GradientNode>)>,
}

impl<T: Real> Walker<T> {
    /// Makes a walker of composites; everything that can be wrong with network, weights and composites is
    /// told here.
    ///
    /// # Errors
    /// As [`Weights::check`] and [`Composite::rules`]; [`RelevanceError::Pass`], [`RelevanceError::Box`].
    pub fn new(
        network: &Network,
        weights: &Weights<T>,
        composites: &[Composite],
    ) -> Result<Self, RelevanceError> {
        let methods: Vec<_> = composites.iter().cloned().map(Method::Relevance).collect();
        Self::of_methods(network, weights, &methods)
    }

    /// Makes a walker of methods of any kind; [`Explanations::rules`] has one entry a method.
    ///
    /// In `f32`, methods whose denominators may cancel (ε below 1e-3 at convolutions, a signed rule without
    /// bias, integrated gradients), and all methods of small networks, are walked in `f64` and rounded.
    ///
    /// # Errors
    /// As [`Walker::new`].
    pub fn of_methods(
        network: &Network,
        weights: &Weights<T>,
        methods: &[Method],
    ) -> Result<Self, RelevanceError> {
        let (folded, _) = fold_batch_norms(network, weights)?;
        let mut places = Vec::new();
        if size_of::<T>() == 4 {
            for (place, method) in methods.iter().enumerate() {
                let propagations = propagations(&folded, method)?;
                if needs_double(&folded, method, propagations.as_deref()) {
                    places.push(place);
                }
            }
        }
        let each = || methods.iter().enumerate();
        let pick = |wide: bool| -> Vec<Method> {
            let picked = each().filter(|(place, _)| places.contains(place) == wide);
            picked.map(|(_, method)| method.clone()).collect()
        };
        let mut walker = Self::of_one_precision(network, weights, &pick(false))?;
        if !places.is_empty() {
            let wide = Walker::of_one_precision(network, &weights.cast(), &pick(true))?;
            walker.wide = Some((Box::new(wide), places));
        }
        Ok(walker)
    }

    /// As [`Walker::of_methods`], every method walked in `T`.
    pub(crate) fn of_one_precision(
        network: &Network,
        weights: &Weights<T>,
        methods: &[Method],
    ) -> Result<Self, RelevanceError> {
        let (network, weights) = &fold_batch_norms(network, weights)?;
        let mut program = Program::new(network, weights)?;
        let propagations = methods
            .iter()
            .map(|method| propagations(network, method))
            .collect::<Result<Vec<_>, _>>()?;
        let may: Vec<_> = (0..program.steps.len())
            .map(|place| may_overwrite(&program, propagations.iter().flatten(), place))
            .collect();
        program.fuse(|place| may[place]);
        let mut parts = Parts::new();
        let mut ways = Vec::with_capacity(methods.len());
        for (method, own) in methods.iter().zip(&propagations) {
            ways.push(Way {
                name: method.to_string(),
                path: match own {
                    Some(own) => Path::relevance(&program, network, own, &mut parts)?,
                    None => Path::gradient(&program, activations(method), &mut parts),
                },
                gradient: match method {
                    Method::Gradient(method) => Some((*method, method.nodes())),
                    Method::Relevance(_) => None,
                },
            });
        }
        Ok(Self {
            program,
            ways,
            pool: Pool::new(),
            wide: None,
            device: None,
        })
    }

    /// The methods in words, as [`Explanations::rules`] has them.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.ways.iter().map(|way| way.name.clone()).collect();
        if let Some((wide, places)) = &self.wide {
            for (&place, name) in places.iter().zip(wide.names()) {
                names.insert(place, name);
            }
        }
        names
    }

    /// The logits of a batch, `[batch, classes]`; `x`: `[batch, channels, time]`.
    ///
    /// # Errors
    /// [`RelevanceError::Input`], [`RelevanceError::NotFinite`].
    pub fn logits(&self, x: &[T]) -> Result<Vec<T>, RelevanceError> {
        let classes = self.program.classes;
        let mut logits = vec![T::ZERO; self.program.batch(x)? * classes];
        let samples = x.par_chunks(self.program.in_len);
        let forward = |(logits, x): (&mut [T], &[T])| {
            self.pool.with(&self.program, |space| {
                self.program.forward(x, space);
                logits.copy_from_slice(self.program.logits(space));
            });
        };
        match &self.device {
            Some(walk) if !x.is_empty() => logits = self.device_logits(walk, x),
            _ => logits
                .par_chunks_mut(classes)
                .zip(samples)
                .for_each(forward),
        }
        let mut samples = logits.chunks(classes).enumerate();
        samples.try_for_each(|(sample, own)| finite(sample, own, || "a logit".to_owned()))?;
        Ok(logits)
    }

    /// The target's logit of each sample, `[batch]`.
    pub(crate) fn target_logits(
        &self,
        x: &[T],
        targets: &[usize],
    ) -> Result<Vec<f64>, RelevanceError> {
        let logits = self.logits(x)?;
        let samples = logits.chunks(self.program.classes).zip(targets);
        Ok(samples.map(|(own, &target)| own[target].to_f64()).collect())
    }

    /// Whether there is a class that exists for each sample of `x`.
    pub(crate) fn check_targets(&self, x: &[T], targets: &[usize]) -> Result<(), RelevanceError> {
        let batch = self.program.batch(x)?;
        check_target(batch, self.program.classes, Target::True(targets))
    }

    /// Channels of the network's input.
    pub(crate) fn channels(&self) -> usize {
        self.program.channels
    }

    /// Numbers of a sample.
    pub(crate) fn sample_len(&self) -> usize {
        self.program.in_len
    }

    /// Classes of the network.
    pub(crate) fn classes(&self) -> usize {
        self.program.classes
    }

    /// Explains a batch.
    ///
    /// * `x`: `[batch, channels, time]`
    ///
    /// # Errors
    /// As [`Walker::explain_into`].
    pub fn explain(
        &self,
        x: &[T],
        target: Target<'_>,
        start: Start<'_, T>,
    ) -> Result<Explanations<T>, RelevanceError> {
        let mut explanations = Explanations::default();
        self.explain_into(x, target, start, &mut explanations)?;
        Ok(explanations)
    }

    /// Explains a batch into buffers that are kept from batch to batch.
    ///
    /// * `x`: `[batch, channels, time]`
    ///
    /// # Errors
    /// [`RelevanceError::Input`], [`RelevanceError::Length`] and [`RelevanceError::Class`] where the
    /// arguments don't fit, [`RelevanceError::NotFinite`] with the first sample whose logits or relevance
    /// are infinite or NaN; `into` then holds nothing of use.
    pub fn explain_into(
        &self,
        x: &[T],
        target: Target<'_>,
        start: Start<'_, T>,
        into: &mut Explanations<T>,
    ) -> Result<(), RelevanceError> {
        let batch = self.program.batch(x)?;
        check_target(batch, self.program.classes, target)?;
        if let Start::Given(values) = start {
            length("start", values.len(), batch * self.program.classes)?;
        }
        self.room(batch, into);
        match &self.device {
            Some(walk) if batch > 0 => self.device_explain(walk, x, target, start, into)?,
            _ => self.samples(x, target, start, into)?,
        }
        if let Some((wide, places)) = &self.wide {
            let rules = wide.explain_rounded(x, &into.targets, start)?;
            for (&place, rule) in places.iter().zip(rules) {
                into.rules.insert(place, rule);
            }
        }
        Ok(())
    }

    fn samples(
        &self,
        x: &[T],
        target: Target<'_>,
        start: Start<'_, T>,
        into: &mut Explanations<T>,
    ) -> Result<(), RelevanceError> {
        let mut slots = slots(&self.program, into);
        let walk = |slot: &mut Slot<'_, T>| {
            let x = &x[slot.sample * self.program.in_len..][..self.program.in_len];
            self.pool.with(&self.program, |space| {
                self.sample(x, target, start, slot, space)
            })
        };
        // Collected, not `try_for_each`: the first sample's error is told, not the quickest thread's.
        let walked: Vec<_> = slots.par_iter_mut().map(walk).collect();
        walked.into_iter().collect()
    }

    fn room(&self, batch: usize, into: &mut Explanations<T>) {
        into.logits.resize(batch * self.program.classes, T::ZERO);
        into.targets.resize(batch, 0);
        into.rules.resize_with(self.ways.len(), Default::default);
        for rule in &mut into.rules {
            rule.relevance.resize(batch * self.program.in_len, T::ZERO);
            rule.exponents.resize(batch, 0);
        }
    }

    fn sample(
        &self,
        x: &[T],
        target: Target<'_>,
        start: Start<'_, T>,
        slot: &mut Slot<'_, T>,
        space: &mut Workspace<T>,
    ) -> Result<(), RelevanceError> {
        self.program.forward(x, space);
        slot.logits.copy_from_slice(self.program.logits(space));
        finite(slot.sample, slot.logits, || "a logit".to_owned())?;
        *slot.target = class(target, slot.sample, slot.logits);
        let begin = Begin {
            start,
            sample: slot.sample,
            target: *slot.target,
            logit: slot.logits[*slot.target],
        };
        for (way, (into, exponent)) in self.ways.iter().zip(&mut slot.rules) {
            **exponent = match &way.gradient {
                None => self.relevance(way, x, &begin, into, space),
                Some(_) => self.gradient(way, x, &begin, into, space),
            };
            finite(slot.sample, into, || format!("`{}`", way.name))?;
        }
        Ok(())
    }

    fn relevance(
        &self,
        way: &Way<T>,
        x: &[T],
        begin: &Begin<'_, T>,
        into: &mut [T],
        space: &mut Workspace<T>,
    ) -> i32 {
        begin.fill(&mut space.relevance[..self.program.classes]);
        let exponent = self.program.back(&way.path, x, space);
        settle(&space.relevance[..self.program.in_len], exponent, into)
    }

    fn gradient(
        &self,
        way: &Way<T>,
        x: &[T],
        begin: &Begin<'_, T>,
        into: &mut [T],
        space: &mut Workspace<T>,
    ) -> i32 {
        let Some((method, nodes)) = &way.gradient else {
            return 0;
        };
        let mut sums = vec![0.0; x.len()];
        for node in nodes {
            // The input itself went forward last, or goes again at the end, for the methods that follow.
            let there: Vec<T>;
            let there = if node.at == 1.0 {
                x
            } else {
                there = x.iter().map(|&x| x * T::from_f64(node.at)).collect();
                self.program.forward(&there, space);
                &there
            };
            begin.fill(&mut space.relevance[..self.program.classes]);
            self.program.back(&way.path, there, space);
            for (sum, gradient) in sums.iter_mut().zip(&space.relevance) {
                *sum += node.weight * gradient.to_f64();
            }
        }
        if nodes.iter().any(|node| node.at != 1.0) {
            self.program.forward(x, space);
        }
        for ((into, &x), sum) in into.iter_mut().zip(x).zip(sums) {
            *into = T::from_f64(method.value(x.to_f64(), sum));
        }
        0
    }
}

/// How a method sends relevance through each layer; `None` for gradients.
fn propagations(
    network: &Network,
    method: &Method,
) -> Result<Option<Vec<Option<Propagation>>>, RelevanceError> {
    let Method::Relevance(composite) = method else {
        return Ok(None);
    };
    let rules = composite.rules(network)?.into_iter();
    let propagation = |rule: Option<Rule>| rule.map(|rule| rule.propagation());
    Ok(Some(rules.map(propagation).collect()))
}

fn activations(method: &Method) -> Activations {
    match method {
        Method::Gradient(GradientMethod::GuidedBackprop) => Activations::Guide,
        _ => Activations::Derive,
    }
}

impl<T> fmt::Debug for Walker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.ways.iter().map(|way| &way.name);
        f.debug_list().entries(names).finish()
    }
}

/// What a sample's walk starts with.
struct Begin<'a, T> {
    start: Start<'a, T>,
    sample: usize,
    target: usize,
    logit: T,
}

impl<T: Real> Begin<'_, T> {
    /// Fills the relevance of the logits, `[classes]`.
    fn fill(&self, relevance: &mut [T]) {
        let classes = relevance.len();
        match self.start {
            Start::Given(values) => {
                relevance.copy_from_slice(&values[self.sample * classes..][..classes]);
            }
            Start::One => one_hot(relevance, self.target, T::ONE),
            Start::Logit => one_hot(relevance, self.target, self.logit),
        }
    }
}

/// Where one sample's results go.
struct Slot<'a, T> {
    sample: usize,
    logits: &'a mut [T],
    target: &'a mut usize,
    rules: Vec<(&'a mut [T], &'a mut i32)>,
}

fn slots<'a, T: Real>(program: &Program<T>, into: &'a mut Explanations<T>) -> Vec<Slot<'a, T>> {
    let logits = into.logits.chunks_mut(program.classes);
    let mut slots: Vec<_> = logits
        .zip(&mut into.targets)
        .enumerate()
        .map(|(sample, (logits, target))| Slot {
            sample,
            logits,
            target,
            rules: Vec::with_capacity(into.rules.len()),
        })
        .collect();
    for rule in &mut into.rules {
        let relevance = rule.relevance.chunks_mut(program.in_len);
        for (slot, own) in slots.iter_mut().zip(relevance.zip(&mut rule.exponents)) {
            slot.rules.push(own);
        }
    }
    slots
}

/// Writes `relevance · 2^exponent`, or, where that comes near the ends of the number type, `relevance`;
/// returns the exponent that is left.
fn settle<T: Real>(relevance: &[T], exponent: i32, into: &mut [T]) -> i32 {
    let reach = if size_of::<T>() == 4 { 90 } else { 900 };
    let top = backward::power(largest(relevance)).map_or(0, |power| power + exponent);
    if exponent == 0 || top < -reach || top >= reach {
        into.copy_from_slice(relevance);
        return exponent;
    }
    let factor = 2f64.powi(exponent);
    for (into, r) in into.iter_mut().zip(relevance) {
        *into = T::from_f64(r.to_f64() * factor);
    }
    0
}
