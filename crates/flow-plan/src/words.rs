//! Small phrases that messages are made of.

use flow_contract::{Form, ParamType, PortType, Value};

/// How many names a message lists before it counts the rest.
const MOST_NAMES: usize = 12;

/// `` `a`, `b` and `c` ``; `and 5 more` at the end of a long list.
pub(crate) fn names<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{}`", n.as_ref())).collect();
    if quoted.len() > MOST_NAMES {
        let more = quoted.len() - MOST_NAMES;
        return format!("{} and {more} more", quoted[..MOST_NAMES].join(", "));
    }
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "none".to_owned(),
    }
}

/// `1 value`, `3 values`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// `did you mean …`, or what there is.
pub(crate) fn meant<S: AsRef<str>>(nearest: Option<&str>, all: &[S], what: &str) -> Option<String> {
    match nearest {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if all.is_empty() => None,
        None => Some(format!("{what}: {}", names(all))),
    }
}

/// What a param takes, as in `a number from 0 to 1`.
pub(crate) fn wants(ty: &ParamType) -> String {
    match ty {
        ParamType::Bool => "`true` or `false`".to_owned(),
        ParamType::Int { min, max } => {
            let from = (*min != i64::MIN).then(|| min.to_string());
            let to = (*max != i64::MAX).then(|| max.to_string());
            format!("a whole number{}", bounds(from, to))
        }
        ParamType::Float { min, max } => {
            let low = min.is_finite() && *min > f64::MIN;
            let high = max.is_finite() && *max < f64::MAX;
            let from = low.then(|| min.to_string());
            let to = high.then(|| max.to_string());
            format!("a number{}", bounds(from, to))
        }
        ParamType::Text => "text".to_owned(),
        ParamType::Choice(choices) => format!("one of {}", names(choices)),
        ParamType::List(inner) => format!("a list, each entry {}", wants(inner)),
        ParamType::Map(inner) => format!("a table, each value {}", wants(inner)),
        ParamType::Scalar => "a boolean, a number or text".to_owned(),
    }
}

fn bounds(from: Option<String>, to: Option<String>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        (Some(from), None) => format!(" from {from}"),
        (None, Some(to)) => format!(" up to {to}"),
        (None, None) => String::new(),
    }
}

/// A value as it would be written in the file, cut where it is long.
pub(crate) fn written(value: &Value) -> String {
    let text = match value {
        Value::Text(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(59).chain(['…']).collect()
}

/// The word for a form, as commands declare it.
pub(crate) fn form_word(form: Form) -> &'static str {
    match form {
        Form::File => "file",
        Form::Table => "table",
        Form::Tensors => "tensors",
        Form::Figure => "figure",
        Form::Picture => "picture",
        Form::Document => "document",
    }
}

/// A port's type with its axes, unit and form, nothing left out.
pub(crate) fn port_type(ty: &PortType) -> String {
    let form = form_word(ty.form);
    if ty.name == "any" {
        return format!("any {form}");
    }
    let unit = match (&ty.unit, ty.axes.is_empty()) {
        (None, false) => ", no unit",
        _ => "",
    };
    let form = match ty.name == form {
        true => String::new(),
        false => format!(" ({form})"),
    };
    format!("{ty}{unit}{form}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(names(&["a", "b", "c"]), "`a`, `b` and `c`");
        let many: Vec<String> = (0..20).map(|i| i.to_string()).collect();
        assert!(names(&many).ends_with("and 8 more"));
    }
}
