//! From a ready instance to its recipe.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use flow_contract::{Arity, Digest, Labels, NodeError, Params, RecipeView, Value};
use flow_plan::{AxisValues, Binding, Node, Source, Template};

use crate::board::{Board, Bound, InstanceId};
use crate::command::{PERMISSIONS, named as commanded, path_label};

/// Where the bytes of an input are.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// In the store.
    Blob,
    /// In a file of the user's.
    Source(std::path::PathBuf),
}

/// An input before its bytes are read.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) labels: Labels,
    pub(crate) digest: Digest,
    pub(crate) origin: Origin,
    pub(crate) name: String,
    /// The instance that gave it; none for a file of the user's.
    pub(crate) by: Option<InstanceId>,
}

/// All that is known of an instance once its inputs are settled.
pub(crate) struct Prepared<'a> {
    kind: &'a str,
    revision: u32,
    pub(crate) params: Arc<Params>,
    /// Params that say what may be done, not what is done.
    permissions: &'static [&'static str],
    pub(crate) seed: Option<u64>,
    backend: Option<String>,
    pub(crate) inputs: Vec<(String, Vec<Artifact>)>,
}

impl Prepared<'_> {
    pub(crate) fn recipe(&self) -> RecipeView<'_> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (port, artifacts) in &self.inputs {
            let artifacts = artifacts.iter();
            let artifacts = artifacts.map(|artifact| (&artifact.labels, artifact.digest));
            inputs.push((port.as_str(), artifacts.collect()));
        }
        RecipeView {
            kind: self.kind,
            revision: self.revision,
            params: self
                .params
                .iter()
                .filter(|(name, _)| !self.permissions.contains(name))
                .collect(),
            seed: self.seed,
            backend: self.backend.as_deref(),
            inputs,
        }
    }
}

/// Builds the recipe of an instance whose inputs are all done.
pub(crate) fn prepare<'a>(board: &Board<'a>, id: InstanceId) -> Result<Prepared<'a>, NodeError> {
    let instance = board.instance(id);
    let node = board.session.plan.node(instance.node);
    let kind = board.session.kind(instance.node);
    let params = node
        .params_at(&instance.point, kind)
        .map_err(NodeError::new)?;
    let mut inputs = Vec::with_capacity(instance.inputs.len());
    for ((port, sources), binding) in instance.inputs.iter().zip(&node.bindings) {
        let mut artifacts = Vec::with_capacity(sources.len());
        for source in sources {
            let resolved = resolve(board, source, &mut artifacts);
            resolved.map_err(|error| of_axis_over_files(node, source, error))?;
        }
        if kind.descriptor().open_ports && binding.arity == Arity::One {
            artifacts.iter_mut().for_each(label_by_path);
        }
        counted(board, id, binding, artifacts.len())?;
        inputs.push((port.clone(), artifacts));
    }
    if kind.descriptor().open_ports {
        let ports: Vec<&str> = node.bindings.iter().map(|b| b.port.as_str()).collect();
        inputs.extend(commanded::inputs(board, &params, &ports)?);
    }
    Ok(Prepared {
        kind: &node.kind,
        revision: kind.descriptor().revision,
        permissions: match kind.descriptor().open_ports {
            true => &PERMISSIONS,
            false => &[],
        },
        seed: node.seed_at(&instance.point).map_err(NodeError::new)?,
        backend: kind.backend(&params),
        params,
        inputs,
    })
}

/// An axis over files is called like one, and its values are no paths.
fn of_axis_over_files(node: &Node, source: &Bound, error: NodeError) -> NodeError {
    let mut axes = node.axes.iter();
    let over_files = axes.find(|axis| matches!(axis.values, AxisValues::Files(_)));
    match (source, over_files) {
        (Bound::File(_), Some(axis)) => error.help(format!(
            "paths start at the folder of the study file; that of a file on the axis is `${}.path`",
            axis.name
        )),
        _ => error,
    }
}

/// A command may tell where a file lies, so the path is part of its recipe, unless it is absolute.
fn label_by_path(artifact: &mut Artifact) {
    let is_source = matches!(artifact.origin, Origin::Source(_));
    if is_source && !Path::new(&artifact.name).is_absolute() {
        artifact.labels = path_label(&artifact.name);
    }
}

/// A port takes as many artifacts as its kind says, whatever rows came at run time.
fn counted(
    board: &Board<'_>,
    id: InstanceId,
    binding: &Binding,
    count: usize,
) -> Result<(), NodeError> {
    let fits = match binding.arity {
        Arity::One => count == 1,
        Arity::Optional => count <= 1,
        Arity::Many => true,
    };
    if fits {
        return Ok(());
    }
    let sources = binding
        .sources
        .iter()
        .map(|source| named(board, id, source));
    let sources: Vec<String> = sources.collect();
    let what = format!(
        "port `{}` takes one artifact, but there are {count} of {}",
        binding.port,
        sources.join(" and ")
    );
    Err(NodeError::new(what).help("compare the axes of the two nodes, or select with `[axis=…]`"))
}

/// What a source is at an instance: `` `night.table` with recording=SC4001 ``.
fn named(board: &Board<'_>, id: InstanceId, source: &Source) -> String {
    let point = &board.instance(id).point;
    let text = |template: &Template| {
        let text = template.text_at(&point.scope);
        text.unwrap_or_else(|error| error.to_string())
    };
    match source {
        Source::File(template) | Source::Files(template) => format!("`{}`", text(template)),
        Source::Output {
            node,
            output,
            select,
        } => {
            let from = board.session.plan.node(*node);
            let selected = select.iter().map(|(axis, v)| format!("{axis}={}", text(v)));
            let selects = |axis: &str| select.iter().any(|(name, _)| name == axis);
            let shares = |axis: &str| from.axes.iter().any(|own| own.name == axis);
            let own = point.labels.iter();
            let own = own.filter(|(axis, _)| shares(axis) && !selects(axis));
            let own = own.map(|(axis, value)| format!("{axis}={value}"));
            let with: Vec<String> = selected.chain(own).collect();
            match with.is_empty() {
                true => format!("`{}.{output}`", from.name),
                false => format!("`{}.{output}` with {}", from.name, with.join(",")),
            }
        }
    }
}

fn resolve(board: &Board<'_>, source: &Bound, into: &mut Vec<Artifact>) -> Result<(), NodeError> {
    match source {
        Bound::File(path) => {
            into.push(source_file(board, path, Labels::default())?);
        }
        Bound::Files(pattern) => {
            for path in matching_paths(board, pattern)? {
                let labels = Labels::new(vec![("file".into(), Value::from(path.as_str()))]);
                into.push(source_file(board, &path, labels)?);
            }
        }
        Bound::Instances {
            output,
            many: true,
            of,
            shared,
        } => {
            for &id in of {
                into.extend(made(board, id, output, shared));
            }
        }
        Bound::Instances {
            output, of, shared, ..
        } => {
            for &id in of {
                into.push(stored(board, id, output, shared)?);
            }
        }
    }
    Ok(())
}

/// All files that an instance put on an output of many, each labelled by its path there.
fn made(board: &Board<'_>, id: InstanceId, output: &str, shared: &[String]) -> Vec<Artifact> {
    let address = board.address(id);
    let own = address.labels.iter();
    let own = own.filter(|(axis, _)| !shared.iter().any(|name| name == axis));
    let own: Vec<_> = own.map(|(axis, v)| (axis.to_owned(), v.clone())).collect();
    let files = board.made(id, output).into_iter();
    let artifact = |(path, digest): (String, Digest)| {
        let file = ("file".to_owned(), Value::from(path.as_str()));
        Artifact {
            labels: Labels::new(own.iter().cloned().chain([file]).collect()),
            digest,
            origin: Origin::Blob,
            name: format!("{address}.{output}/{path}"),
            by: Some(id),
        }
    };
    files.map(artifact).collect()
}

fn stored(
    board: &Board<'_>,
    id: InstanceId,
    output: &str,
    shared: &[String],
) -> Result<Artifact, NodeError> {
    let address = board.address(id);
    let name = format!("{address}.{output}");
    let Some(digest) = board.digest(id, output) else {
        return Err(NodeError::new(format!("`{name}` was not given")));
    };
    let own = address
        .labels
        .iter()
        .filter(|(axis, _)| !shared.iter().any(|name| name == axis));
    let labels = Labels::new(
        own.map(|(axis, value)| (axis.to_owned(), value.clone()))
            .collect(),
    );
    Ok(Artifact {
        labels,
        digest,
        origin: Origin::Blob,
        name,
        by: Some(id),
    })
}

/// A file of the user's as an artifact.
pub(crate) fn source_file(
    board: &Board<'_>,
    path: &str,
    labels: Labels,
) -> Result<Artifact, NodeError> {
    Ok(Artifact {
        labels,
        digest: source_digest(board, path)?,
        origin: Origin::Source(board.session.path(path)),
        name: path.to_owned(),
        by: None,
    })
}

/// The content of a file of the user's, looked at once between two waits.
pub(crate) fn source_digest(board: &Board<'_>, path: &str) -> Result<Digest, NodeError> {
    if let Some(known) = board.looked.fresh.borrow().get(path) {
        return Ok(*known);
    }
    let full = board.session.path(path);
    if !full.is_file() {
        return Err(NodeError::new(format!("`{path}` can't be read"))
            .because(why_no_file(&full))
            .help("paths start at the folder of the study file; check the spelling there"));
    }
    let digest = board.session.store.path_digest(&full);
    let digest = digest.map_err(NodeError::new)?;
    let mut basis = board.looked.basis.borrow_mut();
    basis.sources.push((path.to_owned(), digest));
    let mut fresh = board.looked.fresh.borrow_mut();
    fresh.insert(path.to_owned(), digest);
    Ok(digest)
}

fn why_no_file(full: &Path) -> String {
    match fs::metadata(full) {
        Ok(found) if found.is_dir() => "it is a folder".to_owned(),
        Ok(_) => "it is a pipe, a socket or a device".to_owned(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => error.to_string(),
        Err(_) if full.is_symlink() => "it is a link to what is not there".to_owned(),
        Err(_) => "there is no such file".to_owned(),
    }
}

/// The paths of the files matched by a pattern, as the study would write them, sorted.
pub(crate) fn matching_paths(board: &Board<'_>, pattern: &str) -> Result<Vec<String>, NodeError> {
    let paths = paths_matching(board.session.root, pattern)?;
    let mut basis = board.looked.basis.borrow_mut();
    basis.patterns.push((pattern.to_owned(), paths.clone()));
    Ok(paths)
}

/// The same without taking a note of it.
pub(crate) fn paths_matching(root: &Path, pattern: &str) -> Result<Vec<String>, NodeError> {
    // Signs of patterns in the study's own path stand for themselves.
    let below = glob::Pattern::escape(&root.to_string_lossy());
    let full = Path::new(&below).join(pattern);
    let wrong = |why: String| {
        NodeError::new(format!("`{pattern}` can't be searched for files"))
            .because(why)
            .help("patterns start at the folder of the study file; `*` stands for any name part")
    };
    let matches = glob::glob(&full.to_string_lossy()).map_err(|error| wrong(error.to_string()))?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|error| wrong(error.to_string()))?;
        let relative = path.strip_prefix(root).unwrap_or(&path);
        paths.push(relative.to_string_lossy().into_owned());
    }
    Ok(paths)
}
