//! Rules as text: `name(value, …, parameter=value)`.

use crate::spelling::nearest;
use std::fmt;

/// The largest number a rule takes. Single precision ends at 3e38: this leaves room for weights, inputs and sums
/// of 1e8, and for weights and inputs of 1e-8 where relevance is divided by it.
pub(crate) const MOST: f64 = 1e30;
/// The smallest number above 0 that a rule takes, for the same reason.
pub(crate) const LEAST: f64 = 1e-30;

/// A parameter of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub wants: Wants,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wants {
    /// A finite number.
    Number {
        /// The value where none is given; `None` where one must be.
        usual: Option<f64>,
        /// The largest it may be; the smallest is 0, the smallest above it 1e-30.
        most: f64,
    },
    /// One of these words; the first where none is given.
    Word(&'static [&'static str]),
    /// A finite number, or a list of them in brackets.
    Numbers,
    /// A whole number from 1.
    Count {
        /// The number where none is given.
        usual: usize,
        /// The largest it may be.
        most: usize,
    },
}

impl fmt::Display for Wants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { most, .. } => write!(f, "0 or a number from {LEAST:e} to {most:e}"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
            Self::Numbers => write!(f, "a number or a list `[1,2,…]`, within ±{MOST:e}"),
            Self::Count { most, .. } => write!(f, "a whole number from 1 to {most}"),
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// One of the parameter's words.
    Word(&'static str),
    /// One number or more.
    Numbers(Vec<f64>),
}

impl Value {
    /// The number; NaN for a word, which the parameter's `wants` rules out.
    pub(crate) fn number(&self) -> f64 {
        self.numbers().first().copied().unwrap_or(f64::NAN)
    }

    /// The numbers; none for a word.
    pub(crate) fn numbers(&self) -> &[f64] {
        match self {
            Self::Number(value) => std::slice::from_ref(value),
            Self::Numbers(values) => values,
            Self::Word(_) => &[],
        }
    }

    /// Whether this is the word.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if *own == word)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&brief(*value)),
            Self::Word(word) => f.write_str(word),
            Self::Numbers(values) if values.len() == 1 => f.write_str(&brief(values[0])),
            Self::Numbers(values) => {
                let values: Vec<_> = values.iter().copied().map(brief).collect();
                write!(f, "[{}]", values.join(","))
            }
        }
    }
}

/// A number that reads back to the same: as `0.01` and `1000` where that is short, else as `1e30`.
fn brief(value: f64) -> String {
    /// `0.000001` and `10000000` are written out.
    const SHORT: usize = 8;
    let plain = value.to_string();
    let exponent = || format!("{value:e}");
    match plain.len() <= SHORT {
        true => plain,
        false => [plain, exponent()]
            .into_iter()
            .min_by_key(String::len)
            .unwrap_or_default(),
    }
}

/// What is wrong with the text of a rule, a preset or a method.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// The text doesn't begin with a name.
    #[error("`{text}` is no name of a rule")]
    NoName {
        /// The text.
        text: String,
    },
    /// A parenthesis or bracket isn't closed.
    #[error("`{text}` lacks its closing `{closing}`")]
    Open {
        /// The text.
        text: String,
        /// What is missing.
        closing: char,
    },
    /// No rule of this name.
    #[error("no rule `{name}`{}", rather(.nearest, || {
        let names: Vec<_> = super::RULES.iter().map(|kind| kind.name).collect();
        format!("; there are {}", names.join(", "))
    }))]
    UnknownRule {
        /// The name.
        name: String,
        /// The closest right name.
        nearest: Option<&'static str>,
    },
    /// No parameter of this name.
    #[error("`{rule}` has no parameter `{name}`{}", rather(.nearest, String::new))]
    UnknownParameter {
        /// The rule.
        rule: &'static str,
        /// The name.
        name: String,
        /// The closest right name.
        nearest: Option<&'static str>,
    },
    /// A parameter without value.
    #[error("`{rule}` needs `{parameter}`: {wants}")]
    Missing {
        /// The rule.
        rule: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What it takes.
        wants: Wants,
    },
    /// A parameter with two values.
    #[error("`{parameter}` of `{rule}` is given twice")]
    Twice {
        /// The rule.
        rule: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// A value the parameter doesn't take.
    #[error("`{parameter}` of `{rule}` is `{value}`, must be {wants}{}", rather(.nearest, String::new))]
    BadValue {
        /// The rule.
        rule: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The value.
        value: String,
        /// What it takes.
        wants: Wants,
        /// The closest right word.
        nearest: Option<&'static str>,
    },
    /// More values than parameters.
    #[error("`{rule}` takes {}, has `{value}` too many", takes(.parameters))]
    TooMany {
        /// The rule.
        rule: &'static str,
        /// What it takes.
        parameters: &'static [Parameter],
        /// The first value too many.
        value: String,
    },
    /// α − β isn't 1.
    #[error("`alpha-beta` needs alpha − beta = 1, has {alpha} − {beta}")]
    AlphaMinusBeta {
        /// α
        alpha: f64,
        /// β
        beta: f64,
    },
    /// The box holds nothing.
    #[error("`z-box` needs low ≤ high, has {low} > {high}")]
    EmptyBox {
        /// The lower side.
        low: f64,
        /// The upper side.
        high: f64,
    },
    /// The sides of the box are given for different numbers of channels.
    #[error("`z-box` has {low} values in low and {high} in high")]
    BoxSides {
        /// Values of the lower side.
        low: usize,
        /// Values of the upper side.
        high: usize,
    },
}

fn rather(nearest: &Option<&'static str>, otherwise: impl FnOnce() -> String) -> String {
    nearest.map_or_else(otherwise, |name| format!(", did you mean `{name}`?"))
}

fn takes(parameters: &[Parameter]) -> String {
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}

/// A name and what is given to it, still as text.
#[derive(Debug, PartialEq)]
pub(crate) struct Call<'a> {
    pub(crate) name: &'a str,
    given: Vec<(Option<&'a str>, &'a str)>,
}

impl<'a> Call<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, RuleError> {
        let text = text.trim();
        let (name, given) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inside = rest.strip_suffix(')').ok_or_else(|| open(text, ')'))?;
                (name.trim_end(), Some(inside))
            }
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            let text = text.to_owned();
            return Err(RuleError::NoName { text });
        }
        let given = match given.map(str::trim) {
            None | Some("") => Vec::new(),
            Some(inside) => split(inside, ',')?.into_iter().map(pair).collect(),
        };
        Ok(Self { name, given })
    }

    /// One value a parameter, in their order.
    pub(crate) fn arguments(
        &self,
        rule: &'static str,
        parameters: &'static [Parameter],
    ) -> Result<Vec<Value>, RuleError> {
        let mut values: Vec<Option<Value>> = vec![None; parameters.len()];
        for (place, &(name, value)) in self.given.iter().enumerate() {
            let at = match name {
                Some(name) => named(rule, parameters, name)?,
                None if place < parameters.len() => place,
                None => {
                    let value = value.to_owned();
                    return Err(RuleError::TooMany {
                        rule,
                        parameters,
                        value,
                    });
                }
            };
            let value = read(rule, &parameters[at], value)?;
            if values[at].replace(value).is_some() {
                let parameter = parameters[at].name;
                return Err(RuleError::Twice { rule, parameter });
            }
        }
        let or_usual = |(value, parameter): (Option<Value>, &Parameter)| {
            value
                .or_else(|| usual(parameter))
                .ok_or(RuleError::Missing {
                    rule,
                    parameter: parameter.name,
                    wants: parameter.wants,
                })
        };
        values.into_iter().zip(parameters).map(or_usual).collect()
    }
}

fn open(text: &str, closing: char) -> RuleError {
    let text = text.to_owned();
    RuleError::Open { text, closing }
}

/// Cuts at the separators outside brackets and parentheses, and trims the pieces.
pub(crate) fn split(text: &str, separator: char) -> Result<Vec<&str>, RuleError> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    let mut closings = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => closings.push(')'),
            '[' => closings.push(']'),
            ')' | ']' if closings.last() == Some(&c) => drop(closings.pop()),
            _ if c == separator && closings.is_empty() => {
                pieces.push(text[from..at].trim());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(text[from..].trim());
    match closings.pop() {
        Some(closing) => Err(open(text, closing)),
        None => Ok(pieces),
    }
}

fn pair(piece: &str) -> (Option<&str>, &str) {
    match piece.split_once('=') {
        Some((name, value)) => (Some(name.trim()), value.trim()),
        None => (None, piece),
    }
}

fn named(
    rule: &'static str,
    parameters: &'static [Parameter],
    name: &str,
) -> Result<usize, RuleError> {
    let names = || parameters.iter().map(|parameter| parameter.name);
    names()
        .position(|own| own == name)
        .ok_or_else(|| RuleError::UnknownParameter {
            rule,
            name: name.to_owned(),
            nearest: nearest(name, names()),
        })
}

fn usual(parameter: &Parameter) -> Option<Value> {
    match parameter.wants {
        Wants::Number { usual, .. } => usual.map(Value::Number),
        Wants::Word(words) => words.first().copied().map(Value::Word),
        Wants::Numbers => None,
        Wants::Count { usual, .. } => Some(Value::Number(usual as f64)),
    }
}

fn read(rule: &'static str, parameter: &Parameter, text: &str) -> Result<Value, RuleError> {
    let value = match parameter.wants {
        Wants::Number { most, .. } => number(text)
            .filter(|&value| value == 0.0 || (LEAST..=most).contains(&value))
            .map(Value::Number),
        Wants::Word(words) => words
            .iter()
            .copied()
            .find(|&word| word == text)
            .map(Value::Word),
        Wants::Numbers => numbers(text).map(Value::Numbers),
        Wants::Count { most, .. } => number(text)
            .filter(|&n| n.fract() == 0.0 && (1.0..=most as f64).contains(&n))
            .map(Value::Number),
    };
    value.ok_or_else(|| RuleError::BadValue {
        rule,
        parameter: parameter.name,
        value: text.to_owned(),
        wants: parameter.wants,
        nearest: match parameter.wants {
            Wants::Word(words) => nearest(text, words.iter().copied()),
            _ => None,
        },
    })
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
}

/// One number or a list, none beyond [`MOST`].
fn numbers(text: &str) -> Option<Vec<f64>> {
    let number = |text| number(text).filter(|value| value.abs() <= MOST);
    let inside = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match inside {
        Some(inside) => inside.split(',').map(number).collect(),
        None => number(text).map(|value| vec![value]),
    }
}

/// Writes the shortest text that reads back: words that are usual are left out.
pub(crate) fn write_call(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    parameters: &[Parameter],
    values: &[Value],
) -> fmt::Result {
    let said = |(parameter, value): (&Parameter, &Value)| match (parameter.wants, value) {
        (Wants::Word(words), Value::Word(word)) if words.first() == Some(word) => None,
        (Wants::Word(_), word) => Some(format!("{}={word}", parameter.name)),
        (_, value) => Some(value.to_string()),
    };
    let said: Vec<_> = parameters.iter().zip(values).filter_map(said).collect();
    match said.is_empty() {
        true => f.write_str(name),
        false => write!(f, "{name}({})", said.join(",")),
    }
}
