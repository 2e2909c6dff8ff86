//! The one file that names burn's backends, and the blocks that extend them.
//!
//! Backends in this process's memory run our kernels, as an extension of burn. A GPU runs burn's own operations
//! (`crate::device`); burn's `fusion` and `autotune` stay off, because a choice by stopwatch gives other bytes
//! on another day.
//!
//! burn 0.22 deprecates `ndarray` and names `flex` its successor. `ndarray` is the default here;
//! the day it goes, a default changes and nothing else.

#![expect(
    deprecated,
    reason = "ndarray is the default backend until burn drops it"
)]

mod autodiff;
mod blocks;

use crate::kernels::{Activation, AdamStep, ConvBlock, DenseBlock, PoolShape};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn::tensor::DeviceType;
use std::borrow::Cow;

#[cfg(feature = "flex")]
use burn::backend::Flex;
#[expect(
    deprecated,
    reason = "the default backend until burn drops it; see the head of this file"
)]
use burn::backend::NdArray;

/// Which of burn's backends computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendClass {
    /// burn's ndarray backend with our blocks.
    #[default]
    NdArray,
    /// burn's flex backend with our blocks.
    #[cfg(feature = "flex")]
    Flex,
    /// A GPU by Vulkan, Metal or DirectX.
    #[cfg(feature = "wgpu")]
    Wgpu {
        /// Which, from 0; 0 is the one the driver likes best.
        gpu: usize,
    },
    /// An NVIDIA GPU.
    #[cfg(feature = "cuda")]
    Cuda {
        /// Which, from 0.
        gpu: usize,
    },
    /// burn's ndarray backend without our blocks: what GPUs run, for tests.
    #[cfg(test)]
    Plain,
}

/// The machine has no device for a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine has {found} GPUs that `{backend}` can use, and number {gpu} was asked for")]
pub struct NoDevice {
    /// The backend.
    pub backend: &'static str,
    /// The device asked for, from 0.
    pub gpu: usize,
    /// Devices there are.
    pub found: usize,
}

impl BackendClass {
    /// Every backend of this build that runs on any machine.
    pub const ALL: &[Self] = &[
        Self::NdArray,
        #[cfg(feature = "flex")]
        Self::Flex,
    ];

    /// The backend's name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::NdArray => "ndarray",
            #[cfg(feature = "flex")]
            Self::Flex => "flex",
            #[cfg(feature = "wgpu")]
            Self::Wgpu { .. } => "wgpu",
            #[cfg(feature = "cuda")]
            Self::Cuda { .. } => "cuda",
            #[cfg(test)]
            Self::Plain => "plain",
        }
    }

    /// The backends of this build that need a GPU, each made from its number.
    const GPUS: &[fn(usize) -> Self] = &[
        #[cfg(feature = "wgpu")]
        |gpu| Self::Wgpu { gpu },
        #[cfg(feature = "cuda")]
        |gpu| Self::Cuda { gpu },
    ];

    /// The backend by which a GPU is used, `wgpu` or `cuda`, where this build has it; `gpu` counts from 0.
    pub fn of_gpu(name: &str, gpu: usize) -> Option<Self> {
        let mut backends = Self::GPUS.iter().map(|make| make(gpu));
        backends.find(|backend| backend.name() == name)
    }

    /// Those to test: of any machine, and by the GPUs that this one has.
    #[cfg(test)]
    pub(crate) fn to_test() -> Vec<Self> {
        let mut backends = [Self::ALL, &[Self::Plain]].concat();
        for backend in Self::GPUS.iter().map(|make| make(0)) {
            match backend.check() {
                Ok(()) => backends.push(backend),
                Err(error) => println!("skipped: {error}"),
            }
        }
        backends
    }

    /// Whether our kernels run on it.
    pub(crate) fn has_kernels(self) -> bool {
        match self {
            Self::NdArray => true,
            #[cfg(feature = "flex")]
            Self::Flex => true,
            #[cfg(feature = "wgpu")]
            Self::Wgpu { .. } => false,
            #[cfg(feature = "cuda")]
            Self::Cuda { .. } => false,
            #[cfg(test)]
            Self::Plain => false,
        }
    }

    /// Whether the machine has the device.
    ///
    /// # Errors
    /// [`NoDevice`].
    pub fn check(self) -> Result<(), NoDevice> {
        match self {
            #[cfg(feature = "wgpu")]
            Self::Wgpu { gpu } => self.check_among(DeviceType::Wgpu, gpu),
            #[cfg(feature = "cuda")]
            Self::Cuda { gpu } => self.check_among(DeviceType::Cuda, gpu),
            _ => Ok(()),
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn check_among(self, all: DeviceType, gpu: usize) -> Result<(), NoDevice> {
        let found = Device::enumerate(all).into_iter().count();
        let backend = self.name();
        match gpu < found {
            true => Ok(()),
            false => Err(NoDevice {
                backend,
                gpu,
                found,
            }),
        }
    }

    /// The device to put tensors on; one that [`BackendClass::check`] found.
    pub(crate) fn device(self) -> Device {
        match self {
            Self::NdArray => Device::ndarray(),
            #[cfg(feature = "flex")]
            Self::Flex => Device::flex(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu { gpu: 0 } => Device::wgpu(DeviceKind::DefaultDevice),
            #[cfg(feature = "wgpu")]
            Self::Wgpu { gpu } => Device::enumerate(DeviceType::Wgpu)
                .into_iter()
                .nth(gpu)
                .unwrap_or_else(|| Device::wgpu(DeviceKind::DefaultDevice)),
            #[cfg(feature = "cuda")]
            Self::Cuda { gpu } => Device::cuda(gpu),
            #[cfg(test)]
            Self::Plain => Device::ndarray(),
        }
    }
}

/// A layer without weights.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SimpleOp {
    /// `[batch, channels, time] → [batch, channels, out_time]`, maxima of windows.
    MaxPool(PoolShape),
    /// `[batch, channels, time] → [batch, channels, out_time]`, averages of windows.
    AveragePool(PoolShape),
    /// A function of each number.
    Activation(Activation),
}

/// The network's blocks as operations of a burn backend, with `f32` tensors.
///
/// Shapes and equations are those of the blocks; the bias is always given.
#[backend_extension(Autodiff, NdArray, Flex: cfg(feature = "flex"))]
pub(crate) trait BlockOps: Backend {
    /// `[batch, in_channels, time] → [batch, out_channels, out_time]`, or `[batch, out_channels]`
    /// after a global pool.
    fn conv_block(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: ConvBlock<f32>,
    ) -> FloatTensor<Self>;

    /// `[batch, inputs] → [batch, outputs]`.
    fn dense_block(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: DenseBlock<f32>,
    ) -> FloatTensor<Self>;

    /// A pool or an activation on its own; the shape of the result is that of `op`.
    fn simple_block(x: FloatTensor<Self>, op: SimpleOp) -> FloatTensor<Self>;

    /// A tensor of these numbers beside `like`, without a gradient.
    ///
    /// burn's own way checks each number for a bit pattern that `f32` doesn't have.
    fn of_numbers(
        like: FloatTensor<Self>,
        numbers: Vec<f32>,
        shape: Vec<usize>,
    ) -> FloatTensor<Self>;

    /// The weight and Adam's two moments after a step, in the buffers they came in; no gradient
    /// goes back through it.
    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// A backend whose tensors lie in this process's memory.
pub(crate) trait Host: Backend {
    /// The numbers in row-major order, copied only where they don't lie so.
    fn numbers(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]>;

    /// A tensor in this buffer.
    fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FloatTensor<Self>;

    /// The numbers in row-major order, copied only where somebody else holds them too.
    fn into_numbers(tensor: FloatTensor<Self>) -> Vec<f32>;

    /// The buffer of a tensor that nobody else holds, to be used again.
    fn buffer(tensor: FloatTensor<Self>) -> Option<Vec<f32>>;
}

macro_rules! host_blocks {
    ($backend:ty) => {
        impl BlockOps for $backend {
            fn conv_block(
                x: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                block: ConvBlock<f32>,
            ) -> FloatTensor<Self> {
                blocks::conv::<Self>(&x, &weight, &bias, &block).0
            }

            fn dense_block(
                x: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                block: DenseBlock<f32>,
            ) -> FloatTensor<Self> {
                blocks::dense::<Self>(&x, &weight, &bias, &block)
            }

            fn simple_block(x: FloatTensor<Self>, op: SimpleOp) -> FloatTensor<Self> {
                blocks::simple::<Self>(&x, op).0
            }

            fn of_numbers(
                _like: FloatTensor<Self>,
                numbers: Vec<f32>,
                shape: Vec<usize>,
            ) -> FloatTensor<Self> {
                <Self as Host>::tensor(numbers, &shape)
            }

            fn adam(
                weight: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                moment_1: FloatTensor<Self>,
                moment_2: FloatTensor<Self>,
                step: AdamStep,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                let [weight, moment_1, moment_2] =
                    blocks::adam::<Self>([weight, moment_1, moment_2], gradient, &step);
                (weight, moment_1, moment_2)
            }
        }
    };
}

mod ndarray {
    use super::*;

    host_blocks!(NdArray);

    impl Host for NdArray {
        fn numbers(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]> {
            use burn::backend::ndarray::NdArrayTensor;
            match tensor {
                NdArrayTensor::F32(storage) => match storage.view().to_slice() {
                    Some(numbers) => Cow::Borrowed(numbers),
                    None => Cow::Owned(storage.view().iter().copied().collect()),
                },
                _ => unreachable!("the model makes f32 tensors only"),
            }
        }

        fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FloatTensor<Self> {
            use burn::backend::ndarray::SharedArray;
            SharedArray::from_shape_vec(shape, numbers)
                .expect("a block gives as many numbers as its shape says")
                .into()
        }

        fn into_numbers(tensor: FloatTensor<Self>) -> Vec<f32> {
            use burn::backend::ndarray::NdArrayTensor;
            let NdArrayTensor::F32(storage) = tensor else {
                unreachable!("the model makes f32 tensors only")
            };
            let array = storage.into_owned().into_owned();
            if array.is_standard_layout() && !array.is_empty() {
                let len = array.len();
                let (mut numbers, from) = array.into_raw_vec_and_offset();
                numbers.drain(..from.unwrap_or(0));
                numbers.truncate(len);
                numbers
            } else {
                array.iter().copied().collect()
            }
        }

        fn buffer(tensor: FloatTensor<Self>) -> Option<Vec<f32>> {
            use burn::backend::ndarray::NdArrayTensor;
            match tensor {
                NdArrayTensor::F32(storage) if storage.is_unique() => {
                    let array = storage.into_owned().into_owned();
                    Some(array.into_raw_vec_and_offset().0)
                }
                _ => None,
            }
        }
    }
}

#[cfg(feature = "flex")]
mod flex {
    use super::*;

    host_blocks!(Flex);

    impl Host for Flex {
        fn numbers(tensor: &FloatTensor<Self>) -> Cow<'_, [f32]> {
            match tensor.as_slice::<f32>() {
                Some(numbers) => Cow::Borrowed(numbers),
                None => Cow::Owned(tensor.to_contiguous().storage::<f32>().to_vec()),
            }
        }

        fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FloatTensor<Self> {
            use burn::backend::{ops::FloatTensorOps, tensor::Device};
            let data = burn::tensor::TensorData::new(numbers, shape.to_vec());
            Self::float_from_data(data, &Device::<Self>::default())
        }

        fn into_numbers(tensor: FloatTensor<Self>) -> Vec<f32> {
            let data = tensor.into_data();
            data.try_into_vec()
                .expect("the model makes f32 tensors only")
        }

        fn buffer(tensor: FloatTensor<Self>) -> Option<Vec<f32>> {
            match tensor.is_unique() {
                true => tensor.into_data().try_into_vec().ok(),
                false => None,
            }
        }
    }
}
