//! Small files of the cache that are right as a whole or not there: a digest over the rest stands first.
//!
//! Who finds none, or a damaged one, takes the long way, so nothing here is an error.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use flow_contract::Digest;

const SEAL_BYTES: usize = 32;

/// What is made of the content of a sealed file.
pub(crate) fn read<T>(path: &Path, of: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    // To open a pipe that stands there would be to wait for ever.
    let bytes = path.is_file().then(|| fs::read(path).ok())??;
    let (seal, body) = bytes.split_first_chunk::<SEAL_BYTES>()?;
    let whole = Digest::of(body).as_bytes() == seal;
    whole.then(|| of(body)).flatten()
}

/// Writes one, at once for whoever reads it; says whether that could be done.
pub(crate) fn write(path: &Path, body: &[u8]) -> bool {
    let aside = path.with_extension(std::process::id().to_string());
    let written = File::create(&aside)
        .and_then(|mut file| write_to(&mut file, body))
        .and_then(|()| fs::rename(&aside, path));
    written
        .inspect_err(|_| drop(fs::remove_file(&aside)))
        .is_ok()
}

/// The same for a file that is opened and put in its place by others.
pub(crate) fn write_to(file: &mut dyn Write, body: &[u8]) -> io::Result<()> {
    file.write_all(Digest::of(body).as_bytes())?;
    file.write_all(body)
}
