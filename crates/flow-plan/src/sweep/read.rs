//! What the options say of a sweep, checked against the study.

use flow_contract::Value;

use super::Sweep;
use super::points::{Combination, Dimension, Place, Points, count};
use crate::complaints::Complaints;
use crate::mistake::ParamMistake;
use crate::nearest::nearest;
use crate::select::labels;
use crate::{Plan, item, range};

/// The most points a sweep may have.
const MOST_POINTS: usize = 10_000;

const ZIP: &str = "write params that are swept, with commas between: --zip 'batch,rate'";
const PLACE: &str = "write values of swept params: --exclude 'batch=32,rate=0.1'";
const POINT: &str = "give each swept param a value: --include 'batch=64,rate=0.1'";

/// A sweep of a study.
pub(super) struct Read {
    /// Sweeps of list params, as overrides.
    pub lists: Vec<(String, String)>,
    /// The points of the others.
    pub points: Points,
}

/// Reads a sweep; `None` where something is wrong with it, which is reported.
pub(super) fn read(
    base: &Plan,
    overrides: &[(String, String)],
    sweep: &Sweep,
    complaints: &mut Complaints,
) -> Option<Read> {
    let mut reader = Reader {
        base,
        lists: Vec::new(),
        dimensions: Vec::new(),
        complaints,
    };
    for (name, text) in &sweep.values {
        reader.values(name, text, overrides);
    }
    let walked: Vec<usize> = reader.dimensions.iter().map(|d| d.values.len()).collect();
    let mut combination = Combination::default();
    for text in &sweep.zip {
        combination.zip.extend(reader.zip(text, &combination.zip));
    }
    for text in &sweep.exclude {
        combination.exclude.extend(reader.exclude(text));
    }
    for text in &sweep.include {
        combination.include.extend(reader.include(text));
    }
    reader.check_size(&walked, &combination);
    let Reader {
        lists, dimensions, ..
    } = reader;
    if !complaints.is_empty() {
        return None;
    }
    let points = Points::new(dimensions, &walked, &combination);
    if points.len() > 0 {
        return Some(Read { lists, points });
    }
    let text = sweep.exclude.join(" --exclude ");
    let why = "leaves no point of the sweep".to_owned();
    let (option, help) = ("--exclude", "leave out fewer");
    complaints.add_option(
        option,
        text,
        ParamMistake::SweptPoints { option, why, help },
    );
    None
}

struct Reader<'s> {
    base: &'s Plan,
    lists: Vec<(String, String)>,
    dimensions: Vec<Dimension>,
    complaints: &'s mut Complaints,
}

impl Reader<'_> {
    fn values(&mut self, name: &str, text: &str, overrides: &[(String, String)]) {
        let (params, owned) = (&self.base.params, name.to_owned());
        let given = overrides.iter().chain(&self.lists).map(|(other, _)| other);
        let mut given = given.chain(self.dimensions.iter().map(|dimension| &dimension.param));
        let mistake = match params.get(name) {
            Some(_) if given.any(|other| other == name) => ParamMistake::SweptTwice { name: owned },
            None => ParamMistake::UnknownSet {
                option: "--sweep",
                nearest: nearest(name, params.keys().map(String::as_str)),
                params: params.keys().cloned().collect(),
                name: owned,
            },
            Some(Value::List(_)) => return self.lists.push((owned, text.to_owned())),
            Some(_) => match values(text) {
                Ok(values) => {
                    let param = owned;
                    return self.dimensions.push(Dimension { param, values });
                }
                Err(why) => ParamMistake::SweptValues { name: owned, why },
            },
        };
        self.complaints
            .add_option("--sweep", format!("{name}={text}"), mistake);
    }

    /// A group of params that walk together.
    fn zip(&mut self, text: &str, before: &[Vec<usize>]) -> Option<Vec<usize>> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let found = names.iter().map(|name| self.dimension("--zip", name, text));
        let group: Vec<usize> = found.collect::<Option<_>>()?;
        let lengths = group.iter().map(|d| self.dimensions[*d].values.len());
        let lengths: Vec<usize> = lengths.collect();
        let walks = |d: &usize| before.iter().any(|other| other.contains(d));
        let mut each = group.iter().enumerate();
        let twice = each.find(|(at, d)| group[..*at].contains(d) || walks(d));
        let why = if group.len() < 2 {
            format!("walks `{text}` alone, which it does anyway")
        } else if let Some((_, twice)) = twice {
            format!("names `{}` twice", self.dimensions[*twice].param)
        } else if lengths.iter().any(|length| *length != lengths[0]) {
            let each = names.iter().zip(&lengths);
            let each: Vec<String> = each
                .map(|(name, n)| format!("`{name}` has {n} values"))
                .collect();
            format!("walks params of different lengths: {}", each.join(", "))
        } else {
            return Some(group);
        };
        self.refuse("--zip", text, why, ZIP)
    }

    fn exclude(&mut self, text: &str) -> Option<Place> {
        let pairs = self.pairs("--exclude", text, PLACE)?;
        let mut place = Vec::new();
        for (d, value) in pairs {
            let Dimension { param, values } = &self.dimensions[d];
            let Some(at) = values.iter().position(|other| *other == value) else {
                let why = match nearest(&value, values.iter().map(String::as_str)) {
                    Some(near) => format!("names `{param}={value}`; did you mean `{near}`?"),
                    None => format!("names `{param}={value}`, which is not among its values"),
                };
                return self.refuse("--exclude", text, why, PLACE);
            };
            place.push((d, at));
        }
        Some(place)
    }

    fn include(&mut self, text: &str) -> Option<Vec<usize>> {
        let pairs = self.pairs("--include", text, POINT)?;
        let given = |d: usize| pairs.iter().find(|(other, _)| *other == d);
        let all = 0..self.dimensions.len();
        if let Some(open) = all.clone().find(|d| given(*d).is_none()) {
            let why = format!("gives no value for `{}`", self.dimensions[open].param);
            return self.refuse("--include", text, why, POINT);
        }
        let mut point = vec![0; self.dimensions.len()];
        for (d, value) in pairs {
            let values = &mut self.dimensions[d].values;
            point[d] = values
                .iter()
                .position(|other| *other == value)
                .unwrap_or_else(|| {
                    values.push(value);
                    values.len() - 1
                });
        }
        Some(point)
    }

    /// `batch=32,rate=0.1` as dimensions and values.
    fn pairs(
        &mut self,
        option: &'static str,
        text: &str,
        help: &'static str,
    ) -> Option<Vec<(usize, String)>> {
        let Some(labels) = labels(text) else {
            let why = format!("gives `{text}`, which is not `param=value`");
            return self.refuse(option, text, why, help);
        };
        let mut pairs: Vec<(usize, String)> = Vec::with_capacity(labels.len());
        for (name, value) in labels {
            let d = self.dimension(option, name, text)?;
            if pairs.iter().any(|(other, _)| *other == d) {
                return self.refuse(option, text, format!("names `{name}` twice"), help);
            }
            // As the values of `--sweep` are read, so that 0.10 is 0.1.
            pairs.push((d, item::read_override(&value).to_string()));
        }
        Some(pairs)
    }

    fn dimension(&mut self, option: &'static str, name: &str, text: &str) -> Option<usize> {
        let found = self.dimensions.iter().position(|d| d.param == name);
        if found.is_none() {
            let swept = self.dimensions.iter().map(|d| d.param.clone());
            let swept: Vec<String> = swept.collect();
            let mistake = ParamMistake::NotSwept {
                option,
                name: name.to_owned(),
                list: self.lists.iter().any(|(list, _)| list == name),
                nearest: nearest(name, swept.iter().map(String::as_str)),
                swept,
            };
            self.complaints.add_option(option, text.to_owned(), mistake);
        }
        found
    }

    fn refuse<T>(
        &mut self,
        option: &'static str,
        text: &str,
        why: String,
        help: &'static str,
    ) -> Option<T> {
        let mistake = ParamMistake::SweptPoints { option, why, help };
        self.complaints.add_option(option, text.to_owned(), mistake);
        None
    }

    fn check_size(&mut self, walked: &[usize], combination: &Combination) {
        let points = count(walked, &combination.zip);
        if points.saturating_add(combination.include.len()) > MOST_POINTS
            && let Some(last) = self.dimensions.last()
        {
            let why = format!("with the others it gives more than {MOST_POINTS} points");
            let name = last.param.clone();
            let text = format!("{name}=…");
            let mistake = ParamMistake::SweptValues { name, why };
            self.complaints.add_option("--sweep", text, mistake);
        }
    }
}

/// The values of a list or range, each as `--set` takes it.
fn values(text: &str) -> Result<Vec<String>, String> {
    let values = match item::read_override(text) {
        Value::List(values) => values,
        Value::Text(text) => range::values(&text).unwrap_or(Ok(vec![Value::Text(text)]))?,
        single => vec![single],
    };
    let mut texts: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let text = match value {
            Value::List(_) | Value::Map(_) | Value::Null => {
                return Err(format!("{} is among the values", value.sort()));
            }
            value => value.to_string(),
        };
        if texts.contains(&text) {
            return Err(format!("`{text}` is there twice"));
        }
        texts.push(text);
    }
    match texts.is_empty() {
        true => Err("there are no values".to_owned()),
        false => Ok(texts),
    }
}
