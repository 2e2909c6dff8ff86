//! The forward pass of one sample, everything kept.

use super::program::{Action, Program};
use super::workspace::Workspace;
use crate::kernels::Real;
use crate::kernels::relevance::pool;

impl<T: Real> Program<T> {
    /// Fills `values` and `winners`; the logits are the last values.
    ///
    /// * `x`: `[channels, time]`
    pub(crate) fn forward(&self, x: &[T], space: &mut Workspace<T>) {
        for (place, step) in self.steps.iter().enumerate() {
            let (before, values) = space.values.split_at_mut(place);
            let gets = before.last().map_or(x, Vec::as_slice);
            let gives = &mut values[0];
            match &step.action {
                Action::Linear(linear) => linear.forward.run(gets, linear.relu, gives),
                Action::MaxPool(shape) => pool(shape, gets, gives, &mut space.winners[place]),
                Action::Activation(activation) => {
                    for (out, &x) in gives.iter_mut().zip(gets) {
                        *out = activation.value(x);
                    }
                }
            }
        }
    }

    /// The logits of the sample that went through last, `[classes]`.
    pub(crate) fn logits<'a>(&self, space: &'a Workspace<T>) -> &'a [T] {
        space.values.last().map_or(&[], Vec::as_slice)
    }
}
