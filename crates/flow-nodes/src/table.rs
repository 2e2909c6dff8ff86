//! Tables on ports: Parquet in, Parquet and CSV out.

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

use crate::csv::{self, Holds};
use crate::order::by_name;
use crate::recordings::CLASSES as SLEEP_STAGES;
use flow_contract::{NodeError, Row, Value};
use polars::prelude::{
    AnyValue, Column, CsvReadOptions, CsvWriter, DataFrame, DataType, Field, KeyValueMetadata,
    NamedFrom, ParquetCompression, ParquetWriter, SerReader, SerWriter, Series,
};

/// The key of a Parquet file's own metadata that lists classes, separated by tabs.
const CLASSES_FACT: &str = "classes";

/// A table: named columns of equal length, and the order of the classes if it is not the usual one.
#[derive(Clone, Debug)]
pub struct Table(DataFrame, Vec<String>);

/// Collects columns into a [`Table`].
#[derive(Default)]
pub struct TableBuilder(Vec<Column>, Vec<String>);

impl TableBuilder {
    /// A builder without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of text.
    #[must_use]
    pub fn text<T: AsRef<str>>(mut self, name: &str, values: &[T]) -> Self {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        self.0.push(Series::new(name.into(), values).into());
        self
    }

    /// Adds a column of whole numbers.
    #[must_use]
    pub fn int(mut self, name: &str, values: &[i64]) -> Self {
        self.0.push(Series::new(name.into(), values).into());
        self
    }

    /// Adds a column of numbers; `None` is an empty cell.
    #[must_use]
    pub fn maybe(mut self, name: &str, values: &[Option<f64>]) -> Self {
        self.0.push(Series::new(name.into(), values).into());
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn float(mut self, name: &str, values: &[f64]) -> Self {
        self.0.push(Series::new(name.into(), values).into());
        self
    }

    /// Adds a column of booleans.
    #[must_use]
    pub fn bool(mut self, name: &str, values: &[bool]) -> Self {
        self.0.push(Series::new(name.into(), values).into());
        self
    }

    /// Says in which order the classes named in `true` and `predicted` stand. The five sleep stages
    /// need no saying.
    #[must_use]
    pub fn classes(mut self, classes: &[String]) -> Self {
        if classes != SLEEP_STAGES {
            classes.clone_into(&mut self.1);
        }
        self
    }

    /// The table.
    ///
    /// # Errors
    /// When columns differ in length or share a name, which is a bug in the kind.
    pub fn build(self) -> Result<Table, NodeError> {
        let height = self.0.first().map_or(0, Column::len);
        let classes = self.1;
        DataFrame::new(height, self.0)
            .map(|frame| Table(frame, classes))
            .map_err(|e| failed("building a table", &e))
    }

    /// The table as Parquet.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn parquet(self) -> Result<Vec<u8>, NodeError> {
        self.build()?.parquet()
    }
}

fn data_type(holds: Holds) -> DataType {
    match holds {
        Holds::Whole => DataType::Int64,
        Holds::Number => DataType::Float64,
        Holds::Boolean => DataType::Boolean,
        Holds::Nothing | Holds::Text => DataType::String,
    }
}

fn failed(doing: &str, error: &dyn std::fmt::Display) -> NodeError {
    NodeError::new(format!("{doing}: {error}"))
}

impl Table {
    /// Reads a Parquet table.
    ///
    /// # Errors
    /// When the bytes are not Parquet, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, NodeError> {
        let read = crate::parquet::read(bytes, CLASSES_FACT);
        let (frame, listed) = read.map_err(|why| failed("reading a table", &why))?;
        let names = listed.iter().flat_map(|names| names.split('\t'));
        let classes = names.map(str::to_owned).collect();
        Ok(Self(frame, classes))
    }

    /// Reads a table of another's making: Parquet, or what is none as CSV.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::read_csv`].
    pub fn read_any(bytes: &[u8]) -> Result<Self, NodeError> {
        match bytes.starts_with(b"PAR1") {
            true => Self::read(bytes),
            false => Self::read_csv(bytes),
        }
    }

    /// Reads CSV with a header; columns of whole numbers, numbers and booleans are told from text.
    ///
    /// # Errors
    /// When the bytes are not CSV: the line, and what is wrong there.
    pub fn read_csv(bytes: &[u8]) -> Result<Self, NodeError> {
        let outline = csv::outline(bytes).map_err(|why| {
            NodeError::new(format!("reading CSV: {why}")).help(
                "a table is UTF-8 text with a header; commas, or semicolons or tabs, part its columns",
            )
        })?;
        let bytes = match outline.has_empty_lines {
            true => Cow::Owned(csv::without_empty_lines(bytes)),
            false => Cow::Borrowed(bytes),
        };
        let columns = outline.columns.iter();
        let schema = columns.map(|(name, holds)| Field::new(name.into(), data_type(*holds)));
        CsvReadOptions::default()
            .with_schema(Some(Arc::new(schema.collect())))
            .map_parse_options(|options| options.with_separator(outline.separator))
            .into_reader_with_file_handle(Cursor::new(&bytes[..]))
            .finish()
            .map(|frame| Self(frame, Vec::new()))
            .map_err(|error| failed("reading CSV", &error))
    }

    /// The table with a column turned into text; an empty cell is the empty text.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn with_text(mut self, column: &str) -> Result<Self, NodeError> {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            value => value.to_string(),
        };
        let texts: Vec<String> = self.values(column)?.iter().map(text).collect();
        let series = Series::new(column.into(), texts);
        self.0
            .with_column(series.into())
            .map_err(|error| failed("naming rows", &error))?;
        Ok(self)
    }

    /// Reads tables of the same columns one after the other.
    ///
    /// # Errors
    /// When one is not Parquet, or their columns differ.
    pub fn read_all<'a>(tables: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NodeError> {
        let mut all: Option<Self> = None;
        for bytes in tables {
            let next = Self::read(bytes)?;
            match &mut all {
                None => all = Some(next),
                Some(all) => {
                    all.0
                        .vstack_mut(&next.0)
                        .map_err(|error| failed("joining tables", &error))?;
                }
            }
        }
        all.ok_or_else(|| NodeError::new("there is no table to read"))
    }

    /// Writes the table as Parquet, the same bytes for the same cells.
    ///
    /// # Errors
    /// When a column has a type Parquet can't hold.
    pub fn parquet(&self) -> Result<Vec<u8>, NodeError> {
        let mut bytes = Vec::new();
        let fact = || vec![(CLASSES_FACT.to_owned(), self.1.join("\t"))];
        let facts = (!self.1.is_empty()).then(|| KeyValueMetadata::from_static(fact()));
        let writer = ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Snappy)
            .with_key_value_metadata(facts)
            .set_parallel(false);
        writer
            .finish(&mut self.0.clone())
            .map_err(|error| failed("writing a table", &error))?;
        Ok(bytes)
    }

    /// Writes the table as CSV with a header.
    ///
    /// # Errors
    /// When a column has a type CSV can't hold.
    pub fn csv(&self) -> Result<Vec<u8>, NodeError> {
        let mut bytes = Vec::new();
        let mut writer = CsvWriter::new(&mut bytes).include_header(true);
        writer
            .finish(&mut self.0.clone())
            .map_err(|error| failed("writing CSV", &error))?;
        Ok(bytes)
    }

    /// The classes of the columns `true` and `predicted`, in order: as the table says; else the
    /// sleep stages if there is no other; else those that occur, by name: `run 2` before `run 10`.
    ///
    /// # Errors
    /// When one of the columns is missing.
    pub fn classes(&self) -> Result<Vec<String>, NodeError> {
        if !self.1.is_empty() {
            return Ok(self.1.clone());
        }
        Ok(in_order(self.class_names()?))
    }

    /// The names in the columns `true` and `predicted`.
    fn class_names(&self) -> Result<Vec<String>, NodeError> {
        let mut names = self.texts("true")?;
        names.extend(self.texts("predicted")?);
        Ok(names)
    }

    /// The classes that the table itself lists, in order; none where it need not say.
    #[must_use]
    pub fn listed_classes(&self) -> &[String] {
        &self.1
    }

    /// The number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.0.height()
    }

    /// The names of the columns, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0
            .get_column_names()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// A column's cells as values.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn values(&self, column: &str) -> Result<Vec<Value>, NodeError> {
        let found = self.0.column(column).map_err(|_| {
            NodeError::new(format!("the table has no column `{column}`"))
                .help(format!("its columns are {}", self.names().join(", ")))
        })?;
        let value = |row| found.get(row).map(|cell| value(&cell));
        (0..self.height())
            .map(value)
            .collect::<Result<_, _>>()
            .map_err(|e| failed("reading a cell", &e))
    }

    /// A column's cells as text.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn texts(&self, column: &str) -> Result<Vec<String>, NodeError> {
        Ok(self
            .values(column)?
            .iter()
            .map(ToString::to_string)
            .collect())
    }

    /// A column's cells as numbers; empty cells are `None`.
    ///
    /// # Errors
    /// When there is no such column or it holds no numbers.
    pub fn floats(&self, column: &str) -> Result<Vec<Option<f64>>, NodeError> {
        self.typed(column, "numbers", |value| match value {
            Value::Null => Some(None),
            value => value.as_float().map(Some),
        })
    }

    /// A column's cells as whole numbers.
    ///
    /// # Errors
    /// When there is no such column or it holds something else.
    pub fn ints(&self, column: &str) -> Result<Vec<i64>, NodeError> {
        self.typed(column, "whole numbers", Value::as_int)
    }

    /// A column's cells as booleans.
    ///
    /// # Errors
    /// When there is no such column or it holds something else.
    pub fn bools(&self, column: &str) -> Result<Vec<bool>, NodeError> {
        self.typed(column, "booleans", Value::as_bool)
    }

    fn typed<T>(
        &self,
        column: &str,
        wanted: &str,
        get: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, NodeError> {
        let cells = self.values(column)?;
        let cell = |(row, value): (usize, &Value)| {
            get(value).ok_or_else(|| {
                let what = format!("column `{column}` holds {}, not {wanted}", value.sort());
                NodeError::new(what).at(format!("row {}", row + 1))
            })
        };
        cells.iter().enumerate().map(cell).collect()
    }

    /// The rows as maps from column name to value.
    ///
    /// # Errors
    /// When a cell has a type a study can't hold.
    pub fn rows(&self) -> Result<Vec<Row>, NodeError> {
        let mut rows = vec![Row::new(); self.height()];
        for name in self.names() {
            for (row, value) in rows.iter_mut().zip(self.values(&name)?) {
                row.insert(name.clone(), value);
            }
        }
        Ok(rows)
    }
}

fn value(cell: &AnyValue<'_>) -> Value {
    match cell {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(bool) => Value::Bool(*bool),
        AnyValue::String(text) => Value::Text((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::Text(text.to_string()),
        cell if cell.dtype().is_integer() => cell
            .extract::<i64>()
            .map_or_else(|| Value::from(cell.to_string()), Value::Int),
        AnyValue::Float32(_) | AnyValue::Float64(_) => match cell.extract::<f64>() {
            Some(float) if !float.is_nan() => Value::Float(float),
            _ => Value::Null,
        },
        cell => match cell.cast(&DataType::String) {
            AnyValue::StringOwned(text) => Value::Text(text.to_string()),
            other => Value::Text(other.to_string()),
        },
    }
}

/// The classes of several tables together, in the order of those that list theirs; a fold may lack one.
///
/// # Errors
/// When a table lacks the column `true` or `predicted`.
pub fn classes_of_all(tables: &[Table]) -> Result<Vec<String>, NodeError> {
    let mut classes: Vec<String> = Vec::new();
    let mut unlisted = Vec::new();
    for table in tables {
        classes.extend_from_slice(&table.1);
        if table.1.is_empty() {
            unlisted.extend(table.class_names()?);
        }
    }
    if !unlisted.is_empty() {
        classes.extend(in_order(unlisted));
    }
    Ok(crate::figures::distinct(&classes))
}

/// Class names, each once: the five sleep stages if all are of them, else by name.
fn in_order(mut names: Vec<String>) -> Vec<String> {
    let stage = |name: &String| SLEEP_STAGES.contains(&name.as_str());
    if names.iter().all(stage) {
        return SLEEP_STAGES.map(str::to_owned).to_vec();
    }
    names.sort_by(|a, b| by_name(a, b));
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableBuilder {
        TableBuilder::new()
            .text("recording", &["ST7011", "ST7012"])
            .int("epoch", &[3, 4])
            .maybe("share", &[Some(50.5), None])
            .bool("kept", &[true, false])
    }

    #[test]
    fn a_table_survives_parquet() {
        let bytes = table().parquet().unwrap();
        assert_eq!(bytes, table().parquet().unwrap());
        let read = Table::read(&bytes).unwrap();
        assert_eq!(read.texts("recording").unwrap(), ["ST7011", "ST7012"]);
        assert_eq!(read.ints("epoch").unwrap(), [3, 4]);
        assert_eq!(read.floats("share").unwrap(), [Some(50.5), None]);
        assert_eq!(read.bools("kept").unwrap(), [true, false]);
        assert_eq!(read.rows().unwrap()[1]["share"], Value::Null);
    }

    #[test]
    fn classes_keep_their_order_through_parquet() {
        let walks = ["sit".to_owned(), "run".to_owned(), "lie".to_owned()];
        let table = || {
            TableBuilder::new()
                .text("true", &["run", "lie"])
                .text("predicted", &["sit", "run"])
        };
        let read = |builder: TableBuilder| Table::read(&builder.parquet().unwrap()).unwrap();
        assert_eq!(read(table().classes(&walks)).classes().unwrap(), walks);
        assert_eq!(read(table()).classes().unwrap(), ["lie", "run", "sit"]);
        let stages = TableBuilder::new()
            .text("true", &["R"])
            .text("predicted", &["W"]);
        assert_eq!(read(stages).classes().unwrap(), SLEEP_STAGES);
    }

    #[test]
    fn tables_that_lack_a_class_share_the_classes_of_all() {
        let table = |truth: &[&str]| {
            let table = TableBuilder::new().text("true", truth);
            table.text("predicted", truth).build().unwrap()
        };
        let of = |tables: &[Table]| classes_of_all(tables).unwrap();
        assert_eq!(of(&[table(&["b", "c"]), table(&["a"])]), ["a", "b", "c"]);
        assert_eq!(of(&[table(&["W"]), table(&["R"])]), SLEEP_STAGES);
        assert_eq!(of(&[table(&["W"]), table(&["x"])]), ["W", "x"]);
        assert_eq!(of(&[table(&["10", "2"]), table(&["1"])]), ["1", "2", "10"]);
        let listing = TableBuilder::new().classes(&["c".to_owned(), "b".to_owned()]);
        let listing = listing.text("true", &["b"]).text("predicted", &["b"]);
        assert_eq!(
            of(&[listing.build().unwrap(), table(&["a", "b"])]),
            ["c", "b", "a"]
        );
    }

    #[test]
    fn csv_has_a_header_and_empty_cells() {
        let csv = String::from_utf8(table().build().unwrap().csv().unwrap()).unwrap();
        assert_eq!(
            csv,
            "recording,epoch,share,kept\nST7011,3,50.5,true\nST7012,4,,false\n"
        );
    }

    #[test]
    fn csv_of_others_loses_nothing() {
        let read = |text: &str| Table::read_csv(text.as_bytes()).unwrap();
        let table = read("\u{feff}id;n;x;ok;none\r\n007;1;0.5;true;\r\n\r\n08;-2;NaN;False;\r\n");
        assert_eq!(table.texts("id").unwrap(), ["007", "08"]);
        assert_eq!(table.ints("n").unwrap(), [1, -2]);
        assert_eq!(table.floats("x").unwrap(), [Some(0.5), None]);
        assert_eq!(table.bools("ok").unwrap(), [true, false]);
        assert_eq!(table.values("none").unwrap(), [Value::Null, Value::Null]);
        // What a column holds may show late.
        let late = format!("a\n{}x\n", "1\n".repeat(1000));
        assert_eq!(read(&late).texts("a").unwrap()[1000], "x");
        let quoted = read("a,b\n\"x,\ny\",\"1\"\nz,\"\"\n");
        assert_eq!(quoted.texts("a").unwrap(), ["x,\ny", "z"]);
        assert_eq!(quoted.texts("b").unwrap()[0], "1");
        assert_eq!(read("a,b\n").height(), 0);
        assert_eq!(read("a\n1\n\n2\n").ints("a").unwrap(), [1, 2]);
    }

    #[test]
    fn a_missing_column_and_a_wrong_type_are_named() {
        let table = table().build().unwrap();
        assert!(
            table
                .texts("stage")
                .unwrap_err()
                .help
                .unwrap()
                .contains("recording, epoch")
        );
        assert!(
            table
                .ints("recording")
                .unwrap_err()
                .what
                .contains("text, not whole numbers")
        );
        assert!(Table::read(b"not parquet").is_err());
    }
}
