//! Artifacts in the forms that other programs read: CSV, Parquet, npz, safetensors.

use std::fmt::Write as _;

use flow_contract::{Form, NodeError, Value};
use safetensors::tensor::TensorView;

use crate::arrays::of_tensor;
use crate::npz::{Array, descr, npz};
use crate::table::{Table, TableBuilder};
use crate::tensor::{Tensors, TensorsBuilder};

/// A form to export to; its file's extension is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Text with a header; tensors as one row a value.
    Csv,
    /// As CSV, typed.
    Parquet,
    /// Arrays for numpy; a table's columns are arrays.
    Npz,
    /// Tensors; a table's columns of numbers and booleans are tensors.
    Safetensors,
}

/// What was exported.
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// What the form can't hold and was left out.
    pub left_out: Vec<String>,
}

/// The artifact in another form.
///
/// A tensor of `n` axes becomes rows of `tensor`, `axis_0` … `axis_(n−1)` and `value`; the axes are named by
/// `axes` (as in `epoch, channel, time`) where there are as many. Empty cells of numbers become NaN in arrays.
///
/// # Errors
/// In words: the artifact is neither a table nor tensors, is damaged, or does not fit the form.
pub fn export(form: Form, bytes: &[u8], axes: &str, to: To) -> Result<Exported, NodeError> {
    let whole = |bytes| Exported {
        bytes,
        left_out: Vec::new(),
    };
    match (form, to) {
        (Form::Table, To::Parquet) | (Form::Tensors, To::Safetensors) => Ok(whole(bytes.to_vec())),
        (Form::Table, To::Csv) => Table::read(bytes)?.csv().map(whole),
        (Form::Table, To::Npz) => npz(&columns(&Table::read(bytes)?)?).map(whole),
        (Form::Table, To::Safetensors) => tensors_of(&Table::read(bytes)?),
        (Form::Tensors, To::Npz) => npz(&arrays(&Tensors::read(bytes)?)?).map(whole),
        (Form::Tensors, To::Csv) => long(&Tensors::read(bytes)?, axes)?.csv().map(whole),
        (Form::Tensors, To::Parquet) => long(&Tensors::read(bytes)?, axes)?.parquet().map(whole),
        _ => Err(NodeError::new("it is neither a table nor tensors")
            .help("figures and files are published as they are; see `publish` in the study file")),
    }
}

/// The columns of a table as arrays: text as `<U…`, whole numbers as `<i8`, other numbers as `<f8`.
fn columns(table: &Table) -> Result<Vec<Array<'static>>, NodeError> {
    let column = |name: String| {
        let cells = table.values(&name)?;
        let (descr, bytes) = match sort(&cells) {
            Sort::Bool => ("|b1".to_owned(), cells.iter().map(is_true).collect()),
            Sort::Int => ("<i8".to_owned(), ints(&cells)),
            Sort::Float => ("<f8".to_owned(), floats(&cells)),
            Sort::Text => texts(&cells),
        };
        Ok(Array {
            name,
            descr,
            shape: vec![cells.len()],
            bytes: bytes.into(),
        })
    };
    table.names().into_iter().map(column).collect()
}

/// What all cells of a column are; a column of nothing counts as numbers.
enum Sort {
    Bool,
    Int,
    Float,
    Text,
}

fn sort(cells: &[Value]) -> Sort {
    let all = |is: fn(&Value) -> bool| cells.iter().all(is);
    if !cells.is_empty() && all(|cell| matches!(cell, Value::Bool(_))) {
        Sort::Bool
    } else if !cells.is_empty() && all(|cell| matches!(cell, Value::Int(_))) {
        Sort::Int
    } else if all(|cell| matches!(cell, Value::Null | Value::Int(_) | Value::Float(_))) {
        Sort::Float
    } else {
        Sort::Text
    }
}

fn is_true(cell: &Value) -> u8 {
    u8::from(*cell == Value::Bool(true))
}

fn ints(cells: &[Value]) -> Vec<u8> {
    let int = |cell: &Value| cell.as_int().unwrap_or_default().to_le_bytes();
    cells.iter().flat_map(int).collect()
}

fn floats(cells: &[Value]) -> Vec<u8> {
    let float = |cell: &Value| cell.as_float().unwrap_or(f64::NAN).to_le_bytes();
    cells.iter().flat_map(float).collect()
}

/// Text of one width in UTF-32, as numpy holds it; empty cells are empty text.
fn texts(cells: &[Value]) -> (String, Vec<u8>) {
    let text = |cell: &Value| match cell {
        Value::Null => Vec::new(),
        cell => cell.to_string().chars().map(u32::from).collect(),
    };
    let texts: Vec<Vec<u32>> = cells.iter().map(text).collect();
    let width = texts.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let padded = |mut text: Vec<u32>| {
        text.resize(width, 0);
        text
    };
    let bytes = texts
        .into_iter()
        .flat_map(padded)
        .flat_map(u32::to_le_bytes);
    (format!("<U{width}"), bytes.collect())
}

/// The columns of a table that tensors can hold.
fn tensors_of(table: &Table) -> Result<Exported, NodeError> {
    let (mut tensors, mut left_out) = (TensorsBuilder::new(), Vec::new());
    for name in table.names() {
        let cells = table.values(&name)?;
        let shape = [cells.len()];
        tensors = match sort(&cells) {
            Sort::Text => {
                left_out.push(format!("column `{name}`, which is text"));
                continue;
            }
            Sort::Bool => tensors.u8(
                &name,
                &shape,
                &cells.iter().map(is_true).collect::<Vec<_>>(),
            ),
            Sort::Int => {
                let ints = cells.iter().filter_map(Value::as_int).collect::<Vec<_>>();
                tensors.i64(&name, &shape, &ints)
            }
            Sort::Float => {
                let float = |cell: &Value| cell.as_float().unwrap_or(f64::NAN);
                tensors.f64(&name, &shape, &cells.iter().map(float).collect::<Vec<_>>())
            }
        };
    }
    Ok(Exported {
        bytes: tensors.build()?,
        left_out,
    })
}

fn arrays<'a>(tensors: &Tensors<'a>) -> Result<Vec<Array<'a>>, NodeError> {
    let array = |(name, view): (String, TensorView<'a>)| match descr(view.dtype()) {
        Some(_) => Ok(of_tensor(name, &view)),
        None => {
            let what = format!(
                "tensor `{name}` is {:?}, which numpy has no type for",
                view.dtype()
            );
            Err(NodeError::new(what).help("export it `--to safetensors`"))
        }
    };
    tensors.raw().into_iter().map(array).collect()
}

/// One row a value: the tensor's name, its place on each axis, the value.
fn long(tensors: &Tensors<'_>, axes: &str) -> Result<Table, NodeError> {
    let all = tensors.raw();
    let most = all.iter().map(|(_, view)| view.shape().len()).max();
    let most = most.unwrap_or(0);
    let named: Vec<&str> = axes.split(", ").filter(|axis| !axis.is_empty()).collect();
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let mut places = vec![Vec::new(); most];
    for (name, view) in &all {
        let shape = view.shape();
        for (at, value) in of_tensor(name.clone(), view)
            .numbers()?
            .into_iter()
            .enumerate()
        {
            names.push(name.as_str());
            values.push(Some(value).filter(|value| !value.is_nan()));
            let mut rest = at;
            let mut place = vec![None; most];
            for (axis, size) in shape.iter().enumerate().rev() {
                place[axis] = Some((rest % size) as f64);
                rest /= size;
            }
            places
                .iter_mut()
                .zip(place)
                .for_each(|(column, at)| column.push(at));
        }
    }
    let mut table = TableBuilder::new();
    if all.len() > 1 {
        table = table.text("tensor", &names);
    }
    for (axis, column) in places.iter().enumerate() {
        let mut name = format!("axis_{axis}");
        if named.len() == most {
            name.clear();
            let _ = write!(name, "{}", named[axis]);
        }
        table = match column.iter().copied().collect::<Option<Vec<f64>>>() {
            Some(whole) => table.int(
                &name,
                &whole.iter().map(|at| *at as i64).collect::<Vec<_>>(),
            ),
            None => table.maybe(&name, column),
        };
    }
    table.maybe("value", &values).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<u8> {
        let table = TableBuilder::new()
            .text("recording", &["ST7011", "µ"])
            .int("epoch", &[3, 4])
            .maybe("share", &[Some(50.5), None])
            .bool("kept", &[true, false]);
        table.parquet().unwrap()
    }

    fn tensors() -> Vec<u8> {
        let x = [0.5_f32, 1.5, 2.5, 3.5, 4.5, 5.5];
        TensorsBuilder::new()
            .f32("x", &[1, 2, 3], &x)
            .build()
            .unwrap()
    }

    #[test]
    fn text_is_left_out_of_tensors_and_said_so() {
        let found = export(Form::Table, &table(), "", To::Safetensors).unwrap();
        assert_eq!(found.left_out, ["column `recording`, which is text"]);
        let read = Tensors::read(&found.bytes).unwrap();
        let share = read.f64("share").unwrap().1;
        assert!(share[0] == 50.5 && share[1].is_nan());
        assert_eq!(*read.u8("kept").unwrap().1, [1, 0]);
    }

    #[test]
    fn a_tensor_becomes_rows_with_its_axes_named() {
        let found = export(Form::Tensors, &tensors(), "epoch, channel, time", To::Csv).unwrap();
        let text = String::from_utf8(found.bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["epoch,channel,time,value", "0,0,0,0.5"]);
        assert_eq!(lines[6], "0,1,2,5.5");
        let unnamed = export(Form::Tensors, &tensors(), "a, b", To::Csv).unwrap();
        assert!(unnamed.bytes.starts_with(b"axis_0,axis_1,axis_2,value"));
    }

    #[test]
    fn a_form_of_its_own_is_handed_on_byte_for_byte() {
        let same = export(Form::Table, &table(), "", To::Parquet).unwrap();
        assert_eq!(same.bytes, table());
        let same = export(Form::Tensors, &tensors(), "", To::Safetensors).unwrap();
        assert_eq!(same.bytes, tensors());
    }

    #[test]
    fn what_is_no_table_is_refused_and_a_broken_one_too() {
        assert!(export(Form::Figure, b"<svg/>", "", To::Csv).is_err());
        assert!(export(Form::Table, b"no", "", To::Npz).is_err());
    }

    #[test]
    fn columns_are_arrays_of_their_types() {
        let arrays = columns(&Table::read(&table()).unwrap()).unwrap();
        let types: Vec<&str> = arrays.iter().map(|array| array.descr.as_str()).collect();
        assert_eq!(types, ["<U6", "<i8", "<f8", "|b1"]);
        assert_eq!(arrays[0].bytes.len(), 2 * 6 * 4);
    }
}
