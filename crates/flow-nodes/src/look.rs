//! What an artifact looks like in short: shape, statistics, first rows, a sketch; for the terminal.

use flow_contract::{Form, NodeError, Value};
use flow_edf::Recording;

use crate::arrays::{Held, of_tensor, read};
use crate::npz::Array;
use crate::table::Table;
use crate::tensor::Tensors;

/// Most lines and cells of a sketch.
const LINES: usize = 16;
const CELLS: usize = 60;
/// A last axis of three as long as this is time: its sketch shows the first of the first axis.
const LONG: usize = 64;

/// An artifact in short.
#[derive(Debug)]
pub enum Look {
    /// A table.
    Table {
        /// Rows of the whole table.
        rows: usize,
        /// Its columns, in order.
        columns: Vec<ColumnLook>,
        /// Cells of the first rows, `[row][column]`.
        first: Vec<Vec<Value>>,
    },
    /// Tensors.
    Tensors {
        /// What the file says of itself.
        facts: Vec<(String, String)>,
        /// Its tensors, by name.
        tensors: Vec<TensorLook>,
    },
    /// A figure: its title and what it shows, in words.
    Figure {
        /// Title.
        title: String,
        /// What it shows.
        description: String,
    },
    /// A picture of so many pixels.
    Picture {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Text, its first lines.
    Text {
        /// Lines in all.
        lines: usize,
        /// The first of them.
        first: Vec<String>,
    },
    /// Anything else.
    Bytes,
}

/// A column of a table.
#[derive(Debug)]
pub struct ColumnLook {
    /// Its name.
    pub name: String,
    /// `text`, `integer`, `number`, `boolean` or `empty`.
    pub sort: &'static str,
    /// Cells without a value.
    pub empty: usize,
    /// Distinct values, for text and booleans.
    pub distinct: Vec<(String, usize)>,
    /// Of numbers.
    pub statistics: Option<Statistics>,
    /// How many of the numbers lie in each of equal bins from least to greatest.
    pub histogram: Vec<f64>,
}

/// A tensor.
#[derive(Debug)]
pub struct TensorLook {
    /// Its name.
    pub name: String,
    /// Its type, as in `f32`.
    pub dtype: String,
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// Of all its values; none where they are no numbers.
    pub statistics: Option<Statistics>,
    /// A sketch, `[line][cell]`; empty where there is nothing to see.
    pub sketch: Vec<Vec<f64>>,
    /// What the sketch shows.
    pub sketched: String,
}

/// Of numbers that are not NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Numbers counted.
    pub count: usize,
    /// NaN among the values.
    pub nan: usize,
    /// Least.
    pub least: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with N − 1; 0 for a single number.
    pub sd: f64,
    /// Greatest.
    pub greatest: f64,
}

/// The artifact in short, with at most `rows` rows or lines.
///
/// # Errors
/// When the bytes are not of the form.
pub fn look(form: Form, bytes: &[u8], rows: usize) -> Result<Look, NodeError> {
    Ok(match form {
        Form::Table => table(&Table::read(bytes)?, rows)?,
        Form::Tensors => tensors(&Tensors::read(bytes)?),
        Form::Figure => figure(&String::from_utf8_lossy(bytes)),
        Form::Picture => picture(bytes),
        Form::Document | Form::File => file(bytes, rows)?,
    })
}

/// Of a file of any kind, told by its first bytes.
fn file(bytes: &[u8], rows: usize) -> Result<Look, NodeError> {
    Ok(match bytes {
        [b'P', b'A', b'R', b'1', ..] => table(&Table::read(bytes)?, rows)?,
        [0x89, b'P', b'N', b'G', ..] => picture(bytes),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] | [b'P', b'K', 3, 4, ..] => arrays(bytes),
        [b'0', b' ', b' ', b' ', ..] | [0xFF, b'B', b'I', b'O', ..] => recording(bytes, rows),
        [_, _, _, _, _, _, _, _, b'{', ..] if Tensors::read(bytes).is_ok() => {
            tensors(&Tensors::read(bytes)?)
        }
        bytes => plain(bytes, rows),
    })
}

fn plain(bytes: &[u8], rows: usize) -> Look {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("<svg") && text.contains("</svg>") => figure(text),
        Ok(text) => lines(text, rows),
        Err(_) => Look::Bytes,
    }
}

/// Arrays of numpy's: a line each.
fn arrays(bytes: &[u8]) -> Look {
    let Ok(Held::Arrays(arrays)) = read(bytes) else {
        return Look::Bytes;
    };
    let line = |array: &Array<'_>| format!("{} {} {:?}", array.name, array.descr, array.shape);
    let first: Vec<String> = arrays.iter().map(line).collect();
    Look::Text {
        lines: first.len(),
        first,
    }
}

/// A recording: a line for the whole, one for each signal, then as many annotations as were asked for.
fn recording(bytes: &[u8], rows: usize) -> Look {
    let Ok(recording) = Recording::from_bytes(bytes.to_vec()) else {
        return plain(bytes, rows);
    };
    let (signals, notes) = (recording.signals(), recording.annotations());
    let mut first = vec![format!(
        "{} signals, {} annotations, {} s",
        signals.len(),
        notes.len(),
        recording.duration_seconds()
    )];
    first.extend(signals.iter().map(|signal| {
        let rate = signal.rate_hz.map(|rate| format!(" at {rate} Hz"));
        let (rate, unit) = (rate.unwrap_or_default(), &signal.dimension);
        format!("{}: {} samples{rate}, {unit}", signal.label, signal.samples)
    }));
    let all = first.len() + notes.len();
    first.extend(notes.iter().take(rows).map(|note| {
        let lasts = note
            .duration_seconds
            .map(|seconds| format!(" for {seconds} s"));
        let (onset, lasts) = (note.onset_seconds, lasts.unwrap_or_default());
        format!("at {onset} s{lasts}: {}", note.text)
    }));
    Look::Text { lines: all, first }
}

fn table(table: &Table, rows: usize) -> Result<Look, NodeError> {
    let names = table.names();
    let cells = names
        .iter()
        .map(|name| table.values(name))
        .collect::<Result<Vec<_>, _>>()?;
    let first = (0..table.height().min(rows))
        .map(|row| cells.iter().map(|column| column[row].clone()).collect())
        .collect();
    let pairs = names.into_iter().zip(&cells);
    Ok(Look::Table {
        rows: table.height(),
        columns: pairs.map(|(name, cells)| column(name, cells)).collect(),
        first,
    })
}

fn column(name: String, cells: &[Value]) -> ColumnLook {
    let empty = cells.iter().filter(|cell| **cell == Value::Null).count();
    let sort = cells.iter().fold("empty", |sort, cell| match (sort, cell) {
        (sort, Value::Null) => sort,
        ("empty" | "integer", Value::Int(_)) => "integer",
        ("empty" | "integer" | "number", Value::Int(_) | Value::Float(_)) => "number",
        ("empty" | "boolean", Value::Bool(_)) => "boolean",
        _ => "text",
    });
    let numeric = matches!(sort, "integer" | "number");
    let numbers: Vec<f64> = cells.iter().filter_map(Value::as_float).collect();
    let statistics = numeric.then(|| Statistics::of(&numbers)).flatten();
    ColumnLook {
        name,
        sort,
        empty,
        distinct: if numeric { Vec::new() } else { distinct(cells) },
        histogram: statistics.map_or_else(Vec::new, |of| histogram(&numbers, of)),
        statistics,
    }
}

/// Distinct values with how often they occur, in order of appearance.
fn distinct(cells: &[Value]) -> Vec<(String, usize)> {
    let mut place: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut found: Vec<(String, usize)> = Vec::new();
    for cell in cells.iter().filter(|cell| **cell != Value::Null) {
        let text = cell.to_string();
        let at = *place.entry(text.clone()).or_insert(found.len());
        match found.get_mut(at) {
            Some((_, times)) => *times += 1,
            None => found.push((text, 1)),
        }
    }
    found
}

/// Bins of a histogram; one where all numbers are the same.
const BINS: usize = 12;

fn histogram(numbers: &[f64], of: Statistics) -> Vec<f64> {
    let range = of.greatest - of.least;
    if !(range.is_finite() && range > 0.0) {
        return Vec::new();
    }
    let mut bins = vec![0.0; BINS];
    for number in numbers.iter().filter(|number| !number.is_nan()) {
        let at = ((number - of.least) / range * BINS as f64) as usize;
        bins[at.min(BINS - 1)] += 1.0;
    }
    bins
}

impl Statistics {
    /// `None` where there are no numbers.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let numbers = || values.iter().copied().filter(|value| !value.is_nan());
        let count = numbers().count();
        if count == 0 {
            return None;
        }
        let mean = numbers().sum::<f64>() / count as f64;
        let squares: f64 = numbers().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            count,
            nan: values.len() - count,
            least: numbers().fold(f64::INFINITY, f64::min),
            mean,
            sd: (squares / (count - 1).max(1) as f64).sqrt(),
            greatest: numbers().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

fn tensors(tensors: &Tensors<'_>) -> Look {
    let look = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let values = of_tensor(name.clone(), &view).numbers().unwrap_or_default();
        let (sketch, sketched) = sketch(view.shape(), &values);
        TensorLook {
            dtype: format!("{:?}", view.dtype()).to_lowercase(),
            shape: view.shape().to_vec(),
            statistics: Statistics::of(&values),
            sketch,
            sketched,
            name,
        }
    };
    Look::Tensors {
        facts: tensors.facts(),
        tensors: tensors.raw().into_iter().map(look).collect(),
    }
}

/// A picture of the values, and what its cells are.
fn sketch(shape: &[usize], values: &[f64]) -> (Vec<Vec<f64>>, String) {
    if values.len() < 2 {
        return (Vec::new(), String::new());
    }
    match shape {
        [_, lines, time] if *time >= LONG => {
            let first = &values[..lines * time];
            let words = "the first of the first axis, standard deviation in each cell";
            (cells(first, *lines, *time, spread), words.to_owned())
        }
        [lines, rest @ ..] if !rest.is_empty() => {
            let width = rest.iter().product();
            let words = "first axis down, the others across, mean in each cell";
            (cells(values, *lines, width, mean), words.to_owned())
        }
        _ => {
            let words = "from first to last, mean in each cell";
            (cells(values, 1, values.len(), mean), words.to_owned())
        }
    }
}

/// At most [`LINES`] × [`CELLS`] blocks of a matrix, one number each.
fn cells(values: &[f64], height: usize, width: usize, of: fn(&[f64]) -> f64) -> Vec<Vec<f64>> {
    let (lines, across) = (height.min(LINES), width.min(CELLS));
    let cut = |at: usize, size: usize, parts: usize| at * size / parts..(at + 1) * size / parts;
    let cell = |line: usize, at: usize| {
        let block = cut(line, height, lines).flat_map(|row| {
            let columns = cut(at, width, across);
            values[row * width + columns.start..row * width + columns.end].iter()
        });
        of(&block.copied().collect::<Vec<_>>())
    };
    let line = |line: usize| (0..across).map(|at| cell(line, at)).collect();
    (0..lines).map(line).collect()
}

fn mean(values: &[f64]) -> f64 {
    Statistics::of(values).map_or(f64::NAN, |of| of.mean)
}

fn spread(values: &[f64]) -> f64 {
    Statistics::of(values).map_or(f64::NAN, |of| of.sd)
}

/// Title and description of an SVG figure.
fn figure(svg: &str) -> Look {
    let inside = |tag: &str| {
        let start = svg.find(&format!("<{tag}"))?;
        let start = start + svg[start..].find('>')? + 1;
        let end = start + svg[start..].find(&format!("</{tag}>"))?;
        Some(unescaped(svg[start..end].trim()))
    };
    Look::Figure {
        title: inside("title").unwrap_or_default(),
        description: inside("desc").unwrap_or_default(),
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

/// A PNG's size, which stands at a fixed place.
fn picture(bytes: &[u8]) -> Look {
    let number = |at: usize| {
        let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(four))
    };
    match (number(16), number(20)) {
        (Some(width), Some(height)) if bytes.starts_with(b"\x89PNG") => {
            Look::Picture { width, height }
        }
        _ => Look::Bytes,
    }
}

fn lines(text: &str, most: usize) -> Look {
    Look::Text {
        lines: text.lines().count(),
        first: text.lines().take(most).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::TableBuilder;
    use crate::tensor::TensorsBuilder;

    #[test]
    fn a_table_says_shape_sorts_and_statistics() {
        let table = TableBuilder::new()
            .text("stage", &["W", "N2", "N2"])
            .int("epoch", &[0, 1, 2])
            .maybe("share", &[Some(1.0), None, Some(3.0)]);
        let found = look(Form::Table, &table.parquet().unwrap(), 2).unwrap();
        let Look::Table {
            rows,
            columns,
            first,
        } = found
        else {
            panic!("{found:?}")
        };
        assert_eq!((rows, first.len()), (3, 2));
        assert_eq!(
            columns[0].distinct,
            [("W".to_owned(), 1), ("N2".to_owned(), 2)]
        );
        assert_eq!((columns[1].sort, columns[2].sort), ("integer", "number"));
        let share = columns[2].statistics.unwrap();
        assert_eq!(
            (share.mean, share.sd, columns[2].empty),
            (2.0, 2.0_f64.sqrt(), 1)
        );
    }

    #[test]
    fn signals_are_sketched_by_their_spread_and_matrices_by_their_mean() {
        let signal: Vec<f32> = (0..600)
            .map(|t| if t < 300 { 1.0 } else { (t % 2) as f32 })
            .collect();
        let bytes = TensorsBuilder::new()
            .f32("m", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
            .f32("x", &[1, 1, 600], &signal);
        let found = look(Form::Tensors, &bytes.build().unwrap(), 2).unwrap();
        let Look::Tensors { tensors, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!(tensors[0].sketch, [[1.0, 2.0], [3.0, 4.0]]);
        let line = &tensors[1].sketch[0];
        assert!(line.len() == CELLS && line[..30].iter().all(|cell| *cell == 0.0));
        assert!(
            line[30..].iter().all(|cell| (cell - 0.527).abs() < 1e-3),
            "{line:?}"
        );
    }

    #[test]
    fn blocks_cover_a_matrix_that_does_not_divide() {
        let values: Vec<f64> = (0..37 * 101).map(f64::from).collect();
        let blocks = cells(&values, 37, 101, |block| block.len() as f64);
        assert_eq!(blocks.iter().flatten().sum::<f64>(), 37.0 * 101.0);
    }

    #[test]
    fn figures_tell_their_title_and_odd_bytes_are_bytes() {
        let svg = "<svg><title>n &lt; 5</title><desc>Words.</desc></svg>";
        let found = look(Form::Figure, svg.as_bytes(), 1).unwrap();
        assert!(matches!(found, Look::Figure { title, .. } if title == "n < 5"));
        assert!(matches!(
            look(Form::Picture, b"no", 1).unwrap(),
            Look::Bytes
        ));
        assert!(matches!(
            look(Form::File, &[0xff, 0xfe], 1).unwrap(),
            Look::Bytes
        ));
        assert!(look(Form::Tensors, b"no", 1).is_err());
    }

    #[test]
    fn files_of_others_are_told_by_their_first_bytes() {
        let array = Array {
            name: "x".to_owned(),
            descr: "<f4".to_owned(),
            shape: vec![1],
            bytes: vec![0; 4].into(),
        };
        let bytes = crate::npz::npz(&[array]).unwrap();
        let first = |bytes: &[u8]| match look(Form::File, bytes, 1).unwrap() {
            Look::Text { first, .. } => first,
            other => panic!("{other:?}"),
        };
        assert_eq!(first(&bytes), ["x <f4 [1]"]);
        assert_eq!(first(b"a,b\n1,2\n"), ["a,b"]);
        let note = flow_edf::Annotation::new(30.0, Some(30.0), "Sleep stage W");
        let edf = flow_edf::EdfWriter::new(flow_edf::Format::EDF_PLUS_C, 1.0)
            .annotations(flow_edf::AnnotationSet::new([note]));
        let said = first(&edf.to_bytes().unwrap());
        assert!(said[0].starts_with("0 signals, 1 annotations"), "{said:?}");
        assert_eq!(said[1], "at 30 s for 30 s: Sleep stage W");
    }
}
