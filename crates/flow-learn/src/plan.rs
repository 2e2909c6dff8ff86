//! Layers put together into blocks that are computed in one pass over memory.

use crate::kernels::{Activation, BlockPool, ConvShape, DenseShape, PoolShape};
use crate::network::{Network, NetworkError, Op, Shape};

/// One or more layers of a network computed at once.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Place of its first layer in the network; the one with weights, where it has any.
    pub layer: usize,
    /// What goes in.
    pub gets: Shape,
    /// What comes out.
    pub gives: Shape,
    /// What is done.
    pub op: BlockOp,
}

/// What a block does. Shapes are those of one sample, with `batch` 1.
#[derive(Debug, Clone)]
pub(crate) enum BlockOp {
    /// A convolution and what follows it.
    Conv {
        conv: ConvShape,
        relu: bool,
        pool: BlockPool,
        mask: Option<Mask>,
    },
    /// A dense layer and what follows it.
    Dense {
        dense: DenseShape,
        relu: bool,
        mask: Option<Mask>,
    },
    /// Maximum over windows of each channel.
    MaxPool(PoolShape),
    /// Average over windows of each channel.
    AveragePool(PoolShape),
    /// A function of each number.
    Activation(Activation),
    /// Batch norm.
    Norm { epsilon: f64 },
    /// Dropout on its own.
    Mask(Mask),
    /// A change of shape only.
    Flatten,
}

/// A dropout that follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mask {
    /// Its place in the network, which names its random stream.
    pub layer: usize,
    /// Probability of 0.
    pub rate: f64,
    /// Factors a sample: one a channel, or one a number.
    pub factors: usize,
}

/// The blocks of a network, in forward order.
pub(crate) fn blocks(network: &Network) -> Result<Vec<Block>, NetworkError> {
    let shapes = network.shapes()?;
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < network.layers.len() {
        let gets = if at == 0 {
            network.input()
        } else {
            shapes[at - 1]
        };
        let mut rest = Rest {
            network,
            shapes: &shapes,
            next: at + 1,
        };
        let op = rest.block(at, gets);
        blocks.push(Block {
            layer: at,
            gets,
            gives: shapes[rest.next - 1],
            op,
        });
        at = rest.next;
    }
    Ok(blocks)
}

/// The block of a layer that nothing joins.
fn single(op: &Op, layer: usize, gets: Shape) -> BlockOp {
    let pool = |kernel, stride| PoolShape {
        rows: gets.channels(),
        time: gets.time(),
        kernel,
        stride,
    };
    let mask = |rate, factors| {
        BlockOp::Mask(Mask {
            layer,
            rate,
            factors,
        })
    };
    match *op {
        Op::MaxPool { kernel, stride } => BlockOp::MaxPool(pool(kernel, stride)),
        Op::AveragePool { kernel, stride } => BlockOp::AveragePool(pool(kernel, stride)),
        Op::GlobalMaxPool => BlockOp::MaxPool(pool(gets.time(), gets.time())),
        Op::GlobalAveragePool => BlockOp::AveragePool(pool(gets.time(), gets.time())),
        Op::BatchNorm { epsilon } => BlockOp::Norm { epsilon },
        Op::Dropout { rate } => mask(rate, gets.numbers()),
        Op::SpatialDropout { rate } => mask(rate, gets.channels()),
        // The others are blocks of other kinds.
        Op::Flatten
        | Op::Conv { .. }
        | Op::Dense { .. }
        | Op::Relu
        | Op::LeakyRelu { .. }
        | Op::Elu { .. }
        | Op::Gelu => BlockOp::Flatten,
    }
}

/// The layers not yet in a block.
struct Rest<'a> {
    network: &'a Network,
    shapes: &'a [Shape],
    next: usize,
}

impl Rest<'_> {
    fn block(&mut self, at: usize, gets: Shape) -> BlockOp {
        let op = &self.network.layers[at].op;
        if let Some(function) = op.activation() {
            return BlockOp::Activation(function);
        }
        if let Some(conv) = op.conv_shape(gets) {
            return BlockOp::Conv {
                conv,
                relu: self.relu(),
                pool: self.pool(),
                mask: self.mask(true),
            };
        }
        if let Op::Dense { units, .. } = *op {
            return self.dense(gets.numbers(), units);
        }
        single(op, at, gets)
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> BlockOp {
        let batch = 1;
        BlockOp::Dense {
            dense: DenseShape {
                batch,
                inputs,
                outputs,
            },
            relu: self.relu(),
            mask: self.mask(false),
        }
    }

    fn relu(&mut self) -> bool {
        self.take(|op| (*op == Op::Relu).then_some(())).is_some()
    }

    fn pool(&mut self) -> BlockPool {
        self.take(|op| match *op {
            Op::MaxPool { kernel, stride } => Some(BlockPool::Max { kernel, stride }),
            Op::GlobalMaxPool => Some(BlockPool::GlobalMax),
            _ => None,
        })
        .unwrap_or(BlockPool::None)
    }

    /// The dropout that follows, where its factors are one a channel (or the map is a vector).
    fn mask(&mut self, after_conv: bool) -> Option<Mask> {
        let (layer, shape) = (self.next, self.shapes[self.next - 1]);
        let vector = !after_conv || matches!(shape, Shape::Vector { .. });
        let factors = shape.channels();
        self.take(|op| match *op {
            Op::SpatialDropout { rate } => Some(Mask {
                layer,
                rate,
                factors,
            }),
            Op::Dropout { rate } if vector => Some(Mask {
                layer,
                rate,
                factors,
            }),
            _ => None,
        })
    }

    fn take<T>(&mut self, fits: impl Fn(&Op) -> Option<T>) -> Option<T> {
        let taken = self
            .network
            .layers
            .get(self.next)
            .and_then(|layer| fits(&layer.op));
        self.next += usize::from(taken.is_some());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_of_the_paper_is_eleven_blocks() {
        let blocks = blocks(&Network::ellis2021(3, 3000, 5)).unwrap();
        assert_eq!(blocks.len(), 11);
        match &blocks[7].op {
            BlockOp::Conv {
                relu: true,
                pool: BlockPool::GlobalMax,
                mask: Some(mask),
                ..
            } => {
                assert_eq!((mask.rate, mask.factors), (0.01, 256));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(blocks[7].gives, Shape::Vector { units: 256 });
    }

    #[test]
    fn dropout_of_single_numbers_of_a_map_stays_on_its_own() {
        let network = Network::of(1, 9, [Op::conv(2, 3), Op::Dropout { rate: 0.5 }]);
        let blocks = blocks(&network).unwrap();
        assert!(matches!(
            blocks[1].op,
            BlockOp::Mask(Mask { factors: 14, .. })
        ));
    }
}
