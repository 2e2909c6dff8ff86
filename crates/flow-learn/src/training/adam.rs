//! Adam as one of burn's optimisers, each parameter's update one pass of our kernel where it runs.

use super::TrainingSettings;
use crate::backend::{BackendClass, BlockOps};
use crate::device;
use crate::kernels::AdamStep;
use burn::backend::Dispatch;
use burn::optim::{AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor};

/// The settings of Adam.
#[derive(Debug, Clone)]
pub(super) struct Adam {
    betas: [f64; 2],
    epsilon: f64,
    backend: BackendClass,
}

impl Adam {
    pub(super) fn new(settings: &TrainingSettings, backend: BackendClass) -> Self {
        Self {
            betas: [settings.beta_1, settings.beta_2],
            epsilon: settings.epsilon,
            backend,
        }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdaptiveMomentumState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let zeros = || Tensor::zeros(weight.dims(), &weight.device());
        let state = state.unwrap_or_else(|| AdaptiveMomentumState::new(0, zeros(), zeros()));
        let time = state.time + 1;
        let step = AdamStep::new(learning_rate, self.betas, self.epsilon, time);
        if !self.backend.has_kernels() {
            let changed = [weight, state.moment_1, state.moment_2];
            let [weight, moment_1, moment_2] = device::adam(&step, changed, gradient);
            let state = AdaptiveMomentumState::new(time, moment_1, moment_2);
            return (weight, Some(state));
        }
        let (weight, moment_1, moment_2) = <Dispatch as BlockOps>::adam(
            weight.into_dispatch(),
            gradient.into_dispatch(),
            state.moment_1.into_dispatch(),
            state.moment_2.into_dispatch(),
            step,
        );
        let [weight, moment_1, moment_2] = [weight, moment_1, moment_2].map(Tensor::from_dispatch);
        let state = AdaptiveMomentumState::new(time, moment_1, moment_2);
        (weight, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}
