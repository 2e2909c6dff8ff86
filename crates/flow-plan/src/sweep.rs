//! `--sweep`: a study at several values of its params, as one plan.
//!
//! A list param is swept by giving it another list: the study itself says what runs for each entry.
//! A param that is one value is swept by planning the study at each value. What comes out the same
//! everywhere is one node; any other, and all after it, is there once for each value it depends on,
//! named `net[batch=32]`. Its recipes are those of the study at that value, so a sweep and single
//! runs share their results, and another point computes that point only.

use std::collections::{BTreeMap, HashMap};

use flow_contract::Value;

use crate::check::plan;
use crate::complaints::Complaints;
use crate::graph::Graph;
use crate::mistake::ParamMistake;
use crate::nearest::nearest;
use crate::template::{Piece, Shape, safe};
use crate::{
    AxisValues, Node, NodeId, Plan, Problems, Request, Shown, Source, Template, item, range,
};

/// The most studies a sweep may plan.
const MOST_STUDIES: usize = 10_000;

/// A param that is one value, with the values it is to have.
struct Dimension {
    param: String,
    values: Vec<String>,
}

/// Plans a study at every combination of the values that `sweeps` give its params.
///
/// * `sweeps`: name and values, as in `("epsilon", "log(1e-3, 100, 6)")` or `("batch", "[16, 32]")`
///
/// # Errors
/// As [`plan`]; besides for an unknown param, a range that says nothing, a value twice, more than
/// 10,000 combinations, and where the study's folders or pools depend on what is swept.
pub fn plan_swept(request: &Request<'_>, sweeps: &[(String, String)]) -> Result<Plan, Problems> {
    let base = plan(request)?;
    if sweeps.is_empty() {
        return Ok(base);
    }
    let mut complaints = Complaints::new(request.name, request.text);
    let (lists, dimensions) = sort_out(&base, sweeps, &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints.finish());
    }
    let mut overrides = request.overrides.to_vec();
    overrides.extend(lists);
    let grid = Grid::new(dimensions);
    let mut studies = Vec::with_capacity(grid.len());
    for at in 0..grid.len() {
        let mut overrides = overrides.clone();
        overrides.extend(grid.overrides(at));
        let overrides = &overrides;
        studies.push(plan(&Request {
            overrides,
            ..*request
        })?);
    }
    if let Some(part) = changing_head(&studies) {
        for (name, text) in sweeps {
            let mistake = ParamMistake::SweptHead {
                name: name.clone(),
                part,
            };
            complaints.add_option("--sweep", format!("{name}={text}"), mistake);
        }
        return Err(complaints.finish());
    }
    Ok(Merge::new(grid, &studies).plan(&studies))
}

/// Sweeps of list params as overrides, and the dimensions of the others.
fn sort_out(
    base: &Plan,
    sweeps: &[(String, String)],
    complaints: &mut Complaints,
) -> (Vec<(String, String)>, Vec<Dimension>) {
    let (mut lists, mut dimensions) = (Vec::new(), Vec::<Dimension>::new());
    for (name, text) in sweeps {
        let mut refuse =
            |mistake| complaints.add_option("--sweep", format!("{name}={text}"), mistake);
        let given = |other: &str| other == name;
        if lists
            .iter()
            .any(|(other, _): &(String, String)| given(other))
            || dimensions.iter().any(|dimension| given(&dimension.param))
        {
            refuse(ParamMistake::SweptTwice { name: name.clone() });
            continue;
        }
        match base.params.get(name) {
            None => refuse(ParamMistake::UnknownSet {
                name: name.clone(),
                nearest: nearest(name, base.params.keys().map(String::as_str)),
                params: base.params.keys().cloned().collect(),
            }),
            Some(Value::List(_)) => lists.push((name.clone(), text.clone())),
            Some(_) => match values(text) {
                Ok(values) => dimensions.push(Dimension {
                    param: name.clone(),
                    values,
                }),
                Err(why) => refuse(ParamMistake::SweptValues {
                    name: name.clone(),
                    why,
                }),
            },
        }
    }
    let studies = dimensions.iter().map(|dimension| dimension.values.len());
    if studies.fold(1, usize::saturating_mul) > MOST_STUDIES
        && let Some(last) = dimensions.last()
    {
        let why = format!("with the others it gives more than {MOST_STUDIES} studies");
        let name = last.param.clone();
        let text = format!("{name}=…");
        complaints.add_option("--sweep", text, ParamMistake::SweptValues { name, why });
    }
    (lists, dimensions)
}

/// The values of a list or range, each as `--set` takes it.
fn values(text: &str) -> Result<Vec<String>, String> {
    let values = match item::read_override(text) {
        Value::List(values) => values,
        Value::Text(text) => range::values(&text).unwrap_or(Ok(vec![Value::Text(text)]))?,
        single => vec![single],
    };
    let mut texts: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let text = match value {
            Value::List(_) | Value::Map(_) | Value::Null => {
                return Err(format!("{} is among the values", value.sort()));
            }
            value => value.to_string(),
        };
        if texts.contains(&text) {
            return Err(format!("`{text}` is there twice"));
        }
        texts.push(text);
    }
    match texts.is_empty() {
        true => Err("there are no values".to_owned()),
        false => Ok(texts),
    }
}

/// What of the study itself changes over the sweep, which it may not.
fn changing_head(studies: &[Plan]) -> Option<&'static str> {
    let first = studies.first()?;
    let differs = |same: fn(&Plan, &Plan) -> bool| studies.iter().any(|study| !same(first, study));
    if differs(|a, b| a.head.cache == b.head.cache) {
        return Some("`cache`");
    }
    if differs(|a, b| a.head.reports == b.head.reports) {
        return Some("`reports`");
    }
    differs(|a, b| a.pools == b.pools).then_some("[pools]")
}

/// All combinations of the values; the first dimension varies slowest.
struct Grid {
    dimensions: Vec<Dimension>,
}

/// A place on some dimensions: (dimension, value), ascending.
type Place = Vec<(usize, usize)>;

impl Grid {
    fn new(dimensions: Vec<Dimension>) -> Self {
        Self { dimensions }
    }

    fn len(&self) -> usize {
        self.dimensions.iter().map(|d| d.values.len()).product()
    }

    /// How far apart two neighbours on a dimension lie.
    fn stride(&self, dimension: usize) -> usize {
        let faster = &self.dimensions[dimension + 1..];
        faster.iter().map(|d| d.values.len()).product()
    }

    fn coordinate(&self, at: usize, dimension: usize) -> usize {
        at / self.stride(dimension) % self.dimensions[dimension].values.len()
    }

    fn overrides(&self, at: usize) -> impl Iterator<Item = (String, String)> + '_ {
        let each = self.dimensions.iter().enumerate();
        each.map(move |(d, dimension)| {
            let value = &dimension.values[self.coordinate(at, d)];
            (dimension.param.clone(), value.clone())
        })
    }

    /// The study at a place, at the first value of every other dimension.
    fn study(&self, place: &Place) -> usize {
        place.iter().map(|(d, value)| value * self.stride(*d)).sum()
    }

    /// All places on some dimensions.
    fn places(&self, dimensions: &[usize]) -> Vec<Place> {
        let mut places: Vec<Place> = vec![Vec::new()];
        for d in dimensions {
            let values = 0..self.dimensions[*d].values.len();
            let longer = |place: &Place| {
                let place = place.clone();
                values
                    .clone()
                    .map(move |value| [place.clone(), vec![(*d, value)]].concat())
            };
            places = places.iter().flat_map(longer).collect();
        }
        places
    }

    fn labels(&self, place: &Place) -> Vec<(String, String)> {
        let label = |(d, value): &(usize, usize)| {
            let dimension = &self.dimensions[*d];
            (dimension.param.clone(), dimension.values[*value].clone())
        };
        place.iter().map(label).collect()
    }
}

/// Which node of the merged plan stands for which node of the study, and where.
struct Merge {
    grid: Grid,
    /// By node of the study: the dimensions that change it or anything before it, ascending.
    dimensions: Vec<Vec<usize>>,
    ids: HashMap<(NodeId, Place), NodeId>,
    /// The merged nodes in order.
    order: Vec<(NodeId, Place)>,
}

impl Merge {
    fn new(grid: Grid, studies: &[Plan]) -> Self {
        let dimensions = changed_by(&grid, studies);
        let mut order = Vec::new();
        for (at, dimensions) in dimensions.iter().enumerate() {
            let places = grid.places(dimensions).into_iter();
            order.extend(places.map(|place| (NodeId(at as u32), place)));
        }
        let each = order.iter().cloned().enumerate();
        let ids = each.map(|(at, key)| (key, NodeId(at as u32))).collect();
        Self {
            grid,
            dimensions,
            ids,
            order,
        }
    }

    fn plan(&self, studies: &[Plan]) -> Plan {
        let nodes: Vec<Node> = self
            .order
            .iter()
            .map(|(id, place)| self.node(&studies[self.grid.study(place)], *id, place))
            .collect();
        let first = &studies[0];
        let mut params = first.params.clone();
        for dimension in &self.grid.dimensions {
            let values = dimension
                .values
                .iter()
                .map(|text| item::read_override(text));
            params.insert(dimension.param.clone(), Value::List(values.collect()));
        }
        let named = nodes.iter().enumerate();
        Plan {
            head: first.head.clone(),
            params,
            pools: first.pools.clone(),
            names: named
                .map(|(at, n)| (n.name.clone(), NodeId(at as u32)))
                .collect(),
            graph: self.graph(studies),
            report: first.report.clone().map(|mut report| {
                for section in &mut report.sections {
                    section.show = section
                        .show
                        .iter()
                        .flat_map(|one| self.shown(one))
                        .collect();
                }
                report
            }),
            nodes,
        }
    }

    fn node(&self, study: &Plan, id: NodeId, place: &Place) -> Node {
        let mut node = study.node(id).clone();
        for source in node
            .bindings
            .iter_mut()
            .flat_map(|binding| &mut binding.sources)
        {
            if let Source::Output { node, .. } = source {
                *node = self.before(*node, place);
            }
        }
        for axis in &mut node.axes {
            if let AxisValues::Rows { node, .. } = &mut axis.values {
                *node = self.before(*node, place);
            }
        }
        node.swept = self.grid.labels(place);
        if node.swept.is_empty() {
            return node;
        }
        let labels: Vec<String> = node.swept.iter().map(|(p, v)| format!("{p}={v}")).collect();
        let folder: String = labels
            .iter()
            .map(|label| format!("{}/", safe(label)))
            .collect();
        for publish in &mut node.publish {
            publish.path = below(&folder, &publish.path);
        }
        node.name = format!("{}[{}]", node.name, labels.join(","));
        node
    }

    /// The merged node that stands before one at `place`: what changes it changes the other too.
    fn before(&self, id: NodeId, place: &Place) -> NodeId {
        let own = &self.dimensions[id.index()];
        let place: Place = place
            .iter()
            .filter(|(d, _)| own.contains(d))
            .copied()
            .collect();
        self.ids[&(id, place)]
    }

    fn graph(&self, studies: &[Plan]) -> Graph {
        let edges = self.order.iter().enumerate().flat_map(|(at, (id, place))| {
            let from = studies[self.grid.study(place)].dependencies(*id).iter();
            from.map(move |from| (self.before(*from, place), NodeId(at as u32)))
        });
        let edges: Vec<(NodeId, NodeId)> = edges.collect();
        Graph::new(self.order.len(), &edges)
            .expect("each study has no circle, and no edge leaves it")
    }

    fn shown(&self, shown: &Shown) -> Vec<Shown> {
        let places = self.grid.places(&self.dimensions[shown.node.index()]);
        let at = |place: Place| Shown {
            node: self.ids[&(shown.node, place)],
            ..shown.clone()
        };
        places.into_iter().map(at).collect()
    }
}

/// By node: the dimensions along which it, or anything before it, is not always the same.
fn changed_by(grid: &Grid, studies: &[Plan]) -> Vec<Vec<usize>> {
    let first = &studies[0];
    let mut changed: Vec<Vec<usize>> = vec![Vec::new(); first.nodes.len()];
    for d in 0..grid.dimensions.len() {
        let stride = grid.stride(d);
        let neighbours: Vec<(usize, usize)> = (0..grid.len())
            .filter(|at| grid.coordinate(*at, d) > 0)
            .map(|at| (at - stride, at))
            .collect();
        for &id in first.order() {
            let own = || {
                neighbours
                    .iter()
                    .any(|(a, b)| !studies[*a].node(id).says_as(studies[*b].node(id)))
            };
            // What a node takes from is the same in all studies unless the node itself is not.
            let from = first
                .dependencies(id)
                .iter()
                .any(|from| changed[from.index()].contains(&d));
            if from || own() {
                changed[id.index()].push(d);
            }
        }
    }
    changed
}

/// A path below a folder.
fn below(folder: &str, path: &Template) -> Template {
    let words = Piece::Words(folder.to_owned());
    match &path.0 {
        Shape::Text(pieces) => {
            let mut all = vec![words];
            all.extend(pieces.iter().cloned());
            Template(Shape::Text(all))
        }
        _ => Template::fixed(Value::Text(format!("{folder}{}", path.written()))),
    }
}

impl Node {
    /// Whether another node of the same name says the same, wherever it stands.
    fn says_as(&self, other: &Self) -> bool {
        self.params == other.params
            && self.bindings == other.bindings
            && self.axes == other.axes
            && self.combine == other.combine
            && self.seed == other.seed
            && self.publish == other.publish
            && self.resources == other.resources
            && (self.retries, self.timeout, self.keep) == (other.retries, other.timeout, other.keep)
    }

    /// The name in the study file, without the values of a sweep.
    #[must_use]
    pub fn study_name(&self) -> &str {
        match self.swept.is_empty() {
            true => &self.name,
            false => self.name.split('[').next().unwrap_or(&self.name),
        }
    }
}

/// The values of every swept param, by param; for messages.
pub(crate) fn swept_values<'n>(
    nodes: impl Iterator<Item = &'n Node>,
) -> BTreeMap<&'n str, Vec<&'n str>> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (param, value) in nodes.flat_map(|node| &node.swept) {
        let known = values.entry(param).or_default();
        if !known.contains(&value.as_str()) {
            known.push(value);
        }
    }
    values
}
