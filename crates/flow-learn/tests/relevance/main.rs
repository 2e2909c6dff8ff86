//! Relevance, gradients, quality and ablation against what other tools compute.

#![expect(clippy::unwrap_used, reason = "a test that can't go on shall stop")]

mod fixtures;
mod golden;
mod quality;
