//! Why a file didn't arrive, in words for people: where, why, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::Path;

use flow_contract::NodeError;
use flow_fetch::FetchError;

/// A download that failed, with what to do about it; `folder` as the study names it.
pub fn failure(error: FetchError, folder: &str) -> NodeError {
    let words = error.to_string();
    match error {
        FetchError::Refused { url, status } => refused(url, status, words, folder),
        FetchError::GaveUp {
            url,
            attempts,
            bytes,
            last,
        } => NodeError::new(format!(
            "downloading failed {attempts} times without getting further, at {bytes} bytes"
        ))
        .at(url)
        .because(last)
        .help(format!(
            "run again to go on from there; behind a proxy set https_proxy; {}",
            by_hand(folder)
        )),
        FetchError::WrongBytes {
            url,
            wanted,
            found,
            attempts,
        } => NodeError::new(
            "the server gives other bytes than were vouched for; they are not used",
        )
        .at(url)
        .because(format!(
            "their SHA-256 is {found}, wanted is {wanted}; downloaded {attempts} times"
        ))
        .help(
            "the release has changed, or something on the way changes files: ask who publishes it",
        ),
        FetchError::Address { url, why } => {
            no_way("there is nothing to download from", url, why, "check `url`")
        }
        FetchError::Distrusted { url, why } => no_way(
            "the server isn't trusted",
            url,
            why,
            "where your institution's proxy signs connections, name its authority: SSL_CERT_FILE=/path/to/ca.pem",
        ),
        FetchError::NoWay { url, why } => no_way(
            "the way to the network can't be used",
            url,
            why,
            "mend or unset that variable",
        ),
        FetchError::Disk {
            doing,
            path,
            source,
        } => disk(doing, &path, &source),
        FetchError::Stopped => NodeError::new(words),
    }
}

fn by_hand(folder: &str) -> String {
    format!(
        "files that you put into `{folder}` yourself are used if their SHA-256 is the one in the list"
    )
}

fn refused(url: String, status: u16, words: String, folder: &str) -> NodeError {
    let help = match status {
        404 | 410 => "check `url`: file names of the list are appended to it".to_owned(),
        _ => by_hand(folder),
    };
    NodeError::new(words).at(url).help(help)
}

fn no_way(what: &str, url: String, why: String, help: &str) -> NodeError {
    NodeError::new(what).at(url).because(why).help(help)
}

fn disk(doing: &str, path: &Path, source: &io::Error) -> NodeError {
    let help = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room and run again: what has arrived stays"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "make it writable, or name another folder by `folder`"
        }
        _ => "what has arrived stays; run again once that is mended",
    };
    NodeError::new(format!("{doing} `{}`", path.display()))
        .because(source)
        .help(help)
}
