//! Tables as HTML.

use flow_contract::{Row, Value};

use super::html::escape;

/// Rows beyond this many are left to the table's file.
const MOST_ROWS: usize = 400;

/// A table with its columns in the order given.
pub fn table(caption: &str, columns: &[String], rows: &[Row]) -> String {
    let mut html = format!(
        "<div class=\"scroll\"><table><caption>{}</caption><thead><tr>",
        escape(caption)
    );
    for column in columns {
        html.push_str(&format!(
            "<th scope=\"col\">{}</th>",
            escape(&column.replace('_', " "))
        ));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows.iter().take(MOST_ROWS) {
        html.push_str("<tr>");
        for column in columns {
            html.push_str(&cell(row.get(column).unwrap_or(&Value::Null)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    if rows.len() > MOST_ROWS {
        html.push_str(&format!(
            "<p class=\"note\">The first {MOST_ROWS} of {} rows; the file has all.</p>",
            rows.len()
        ));
    }
    html
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<td class=\"none\">–</td>".to_owned(),
        Value::Int(int) => format!("<td class=\"number\">{int}</td>"),
        Value::Float(float) => format!(
            "<td class=\"number\" title=\"{float:?}\">{}</td>",
            short(*float)
        ),
        Value::Bool(bool) => format!("<td>{}</td>", if *bool { "yes" } else { "no" }),
        other => format!("<td>{}</td>", escape(&other.to_string())),
    }
}

/// Four significant digits; very small and very large numbers with an exponent.
fn short(float: f64) -> String {
    let size = float.abs();
    if size == 0.0 || !float.is_finite() {
        return format!("{float}");
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{float:.2e}");
    }
    let digits = (3 - size.log10().floor() as i64).clamp(0, 6);
    format!("{float:.*}", usize::try_from(digits).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits_at_any_size() {
        let shorts = [
            (0.0, "0"),
            (12.3456, "12.35"),
            (0.012345, "0.01235"),
            (99999.9, "100000"),
            (1.5e-19, "1.50e-19"),
        ];
        for (float, words) in shorts {
            assert_eq!(short(float), words);
        }
    }

    #[test]
    fn text_in_cells_is_escaped() {
        let row = Row::from([("a".to_owned(), Value::from("<b>"))]);
        assert!(table("c", &["a".to_owned()], &[row]).contains("<td>&lt;b&gt;</td>"));
    }
}
