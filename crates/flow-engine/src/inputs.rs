//! A job's inputs: read from the store, lent to commands, or left where the user has them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flow_contract::{Content, Digest, Input, NodeError};
use flow_store::{BlobStat, ReadError, Staging, Store};

use crate::crew::{Job, Verdict};
use crate::prepare::{Artifact, Origin, Prepared};
use crate::publish::told;

/// What an attempt was given: files lent to commands, in a folder made for the first, and which large blobs
/// it reads where they lie.
#[derive(Default)]
pub(crate) struct Lent {
    staging: Option<Staging>,
    count: usize,
    blobs: Vec<(Digest, BlobStat)>,
}

impl Lent {
    /// Inputs of commands larger than this are lent, smaller ones written.
    const LARGE_BYTES: usize = 32 << 10;

    /// Whether all large blobs are still the files that were verified.
    pub(crate) fn is_unchanged(&self, store: &Store) -> bool {
        let mut blobs = self.blobs.iter();
        blobs.all(|(digest, stat)| store.is_still(digest, *stat))
    }

    fn file(&mut self, store: &Store, digest: &Digest) -> Result<PathBuf, Verdict> {
        if self.staging.is_none() {
            self.staging = Some(store.stage().map_err(Verdict::Broken)?);
        }
        let folder = self.staging.as_ref().map_or(Path::new(""), Staging::path);
        let path = folder.join(self.count.to_string());
        self.count += 1;
        store.lend(digest, &path).map_err(unreadable)?;
        Ok(path)
    }
}

/// Reads all inputs of a job; what is lent lives as long as `lent`.
pub(crate) fn read_inputs(
    store: &Store,
    job: &Job<'_>,
    lent: &mut Lent,
) -> Result<BTreeMap<String, Vec<Input>>, Verdict> {
    let mut left = READ_BYTES;
    let mut inputs = BTreeMap::new();
    for (port, artifacts) in &job.prepared.inputs {
        let mut read = Vec::with_capacity(artifacts.len());
        for artifact in artifacts {
            let (mut input, stat) = read_input(store, artifact, job.foreign, &mut left)?;
            lent.blobs.extend(stat.map(|stat| (artifact.digest, stat)));
            if job.foreign && input.file.is_none() && input.content.len() > Lent::LARGE_BYTES {
                input.file = Some(lent.file(store, &input.digest)?);
            }
            read.push(input);
        }
        inputs.insert(port.clone(), read);
    }
    Ok(inputs)
}

fn unreadable(error: ReadError) -> Verdict {
    match error {
        ReadError::Missing { digest } => Verdict::Damaged { digest, gone: true },
        ReadError::Damaged { digest, .. } => Verdict::Damaged {
            digest,
            gone: false,
        },
        ReadError::Io(error) => Verdict::Failed(told(&error)),
    }
}

/// A source of more than `left` bytes is mapped; one that is read is taken off.
fn read_input(
    store: &Store,
    artifact: &Artifact,
    foreign: bool,
    left: &mut u64,
) -> Result<(Input, Option<BlobStat>), Verdict> {
    let unread = |error| {
        let what = format!("reading `{}`: {error}", artifact.name);
        Verdict::Failed(NodeError::new(what))
    };
    let mut stat = None;
    let (content, file) = match &artifact.origin {
        Origin::Source(path) if foreign => content_for_command(path).map_err(unread)?,
        Origin::Source(path) => {
            let content = Content::read_or_map(path, *left).map_err(unread)?;
            *left = left.checked_sub(content.len() as u64).unwrap_or(*left);
            (content, Some(path.clone()))
        }
        Origin::Blob => {
            let blob = store.get_with_stat(&artifact.digest);
            let (content, of) = blob.map_err(unreadable)?;
            stat = of;
            (content, None)
        }
    };
    let Artifact {
        digest,
        labels,
        name,
        ..
    } = artifact.clone();
    let input = Input {
        digest,
        labels,
        content,
        name,
        file,
    };
    Ok((input, stat))
}

/// Sources of a node up to this size in all are read into memory for kinds of flow's own.
const READ_BYTES: u64 = 256 << 20;

/// A command gets a small source as a copy; one that is larger or a program it opens itself.
fn content_for_command(path: &Path) -> io::Result<(Content, Option<PathBuf>)> {
    let metadata = fs::metadata(path)?;
    let small = metadata.len() <= Lent::LARGE_BYTES as u64;
    if small && metadata.permissions().mode() & 0o111 == 0 {
        return Ok((fs::read(path)?.into(), None));
    }
    Ok((Content::from(Vec::new()), Some(path.to_owned())))
}

/// A result made from a file that changed meanwhile belongs to no recipe.
pub(crate) fn sources_unchanged(store: &Store, prepared: &Prepared<'_>) -> Result<(), Verdict> {
    for (_, artifacts) in &prepared.inputs {
        for artifact in artifacts {
            let Origin::Source(path) = &artifact.origin else {
                continue;
            };
            if store.path_digest(path).map_err(Verdict::Broken)? != artifact.digest {
                let what = format!("`{}` changed while it was being read", artifact.name);
                return Err(Verdict::Failed(NodeError::new(what).help("run again")));
            }
        }
    }
    Ok(())
}
