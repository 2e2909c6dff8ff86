//! Why a file didn't arrive.

use std::io;
use std::path::PathBuf;

use crate::Sha256;

/// A file didn't arrive.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server has no such file, or doesn't give it to us; asking again won't help.
    #[error("the server answers {status} ({}) for `{url}`", words(*status))]
    Refused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// It failed again and again without getting further.
    #[error(
        "`{url}` failed {attempts} times without getting further, at {bytes} bytes; the last time: {last}"
    )]
    GaveUp {
        /// What was asked for.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// How far it got.
        bytes: u64,
        /// What happened the last time.
        last: String,
    },
    /// The server gives other bytes than the list of checksums says.
    #[error(
        "`{url}` has the SHA-256 {found}, but the list says {wanted}; it was downloaded {attempts} times"
    )]
    WrongBytes {
        /// What was asked for.
        url: String,
        /// The checksum in the list.
        wanted: Sha256,
        /// The checksum of what came.
        found: Sha256,
        /// How often it was downloaded.
        attempts: u32,
    },
    /// The address can't be used.
    #[error("`{url}` is no address to download from: {why}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server can't prove who it is.
    #[error("the server of `{url}` isn't trusted: {why}")]
    Distrusted {
        /// What was asked for.
        url: String,
        /// Why not.
        why: String,
    },
    /// The environment leads nowhere.
    #[error("`{url}` can't be asked for: {why}")]
    NoWay {
        /// What was wanted.
        url: String,
        /// What is wrong with the proxies or certificates that the environment names.
        why: String,
    },
    /// The disk.
    #[error("{doing} `{}`: {source}", path.display())]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// It was told to stop; what has arrived stays for the next time.
    #[error("the download was stopped; what has arrived stays")]
    Stopped,
}

/// What a status means, for those that users meet.
fn words(status: u16) -> &'static str {
    match status {
        401 | 407 => "it wants a password",
        403 => "it doesn't allow it",
        404 | 410 => "there is no such file",
        500..=599 => "it is in trouble",
        _ => "unexpected",
    }
}
