//! What a kind may be told, and what it was told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Value;

/// The type of a param, with its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamType {
    /// True or false.
    Bool,
    /// A whole number, `min ..= max`.
    Int {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A number, `min ..= max`; integers are taken too.
    Float {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of values of one type.
    List(&'static ParamType),
    /// A table of values of one type, by name.
    Map(&'static ParamType),
    /// A scalar of any type: boolean, number or text.
    Scalar,
}

/// A default value that can stand in a `static`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'static str),
    /// Values in order.
    List(&'static [Literal]),
    /// Values by name.
    Map(&'static [(&'static str, Literal)]),
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(bool) => Self::Bool(*bool),
            Literal::Int(int) => Self::Int(*int),
            Literal::Float(float) => Self::Float(*float),
            Literal::Text(text) => Self::Text((*text).to_owned()),
            Literal::List(list) => Self::List(list.iter().map(Self::from).collect()),
            Literal::Map(map) => Self::Map(
                map.iter()
                    .map(|(name, v)| ((*name).to_owned(), v.into()))
                    .collect(),
            ),
        }
    }
}

/// A param a kind understands.
#[derive(Clone, Copy, Debug)]
pub struct ParamSpec {
    /// Its name in the study file.
    pub name: &'static str,
    /// Its type and range.
    pub ty: ParamType,
    /// The value when not given; `None` means it must be given.
    pub default: Option<Literal>,
    /// The unit of its value, `""` for none.
    pub unit: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
}

/// The params of one instance: canonical, complete with defaults, checked against the kind's specs.
///
/// The getters panic on a name or type the kind did not declare, which is a bug in the kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Params(BTreeMap<String, Value>);

impl Params {
    /// Params from canonical values.
    #[must_use]
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self(values)
    }

    /// All values by name, sorted.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.0
    }

    /// The value of a declared param.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("the kind reads `{name}` but does not declare it"))
    }

    /// A declared boolean.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        self.value(name)
            .as_bool()
            .unwrap_or_else(|| Self::wrong(name, "Bool"))
    }

    /// A declared whole number.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        self.value(name)
            .as_int()
            .unwrap_or_else(|| Self::wrong(name, "Int"))
    }

    /// A declared whole number whose range excludes negative ones.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or_else(|_| Self::wrong(name, "Int from 0"))
    }

    /// A declared number.
    #[must_use]
    pub fn float(&self, name: &str) -> f64 {
        self.value(name)
            .as_float()
            .unwrap_or_else(|| Self::wrong(name, "Float"))
    }

    /// A declared text or choice.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.value(name)
            .as_text()
            .unwrap_or_else(|| Self::wrong(name, "Text"))
    }

    /// A declared list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self
            .value(name)
            .as_list()
            .unwrap_or_else(|| Self::wrong(name, "List"));
        list.iter()
            .map(|v| v.as_text().unwrap_or_else(|| Self::wrong(name, "Text")))
            .collect()
    }

    fn wrong<T>(name: &str, ty: &str) -> T {
        panic!("the kind reads `{name}` as {ty}, which is not how it declares it")
    }
}
