//! Statistics of the study as plain functions: slices and structs in, structs out.
//!
//! Every function is a pure function of its arguments and gives the same bytes on every run: sums run in
//! a fixed order, accumulators are `f64`, and randomness comes from an explicit seed alone. A value that
//! can't be computed is an error or `None`, never a silent NaN.

pub mod bootstrap;
pub mod classification;
pub mod correlation;
pub mod design;
pub mod folds;
pub mod formula;
pub mod multiplicity;
pub mod ols;
pub mod quantiles;
mod random;
pub mod relevance;
pub mod shares;
mod sums;
pub mod tails;
pub mod zscore;
