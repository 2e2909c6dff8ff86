//! The way back of one sample, from the logits to the input.

use super::fused::{self, Outputs};
use super::path::{Activations, Denominator, Factor, Passage, Path, Product, Ready};
use super::program::{Action, Linear, Program};
use super::workspace::Workspace;
use crate::kernels::relevance::{Back, largest, unpool};
use crate::kernels::{Activation, PoolShape, Real};

/// Relevance further from 1 than this power of two is pulled back to 1 before it goes on.
pub(crate) const DRIFT: i32 = 16;
/// The furthest it is pulled at once, so that the factor stays within single precision.
pub(crate) const PULL: i32 = 120;

impl<T: Real> Program<T> {
    /// Carries `space.relevance` from the logits `[classes]` to the input `[channels, time]`.
    ///
    /// The way back is linear in relevance, so a sample's relevance may be multiplied by a power of two on
    /// the way, exactly; this keeps `f32` from underflow where ε is large. Returns the `e` for which
    /// the true relevance is `space.relevance · 2ᵉ`.
    pub(crate) fn back(&self, path: &Path<T>, x: &[T], space: &mut Workspace<T>) -> i32 {
        let mut scale = Scale::default();
        // Behind a global maximum each channel has relevance at one time only: the place of that pool.
        let mut alone: Option<usize> = None;
        for (place, step) in self.steps.iter().enumerate().rev() {
            let (before, values) = space.values.split_at(place);
            let gets = before.last().map_or(x, Vec::as_slice);
            let relevance = &mut space.relevance[..step.out_len];
            let next = &mut space.next[..step.in_len];
            match (&step.action, &path.passages[place]) {
                (Action::Activation(activation), _) => {
                    activated(*activation, path.activations, gets, relevance);
                    continue;
                }
                (Action::MaxPool(shape), _) if self.stays_alone(path, place, shape) => {
                    alone = Some(place);
                    continue;
                }
                (Action::MaxPool(shape), _) => {
                    unpool(shape, &space.winners[place], relevance, next);
                }
                (Action::Linear(_), Passage::Pass) => continue,
                (Action::Linear(linear), passage) => {
                    let times = alone.take().map(|pool| space.winners[pool].as_slice());
                    let mut sharing = Sharing {
                        linear,
                        x: gets,
                        z: &values[0],
                        relevance,
                        factor: 1.0,
                        next,
                        denominator: &mut space.denominator,
                        share: &mut space.share,
                        term: &mut space.term,
                        part: &mut space.part[..step.in_len],
                        given: &mut space.given[..step.in_len],
                        times,
                    };
                    match passage {
                        Passage::Branches(branches) => {
                            sharing.factor = scale.take();
                            sharing.all(branches);
                            scale.watch(&space.next[..step.in_len]);
                        }
                        Passage::Gradient(back) => sharing.gradient(back, path.activations),
                        Passage::Pass => {}
                    }
                }
            }
            std::mem::swap(&mut space.relevance, &mut space.next);
        }
        scale.exponent
    }

    /// Whether a pool is global and right behind a weighted sum over time that shares relevance out.
    fn stays_alone(&self, path: &Path<T>, place: usize, shape: &PoolShape) -> bool {
        let Some(before) = place.checked_sub(1) else {
            return false;
        };
        let shares = !matches!(path.passages[before], Passage::Pass);
        match &self.steps[before].action {
            Action::Linear(linear) => shape.kernel == shape.time && shares && linear.over_time(),
            _ => false,
        }
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
        self.next = power(largest(relevance))
            .filter(|power| power.abs() > DRIFT)
            .map_or(0, |power| power.clamp(-PULL, PULL));
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
    relevance: &'a mut [T],
    factor: f64,
    next: &'a mut [T],
    denominator: &'a mut [T],
    share: &'a mut [T],
    term: &'a mut [T],
    part: &'a mut [T],
    given: &'a mut [T],
    /// Where relevance is at one time a channel only: `relevance` is `[channels]`, at these times.
    times: Option<&'a [u32]>,
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

    /// Outputs that relevance is at: all, or one a channel.
    fn outputs(&self) -> usize {
        self.times.map_or(self.z.len(), <[u32]>::len)
    }

    /// `share_k = factor · scale · R_k / stab(d_k)` at the outputs that take part.
    fn shares(&mut self, branch: &Ready<T>) {
        let count = self.outputs();
        let kept = match &branch.denominator {
            Denominator::Kept => true,
            Denominator::Summed { constant } => {
                self.denominators(&branch.terms, constant.as_deref());
                false
            }
        };
        let mut rows = self.linear.map.rows();
        let mut z = self.z;
        if let Some(times) = self.times {
            (rows.count, rows.len, rows.stride, rows.offset) = (1, count, count, 0);
            gather(self.z, times, &mut self.term[..count]);
            z = &self.term[..count];
        }
        let outputs = Outputs {
            relevance: &self.relevance[..count],
            denominator: if kept { z } else { &self.denominator[..count] },
            z,
        };
        let factor = self.factor * branch.scale;
        fused::divide(
            outputs,
            factor,
            branch.stabilizer,
            branch.gate,
            rows,
            self.share,
        );
    }

    /// The denominators, not yet stabilised.
    fn denominators(&mut self, terms: &[Product<T>], constant: Option<&[T]>) {
        let count = self.outputs();
        let denominator = &mut self.denominator[..count];
        match (constant, self.times) {
            (None, _) => denominator.fill(T::ZERO),
            (Some(constant), None) => denominator.copy_from_slice(constant),
            (Some(constant), Some(times)) => gather(constant, times, denominator),
        }
        let mut empty = constant.is_none();
        for product in terms {
            let Some(forward) = &product.forward else {
                continue;
            };
            let x = match product.factor {
                Factor::Positive => part(self.x, self.part, |x| x.max(T::ZERO)),
                Factor::Negative => part(self.x, self.part, |x| x.min(T::ZERO)),
                _ => self.x,
            };
            match self.times {
                Some(times) => forward.add_at(x, times, denominator),
                None if std::mem::take(&mut empty) => forward.run(x, false, denominator),
                None => {
                    forward.run(x, false, &mut self.term[..count]);
                    fused::add(denominator, &self.term[..count]);
                }
            }
        }
    }

    /// `next_j += p_j · Σ over k of q_jk · share_k`.
    fn give(&mut self, product: &Product<T>, first: bool) {
        let into = if first {
            &mut *self.next
        } else {
            &mut *self.given
        };
        match self.times {
            Some(times) => product.back.run_at(times, &self.share[..times.len()], into),
            None => product
                .back
                .run(&self.share[..self.linear.map.rows().room()], into),
        }
        let x = match &product.factor {
            Factor::Constant(values) => values.as_slice(),
            _ => self.x,
        };
        match product.factor {
            Factor::Positive => self.take(first, x, |x| x.max(T::ZERO)),
            Factor::Negative => self.take(first, x, |x| x.min(T::ZERO)),
            Factor::All | Factor::Constant(_) => self.take(first, x, |x| x),
        }
    }

    /// Multiplies what was given back by its part of the input, and adds it up.
    fn take(&mut self, first: bool, x: &[T], part: impl Fn(T) -> T) {
        if first {
            fused::multiply(self.next, x, part);
        } else {
            fused::add_product(self.next, self.given, x, part);
        }
    }

    /// `next = Wᵀ r`, through the ReLU that overwrote the sum first.
    fn gradient(&mut self, back: &Back<T>, activations: Activations) {
        let count = self.outputs();
        let relevance = &mut self.relevance[..count];
        if let Some(times) = self.times {
            gather(self.z, times, &mut self.term[..count]);
        }
        if self.linear.relu {
            let z = if self.times.is_some() {
                &self.term[..count]
            } else {
                self.z
            };
            activated(Activation::Relu, activations, z, relevance);
        }
        match self.times {
            Some(times) => back.run_at(times, relevance, self.next),
            None => {
                let rows = self.linear.map.rows();
                fused::lay(relevance, rows, self.share);
                back.run(&self.share[..rows.room()], self.next);
            }
        }
    }
}

/// The value of each channel at its own time.
fn gather<T: Real>(values: &[T], times: &[u32], into: &mut [T]) {
    let rows = values.chunks(values.len() / times.len());
    for ((into, &time), row) in into.iter_mut().zip(times).zip(rows) {
        *into = row[time as usize];
    }
}

fn part<'a, T: Real>(x: &[T], part: &'a mut [T], of: impl Fn(T) -> T) -> &'a [T] {
    for (part, &x) in part.iter_mut().zip(x) {
        *part = of(x);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_relevance_is_pulled_by_a_factor_that_single_precision_holds() {
        let mut scale = Scale::default();
        scale.watch(&[0.0, -f32::from_bits(1)]);
        assert_eq!(scale.take(), 2f64.powi(PULL));
        assert_eq!(scale.exponent, -PULL);
        scale.watch(&[1.0_f32, 3.0]);
        assert_eq!((scale.take(), scale.exponent), (1.0, -PULL));
    }
}
