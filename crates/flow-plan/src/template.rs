//! Values with references to axes in them, filled in for each instance.

use std::collections::BTreeMap;

use flow_contract::Value;
use serde::{Deserialize, Serialize};

use crate::{Scope, ScopeError};

/// A value of the study file with its params filled in and its axes still open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template(pub(crate) Shape);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// As written.
    Given(Value),
    /// The value of a param whose reference stood alone.
    Filled(Value),
    /// Text with at least one reference to an axis.
    Text(Vec<Piece>),
    /// Entries of which at least one has a reference.
    List(Vec<Template>),
    /// Values of which at least one has a reference.
    Map(BTreeMap<String, Template>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Piece {
    Words(String),
    Axis(Reference),
}

/// `$axis` or `$axis.column`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub axis: String,
    pub column: Option<String>,
    /// Where the row has no such column, `.column` is text: the extension of a file.
    pub or_words: bool,
}

impl Template {
    /// A template that is the same for every instance.
    #[must_use]
    pub fn fixed(value: Value) -> Self {
        Self(Shape::Given(value))
    }

    /// The value, where it is the same for every instance.
    #[must_use]
    pub fn as_fixed(&self) -> Option<&Value> {
        match &self.0 {
            Shape::Given(value) | Shape::Filled(value) => Some(value),
            _ => None,
        }
    }

    /// The value at a point.
    ///
    /// # Errors
    /// [`ScopeError`] where the point's row lacks the column.
    pub fn value_at(&self, scope: &Scope) -> Result<Value, ScopeError> {
        Ok(match &self.0 {
            Shape::Given(value) | Shape::Filled(value) => value.clone(),
            Shape::Text(pieces) => match pieces.as_slice() {
                [Piece::Axis(reference)] if scope.has(reference) => scope.value(reference)?.clone(),
                _ => Value::Text(self.text_at(scope)?),
            },
            Shape::List(list) => {
                let values = list.iter().map(|entry| entry.value_at(scope));
                Value::List(values.collect::<Result<_, _>>()?)
            }
            Shape::Map(map) => {
                let pairs = map.iter();
                let values = pairs.map(|(name, v)| Ok((name.clone(), v.value_at(scope)?)));
                Value::Map(values.collect::<Result<_, ScopeError>>()?)
            }
        })
    }

    /// The value at a point as text, such as the path of a file.
    ///
    /// # Errors
    /// [`ScopeError`] where the point's row lacks the column.
    pub fn text_at(&self, scope: &Scope) -> Result<String, ScopeError> {
        self.text_with(scope, &|value| value.to_string())
    }

    /// The same with every axis value as part of a file name: neither a separator nor a dot file.
    pub(crate) fn safe_text_at(&self, scope: &Scope) -> Result<String, ScopeError> {
        self.text_with(scope, &|value| safe(&value.to_string()))
    }

    fn text_with(
        &self,
        scope: &Scope,
        say: &dyn Fn(&Value) -> String,
    ) -> Result<String, ScopeError> {
        let Shape::Text(pieces) = &self.0 else {
            return Ok(self.value_at(scope)?.to_string());
        };
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Words(words) => text.push_str(words),
                Piece::Axis(reference) if scope.has(reference) || !reference.or_words => {
                    text.push_str(&say(scope.value(reference)?));
                }
                Piece::Axis(reference) => {
                    text.push_str(&say(scope.value(&reference.key())?));
                    text.push('.');
                    text.push_str(reference.column.as_deref().unwrap_or_default());
                }
            }
        }
        Ok(text)
    }

    /// The axes it refers to; may name one several times.
    pub fn axes(&self) -> Vec<&str> {
        let mut axes = Vec::new();
        self.gather_axes(&mut axes);
        axes
    }

    fn gather_axes<'a>(&'a self, axes: &mut Vec<&'a str>) {
        match &self.0 {
            Shape::Given(_) | Shape::Filled(_) => {}
            Shape::Text(pieces) => axes.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Axis(reference) => Some(reference.axis.as_str()),
                Piece::Words(_) => None,
            })),
            Shape::List(list) => list.iter().for_each(|entry| entry.gather_axes(axes)),
            Shape::Map(map) => map.values().for_each(|entry| entry.gather_axes(axes)),
        }
    }

    /// The text as it would be written, with `${axis}` for what is open.
    #[must_use]
    pub fn written(&self) -> String {
        let Shape::Text(pieces) = &self.0 else {
            return self.as_fixed().map(Value::to_string).unwrap_or_default();
        };
        let each = pieces.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Axis(reference) => match (&reference.column, reference.or_words) {
                (None, _) => format!("${{{}}}", reference.axis),
                (Some(column), false) => format!("${{{}.{column}}}", reference.axis),
                (Some(column), true) => format!("${{{}}}.{column}", reference.axis),
            },
        });
        each.collect()
    }
}

impl Reference {
    /// The axis' value itself.
    pub fn key(&self) -> Self {
        Self {
            axis: self.axis.clone(),
            column: None,
            or_words: false,
        }
    }
}

/// A value as part of a file name: letters, digits and `-_.+=,()@%` stay, all else is `_`.
pub(crate) fn safe(text: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "-_.+=,()@%".contains(c);
    let name: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "_".to_owned(),
        None => name,
    }
}

/// A piece of text as written: words, or a reference by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    Words(String),
    Reference(Named<'t>),
}

/// `$name`, `$name.tail`, `${name}` or `${name.tail}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named<'t> {
    pub name: &'t str,
    pub tail: Option<&'t str>,
    pub braced: bool,
    /// As it stands in the file.
    pub written: &'t str,
    /// Whether the text ends here.
    pub last: bool,
}

/// Cuts a text at its references; `$$` is a dollar sign, and so is a `$` before anything but a
/// name or `{`. `Err` holds what begins like a reference and is none.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, &str> {
    let mut tokens = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        words.push_str(&rest[..at]);
        let from = &rest[at..];
        let Some(reference) = named(from)? else {
            words.push('$');
            rest = from.strip_prefix("$$").unwrap_or(&from[1..]);
            continue;
        };
        if !words.is_empty() {
            tokens.push(Token::Words(std::mem::take(&mut words)));
        }
        rest = &from[reference.written.len()..];
        tokens.push(Token::Reference(reference));
    }
    words.push_str(rest);
    if !words.is_empty() {
        tokens.push(Token::Words(words));
    }
    Ok(tokens)
}

/// The reference at the start of `text`, which begins with `$`.
fn named(text: &str) -> Result<Option<Named<'_>>, &str> {
    if let Some(inside) = text.strip_prefix("${") {
        return braced(text, inside).map(Some);
    }
    let name = word(&text[1..]);
    if name.is_empty() {
        return Ok(None);
    }
    let after = &text[1 + name.len()..];
    let tail = after.strip_prefix('.').map(word).filter(|w| !w.is_empty());
    let length = 1 + name.len() + tail.map_or(0, |tail| 1 + tail.len());
    Ok(Some(Named {
        name,
        tail,
        braced: false,
        written: &text[..length],
        last: length == text.len(),
    }))
}

fn braced<'t>(text: &'t str, inside: &'t str) -> Result<Named<'t>, &'t str> {
    let end = inside.find('}').ok_or(text)?;
    let written = &text[..end + 3];
    let (name, tail) = match inside[..end].split_once('.') {
        Some((name, tail)) => (name, Some(tail)),
        None => (&inside[..end], None),
    };
    if name.is_empty() || word(name) != name || tail == Some("") {
        return Err(written);
    }
    Ok(Named {
        name,
        tail,
        braced: true,
        written,
        last: end + 3 == text.len(),
    })
}

/// The letters, digits and `_` at the start, if they begin with a letter or `_`.
fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    match text.chars().next() {
        Some(c) if c.is_alphabetic() || c == '_' => &text[..end],
        _ => "",
    }
}

/// Whether a name can stand after `$` without braces.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty() && word(name) == name
}

/// Extensions that `$axis.csv` may end in where the axis has no such column.
const EXTENSIONS: [&str; 43] = [
    "bdf",
    "bin",
    "csv",
    "edf",
    "fif",
    "gif",
    "gz",
    "h5",
    "hdf5",
    "htm",
    "html",
    "jpeg",
    "jpg",
    "json",
    "jsonl",
    "log",
    "mat",
    "md",
    "npy",
    "npz",
    "onnx",
    "parquet",
    "pdf",
    "pkl",
    "png",
    "pt",
    "py",
    "r",
    "rst",
    "safetensors",
    "sh",
    "svg",
    "tar",
    "tex",
    "tif",
    "toml",
    "tsv",
    "txt",
    "vhdr",
    "xlsx",
    "yaml",
    "yml",
    "zip",
];

/// Whether a word is the extension of a kind of file that studies read and write.
pub(crate) fn is_extension(word: &str) -> bool {
    EXTENSIONS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(&str, Option<&str>)> {
        let tokens = tokens(text).unwrap();
        let references = tokens.into_iter().filter_map(|token| match token {
            Token::Reference(named) => Some((named.name, named.tail)),
            Token::Words(_) => None,
        });
        references.collect()
    }

    #[test]
    fn references_are_found_and_dollars_are_kept() {
        assert_eq!(
            names("$a/${b}.c $d.e."),
            [("a", None), ("b", None), ("d", Some("e"))]
        );
        assert_eq!(names("awk '{print $1}' $(pwd) $? $$HOME 5$"), []);
        assert_eq!(
            tokens("$$HOME costs $5"),
            Ok(vec![Token::Words("$HOME costs $5".into())])
        );
    }

    #[test]
    fn half_a_reference_is_refused() {
        for text in ["${", "${a", "${}", "${a b}", "${a.}", "${1}"] {
            assert_eq!(tokens(text), Err(text));
        }
    }

    #[test]
    fn safe_names_stay_in_their_folder() {
        assert_eq!(safe("epsilon(0.01)"), "epsilon(0.01)");
        assert_eq!(safe("../a b"), "_._a_b");
        assert_eq!(safe(""), "_");
    }

    #[test]
    fn extensions_are_sorted() {
        assert!(EXTENSIONS.is_sorted());
    }
}
