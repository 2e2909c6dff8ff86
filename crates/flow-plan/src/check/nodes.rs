//! `[node.NAME]`: first who is there and what they give, then what each is told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow_contract::{Form, InputPort, Kind, OutputPort, Params, PortType, Signature};

use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item, Table};
use crate::mistake::{FileMistake, NodeMistake};
use crate::nearest::nearest;
use crate::{Binding, Combine, NodeId, Publish, Resources, Span, Template};

use super::tables::{FORMS, WORDS};
use super::{Outline, Study, braces, settings, sources, values};

/// What a node is told, checked as far as that is possible before the graph is known.
pub(crate) struct Draft {
    pub bindings: Vec<Binding>,
    /// Input ports that the node declares itself.
    pub declared: Vec<InputPort>,
    /// Every node that is taken from, with the place that names it.
    pub connected: Vec<(NodeId, Span)>,
    pub params: BTreeMap<String, Template>,
    /// All params with defaults, where no axis changes them and nothing is wrong with them.
    pub settled: Option<Arc<Params>>,
    pub seed: Option<Template>,
    pub publish: Vec<(Publish, Span)>,
    pub resources: Resources,
    pub retries: u32,
    pub timeout: Option<Duration>,
    pub keep: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            bindings: Vec::new(),
            declared: Vec::new(),
            connected: Vec::new(),
            params: BTreeMap::new(),
            settled: None,
            seed: None,
            publish: Vec::new(),
            resources: Resources::default(),
            retries: 0,
            timeout: None,
            // Results stay unless the study says that they need not.
            keep: true,
        }
    }
}

/// Whether a kind gives or takes an artifact that fits a port; what a command gives is checked by
/// its form only, because its meaning is known to nobody before it ran.
pub(crate) fn takes(wants: &PortType, gives: &PortType) -> bool {
    wants.takes(gives) || (is_generic(gives) && wants.form == gives.form)
}

fn is_generic(ty: &PortType) -> bool {
    ty.axes.is_empty() && ty.unit.is_none() && FORMS.contains(&(ty.name.as_ref(), ty.form))
}

/// Finds the nodes, their kinds and what they give.
pub(super) fn outline<'a>(
    study: &mut Study<'a>,
    table: Option<&'a Table<'a>>,
    complaints: &mut Complaints,
) {
    let entries = table.map_or(&[][..], |table| &table.entries);
    if entries.is_empty() && complaints.is_empty() {
        complaints.add(Span::default(), FileMistake::NoNodes);
    }
    for entry in entries {
        let Data::Table(table) = &entry.item.data else {
            let what = format!("node `{}`", entry.key);
            let wants = format!("a table, as in [node.{}]", entry.key);
            super::wrong_sort(&entry.item, &what, &wants, complaints);
            continue;
        };
        if !is_name(&entry.key) {
            let name = entry.key.to_string();
            complaints.add(
                entry.key_span,
                FileMistake::BadName {
                    what: "a node",
                    name,
                },
            );
        }
        let kind = kind(study, entry, table, complaints);
        let id = NodeId(study.nodes.len() as u32);
        study.names.insert(entry.key.as_ref(), id);
        study.nodes.push(Outline {
            name: &entry.key,
            span: entry.key_span,
            table,
            kind,
            signature: signature(kind, table, complaints),
            many: many(kind, table),
            untyped: untyped(kind, table),
            axes: Vec::new(),
            combine: Combine::default(),
        });
    }
}

/// Letters, digits, `_` and `-`, beginning with a letter or `_`.
fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    let begins = first.is_some_and(|c| c.is_alphabetic() || c == '_');
    begins
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn kind<'a>(
    study: &Study<'a>,
    entry: &Entry<'_>,
    table: &Table<'_>,
    complaints: &mut Complaints,
) -> Option<&'a dyn Kind> {
    let kinds = || study.kinds.keys().map(|kind| (*kind).to_owned()).collect();
    let Some(item) = table.get("kind") else {
        let node = entry.key.to_string();
        complaints.add(
            entry.key_span,
            NodeMistake::NoKind {
                node,
                meant: meant_kind(study, table),
                kinds: kinds(),
            },
        );
        return None;
    };
    let Some(name) = item.text() else {
        super::wrong_sort(item, "`kind`", "the name of a kind", complaints);
        return None;
    };
    let found = study.kinds.get(name).copied();
    if found.is_none() {
        let mistake = NodeMistake::UnknownKind {
            kind: name.to_owned(),
            nearest: nearest(name, study.kinds.keys().copied()),
            kinds: kinds(),
        };
        complaints.add(item.span, mistake);
    }
    found
}

/// A key whose value is the name of a kind, as in `type = "train"`.
fn meant_kind(study: &Study<'_>, table: &Table<'_>) -> Option<(String, String)> {
    let mut each = table.entries.iter().filter_map(|entry| {
        let kind = entry.item.text()?;
        let named = study.kinds.contains_key(kind);
        named.then(|| (entry.key.to_string(), kind.to_owned()))
    });
    each.next()
}

/// The ports of the kind, with the outputs that the node declares itself.
fn signature(kind: Option<&dyn Kind>, table: &Table<'_>, complaints: &mut Complaints) -> Signature {
    let mut signature = match kind {
        Some(kind) => kind.descriptor().signature(),
        None => Signature {
            inputs: Vec::new(),
            outputs: Vec::new(),
        },
    };
    let open = kind.is_some_and(|kind| kind.descriptor().open_ports);
    let declared = table.get("outputs").filter(|_| open);
    let outputs = declared.and_then(|item| super::table(item, "`outputs`", complaints));
    for entry in outputs.iter().flat_map(|table| &table.entries) {
        if let Some(port) = declared_output(entry, &signature, complaints) {
            signature.outputs.push(port);
        }
    }
    if open {
        add_streams(&mut signature);
    }
    signature
}

/// The declared outputs whose path is a pattern: any number of files.
fn many(kind: Option<&dyn Kind>, table: &Table<'_>) -> Vec<String> {
    outputs_that(kind, table, |item| {
        let path = output_path(item).and_then(Item::text);
        path.is_some_and(|path| path.contains('*'))
    })
}

/// The declared outputs that say no type: what they are is told by the ends of their paths.
fn untyped(kind: Option<&dyn Kind>, table: &Table<'_>) -> Vec<String> {
    outputs_that(kind, table, |item| match &item.data {
        Data::Table(table) => table.get("type").is_none(),
        _ => true,
    })
}

fn outputs_that(
    kind: Option<&dyn Kind>,
    table: &Table<'_>,
    are: impl Fn(&Item<'_>) -> bool,
) -> Vec<String> {
    let open = kind.is_some_and(|kind| kind.descriptor().open_ports);
    let Some(Data::Table(outputs)) = table.get("outputs").filter(|_| open).map(|item| &item.data)
    else {
        return Vec::new();
    };
    let entries = outputs.entries.iter().filter(|entry| are(&entry.item));
    entries.map(|entry| entry.key.to_string()).collect()
}

/// What a command says is kept on ports of these names, where the study declares no others.
fn add_streams(signature: &mut Signature) {
    for (name, doc) in [
        ("stdout", "what the command wrote to its standard output"),
        ("stderr", "what the command wrote to its standard error"),
    ] {
        if !signature.outputs.iter().any(|port| port.name == name) {
            signature.outputs.push(OutputPort {
                name: Cow::Borrowed(name),
                ty: PortType::new("file", Form::File),
                doc,
            });
        }
    }
}

fn declared_output(
    entry: &Entry<'_>,
    signature: &Signature,
    complaints: &mut Complaints,
) -> Option<OutputPort> {
    check_port_name(entry, complaints);
    if signature.outputs.iter().any(|port| port.name == entry.key) {
        let port = entry.key.to_string();
        let by = "an output of the kind";
        complaints.add(entry.key_span, NodeMistake::PortTaken { port, by });
        return None;
    }
    let ty = match &entry.item.data {
        Data::Text(_) => PortType::new("file", Form::File),
        Data::Table(table) => output_type(table, complaints),
        _ => {
            let what = format!("output `{}`", entry.key);
            let wants = "a path or { path = \"…\", type = \"…\" }";
            super::wrong_sort(&entry.item, &what, wants, complaints);
            return None;
        }
    };
    Some(OutputPort {
        name: Cow::Owned(entry.key.to_string()),
        ty,
        doc: "declared in the study",
    })
}

pub(super) fn check_port_name(entry: &Entry<'_>, complaints: &mut Complaints) {
    if !is_name(&entry.key) {
        let name = entry.key.to_string();
        complaints.add(
            entry.key_span,
            FileMistake::BadName {
                what: "a port",
                name,
            },
        );
    }
}

/// The type of an output written as a table; that of a file where a mistake was reported.
fn output_type(table: &Table<'_>, complaints: &mut Complaints) -> PortType {
    let file = PortType::new("file", Form::File);
    for entry in &table.entries {
        if !["path", "type"].contains(&entry.key.as_ref()) {
            super::unknown_key(entry, "an output", &["path", "type"], complaints);
        }
    }
    let Some(item) = table.get("type") else {
        return file;
    };
    let Some(word) = item.text() else {
        super::wrong_sort(item, "`type`", "text such as \"table\"", complaints);
        return file;
    };
    match FORMS.iter().find(|(name, _)| *name == word) {
        Some((name, form)) => PortType::new(name, *form),
        None => {
            let mistake = NodeMistake::UnknownForm {
                word: word.to_owned(),
                nearest: nearest(word, FORMS.map(|(name, _)| name)),
                forms: FORMS.map(|(name, _)| name).into(),
            };
            complaints.add(item.span, mistake);
            file
        }
    }
}

/// Checks all that a node is told.
pub(super) fn check(study: &Study<'_>, id: NodeId, complaints: &mut Complaints) -> Draft {
    let mut draft = Draft::default();
    let outline = study.outline(id);
    for entry in &outline.table.entries {
        settings::read(study, outline, entry, &mut draft, complaints);
    }
    // Without a kind nobody can tell which keys are right.
    let Some(kind) = outline.kind else {
        return draft;
    };
    sources::connect_all(study, outline, kind, &mut draft, complaints);
    values::read_all(study, outline, kind, &mut draft, complaints);
    if kind.descriptor().open_ports {
        braces::check(outline.table, complaints);
    }
    for entry in &outline.table.entries {
        if !is_known(kind, &entry.key) {
            complaints.add(entry.key_span, unknown_field(kind, &entry.key));
        }
    }
    draft
}

fn is_known(kind: &dyn Kind, key: &str) -> bool {
    let descriptor = kind.descriptor();
    WORDS.iter().any(|word| word.name == key)
        || (descriptor.open_ports && ["inputs", "outputs"].contains(&key))
        || descriptor.inputs.iter().any(|port| port.name == key)
        || descriptor.params.iter().any(|spec| spec.name == key)
}

fn unknown_field(kind: &dyn Kind, key: &str) -> NodeMistake {
    let descriptor = kind.descriptor();
    if ["inputs", "outputs"].contains(&key) {
        return NodeMistake::OnlyCommands {
            key: key.to_owned(),
            kind: descriptor.name.to_owned(),
        };
    }
    let open: &[&str] = match descriptor.open_ports {
        true => &["inputs", "outputs"],
        false => &[],
    };
    let ports: Vec<String> = descriptor
        .inputs
        .iter()
        .map(|port| port.name.to_string())
        .collect();
    let params: Vec<String> = descriptor
        .params
        .iter()
        .map(|p| p.name.to_owned())
        .collect();
    let all = ports.iter().chain(&params).map(String::as_str);
    let words = WORDS.iter().map(|word| word.name);
    NodeMistake::UnknownField {
        kind: descriptor.name.to_owned(),
        key: key.to_owned(),
        nearest: nearest(key, all.chain(words).chain(open.iter().copied())),
        ports,
        params,
    }
}

/// The path of a declared output.
pub(super) fn output_path<'t>(item: &'t Item<'t>) -> Option<&'t Item<'t>> {
    match &item.data {
        Data::Text(_) => Some(item),
        Data::Table(table) => table.get("path"),
        _ => None,
    }
}
