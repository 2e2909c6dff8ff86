//! The network as a burn module, and its forward pass under autodiff.

use crate::backend::{BackendClass, BlockOps, SimpleOp};
use crate::device;
use crate::kernels::{ConvBlock, ConvShape, DenseBlock, DenseShape, PoolShape};
use crate::network::{Network, NetworkError, Shape};
use crate::plan::{Block, BlockOp, Mask, blocks};
use crate::random::{Purpose, Stream};
use crate::weights::{LayerWeights, Weights};
use burn::backend::Dispatch;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

/// The trained numbers of a network.
#[derive(Module, Debug)]
pub(super) struct Model {
    parts: Vec<Part>,
}

/// The trained numbers of one block.
#[derive(Module, Debug)]
enum Part {
    Conv(Conv),
    Dense(Dense),
    Norm(Norm),
    Empty(Empty),
}

/// A convolution's numbers.
#[derive(Module, Debug)]
struct Conv {
    /// `[out, in / groups, kernel]`.
    weight: Param<Tensor<3>>,
    /// `[out]`.
    bias: Option<Param<Tensor<1>>>,
}

/// A dense layer's numbers.
#[derive(Module, Debug)]
struct Dense {
    /// `[out, in]`.
    weight: Param<Tensor<2>>,
    /// `[out]`.
    bias: Option<Param<Tensor<1>>>,
}

/// A batch norm's numbers.
#[derive(Module, Debug)]
struct Norm {
    /// `[channels]`.
    weight: Param<Tensor<1>>,
    /// `[channels]`.
    bias: Param<Tensor<1>>,
}

/// A block without numbers.
#[derive(Module, Debug)]
struct Empty {}

/// The share of a batch norm's running moments that stays at each step, as in Keras.
const MOMENTUM: f32 = 0.99;

/// What a model needs beside its module: the blocks, and the running moments of batch norms.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    network: &'a Network,
    blocks: Vec<Block>,
    moments: Vec<Moments>,
    seed: u64,
    backend: BackendClass,
    device: Device,
}

/// A batch norm's running moments; empty for other blocks.
#[derive(Debug, Clone, Default)]
struct Moments {
    mean: Vec<f32>,
    variance: Vec<f32>,
}

/// What flows from block to block.
enum Flow {
    Map(Tensor<3>),
    Vector(Tensor<2>),
}

impl<'a> Frame<'a> {
    /// The module with these weights under autodiff, and its frame.
    pub(super) fn new(
        network: &'a Network,
        weights: &Weights<f32>,
        seed: u64,
        backend: BackendClass,
    ) -> Result<(Self, Model), NetworkError> {
        let device = backend.device().autodiff();
        let blocks = blocks(network)?;
        let none = LayerWeights::default();
        let (mut parts, mut moments) = (Vec::new(), Vec::new());
        for (n, block) in blocks.iter().enumerate() {
            let layer = weights
                .get(&network.layers[block.layer].name)
                .unwrap_or(&none);
            parts.push(
                Maker {
                    device: &device,
                    layer,
                    id: 2 * n as u64,
                }
                .part(&block.op),
            );
            moments.push(Moments {
                mean: layer.mean.clone(),
                variance: layer.variance.clone(),
            });
        }
        Ok((
            Self {
                network,
                blocks,
                moments,
                seed,
                backend,
                device,
            },
            Model { parts },
        ))
    }

    /// The logits `[batch, classes]` of a batch, with dropout drawn for this step.
    pub(super) fn forward(&mut self, model: &Model, x: Vec<f32>, step: u64) -> Tensor<2> {
        let Shape::Map { channels, time } = self.network.input() else {
            unreachable!("a network's input is a map")
        };
        let batch = x.len() / (channels * time);
        let mut flow = Flow::Map(self.uploaded(x, [batch, channels, time]));
        for n in 0..self.blocks.len() {
            flow = self.block(n, &model.parts[n], flow, step);
        }
        match flow {
            Flow::Vector(logits) => logits,
            Flow::Map(_) => unreachable!("the network was checked to end in a vector"),
        }
    }

    fn uploaded(&self, x: Vec<f32>, dims: [usize; 3]) -> Tensor<3> {
        if !self.backend.has_kernels() {
            return Tensor::from_data(TensorData::new(x, dims), &self.device);
        }
        let like = Tensor::<1>::zeros([1], &self.device).into_dispatch();
        Tensor::from_dispatch(<Dispatch as BlockOps>::of_numbers(like, x, dims.to_vec()))
    }

    fn block(&mut self, n: usize, part: &Part, flow: Flow, step: u64) -> Flow {
        let block = self.blocks[n].clone();
        let batch = flow.batch();
        let mask_of = |mask: Option<Mask>| mask.map(|mask| self.mask(mask, batch, step).into());
        match (block.op, part) {
            (
                BlockOp::Conv {
                    conv,
                    relu,
                    pool,
                    mask,
                },
                Part::Conv(part),
            ) => {
                let conv = ConvShape { batch, ..conv };
                let block = ConvBlock {
                    conv,
                    relu,
                    pool,
                    mask: mask_of(mask),
                };
                part.forward(flow, block, self.backend)
            }
            (BlockOp::Dense { dense, relu, mask }, Part::Dense(part)) => {
                let dense = DenseShape { batch, ..dense };
                part.forward(
                    flow,
                    DenseBlock {
                        dense,
                        relu,
                        mask: mask_of(mask),
                    },
                    self.backend,
                )
            }
            (BlockOp::Norm { epsilon }, Part::Norm(part)) => {
                part.forward(flow, epsilon as f32, &mut self.moments[n])
            }
            (BlockOp::Mask(mask), _) => flow.masked(self.mask(mask, batch, step), mask.factors),
            (BlockOp::Flatten, _) => flow.flattened(),
            (op, _) => flow.simple(&op, batch, block.gives, self.backend),
        }
    }

    fn mask(&self, mask: Mask, batch: usize, step: u64) -> Vec<f32> {
        let purpose = Purpose::Dropout {
            step,
            layer: mask.layer as u64,
        };
        Stream::new(self.seed, purpose).mask(mask.rate, batch * mask.factors)
    }

    /// The numbers of the module, by layer.
    pub(super) fn weights(&self, model: &Model) -> Weights<f32> {
        let parts = self.blocks.iter().zip(&model.parts).zip(&self.moments);
        Weights::new(parts.filter_map(|((block, part), moments)| {
            let name = self.network.layers[block.layer].name.clone();
            part.numbers(moments).map(|numbers| (name, numbers))
        }))
    }
}

/// Makes the parts of a module from weights.
struct Maker<'a> {
    device: &'a Device,
    layer: &'a LayerWeights<f32>,
    id: u64,
}

impl Maker<'_> {
    fn part(&self, op: &BlockOp) -> Part {
        match *op {
            BlockOp::Conv { conv, .. } => {
                let dims = [
                    conv.out_channels,
                    conv.in_channels / conv.groups,
                    conv.kernel,
                ];
                let weight = self.tensor(0, &self.layer.weight, dims);
                Part::Conv(Conv {
                    weight,
                    bias: self.bias(),
                })
            }
            BlockOp::Dense { dense, .. } => {
                let weight = self.tensor(0, &self.layer.weight, [dense.outputs, dense.inputs]);
                Part::Dense(Dense {
                    weight,
                    bias: self.bias(),
                })
            }
            BlockOp::Norm { .. } => {
                let channels = [self.layer.weight.len()];
                let weight = self.tensor(0, &self.layer.weight, channels);
                Part::Norm(Norm {
                    weight,
                    bias: self.tensor(1, &self.layer.bias, channels),
                })
            }
            _ => Part::Empty(Empty {}),
        }
    }

    fn bias(&self) -> Option<Param<Tensor<1>>> {
        let bias = &self.layer.bias;
        (!bias.is_empty()).then(|| self.tensor(1, bias, [bias.len()]))
    }

    // Parameter ids by place, not burn's random ones, so that optimiser states can be restored.
    fn tensor<const D: usize>(
        &self,
        n: u64,
        numbers: &[f32],
        dims: [usize; D],
    ) -> Param<Tensor<D>> {
        let data = TensorData::new(numbers.to_vec(), dims);
        let tensor = Tensor::from_data(data, self.device).require_grad();
        Param::initialized(ParamId::from(self.id + n + 1), tensor)
    }
}

impl Part {
    fn numbers(&self, moments: &Moments) -> Option<LayerWeights<f32>> {
        let none = LayerWeights::default();
        let bias = |bias: &Option<Param<Tensor<1>>>| bias.as_ref().map(numbers).unwrap_or_default();
        match self {
            Self::Conv(part) => {
                let (weight, bias) = (numbers(&part.weight), bias(&part.bias));
                Some(LayerWeights {
                    weight,
                    bias,
                    ..none
                })
            }
            Self::Dense(part) => {
                let (weight, bias) = (numbers(&part.weight), bias(&part.bias));
                Some(LayerWeights {
                    weight,
                    bias,
                    ..none
                })
            }
            Self::Norm(part) => {
                let (weight, bias) = (numbers(&part.weight), numbers(&part.bias));
                let (mean, variance) = (moments.mean.clone(), moments.variance.clone());
                Some(LayerWeights {
                    weight,
                    bias,
                    mean,
                    variance,
                })
            }
            Self::Empty(_) => None,
        }
    }
}

fn numbers<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    host(param.val().inner())
}

/// The numbers of a tensor in row-major order.
pub(super) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_into_vec()
        .expect("the model makes f32 tensors only")
}

impl Conv {
    fn forward(&self, flow: Flow, block: ConvBlock<f32>, backend: BackendClass) -> Flow {
        let Flow::Map(x) = flow else {
            unreachable!("shapes were checked")
        };
        let vector = block.out_shape().len() == 2;
        if !backend.has_kernels() {
            let bias = self.bias.as_ref().map(Param::val);
            let out = device::conv_block(&block, x, self.weight.val(), bias);
            return match vector {
                true => Flow::Map(out).flattened(),
                false => Flow::Map(out),
            };
        }
        let bias = given_or_zeros(&self.bias, block.conv.out_channels, &x.device());
        let weight = self.weight.val().into_dispatch();
        let out = <Dispatch as BlockOps>::conv_block(
            x.into_dispatch(),
            weight,
            bias.into_dispatch(),
            block,
        );
        if vector {
            Flow::Vector(Tensor::from_dispatch(out))
        } else {
            Flow::Map(Tensor::from_dispatch(out))
        }
    }
}

impl Dense {
    fn forward(&self, flow: Flow, block: DenseBlock<f32>, backend: BackendClass) -> Flow {
        let Flow::Vector(x) = flow else {
            unreachable!("shapes were checked")
        };
        if !backend.has_kernels() {
            let bias = self.bias.as_ref().map(Param::val);
            return Flow::Vector(device::dense_block(&block, x, self.weight.val(), bias));
        }
        let bias = given_or_zeros(&self.bias, block.dense.outputs, &x.device());
        let weight = self.weight.val().into_dispatch();
        let out = <Dispatch as BlockOps>::dense_block(
            x.into_dispatch(),
            weight,
            bias.into_dispatch(),
            block,
        );
        Flow::Vector(Tensor::from_dispatch(out))
    }
}

fn given_or_zeros(bias: &Option<Param<Tensor<1>>>, len: usize, device: &Device) -> Tensor<1> {
    bias.as_ref()
        .map_or_else(|| Tensor::zeros([len], device), Param::val)
}

impl Norm {
    /// `(x − mean) / √(variance + ε) · weight + bias` with the batch's own moments over samples
    /// and time; the running moments move a little towards them.
    fn forward(&self, flow: Flow, epsilon: f32, moments: &mut Moments) -> Flow {
        let (x, vector) = match flow {
            Flow::Map(x) => (x, false),
            Flow::Vector(x) => (x.unsqueeze_dim::<3>(2), true),
        };
        let channels = [1, x.dims()[1], 1];
        let mean = x.clone().mean_dim(2).mean_dim(0); // [1, channels, 1]
        let centred = x - mean.clone();
        let variance = centred.clone().square().mean_dim(2).mean_dim(0); // [1, channels, 1]
        moments.move_towards(host(mean.inner()), host(variance.clone().inner()));
        let scale = self.weight.val().reshape(channels) / (variance + epsilon).sqrt();
        let out = centred * scale + self.bias.val().reshape(channels);
        if vector {
            Flow::Vector(out.squeeze_dim::<2>(2))
        } else {
            Flow::Map(out)
        }
    }
}

impl Moments {
    fn move_towards(&mut self, mean: Vec<f32>, variance: Vec<f32>) {
        let pairs = [(&mut self.mean, mean), (&mut self.variance, variance)];
        for (running, batch) in pairs {
            for (running, batch) in running.iter_mut().zip(batch) {
                *running = MOMENTUM * *running + (1.0 - MOMENTUM) * batch;
            }
        }
    }
}

impl Flow {
    fn batch(&self) -> usize {
        match self {
            Self::Map(x) => x.dims()[0],
            Self::Vector(x) => x.dims()[0],
        }
    }

    /// Times dropout's factors: `factors` a sample, one a number or one a channel.
    fn masked(self, mask: Vec<f32>, factors: usize) -> Self {
        match self {
            Self::Vector(x) => {
                let data = TensorData::new(mask, x.dims());
                let mask = Tensor::from_data(data, &x.device());
                Self::Vector(x * mask)
            }
            Self::Map(x) => {
                let [batch, channels, time] = x.dims();
                let time = if factors == channels { 1 } else { time };
                let data = TensorData::new(mask, [batch, channels, time]);
                let mask = Tensor::from_data(data, &x.device());
                Self::Map(x * mask)
            }
        }
    }

    fn flattened(self) -> Self {
        match self {
            Self::Map(x) => Self::Vector(x.flatten(1, 2)),
            vector => vector,
        }
    }

    /// A pool or an activation on its own.
    fn simple(self, op: &BlockOp, batch: usize, gives: Shape, backend: BackendClass) -> Self {
        let rows = |pool: &PoolShape| PoolShape {
            rows: batch * pool.rows,
            ..*pool
        };
        let op = match op {
            BlockOp::MaxPool(pool) => SimpleOp::MaxPool(rows(pool)),
            BlockOp::AveragePool(pool) => SimpleOp::AveragePool(rows(pool)),
            BlockOp::Activation(activation) => SimpleOp::Activation(*activation),
            _ => unreachable!("blocks with weights have parts"),
        };
        let out = match (self, backend.has_kernels()) {
            (Self::Vector(x), true) => Self::Vector(by_kernel(x, op)),
            (Self::Map(x), true) => Self::Map(by_kernel(x, op)),
            (Self::Map(x), false) => Self::Map(match op {
                SimpleOp::MaxPool(pool) => device::max_pool(&pool, x),
                SimpleOp::AveragePool(pool) => device::average_pool(&pool, x),
                SimpleOp::Activation(activation) => device::activate(activation, x),
            }),
            (Self::Vector(x), false) => Self::Vector(match op {
                SimpleOp::Activation(activation) => device::activate(activation, x),
                _ => unreachable!("a pool gets a map"),
            }),
        };
        match gives {
            Shape::Vector { .. } => out.flattened(),
            Shape::Map { .. } => out,
        }
    }
}

fn by_kernel<const D: usize>(x: Tensor<D>, op: SimpleOp) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as BlockOps>::simple_block(x.into_dispatch(), op))
}
