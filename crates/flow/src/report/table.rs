//! Tables as HTML, readable without a script; `tables.js` lets them be sorted and filtered.

use flow_contract::{Row, Value};

use super::html::{note, push_tag, push_words, tag, words};
use super::quantity::{grouped, short};

/// Rows beyond this many are left to the table's file.
const MOST_ROWS: usize = 2_000;
/// Columns beyond this many are not printed; `style.css` knows it too.
const MOST_PRINTED: usize = 13;

/// A table with its columns in the order given; `caption` is HTML.
pub fn table(caption: &str, columns: &[String], rows: &[Row]) -> String {
    let (rows, totals) = counts(columns, rows);
    let head: String = columns.iter().map(|name| titled(name, rows)).collect();
    let shown = &rows[..rows.len().min(MOST_ROWS)];
    let caption = caption.to_owned() + &unprinted(columns);
    // Paper is narrower than a screen that scrolls.
    let class = match columns.len() {
        0..=MOST_PRINTED => "scroll",
        _ => "scroll wide",
    };
    let mut html = String::new();
    let around = [&caption, &head, &foot(&totals)];
    push_frame(&mut html, class, around.map(String::as_str), |html| {
        for row in shown {
            push_line(html, columns, row);
        }
    });
    if rows.len() <= MOST_ROWS {
        return html;
    }
    let all = grouped(rows.len() as i64);
    html + &note(&format!(
        "The first {MOST_ROWS} of {all} rows; the file has all."
    ))
}

/// Says on paper which columns the style sheet leaves out there.
fn unprinted(columns: &[String]) -> String {
    match columns.get(MOST_PRINTED..) {
        None | Some([]) => String::new(),
        Some(rest) => {
            let rest = format!(" Not printed, but in the file: {}.", rest.join(", "));
            words("span", &[("class", "print")], &rest)
        }
    }
}

/// The heading of a column, above its numbers where it has some.
fn titled(name: &str, rows: &[Row]) -> String {
    let mut cells = rows.iter().filter_map(|row| row.get(name));
    if cells.any(|cell| matches!(cell, Value::Int(_) | Value::Float(_))) {
        return number_heading(name);
    }
    heading(name)
}

/// A table in a frame that scrolls, by keyboard too, around the rows that `push_body` puts there; caption, head
/// and foot are HTML.
pub fn push_frame(
    html: &mut String,
    class: &str,
    [caption, head, foot]: [&str; 3],
    push_body: impl FnOnce(&mut String),
) {
    push_tag(html, "div", &[("class", class)], |html| {
        push_tag(html, "table", &[("data-sortable", "")], |html| {
            html.push_str(&tag("caption", &[], caption));
            html.push_str(&tag("thead", &[], &tag("tr", &[], head)));
            push_tag(html, "tbody", &[], push_body);
            html.push_str(foot);
        });
    });
}

/// The heading of a column.
pub fn heading(column: &str) -> String {
    words("th", &[("scope", "col")], &column.replace('_', " "))
}

/// The heading of a column of numbers.
pub fn number_heading(column: &str) -> String {
    let attributes = [("scope", "col"), ("class", "number")];
    words("th", &attributes, &column.replace('_', " "))
}

fn push_line(html: &mut String, columns: &[String], row: &Row) {
    push_tag(html, "tr", &[], |html| {
        for column in columns {
            push_cell(html, row.get(column).unwrap_or(&Value::Null));
        }
    });
}

fn push_cell(html: &mut String, value: &Value) {
    let number = [("class", "number")];
    match value {
        Value::Null => push_words(html, "td", &[("class", "none")], "–"),
        Value::Int(int) => push_words(html, "td", &number, &int.to_string()),
        Value::Float(float) => {
            let exact = format!("{float:?}");
            let attributes = [number[0], ("title", &exact)];
            push_words(html, "td", &attributes, &short(*float));
        }
        Value::Bool(bool) => push_words(html, "td", &[], if *bool { "yes" } else { "no" }),
        other => push_prose(html, &other.to_string()),
    }
}

/// Longest text of a cell that stays on one line, in letters.
const ONE_LINE: usize = 36;

/// A cell of text at the end of other HTML; what is long may be broken into lines.
pub fn push_prose(html: &mut String, text: &str) {
    let long = [("class", "long")];
    // Letters are no more than bytes, which need not be counted.
    let class = match text.len() > ONE_LINE && text.chars().count() > ONE_LINE {
        true => &long[..],
        false => &[],
    };
    push_words(html, "td", class, text);
}

fn foot(totals: &[(&str, i64)]) -> String {
    if totals.is_empty() {
        return String::new();
    }
    let sums = totals
        .iter()
        .map(|(_, sum)| words("td", &[("class", "number")], &sum.to_string()));
    let cells = words("th", &[("scope", "row")], "total") + &sums.collect::<String>();
    tag("tfoot", &[], &tag("tr", &[], &cells))
}

/// The rows of a table and, where every column but the first holds whole numbers, their sums.
///
/// A last row named `all` or `total` that is the sum of the others is no row but their total.
pub fn counts<'a, 'b>(columns: &'a [String], rows: &'b [Row]) -> (&'b [Row], Vec<(&'a str, i64)>) {
    let Some((last, others)) = rows.split_last().filter(|(_, others)| !others.is_empty()) else {
        return (rows, Vec::new());
    };
    let own = sums(columns, std::slice::from_ref(last));
    match (own, sums(columns, others)) {
        (Some(own), Some(sum)) if own == sum && is_total(columns, last) => (others, own),
        _ => (rows, sums(columns, rows).unwrap_or_default()),
    }
}

fn is_total(columns: &[String], row: &Row) -> bool {
    let name = columns.first().and_then(|column| row.get(column));
    name.is_some_and(|name| matches!(name.to_string().as_str(), "all" | "total"))
}

fn sums<'a>(columns: &'a [String], rows: &[Row]) -> Option<Vec<(&'a str, i64)>> {
    let numbers = columns.get(1..)?;
    let sum = |column: &'a String| {
        let cells = rows
            .iter()
            .map(|row| row.get(column).and_then(Value::as_int));
        Some((column.as_str(), cells.sum::<Option<i64>>()?))
    };
    numbers.iter().map(sum).collect()
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
        let mut html = String::new();
        push_cell(&mut html, &Value::Float(0.123456789));
        assert_eq!(
            html,
            "<td class=\"number\" title=\"0.123456789\">0.1235</td>"
        );
    }

    #[test]
    fn only_tables_of_counts_have_a_total() {
        let names = columns(&["recording", "kept"]);
        let kept = |kept| row(&[("recording", Value::from("a")), ("kept", kept)]);
        let whole = [kept(Value::Int(3)), kept(Value::Int(4))];
        assert_eq!(counts(&names, &whole).1, [("kept", 7)]);
        let broken = [kept(Value::Int(3)), kept(Value::Float(4.5))];
        assert_eq!(counts(&names, &broken).1, []);
    }

    #[test]
    fn a_total_of_the_tables_own_is_counted_once() {
        let names = columns(&["recording", "kept"]);
        let kept = |name: &str, kept| row(&[("recording", Value::from(name)), ("kept", kept)]);
        let rows = [
            kept("a", Value::Int(3)),
            kept("b", Value::Int(4)),
            kept("all", Value::Int(7)),
        ];
        let (rest, totals) = counts(&names, &rows);
        assert_eq!((rest.len(), totals), (2, vec![("kept", 7)]));
    }

    #[test]
    fn a_wide_table_says_what_paper_leaves_out() {
        let names: Vec<String> = (0..15).map(|at| format!("c{at}")).collect();
        let html = table("c", &names, &[Row::new()]);
        assert!(
            html.contains("scroll wide") && html.contains("in the file: c13, c14."),
            "{html}"
        );
        assert!(!table("c", &names[..13], &[Row::new()]).contains("in the file"));
    }

    #[test]
    fn a_long_table_says_what_it_leaves_out() {
        let rows = vec![row(&[("a", Value::from("x"))]); MOST_ROWS + 1];
        let html = table("c", &columns(&["a"]), &rows);
        assert_eq!(html.matches("<tr>").count(), MOST_ROWS + 1);
        assert!(html.contains("first 2000 of 2,001 rows"));
    }
}
