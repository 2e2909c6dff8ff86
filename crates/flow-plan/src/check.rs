//! From the file to the plan, finding every mistake on the way.

mod axes;
mod braces;
mod combine;
mod foresee;
mod head;
mod nodes;
mod outputs;
mod params;
mod partners;
mod publish;
mod report;
mod settings;
mod sources;
mod tables;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::thread;

use flow_contract::{Catalog, Kind, Signature, Value};

use crate::complaints::Complaints;
use crate::graph::Graph;
use crate::item::{self, Data, Entry, Item, Table};
use crate::mistake::{FileMistake, SourceMistake};
use crate::nearest::nearest;
use crate::plan::{Head, Told};
use crate::problem::Mark;
use crate::refer::{DraftAxis, Names, ParamValues};
use crate::{AxisValues, Combine, Node, NodeId, Plan, Problems, Span};

pub(crate) use tables::{FORMS, HEAD_KEYS, WORDS, Word, WordShape};

/// What a study is planned from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The text of the study file.
    pub text: &'a str,
    /// The path to show in messages.
    pub name: &'a str,
    /// `--set name=value`, in order; a later one wins.
    pub overrides: &'a [(String, String)],
    /// The kinds there are.
    pub catalog: &'a dyn Catalog,
}

/// Checks a study and types it.
///
/// # Errors
/// All mistakes of the file and of the overrides at once, each with its place.
pub fn plan(request: &Request<'_>) -> Result<Plan, Problems> {
    plan_at(request, &[])
}

/// The same where `--sweep` gives some params their values, after the overrides.
pub(crate) fn plan_at(request: &Request<'_>, swept: &[(String, String)]) -> Result<Plan, Problems> {
    let mut complaints = Complaints::new(request.name, request.text);
    let root = item::read(request.text, &mut complaints);
    let plan = root.and_then(|root| build(request, swept, &root, &mut complaints));
    match plan {
        Some(plan) if complaints.is_empty() => Ok(plan),
        _ => Err(complaints.finish()),
    }
}

/// What is known of the study while its nodes are checked.
pub(crate) struct Study<'a> {
    pub kinds: BTreeMap<&'static str, &'a dyn Kind>,
    pub params: ParamValues,
    pub pools: BTreeMap<String, u32>,
    pub head: Head,
    /// Whether `--set` or `--sweep` changed anything: then values that the file names may rightly be gone.
    pub overridden: bool,
    pub nodes: Vec<Outline<'a>>,
    pub names: HashMap<&'a str, NodeId>,
}

/// What is known of a node while others are checked against it.
pub(crate) struct Outline<'a> {
    pub name: &'a str,
    pub span: Span,
    pub table: &'a Table<'a>,
    /// `None` where the kind is missing or unknown, which was reported.
    pub kind: Option<&'a dyn Kind>,
    pub signature: Signature,
    /// Outputs that are all files which match a pattern.
    pub many: Vec<String>,
    /// Outputs that say no type.
    pub untyped: Vec<String>,
    pub axes: Vec<DraftAxis>,
    pub combine: Combine,
}

impl Study<'_> {
    pub fn outline(&self, id: NodeId) -> &Outline<'_> {
        &self.nodes[id.index()]
    }

    /// The names a node's values may refer to.
    pub fn names_of<'s>(&'s self, outline: &'s Outline<'_>) -> Names<'s> {
        Names {
            params: &self.params,
            axes: &outline.axes,
            vary: true,
        }
    }

    /// The params alone.
    pub fn params_only(&self) -> Names<'_> {
        Names {
            params: &self.params,
            axes: &[],
            vary: false,
        }
    }
}

const PARTS: [&str; 5] = ["study", "params", "pools", "node", "report"];

/// The parts of the file; what is missing is empty.
#[derive(Default)]
struct Parts<'a> {
    study: Option<&'a Table<'a>>,
    params: Option<&'a Table<'a>>,
    pools: Option<&'a Table<'a>>,
    nodes: Option<&'a Table<'a>>,
    report: Option<&'a Table<'a>>,
}

fn build<'a>(
    request: &Request<'a>,
    swept: &[(String, String)],
    root: &'a Table<'a>,
    complaints: &mut Complaints,
) -> Option<Plan> {
    let parts = parts(root, complaints);
    let params = params::read(parts.params, request.overrides, swept, complaints);
    let mut study = Study {
        kinds: kinds(request.catalog),
        head: head::read(parts.study, &params, complaints),
        pools: settings::read_pools(parts.pools, &params, complaints),
        params,
        overridden: !request.overrides.is_empty() || !swept.is_empty(),
        nodes: Vec::new(),
        names: HashMap::new(),
    };
    nodes::outline(&mut study, parts.nodes, complaints);
    axes::read_all(&mut study, complaints);
    let nodes = check_nodes(&study, complaints);
    publish::check_all(&study, &nodes, complaints);
    let report = parts
        .report
        .map(|table| report::read(&study, table, complaints));
    let graph = graph(&study, &nodes, complaints)?;
    if complaints.is_empty() {
        partners::check_all(&study, &nodes, complaints);
        foresee::check_all(&study, &nodes, &graph, complaints);
    }
    complaints
        .is_empty()
        .then(|| assemble(study, nodes, graph, report))
}

fn kinds(catalog: &dyn Catalog) -> BTreeMap<&'static str, &dyn Kind> {
    let kinds = catalog.kinds().into_iter();
    kinds.map(|kind| (kind.descriptor().name, kind)).collect()
}

fn parts<'a>(root: &'a Table<'a>, complaints: &mut Complaints) -> Parts<'a> {
    let mut parts = Parts::default();
    for entry in &root.entries {
        let part = match entry.key.as_ref() {
            "study" => &mut parts.study,
            "params" => &mut parts.params,
            "pools" => &mut parts.pools,
            "node" => &mut parts.nodes,
            "report" => &mut parts.report,
            _ => {
                complaints.add(entry.key_span, unknown_part(entry));
                continue;
            }
        };
        *part = part_table(entry, complaints);
    }
    parts
}

fn part_table<'a>(entry: &'a Entry<'a>, complaints: &mut Complaints) -> Option<&'a Table<'a>> {
    let (what, wants) = match entry.key.as_ref() {
        "node" => (
            "`node`",
            "a table for each node, as in [node.night]".to_owned(),
        ),
        key => ("this", format!("a table, as in [{key}]")),
    };
    match &entry.item.data {
        Data::Table(table) => Some(table),
        _ => {
            wrong_sort(&entry.item, what, &wants, complaints);
            None
        }
    }
}

fn unknown_part(entry: &Entry<'_>) -> FileMistake {
    let nearest = nearest(&entry.key, PARTS);
    let like_a_node = match &entry.item.data {
        Data::Table(table) => table.get("kind").is_some(),
        _ => false,
    };
    if like_a_node && nearest.is_none() {
        return FileMistake::NodeAtTop {
            name: entry.key.to_string(),
        };
    }
    FileMistake::UnknownKey {
        key: entry.key.to_string(),
        place: "a study".to_owned(),
        nearest,
        known: PARTS.to_vec(),
    }
}

/// A table, or a complaint.
fn table<'a>(item: &'a Item<'a>, what: &str, complaints: &mut Complaints) -> Option<&'a Table<'a>> {
    match &item.data {
        Data::Table(table) => Some(table),
        _ => {
            wrong_sort(item, what, "a table, as in { key = \"value\" }", complaints);
            None
        }
    }
}

/// Complains about the sort of a value, unless the value was complained about already. What is
/// wanted may end in an example: `a list, as in [1, 2]`.
fn wrong_sort(item: &Item<'_>, what: &str, wants: &str, complaints: &mut Complaints) {
    if !matches!(item.data, Data::Unsayable) {
        complain_of_sort(item.span, what, wants, item.sort().to_owned(), complaints);
    }
}

/// The same where the value itself says what is wrong, as for a number that is out of range.
fn wrong_value(
    item: &Item<'_>,
    what: &str,
    wants: &str,
    value: &Value,
    complaints: &mut Complaints,
) {
    let found = match value {
        Value::List(_) | Value::Map(_) => value.sort().to_owned(),
        value => crate::words::written(value),
    };
    complain_of_sort(item.span, what, wants, found, complaints);
}

fn complain_of_sort(
    span: Span,
    what: &str,
    wants: &str,
    found: String,
    complaints: &mut Complaints,
) {
    let (wants, example) = match wants.split_once(", as in ") {
        Some((wants, example)) => (wants, Some(example.to_owned())),
        None => (wants, None),
    };
    let mistake = FileMistake::Sort {
        what: what.to_owned(),
        wants: wants.to_owned(),
        found,
        example,
    };
    complaints.add(span, mistake);
}

/// Complains about a key nobody reads.
fn unknown_key(
    entry: &Entry<'_>,
    place: &str,
    known: &[&'static str],
    complaints: &mut Complaints,
) {
    let mistake = FileMistake::UnknownKey {
        key: entry.key.to_string(),
        place: place.to_owned(),
        nearest: nearest(&entry.key, known.iter().copied()),
        known: known.to_vec(),
    };
    complaints.add(entry.key_span, mistake);
}

fn check_nodes(study: &Study<'_>, complaints: &mut Complaints) -> Vec<nodes::Draft> {
    if let Some(drafts) = check_side_by_side(study, complaints) {
        return drafts;
    }
    check_part(study, 0..study.nodes.len(), complaints)
}

fn check_part(
    study: &Study<'_>,
    part: Range<usize>,
    complaints: &mut Complaints,
) -> Vec<nodes::Draft> {
    let ids = part.map(|at| NodeId(at as u32));
    ids.map(|id| nodes::check(study, id, complaints)).collect()
}

/// Checks many nodes on several threads; `None` where they are few, or something is wrong: what is said of
/// a node may depend on what was said before it, so one thread then says it all.
fn check_side_by_side(study: &Study<'_>, complaints: &Complaints) -> Option<Vec<nodes::Draft>> {
    const NODES_PER_THREAD: usize = 200;
    const MOST_THREADS: usize = 4;
    let count = study.nodes.len();
    if !complaints.is_empty() || count < 2 * NODES_PER_THREAD {
        return None;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (count / NODES_PER_THREAD).min(cores).min(MOST_THREADS);
    let check = |part: Range<usize>| {
        let mut own = complaints.none_so_far();
        let drafts = check_part(study, part, &mut own);
        own.is_empty().then_some(drafts)
    };
    let size = count.div_ceil(threads);
    let mut parts = (0..threads).map(|at| at * size..count.min((at + 1) * size));
    let own = parts.next()?;
    thread::scope(|scope| {
        let check = &check;
        let others: Vec<_> = parts.map(|part| scope.spawn(move || check(part))).collect();
        let mut drafts = check(own)?;
        for other in others {
            drafts.extend(other.join().ok()??);
        }
        Some(drafts)
    })
}

/// Who takes from whom, with the place that says so.
fn edges(study: &Study<'_>, drafts: &[nodes::Draft]) -> Vec<(NodeId, NodeId, Span)> {
    let mut edges = Vec::new();
    for (at, (outline, draft)) in study.nodes.iter().zip(drafts).enumerate() {
        let taker = NodeId(at as u32);
        for axis in &outline.axes {
            if let Some(AxisValues::Rows { node, .. }) = &axis.values {
                edges.push((*node, taker, axis.span));
            }
        }
        let connected = draft.connected.iter();
        edges.extend(connected.map(|(node, span)| (*node, taker, *span)));
    }
    edges
}

fn graph(study: &Study<'_>, drafts: &[nodes::Draft], complaints: &mut Complaints) -> Option<Graph> {
    let edges = edges(study, drafts);
    let pairs: Vec<_> = edges.iter().map(|(from, to, _)| (*from, *to)).collect();
    let circles = match Graph::new(study.nodes.len(), &pairs) {
        Ok(graph) => return Some(graph),
        Err(circles) => circles,
    };
    for circle in circles {
        complain_of_circle(study, &circle, &edges, complaints);
    }
    None
}

fn complain_of_circle(
    study: &Study<'_>,
    circle: &[NodeId],
    edges: &[(NodeId, NodeId, Span)],
    complaints: &mut Complaints,
) {
    let name = |id: NodeId| study.outline(id).name.to_owned();
    let mut marks = circle.windows(2).take(20).filter_map(|step| {
        let edge = edges
            .iter()
            .find(|(from, to, _)| (*to, *from) == (step[0], step[1]))?;
        Some(Mark {
            span: edge.2,
            label: format!("`{}` takes from `{}`", name(step[0]), name(step[1])),
        })
    });
    let first = marks.next();
    let span = first.map_or(study.outline(circle[0]).span, |mark| mark.span);
    let path = circle.iter().map(|id| name(*id)).collect();
    complaints.add_with(span, SourceMistake::Cycle { path }, marks.collect());
}

fn assemble(
    study: Study<'_>,
    drafts: Vec<nodes::Draft>,
    graph: Graph,
    report: Option<crate::Report>,
) -> Plan {
    let params = study.params.into_iter();
    let nodes = study.nodes.into_iter().zip(drafts);
    Plan {
        head: study.head,
        params: params
            .filter_map(|(n, v): (String, Option<Value>)| Some((n, v?)))
            .collect(),
        pools: study.pools,
        nodes: nodes.map(|(outline, draft)| node(outline, draft)).collect(),
        names: OnceLock::new(),
        graph,
        report,
    }
}

fn node(outline: Outline<'_>, draft: nodes::Draft) -> Node {
    let mut signature = outline.signature;
    signature.inputs.extend(draft.declared);
    let axes = outline.axes.into_iter();
    let kind = outline.kind.map_or("", |kind| kind.descriptor().name);
    Node {
        name: outline.name.to_owned(),
        swept: Vec::new(),
        kind: kind.to_owned(),
        signature: Arc::new(signature),
        many: outline.many,
        untyped: outline.untyped,
        told: match draft.settled {
            Some(params) => Told::Settled(params),
            None => Told::PerPoint(draft.params),
        },
        bindings: draft.bindings,
        axes: axes
            .filter_map(|axis| {
                Some(crate::Axis {
                    name: axis.name,
                    values: axis.values?,
                })
            })
            .collect(),
        combine: outline.combine,
        seed: draft.seed,
        publish: draft
            .publish
            .into_iter()
            .map(|(publish, _)| publish)
            .collect(),
        resources: draft.resources,
        retries: draft.retries,
        timeout: draft.timeout,
        keep: draft.keep,
        span: outline.span,
    }
}
