//! What the engine promises, with toy nodes; one binary, because linking takes longer than testing.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod ahead;
mod commands;
mod crash;
mod edges;
mod lab;
mod lifecycle;
mod run;
mod wander;
mod why;
