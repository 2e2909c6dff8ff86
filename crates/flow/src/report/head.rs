//! The top of the page: what this is, where it came from, on how much data.

use flow_contract::Row;
use serde_json::Value as Json;

use super::facts::Facts;
use super::html::{escape, note, tag, words};
use super::quantity::{duration, grouped, moment};
use super::section::Results;
use super::table;

/// The summary: provenance, the run, the data.
pub fn summary(facts: &Facts, results: &Results<'_>) -> String {
    let heading = words("h2", &[("id", "summary-heading")], "Summary");
    let html = heading + &data(results) + &scores(results) + &provenance(facts) + &params(facts);
    tag(
        "section",
        &[("id", "summary"), ("aria-labelledby", "summary-heading")],
        &html,
    )
}

fn provenance(facts: &Facts) -> String {
    let seconds: f64 = facts.nodes.iter().map(|node| node.seconds).sum();
    let outcome = format!(
        "{} computed, {} from the cache, {} failed, {} skipped",
        facts.ran, facts.cached, facts.failed, facts.skipped
    );
    let pairs = [
        ("Study", facts.study.to_owned()),
        ("Finished", moment(facts.finished_unix)),
        ("Run", facts.run.to_owned()),
        (
            "Study file",
            format!("BLAKE3 {}", short_digest(&facts.study_digest)),
        ),
        ("flow", format!("version {}", facts.flow)),
        ("Results", outcome),
        (
            "Computing time",
            format!("{}, on {} cores", duration(seconds), facts.jobs),
        ),
    ];
    let pairs = pairs.iter().map(|(term, text)| pair(term, text));
    tag("dl", &[("class", "facts")], &pairs.collect::<String>())
}

fn pair(term: &str, text: &str) -> String {
    tag(
        "div",
        &[],
        &(words("dt", &[], term) + &words("dd", &[], text)),
    )
}

fn params(facts: &Facts) -> String {
    if facts.params.is_empty() {
        return String::new();
    }
    let pairs = facts
        .params
        .iter()
        .map(|(name, value)| pair(name, &plain(value)));
    let heading = words("h3", &[], "Params");
    heading
        + &tag(
            "dl",
            &[("class", "facts params")],
            &pairs.collect::<String>(),
        )
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The sums of the first shown table that counts what was `kept` of what was `scored`.
fn data(results: &Results<'_>) -> String {
    let report = results.study.plan.report();
    let shown = report
        .iter()
        .flat_map(|report| &report.sections)
        .flat_map(|section| &section.show);
    let mut tables = shown.flat_map(|shown| results.tables(shown));
    let found = tables.find_map(|read| {
        let (rows, totals) = table::counts(&read.columns, &read.rows);
        counts(rows.len(), &totals)
    });
    found.unwrap_or_default()
}

/// The scores over all folds in the first shown table of them, with their intervals.
fn scores(results: &Results<'_>) -> String {
    let report = results.study.plan.report();
    let shown = report
        .iter()
        .flat_map(|report| &report.sections)
        .flat_map(|section| &section.show);
    let mut tables = shown.flat_map(|shown| results.tables(shown));
    let found = tables.find_map(|read| pooled(&read.rows));
    found.map_or_else(String::new, |tiles| {
        tag("ul", &[("class", "tiles")], &tiles)
            + &note("Scores over all folds, with intervals by bootstrap over the test subjects.")
    })
}

/// A tile a score of the rows that are `pooled` over folds; `None` where these are no scores.
fn pooled(rows: &[Row]) -> Option<String> {
    let text = |row: &Row, column: &str| row.get(column).map(ToString::to_string);
    let number = |row: &Row, column: &str| row.get(column)?.as_float();
    let mine = rows
        .iter()
        .filter(|row| text(row, "fold").as_deref() == Some("pooled"));
    let tile = |row: &Row| {
        let (name, value) = (text(row, "score")?, number(row, "value")?);
        let ends = number(row, "low").zip(number(row, "high"));
        let ends = ends.map_or_else(String::new, |(low, high)| {
            format!(", {low:.3} to {high:.3}")
        });
        let value = words("strong", &[], &format!("{value:.3}"));
        Some(tag("li", &[], &(value + &escape(&(name + &ends)))))
    };
    let tiles: Vec<String> = mine.filter_map(tile).collect();
    (!tiles.is_empty()).then(|| tiles.concat())
}

fn short_digest(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

fn counts(recordings: usize, totals: &[(&str, i64)]) -> Option<String> {
    let of = |name: &str| {
        totals
            .iter()
            .find(|(column, _)| *column == name)
            .map(|(_, sum)| *sum)
    };
    let (scored, kept) = (of("scored")?, of("kept")?);
    let all = of("epochs").unwrap_or(scored);
    let tiles = [
        (recordings as i64, "recordings"),
        (scored, "epochs scored"),
        (kept, "epochs kept"),
        (all - kept, "epochs dropped"),
    ];
    let tiles = tiles.map(|(number, what)| tile(number, what)).concat();
    let rest = totals
        .iter()
        .filter(|(name, _)| !["epochs", "scored", "kept"].contains(name));
    let rest: Vec<String> = rest
        .map(|(name, sum)| format!("{} {}", name.replace('_', " "), grouped(*sum)))
        .collect();
    let breakdown = format!(
        "Epochs by class and reason for dropping: {}.",
        rest.join(" · ")
    );
    Some(tag("ul", &[("class", "tiles")], &tiles) + &words("p", &[("class", "note")], &breakdown))
}

fn tile(number: i64, what: &str) -> String {
    let number = words("strong", &[], &grouped(number));
    tag("li", &[], &format!("{number} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow_contract::Value;

    #[test]
    fn pooled_scores_are_told_with_their_intervals() {
        let row = |fold: &str, low: Value| -> Row {
            let cells = [
                ("fold", Value::from(fold)),
                ("score", Value::from("Cohen's κ")),
                ("value", Value::Float(0.5)),
                ("low", low.clone()),
                ("high", low),
            ];
            cells.map(|(name, value)| (name.to_owned(), value)).into()
        };
        let rows = [row("1", Value::Null), row("pooled", Value::Float(0.25))];
        let tiles = pooled(&rows).unwrap();
        assert_eq!(
            tiles,
            "<li><strong>0.500</strong>Cohen's κ, 0.250 to 0.250</li>"
        );
        assert_eq!(pooled(&rows[..1]), None);
    }

    #[test]
    fn dropped_epochs_are_counted() {
        let totals = [
            ("epochs", 1300),
            ("scored", 1290),
            ("kept", 1276),
            ("W", 1276),
            ("no_class", 24),
        ];
        let html = counts(44, &totals).unwrap();
        assert!(
            html.contains("<li><strong>24</strong> epochs dropped</li>"),
            "{html}"
        );
        assert!(html.contains("W 1,276 · no class 24."), "{html}");
        assert_eq!(counts(44, &totals[2..]), None);
    }
}
