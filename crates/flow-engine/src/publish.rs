//! Copies of artifacts below the reports folder, for people.

use std::path::{Path, PathBuf};

use flow_contract::{
    Digest, Input, Kind, Labels, NodeError, Params, Produced, Recipe, Silent, Task, Value,
};
use flow_store::{Entry, Output, Published, ReadError, StoreError};

use crate::board::{Board, InstanceId};
use crate::event::Event;
use crate::session::Session;

/// The catalog's kind that turns an artifact into another form by a file name's extension.
///
/// It takes `from`, is told `to` (the extension), and gives `out`.
pub(crate) const CONVERT: &str = "convert";

/// Why an instance's outputs were not published.
pub(crate) enum Unpublished {
    /// In words for the user.
    Failed(NodeError),
    /// The instance's own stored bytes were damaged or are gone.
    Damaged { digest: Digest, gone: bool },
}

impl From<NodeError> for Unpublished {
    fn from(error: NodeError) -> Self {
        Self::Failed(error)
    }
}

/// Publishes what the node of an instance with these outputs wants published.
///
/// A file that is there with the right bytes is left alone; one that was edited is restored.
pub(crate) fn publish(
    board: &Board<'_>,
    id: InstanceId,
    outputs: &[Output],
    tell: &mut dyn FnMut(Event),
) -> Result<(), Unpublished> {
    let session = board.session;
    let instance = board.instance(id);
    for wish in &session.plan.node(instance.node).publish {
        let relative = wish.path_at(&instance.point).map_err(NodeError::new)?;
        if session.plan.node(instance.node).gives_many(&wish.output) {
            publish_all(board, id, outputs, &wish.output, &relative, tell)?;
            continue;
        }
        let given = outputs.iter().find(|(port, ..)| *port == wish.output);
        let Some((_, digest, _)) = given else {
            continue;
        };
        let path: PathBuf = session.root.join(session.plan.reports()).join(&relative);
        let own = own_extension(board, id, &wish.output);
        let to = extension(&path).filter(|to| own != "bin" && *to != own);
        let (done, put) = publish_one(session, digest, &path, to)?;
        let mut basis = board.looked.basis.borrow_mut();
        basis.published.push((path.clone(), put));
        if let Published::Written = done {
            let instance = board.address(id).to_string();
            let path = path.display().to_string();
            tell(Event::Published { instance, path });
        }
    }
    Ok(())
}

/// Publishes every file of an output of many below a folder, under its own name.
fn publish_all(
    board: &Board<'_>,
    id: InstanceId,
    outputs: &[Output],
    output: &str,
    folder: &str,
    tell: &mut dyn FnMut(Event),
) -> Result<(), Unpublished> {
    let session = board.session;
    let folder = session.root.join(session.plan.reports()).join(folder);
    for (name, digest, _) in outputs {
        let below = name
            .strip_prefix(output)
            .and_then(|name| name.strip_prefix('/'));
        let Some(below) = below else {
            continue;
        };
        let path = folder.join(below);
        let done = put(session, digest, &path)?;
        board
            .looked
            .basis
            .borrow_mut()
            .published
            .push((path.clone(), *digest));
        if let Published::Written = done {
            let instance = board.address(id).to_string();
            let path = path.display().to_string();
            tell(Event::Published { instance, path });
        }
    }
    Ok(())
}

fn own_extension(board: &Board<'_>, id: InstanceId, output: &str) -> &'static str {
    let node = board.session.plan.node(board.instance(id).node);
    let mut outputs = node.signature.outputs.iter();
    let port = outputs.find(|port| port.name == output);
    port.map_or("bin", |port| port.ty.form.extension())
}

fn publish_one(
    session: &Session<'_>,
    digest: &Digest,
    path: &Path,
    to: Option<&str>,
) -> Result<(Published, Digest), Unpublished> {
    let Some(to) = to else {
        return Ok((put(session, digest, path)?, *digest));
    };
    let mut made = converted(session, digest, to, path)?;
    let mut done = put(session, &made, path);
    if let Err(Unpublished::Damaged { .. }) = done {
        // The damaged conversion counts as missing now, so it is made again.
        made = converted(session, digest, to, path)?;
        done = put(session, &made, path);
    }
    Ok((done?, made))
}

fn put(session: &Session<'_>, digest: &Digest, path: &Path) -> Result<Published, Unpublished> {
    session
        .store
        .publish(digest, path)
        .map_err(|error| match error {
            StoreError::Blob(error) => unreadable(*error),
            error => Unpublished::Failed(told(&error)),
        })
}

/// What the store could not do, as a node's failure.
pub(crate) fn told(error: &StoreError) -> NodeError {
    let failed = NodeError::new(error);
    match error.help() {
        Some(help) => failed.help(help),
        None => failed,
    }
}

fn unreadable(error: ReadError) -> Unpublished {
    match error {
        ReadError::Missing { digest } => Unpublished::Damaged { digest, gone: true },
        ReadError::Damaged { digest, .. } => Unpublished::Damaged {
            digest,
            gone: false,
        },
        ReadError::Io(error) => Unpublished::Failed(told(&error)),
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// The digest of an artifact in another form, from the store where it was converted before.
fn converted(
    session: &Session<'_>,
    digest: &Digest,
    to: &str,
    path: &Path,
) -> Result<Digest, Unpublished> {
    let published = path.strip_prefix(session.root).unwrap_or(path).display();
    let kind = session.catalog.kind(CONVERT).ok_or_else(|| {
        NodeError::new(format!("`{published}` can't be made")).because("no kind converts artifacts")
    })?;
    let mut values = kind.descriptor().defaults();
    values.insert("to".to_owned(), Value::from(to));
    let params = Params::new(values.clone());
    let recipe = Recipe {
        kind: CONVERT.to_owned(),
        revision: kind.descriptor().revision,
        params: values,
        seed: None,
        backend: None,
        inputs: vec![("from".to_owned(), vec![(Labels::default(), *digest)])],
    };
    let key = recipe.key();
    let known = session
        .store
        .lookup(&key)
        .and_then(|entry| Some(entry.outputs.first()?.1));
    if let Some(known) = known.filter(|known| session.store.contains(known)) {
        return Ok(known);
    }
    let bytes = convert(session, digest, (kind, &params), &published.to_string())?;
    let made = session.store.put_bytes(&bytes).map_err(NodeError::new)?;
    let entry = Entry {
        key,
        instance: format!("publish:{published}"),
        recipe,
        outputs: vec![("out".to_owned(), made, bytes.len() as u64)],
        warnings: Vec::new(),
        seconds: 0.0,
        finished_unix: (session.now)(),
        run: session.run.to_owned(),
    };
    session.store.record(&entry).map_err(NodeError::new)?;
    Ok(made)
}

/// The bytes of an artifact in the form that the params name.
fn convert(
    session: &Session<'_>,
    digest: &Digest,
    (kind, params): (&dyn Kind, &Params),
    published: &str,
) -> Result<Vec<u8>, Unpublished> {
    let content = session.store.get_with_stat(digest);
    let (content, stat) = content.map_err(unreadable)?;
    let input = Input {
        digest: *digest,
        labels: Labels::default(),
        content,
        name: published.to_owned(),
        file: None,
    };
    let staging = session.store.stage_later().map_err(NodeError::new)?;
    let inputs = [("from".to_owned(), vec![input])].into();
    let mut task = Task::new(params, 0, inputs, staging.path(), &Silent);
    let ran = kind.run(&mut task);
    // What was read of a blob that changed since is not to be trusted.
    if stat.is_some_and(|stat| !session.store.is_still(digest, stat)) {
        let (digest, gone) = (*digest, false);
        return Err(Unpublished::Damaged { digest, gone });
    }
    ran?;
    match task.into_produced().remove("out") {
        Some(Produced::Bytes(bytes)) => Ok(bytes),
        _ => Err(NodeError::new(format!("`{published}` was not made")).into()),
    }
}
