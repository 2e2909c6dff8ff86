//! All that a running node sees.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::{Content, Digest, Labels, NodeError, Params};

/// An artifact on an input port.
#[derive(Clone, Debug)]
pub struct Input {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Where the instance that made it stands, as far as the reader doesn't share it.
    pub labels: Labels,
    /// Its verified bytes; empty where a command opens the file itself.
    pub content: Content,
    /// What to call it in messages: the file's path, or the node and port.
    pub name: String,
    /// A file that holds exactly these bytes, where there is one.
    pub file: Option<PathBuf>,
}

/// What a node has put on an output port.
#[derive(Debug)]
pub enum Produced {
    /// Bytes in memory; good for small artifacts.
    Bytes(Vec<u8>),
    /// A file in the staging folder.
    Staged(PathBuf),
}

/// Hears how far a node is; how it is told to stop.
pub trait Observer: Sync {
    /// `done` of `total` steps, with a short note.
    fn progress(&self, done: u64, total: u64, note: &str);

    /// Something the user should know, kept with the outcome.
    fn warn(&self, words: &str);

    /// Whether the run wants this node to stop.
    fn should_stop(&self) -> bool;
}

/// An observer that hears nothing and never stops anything.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _done: u64, _total: u64, _note: &str) {}
    fn warn(&self, _words: &str) {}
    fn should_stop(&self) -> bool {
        false
    }
}

/// A GPU that a node may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its place among the GPUs that this process sees, from 0.
    pub place: usize,
    /// Its id, as `CUDA_VISIBLE_DEVICES` takes it.
    pub id: String,
}

/// All that a running node sees: its inputs, params, seed and a folder of its own.
pub struct Task<'a> {
    /// Canonical params, complete with defaults.
    pub params: &'a Params,
    /// The study's seed; part of the recipe where the kind is seeded, else 0.
    pub seed: u64,
    /// Hears about progress.
    pub observer: &'a dyn Observer,
    inputs: BTreeMap<String, Vec<Input>>,
    staging: &'a Path,
    made: Cell<bool>,
    produced: BTreeMap<String, Produced>,
    gpus: Vec<Gpu>,
    scratch: Option<PathBuf>,
    study: Option<StudyFolder>,
}

/// The folder of a study, for a kind that fills a folder below it.
#[derive(Clone, Debug)]
pub struct StudyFolder {
    /// The folder of the study file.
    pub root: PathBuf,
    /// Folders below it that nobody may fill: the cache and the reports.
    pub closed: Vec<PathBuf>,
}

impl<'a> Task<'a> {
    /// A task with its inputs by port and a path for a folder of its own, which is made when asked for.
    #[must_use]
    pub fn new(
        params: &'a Params,
        seed: u64,
        inputs: BTreeMap<String, Vec<Input>>,
        staging: &'a Path,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            params,
            seed,
            observer,
            inputs,
            staging,
            made: Cell::new(false),
            produced: BTreeMap::new(),
            gpus: Vec::new(),
            scratch: None,
            study: None,
        }
    }

    /// The same with the study's folder; see [`Task::fill`].
    #[must_use]
    pub fn in_study(mut self, study: StudyFolder) -> Self {
        self.study = Some(study);
        self
    }

    /// A folder of the study that this node fills with files of the user's own, such as downloads.
    ///
    /// What lies there outlives the cache and is the user's to move, edit or delete. It is no input: a kind
    /// may use it only where it holds bytes whose digest is in the recipe, so that it never changes the outcome.
    ///
    /// # Errors
    /// Where `folder` is not a path below the study's folder, is or lies in the cache or the reports, or where
    /// there is no study.
    pub fn fill(&self, folder: &str) -> Result<PathBuf, NodeError> {
        let study = self.study.as_ref();
        let study =
            study.ok_or_else(|| NodeError::new("there is no study whose folder to fill"))?;
        let refuse = |why: &str| {
            Err(NodeError::new(format!("`{folder}` can't be filled"))
                .because(why)
                .help("name a folder of its own beside the study file, as in \"data\""))
        };
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        if folder.is_empty() || !Path::new(folder).components().all(plain) {
            return refuse("it is no folder below the study's");
        }
        let path = study.root.join(folder);
        let overlaps = |closed: &PathBuf| path.starts_with(closed) || closed.starts_with(&path);
        match study.closed.iter().any(overlaps) {
            true => refuse("flow keeps its own files there"),
            false => Ok(path),
        }
    }

    /// The same with a folder that outlives a failed or killed attempt; see [`Task::scratch`].
    #[must_use]
    pub fn with_scratch(mut self, scratch: PathBuf) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// Where an attempt may leave what lets the next attempt at the very same recipe go on.
    ///
    /// The folder belongs to the recipe's key, one attempt at a time, and is removed once the result is
    /// recorded. It may be missing, and what lies in it may be cut short or damaged: a kind makes it when
    /// it has something to keep, seals what it writes, and begins anew where the seal doesn't hold. What is
    /// kept must never change the outcome. `None` where nothing can be kept.
    #[must_use]
    pub fn scratch(&self) -> Option<&Path> {
        self.scratch.as_deref()
    }

    /// The same with the right to use these GPUs.
    #[must_use]
    pub fn on_gpus(mut self, gpus: Vec<Gpu>) -> Self {
        self.gpus = gpus;
        self
    }

    /// The GPUs that are this node's alone while it runs.
    #[must_use]
    pub fn gpus(&self) -> &[Gpu] {
        &self.gpus
    }

    /// The one artifact on a port of [`Arity::One`](crate::Arity::One).
    ///
    /// # Errors
    /// When the port holds none, which the plan rules out for a declared port.
    pub fn input(&self, port: &str) -> Result<&Input, NodeError> {
        self.inputs(port)
            .first()
            .ok_or_else(|| NodeError::new(format!("nothing is connected to port `{port}`")))
    }

    /// The artifact on an optional port.
    #[must_use]
    pub fn optional(&self, port: &str) -> Option<&Input> {
        self.inputs(port).first()
    }

    /// All artifacts on a port, in the order of the recipe.
    #[must_use]
    pub fn inputs(&self, port: &str) -> &[Input] {
        self.inputs.get(port).map_or(&[], Vec::as_slice)
    }

    /// Puts bytes on an output port.
    pub fn give(&mut self, port: &str, bytes: Vec<u8>) {
        self.produced
            .insert(port.to_owned(), Produced::Bytes(bytes));
    }

    /// A path in the staging folder for an output too large for memory; write the file there.
    pub fn stage(&mut self, port: &str) -> PathBuf {
        let path = self.folder().join(port);
        self.produced
            .insert(port.to_owned(), Produced::Staged(path.clone()));
        path
    }

    /// Puts a file of the staging folder on an output port.
    pub fn give_file(&mut self, port: &str, file: PathBuf) {
        self.produced
            .insert(port.to_owned(), Produced::Staged(file));
    }

    /// The names of the input ports something is connected to.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        self.inputs.keys().map(String::as_str)
    }

    /// The node's own folder, gone after it ran; made when first asked for, because most nodes give
    /// their outputs from memory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        if !self.made.replace(true) {
            // Where it can't be made, what is written there fails and says why.
            let _ = std::fs::create_dir_all(self.staging);
        }
        self.staging
    }

    /// What was put on the ports, for the engine.
    #[must_use]
    pub fn into_produced(self) -> BTreeMap<String, Produced> {
        self.produced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_its_own_can_be_filled() {
        let params = Params::default();
        let task = Task::new(&params, 0, BTreeMap::new(), Path::new("s"), &Silent);
        assert!(task.fill("data").is_err(), "there is no study");
        let closed = vec!["/study/cache".into(), "/study/out/reports".into()];
        let root = PathBuf::from("/study");
        let task = task.in_study(StudyFolder { root, closed });
        assert_eq!(task.fill("data/st").unwrap(), Path::new("/study/data/st"));
        for folder in ["", ".", "..", "/data", "a/../b", "cache", "cache/x", "out"] {
            assert!(task.fill(folder).is_err(), "{folder}");
        }
    }
}
