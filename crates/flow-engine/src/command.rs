//! The kind `command`: a step in any language, run as a child process in its own folder.
//!
//! The command sees its inputs as files in that folder, under the names of its ports, and leaves
//! its outputs there. `{port}` in an argument stands for an input's or an output's path. Its
//! environment holds `PATH`, `CUDA_VISIBLE_DEVICES` where it was given GPUs, and what the study
//! declares, nothing else; what is declared is part of the recipe.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use flow_contract::{
    Catalog, Descriptor, Input, Kind, Literal, NodeError, ParamProblem, ParamSpec, ParamType,
    Params, Row, Task, Value,
};
use rustix::fs::{Mode, OFlags};

use crate::child::{ChildError, run_to_end};

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
}

static DESCRIPTOR: Descriptor = Descriptor {
    name: "command",
    revision: 1,
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
            doc: "The program and its arguments; `{port}` stands for a path.",
        },
        ParamSpec {
            name: "shell",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "A line for `sh -c` instead of `run`; `{port}` stands for a path.",
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
            doc: "The path of each output in the command's folder, by port.",
        },
    ],
    seeded: false,
    open_ports: true,
};

/// How much of a failed command's words is shown.
const LAST_LINES: usize = 20;

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
        let outputs = paths_of_outputs(task.params);
        let places = lay_inputs(task, &outputs)?;
        let argv = argv(task.params, &places);
        let words = words_file(task.folder())?;
        let status = run(task, &argv, &words)?;
        if !status.success() {
            return Err(failure(&words, &argv, status));
        }
        collect(task, &outputs)
    }
}

fn paths_of_outputs(params: &Params) -> BTreeMap<String, String> {
    let Value::Map(outputs) = params.value("outputs") else {
        return BTreeMap::new();
    };
    outputs
        .iter()
        .map(|(port, path)| (port.clone(), path.to_string()))
        .collect()
}

/// Puts every input into the command's folder; what `{port}` stands for.
fn lay_inputs(
    task: &Task<'_>,
    outputs: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, NodeError> {
    let mut places = outputs.clone();
    for path in outputs.values() {
        if let Some(parent) = Path::new(path)
            .parent()
            .filter(|parent| *parent != Path::new(""))
        {
            let parent = task.folder().join(parent);
            fs::create_dir_all(&parent).map_err(|e| io_error("making", &parent, &e))?;
        }
    }
    for port in task.ports() {
        let inputs = task.inputs(port);
        let names: Vec<String> = match inputs {
            [input] if input.labels.is_empty() => {
                lay_input(task.folder(), port, input)?;
                vec![port.to_owned()]
            }
            inputs => lay_many(task.folder(), port, inputs)?,
        };
        places.insert(port.to_owned(), names.join(" "));
    }
    Ok(places)
}

fn lay_many(folder: &Path, port: &str, inputs: &[Input]) -> Result<Vec<String>, NodeError> {
    let own = folder.join(port);
    fs::create_dir(&own).map_err(|e| io_error("making", &own, &e))?;
    let lay = |(index, input): (usize, &Input)| {
        let name = format!("{port}/{index:06}");
        lay_input(folder, &name, input).map(|()| name)
    };
    inputs.iter().enumerate().map(lay).collect()
}

fn lay_input(folder: &Path, name: &str, input: &Input) -> Result<(), NodeError> {
    let place = folder.join(name);
    let laid = match &input.file {
        Some(file) => symlink(file, &place),
        None => fs::write(&place, &input.content[..]),
    };
    laid.map_err(|error| io_error("laying out input", &place, &error))
}

fn io_error(doing: &str, path: &Path, error: &io::Error) -> NodeError {
    NodeError::new(format!("{doing} `{}`: {error}", path.display()))
}

fn argv(params: &Params, places: &BTreeMap<String, String>) -> Vec<String> {
    let fill = |text: &str| {
        let mut text = text.to_owned();
        for (port, place) in places {
            text = text.replace(&format!("{{{port}}}"), place);
        }
        text
    };
    match params.text("shell") {
        "" => params.texts("run").into_iter().map(fill).collect(),
        line => vec!["/bin/sh".to_owned(), "-c".to_owned(), fill(line)],
    }
}

fn run(task: &Task<'_>, argv: &[String], words: &File) -> Result<ExitStatus, NodeError> {
    let (program, arguments) = argv
        .split_first()
        .expect("checked: there is something to run");
    let log = || {
        let copy = words.try_clone();
        copy.map_err(|error| NodeError::new(format!("keeping the command's words: {error}")))
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log()?)
        .stderr(log()?);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if !task.gpus().is_empty() {
        command.env("CUDA_VISIBLE_DEVICES", task.gpus().join(","));
    }
    if let Value::Map(environment) = task.params.value("environment") {
        let texts = environment.iter();
        command.envs(texts.map(|(name, value)| (name, value.to_string())));
    }
    run_to_end(&mut command, task.folder(), task.observer).map_err(|error| match error {
        ChildError::Start(error) => {
            NodeError::new(format!("`{program}` can't be started: {error}"))
                .help("check that the program is installed and on PATH")
        }
        ChildError::Wait(error) => NodeError::new(format!("waiting for `{program}`: {error}")),
    })
}

/// A file without a name for what the command says, so that its folder holds only its own files.
fn words_file(folder: &Path) -> Result<File, NodeError> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    let unnamed = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).map(File::from);
    unnamed.or_else(|_| {
        // Not every file system can.
        let path = folder.join(".words");
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).open(&path);
        file.map_err(|error| io_error("creating", &path, &error))
    })
}

fn failure(words: &File, argv: &[String], status: ExitStatus) -> NodeError {
    /// More than the last lines take.
    const LAST_BYTES: u64 = 16 << 10;
    let end = words.metadata().map_or(0, |metadata| metadata.len());
    let start = end.saturating_sub(LAST_BYTES);
    let mut bytes = vec![0; (end - start) as usize];
    // Words that can't be read are no reason to hide the failure itself.
    let read = words.read_exact_at(&mut bytes, start);
    let words = String::from_utf8_lossy(if read.is_ok() { &bytes } else { &[] });
    let lines: Vec<&str> = words.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let error = NodeError::new(format!("the command ended with {status}")).at(argv.join(" "));
    if last.is_empty() {
        error
    } else {
        error.because(last.join("\n       "))
    }
}

fn collect(task: &mut Task<'_>, outputs: &BTreeMap<String, String>) -> Result<(), NodeError> {
    /// Outputs up to this size go through memory into a pack.
    const SMALL_BYTES: u64 = 32 << 10;
    for (port, path) in outputs {
        let made = task.folder().join(path);
        let size = match fs::metadata(&made) {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            _ => {
                return Err(
                    NodeError::new(format!("the command did not write `{path}`"))
                        .help("outputs are paths in the folder the command runs in"),
                );
            }
        };
        if size <= SMALL_BYTES {
            let bytes = fs::read(&made).map_err(|error| io_error("reading", &made, &error))?;
            task.give(port, bytes);
        } else {
            task.give_file(port, made);
        }
    }
    Ok(())
}
