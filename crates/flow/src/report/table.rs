//! Tables as HTML, readable without a script; `tables.js` lets them be sorted and filtered.

use flow_contract::{Row, Value};

use super::html::{escape, note, tag, words};
use super::quantity::{grouped, short};

/// Rows beyond this many are left to the table's file.
const MOST_ROWS: usize = 2_000;

/// A table with its columns in the order given; `caption` is HTML.
pub fn table(caption: &str, columns: &[String], rows: &[Row]) -> String {
    let head: String = columns.iter().map(|column| heading(column)).collect();
    let shown = &rows[..rows.len().min(MOST_ROWS)];
    let body: String = shown.iter().map(|row| line(columns, row)).collect();
    let html = frame(caption, &head, &body, &total(columns, rows));
    if rows.len() <= MOST_ROWS {
        return html;
    }
    let all = grouped(rows.len() as i64);
    html + &note(&format!(
        "The first {MOST_ROWS} of {all} rows; the file has all."
    ))
}

/// A table in a frame that scrolls, by keyboard too, from its parts as HTML.
pub fn frame(caption: &str, head: &str, body: &str, foot: &str) -> String {
    let parts = [
        tag("caption", &[], caption),
        tag("thead", &[], &tag("tr", &[], head)),
        tag("tbody", &[], body),
        foot.to_owned(),
    ];
    let table = tag("table", &[("data-sortable", "")], &parts.concat());
    tag("div", &[("class", "scroll")], &table)
}

/// The heading of a column.
pub fn heading(column: &str) -> String {
    words("th", &[("scope", "col")], &column.replace('_', " "))
}

fn line(columns: &[String], row: &Row) -> String {
    let cells = columns
        .iter()
        .map(|column| cell(row.get(column).unwrap_or(&Value::Null)));
    tag("tr", &[], &cells.collect::<String>())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => words("td", &[("class", "none")], "–"),
        Value::Int(int) => words("td", &[("class", "number")], &int.to_string()),
        Value::Float(float) => {
            let exact = format!("{float:?}");
            words(
                "td",
                &[("class", "number"), ("title", &exact)],
                &short(*float),
            )
        }
        Value::Bool(bool) => words("td", &[], if *bool { "yes" } else { "no" }),
        other => tag("td", &[], &escape(&other.to_string())),
    }
}

/// The sums of a table of counts: a column of names, then whole numbers only.
fn total(columns: &[String], rows: &[Row]) -> String {
    let Some(sums) = sums(columns, rows) else {
        return String::new();
    };
    let sums = sums
        .iter()
        .map(|(_, sum)| words("td", &[("class", "number")], &sum.to_string()));
    let cells = words("th", &[("scope", "row")], "total") + &sums.collect::<String>();
    tag("tfoot", &[], &tag("tr", &[], &cells))
}

/// Column and sum of every column but the first, where all of these are whole numbers.
pub fn sums<'a>(columns: &'a [String], rows: &[Row]) -> Option<Vec<(&'a str, i64)>> {
    let counts = columns
        .get(1..)
        .filter(|counts| !counts.is_empty() && rows.len() > 1)?;
    let sum = |column: &'a String| {
        let cells = rows
            .iter()
            .map(|row| row.get(column).and_then(Value::as_int));
        Some((column.as_str(), cells.sum::<Option<i64>>()?))
    };
    counts.iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn row(cells: &[(&str, Value)]) -> Row {
        cells
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect()
    }

    #[test]
    fn text_in_cells_and_headings_is_escaped() {
        let html = table(
            "c",
            &columns(&["a<b"]),
            &[row(&[("a<b", Value::from("<i>"))])],
        );
        assert!(html.contains("<td>&lt;i&gt;</td>"), "{html}");
        assert!(html.contains("<th scope=\"col\">a&lt;b</th>"), "{html}");
    }

    #[test]
    fn numbers_keep_their_exact_value_for_sorting() {
        let html = cell(&Value::Float(0.123456789));
        assert_eq!(
            html,
            "<td class=\"number\" title=\"0.123456789\">0.1235</td>"
        );
    }

    #[test]
    fn only_tables_of_counts_have_a_total() {
        let names = columns(&["recording", "kept"]);
        let counts = |kept| row(&[("recording", Value::from("a")), ("kept", kept)]);
        let rows = [counts(Value::Int(3)), counts(Value::Int(4))];
        assert_eq!(sums(&names, &rows), Some(vec![("kept", 7)]));
        assert_eq!(
            sums(&names, &[counts(Value::Int(3)), counts(Value::Float(4.5))]),
            None
        );
    }

    #[test]
    fn a_long_table_says_what_it_leaves_out() {
        let rows = vec![row(&[("a", Value::Int(1))]); MOST_ROWS + 1];
        let html = table("c", &columns(&["a"]), &rows);
        assert_eq!(html.matches("<tr>").count(), MOST_ROWS + 1);
        assert!(html.contains("first 2000 of 2,001 rows"));
    }
}
