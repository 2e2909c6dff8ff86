//! The forward pass of one sample, everything kept.

use super::program::{Action, Program};
use super::workspace::Workspace;
use crate::kernels::{Real, max_pool_forward};

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
                Action::Linear(linear) => {
                    let bias = linear.bias.as_deref();
                    linear.map.forward(gets, &linear.weight, bias, gives);
                    if linear.relu {
                        gives.iter_mut().for_each(|z| *z = z.max(T::ZERO));
                    }
                }
                Action::MaxPool(shape) => {
                    max_pool_forward(shape, gets, gives, &mut space.winners[place]);
                }
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
