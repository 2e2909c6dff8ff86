//! The binary, run in a sandbox on small studies: what ran, what was said, how it ended.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod arrays;
mod bad_input;
mod cache;
mod explain;
mod fetch;
mod golden;
mod grammar;
mod init;
mod kinds;
mod large;
#[path = "../../crates/flow-fetch/tests/loopback/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of flow-fetch, which know more mischief"
)]
mod loopback;
mod own_steps;
mod questions;
mod real;
mod resources;
mod sandbox;
mod sleep_edf;
mod sweep;
mod training;
