//! `[params]`, `--set`, and the values of `--sweep`.

use std::collections::HashMap;

use flow_contract::Value;

use crate::complaints::Complaints;
use crate::graph::Graph;
use crate::item::{self, Data, Table};
use crate::mistake::{FileMistake, ParamMistake};
use crate::nearest::nearest;
use crate::refer::{Names, ParamValues, refuse_too_much};
use crate::template::{Token, is_word, tokens};
use crate::{NodeId, Span, range};

/// A param before its references are filled in.
struct Raw {
    name: String,
    span: Span,
    value: Option<Value>,
}

/// Reads the params, puts overrides in place and fills in their references to each other.
pub(super) fn read(
    table: Option<&Table<'_>>,
    overrides: &[(String, String)],
    swept: &[(String, String)],
    complaints: &mut Complaints,
) -> ParamValues {
    let entries = table.map_or(&[][..], |table| &table.entries);
    let mut raw: Vec<Raw> = Vec::with_capacity(entries.len());
    for entry in entries {
        if !is_word(&entry.key) {
            let name = entry.key.to_string();
            complaints.add(
                entry.key_span,
                FileMistake::BadName {
                    what: "a param",
                    name,
                },
            );
        }
        if let Data::Table(_) = entry.item.data {
            let what = format!("param `{}`", entry.key);
            super::wrong_sort(
                &entry.item,
                &what,
                "a value or a list of values",
                complaints,
            );
        }
        let value = entry.item.value();
        raw.push(Raw {
            name: entry.key.to_string(),
            span: entry.item.span,
            value: value.filter(|value| !matches!(value, Value::Map(_))),
        });
    }
    for (option, given) in [("--set", overrides), ("--sweep", swept)] {
        for (name, text) in given {
            put_override(&mut raw, option, (name, text), complaints);
        }
    }
    fill(raw, complaints)
}

fn put_override(
    raw: &mut [Raw],
    option: &'static str,
    (name, text): (&str, &str),
    complaints: &mut Complaints,
) {
    let names: Vec<String> = raw.iter().map(|param| param.name.clone()).collect();
    let Some(param) = raw.iter_mut().find(|param| param.name == name) else {
        let mistake = ParamMistake::UnknownSet {
            option,
            name: name.to_owned(),
            nearest: nearest(name, names.iter().map(String::as_str)),
            params: names,
        };
        return complaints.add_option(option, format!("{name}={text}"), mistake);
    };
    let Some(old) = &param.value else {
        return;
    };
    match overridden(old, text) {
        Ok(value) => param.value = Some(value),
        Err((was, now)) => {
            let name = name.to_owned();
            let mistake = ParamMistake::SetSort {
                option,
                name,
                was,
                now,
            };
            complaints.add_option(option, format!("{}={text}", param.name), mistake);
        }
    }
}

/// The new value; one value for a list is a list of one, and anything is text where text was.
fn overridden(old: &Value, text: &str) -> Result<Value, (&'static str, &'static str)> {
    let new = item::read_override(text);
    let new_is_many = is_many(&new);
    match old {
        Value::Text(old) if old.contains('$') => Ok(new),
        old if is_many(old) && new_is_many => Ok(new),
        old if is_many(old) => Ok(Value::List(vec![new])),
        Value::Text(_) if matches!(new, Value::Text(_)) => Ok(new),
        Value::Text(_) => Ok(Value::from(text)),
        Value::Bool(_) if matches!(new, Value::Bool(_)) => Ok(new),
        Value::Int(_) | Value::Float(_) if matches!(new, Value::Int(_) | Value::Float(_)) => {
            Ok(new)
        }
        old => {
            let now = match &new {
                _ if new_is_many => "a list",
                Value::Text(text) if is_whole(text) => "a whole number beyond 64 bits",
                new => sort(new),
            };
            Err((sort(old), now))
        }
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "a number",
        other => other.sort(),
    }
}

/// Whether a value is a list, or a range that stands for one.
fn is_many(value: &Value) -> bool {
    match value {
        Value::List(_) => true,
        Value::Text(text) => range::values(text).is_some(),
        _ => false,
    }
}

/// Fills in references, each param after those it refers to.
fn fill(raw: Vec<Raw>, complaints: &mut Complaints) -> ParamValues {
    let mut filled = ParamValues::new();
    let order = match Graph::new(raw.len(), &references(&raw)) {
        Ok(graph) => graph.order().to_vec(),
        Err(circles) => {
            complain_of_circles(&raw, &circles, complaints);
            return raw.into_iter().map(|param| (param.name, None)).collect();
        }
    };
    for id in order {
        let param = &raw[id.index()];
        let names = Names {
            params: &filled,
            axes: &[],
            vary: false,
        };
        let value = param.value.as_ref();
        let value = value.and_then(|value| fill_value(value, param.span, names, complaints));
        filled.insert(param.name.clone(), value);
    }
    filled
}

fn references(raw: &[Raw]) -> Vec<(NodeId, NodeId)> {
    let ids: HashMap<&str, NodeId> = raw
        .iter()
        .enumerate()
        .map(|(at, param)| (param.name.as_str(), NodeId(at as u32)))
        .collect();
    let mut edges = Vec::new();
    for (at, param) in raw.iter().enumerate() {
        let mut texts = Vec::new();
        param
            .value
            .iter()
            .for_each(|value| gather_texts(value, &mut texts));
        for token in texts.iter().filter_map(|text| tokens(text).ok()).flatten() {
            if let Token::Reference(named) = token
                && let Some(from) = ids.get(named.name)
            {
                edges.push((*from, NodeId(at as u32)));
            }
        }
    }
    edges
}

fn gather_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::Text(text) => texts.push(text),
        Value::List(list) => list.iter().for_each(|value| gather_texts(value, texts)),
        Value::Map(map) => map.values().for_each(|value| gather_texts(value, texts)),
        _ => {}
    }
}

fn complain_of_circles(raw: &[Raw], circles: &[Vec<NodeId>], complaints: &mut Complaints) {
    for circle in circles {
        let path = circle.iter().map(|id| raw[id.index()].name.clone());
        let mistake = ParamMistake::Circle {
            path: path.collect(),
        };
        complaints.add(raw[circle[0].index()].span, mistake);
    }
}

fn fill_value(
    value: &Value,
    span: Span,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<Value> {
    match value {
        Value::Text(text) => {
            let expanded = names.expand(text, span, complaints)?;
            let mut values = expanded.values;
            match (expanded.many, values.pop()) {
                (false, Some(value)) => range_or(value, span, complaints),
                (_, last) => {
                    values.extend(last);
                    Some(Value::List(values))
                }
            }
        }
        Value::List(list) => {
            let mut values = Vec::with_capacity(list.len());
            for value in list {
                match value {
                    Value::Text(text) => {
                        values.extend(names.expand(text, span, complaints)?.values)
                    }
                    value => values.push(fill_value(value, span, names, complaints)?),
                }
                refuse_too_much(values.len(), 0, span, complaints)?;
            }
            Some(Value::List(values))
        }
        Value::Map(map) => {
            let each = map.iter();
            let filled = each.map(|(name, value)| {
                Some((name.clone(), fill_value(value, span, names, complaints)?))
            });
            Some(Value::Map(filled.collect::<Option<_>>()?))
        }
        value => Some(value.clone()),
    }
}

/// The list that a range stands for, or the value itself.
fn range_or(value: Value, span: Span, complaints: &mut Complaints) -> Option<Value> {
    let range = value
        .as_text()
        .and_then(|text| Some((text, range::values(text)?)));
    match range {
        None => Some(value),
        Some((_, Ok(values))) => Some(Value::List(values)),
        Some((text, Err(why))) => {
            let text = text.to_owned();
            complaints.add(span, ParamMistake::Range { text, why });
            None
        }
    }
}
