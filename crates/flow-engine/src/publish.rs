//! Copies of artifacts below the reports folder, for people.

use std::path::{Path, PathBuf};

use flow_contract::{Digest, Labels, NodeError, Params, Recipe, Silent, Task, Value};
use flow_store::{Entry, Published, ReadError};

use crate::board::{Board, InstanceId};
use crate::event::Event;
use crate::session::Session;

/// The catalog's kind that turns an artifact into another form by a file name's extension.
///
/// It takes `from`, is told `to` (the extension), and gives `out`.
pub(crate) const CONVERT: &str = "convert";

/// Publishes what the node of a settled instance wants published.
///
/// A file that is there with the right bytes is left alone; one that was edited is restored.
pub(crate) fn publish(
    board: &Board<'_>,
    id: InstanceId,
    tell: &mut dyn FnMut(Event),
) -> Result<(), NodeError> {
    let session = board.session;
    let instance = board.instance(id);
    let node = session.plan.node(instance.node);
    for wish in &node.publish {
        let relative = wish.path_at(&instance.point).map_err(NodeError::new)?;
        let Some(mut digest) = board.digest(id, &wish.output) else {
            continue;
        };
        let path: PathBuf = session.root.join(session.plan.reports()).join(&relative);
        let form = node
            .signature
            .outputs
            .iter()
            .find(|port| port.name == wish.output);
        let own = form.map_or("bin", |port| port.ty.form.extension());
        if let Some(to) = extension(&path).filter(|to| own != "bin" && *to != own) {
            digest = converted(session, &digest, to, &relative)?;
        }
        let done = session
            .store
            .publish(&digest, &path)
            .map_err(NodeError::new)?;
        if matches!(done, Published::Written) {
            let instance = board.address(id).to_string();
            tell(Event::Published {
                instance,
                path: path.display().to_string(),
            });
        }
    }
    Ok(())
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// The digest of an artifact in another form, from the store where it was converted before.
fn converted(
    session: &Session<'_>,
    digest: &Digest,
    to: &str,
    published: &str,
) -> Result<Digest, NodeError> {
    let kind = session.catalog.kind(CONVERT).ok_or_else(|| {
        NodeError::new(format!("`{published}` can't be made")).because("no kind converts artifacts")
    })?;
    let mut values = kind.descriptor().defaults();
    values.insert("to".to_owned(), Value::from(to));
    let params = Params::new(values);
    let recipe = Recipe {
        kind: CONVERT.to_owned(),
        revision: kind.descriptor().revision,
        params: params.values().clone(),
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
    let content = session
        .store
        .get(digest)
        .map_err(|error: ReadError| NodeError::new(error))?;
    let input = flow_contract::Input {
        digest: *digest,
        labels: Labels::default(),
        content,
        name: published.to_owned(),
        file: None,
    };
    let staging = session.store.stage().map_err(NodeError::new)?;
    let inputs = [("from".to_owned(), vec![input])].into();
    let mut task = Task::new(&params, 0, inputs, staging.path(), &Silent);
    kind.run(&mut task)?;
    let Some(flow_contract::Produced::Bytes(bytes)) = task.into_produced().remove("out") else {
        return Err(NodeError::new(format!("`{published}` was not made")));
    };
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
