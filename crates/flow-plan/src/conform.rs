//! Values made to fit what a kind says about its params.

use std::collections::BTreeMap;

use flow_contract::{Kind, ParamSpec, ParamType, Params, Value};

use crate::nearest::nearest;
use crate::template::Shape;
use crate::words::{names, wants, written};
use crate::{Scope, ScopeError, Template};

/// All params of a kind: what `given` has for each, else its default.
pub(crate) fn complete<E>(
    kind: &dyn Kind,
    mut given: impl FnMut(&ParamSpec) -> Result<Option<Value>, E>,
) -> Result<Params, E> {
    let mut values = BTreeMap::new();
    for spec in kind.descriptor().params {
        let default = || spec.default.as_ref().map(Value::from);
        if let Some(value) = given(spec)?.or_else(default) {
            values.insert(spec.name.to_owned(), value);
        }
    }
    Ok(Params::new(values))
}

/// Why a value doesn't fit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Of another sort.
    Type {
        wants: String,
        found: &'static str,
        value: String,
    },
    /// Outside the range.
    Range { wants: String, value: String },
    /// Not one of the words.
    Choice {
        choices: &'static [&'static str],
        value: String,
    },
    /// A row lacks a column.
    Scope(ScopeError),
}

impl Fault {
    /// After "`param` of `kind`".
    pub fn title(&self) -> String {
        self.title_in("")
    }

    /// The same with the unit of what is wanted.
    pub fn title_in(&self, unit: &str) -> String {
        let unit = match unit.is_empty() {
            true => String::new(),
            false => format!(" (in {unit})"),
        };
        match self {
            // Of a fraction where a whole number is wanted, the sort tells nothing.
            Self::Type {
                wants,
                found: "a number",
                value,
            } if wants.contains("whole number") => {
                format!("wants {wants}{unit}, but this is {value}")
            }
            Self::Type { wants, found, .. } => format!("wants {wants}{unit}, but this is {found}"),
            Self::Range { wants, value } => format!("wants {wants}{unit}, but this is {value}"),
            Self::Choice { choices, value } => {
                format!("wants one of {}, but this is `{value}`", names(choices))
            }
            Self::Scope(error) => format!("refers to what is not there: {error}"),
        }
    }

    pub fn label(&self) -> String {
        match self {
            Self::Type { found, .. } => (*found).to_owned(),
            Self::Range { .. } => "out of range".to_owned(),
            Self::Choice { .. } => "not a choice".to_owned(),
            Self::Scope(_) => "no such column".to_owned(),
        }
    }

    pub fn help(&self) -> Option<String> {
        match self {
            Self::Type { wants, value, .. } if wants == "text" => {
                Some(format!("write it in quotes: \"{value}\""))
            }
            Self::Type { wants, .. } if wants.starts_with("a list") => {
                Some("write a list, its entries in brackets and apart by commas".to_owned())
            }
            Self::Type { wants, value, .. } if value.starts_with('"') => {
                let bare = value.trim_matches('"');
                let is_number = bare.parse::<f64>().is_ok_and(|number| !number.is_nan());
                let help = match is_number || ["true", "false"].contains(&bare) {
                    true => format!("write it without quotes: {bare}"),
                    false => format!("write {wants}"),
                };
                Some(help)
            }
            Self::Type { wants, found, .. } if *found == "a list" => Some(format!(
                "write {wants}; to run the node for each entry, make it an axis of `for_each`"
            )),
            Self::Choice { choices, value } => nearest(value, choices.iter().copied())
                .map(|choice| format!("did you mean `{choice}`?")),
            _ => None,
        }
    }
}

/// The canonical value of a param at a point.
///
/// Whole numbers become floats where a number is wanted. A value that came by reference may also
/// become text, or a whole number if it is one; what is written out must be of the right sort.
pub(crate) fn conform(template: &Template, ty: &ParamType, scope: &Scope) -> Result<Value, Fault> {
    match (&template.0, ty) {
        (Shape::Given(value), _) => coerce(value, ty, Origin::Written),
        (Shape::Filled(value), _) => coerce(value, ty, Origin::Referred),
        (Shape::List(list), ParamType::List(inner)) => {
            let values = list.iter().map(|entry| conform(entry, inner, scope));
            Ok(Value::List(values.collect::<Result<_, _>>()?))
        }
        (Shape::Map(map), ParamType::Map(inner)) => {
            let pair = |(name, entry): (&String, &Template)| {
                Ok((name.clone(), conform(entry, inner, scope)?))
            };
            let map: BTreeMap<_, _> = map.iter().map(pair).collect::<Result<_, Fault>>()?;
            Ok(Value::Map(map))
        }
        (Shape::Text(_) | Shape::List(_) | Shape::Map(_), _) => {
            let value = template.value_at(scope).map_err(Fault::Scope)?;
            coerce(&value, ty, Origin::Referred)
        }
    }
}

/// Whether a value was written out where it is used.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Written,
    Referred,
}

fn coerce(value: &Value, ty: &ParamType, origin: Origin) -> Result<Value, Fault> {
    let fits = match (ty, value) {
        (ParamType::Bool, Value::Bool(_))
        | (ParamType::Text, Value::Text(_))
        | (ParamType::Int { .. }, Value::Int(_))
        | (ParamType::Float { .. }, Value::Float(_))
        | (ParamType::Choice(_), Value::Text(_))
        | (ParamType::Scalar, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)) => {
            value.clone()
        }
        (ParamType::Float { .. }, Value::Int(int)) => Value::Float(*int as f64),
        (ParamType::Int { .. }, Value::Float(float)) if origin == Origin::Referred => {
            whole(*float).ok_or_else(|| type_fault(value, ty))?
        }
        (
            ParamType::Text | ParamType::Choice(_),
            Value::Int(_) | Value::Float(_) | Value::Bool(_),
        ) if origin == Origin::Referred => Value::Text(value.to_string()),
        (ParamType::List(inner), Value::List(list)) => {
            let values = list.iter().map(|entry| coerce(entry, inner, origin));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        (ParamType::Map(inner), Value::Map(map)) => {
            let pair = |(name, v): (&String, &Value)| Ok((name.clone(), coerce(v, inner, origin)?));
            Value::Map(map.iter().map(pair).collect::<Result<_, Fault>>()?)
        }
        _ => return Err(type_fault(value, ty)),
    };
    in_range(fits, ty)
}

/// The whole number a float is, if it is one that floats hold exactly.
fn whole(float: f64) -> Option<Value> {
    let exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
    exact.then_some(Value::Int(float as i64))
}

fn in_range(value: Value, ty: &ParamType) -> Result<Value, Fault> {
    let inside = match (ty, &value) {
        (ParamType::Int { min, max }, Value::Int(int)) => (min..=max).contains(&int),
        (ParamType::Float { min, max }, Value::Float(float)) => (min..=max).contains(&float),
        (ParamType::Choice(choices), Value::Text(text)) => {
            if choices.contains(&text.as_str()) {
                true
            } else {
                return Err(Fault::Choice {
                    choices,
                    value: text.clone(),
                });
            }
        }
        _ => true,
    };
    match inside {
        true => Ok(value),
        false => Err(Fault::Range {
            wants: wants(ty),
            value: written(&value),
        }),
    }
}

fn type_fault(value: &Value, ty: &ParamType) -> Fault {
    Fault::Type {
        wants: wants(ty),
        found: match value {
            Value::Int(_) => "a whole number",
            other => other.sort(),
        },
        value: written(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOAT: ParamType = ParamType::Float { min: 0.0, max: 1.0 };
    const INT: ParamType = ParamType::Int { min: 1, max: 5 };

    fn given(value: Value, ty: &ParamType) -> Result<Value, Fault> {
        conform(&Template::fixed(value), ty, &Scope::default())
    }

    fn referred(value: Value, ty: &ParamType) -> Result<Value, Fault> {
        conform(&Template(Shape::Filled(value)), ty, &Scope::default())
    }

    #[test]
    fn whole_numbers_become_floats_and_ranges_hold() {
        assert_eq!(given(Value::Int(1), &FLOAT), Ok(Value::Float(1.0)));
        assert!(matches!(
            given(Value::Int(2), &FLOAT),
            Err(Fault::Range { .. })
        ));
        assert!(matches!(
            given(Value::Int(0), &INT),
            Err(Fault::Range { .. })
        ));
        assert!(matches!(
            given(Value::Float(2.0), &INT),
            Err(Fault::Type { .. })
        ));
        let list = Value::List(vec![Value::Int(1), Value::Float(0.5)]);
        let floats = Value::List(vec![Value::Float(1.0), Value::Float(0.5)]);
        assert_eq!(given(list, &ParamType::List(&FLOAT)), Ok(floats));
    }

    #[test]
    fn what_came_by_reference_may_change_its_sort() {
        assert_eq!(referred(Value::Float(2.0), &INT), Ok(Value::Int(2)));
        assert!(referred(Value::Float(2.5), &INT).is_err());
        assert_eq!(referred(Value::Int(3), &ParamType::Text), Ok("3".into()));
        assert!(given(Value::Int(3), &ParamType::Text).is_err());
    }
}
