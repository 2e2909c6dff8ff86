//! Which instances, files and parts of them an instance reads.

use std::collections::HashMap;
use std::sync::Arc;

use flow_contract::{Labels, Value};
use flow_plan::{Axis, AxisValues, NodeId, Point, Source, Template};

use crate::board::{Board, Bound, InstanceId};

/// How the sources of a node's ports find the instances a point reads.
pub(crate) struct Links {
    ports: Vec<(String, Vec<Link>)>,
}

enum Link {
    Output {
        output: String,
        shared: Arc<[String]>,
        select: Vec<(String, Template)>,
        /// For an output of many files: which of them a point takes.
        files: Files,
        by_shared: HashMap<String, Vec<InstanceId>>,
    },
    File {
        template: Template,
        many: bool,
    },
}

impl Links {
    pub(crate) fn new(board: &Board<'_>, node: NodeId) -> Self {
        let ports = board
            .session
            .plan
            .node(node)
            .bindings
            .iter()
            .map(|binding| {
                let links = binding
                    .sources
                    .iter()
                    .map(|source| Link::new(board, node, source));
                (binding.port.clone(), links.collect())
            });
        Self {
            ports: ports.collect(),
        }
    }

    pub(crate) fn inputs(&self, point: &Point) -> Vec<(String, Vec<Bound>)> {
        let bind = |links: &Vec<Link>| links.iter().map(|link| link.bind(point)).collect();
        self.ports
            .iter()
            .map(|(port, links)| (port.clone(), bind(links)))
            .collect()
    }
}

impl Link {
    fn new(board: &Board<'_>, node: NodeId, source: &Source) -> Self {
        match source {
            Source::File(template) => Self::File {
                template: template.clone(),
                many: false,
            },
            Source::Files(template) => Self::File {
                template: template.clone(),
                many: true,
            },
            Source::Output {
                node: from,
                output,
                select,
            } => {
                let own = &board.session.plan.node(node).axes;
                // An axis that `select` settles is as good as shared: its value is known.
                let settled = |axis: &&Axis| {
                    own.iter().any(|other| other.name == axis.name)
                        || select.iter().any(|(name, _)| *name == axis.name)
                };
                let axes = board.session.plan.node(*from).axes.iter();
                let shared: Arc<[String]> =
                    axes.filter(settled).map(|axis| axis.name.clone()).collect();
                let mut by_shared: HashMap<String, Vec<InstanceId>> = HashMap::new();
                for id in board.instances_of(*from) {
                    let key = key_on(&shared, &board.instance(id).point.labels);
                    by_shared.entry(key).or_default().push(id);
                }
                Self::Output {
                    output: output.clone(),
                    shared,
                    select: select.clone(),
                    files: Files::of(board, node, *from, output),
                    by_shared,
                }
            }
        }
    }

    fn bind(&self, point: &Point) -> Bound {
        // A template that can't be evaluated becomes words that match no file and no instance.
        let text = |template: &Template| {
            template
                .text_at(&point.scope)
                .unwrap_or_else(|error| error.to_string())
        };
        match self {
            Self::Output {
                output,
                shared,
                select,
                files,
                by_shared,
            } => {
                let selected = select
                    .iter()
                    .map(|(axis, value)| (axis.clone(), Value::from(text(value))));
                let selected: Vec<_> = selected.collect();
                let own = point
                    .labels
                    .iter()
                    .filter(|(axis, _)| selected.iter().all(|(name, _)| name != axis));
                let own = own.map(|(axis, value)| (axis.to_owned(), value.clone()));
                let labels = Labels::new(selected.iter().cloned().chain(own).collect());
                let of = by_shared
                    .get(&key_on(shared, &labels))
                    .cloned()
                    .unwrap_or_default();
                let (output, many) = match files {
                    Files::NotMany => (output.clone(), false),
                    Files::All => (output.clone(), true),
                    Files::OnAxis(axis) => (one_of(output, axis, point), false),
                };
                Bound::Instances {
                    output,
                    many,
                    of,
                    shared: Arc::clone(shared),
                }
            }
            Self::File { template, many } => {
                let path = text(template);
                if *many {
                    Bound::Files(path)
                } else {
                    Bound::File(path)
                }
            }
        }
    }
}

/// Which files of an output a reader takes.
enum Files {
    /// The output is one artifact.
    NotMany,
    /// All of them.
    All,
    /// The one the reader stands at on this axis.
    OnAxis(String),
}

impl Files {
    fn of(board: &Board<'_>, reader: NodeId, from: NodeId, output: &str) -> Self {
        let plan = board.session.plan;
        if !plan.node(from).gives_many(output) {
            return Self::NotMany;
        }
        let values = AxisValues::Rows {
            node: from,
            output: output.to_owned(),
        };
        let mut axes = plan.node(reader).axes.iter();
        match axes.find(|axis| axis.values == values) {
            Some(axis) => Self::OnAxis(axis.name.clone()),
            None => Self::All,
        }
    }
}

/// The name of the file that a point stands at.
fn one_of(output: &str, axis: &str, point: &Point) -> String {
    let row = point.scope.row(axis);
    let path = row.and_then(|row| row.get("path"));
    let path = path.map_or_else(String::new, ToString::to_string);
    format!("{output}/{path}")
}

fn key_on(axes: &[String], labels: &Labels) -> String {
    let mut key = String::new();
    for axis in axes {
        if let Some(value) = labels.get(axis) {
            key.push_str(&value.to_string());
        }
        key.push('\u{1f}');
    }
    key
}
