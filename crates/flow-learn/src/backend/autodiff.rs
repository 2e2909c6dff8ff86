//! The blocks under burn's autodiff, each with its way back written by hand.

use super::blocks::{Backwards, Trail};
use super::{BlockOps, Host, SimpleOp, blocks};
use crate::kernels::{AdamStep, ConvBlock, DenseBlock, Saved, WantsInput};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};
use std::fmt::Debug;
use std::marker::PhantomData;

impl<B: Host + BlockOps, C: CheckpointStrategy> BlockOps for Autodiff<B, C> {
    fn conv_block(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: ConvBlock<f32>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (
            x.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        match BlockBack(PhantomData)
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (out, saved) = blocks::conv::<B>(&x, &weight, &bias, &block);
                prep.finish(
                    Trail {
                        x,
                        weight,
                        out: out.clone(),
                        saved,
                        block,
                    },
                    out,
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv_block(x, weight, bias, block)),
        }
    }

    fn dense_block(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: DenseBlock<f32>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (
            x.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
        );
        match BlockBack(PhantomData)
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let out = blocks::dense::<B>(&x, &weight, &bias, &block);
                let saved = Saved::default();
                prep.finish(
                    Trail {
                        x,
                        weight,
                        out: out.clone(),
                        saved,
                        block,
                    },
                    out,
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(B::dense_block(x, weight, bias, block)),
        }
    }

    fn simple_block(x: FloatTensor<Self>, op: SimpleOp) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match SimpleBack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (out, saved) = blocks::simple::<B>(&x, op);
                prep.finish((x, op, saved), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::simple_block(x, op)),
        }
    }

    fn of_numbers(
        like: FloatTensor<Self>,
        numbers: Vec<f32>,
        shape: Vec<usize>,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::of_numbers(like.into_primitive(), numbers, shape))
    }

    fn adam(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (weight, moment_1, moment_2) = B::adam(
            weight.into_primitive(),
            gradient.into_primitive(),
            moment_1.into_primitive(),
            moment_2.into_primitive(),
            step,
        );
        let tensor = Self::from_inner;
        (tensor(weight), tensor(moment_1), tensor(moment_2))
    }
}

/// Back through a block.
#[derive(Debug)]
struct BlockBack<Block>(PhantomData<Block>);

impl<B: Host, Block> Backward<B, 3> for BlockBack<Block>
where
    Block: Backwards + Clone + Debug + Send + 'static,
{
    type State = Trail<B, Block>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [to_x, to_weight, to_bias] = ops.parents;
        let dout = grads.consume::<B>(&ops.node);
        let wants = if to_x.is_some() {
            WantsInput::Yes
        } else {
            WantsInput::No
        };
        let (dx, dweight, dbias) = ops.state.back(dout, wants);
        for (node, gradient) in [
            (to_x, dx),
            (to_weight, Some(dweight)),
            (to_bias, Some(dbias)),
        ] {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

/// Back through a layer without weights.
#[derive(Debug)]
struct SimpleBack;

impl<B: Host> Backward<B, 1> for SimpleBack {
    type State = (FloatTensor<B>, SimpleOp, Saved);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [to_x] = ops.parents;
        let dout = grads.consume::<B>(&ops.node);
        let (x, op, saved) = ops.state;
        if let Some(node) = to_x {
            grads.register::<B>(node.id, blocks::simple_back::<B>(&x, op, saved, dout));
        }
    }
}
