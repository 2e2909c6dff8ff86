//! The walk of a whole batch on a device that our kernels don't run on.
//!
//! It carries out the same [`Program`] and the same [`Path`]s as the walk of single samples, without its short
//! cuts: everything a step gave is kept, and behind a global maximum all times are walked.

use super::backward::{self, DRIFT, PULL};
use super::path::{Activations, Denominator, Factor, Passage, Path, Product, Ready};
use super::program::{Action, Program};
use crate::device::{self, Winners};
use crate::kernels::relevance::Map;
use crate::kernels::{Activation, PoolShape, Real};
use crate::rules::{Gate, Stabilizer};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

/// A program and its ways back, with their numbers on a device.
pub(crate) struct DeviceWalk {
    steps: Vec<Step>,
    ways: Vec<Way>,
    device: Device,
    in_len: usize,
}

/// What each step gave for a batch.
pub(crate) struct Trail {
    /// `[batch, in_len]`.
    x: Tensor<2>,
    /// One a step, `[batch, out_len]`.
    values: Vec<Tensor<2>>,
    /// One a step, of maximum pools.
    winners: Vec<Option<Winners>>,
}

enum Step {
    Linear(Box<Sum>),
    MaxPool(PoolShape),
    Activation(Activation),
}

/// A weighted sum, maybe with a ReLU behind that overwrites it.
struct Sum {
    map: Map,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    relu: bool,
}

/// A [`Path`] with its numbers on the device.
struct Way {
    passages: Vec<Crossing>,
    activations: Activations,
}

/// A [`Passage`].
enum Crossing {
    Pass,
    Gradient(Tensor<2>),
    Branches(Vec<Branch>),
}

/// A [`Ready`] branch.
struct Branch {
    scale: f64,
    gate: Gate,
    stabilizer: Stabilizer,
    /// Whether the denominators are what the step gave.
    kept: bool,
    /// The part of the denominators that is the same for every sample, `[1, out_len]`.
    constant: Option<Tensor<2>>,
    terms: Vec<Term>,
}

/// A [`Product`].
struct Term {
    part: Part,
    weight: Tensor<2>,
    /// Whether the denominator has it, and with which bias.
    summed: Option<Option<Tensor<1>>>,
}

enum Part {
    All,
    Positive,
    Negative,
    /// `[1, in_len]`.
    Constant(Tensor<2>),
}

impl DeviceWalk {
    /// Puts a program and its paths on a device.
    pub(crate) fn new<'a, T: Real>(
        program: &Program<T>,
        paths: impl Iterator<Item = &'a Path<T>>,
        device: Device,
    ) -> Self {
        let upload = Upload(&device);
        let steps = program.steps.iter().map(|step| match &step.action {
            Action::Activation(activation) => Step::Activation(*activation),
            Action::MaxPool(shape) => Step::MaxPool(*shape),
            Action::Linear(linear) => Step::Linear(Box::new(Sum {
                map: linear.map,
                weight: upload.weight(linear.map, &linear.weight),
                bias: linear.bias.as_deref().map(|bias| upload.row(bias)),
                relu: linear.relu,
            })),
        });
        let steps = steps.collect();
        let way = |path: &Path<T>| {
            let passages = program.steps.iter().zip(&path.passages);
            Way {
                passages: passages
                    .map(|(step, passage)| match &step.action {
                        Action::Linear(linear) => upload.passage(linear.map, passage),
                        _ => Crossing::Pass,
                    })
                    .collect(),
                activations: path.activations,
            }
        };
        Self {
            steps,
            ways: paths.map(way).collect(),
            in_len: program.in_len,
            device: device.clone(),
        }
    }

    /// Runs a batch forward; `x`: `[batch, in_len]`.
    pub(crate) fn forward(&self, x: Vec<f32>) -> Trail {
        let batch = x.len() / self.in_len;
        let x = Tensor::from_data(TensorData::new(x, [batch, self.in_len]), &self.device);
        let mut trail = Trail {
            x,
            values: Vec::with_capacity(self.steps.len()),
            winners: Vec::with_capacity(self.steps.len()),
        };
        for step in &self.steps {
            let gets = trail.values.last().unwrap_or(&trail.x).clone();
            let (gives, winners) = step.forward(gets);
            trail.values.push(gives);
            trail.winners.push(winners);
        }
        trail
    }

    /// Carries relevance (or a gradient) from the logits to the input by the way of this number.
    ///
    /// * `start`: `[batch, classes]`
    /// * returns `[batch, in_len]`, and for each sample the `e` for which the true relevance is `2ᵉ` times that
    pub(crate) fn back(&self, way: usize, trail: &Trail, start: Vec<f32>) -> (Vec<f32>, Vec<i32>) {
        let way = &self.ways[way];
        let batch = trail.x.dims()[0];
        let classes = start.len() / batch;
        let mut relevance =
            Tensor::<2>::from_data(TensorData::new(start, [batch, classes]), &self.device);
        let mut scales = Scales::new(batch);
        for (place, step) in self.steps.iter().enumerate().rev() {
            let gets = match place {
                0 => &trail.x,
                _ => &trail.values[place - 1],
            };
            let gives = &trail.values[place];
            relevance = match (step, &way.passages[place]) {
                (Step::Activation(activation), _) => {
                    activated(*activation, way.activations, gets, relevance)
                }
                (Step::MaxPool(shape), _) => match &trail.winners[place] {
                    Some(winners) => unpooled(shape, gets, winners, relevance),
                    None => unreachable!("the forward pass keeps the winners of every maximum"),
                },
                (Step::Linear(sum), Crossing::Branches(branches)) => {
                    let relevance = scales.take(relevance);
                    let given = shared(sum.map, branches, (gets, gives), relevance);
                    scales.watch(&given);
                    given
                }
                (Step::Linear(sum), Crossing::Gradient(weight)) => {
                    let relevance = match sum.relu {
                        true => activated(Activation::Relu, way.activations, gives, relevance),
                        false => relevance,
                    };
                    transposed(sum.map, relevance, weight)
                }
                (Step::Linear(_), Crossing::Pass) => relevance,
            };
        }
        (host(relevance), scales.exponents)
    }
}

impl Trail {
    /// `[batch, classes]`.
    pub(crate) fn logits(&self) -> Vec<f32> {
        host(self.values.last().unwrap_or(&self.x).clone())
    }
}

impl Step {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Option<Winners>) {
        match self {
            Self::Activation(activation) => (device::activate(*activation, x), None),
            Self::MaxPool(shape) => {
                let (out, winners) = device::max_pool_winners(shape, rows(shape, x));
                (out.flatten(1, 2), Some(winners))
            }
            Self::Linear(sum) => {
                let z = summed(sum.map, x, &sum.weight, sum.bias.as_ref());
                (if sum.relu { relu(z) } else { z }, None)
            }
        }
    }
}

/// `[batch, rows · time]` as `[batch, rows, time]`.
fn rows(shape: &PoolShape, x: Tensor<2>) -> Tensor<3> {
    let batch = x.dims()[0];
    x.reshape([batch, shape.rows, shape.time])
}

fn unpooled(
    shape: &PoolShape,
    x: &Tensor<2>,
    winners: &Winners,
    relevance: Tensor<2>,
) -> Tensor<2> {
    let from = relevance.reshape(winners.dims());
    device::unpool(shape, rows(shape, x.clone()), winners.clone(), from).flatten(1, 2)
}

fn activated(
    activation: Activation,
    activations: Activations,
    x: &Tensor<2>,
    relevance: Tensor<2>,
) -> Tensor<2> {
    if activations == Activations::Pass {
        return relevance;
    }
    let gradient = relevance * device::slope(activation, x.clone());
    match activations == Activations::Guide && activation == Activation::Relu {
        true => relu(gradient),
        false => gradient,
    }
}

/// `W x + b`, `[batch, in_len]` to `[batch, out_len]`.
fn summed(map: Map, x: Tensor<2>, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Tensor<2> {
    let batch = x.dims()[0];
    match map {
        Map::Dense(_) => device::dense(x, weight.clone(), bias.cloned()),
        Map::Conv(s) => {
            let x = x.reshape([batch, s.in_channels, s.time]);
            device::conv(&s, x, taps(map, weight), bias.cloned()).flatten(1, 2)
        }
    }
}

/// `Wᵀ s`, `[batch, out_len]` to `[batch, in_len]`.
fn transposed(map: Map, share: Tensor<2>, weight: &Tensor<2>) -> Tensor<2> {
    let batch = share.dims()[0];
    match map {
        Map::Dense(_) => share.matmul(weight.clone()),
        Map::Conv(s) => {
            let share = share.reshape([batch, s.out_channels, s.out_time()]);
            device::conv_back(&s, share, taps(map, weight)).flatten(1, 2)
        }
    }
}

/// A convolution's weights in their three dimensions.
fn taps(map: Map, weight: &Tensor<2>) -> Tensor<3> {
    let [out, numbers] = weight.dims();
    let kernel = match map {
        Map::Conv(s) => s.kernel,
        Map::Dense(_) => 1,
    };
    weight.clone().reshape([out, numbers / kernel, kernel])
}

/// Relevance shared out among the inputs `x` of a weighted sum that gave `z`.
fn shared(
    map: Map,
    branches: &[Branch],
    (x, z): (&Tensor<2>, &Tensor<2>),
    relevance: Tensor<2>,
) -> Tensor<2> {
    let mut given = x.zeros_like();
    for branch in branches {
        let denominator = branch.denominator(map, x, z);
        let share = branch.share(relevance.clone(), denominator, z);
        for term in &branch.terms {
            let back = transposed(map, share.clone(), &term.weight);
            given = given + term.part(x) * back;
        }
    }
    given
}

impl Branch {
    /// Not yet stabilised.
    fn denominator(&self, map: Map, x: &Tensor<2>, z: &Tensor<2>) -> Tensor<2> {
        if self.kept {
            return z.clone();
        }
        let mut sum = z.zeros_like();
        if let Some(constant) = &self.constant {
            sum = sum + constant.clone();
        }
        for term in &self.terms {
            if let Some(bias) = &term.summed {
                sum = sum + summed(map, term.part(x), &term.weight, bias.as_ref());
            }
        }
        sum
    }

    /// `scale · R / stab(d)` where the gate lets it through and `stab(d) ≠ 0`, else 0.
    fn share(&self, relevance: Tensor<2>, d: Tensor<2>, z: &Tensor<2>) -> Tensor<2> {
        let stable = match self.stabilizer {
            Stabilizer::Signed(e) => {
                let below = d.clone().lower_elem(0.0);
                (d.clone() + e).mask_where(below, d - e)
            }
            Stabilizer::AtZero(e) => {
                let zero = d.clone().equal_elem(0.0);
                d.mask_fill(zero, e)
            }
        };
        let zero = stable.clone().equal_elem(0.0);
        let share = (relevance * self.scale / stable).mask_fill(zero, 0.0);
        match self.gate {
            Gate::All => share,
            Gate::Positive => share.mask_fill(z.clone().lower_equal_elem(0.0), 0.0),
            Gate::Negative => share.mask_fill(z.clone().greater_equal_elem(0.0), 0.0),
        }
    }
}

impl Term {
    /// What stands for the input; a constant has a batch of 1.
    fn part(&self, x: &Tensor<2>) -> Tensor<2> {
        match &self.part {
            Part::All => x.clone(),
            Part::Positive => x.clone().clamp_min(0.0),
            Part::Negative => x.clone().clamp_max(0.0),
            Part::Constant(values) => values.clone(),
        }
    }
}

/// The powers of two that samples' relevance was divided by, and is to be next.
struct Scales {
    exponents: Vec<i32>,
    next: Vec<i32>,
}

impl Scales {
    fn new(batch: usize) -> Self {
        Self {
            exponents: vec![0; batch],
            next: vec![0; batch],
        }
    }

    fn watch(&mut self, relevance: &Tensor<2>) {
        let largest = host(relevance.clone().abs().max_dim(1));
        let next = |largest| backward::power::<f32>(largest).filter(|power| power.abs() > DRIFT);
        let pull = |l| next(l).map_or(0, |power| power.clamp(-PULL, PULL));
        self.next = largest.into_iter().map(pull).collect();
    }

    fn take(&mut self, relevance: Tensor<2>) -> Tensor<2> {
        if self.next.iter().all(|&next| next == 0) {
            return relevance;
        }
        let batch = self.next.len();
        let factors: Vec<f32> = self.next.iter().map(|&next| 2f32.powi(-next)).collect();
        for (exponent, next) in self.exponents.iter_mut().zip(&mut self.next) {
            *exponent += std::mem::take(next);
        }
        let device = relevance.device();
        relevance * Tensor::<2>::from_data(TensorData::new(factors, [batch, 1]), &device)
    }
}

/// The numbers of a tensor in row-major order.
fn host(tensor: Tensor<2>) -> Vec<f32> {
    let data = tensor.into_data();
    data.try_into_vec()
        .expect("the walk makes f32 tensors only")
}

/// Puts numbers on a device.
struct Upload<'a>(&'a Device);

impl Upload<'_> {
    fn numbers<const D: usize, T: Real>(&self, numbers: &[T], dims: [usize; D]) -> Tensor<D> {
        let numbers: Vec<f32> = numbers.iter().map(|n| n.to_f64() as f32).collect();
        Tensor::from_data(TensorData::new(numbers, dims), self.0)
    }

    fn row<T: Real>(&self, numbers: &[T]) -> Tensor<1> {
        self.numbers(numbers, [numbers.len()])
    }

    /// `[out, numbers of each]`.
    fn weight<T: Real>(&self, map: Map, weight: &[T]) -> Tensor<2> {
        let (out, _) = map.output();
        self.numbers(weight, [out, weight.len() / out])
    }

    fn passage<T: Real>(&self, map: Map, passage: &Passage<T>) -> Crossing {
        match passage {
            Passage::Pass => Crossing::Pass,
            Passage::Gradient(back) => Crossing::Gradient(self.weight(map, back.weight())),
            Passage::Branches(branches) => {
                let branches = branches.iter().map(|branch| self.branch(map, branch));
                Crossing::Branches(branches.collect())
            }
        }
    }

    fn branch<T: Real>(&self, map: Map, branch: &Ready<T>) -> Branch {
        let constant = match &branch.denominator {
            Denominator::Summed {
                constant: Some(constant),
            } => Some(self.numbers(constant, [1, constant.len()])),
            _ => None,
        };
        Branch {
            scale: branch.scale,
            gate: branch.gate,
            stabilizer: branch.stabilizer,
            kept: matches!(branch.denominator, Denominator::Kept),
            constant,
            terms: branch
                .terms
                .iter()
                .map(|term| self.term(map, term))
                .collect(),
        }
    }

    fn term<T: Real>(&self, map: Map, product: &Product<T>) -> Term {
        Term {
            part: match &product.factor {
                Factor::All => Part::All,
                Factor::Positive => Part::Positive,
                Factor::Negative => Part::Negative,
                Factor::Constant(values) => Part::Constant(self.numbers(values, [1, values.len()])),
            },
            weight: self.weight(map, product.back.weight()),
            summed: product
                .forward
                .as_ref()
                .map(|forward| forward.bias().map(|bias| self.row(bias))),
        }
    }
}
