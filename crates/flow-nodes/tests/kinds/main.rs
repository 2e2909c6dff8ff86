//! Kinds that read recordings, run on files made here: what they give, and what they say.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't make its files should fail there"
)]

mod array_epochs;
mod epoch;
mod figures;
mod lab;
mod recordings;
mod sleep_edf;
mod train;
mod walks;
