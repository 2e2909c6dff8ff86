//! The only place that writes to the terminal: answers to stdout, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::sync::OnceLock;

use flow_contract::Value;
use flow_plan::Plan;
use flow_store::Store;
use serde_json::{Value as Json, json};

/// Why a part of the answer was lost, once one was.
static LOST: OnceLock<String> = OnceLock::new();

/// Writes a line of an answer.
pub fn answer(line: &str) {
    keep_failure(writeln!(stdout(), "{}", harmless(line)));
}

/// Writes an answer as it is.
pub fn answer_bytes(bytes: &[u8]) {
    keep_failure(stdout().write_all(bytes));
}

/// A reader that went away, as in `flow … | head`, is no failure; a full disk is.
fn keep_failure(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            LOST.get_or_init(|| format!("writing the answer to stdout: {error}"));
        }
        _ => {}
    }
}

/// Why a part of the answer was lost, if any was.
pub fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// Writes a value as one line of JSON.
pub fn answer_json(value: &impl serde::Serialize) {
    if let Ok(line) = serde_json::to_string(value) {
        answer(&line);
    }
}

/// Writes a note that is no answer.
pub fn note(line: &str) {
    // One write, so that lines of two processes never mix.
    let _ = stderr().write_all(format!("{}\n", harmless(line)).as_bytes());
}

/// A text as a terminal may show it: with pictures of control signs, which could move its cursor or change its colours.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let harms = |sign: char| sign.is_control() && sign != '\n' && sign != '\t';
    match text.contains(harms) {
        false => Cow::Borrowed(text),
        true => text
            .chars()
            .map(|sign| if harms(sign) { picture(sign) } else { sign })
            .collect(),
    }
}

/// The same of a text that must stay one line.
pub fn in_one_line(text: &str) -> String {
    let picture_of = |sign: char| {
        if sign.is_control() {
            picture(sign)
        } else {
            sign
        }
    };
    text.chars().map(picture_of).collect()
}

/// Unicode's picture of a control sign.
fn picture(sign: char) -> char {
    let code = match u32::from(sign) {
        low @ 0..0x20 => 0x2400 + low,
        0x7f => 0x2421,
        _ => 0xfffd,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A text as one word of a shell's line, to be copied from a message.
pub fn shell_word(text: impl ToString) -> String {
    format!("'{}'", text.to_string().replace('\'', r"'\''"))
}

/// What a study says before it runs, as lines to write.
pub fn noticed(notice: &str) -> String {
    let lines: Vec<&str> = notice.trim().lines().collect();
    format!("notice  {}", lines.join("\n        "))
}

/// What a study does that its author can hardly mean, as lines to write.
pub fn doubts(plan: &Plan) -> Vec<String> {
    let idle = plan.idle_axes().into_iter();
    idle.map(|(node, axis)| {
        let (node, axis) = (&node.name, &axis.name);
        format!(
            "warning axis `{axis}` of `{node}` decides nothing, so all instances along it give the same\n  help: use `${axis}` in a param or a port, or leave the axis out"
        )
    })
    .collect()
}

/// Says what was moved away when the cache was opened.
pub fn misplaced(store: &Store) {
    for path in store.misplaced() {
        let path = path.display();
        note(&format!(
            "damaged something else stood in the place of a file of the cache: moved to {path}, and what is lost is computed again"
        ));
    }
}

/// What to say of a study before anything runs: its doubts and its notice.
pub fn before_running(plan: &Plan) -> Option<String> {
    let lines: Vec<String> = doubts(plan)
        .into_iter()
        .chain(plan.notice().map(noticed))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Writes an error.
pub fn error(text: &str) {
    note(text);
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
    use super::*;

    #[test]
    fn control_signs_are_shown_and_not_obeyed() {
        assert_eq!(harmless("a\n\tb"), "a\n\tb");
        assert_eq!(harmless("\u{1b}[31mred\r"), "␛[31mred␍");
        assert_eq!(in_one_line("n\nl\u{9b}"), "n␊l\u{fffd}");
    }

    #[test]
    fn an_apostrophe_stays_in_its_word() {
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

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
