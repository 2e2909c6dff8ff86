//! What a node is at one of its points.

use std::fmt;
use std::sync::Arc;

use flow_contract::{Kind, Labels, ParamProblem, Params, Row, Value};

use crate::conform::{Fault, complete, conform};
use crate::plan::Told;
use crate::{Node, Point, Template};

/// A param that can't have the value it gets at a point, because of a row known only at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamError {
    /// The param, or `seed`.
    pub param: String,
    /// The instance.
    pub labels: Labels,
    /// What is wrong, after the param's name.
    pub what: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.param, self.what)?;
        match self.labels.is_empty() {
            true => Ok(()),
            false => write!(f, ", at {}", self.labels),
        }
    }
}

impl std::error::Error for ParamError {}

impl Node {
    /// The params of an instance: filled in, canonical, complete with defaults, checked again.
    ///
    /// `kind` is the node's own kind.
    ///
    /// # Errors
    /// [`ParamError`] for the first param that a row of an axis gives a value it can't have.
    pub fn params_at(&self, point: &Point, kind: &dyn Kind) -> Result<Arc<Params>, ParamError> {
        let given = match &self.told {
            Told::Settled(params) => return Ok(Arc::clone(params)),
            Told::PerPoint(given) => given,
        };
        let params = complete(kind, |spec| {
            let template = given.get(spec.name);
            let value = template.map(|template| conform(template, &spec.ty, &point.scope));
            value
                .transpose()
                .map_err(|fault| fault_at(spec.name, point, &fault))
        })?;
        let check = |(name, value): (&str, &Value)| kind.check_param(name, value).err();
        if let Some(problem) = params.iter().find_map(check) {
            return Err(refused_at(point, vec![problem]));
        }
        match kind.check(&params) {
            Ok(()) => Ok(Arc::new(params)),
            Err(problems) => Err(refused_at(point, problems)),
        }
    }

    /// Whether an output is any number of files, as many as match its path: `parts/*.csv`.
    #[must_use]
    pub fn gives_many(&self, output: &str) -> bool {
        self.many.iter().any(|port| port == output)
    }

    /// The seed of an instance; `None` where the kind is not seeded.
    ///
    /// # Errors
    /// [`ParamError`] where a row of an axis gives no whole number from 0.
    pub fn seed_at(&self, point: &Point) -> Result<Option<u64>, ParamError> {
        let Some(template) = &self.seed else {
            return Ok(None);
        };
        let seed = seed(template, point).map_err(|fault| fault_at("seed", point, &fault))?;
        Ok(Some(seed))
    }
}

/// What a seed may be.
pub(crate) const SEED: flow_contract::ParamType = flow_contract::ParamType::Int {
    min: 0,
    max: i64::MAX,
};

fn seed(template: &Template, point: &Point) -> Result<u64, Fault> {
    let seed = conform(template, &SEED, &point.scope)?;
    Ok(seed.as_int().map_or(0, i64::unsigned_abs))
}

fn fault_at(param: &str, point: &Point, fault: &Fault) -> ParamError {
    ParamError {
        param: param.to_owned(),
        labels: point.labels.clone(),
        what: fault.title(),
        help: fault.help(),
    }
}

fn refused_at(point: &Point, problems: Vec<ParamProblem>) -> ParamError {
    let first = problems.into_iter().next();
    let first = first.unwrap_or_else(|| ParamProblem {
        param: String::new(),
        what: "refused without a reason".to_owned(),
        help: String::new(),
    });
    ParamError {
        param: first.param,
        labels: point.labels.clone(),
        what: format!("can't be used: {}", first.what),
        help: Some(first.help),
    }
}

/// The row of a file that an axis `{ files = "…" }` found: the column named like the axis is the
/// file's name without its extension, `name` has it with, `path` is the path as found.
#[must_use]
pub fn file_row(axis: &str, path: &str) -> Row {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = match name.rfind('.') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    };
    Row::from([
        ("path".to_owned(), Value::from(path)),
        ("name".to_owned(), Value::from(name)),
        (axis.to_owned(), Value::from(stem)),
    ])
}
