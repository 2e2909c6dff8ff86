//! A command's folder: inputs laid out before it runs, outputs collected after.
//!
//! An input lies under the name of its port; several on one port lie in a folder of that name. A
//! file of the study's also lies under its own path, so that a script finds it where it always does.
//! `flow.json` says all of this, with the labels of every input and the params.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flow_contract::{Input, Labels, NodeError, Params, Task, Value};
use flow_store::StoreError;

use super::called;
use super::desk::Desk;
use super::named::{FILE, PROGRAM};
use crate::publish::told;

/// The file that says what lies where.
pub(super) const MANIFEST: &str = "flow.json";

/// What `{name}` stands for in a command.
pub(super) type Places = BTreeMap<String, Vec<String>>;

/// Puts every input, the params and `flow.json` into the command's folder; nothing else is there then but
/// a folder for temporary files.
pub(super) fn lay(task: &Task<'_>, desk: &mut Desk) -> Result<Places, NodeError> {
    let outputs = paths_of_outputs(task.params);
    let mut places: Places = params_as_words(task.params).into_iter().collect();
    for (port, path) in &outputs {
        let folder = match is_pattern(path) {
            true => Some(Path::new(fixed_part(path))),
            false => Path::new(path).parent(),
        };
        if let Some(folder) = folder.filter(|folder| *folder != Path::new("")) {
            make_folder(desk, &task.folder().join(folder))?;
        }
        let place = match is_pattern(path) {
            true => fixed_part(path).to_owned(),
            false => path.clone(),
        };
        take(&mut places, port, vec![place])?;
    }
    let ports: Vec<&str> = task.ports().filter(|port| !port.contains('.')).collect();
    for port in &ports {
        let names = lay_port(desk, task.folder(), port, task.inputs(port))?;
        take(&mut places, port, names)?;
    }
    for port in ports.iter().copied().chain([FILE]) {
        lay_as_in_the_study(desk, task.folder(), task.inputs(port))?;
    }
    let manifest = task.folder().join(MANIFEST);
    let words = manifest_of(task, &ports, &places, &outputs);
    desk.write(&manifest, words.as_bytes())
        .map_err(|error| io_error("writing", &manifest, error))?;
    make_folder(desk, &temporary(task.folder()))?;
    let swept = desk.sweep();
    swept.map_err(|error| io_error("clearing up", task.folder(), error))?;
    Ok(places)
}

/// Where a command's temporary files belong.
pub(super) fn temporary(folder: &Path) -> PathBuf {
    folder.join(".tmp")
}

/// A name stands for one thing.
fn take(places: &mut Places, name: &str, what: Vec<String>) -> Result<(), NodeError> {
    match places.insert(name.to_owned(), what) {
        None => Ok(()),
        Some(_) => Err(
            NodeError::new(format!("`{name}` is both a param and a port"))
                .help("give one of them another name: `{…}` in the command stands for either"),
        ),
    }
}

pub(crate) fn paths_of_outputs(params: &Params) -> BTreeMap<String, String> {
    let outputs = params.value("outputs").as_map();
    let outputs = outputs.map_or_else(Vec::new, |map| map.iter().collect());
    let text = |(port, path): (&String, &Value)| (port.clone(), path.to_string());
    outputs.into_iter().map(text).collect()
}

/// The command's own params, each as one word.
fn params_as_words(params: &Params) -> Vec<(String, Vec<String>)> {
    let own = params.value("params").as_map();
    let own = own.map_or_else(Vec::new, |map| map.iter().collect());
    own.into_iter()
        .map(|(name, value)| (name.clone(), vec![value.to_string()]))
        .collect()
}

/// Whether an output is all files that match a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains('*')
}

/// The folder that all files of a pattern lie in.
fn fixed_part(pattern: &str) -> &str {
    let star = pattern.find('*').unwrap_or(pattern.len());
    pattern[..star].rfind('/').map_or("", |end| &pattern[..end])
}

fn lay_port(
    desk: &mut Desk,
    folder: &Path,
    port: &str,
    inputs: &[Input],
) -> Result<Vec<String>, NodeError> {
    if let [input] = inputs
        && (input.labels.is_empty() || input.labels.get("path").is_some())
    {
        lay_input(desk, folder, port, input)?;
        return Ok(vec![port.to_owned()]);
    }
    let many = folder.join(port);
    desk.make_folder_for(&many, inputs.len())
        .map_err(|error| io_error("making", &many, error))?;
    let lay =
        |(input, name): (&Input, String)| lay_input(desk, folder, &name, input).map(|()| name);
    inputs
        .iter()
        .zip(called::names(port, inputs))
        .map(lay)
        .collect()
}

/// Files of the study also lie under their own paths, where nothing else does.
fn lay_as_in_the_study(desk: &mut Desk, folder: &Path, inputs: &[Input]) -> Result<(), NodeError> {
    for input in inputs {
        let own = ["path", "file"].map(|label| input.labels.get(label));
        let own = own.into_iter().flatten().filter_map(Value::as_text);
        // An axis of another node may be called `file`; a file of the study is named by its path.
        let Some(path) = own.into_iter().find(|path| *path == input.name) else {
            continue;
        };
        let place = folder.join(path);
        let leaves = Path::new(path).is_absolute() || path.split('/').any(|part| part == "..");
        let parent = place.parent().unwrap_or(folder);
        if leaves || desk.holds(&place) || desk.make_folder(parent).is_err() {
            continue;
        }
        lay_input(desk, folder, path, input)?;
    }
    Ok(())
}

fn lay_input(desk: &mut Desk, folder: &Path, name: &str, input: &Input) -> Result<(), NodeError> {
    let place = folder.join(name);
    let laid = match &input.file {
        Some(file) => desk.link(file, &place),
        None => desk.write(&place, &input.content[..]),
    };
    laid.map_err(|error| io_error("laying out input", &place, error))
}

fn make_folder(desk: &mut Desk, folder: &Path) -> Result<(), NodeError> {
    desk.make_folder(folder)
        .map_err(|error| io_error("making", folder, error))
}

pub(super) fn io_error(doing: &str, path: &Path, error: io::Error) -> NodeError {
    told(&StoreError::of(error, doing.to_owned(), path))
}

/// Written as it goes: thousands of inputs would take megabytes as one value.
fn manifest_of(
    task: &Task<'_>,
    ports: &[&str],
    places: &Places,
    outputs: &BTreeMap<String, String>,
) -> String {
    let mut json = String::new();
    json.push_str("{\"inputs\": ");
    let ports: BTreeSet<&str> = ports.iter().copied().collect();
    write_each(&mut json, ['{', '}'], ports, |port, json| {
        write_name(port, json);
        let laid = task.inputs(port).iter().zip(&places[port]);
        write_each(json, ['[', ']'], laid, |(input, path), json| {
            write_json(&input_as_value(input, path), json);
        });
    });
    json.push_str(", \"outputs\": ");
    write_each(&mut json, ['{', '}'], outputs, |(port, path), json| {
        write_name(port, json);
        write_quoted(path, json);
    });
    json.push_str(", \"params\": ");
    write_json(task.params.value("params"), &mut json);
    json.push_str("}\n");
    json
}

fn input_as_value(input: &Input, path: &str) -> Value {
    let labels = input.labels.iter();
    let labels = labels.map(|(axis, value)| (axis.to_owned(), value.clone()));
    let labels = Value::Map(labels.collect());
    Value::Map(
        [
            ("path".to_owned(), Value::from(path)),
            ("labels".to_owned(), labels),
        ]
        .into(),
    )
}

/// A value as JSON; what JSON can't say is null.
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Float(float) if !float.is_finite() => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) => out.push_str(&value.to_string()),
        Value::Float(float) => out.push_str(&format!("{float:?}")),
        Value::Text(text) => write_quoted(text, out),
        Value::List(list) => write_each(out, ['[', ']'], list, write_json),
        Value::Map(map) => write_each(out, ['{', '}'], map, |(name, value), out| {
            write_name(name, out);
            write_json(value, out);
        }),
    }
}

fn write_each<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        write(item, out);
    }
    out.push(close);
}

fn write_name(name: &str, out: &mut String) {
    write_quoted(name, out);
    out.push_str(": ");
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for sign in text.chars() {
        match sign {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            sign if sign.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(sign))),
            sign => out.push(sign),
        }
    }
    out.push('"');
}

/// Puts what the command left behind on its output ports.
pub(super) fn collect(task: &mut Task<'_>) -> Result<(), NodeError> {
    for (port, path) in paths_of_outputs(task.params) {
        if is_pattern(&path) {
            collect_all(task, &port, &path)?;
        } else {
            let made = task.folder().join(&path);
            if !made.is_file() {
                return Err(not_made(task, &path, &made));
            }
            give(task, &port, made)?;
        }
    }
    Ok(())
}

/// What to say of an output that is no file.
fn not_made(task: &Task<'_>, path: &str, made: &Path) -> NodeError {
    let what = format!("the command did not write `{path}`");
    match (made.is_dir(), made.is_symlink()) {
        (true, _) => NodeError::new(format!("the command made `{path}` a folder"))
            .because("an output is one file, or all files that match a pattern")
            .help(format!("take the files in it: `{path}/*`")),
        (_, true) => NodeError::new(what).because("it left a link to what is not there"),
        _ if made.exists() => NodeError::new(format!("the command made `{path}` no file"))
            .because("a pipe, a socket or a device can't be kept")
            .help("an output is one file, or all files that match a pattern"),
        _ => NodeError::new(what)
            .because(what_lies_there(task))
            .help("outputs are paths in the folder the command runs in"),
    }
}

/// Every file that matches a pattern is an artifact of its own, named `port/path`.
fn collect_all(task: &mut Task<'_>, port: &str, pattern: &str) -> Result<(), NodeError> {
    let folder = glob::Pattern::escape(&task.folder().to_string_lossy());
    let within = task.folder().join(fixed_part(pattern));
    let wrong = |why: String| NodeError::new(format!("output `{port}`: {why}"));
    let whole = format!("{folder}/{pattern}");
    let found = glob::glob(&whole).map_err(|error| wrong(error.to_string()))?;
    let mut any = false;
    for path in found {
        let path = path.map_err(|error| wrong(error.to_string()))?;
        let name = path.strip_prefix(&within).ok().and_then(Path::to_str);
        let Some(name) = name.filter(|_| !path.is_dir()) else {
            continue;
        };
        if !path.is_file() {
            return Err(wrong(format!("`{name}` is no file"))
                .help("take away pipes, sockets and links to nowhere"));
        }
        any = true;
        let port = format!("{port}/{name}");
        give(task, &port, path)?;
    }
    if let Some(odd) = odd_name(&within, &whole) {
        return Err(wrong(format!("`{odd}` has a name that is not UTF-8"))
            .help("give the file another name: artifacts are named in UTF-8"));
    }
    if !any {
        let words = format!("no file matches output `{port}`, `{pattern}`");
        task.observer.warn(&words);
    }
    Ok(())
}

/// A name in a folder that matches a pattern but for signs that are not UTF-8; `glob` passes over such.
fn odd_name(folder: &Path, pattern: &str) -> Option<String> {
    let pattern = glob::Pattern::new(pattern).ok()?;
    let names = fs::read_dir(folder).ok()?.flatten();
    let odd = names.map(|entry| entry.file_name());
    let mut odd = odd.filter(|name| name.to_str().is_none());
    let name = odd.find(|name| pattern.matches(&folder.join(name).to_string_lossy()))?;
    Some(name.to_string_lossy().into_owned())
}

fn give(task: &mut Task<'_>, port: &str, made: PathBuf) -> Result<(), NodeError> {
    /// Outputs up to this size go through memory into a pack.
    const SMALL_BYTES: u64 = 32 << 10;
    let size = fs::metadata(&made).map_or(0, |metadata| metadata.len());
    if size > SMALL_BYTES {
        task.give_file(port, made);
        return Ok(());
    }
    let bytes = fs::read(&made).map_err(|error| io_error("reading", &made, error))?;
    task.give(port, bytes);
    Ok(())
}

/// What the command left instead, for the words of an error.
fn what_lies_there(task: &Task<'_>) -> String {
    const SOME: usize = 8;
    let laid: BTreeSet<&str> = task.ports().chain([MANIFEST, PROGRAM]).collect();
    let entries = fs::read_dir(task.folder()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with('.') && !laid.contains(name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect();
    names.sort_unstable();
    names.truncate(SOME);
    match names.is_empty() {
        true => "it wrote nothing there".to_owned(),
        false => format!("in its folder there are {}", names.join(", ")),
    }
}

/// The labels of a file that a study names by its path.
pub(crate) fn path_label(path: &str) -> Labels {
    Labels::new(vec![("path".into(), Value::from(path))])
}
