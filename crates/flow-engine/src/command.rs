//! The kind `command`: a step in any language, run as a child process in its own folder.
//!
//! The command sees its inputs as files in that folder, under the names of its ports, and leaves
//! its outputs there. `{name}` in an argument stands for the path of an input or output, or for a
//! param of its own; in a shell line a path is one word ([`line`]). Its environment holds `PATH`, `TMPDIR`, `CUDA_VISIBLE_DEVICES` where it was
//! given GPUs, `PARAM_NAME` for each param, and what the study declares, nothing else. The programs
//! and files it names are inputs by content ([`named`]); it is kept to its folder ([`confine`]);
//! what it says lies on its ports `stdout` and `stderr` ([`words`]).

mod called;
mod confine;
mod desk;
mod lay;
mod line;
pub(crate) mod named;
mod start;
mod words;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use flow_contract::{
    Catalog, Descriptor, Kind, Literal, NodeError, ParamProblem, ParamSpec, ParamType, Params, Row,
    Task,
};

use crate::child::{ChildError, run_to_end};
use lay::io_error;
use words::Words;

pub(crate) use confine::{Confinement, Kernel, expect_commands};
pub(crate) use desk::Desk;
pub(crate) use lay::{path_label, paths_of_outputs};
pub(crate) use start::{StartError, Starter};

/// The one instance of the kind `command`.
pub static COMMAND: CommandKind = CommandKind;

/// See the module's page.
#[derive(Debug)]
pub struct CommandKind;

/// A catalog with the kind `command` added.
pub struct WithCommand<'a>(pub &'a dyn Catalog);

impl Catalog for WithCommand<'_> {
    fn kinds(&self) -> Vec<&dyn Kind> {
        let mut kinds = self.0.kinds();
        kinds.push(&COMMAND);
        kinds.sort_by_key(|kind| kind.descriptor().name);
        kinds
    }

    fn rows(&self, table: &[u8]) -> Result<Vec<Row>, String> {
        self.0.rows(table)
    }

    fn check_format(&self, extension: &str, bytes: &[u8]) -> Result<(), String> {
        self.0.check_format(extension, bytes)
    }
}

static DESCRIPTOR: Descriptor = Descriptor {
    name: "command",
    revision: 5,
    summary: "Runs a program or a shell line in a folder that holds only its inputs.",
    example: r#"[node.mean]
kind = "command"
run = ["python3", "{script}", "{table}", "{out}"]
inputs = { script = { file = "mean.py" }, table = { file = "shares.csv" } }
outputs = { out = "mean.csv" }
"#,
    inputs: &[],
    outputs: &[],
    params: &[
        ParamSpec {
            name: "run",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "The program and its arguments; `{name}` stands for a port's path or a param.",
        },
        ParamSpec {
            name: "shell",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "A line for `sh -c` instead of `run`; `{name}` stands for a port's path, one word, or a param.",
        },
        ParamSpec {
            name: "environment",
            ty: ParamType::Map(&ParamType::Text),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "Environment variables besides `PATH`.",
        },
        ParamSpec {
            name: "outputs",
            ty: ParamType::Map(&ParamType::Text),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "The path of each output in the command's folder, by port; with `*`, all files that match.",
        },
        ParamSpec {
            name: "params",
            ty: ParamType::Map(&ParamType::Scalar),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "What the command is told: `{name}`, `PARAM_NAME` in its environment, `flow.json`.",
        },
        ParamSpec {
            name: "reads",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "Paths it may read though they decide nothing; no part of its recipe.",
        },
        ParamSpec {
            name: "writes",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "Paths besides its own folder it may write to; no part of its recipe.",
        },
        ParamSpec {
            name: "network",
            ty: ParamType::Bool,
            default: Some(Literal::Bool(false)),
            unit: "",
            doc: "Whether it may use TCP; UDP can't be kept from it. No part of its recipe.",
        },
    ],
    seeded: false,
    open_ports: true,
};

/// Params that say what a command may do, not what it does; they stay out of its recipe.
pub(crate) const PERMISSIONS: [&str; 3] = ["network", "reads", "writes"];

impl Kind for CommandKind {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        let (run, shell) = (
            !params.texts("run").is_empty(),
            !params.text("shell").is_empty(),
        );
        if run != shell {
            return Ok(());
        }
        let what = if run {
            "`run` and `shell` are both given"
        } else {
            "there is nothing to run"
        };
        Err(vec![ParamProblem {
            param: "run".to_owned(),
            what: what.to_owned(),
            help: "give either `run = [\"program\", \"argument\"]` or `shell = \"line\"`"
                .to_owned(),
        }])
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let root = task.folder().to_owned();
        run(task, &root, &mut Desk::default())
    }
}

/// Runs a command of the study in `root`; of that folder it sees its inputs only.
///
/// What it said is on its ports when it failed, too.
///
/// # Errors
/// [`NodeError`] when it can't be started, ends badly, or leaves an output out.
pub(crate) fn run(task: &mut Task<'_>, root: &Path, desk: &mut Desk) -> Result<(), NodeError> {
    let places = lay::lay(task, desk)?;
    let argv = argv(task, &places);
    let words = desk.words(task.folder())?;
    let status = spawn(task, &argv, &words, (root, desk))?;
    words.give(task)?;
    if !status.success() {
        return Err(words::failure(&words, &argv, status, root, task.folder()));
    }
    desk.take_back(words);
    lay::collect(task)
}

fn argv(task: &Task<'_>, places: &lay::Places) -> Vec<String> {
    let fill_all = |text: &str| {
        let name = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        // An argument that is a port of many becomes as many arguments.
        match name.and_then(|name| places.get(name)) {
            Some(places) => places.clone(),
            None => vec![filled(text, places)],
        }
    };
    match task.params.text("shell") {
        "" => {
            let run = task.params.texts("run").into_iter();
            run.flat_map(fill_all).collect()
        }
        line => {
            let params = task.params.value("params").as_map();
            let is_param = |name: &str| params.is_some_and(|params| params.contains_key(name));
            let line = line::filled_line(line, places, &is_param);
            vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
        }
    }
}

/// A text with each `{name}` in it replaced by what it stands for; what is put in is not looked at again.
fn filled(text: &str, places: &lay::Places) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let (put, taken) = match named_at(from, places) {
            Some((name, place)) => (place.join(" "), name.len() + 2),
            None => ("{".to_owned(), 1),
        };
        out.push_str(&put);
        rest = &from[taken..];
    }
    out + rest
}

/// The name in braces that a text begins with, and what it stands for.
fn named_at<'t, 'p>(text: &'t str, places: &'p lay::Places) -> Option<(&'t str, &'p [String])> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    Some((name, places.get(name)?))
}

/// What to start for a name: a program named by a path in the study's folder lies in the command's own,
/// others are looked for on `PATH`.
fn program(name: &str, task: &Task<'_>) -> PathBuf {
    let own = task.folder().join(name);
    if name.contains('/') || own.is_file() {
        return own;
    }
    let environment = task.params.value("environment").as_map();
    let path = environment.and_then(|map| map.get("PATH").map(|path| path.to_string().into()));
    let found = named::on_path(name, path.or_else(|| std::env::var_os("PATH")));
    found.unwrap_or_else(|| PathBuf::from(name))
}

fn spawn(
    task: &Task<'_>,
    argv: &[String],
    words: &Words,
    (root, desk): (&Path, &mut Desk),
) -> Result<ExitStatus, NodeError> {
    let Some((name, arguments)) = argv.split_first() else {
        return Err(NodeError::new("there is nothing to run"));
    };
    let copy = |file: &fs::File| {
        let copy = file.try_clone();
        copy.map_err(|error| io_error("keeping the words of a command in", task.folder(), error))
    };
    // Found here, because looking for it in the child would mean `fork` instead of `posix_spawn`.
    let mut command = Command::new(program(name, task));
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(copy(&words.stdout)?)
        .stderr(copy(&words.stderr)?);
    fill_environment(&mut command, task);
    let confinement = Confinement::of(task, root, &mut desk.starter.system);
    let started = (&mut desk.starter, confinement);
    let ended = run_to_end(command, task.folder(), started, task.observer);
    ended.map_err(|error| not_run(name, task.folder(), error))
}

fn not_run(name: &str, folder: &Path, error: ChildError) -> NodeError {
    match error {
        ChildError::Start(StartError::Confine(error)) => {
            NodeError::new(format!("`{name}` can't be kept to its folder: {error}"))
        }
        ChildError::Start(StartError::Start(error)) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                NodeError::new(format!("`{name}` can't be started: {error}"))
                    .help("check that the program is installed and on PATH")
            }
            _ => io_error(&format!("starting `{name}` in"), folder, error),
        },
        ChildError::Wait(error) => NodeError::new(format!("waiting for `{name}`: {error}")),
    }
}

fn fill_environment(command: &mut Command, task: &Task<'_>) {
    command.env("TMPDIR", lay::temporary(task.folder()));
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if !task.gpus().is_empty() {
        let ids: Vec<&str> = task.gpus().iter().map(|gpu| gpu.id.as_str()).collect();
        command.env("CUDA_VISIBLE_DEVICES", ids.join(","));
    }
    let table = |name| task.params.value(name).as_map().into_iter().flatten();
    let named = table("params").map(|(name, value)| (variable(name), value.to_string()));
    command.envs(named);
    let declared = table("environment").map(|(name, value)| (name.clone(), value.to_string()));
    command.envs(declared);
}

/// The environment variable of a param: `PARAM_MIN_AGE` of `min-age`.
fn variable(param: &str) -> String {
    let sign = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let name: String = param.chars().map(sign).collect();
    format!("PARAM_{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let place = |name: &str, place: &str| (name.to_owned(), vec![place.to_owned()]);
        let places = [place("a", "{b} {a}"), place("b", "x")].into();
        assert_eq!(filled("{a}-{b}", &places), "{b} {a}-x");
        // Braces of other languages stay: a shell's `${HOME}`, awk's blocks, a brace that never ends.
        assert_eq!(
            filled("awk '{s += $1} END {print s}' {{b}} {", &places),
            "awk '{s += $1} END {print s}' {x} {"
        );
    }
}
