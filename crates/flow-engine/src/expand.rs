//! From nodes to instances: which nodes are wanted, and their points once their axes are known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flow_contract::{Digest, Labels, NodeError, Row, Value};
use flow_plan::{Axis, AxisValues, NodeId, Point, Scope, Source, Target, file_row};
use flow_store::ReadError;

use crate::address::Address;
use crate::board::{Board, Expansion, InstanceId, Outcome, State};
use crate::links::Links;
use crate::prepare::matching_paths;
use crate::publish::told;
use crate::session::Session;

/// The nodes that the targets need, and where only some of their instances are needed.
pub(crate) struct Wanted {
    pub(crate) nodes: Vec<bool>,
    /// Per node: the label values its instances must have; empty for all instances.
    pub(crate) only: Vec<Vec<Labels>>,
}

/// Walks from the targets to all that they need; without targets, everything is wanted.
///
/// A target's labels narrow the nodes before it, as long as all that want such a node agree.
pub(crate) fn wanted(session: &Session<'_>) -> Wanted {
    let count = session.plan.nodes().len();
    if session.targets.is_empty() {
        return Wanted {
            nodes: vec![true; count],
            only: vec![Vec::new(); count],
        };
    }
    // `None`: not wanted; an empty list: all instances.
    let mut asked: Vec<Option<Vec<Labels>>> = vec![None; count];
    for Target { node, labels } in session.targets {
        let text = |(axis, value): &(String, String)| (axis.clone(), Value::from(value.as_str()));
        let labels = Labels::new(labels.iter().map(text).collect());
        merge(&mut asked[node.index()], std::slice::from_ref(&labels));
    }
    for &node in session.plan.order().iter().rev() {
        let Some(only) = asked[node.index()].clone() else {
            continue;
        };
        for &need in session.plan.dependencies(node) {
            let narrowed: Vec<Labels> = only
                .iter()
                .map(|labels| shared_part(session, node, need, labels))
                .collect();
            let asks = if only.is_empty() {
                vec![Labels::default()]
            } else {
                narrowed
            };
            merge(&mut asked[need.index()], &asks);
        }
    }
    let nodes = asked.iter().map(Option::is_some).collect();
    let only = asked.into_iter().map(Option::unwrap_or_default).collect();
    Wanted { nodes, only }
}

fn merge(asked: &mut Option<Vec<Labels>>, more: &[Labels]) {
    let all = more.iter().any(Labels::is_empty);
    match asked {
        Some(only) if only.is_empty() => {}
        _ if all => *asked = Some(Vec::new()),
        Some(only) => {
            only.extend(
                more.iter()
                    .filter(|labels| !only.contains(labels))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
        }
        None => *asked = Some(more.to_vec()),
    }
}

/// The labels of `node` on axes that `need` has too and that no source of `node` settles otherwise.
fn shared_part(session: &Session<'_>, node: NodeId, need: NodeId, labels: &Labels) -> Labels {
    let axes = &session.plan.node(need).axes;
    let bindings = session.plan.node(node).bindings.iter();
    let sources = bindings.flat_map(|binding| &binding.sources);
    let selected: Vec<&str> = sources
        .filter_map(|source| match source {
            Source::Output { node, select, .. } if *node == need => Some(select),
            _ => None,
        })
        .flat_map(|select| select.iter().map(|(axis, _)| axis.as_str()))
        .collect();
    let kept = labels
        .iter()
        .filter(|(name, _)| axes.iter().any(|axis| axis.name == *name) && !selected.contains(name));
    Labels::new(
        kept.map(|(name, value)| (name.to_owned(), value.clone()))
            .collect(),
    )
}

/// What came of trying to expand a node.
enum Attempt {
    Expanded(Vec<Point>),
    NotYet,
    Blocked(InstanceId),
    Failed(NodeError),
    Damaged {
        producer: InstanceId,
        digest: Digest,
        gone: bool,
    },
}

/// What an expansion tells the run.
pub(crate) enum News {
    /// A node has so many instances now.
    Expanded { node: NodeId, instances: usize },
    /// A node's instances will never be known, because of this instance.
    Blocked { node: NodeId, by: InstanceId },
    /// A node's axes make no sense.
    Failed { node: NodeId, error: NodeError },
    /// A table that spans an axis was damaged or is gone; its producer runs again.
    Damaged {
        producer: InstanceId,
        digest: Digest,
        gone: bool,
    },
    /// A target names no instance.
    NoSuchInstance { target: String, some: Vec<String> },
}

/// Expands every wanted node whose axes and upstream nodes are known, in topological order.
pub(crate) fn expand(
    board: &mut Board<'_>,
    pending: &mut Vec<NodeId>,
    only: &[Vec<Labels>],
) -> Vec<News> {
    let mut news = Vec::new();
    let mut left = Vec::new();
    for node in std::mem::take(pending) {
        match attempt(board, node) {
            Attempt::NotYet => left.push(node),
            Attempt::Blocked(by) => {
                board.expansions[node.index()] = Expansion::Blocked { by };
                news.push(News::Blocked { node, by });
            }
            Attempt::Failed(error) => {
                board.expansions[node.index()] = Expansion::Failed;
                news.push(News::Failed { node, error });
            }
            Attempt::Damaged {
                producer,
                digest,
                gone,
            } => {
                left.push(node);
                board.rewind(producer);
                news.push(News::Damaged {
                    producer,
                    digest,
                    gone,
                });
            }
            Attempt::Expanded(points) => {
                news.extend(absent_targets(board, node, &points));
                match place(board, node, points, &only[node.index()]) {
                    Ok(instances) => news.push(News::Expanded { node, instances }),
                    Err(error) => {
                        board.expansions[node.index()] = Expansion::Failed;
                        news.push(News::Failed { node, error });
                    }
                }
            }
        }
    }
    *pending = left;
    news
}

fn attempt(board: &Board<'_>, node: NodeId) -> Attempt {
    let plan = board.session.plan;
    for &need in plan.dependencies(node) {
        match board.expansions[need.index()] {
            Expansion::Expanded { .. } => {}
            Expansion::Blocked { by } => return Attempt::Blocked(by),
            Expansion::Wanted => return Attempt::NotYet,
            Expansion::Failed | Expansion::Unwanted => {
                let name = &plan.node(need).name;
                return Attempt::Failed(NodeError::new(format!("`{name}` has no instances")));
            }
        }
    }
    let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
    for axis in &plan.node(node).axes {
        match axis_rows(board, &axis.name, &axis.values) {
            Ok(Some(found)) => {
                rows.insert(axis.name.clone(), found);
            }
            Ok(None) => {}
            Err(attempt) => return attempt,
        }
    }
    let known = |axis: &Axis| rows.get(&axis.name).cloned().unwrap_or_default();
    match plan.node(node).points(&known) {
        Ok(points) => Attempt::Expanded(points),
        Err(error) => Attempt::Failed(NodeError::new(error)),
    }
}

/// The rows of an axis that is known only at run time; `None` for one listed in the study.
fn axis_rows(
    board: &Board<'_>,
    axis: &str,
    values: &AxisValues,
) -> Result<Option<Vec<Row>>, Attempt> {
    match values {
        AxisValues::Listed(_) => Ok(None),
        AxisValues::Files(pattern) => {
            let pattern = pattern
                .text_at(&Scope::default())
                .map_err(|error| Attempt::Failed(NodeError::new(error)))?;
            let paths = matching_paths(board, &pattern).map_err(Attempt::Failed)?;
            Ok(Some(
                paths.iter().map(|path| file_row(axis, path)).collect(),
            ))
        }
        AxisValues::Rows { node, output } => {
            let mut rows = Vec::new();
            let many = board.session.plan.node(*node).gives_many(output);
            for id in board.instances_of(*node) {
                rows.extend(match many {
                    true => made_rows(board, id, axis, output)?,
                    false => table_rows(board, id, output)?,
                });
            }
            Ok(Some(rows))
        }
    }
}

/// A row for each file that an instance made.
fn made_rows(
    board: &Board<'_>,
    id: InstanceId,
    axis: &str,
    output: &str,
) -> Result<Vec<Row>, Attempt> {
    match &board.instance(id).state {
        State::Settled(Outcome::Done { .. }) => {}
        State::Settled(_) => return Err(Attempt::Blocked(id)),
        _ => return Err(Attempt::NotYet),
    }
    let made = board.made(id, output).into_iter();
    Ok(made.map(|(name, _)| file_row(axis, &name)).collect())
}

fn table_rows(board: &Board<'_>, id: InstanceId, output: &str) -> Result<Vec<Row>, Attempt> {
    match &board.instance(id).state {
        State::Settled(Outcome::Done { .. }) => {}
        State::Settled(_) => return Err(Attempt::Blocked(id)),
        _ => return Err(Attempt::NotYet),
    }
    let place = || format!("{}.{output}", board.address(id));
    let Some(digest) = board.digest(id, output) else {
        let what = format!("`{}` was not given", place());
        return Err(Attempt::Failed(NodeError::new(what)));
    };
    let content = match board.session.store.get(&digest) {
        Ok(content) => content,
        Err(error @ (ReadError::Missing { .. } | ReadError::Damaged { .. })) => {
            return Err(Attempt::Damaged {
                producer: id,
                digest,
                gone: matches!(error, ReadError::Missing { .. }),
            });
        }
        Err(ReadError::Io(error)) => return Err(Attempt::Failed(told(&error))),
    };
    board.session.catalog.rows(&content).map_err(|why| {
        let what = format!("`{}` can't span an axis", place());
        Attempt::Failed(NodeError::new(what).because(why))
    })
}

/// Puts a node's points on the board, each linked to the instances it reads.
fn place(
    board: &mut Board<'_>,
    node: NodeId,
    mut points: Vec<Point>,
    only: &[Labels],
) -> Result<usize, NodeError> {
    let matches = |point: &Point| {
        let meets = |labels: &Labels| {
            labels.iter().all(|(axis, value)| {
                point
                    .labels
                    .get(axis)
                    .is_some_and(|has| has.to_string() == value.to_string())
            })
        };
        only.is_empty() || only.iter().any(meets)
    };
    points.retain(matches);
    claim_paths(board, node, &points)?;
    let first = u32::try_from(board.len()).expect("fewer than 2³² instances");
    let links = Links::new(board, node);
    let mut count = 0;
    for point in points {
        let inputs = links.inputs(&point);
        board.add(node, point, inputs);
        count += 1;
    }
    board.expansions[node.index()] = Expansion::Expanded { first, count };
    Ok(count as usize)
}

/// Refuses two instances that would publish to one path, before either writes.
fn claim_paths(board: &mut Board<'_>, node: NodeId, points: &[Point]) -> Result<(), NodeError> {
    let plan = board.session.plan;
    for wish in &plan.node(node).publish {
        for point in points {
            let path = wish.path_at(point).map_err(NodeError::new)?;
            // `a/./b` and `a//b` are `a/b`.
            let whole: PathBuf = Path::new(&path).components().collect();
            let by = Address {
                node: plan.node(node).name.clone(),
                labels: point.labels.clone(),
            };
            let what = format!("`{by}` would be published to `{path}`");
            if let Some(other) = board.claim_path(whole, by) {
                return Err(NodeError::new(what)
                    .because(format!("`{other}` is published there"))
                    .help("put every axis in the path, as in `$recording.csv`"));
            }
        }
    }
    Ok(())
}

/// The targets on this node that none of its points has.
fn absent_targets(board: &Board<'_>, node: NodeId, points: &[Point]) -> Vec<News> {
    const SOME: usize = 5;
    let name = &board.session.plan.node(node).name;
    let targets = board.session.targets.iter();
    let absent = targets.filter(|target| {
        let meant = |point: &Point| target.matches(&point.labels);
        target.node == node && !target.labels.is_empty() && !points.iter().any(meant)
    });
    let news = absent.map(|target| {
        let labels: Vec<String> = target
            .labels
            .iter()
            .map(|(axis, value)| format!("{axis}={value}"))
            .collect();
        let some = points.iter().take(SOME);
        News::NoSuchInstance {
            target: format!("{name}[{}]", labels.join(",")),
            some: some
                .map(|point| format!("{name}[{}]", point.labels))
                .collect(),
        }
    });
    news.collect()
}
