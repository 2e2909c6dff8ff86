//! The network, its training and the rules that explain it.
//!
//! A [`network::Network`] is data: a list of layers over a `[channels, time]` input. Its
//! [`weights::Weights`] are named buffers. [`kernels`] are the loops that everything runs on, over
//! plain slices; training puts burn's modules, autodiff and optimiser on top of them, relevance
//! walks them directly.

pub mod ablation;
pub mod backend;
pub mod composite;
mod device;
pub mod epochs;
pub mod gradients;
pub mod kernels;
pub mod network;
mod plan;
pub mod predict;
pub mod quality;
mod random;
pub mod relevance;
pub mod rules;
mod spelling;
pub mod training;
pub mod weights;
