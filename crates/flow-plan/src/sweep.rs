//! `--sweep`: a study at several values of its params, as one plan.
//!
//! A list param is swept by giving it another list: the study itself says what runs for each entry.
//! A param that is one value is swept by planning the study at each point. What comes out the same
//! everywhere is one node; any other, and all after it, is there once for each value it depends on,
//! named `net[batch=32]`. Its recipes are those of the study at that value, so a sweep and single
//! runs share their results, and another point computes that point only.

mod dependence;
mod merge;
mod points;
mod read;

use std::collections::BTreeMap;

use crate::check::{plan, plan_at};
use crate::complaints::Complaints;
use crate::mistake::ParamMistake;
use crate::{Node, Plan, Problems, Request};
use dependence::Dependence;
use merge::Merge;

/// What the command line says of a sweep, in the words of `for_each`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Params and the values each is to have, as in `("epsilon", "log(1e-3, 100, 6)")`.
    pub values: Vec<(String, String)>,
    /// Params that walk together: `batch,rate`.
    pub zip: Vec<String>,
    /// Points left out, by some of their values: `batch=32,rate=0.1`.
    pub exclude: Vec<String>,
    /// Points added, with a value for each swept param.
    pub include: Vec<String>,
}

impl Sweep {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Plans a study at every point of a sweep: all combinations of the values, unless it says otherwise.
///
/// # Errors
/// As [`plan`]; besides for an unknown param, a range that says nothing, a value twice, more than
/// 10,000 points, and where the study's folders or pools depend on what is swept.
pub fn plan_swept(request: &Request<'_>, sweep: &Sweep) -> Result<Plan, Problems> {
    let base = plan(request)?;
    if sweep.is_empty() {
        return Ok(base);
    }
    let mut complaints = Complaints::new(request.name, request.text);
    let read = read::read(&base, request.overrides, sweep, &mut complaints);
    let Some(read::Read { lists, points }) = read else {
        return Err(complaints.finish());
    };
    let at = |coordinates: &[usize]| {
        let given = points.given(coordinates).into_iter();
        plan_at(
            request,
            &lists.iter().cloned().chain(given).collect::<Vec<_>>(),
        )
    };
    let studies = points.each().map(at).collect::<Result<Vec<Plan>, _>>()?;
    if let Some(part) = changing_head(&studies) {
        refuse_head(sweep, part, &mut complaints);
        return Err(complaints.finish());
    }
    let dependence = Dependence::of(&points, &studies, &at);
    Ok(Merge::new(points, dependence, base.nodes.len()).plan(&studies))
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

fn refuse_head(sweep: &Sweep, part: &'static str, complaints: &mut Complaints) {
    for (name, text) in &sweep.values {
        let name = name.clone();
        let text = format!("{name}={text}");
        complaints.add_option("--sweep", text, ParamMistake::SweptHead { name, part });
    }
}

impl Node {
    /// Whether another node of the same name says the same, wherever it stands.
    fn says_as(&self, other: &Self) -> bool {
        self.told == other.told
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
