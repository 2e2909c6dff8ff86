//! The params of a node and its seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow_contract::{Kind, ParamProblem, ParamSpec, Params, Row, Value};

use crate::complaints::Complaints;
use crate::conform::{Fault, complete, conform};
use crate::item::Item;
use crate::mistake::NodeMistake;
use crate::points::listed_row;
use crate::problem::Mark;
use crate::refer::DraftAxis;
use crate::words::wants;
use crate::{AxisValues, Scope, Span, Template};

use super::nodes::{Draft, output_path};
use super::{Outline, Study};

/// Values of an axis that are tried while planning; the rest is tried when an instance begins.
const MOST_TRIED: usize = 4096;

/// Values of an axis for which a kind is asked while planning.
const MOST_ASKED: usize = 256;

/// Reads what the kind is told.
pub(super) fn read_all(
    study: &Study<'_>,
    outline: &Outline<'_>,
    kind: &dyn Kind,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    let before = complaints.count();
    let descriptor = kind.descriptor();
    let mut fixed = BTreeMap::new();
    for spec in descriptor.params {
        let declared = descriptor.open_ports && spec.name == "outputs";
        let template = match outline.table.get(spec.name) {
            Some(item) if declared => outputs(study, outline, item, complaints),
            Some(item) => study.names_of(outline).template(item, complaints),
            None if declared => Some(Template::fixed(Value::Map(BTreeMap::new()))),
            None => {
                if spec.default.is_none() {
                    complaints.add(outline.span, missing(descriptor.name, spec));
                }
                continue;
            }
        };
        let Some(template) = template else {
            continue;
        };
        let about = (descriptor.name, spec);
        let value = check(study, outline, about, &template, complaints);
        fixed.extend(value.map(|value| (spec.name, value)));
        draft.params.insert(spec.name.to_owned(), template);
    }
    seed(study, outline, kind, draft, complaints);
    if complaints.count() != before {
        return;
    }
    if fixed.len() == draft.params.len() {
        draft.settled = ask_fixed(outline, kind, fixed, complaints).map(Arc::new);
    } else {
        ask(outline, kind, &draft.params, complaints);
    }
}

fn missing(kind: &str, spec: &ParamSpec) -> NodeMistake {
    NodeMistake::ParamMissing {
        kind: kind.to_owned(),
        param: spec.name.to_owned(),
        wants: with_unit(wants(&spec.ty), spec.unit),
        doc: spec.doc.to_owned(),
    }
}

fn with_unit(wants: String, unit: &str) -> String {
    match unit.is_empty() {
        true => wants,
        false => format!("{wants}, in {unit}"),
    }
}

/// The declared outputs as a param: port → path inside the node's folder.
fn outputs(
    study: &Study<'_>,
    outline: &Outline<'_>,
    item: &Item<'_>,
    complaints: &mut Complaints,
) -> Option<Template> {
    let crate::item::Data::Table(table) = &item.data else {
        return None;
    };
    let mut paths = BTreeMap::new();
    for entry in &table.entries {
        let Some(path) = output_path(&entry.item) else {
            if matches!(entry.item.data, crate::item::Data::Table(_)) {
                let what = format!("output `{}` without a `path`", entry.key);
                super::wrong_sort(&entry.item, &what, "{ path = \"…\" }", complaints);
            }
            continue;
        };
        if path.text().is_none() {
            super::wrong_sort(path, "the path of an output", "text", complaints);
            continue;
        }
        let Some(template) = study.names_of(outline).template(path, complaints) else {
            continue;
        };
        let written = template.written();
        if super::publish::escape(&written).is_some() {
            complaints.add(path.span, NodeMistake::OutputEscapes { path: written });
        }
        paths.insert(entry.key.to_string(), template);
    }
    Some(Template(crate::template::Shape::Map(paths)))
}

/// The param or axis that a text names without its `$`, as in `"fold"` or `"{fold}"`.
fn bare_reference(study: &Study<'_>, outline: &Outline<'_>, fault: &Fault) -> Option<String> {
    let Fault::Type { value, .. } = fault else {
        return None;
    };
    let name = value.strip_prefix('"')?.strip_suffix('"')?;
    let name = name.trim_matches(['{', '}', '%', '@']);
    let axis = outline.axes.iter().any(|axis| axis.name == name);
    (axis || study.params.contains_key(name)).then(|| name.to_owned())
}

/// Tries the values that are known before anything runs; the value, where no axis changes it.
fn check(
    study: &Study<'_>,
    outline: &Outline<'_>,
    (kind, spec): (&str, &ParamSpec),
    template: &Template,
    complaints: &mut Complaints,
) -> Option<Value> {
    let used = template.axes();
    let mut last = None;
    let span = outline
        .table
        .get(spec.name)
        .map_or(outline.span, |item| item.span);
    for tried in tries(&outline.axes, &used, MOST_TRIED)? {
        match conform(template, &spec.ty, &tried.scope) {
            Ok(value) => last = Some(value),
            Err(fault) => {
                let mistake = NodeMistake::ParamValue {
                    kind: kind.to_owned(),
                    param: spec.name.to_owned(),
                    doc: spec.doc.to_owned(),
                    unit: spec.unit.to_owned(),
                    reference: bare_reference(study, outline, &fault),
                    fault,
                };
                complaints.add_with(span, mistake, tried.marks());
                return None;
            }
        }
    }
    last.filter(|_| used.is_empty())
}

/// A scope that is tried, with the axis value that sets it apart.
#[derive(Default)]
struct Tried {
    scope: Scope,
    value: Option<Span>,
}

impl Tried {
    fn marks(&self) -> Vec<Mark> {
        let label = "with this value".to_owned();
        self.value
            .map(|span| Mark { span, label })
            .into_iter()
            .collect()
    }
}

/// Scopes over listed axes, one axis at a time, the others at their first value; `None` where an
/// axis is known only at run time.
fn tries(axes: &[DraftAxis], used: &[&str], most: usize) -> Option<Vec<Tried>> {
    if used.is_empty() {
        return Some(vec![Tried::default()]);
    }
    let used = axes
        .iter()
        .filter(|axis| used.contains(&axis.name.as_str()));
    let used: Vec<(&DraftAxis, &[Value])> = used
        .map(|axis| match &axis.values {
            Some(AxisValues::Listed(values)) if !values.is_empty() => Some((axis, &values[..])),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let first = |(axis, values): &(&DraftAxis, &[Value])| {
        let row: Arc<Row> = Arc::new(listed_row(&axis.name, &values[0]));
        (Arc::<str>::from(axis.name.as_str()), row)
    };
    let base: Vec<_> = used.iter().map(first).collect();
    let mut tries = Vec::new();
    for (at, (axis, values)) in used.iter().enumerate() {
        for (value, span) in values.iter().zip(&axis.value_spans).take(most) {
            let mut rows = base.clone();
            rows[at].1 = Arc::new(listed_row(&axis.name, value));
            tries.push(Tried {
                scope: Scope(rows),
                value: Some(*span),
            });
        }
    }
    Some(tries)
}

/// Scopes over the axes whose values are listed and few; one empty scope where none are.
pub(super) fn tried_scopes(axes: &[DraftAxis]) -> Vec<Scope> {
    let few = |axis: &&DraftAxis| match &axis.values {
        Some(AxisValues::Listed(values)) => (1..=MOST_ASKED).contains(&values.len()),
        _ => false,
    };
    let listed = axes.iter().filter(few);
    let listed: Vec<&str> = listed.map(|axis| axis.name.as_str()).collect();
    let tries = tries(axes, &listed, MOST_ASKED).unwrap_or_default();
    tries.into_iter().map(|tried| tried.scope).collect()
}

fn seed(
    study: &Study<'_>,
    outline: &Outline<'_>,
    kind: &dyn Kind,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    let descriptor = kind.descriptor();
    let Some(item) = outline.table.get("seed") else {
        let seed = i64::try_from(study.head.seed).unwrap_or(i64::MAX);
        draft.seed = descriptor.seeded.then(|| Template::fixed(Value::Int(seed)));
        return;
    };
    if !descriptor.seeded {
        let kind = descriptor.name.to_owned();
        return complaints.add(item.span, NodeMistake::NotSeeded { kind });
    }
    let spec = ParamSpec {
        name: "seed",
        ty: crate::node::SEED,
        default: None,
        unit: "",
        doc: "the seed that randomness is drawn from",
    };
    let Some(template) = study.names_of(outline).template(item, complaints) else {
        return;
    };
    check(
        study,
        outline,
        (descriptor.name, &spec),
        &template,
        complaints,
    );
    draft.seed = Some(template);
}

/// Asks the kind about params that no axis changes; all params with defaults, where nothing is wrong.
fn ask_fixed(
    outline: &Outline<'_>,
    kind: &dyn Kind,
    mut fixed: BTreeMap<&str, Value>,
    complaints: &mut Complaints,
) -> Option<Params> {
    let specs = kind.descriptor().params.iter();
    let refused = specs.filter_map(|spec| kind.check_param(spec.name, fixed.get(spec.name)?).err());
    let mut problems: Vec<ParamProblem> = refused.collect();
    let params = complete(kind, |spec| Ok::<_, Fault>(fixed.remove(spec.name))).ok()?;
    if problems.is_empty() {
        problems = kind.check(&params).err().unwrap_or_default();
    }
    let good = problems.is_empty();
    let (tried, mut said) = (Tried::default(), Vec::new());
    for problem in problems {
        refuse(outline, kind, &tried, problem, &mut said, complaints);
    }
    good.then_some(params)
}

/// Asks the kind about the params that are known before anything runs.
fn ask(
    outline: &Outline<'_>,
    kind: &dyn Kind,
    params: &BTreeMap<String, Template>,
    complaints: &mut Complaints,
) {
    let mut said = Vec::new();
    for spec in kind.descriptor().params {
        if let Some(template) = params.get(spec.name) {
            ask_of_one(outline, kind, spec, template, &mut said, complaints);
        }
    }
    if !said.is_empty() {
        return;
    }
    let used: Vec<&str> = params.values().flat_map(Template::axes).collect();
    let Some(tries) = tries(&outline.axes, &used, MOST_ASKED) else {
        return;
    };
    for tried in tries {
        let Ok(params) = params_at(kind, params, &tried.scope) else {
            return;
        };
        for problem in kind.check(&params).err().unwrap_or_default() {
            refuse(outline, kind, &tried, problem, &mut said, complaints);
        }
    }
}

/// Asks the kind about one param, whatever is known of the others.
fn ask_of_one(
    outline: &Outline<'_>,
    kind: &dyn Kind,
    spec: &ParamSpec,
    template: &Template,
    said: &mut Vec<ParamProblem>,
    complaints: &mut Complaints,
) {
    for tried in tries(&outline.axes, &template.axes(), MOST_ASKED).unwrap_or_default() {
        let Ok(value) = conform(template, &spec.ty, &tried.scope) else {
            return;
        };
        if let Err(problem) = kind.check_param(spec.name, &value) {
            refuse(outline, kind, &tried, problem, said, complaints);
        }
    }
}

/// Complains of a param once, however many values of an axis lead to it.
fn refuse(
    outline: &Outline<'_>,
    kind: &dyn Kind,
    tried: &Tried,
    problem: ParamProblem,
    said: &mut Vec<ParamProblem>,
    complaints: &mut Complaints,
) {
    if said.contains(&problem) {
        return;
    }
    let item = outline.table.get(&problem.param);
    let span = item.map_or(outline.span, |item| item.span);
    let mistake = NodeMistake::ParamRefused {
        kind: kind.descriptor().name.to_owned(),
        param: problem.param.clone(),
        what: problem.what.clone(),
        help: problem.help.clone(),
    };
    complaints.add_with(span, mistake, tried.marks());
    said.push(problem);
}

fn params_at(
    kind: &dyn Kind,
    params: &BTreeMap<String, Template>,
    scope: &Scope,
) -> Result<Params, Fault> {
    complete(kind, |spec| {
        let template = params.get(spec.name);
        template
            .map(|template| conform(template, &spec.ty, scope))
            .transpose()
    })
}
