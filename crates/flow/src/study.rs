//! From the command line to a checked plan and an open store.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use std::time::Duration;

use flow_contract::Digest;
use flow_engine::Session;
use flow_nodes::CATALOG;
use flow_plan::{Plan, Problems, Request, Sweep, Target};
use flow_store::Store;

use crate::args::Place;
use crate::kept::Kept;
use crate::outcome::Refusal;
use crate::words::shell_word;

/// A study that passed every check.
pub struct Study {
    /// The folder relative paths start at.
    pub root: PathBuf,
    /// The digest of the study file's bytes.
    pub digest: Digest,
    /// The checked study.
    pub plan: Plan,
    /// Where to keep the plan, unless it comes from there.
    unkept: Option<Kept>,
}

impl Study {
    /// Reads and checks the study file.
    ///
    /// # Errors
    /// Every problem of the file, rendered, in one refusal.
    pub fn open(place: &Place) -> Result<Self, Refusal> {
        let (name, text) = read_text(place)?;
        let kept = Kept::new(place, &text);
        let (plan, unkept) = match kept.as_ref().and_then(Kept::plan) {
            Some(plan) => (plan, None),
            None => {
                let plan = planned(place, &name, &text);
                let plan = plan.map_err(|problems| Refusal::wrong(problems.render()))?;
                (plan, kept)
            }
        };
        let root = std::path::absolute(&place.folder).map_err(Refusal::wrong)?;
        Ok(Self {
            root,
            digest: Digest::of(text.as_bytes()),
            plan,
            unkept,
        })
    }

    /// Keeps the plan in the study's cache, if it is large and was made now.
    pub fn keep_plan(&self) {
        if let Some(kept) = &self.unkept {
            kept.keep(&self.plan);
        }
    }

    /// Opens the study's cache, making it where there is none.
    ///
    /// # Errors
    /// When the folder can't be made, read or locked.
    pub fn store(&self) -> Result<Store, Refusal> {
        Ok(Store::open(&self.root.join(self.plan.cache()))?)
    }

    /// The same for questions, which a cache that can't be written to answers as well.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn store_to_ask(&self) -> Result<Store, Refusal> {
        let folder = self.root.join(self.plan.cache());
        Store::open(&folder).or_else(|_| Ok(Store::open_read_only(&folder)?))
    }

    /// The nodes and instances that were asked for.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn targets(&self, texts: &[String]) -> Result<Vec<Target>, Refusal> {
        let mut targets = Vec::new();
        for text in texts {
            targets.extend(self.plan.targets(text).map_err(Refusal::wrong)?);
        }
        Ok(targets)
    }
}

/// The study's name for messages, and its text.
///
/// # Errors
/// When the file can't be read.
pub fn read_text(place: &Place) -> Result<(String, String), Refusal> {
    let path = place.folder.join(&place.study);
    let bytes = std::fs::read(&path).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::PermissionDenied => "give yourself the right to read it".to_owned(),
            _ => found_above(place),
        };
        let path = path.display();
        Refusal::wrong(format!(
            "reading the study `{path}`: {error}\n  help: {help}"
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Refusal::wrong(format!(
            "the study `{}` is not UTF-8, first in line {line}\n  help: save it as UTF-8, as TOML must be",
            path.display()
        ))
    })?;
    let name = path.display().to_string();
    Ok((name.strip_prefix("./").unwrap_or(&name).to_owned(), text))
}

/// Where a study that is not in its folder may be: in one of the folders around it.
fn found_above(place: &Place) -> String {
    let folder = std::path::absolute(&place.folder).unwrap_or_default();
    let mut around = folder.ancestors().skip(1);
    match around.find(|folder| folder.join(&place.study).is_file()) {
        Some(folder) => {
            let folder = folder.display();
            format!(
                "there is one in `{folder}`: add `-C {}`",
                shell_word(&folder)
            )
        }
        None => {
            "name its folder with `-C DIR`, its file with `--study FILE`, or begin one: `flow init`"
                .to_owned()
        }
    }
}

/// The plan of a study's text with what the command line changes.
///
/// # Errors
/// Every problem at once.
pub fn planned(place: &Place, name: &str, text: &str) -> Result<Plan, Problems> {
    let request = Request {
        text,
        name,
        overrides: &place.set,
        catalog: &flow_engine::WithCommand(&CATALOG),
    };
    let sweep = Sweep {
        values: place.sweep.clone(),
        zip: place.zip.clone(),
        exclude: place.exclude.clone(),
        include: place.include.clone(),
    };
    flow_plan::plan_swept(&request, &sweep)
}

/// What a [`Session`] borrows besides the study and the store.
pub struct Asked {
    /// What was asked for.
    pub targets: Vec<Target>,
    /// How many cores.
    pub jobs: usize,
    /// Whether to go on after a failure.
    pub keep_going: bool,
    /// The run's name.
    pub run: String,
}

/// A session over a study.
pub fn session<'a>(
    study: &'a Study,
    store: &'a Store,
    asked: &'a Asked,
    stop: &'a AtomicBool,
) -> Session<'a> {
    Session {
        plan: &study.plan,
        catalog: &CATALOG,
        store,
        root: Path::new(&study.root),
        targets: &asked.targets,
        jobs: asked.jobs,
        keep_going: asked.keep_going,
        run: &asked.run,
        now: &unix_now,
        stop,
    }
}

/// How many cores a run may use: all there are, unless told.
pub fn jobs(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
}

/// A name for a run that no other has: when it began, to a millisecond, and its process. Names sort by time.
pub fn run_name() -> String {
    let began = since_1970();
    let (seconds, milliseconds) = (began.as_secs(), began.subsec_millis());
    format!("{seconds}.{milliseconds:03}-{}", std::process::id())
}

fn since_1970() -> Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Seconds since 1970.
pub fn unix_now() -> u64 {
    since_1970().as_secs()
}
