//! Downloads files whose SHA-256 is known: resumed, retried, several at once, and verified before use.
//!
//! A release publishes a list of [`Checksum`]s. A [`Client`] brings each [`Wanted`] file into a folder where it stays;
//! a file that is there and has its checksum costs no connection, whatever happened to the network since. Bytes arrive
//! in `NAME.part` and get their name only when their checksum is right, so a file with its own name is whole.
//!
//! Nothing here prints or reads the clock; [`Access::from_environment`] alone reads the environment.

mod access;
mod checksum;
mod client;
mod error;
mod part;
mod several;
mod transfer;

pub use access::{Access, AccessError};
pub use checksum::{Checksum, ChecksumError, Sha256, read_checksums};
pub use client::{Client, Patience};
pub use error::FetchError;
pub use several::fetch_all;
pub use transfer::{Came, Wanted};

/// Hears how far a download is; how it is told to stop. Called from several threads.
pub trait Watch: Sync {
    /// The file at this place has so many bytes in all; said once an answer of the server tells.
    fn expects(&self, file: usize, bytes: u64);

    /// So many bytes of the file at this place among the wanted ones are there.
    fn at(&self, file: usize, bytes: u64);

    /// The file at this place is there, verified.
    fn arrived(&self, file: usize, came: Came);

    /// Something went wrong and is tried again.
    fn trouble(&self, words: &str);

    /// Whether to stop.
    fn should_stop(&self) -> bool;
}
