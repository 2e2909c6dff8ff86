//! Keeps a command to its folder, its inputs and the system.
//!
//! Where the kernel has Landlock, a command may write in its own folder only, and read that folder,
//! its inputs, what belongs to the system, and the homes of the programs on `PATH`; it may not use
//! TCP or signal others, as far as the kernel can tell. Landlock knows no rights for UDP, for sockets
//! of the file system and for reading a file's metadata: those stay open to every command. A thread that starts a command is confined
//! first, and the command inherits that: this needs no `unsafe`, no rights and no helper program.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flow_contract::{Params, Task, Value};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// What a command may read besides its inputs: nothing a study is made of lies there.
const SYSTEM: [&str; 19] = [
    "/bin",
    "/cvmfs",
    "/dev",
    "/etc",
    "/gnu",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    "/opt",
    "/proc",
    "/run/current-system",
    "/run/opengl-driver",
    "/run/systemd/resolve",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib",
];
/// Below the user's home: where languages keep what is installed for one user.
const HOMES: [&str; 7] = [
    ".conda",
    ".julia",
    ".juliaup",
    ".local/lib",
    ".nvm",
    ".rustup",
    "R",
];
/// Devices a command may write to.
const DEVICES: [&str; 10] = [
    "/dev/dri",
    "/dev/full",
    "/dev/kfd",
    "/dev/null",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/random",
    "/dev/shm",
    "/dev/tty",
    "/dev/urandom",
];
/// Up to which Landlock the rights are known here.
const NEWEST: ABI = ABI::V6;

/// What one command may do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Confinement {
    shared: Arc<Shared>,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
    network: bool,
    kernel: Kernel,
}

/// What all commands may do that look for programs at the same places.
#[derive(Debug, PartialEq)]
struct Shared {
    places: Places,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

/// What decides [`Shared`].
#[derive(Clone, Debug, PartialEq)]
struct Places {
    root: PathBuf,
    path: Option<OsString>,
    programs: BTreeSet<String>,
}

/// What the last command was [`Shared`] with; finding it takes a hundred looks at the file system.
#[derive(Default)]
pub(super) struct System(Option<Arc<Shared>>);

/// Whether a kernel confines commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    Confines,
    Lacks,
}

impl Kernel {
    /// The kernel this runs on.
    pub(crate) fn here() -> Self {
        static HERE: OnceLock<Kernel> = OnceLock::new();
        *HERE.get_or_init(Self::probed)
    }

    fn probed() -> Self {
        let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let rules = rules.handle_access(AccessFs::from_all(ABI::V1));
        match rules.and_then(Ruleset::create) {
            Ok(_) => Self::Confines,
            Err(_) => Self::Lacks,
        }
    }

    /// What to tell the user where commands are not confined.
    pub(crate) fn warning(self) -> Option<&'static str> {
        match self {
            Self::Confines => None,
            Self::Lacks => Some(
                "this kernel can't keep commands to their folders (it lacks Landlock): a command that \
                 reads what it does not declare goes unnoticed",
            ),
        }
    }
}

impl Confinement {
    /// What the command of a task may do; `root` is the study's folder, of which it sees its inputs.
    pub(super) fn of(task: &Task<'_>, root: &Path, system: &mut System) -> Self {
        let params = task.params;
        let ports: Vec<&str> = task.ports().collect();
        let inputs = ports.into_iter().flat_map(|port| task.inputs(port));
        let mut reads: Vec<PathBuf> = inputs.filter_map(|input| input.file.clone()).collect();
        reads.extend(declared(root, params, "reads"));
        let mut writes = vec![task.folder().to_owned()];
        writes.extend(declared(root, params, "writes"));
        Self {
            shared: system.shared(root, params),
            reads,
            writes,
            network: params.bool("network"),
            kernel: Kernel::here(),
        }
    }

    /// Confines the calling thread and all that it starts from now on; whether the kernel does.
    pub(crate) fn enter(&self) -> Result<bool, RulesetError> {
        if self.kernel == Kernel::Lacks {
            return Ok(false);
        }
        let mut rules = Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?;
        rules = rules.scope(Scope::from_all(NEWEST))?;
        if !self.network {
            rules = rules.handle_access(AccessNet::from_all(NEWEST))?;
        }
        let (read, write) = (AccessFs::from_read(NEWEST), AccessFs::from_all(NEWEST));
        let status = rules
            .create()?
            .add_rules(path_beneath_rules(&self.shared.reads, read))?
            .add_rules(path_beneath_rules(&self.reads, read))?
            .add_rules(path_beneath_rules(&self.shared.writes, write))?
            .add_rules(path_beneath_rules(&self.writes, write))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}

/// Paths that the study lets a command use though they are no part of its recipe.
fn declared(root: &Path, params: &Params, name: &str) -> Vec<PathBuf> {
    let home = home();
    let path = |text: &str| match (text.strip_prefix("~/"), &home) {
        (Some(below), Some(home)) => home.join(below),
        _ => root.join(text),
    };
    params.texts(name).into_iter().map(path).collect()
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from)
}

fn gpus() -> Vec<PathBuf> {
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let gpu = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("nvidia");
    entries.filter(gpu).map(|entry| entry.path()).collect()
}

impl System {
    fn shared(&mut self, root: &Path, params: &Params) -> Arc<Shared> {
        let environment = params.value("environment").as_map();
        let own = environment.and_then(|map| map.get("PATH").map(Value::to_string));
        let places = Places {
            root: root.to_owned(),
            path: own.map(Into::into).or_else(|| env::var_os("PATH")),
            programs: super::named::programs(params),
        };
        let known = self.0.take_if(|shared| shared.places == places);
        let shared = known.unwrap_or_else(|| Arc::new(Shared::at(places)));
        self.0 = Some(Arc::clone(&shared));
        shared
    }
}

impl Shared {
    fn at(places: Places) -> Self {
        let usual = Usual::of(&places.root, places.path.as_ref());
        let home = home();
        let programs = places.programs.iter();
        let programs = programs.filter_map(|name| super::named::on_path(name, places.path.clone()));
        let homes = programs.flat_map(|program| folders_of(&program));
        let homes = homes.filter_map(|folder| program_home(&folder, home.as_deref()));
        let mut reads = usual.reads.clone();
        reads.extend(there(homes, &places.root));
        Self {
            writes: usual.writes.clone(),
            reads: outermost(reads),
            places,
        }
    }
}

/// What every command of a study may do that looks for programs on the same `PATH`, whatever its programs are.
struct Usual {
    root: PathBuf,
    path: Option<OsString>,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

impl Usual {
    /// Looked up once for the place that was asked for last.
    fn of(root: &Path, path: Option<&OsString>) -> Arc<Self> {
        static LAST: Mutex<Option<Arc<Usual>>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.take_if(|last| last.root != root || last.path.as_ref() != path);
        drop(known);
        Arc::clone(last.get_or_insert_with(|| Arc::new(Self::at(root, path))))
    }

    fn at(root: &Path, path: Option<&OsString>) -> Self {
        let devices = DEVICES.into_iter().map(PathBuf::from).chain(gpus());
        let writes = devices.flat_map(|path| around(path, root));
        let mut all: Vec<PathBuf> = SYSTEM.map(PathBuf::from).into();
        let home = home();
        if let Some(home) = &home {
            all.extend(HOMES.map(|name| home.join(name)));
        }
        let folders = path.into_iter().flat_map(env::split_paths);
        all.extend(folders.filter_map(|folder| program_home(&folder, home.as_deref())));
        Self {
            root: root.to_owned(),
            path: path.cloned(),
            reads: there(all.into_iter(), root).collect(),
            writes: writes.filter(|path| path.exists()).collect(),
        }
    }
}

/// Looks up what any command of a study may do, before there is one.
pub(crate) fn expect_commands(root: &Path) {
    drop(Usual::of(root, env::var_os("PATH").as_ref()));
}

/// Those of these places that there are, but for the study's own folder.
fn there(places: impl Iterator<Item = PathBuf>, root: &Path) -> impl Iterator<Item = PathBuf> {
    let around = places.flat_map(move |path| around(path, root));
    around.filter_map(|path| path.canonicalize().ok())
}

/// Those of these places that lie in none of the others.
fn outermost(mut places: Vec<PathBuf>) -> Vec<PathBuf> {
    places.sort_unstable();
    let mut kept: Vec<PathBuf> = Vec::new();
    for place in places {
        if kept.last().is_none_or(|last| !place.starts_with(last)) {
            kept.push(place);
        }
    }
    kept
}

/// The folders a program needs: its own, that of the file it is a link to, and where it is the Python
/// of a virtual environment, that of the Python it was made with.
fn folders_of(program: &Path) -> Vec<PathBuf> {
    let own = program.parent();
    let settings = own
        .and_then(Path::parent)
        .map(|home| home.join("pyvenv.cfg"));
    let settings = settings.and_then(|path| fs::read_to_string(path).ok());
    let base = settings.as_deref().and_then(|text| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == "home")?;
        Some(PathBuf::from(value.trim()))
    });
    let real = program.canonicalize().ok();
    let real = real.as_deref().and_then(Path::parent).map(Path::to_owned);
    own.map(Path::to_owned)
        .into_iter()
        .chain(real)
        .chain(base)
        .collect()
}

/// What programs of a folder need: `bin` stands beside `lib` and `share`, but not in a user's home.
fn program_home(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let name = folder.file_name()?.to_str()?;
    let parent = folder.parent().filter(|parent| parent.parent().is_some());
    let private = |parent: &&Path| home.is_some_and(|home| home.starts_with(parent));
    let shared = ["bin", "sbin", "shims", "scripts"].contains(&name);
    let parent = parent.filter(|parent| shared && !private(parent));
    Some(parent.map(Path::to_owned).unwrap_or(folder))
}

/// A path, or where the study's folder lies in it, all that lies beside the study on the way.
fn around(path: PathBuf, root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        if path == root {
            continue;
        }
        if !root.starts_with(&path) {
            found.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).into_iter().flatten().flatten();
        // A link's target is let in by its own place, or not at all; `/dev/stdin` has none.
        let own = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|ty| !ty.is_symlink());
        open.extend(entries.filter(own).map(|entry| entry.path()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{StartError, Starter};

    #[test]
    fn a_study_within_a_readable_folder_is_left_out_of_it() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("a/study");
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(outer.path().join("a/tools")).unwrap();
        fs::write(outer.path().join("b"), "").unwrap();
        let mut found = around(outer.path().to_owned(), &root);
        found.sort();
        assert_eq!(
            found,
            [outer.path().join("a/tools"), outer.path().join("b")]
        );
    }

    #[test]
    fn without_landlock_a_command_runs_and_the_user_is_told() {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "x").unwrap();
        let reads_it = |kernel: Kernel| {
            let places = Places {
                root: PathBuf::from("/nowhere"),
                path: env::var_os("PATH"),
                programs: BTreeSet::new(),
            };
            let confinement = Confinement {
                shared: Arc::new(Shared::at(places)),
                reads: Vec::new(),
                writes: Vec::new(),
                network: false,
                kernel,
            };
            let mut cat = std::process::Command::new("cat");
            let silent = std::process::Stdio::null;
            cat.arg(&secret).stdout(silent()).stderr(silent());
            match Starter::default().begin(confinement, move || cat.status()) {
                Ok(ended) => ended.recv().unwrap().unwrap().success(),
                Err(StartError::Confine(error)) => panic!("{error}"),
                Err(StartError::Start(error)) => panic!("{error}"),
            }
        };
        assert!(reads_it(Kernel::Lacks));
        assert!(Kernel::Lacks.warning().unwrap().contains("Landlock"));
        match Kernel::here() {
            Kernel::Confines => assert!(!reads_it(Kernel::Confines)),
            Kernel::Lacks => eprintln!("skipped: this kernel confines nothing"),
        }
        assert_eq!(Kernel::Confines.warning(), None);
    }

    #[test]
    fn a_virtual_environment_brings_the_python_it_was_made_with() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for folder in ["base/bin", "env/bin"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        fs::write(home.join("base/bin/python3"), "").unwrap();
        let link = home.join("env/bin/python");
        std::os::unix::fs::symlink(home.join("base/bin/python3"), &link).unwrap();
        let settings = format!("home = {}\nversion = 3\n", home.join("made/bin").display());
        fs::write(home.join("env/pyvenv.cfg"), settings).unwrap();
        let wanted = ["env/bin", "base/bin", "made/bin"].map(|folder| home.join(folder));
        assert_eq!(folders_of(&link), wanted);
    }

    #[test]
    fn programs_see_their_home_but_not_the_users() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for folder in ["bin", ".pyenv/shims"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let of = |folder: &str| program_home(&home.join(folder), Some(&home)).unwrap();
        assert_eq!(of("bin"), home.join("bin"));
        assert_eq!(of(".pyenv/shims"), home.join(".pyenv"));
    }
}
