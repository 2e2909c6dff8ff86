//! The way back of one sample, from the logits to the input.

use super::fused;
use super::linear::Map;
use super::path::{Activations, Denominator, Factor, Passage, Path, Product, Ready};
use super::program::{Action, Linear, Program};
use super::workspace::Workspace;
use crate::kernels::{Activation, Real, max_pool_backward};
use crate::rules::Gate;

/// Relevance further from 1 than this power of two is pulled back to 1 before it goes on.
const DRIFT: i32 = 16;

impl<T: Real> Program<T> {
    /// Carries `space.relevance` from the logits `[classes]` to the input `[channels, time]`.
    ///
    /// The way back is linear in relevance, so a sample's relevance may be multiplied by a power of two on
    /// the way, exactly; this keeps `f32` from underflow where ε is large. Returns the `e` for which
    /// the true relevance is `space.relevance · 2ᵉ`.
    pub(crate) fn back(&self, path: &Path<T>, x: &[T], space: &mut Workspace<T>) -> i32 {
        let mut scale = Scale::default();
        for place in (0..self.steps.len()).rev() {
            let step = &self.steps[place];
            let (before, values) = space.values.split_at(place);
            let gets = before.last().map_or(x, Vec::as_slice);
            match (&step.action, &path.passages[place]) {
                (Action::Activation(activation), _) => {
                    let relevance = &mut space.relevance[..step.in_len];
                    activated(*activation, path.activations, gets, relevance);
                    continue;
                }
                (Action::MaxPool(shape), _) => {
                    let relevance = &space.relevance[..step.out_len];
                    let next = &mut space.next[..step.in_len];
                    max_pool_backward(shape, &space.winners[place], relevance, next);
                }
                (Action::Linear(_), Passage::Pass) => continue,
                (Action::Linear(linear), Passage::Gradient) => {
                    let relevance = &mut space.relevance[..step.out_len];
                    if linear.relu {
                        activated(Activation::Relu, path.activations, &values[0], relevance);
                    }
                    let next = &mut space.next[..step.in_len];
                    linear.map.transpose(&linear.weight, relevance, next);
                }
                (Action::Linear(linear), Passage::Branches(branches)) => {
                    let mut sharing = Sharing {
                        linear,
                        x: gets,
                        z: &values[0],
                        relevance: &space.relevance[..step.out_len],
                        factor: scale.take(),
                        next: &mut space.next[..step.in_len],
                        denominator: &mut space.denominator[..step.out_len],
                        share: &mut space.share[..step.out_len],
                        term: &mut space.term[..step.out_len],
                        part: &mut space.part[..step.in_len],
                        given: &mut space.given[..step.in_len],
                    };
                    sharing.all(branches);
                    scale.watch(&space.next[..step.in_len]);
                }
            }
            std::mem::swap(&mut space.relevance, &mut space.next);
        }
        scale.exponent
    }
}

fn activated<T: Real>(
    activation: Activation,
    activations: Activations,
    x: &[T],
    relevance: &mut [T],
) {
    if activations == Activations::Pass {
        return;
    }
    fused::multiply(relevance, x, |x| activation.slope(x));
    if activations == Activations::Guide && activation == Activation::Relu {
        relevance.iter_mut().for_each(|r| *r = r.max(T::ZERO));
    }
}

/// The power of two that relevance has been divided by, and the one it should be divided by next.
#[derive(Default)]
struct Scale {
    exponent: i32,
    next: i32,
}

impl Scale {
    /// Looks at relevance and decides on the next power of two.
    fn watch<T: Real>(&mut self, relevance: &[T]) {
        self.next = power(fused::largest(relevance))
            .filter(|power| power.abs() > DRIFT)
            .unwrap_or(0);
    }

    /// The factor that relevance is to be multiplied by now.
    fn take(&mut self) -> f64 {
        let next = std::mem::take(&mut self.next);
        self.exponent += next;
        2f64.powi(-next)
    }
}

/// The power of two next below a positive number; `None` for 0, infinity and NaN.
pub(crate) fn power<T: Real>(largest: T) -> Option<i32> {
    let log = largest.to_f64().log2().floor();
    log.is_finite().then_some(log as i32)
}

/// One weighted sum whose relevance is shared out among its inputs.
struct Sharing<'a, T> {
    linear: &'a Linear<T>,
    x: &'a [T],
    z: &'a [T],
    relevance: &'a [T],
    factor: f64,
    next: &'a mut [T],
    denominator: &'a mut [T],
    share: &'a mut [T],
    term: &'a mut [T],
    part: &'a mut [T],
    given: &'a mut [T],
}

impl<T: Real> Sharing<'_, T> {
    fn all(&mut self, branches: &[Ready<T>]) {
        let mut first = true;
        for branch in branches {
            self.shares(branch);
            for product in &branch.terms {
                self.give(product, std::mem::take(&mut first));
            }
        }
        if first {
            self.next.fill(T::ZERO);
        }
    }

    /// `share_k = factor · scale · R_k / stab(d_k)` at the outputs that take part.
    fn shares(&mut self, branch: &Ready<T>) {
        let denominator = match &branch.denominator {
            Denominator::Kept => self.z,
            Denominator::Summed { bias, constant } => {
                self.sum(&branch.terms, bias.as_deref(), constant.as_deref());
                &*self.denominator
            }
        };
        let (factor, stabilizer) = (self.factor * branch.scale, branch.stabilizer);
        fused::divide(self.relevance, denominator, factor, stabilizer, self.share);
        match branch.gate {
            Gate::All => {}
            Gate::Positive => fused::gate(self.share, self.z, |z| z > T::ZERO),
            Gate::Negative => fused::gate(self.share, self.z, |z| z < T::ZERO),
        }
    }

    fn sum(&mut self, terms: &[Product<T>], bias: Option<&[T]>, constant: Option<&[T]>) {
        let map = &self.linear.map;
        let mut first = true;
        for product in terms {
            let x = match product.factor {
                Factor::All => self.x,
                Factor::Positive => part(self.x, self.part, |x| x.max(T::ZERO)),
                Factor::Negative => part(self.x, self.part, |x| x.min(T::ZERO)),
                Factor::Constant(_) => continue,
            };
            if std::mem::take(&mut first) {
                map.forward(x, &product.weight, bias, self.denominator);
            } else {
                map.forward(x, &product.weight, None, self.term);
                fused::add(self.denominator, self.term);
            }
        }
        if first {
            spread(map, bias, self.denominator);
        }
        if let Some(constant) = constant {
            fused::add(self.denominator, constant);
        }
    }

    /// `next_j += p_j · Σ over k of q_jk · share_k`.
    fn give(&mut self, product: &Product<T>, first: bool) {
        let map = &self.linear.map;
        if first {
            map.transpose(&product.weight, self.share, self.next);
            match &product.factor {
                Factor::All => fused::multiply(self.next, self.x, |x| x),
                Factor::Positive => fused::multiply(self.next, self.x, |x| x.max(T::ZERO)),
                Factor::Negative => fused::multiply(self.next, self.x, |x| x.min(T::ZERO)),
                Factor::Constant(values) => fused::multiply(self.next, values, |value| value),
            }
            return;
        }
        map.transpose(&product.weight, self.share, self.given);
        let (next, given) = (&mut *self.next, &*self.given);
        match &product.factor {
            Factor::All => fused::add_product(next, given, self.x, |x| x),
            Factor::Positive => fused::add_product(next, given, self.x, |x| x.max(T::ZERO)),
            Factor::Negative => fused::add_product(next, given, self.x, |x| x.min(T::ZERO)),
            Factor::Constant(values) => fused::add_product(next, given, values, |value| value),
        }
    }
}

fn part<'a, T: Real>(x: &[T], part: &'a mut [T], of: impl Fn(T) -> T) -> &'a [T] {
    for (part, &x) in part.iter_mut().zip(x) {
        *part = of(x);
    }
    part
}

/// The bias alone, over all time.
fn spread<T: Real>(map: &Map, bias: Option<&[T]>, sums: &mut [T]) {
    let (_, time) = map.output();
    for (channel, sums) in sums.chunks_mut(time).enumerate() {
        sums.fill(bias.map_or(T::ZERO, |bias| bias[channel]));
    }
}
