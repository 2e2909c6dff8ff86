//! A compact record of the last complete run, checked before the study is even parsed.
//!
//! It holds what decided that nothing was left to do: the digest of the study's text and of what was
//! asked of whom; the stat of every source and published file; the matches of every file
//! pattern; the stat of every part of the store. If all of that is as it was, a run would compute
//! nothing and write nothing. On any doubt there is no answer, and the run goes its whole way.
//!
//! A stat stands for a content only where the store's memo says so (git's rule for racily clean
//! entries), so a snapshot of files that are too young is not taken; the next run takes it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use flow_contract::Digest;
use flow_contract::encoding::{from_bytes, to_bytes};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::prepare::paths_matching;
use crate::run::Summary;
use crate::sealed;
use crate::session::Session;

/// What a run was asked; two equal questions have equal answers while nothing changed.
pub struct Question<'a> {
    /// The cache folder; its snapshot is looked for there.
    pub cache: &'a Path,
    /// The folder of the study file.
    pub root: &'a Path,
    /// The bytes of the study file.
    pub study: &'a [u8],
    /// Everything else that decides what a run does: overrides and targets as they were given, each
    /// with its option, and which program it is, because that decides on the kinds there are.
    pub words: &'a [String],
}

/// The run of which a snapshot was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Instances whose results are in the store.
    pub cached: usize,
    /// Its name, as in the journal.
    pub run: String,
}

/// What a run read and published, as far as files can tell whether it still holds.
#[derive(Debug, Default)]
pub(crate) struct Basis {
    /// Source files as the study names them, with the content they had.
    pub(crate) sources: Vec<(String, Digest)>,
    /// File patterns with the paths they matched.
    pub(crate) patterns: Vec<(String, Vec<String>)>,
    /// Published files with the content they were given.
    pub(crate) published: Vec<(PathBuf, Digest)>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    question: [u8; 32],
    cached: u64,
    run: String,
    files: Vec<(String, Stamp)>,
    patterns: Vec<(String, Vec<String>)>,
    store: Vec<(String, Stamp)>,
}

/// Device, inode, size, and the times of the last change of content and of anything.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

/// The last run, if the same again is sure to compute nothing and to write nothing.
#[must_use]
pub fn current(question: &Question<'_>) -> Option<Current> {
    let record: Record = sealed::read(&path(question.cache), |body| from_bytes(body).ok())?;
    let as_it_was = record.question == *digest(question).as_bytes()
        && store_parts(question.cache)? == record.store
        && unchanged(question.root, &record.files)
        && record.patterns.iter().all(|(pattern, was)| {
            paths_matching(question.root, pattern).is_ok_and(|is| is == *was)
        });
    as_it_was.then_some(Current {
        cached: usize::try_from(record.cached).ok()?,
        run: record.run,
    })
}

/// Takes a snapshot after a run; says whether one could be taken.
///
/// Call it last, when nothing more is written to the cache and the reports. `also` are files that
/// must stay as they are besides those the run itself read and published.
#[must_use]
pub fn take(
    question: &Question<'_>,
    session: &Session<'_>,
    summary: &Summary,
    also: &[PathBuf],
) -> bool {
    let record = record(question, session, summary, also);
    let body = record.and_then(|record| to_bytes(&record).ok());
    body.is_some_and(|body| {
        let write = |file: &mut dyn Write| sealed::write_to(file, &body);
        session
            .store
            .write_out(&path(question.cache), write)
            .is_ok()
    })
}

fn record(
    question: &Question<'_>,
    session: &Session<'_>,
    summary: &Summary,
    also: &[PathBuf],
) -> Option<Record> {
    if summary.failed + summary.skipped > 0 {
        return None;
    }
    // First the store, so that what another run adds from now on shows.
    let store = store_parts(question.cache)?;
    let basis = &summary.basis;
    let root = session.root;
    let sources = basis.sources.iter();
    let sources = sources.map(|(path, digest)| (root.join(path), *digest));
    let mut wanted: Vec<(PathBuf, Digest)> =
        sources.chain(basis.published.iter().cloned()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let name = |path: &Path| Some(path.strip_prefix(root).unwrap_or(path).to_str()?.to_owned());
    let files = wanted.par_iter().map(|(path, digest)| {
        let before = stamp(path)?;
        let known = session.store.stat_unchanged(path, digest);
        (known && stamp(path)? == before).then_some((name(path)?, before))
    });
    let mut files: Vec<_> = files.collect::<Option<_>>()?;
    for path in also {
        files.push((name(path)?, stamp(path)?));
    }
    let mut patterns = basis.patterns.clone();
    patterns.sort_unstable();
    patterns.dedup();
    Some(Record {
        question: *digest(question).as_bytes(),
        cached: (summary.ran + summary.cached) as u64,
        run: session.run.to_owned(),
        files,
        patterns,
        store,
    })
}

fn path(cache: &Path) -> PathBuf {
    cache.join("snapshot")
}

fn digest(question: &Question<'_>) -> Digest {
    let words = question.words.iter().map(String::as_bytes);
    let mut all = Vec::new();
    for part in std::iter::once(question.study).chain(words) {
        all.extend(Digest::of(part).as_bytes());
    }
    Digest::of(&all)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    let (modified, changed) = (
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    );
    Some((meta.dev(), meta.ino(), meta.size(), modified, changed))
}

/// Plain threads, because rayon's pool is worth its start only for a run that computes.
fn unchanged(root: &Path, files: &[(String, Stamp)]) -> bool {
    const FILES_PER_THREAD: usize = 2_000;
    const MOST_THREADS: usize = 8;
    let same = |part: &[(String, Stamp)]| {
        let mut part = part.iter();
        part.all(|(path, was)| stamp(&root.join(path)).as_ref() == Some(was))
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = match files.len() / FILES_PER_THREAD {
        0 => 1,
        wanted => wanted.min(cores()).min(MOST_THREADS),
    };
    let mut parts = files.chunks(files.len().div_ceil(threads).max(1));
    let own = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| same(part))).collect();
        let mut all = same(own);
        for other in others {
            all &= other.join().is_ok_and(|same| same);
        }
        all
    })
}

/// The logs of small blobs and records, and the folders of large blobs: whatever is added, removed
/// or set aside shows in the stat of one of them.
fn store_parts(cache: &Path) -> Option<Vec<(String, Stamp)>> {
    let mut parts = Vec::new();
    for folder in ["ledger", "packs", "blobs"] {
        let Ok(entries) = fs::read_dir(cache.join(folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.ok()?;
            // Indexes can be made again at any time and say nothing of their own.
            if entry.path().extension().is_some_and(|end| end == "index") {
                continue;
            }
            let name = entry.path().strip_prefix(cache).ok()?.to_str()?.to_owned();
            parts.push((name, stamp(&entry.path())?));
        }
    }
    parts.sort_unstable();
    Some(parts)
}
