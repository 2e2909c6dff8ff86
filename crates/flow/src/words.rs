//! The only place that writes to the terminal: answers to stdout, everything else to stderr.

use std::io::{Write, stderr, stdout};

use flow_contract::Value;
use serde_json::{Value as Json, json};

/// Writes a line of an answer. A reader that went away, as in `flow … | head`, is no error.
pub fn answer(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// Writes a value as one line of JSON.
pub fn answer_json(value: &impl serde::Serialize) {
    if let Ok(line) = serde_json::to_string(value) {
        answer(&line);
    }
}

/// Writes a note that is no answer.
pub fn note(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// What a study says before it runs, as lines to write.
pub fn noticed(notice: &str) -> String {
    let lines: Vec<&str> = notice.trim().lines().collect();
    format!("notice  {}", lines.join("\n        "))
}

/// Writes an error.
pub fn error(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// A number of bytes as people say it: `734 B`, `1.8 MB`, `12 GB`.
pub fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        let next = if unit == "B" { 1000.0 } else { 999.5 };
        if amount < next {
            let digits = usize::from(unit != "B" && amount < 9.95);
            return format!("{amount:.digits$} {unit}");
        }
        amount /= 1e3;
    }
    format!("{amount:.1} TB")
}

/// A value as plain JSON.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Int(int) => json!(int),
        Value::Float(float) => json!(float),
        Value::Text(text) => json!(text),
        Value::List(list) => list.iter().map(plain).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_960, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_766_721, "1.8 MB"),
            (12_000_000_000, "12 GB"),
            (2_500_000_000_000, "2.5 TB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }
}
