//! Resolves `$name` to params and axes.

use std::collections::BTreeMap;

use flow_contract::Value;

use crate::complaints::Complaints;
use crate::item::{Data, Item};
use crate::mistake::ParamMistake;
use crate::nearest::nearest;
use crate::template::{Named, Piece, Reference, Shape, Token, is_extension, tokens};
use crate::{AxisValues, Scope, Span, Template, range};

/// Params by name; `None` where the param has a mistake that was reported.
pub(crate) type ParamValues = BTreeMap<String, Option<Value>>;

/// An axis as read so far.
#[derive(Debug)]
pub(crate) struct DraftAxis {
    pub name: String,
    /// What stands after `name =`.
    pub span: Span,
    /// `None` where a mistake was reported.
    pub values: Option<AxisValues>,
    /// The place of each listed value.
    pub value_spans: Vec<Span>,
}

/// The columns a row of an axis has.
enum Columns {
    Plain,
    Known(Vec<String>),
    Unknown,
}

impl DraftAxis {
    fn columns(&self) -> Columns {
        match &self.values {
            Some(AxisValues::Listed(values)) => {
                let rows = values.iter().filter_map(Value::as_map);
                let mut columns: Vec<String> = rows.flat_map(|r| r.keys().cloned()).collect();
                columns.sort_unstable();
                columns.dedup();
                match columns.is_empty() {
                    true => Columns::Plain,
                    false => Columns::Known(columns),
                }
            }
            Some(AxisValues::Files(_)) => {
                let columns = ["path", "name", &self.name];
                Columns::Known(columns.map(str::to_owned).into())
            }
            Some(AxisValues::Rows { .. }) | None => Columns::Unknown,
        }
    }
}

/// What `$name` may mean in one place.
#[derive(Clone, Copy)]
pub(crate) struct Names<'s> {
    pub params: &'s ParamValues,
    pub axes: &'s [DraftAxis],
    /// Whether axes may be used, or only be known to tell that they may not.
    pub vary: bool,
}

/// What a reference means.
enum Meaning<'s> {
    Axis(&'s DraftAxis),
    Param(&'s Value),
    /// Reported here or before.
    Broken,
}

/// The values a text with references to params stands for.
pub(crate) struct Expanded {
    pub values: Vec<Value>,
    /// Whether a list was part of it.
    pub many: bool,
}

impl<'s> Names<'s> {
    /// The template of a value; `None` where a mistake was reported.
    pub fn template(&self, item: &Item<'_>, complaints: &mut Complaints) -> Option<Template> {
        match &item.data {
            Data::Text(text) => self.text(text, item.span, complaints),
            Data::List(items) => {
                let entries = items.iter().map(|entry| self.template(entry, complaints));
                let entries: Vec<Option<Template>> = entries.collect();
                let entries: Vec<Template> = entries.into_iter().collect::<Option<_>>()?;
                Some(list(entries))
            }
            Data::Table(table) => {
                let pairs = table.entries.iter().map(|entry| {
                    let value = self.template(&entry.item, complaints);
                    value.map(|value| (entry.key.to_string(), value))
                });
                let pairs: Vec<Option<(String, Template)>> = pairs.collect();
                Some(map(pairs.into_iter().collect::<Option<_>>()?))
            }
            _ => item.value().map(Template::fixed),
        }
    }

    /// The template of a text.
    pub fn text(&self, text: &str, span: Span, complaints: &mut Complaints) -> Option<Template> {
        if !text.contains('$') {
            return Some(Template::fixed(Value::from(text)));
        }
        let tokens = self.tokens(text, span, complaints)?;
        if let [Token::Reference(named)] = tokens.as_slice()
            && named.tail.is_none()
            && let Meaning::Param(value) = self.meaning(named, span, complaints)
        {
            return Some(Template(Shape::Filled(value.clone())));
        }
        let mut pieces = Vec::new();
        let mut broken = false;
        for token in tokens {
            match token {
                Token::Words(words) => push_words(&mut pieces, &words),
                Token::Reference(named) => {
                    broken |= self.piece(&named, span, &mut pieces, complaints).is_none();
                }
            }
        }
        let words = pieces.iter().map(|piece| match piece {
            Piece::Words(words) => words.len(),
            Piece::Axis(_) => 0,
        });
        refuse_too_much(1, words.sum(), span, complaints)?;
        match (broken, pieces.as_slice()) {
            (true, _) => None,
            (false, []) => Some(Template::fixed(Value::from(""))),
            (false, [Piece::Words(words)]) => Some(Template::fixed(Value::from(words.as_str()))),
            (false, _) => Some(Template(Shape::Text(pieces))),
        }
    }

    /// A value that is the same for every instance; `None` where a mistake was reported.
    pub fn fixed(&self, item: &Item<'_>, complaints: &mut Complaints) -> Option<Value> {
        let names = Self {
            vary: false,
            ..*self
        };
        let template = names.template(item, complaints)?;
        template.value_at(&Scope::default()).ok()
    }

    /// All values that a text stands for when its lists are written out.
    pub fn expand(&self, text: &str, span: Span, complaints: &mut Complaints) -> Option<Expanded> {
        let tokens = self.tokens(text, span, complaints)?;
        if let [Token::Reference(named)] = tokens.as_slice()
            && named.tail.is_none()
        {
            let Meaning::Param(value) = self.meaning(named, span, complaints) else {
                return None;
            };
            return Some(alone(value));
        }
        let mut texts = vec![String::new()];
        let mut many = false;
        let mut broken = false;
        for token in tokens {
            let choices = match token {
                Token::Words(words) => vec![words],
                Token::Reference(named) => match self.meaning(&named, span, complaints) {
                    Meaning::Param(value) => {
                        many |= matches!(value, Value::List(_));
                        choices(value, &named)
                    }
                    _ => {
                        broken = true;
                        continue;
                    }
                },
            };
            let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
            let values = texts.len().saturating_mul(choices.len());
            let both = bytes(&texts).saturating_mul(choices.len());
            let both = both.saturating_add(bytes(&choices).saturating_mul(texts.len()));
            refuse_too_much(values, both, span, complaints)?;
            let longer = |t: &String| {
                choices
                    .iter()
                    .map(|c| format!("{t}{c}"))
                    .collect::<Vec<_>>()
            };
            texts = texts.iter().flat_map(longer).collect();
        }
        let values = texts.into_iter().map(Value::from).collect();
        (!broken).then_some(Expanded { values, many })
    }

    fn tokens<'t>(
        &self,
        text: &'t str,
        span: Span,
        complaints: &mut Complaints,
    ) -> Option<Vec<Token<'t>>> {
        match tokens(text) {
            Ok(tokens) => Some(tokens),
            Err(written) => {
                let text = written.to_owned();
                complaints.add(
                    complaints.narrow(span, written),
                    ParamMistake::BadReference { text },
                );
                None
            }
        }
    }

    /// Adds what a reference stands for; `None` where it is a mistake.
    fn piece(
        &self,
        named: &Named<'_>,
        span: Span,
        pieces: &mut Vec<Piece>,
        complaints: &mut Complaints,
    ) -> Option<()> {
        let value = match self.meaning(named, span, complaints) {
            Meaning::Broken => return None,
            Meaning::Axis(axis) => {
                return self.axis_piece(axis, named, span, pieces, complaints);
            }
            Meaning::Param(value) => value,
        };
        if let Value::List(list) = value {
            let mistake = ParamMistake::ListInText {
                name: named.name.to_owned(),
                values: list.len(),
            };
            complaints.add(complaints.narrow(span, named.written), mistake);
            return None;
        }
        push_words(pieces, &value.to_string());
        if let Some(tail) = named.tail {
            push_words(pieces, &format!(".{tail}"));
        }
        Some(())
    }

    fn axis_piece(
        &self,
        axis: &DraftAxis,
        named: &Named<'_>,
        span: Span,
        pieces: &mut Vec<Piece>,
        complaints: &mut Complaints,
    ) -> Option<()> {
        let mut push = |column: Option<&str>, or_words: bool| {
            pieces.push(Piece::Axis(Reference {
                axis: axis.name.clone(),
                column: column.map(str::to_owned),
                or_words,
            }));
        };
        let Some(tail) = named.tail else {
            push(None, false);
            return Some(());
        };
        let extension = !named.braced && named.last && is_extension(tail);
        let columns = match axis.columns() {
            Columns::Unknown => {
                push(Some(tail), extension);
                return Some(());
            }
            Columns::Known(columns) if columns.iter().any(|column| column == tail) => {
                push(Some(tail), false);
                return Some(());
            }
            Columns::Plain if !named.braced => None,
            Columns::Known(_) if extension => None,
            Columns::Known(columns) => Some(columns),
            Columns::Plain => Some(Vec::new()),
        };
        let Some(columns) = columns else {
            push(None, false);
            push_words(pieces, &format!(".{tail}"));
            return Some(());
        };
        let mistake = ParamMistake::NoColumn {
            axis: axis.name.clone(),
            column: tail.to_owned(),
            columns,
        };
        complaints.add(complaints.narrow(span, named.written), mistake);
        None
    }

    /// What a name means; an axis hides a param of its name.
    fn meaning(&self, named: &Named<'_>, span: Span, complaints: &mut Complaints) -> Meaning<'s> {
        let axis = self.axes.iter().find(|axis| axis.name == named.name);
        match (axis, self.params.get(named.name)) {
            (Some(axis), _) if self.vary => return Meaning::Axis(axis),
            (_, Some(Some(value))) => return self.param(value, named, span, complaints),
            (_, Some(None)) => return Meaning::Broken,
            _ => {}
        }
        let mistake = match axis {
            Some(axis) => ParamMistake::AxisHere {
                axis: axis.name.clone(),
            },
            None => self.unknown(named, complaints),
        };
        complaints.add(complaints.narrow(span, named.written), mistake);
        Meaning::Broken
    }

    fn param(
        &self,
        value: &'s Value,
        named: &Named<'_>,
        span: Span,
        complaints: &mut Complaints,
    ) -> Meaning<'s> {
        let (Some(tail), true) = (named.tail, named.braced) else {
            return Meaning::Param(value);
        };
        let mistake = ParamMistake::NoColumn {
            axis: named.name.to_owned(),
            column: tail.to_owned(),
            columns: Vec::new(),
        };
        complaints.add(complaints.narrow(span, named.written), mistake);
        Meaning::Broken
    }

    fn unknown(&self, named: &Named<'_>, complaints: &Complaints) -> ParamMistake {
        let name = named.name;
        let axes = self.axes.iter().filter(|_| self.vary);
        let axes: Vec<String> = axes.map(|axis| axis.name.clone()).collect();
        let params = self.params.keys().take(complaints.suggestions());
        let all = axes.iter().chain(params.clone()).map(String::as_str);
        // `$params.seed` says where the param stands, which nobody asked.
        let in_table = named.tail.filter(|_| ["params", "param"].contains(&name));
        let in_table = in_table.filter(|tail| self.params.contains_key(*tail));
        let nearest = in_table.map(str::to_owned).or_else(|| nearest(name, all));
        let others = params.filter(|_| nearest.is_none());
        ParamMistake::UnknownReference {
            name: name.to_owned(),
            params: others.cloned().collect(),
            nearest,
            axes,
        }
    }
}

/// Text that references may make of a text, in bytes: far more than anyone writes, far less than there is memory.
const MOST_BYTES: usize = 64 << 20;

/// Complains about values or text that references multiply; `None` where they do.
pub(crate) fn refuse_too_much(
    values: usize,
    bytes: usize,
    span: Span,
    complaints: &mut Complaints,
) -> Option<()> {
    let what = match (values > range::MOST_VALUES as usize, bytes > MOST_BYTES) {
        (true, _) => format!("{} values", range::MOST_VALUES),
        (_, true) => format!("{} MiB of text", MOST_BYTES >> 20),
        _ => return Some(()),
    };
    complaints.add(span, ParamMistake::TooMuch { what });
    None
}

fn alone(value: &Value) -> Expanded {
    match value {
        Value::List(values) => Expanded {
            values: values.clone(),
            many: true,
        },
        value => Expanded {
            values: vec![value.clone()],
            many: false,
        },
    }
}

fn choices(value: &Value, named: &Named<'_>) -> Vec<String> {
    let tail = named
        .tail
        .map_or_else(String::new, |tail| format!(".{tail}"));
    let values = match value {
        Value::List(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    values
        .iter()
        .map(|value| format!("{value}{tail}"))
        .collect()
}

fn push_words(pieces: &mut Vec<Piece>, words: &str) {
    match pieces.last_mut() {
        Some(Piece::Words(before)) => before.push_str(words),
        _ => pieces.push(Piece::Words(words.to_owned())),
    }
}

/// A list of entries, as one value where all are written out.
fn list(entries: Vec<Template>) -> Template {
    let given = |entry: &Template| match &entry.0 {
        Shape::Given(value) => Some(value.clone()),
        _ => None,
    };
    match entries.iter().map(given).collect() {
        Some(values) => Template::fixed(Value::List(values)),
        None => Template(Shape::List(entries)),
    }
}

fn map(entries: BTreeMap<String, Template>) -> Template {
    let given = |(name, entry): (&String, &Template)| match &entry.0 {
        Shape::Given(value) => Some((name.clone(), value.clone())),
        _ => None,
    };
    match entries.iter().map(given).collect() {
        Some(values) => Template::fixed(Value::Map(values)),
        None => Template(Shape::Map(entries)),
    }
}
