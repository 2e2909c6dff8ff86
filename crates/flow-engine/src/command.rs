//! The kind `command`: a step in any language, run as a child process in its own folder.
//!
//! The command sees its inputs as files in that folder, under the names of its ports, and leaves
//! its outputs there. `{port}` in an argument stands for an input's or an output's path. Its
//! environment holds `PATH` and what the study declares, nothing else; the environment is therefore
//! part of the recipe as far as it is declared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use flow_contract::{
    Catalog, Descriptor, Input, Kind, Literal, NodeError, ParamProblem, ParamSpec, ParamType,
    Params, Row, Task, Value,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

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
        let status = run_to_end(task, &argv)?;
        if !status.success() {
            return Err(failure(task.folder(), &argv, status));
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

fn run_to_end(task: &Task<'_>, argv: &[String]) -> Result<ExitStatus, NodeError> {
    let (program, arguments) = argv
        .split_first()
        .expect("checked: there is something to run");
    let file = |name: &str| {
        let path = task.folder().join(name);
        File::create(&path).map_err(|error| io_error("creating", &path, &error))
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(task.folder())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(file(".stdout")?)
        .stderr(file(".stderr")?)
        .process_group(0);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if let Value::Map(environment) = task.params.value("environment") {
        command.envs(
            environment
                .iter()
                .map(|(name, value)| (name, value.to_string())),
        );
    }
    let child = command.spawn().map_err(|error| {
        NodeError::new(format!("`{program}` can't be started: {error}"))
            .help("check that the program is installed and on PATH")
    })?;
    wait(task, child).map_err(|error| NodeError::new(format!("waiting for `{program}`: {error}")))
}

/// Waits for a child; when the run is stopped, its whole process group ends.
fn wait(task: &Task<'_>, mut child: Child) -> io::Result<ExitStatus> {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    let pid = Pid::from_child(&child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        let every = Timespec::try_from(LOOK_EVERY).ok();
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], every.as_ref())?;
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if task.observer.should_stop() {
            kill_process_group(pid, Signal::KILL)?;
            return child.wait();
        }
    }
}

fn failure(folder: &Path, argv: &[String], status: ExitStatus) -> NodeError {
    let words = [".stderr", ".stdout"]
        .iter()
        .filter_map(|name| fs::read(folder.join(name)).ok())
        .find(|bytes| !bytes.is_empty())
        .unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
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
