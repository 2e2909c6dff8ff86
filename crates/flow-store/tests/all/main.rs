//! The store from outside: one process, several, damage, kills, full disks.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod children;
mod damage;
mod full;
mod model;
mod processes;
mod space;
mod store;
mod support;
