//! What a kind may be told, and what it was told.

use std::collections::BTreeMap;
use std::sync::Arc;

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// Sorted, each once; instances of one kind may share them.
    names: Arc<[String]>,
    /// One for each name.
    values: Vec<Value>,
}

impl Params {
    /// Params from canonical values.
    #[must_use]
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        let (names, values): (Vec<String>, Vec<Value>) = values.into_iter().unzip();
        Self {
            names: names.into(),
            values,
        }
    }

    /// Params from canonical values, one for each of the sorted names; `None` where they are not that.
    #[must_use]
    pub fn with_names(names: Arc<[String]>, values: Vec<Value>) -> Option<Self> {
        let fit = names.len() == values.len() && names.is_sorted_by(|a, b| a < b);
        fit.then_some(Self { names, values })
    }

    /// The names, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values in the order of the names.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// All names with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(String::as_str).zip(&self.values)
    }

    /// The value of a declared param.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        let place = self
            .names
            .binary_search_by(|other| other.as_str().cmp(name));
        place.map_or_else(
            |_| panic!("the kind reads `{name}` but does not declare it"),
            |place| &self.values[place],
        )
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
