//! The loops of the network over plain slices: convolution, dense layer, pooling.
//!
//! All maps are batch-major and row-major, `[batch, channels, time]`. Every kernel gives the same
//! bytes on any number of threads: samples are independent, and sums over samples are taken in
//! chunks whose size depends on the shape only, and added in order.

mod activation;
mod adam;
mod block;
mod conv;
mod dense;
mod dense_block;
mod direct;
mod passes;
mod plain;
mod plan;
mod pool;
mod real;
pub(crate) mod relevance;
mod scratch;
mod simd;
mod sparse;
#[cfg(test)]
mod tests;
pub mod textbook;
mod tile;

pub use activation::Activation;
pub use adam::{AdamBuffers, AdamStep};
pub(crate) use block::PackedBlock;
pub use block::{BlockGradient, BlockPoint, BlockPool, ConvBlock, Saved, WantsInput};
pub use conv::{ConvShape, conv_forward, conv_input_gradient, conv_weight_gradient};
pub use dense::{DenseShape, dense_forward, dense_input_gradient, dense_weight_gradient};
pub use dense_block::DenseBlock;
pub use pool::{
    PoolShape, average_pool_backward, average_pool_forward, max_pool_backward, max_pool_forward,
};
pub(crate) use pool::{average_pool_row, max_pool_row};
pub use real::Real;
pub use scratch::give;
pub(crate) use scratch::{clear as clear_shelf, taken, with as with_scratch};
pub use simd::numeric_class;
