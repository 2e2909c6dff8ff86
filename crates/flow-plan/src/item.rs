//! The study file as read by `toml`, in the order of the file; the one place that names `toml`.

use std::borrow::Cow;

use flow_contract::Value;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use crate::Span;
use crate::complaints::Complaints;
use crate::mistake::FileMistake;

/// A value with its place.
#[derive(Debug)]
pub(crate) struct Item<'t> {
    pub span: Span,
    pub data: Data<'t>,
}

/// What is written there.
#[derive(Debug)]
pub(crate) enum Data<'t> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'t, str>),
    List(Vec<Item<'t>>),
    Table(Table<'t>),
    /// Reported already; whoever meets it stays silent.
    Unsayable,
}

/// A table with its entries in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Table<'t> {
    pub entries: Vec<Entry<'t>>,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Entry<'t> {
    pub key: Cow<'t, str>,
    pub key_span: Span,
    pub item: Item<'t>,
}

impl<'t> Table<'t> {
    pub fn get(&self, key: &str) -> Option<&Item<'t>> {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map(|entry| &entry.item)
    }

    /// Everything it says, in the order of the file, without places: equal words, equal meaning.
    pub fn words(&self) -> String {
        let each = self.entries.iter();
        let pair = |entry: &Entry<'_>| format!("{:?} = {}", entry.key, entry.item.words());
        format!("{{{}}}", each.map(pair).collect::<Vec<_>>().join(", "))
    }
}

impl Item<'_> {
    /// What sort of value this is, in the words of messages.
    pub fn sort(&self) -> &'static str {
        match &self.data {
            Data::Bool(_) => "a boolean",
            Data::Int(_) => "a whole number",
            Data::Float(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Unsayable => "nothing",
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    fn words(&self) -> String {
        match &self.data {
            Data::Table(table) => table.words(),
            Data::List(items) => {
                let items: Vec<String> = items.iter().map(Item::words).collect();
                format!("[{}]", items.join(", "))
            }
            single => format!("{single:?}"),
        }
    }

    /// The value as it stands, references and all; `None` where a part was reported already.
    pub fn value(&self) -> Option<Value> {
        Some(match &self.data {
            Data::Bool(bool) => Value::Bool(*bool),
            Data::Int(int) => Value::Int(*int),
            Data::Float(float) => Value::Float(*float),
            Data::Text(text) => Value::from(text.as_ref()),
            Data::List(items) => Value::List(items.iter().map(Item::value).collect::<Option<_>>()?),
            Data::Table(table) => {
                let pair = |entry: &Entry<'_>| Some((entry.key.to_string(), entry.item.value()?));
                Value::Map(table.entries.iter().map(pair).collect::<Option<_>>()?)
            }
            Data::Unsayable => return None,
        })
    }
}

/// Reads the file; `None` where it isn't TOML, which is reported.
pub(crate) fn read<'t>(text: &'t str, complaints: &mut Complaints) -> Option<Table<'t>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(read_table(table.into_inner(), complaints));
    }
    let mut before: Option<(usize, String)> = None;
    for error in errors {
        let span = error.span().unwrap_or_default();
        let message = match lacks_comma(text, span.clone()) {
            true => "missing comma between the entries of a list".to_owned(),
            false => error.message().to_owned(),
        };
        let line = text
            .get(..span.start)
            .map_or(0, |before| before.matches('\n').count());
        // What follows a mistake closely is misread because of it, most often.
        let follows = |(last, said): &(usize, String)| {
            line == *last || (line <= last + 2 && message == *said)
        };
        if !before.as_ref().is_some_and(follows) {
            let message = message.clone();
            complaints.add(span.into(), FileMistake::Syntax { message });
        }
        // An open list swallows what comes after it.
        if message.contains("array") {
            break;
        }
        before = Some((line, message));
    }
    None
}

/// Whether a place reads `1 2` inside a list, which the reader takes for text without quotes.
fn lacks_comma(text: &str, span: std::ops::Range<usize>) -> bool {
    let before = text.get(..span.start).unwrap_or("").trim_end();
    let mut words = text.get(span).unwrap_or("").split_whitespace();
    let first = words.next().unwrap_or("");
    let value = first.parse::<f64>().is_ok() || ["true", "false"].contains(&first);
    value && words.next().is_some() && before.ends_with(['[', ','])
}

/// Reads what stands after `--set name=`: a TOML value if it is one, else text as it stands.
pub(crate) fn read_override(text: &str) -> Value {
    let mut complaints = Complaints::new("--set", text);
    let parsed = DeValue::parse(text).ok();
    let item = parsed.map(|value| read_item(value, &mut complaints));
    let value = item.and_then(|item| item.value());
    value.unwrap_or_else(|| Value::from(text))
}

fn read_table<'t>(table: DeTable<'t>, complaints: &mut Complaints) -> Table<'t> {
    let mut entries: Vec<Entry<'t>> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span().into(),
            key: key.into_inner(),
            item: read_item(value, complaints),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span);
    Table { entries }
}

fn read_item<'t>(value: Spanned<DeValue<'t>>, complaints: &mut Complaints) -> Item<'t> {
    let span = Span::from(value.span());
    let mut refuse = |mistake: FileMistake| {
        complaints.add(span, mistake);
        Data::Unsayable
    };
    let data = match value.into_inner() {
        DeValue::Boolean(bool) => Data::Bool(bool),
        DeValue::String(text) => Data::Text(text),
        DeValue::Integer(int) => match whole(&int) {
            Some(int) => Data::Int(int),
            None => refuse(FileMistake::TooLarge),
        },
        DeValue::Float(float) => match number(&float) {
            Some(float) => Data::Float(float),
            None => refuse(FileMistake::NotANumber),
        },
        DeValue::Datetime(date) => refuse(FileMistake::Date {
            text: date.to_string(),
        }),
        DeValue::Array(items) => {
            let items = items.into_iter();
            Data::List(items.map(|item| read_item(item, complaints)).collect())
        }
        DeValue::Table(table) => Data::Table(read_table(table, complaints)),
    };
    Item { span, data }
}

fn whole(int: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(int.as_str(), int.radix()).ok()
}

fn number(float: &DeFloat<'_>) -> Option<f64> {
    let number: f64 = float.as_str().parse().ok()?;
    let overflowed = number.is_infinite() && !float.as_str().contains("inf");
    (!number.is_nan() && !overflowed).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_a_toml_value_or_text() {
        assert_eq!(
            read_override("[0.1, 2]"),
            Value::List(vec![Value::Float(0.1), Value::Int(2)])
        );
        for text in ["data/x", "", "nan", "2021-01-01", "epsilon(1)", "[1"] {
            assert_eq!(read_override(text), Value::from(text), "{text}");
        }
    }

    #[test]
    fn entries_keep_the_order_of_the_file() {
        let mut complaints = Complaints::new("a", "");
        let table = read("z = 1\na = 0x1F\nb.c = 1_0.5", &mut complaints).unwrap();
        let keys: Vec<&str> = table.entries.iter().map(|e| e.key.as_ref()).collect();
        assert_eq!(keys, ["z", "a", "b"]);
        assert_eq!(table.get("a").unwrap().value(), Some(Value::Int(31)));
    }
}
