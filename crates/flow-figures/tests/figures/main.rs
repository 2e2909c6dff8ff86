//! Tests of the figures as their users see them.

mod gallery;
mod golden;
mod refusals;
mod synthetic;
