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
