//! From axes to instances.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flow_contract::{Labels, Row, Value};
use serde::{Deserialize, Serialize};

use crate::template::Reference;
use crate::{Axis, AxisValues, Node};

/// Instances one node may have.
pub(crate) const MOST_POINTS: usize = 10_000_000;

/// The rows an instance stands at, one for each axis of its node.
#[derive(Clone, Debug, Default)]
pub struct Scope(pub(crate) Vec<(Arc<str>, Arc<Row>)>);

/// A template refers to a column that a row doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("axis `{axis}` has no column `{column}`; its columns are {}", columns.join(", "))]
pub struct ScopeError {
    /// The axis.
    pub axis: String,
    /// The column that isn't there.
    pub column: String,
    /// The columns that are.
    pub columns: Vec<String>,
}

impl Scope {
    /// The row an instance stands at on an axis.
    #[must_use]
    pub fn row(&self, axis: &str) -> Option<&Row> {
        let found = self.0.iter().find(|(name, _)| &**name == axis);
        found.map(|(_, row)| &**row)
    }

    pub(crate) fn has(&self, reference: &Reference) -> bool {
        self.value(reference).is_ok()
    }

    pub(crate) fn value(&self, reference: &Reference) -> Result<&Value, ScopeError> {
        let column = reference.column.as_deref().unwrap_or(&reference.axis);
        let row = self.row(&reference.axis);
        row.and_then(|row| row.get(column))
            .ok_or_else(|| ScopeError {
                axis: reference.axis.clone(),
                column: column.to_owned(),
                columns: row.map_or_else(Vec::new, |row| row.keys().cloned().collect()),
            })
    }
}

/// One instance of a node: its value on every axis, and the rows these values name.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its value on every axis, in the order of the axes.
    pub labels: Labels,
    /// The rows behind the values.
    pub scope: Scope,
}

/// Rows known at run time that make no instances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// Two rows have the same key.
    #[error("axis `{axis}` has the key `{key}` twice, in rows {first} and {second}")]
    Twice {
        /// The axis.
        axis: String,
        /// The key.
        key: String,
        /// The first row, from 1.
        first: usize,
        /// The second row, from 1.
        second: usize,
    },
    /// A row lacks the column named like the axis.
    #[error("the table of axis `{axis}` has no column `{axis}`; its columns are {}", columns.join(", "))]
    NoKey {
        /// The axis.
        axis: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// A key is empty, or a list or table.
    #[error("row {row} of axis `{axis}` is named by {found}; wants a boolean, a number or text")]
    BadKey {
        /// The axis.
        axis: String,
        /// The row, from 1.
        row: usize,
        /// What sort of value is there.
        found: String,
    },
    /// Axes that walk together aren't equally long.
    #[error(
        "axes that walk together must have as many values, but {}",
        lengths_in_words(axes)
    )]
    ZipLengths {
        /// The axes with how many values they have.
        axes: Vec<(String, usize)>,
    },
    /// More instances than a run can hold.
    #[error("the axes give more than {most} instances")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
}

fn lengths_in_words(axes: &[(String, usize)]) -> String {
    let each = axes.iter().map(|(axis, n)| format!("`{axis}` has {n}"));
    each.collect::<Vec<_>>().join(" and ")
}

/// How the axes of a node combine; by default every value with every other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Combine {
    /// Axes that walk together, by their positions, each group ascending.
    pub zip: Vec<Vec<usize>>,
    /// Instances left out: those that have all the values of an entry.
    pub exclude: Vec<Vec<(usize, Value)>>,
    /// Instances added: a value on every axis, in the order of the axes.
    pub include: Vec<Vec<Value>>,
}

impl Combine {
    /// Whether it is the plain product.
    #[must_use]
    pub fn is_product(&self) -> bool {
        self.zip.is_empty() && self.exclude.is_empty() && self.include.is_empty()
    }
}

/// An axis with its values looked up.
struct Walked {
    name: Arc<str>,
    keys: Vec<Value>,
    rows: Vec<Arc<Row>>,
}

impl Node {
    /// All instances: the first axis varies slowest, included ones come last.
    ///
    /// `rows` gives the rows of an axis whose values are known only at run time
    /// ([`AxisValues::Rows`], [`AxisValues::Files`]); it is asked once for each such axis.
    ///
    /// # Errors
    /// [`ExpandError`] where the rows make no instances.
    pub fn points(&self, rows: &dyn Fn(&Axis) -> Vec<Row>) -> Result<Vec<Point>, ExpandError> {
        expand_with(&self.axes, &self.combine, rows)
    }

    /// All instances where every axis is written out in the study; `None` where one is not.
    #[must_use]
    pub fn static_points(&self) -> Option<Result<Vec<Point>, ExpandError>> {
        let listed = |axis: &Axis| matches!(axis.values, AxisValues::Listed(_));
        let all = self.axes.iter().all(listed);
        all.then(|| self.points(&|_| Vec::new()))
    }
}

/// All combinations of axes that are written out in the study.
pub(crate) fn expand_listed(axes: &[Axis], combine: &Combine) -> Result<Vec<Point>, ExpandError> {
    expand_with(axes, combine, &|_| Vec::new())
}

fn expand_with(
    axes: &[Axis],
    combine: &Combine,
    rows: &dyn Fn(&Axis) -> Vec<Row>,
) -> Result<Vec<Point>, ExpandError> {
    let walked = axes.iter().map(|axis| walk_axis(axis, rows));
    expand(&walked.collect::<Result<Vec<_>, _>>()?, combine)
}

/// The row of a listed value: the value itself, or the row that is written out.
pub(crate) fn listed_row(axis: &str, value: &Value) -> Row {
    match value {
        Value::Map(row) => row.clone(),
        value => Row::from([(axis.to_owned(), value.clone())]),
    }
}

fn walk_axis(axis: &Axis, rows: &dyn Fn(&Axis) -> Vec<Row>) -> Result<Walked, ExpandError> {
    let rows: Vec<Row> = match &axis.values {
        AxisValues::Listed(values) => {
            let each = values.iter();
            each.map(|value| listed_row(&axis.name, value)).collect()
        }
        AxisValues::Rows { .. } | AxisValues::Files(_) => rows(axis),
    };
    let mut keys = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        keys.push(key_of(&axis.name, at, row)?);
    }
    refuse_twins(&axis.name, &keys)?;
    Ok(Walked {
        name: axis.name.as_str().into(),
        keys,
        rows: rows.into_iter().map(Arc::new).collect(),
    })
}

fn key_of(axis: &str, at: usize, row: &Row) -> Result<Value, ExpandError> {
    match row.get(axis) {
        None => Err(ExpandError::NoKey {
            axis: axis.to_owned(),
            columns: row.keys().cloned().collect(),
        }),
        Some(Value::Null | Value::List(_) | Value::Map(_)) => Err(ExpandError::BadKey {
            axis: axis.to_owned(),
            row: at + 1,
            found: row[axis].sort().to_owned(),
        }),
        Some(key) => Ok(key.clone()),
    }
}

fn refuse_twins(axis: &str, keys: &[Value]) -> Result<(), ExpandError> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(keys.len());
    for (second, key) in keys.iter().enumerate() {
        if let Some(first) = seen.insert(key.to_string(), second) {
            return Err(ExpandError::Twice {
                axis: axis.to_owned(),
                key: key.to_string(),
                first: first + 1,
                second: second + 1,
            });
        }
    }
    Ok(())
}

fn expand(axes: &[Walked], combine: &Combine) -> Result<Vec<Point>, ExpandError> {
    let groups = groups(axes.len(), combine);
    let lengths = group_lengths(axes, &groups)?;
    let most = ExpandError::TooMany { most: MOST_POINTS };
    let total = lengths.iter().try_fold(1usize, |n, l| n.checked_mul(*l));
    let total = total.filter(|n| *n <= MOST_POINTS).ok_or(most)?;
    let excluded = Excluded::new(axes, combine);
    let mut points = Vec::with_capacity(total + combine.include.len());
    let mut at = vec![0; axes.len()];
    for number in 0..total {
        place(number, &groups, &lengths, &mut at);
        if !excluded.holds(&at) {
            points.push(point(axes, &at));
        }
    }
    add_included(&mut points, axes, combine);
    Ok(points)
}

/// Axes that walk together, in the order of their first axis; most groups have one axis.
fn groups(axes: usize, combine: &Combine) -> Vec<Vec<usize>> {
    let group = |axis: usize| match combine.zip.iter().find(|group| group.contains(&axis)) {
        Some(group) if group[0] == axis => Some(group.clone()),
        Some(_) => None,
        None => Some(vec![axis]),
    };
    (0..axes).filter_map(group).collect()
}

fn group_lengths(axes: &[Walked], groups: &[Vec<usize>]) -> Result<Vec<usize>, ExpandError> {
    let length = |group: &Vec<usize>| {
        let first = axes[group[0]].keys.len();
        if group.iter().all(|axis| axes[*axis].keys.len() == first) {
            return Ok(first);
        }
        let each = group.iter().map(|axis| &axes[*axis]);
        Err(ExpandError::ZipLengths {
            axes: each.map(|a| (a.name.to_string(), a.keys.len())).collect(),
        })
    };
    groups.iter().map(length).collect()
}

/// Writes the position of the `number`-th combination on every axis into `at`.
fn place(mut number: usize, groups: &[Vec<usize>], lengths: &[usize], at: &mut [usize]) {
    for (group, length) in groups.iter().zip(lengths).rev() {
        group.iter().for_each(|axis| at[*axis] = number % length);
        number /= length;
    }
}

fn point(axes: &[Walked], at: &[usize]) -> Point {
    let each = || axes.iter().zip(at);
    let labels = each().map(|(axis, at)| (axis.name.to_string(), axis.keys[*at].clone()));
    let rows = each().map(|(axis, at)| (Arc::clone(&axis.name), Arc::clone(&axis.rows[*at])));
    Point {
        labels: Labels::new(labels.collect()),
        scope: Scope(rows.collect()),
    }
}

/// For each entry of `exclude`, the positions it means on each axis it names.
struct Excluded(Vec<Vec<(usize, Option<usize>)>>);

impl Excluded {
    fn new(axes: &[Walked], combine: &Combine) -> Self {
        let find = |(axis, value): &(usize, Value)| (*axis, position(&axes[*axis], value));
        let entries = combine.exclude.iter();
        Self(entries.map(|e| e.iter().map(find).collect()).collect())
    }

    fn holds(&self, at: &[usize]) -> bool {
        let meant = |entry: &Vec<(usize, Option<usize>)>| {
            entry.iter().all(|(axis, place)| *place == Some(at[*axis]))
        };
        self.0.iter().any(meant)
    }
}

/// Values are the same if they read the same: `3` in the study is `3` in a table of floats.
fn position(axis: &Walked, value: &Value) -> Option<usize> {
    let text = value.to_string();
    axis.keys.iter().position(|key| key.to_string() == text)
}

fn add_included(points: &mut Vec<Point>, axes: &[Walked], combine: &Combine) {
    if combine.include.is_empty() {
        return;
    }
    let mut there: HashSet<String> = points.iter().map(|p| p.labels.to_string()).collect();
    for values in &combine.include {
        let point = included(axes, values);
        if there.insert(point.labels.to_string()) {
            points.push(point);
        }
    }
}

fn included(axes: &[Walked], values: &[Value]) -> Point {
    let (mut labels, mut rows) = (Vec::new(), Vec::new());
    for (axis, value) in axes.iter().zip(values) {
        let (key, row) = match position(axis, value) {
            Some(at) => (axis.keys[at].clone(), Arc::clone(&axis.rows[at])),
            None => (value.clone(), Arc::new(listed_row(&axis.name, value))),
        };
        labels.push((axis.name.to_string(), key));
        rows.push((Arc::clone(&axis.name), row));
    }
    Point {
        labels: Labels::new(labels),
        scope: Scope(rows),
    }
}
