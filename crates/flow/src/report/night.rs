//! The data of the interactive browser of nights; `night.js` draws it.
//!
//! A table gets a browser when its columns include `recording`, `onset`, `true`, `predicted` and
//! at least one `share_…` in percent.

use std::collections::BTreeMap;

use flow_contract::{Row, Value};
use serde::Serialize;

use super::html::{json, note, tag, words};
use super::night_signals::Signals;
use flow_nodes::envelope::DIGITS;
use flow_nodes::order::by_name;

/// What marks the element that `night.js` fills.
pub const MARK: &str = "data-night";
/// Most bytes of data one browser embeds; a study of 44 nights of 9 h by three rules needs 1.2 MB.
const MOST_BYTES: usize = 2_000_000;
/// Stages from the top of a hypnogram to its bottom; others follow by name.
const STAGES: [&str; 5] = ["W", "R", "N1", "N2", "N3"];

/// One table that a browser shows, with what tells it from the others.
pub struct Source<'a> {
    pub labels: String,
    pub columns: &'a [String],
    pub rows: &'a [Row],
}

#[derive(Serialize)]
struct Data {
    stages: Vec<String>,
    modalities: Vec<String>,
    nights: Vec<Night>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Signals>,
}

/// One recording in one fold of one table, epochs in order of onset.
#[derive(Serialize)]
struct Night {
    source: String,
    recording: String,
    fold: String,
    /// Length of an epoch in seconds: the least distance of two onsets.
    seconds: f64,
    /// The runs of epochs without a gap: first number, first onset in seconds, length.
    runs: Vec<(i64, f64, i64)>,
    /// A digit an epoch: the position in `stages`.
    #[serde(rename = "true")]
    truth: String,
    predicted: String,
    /// Two digits an epoch and modality: 40 times the share in percent; `__` where there is none.
    shares: String,
}

/// Whether a table gets a browser.
pub fn fits(columns: &[String]) -> bool {
    let has = |name: &str| columns.iter().any(|column| column == name);
    ["recording", "onset", "true", "predicted"]
        .into_iter()
        .all(has)
        && !modalities(columns).is_empty()
}

/// The browser over tables of the same columns, with the signals of their recordings if they are known.
pub fn browser(sources: &[Source<'_>], signals: Option<Signals>) -> String {
    let Some(first) = sources.first() else {
        return String::new();
    };
    let mut data = Data {
        stages: stages(sources),
        modalities: modalities(first.columns),
        nights: Vec::new(),
        signals,
    };
    let (mut bytes, mut left_out) = (0, 0);
    for night in sources
        .iter()
        .flat_map(|source| nights(source, &data.stages, &data.modalities))
    {
        bytes += night.truth.len() + night.predicted.len() + night.shares.len();
        if bytes > MOST_BYTES {
            left_out += 1;
        } else {
            data.nights.push(night);
        }
    }
    element(&data, left_out)
}

fn element(data: &Data, left_out: usize) -> String {
    let heading = words("h3", &[], "Browse a recording");
    let without = tag(
        "noscript",
        &[],
        &note("Needs JavaScript; the static figure and the tables do not."),
    );
    let data = tag("script", &[("type", "application/json")], &json(data));
    let more = match left_out {
        0 => String::new(),
        n => note(&format!(
            "{n} recordings are left out here to keep the page small; the files have all."
        )),
    };
    let attributes = [("class", "night"), (MARK, "")];
    tag("div", &attributes, &[heading, without, data, more].concat())
}

fn modalities(columns: &[String]) -> Vec<String> {
    let names = columns
        .iter()
        .filter_map(|column| column.strip_prefix("share_"));
    names.map(str::to_owned).collect()
}

fn stages(sources: &[Source<'_>]) -> Vec<String> {
    let rows = sources.iter().flat_map(|source| source.rows);
    let mut stages: Vec<String> = rows
        .flat_map(|row| [text(row, "true"), text(row, "predicted")])
        .collect();
    let place = |stage: &str| {
        STAGES
            .iter()
            .position(|s| *s == stage)
            .unwrap_or(STAGES.len())
    };
    stages.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| by_name(a, b)));
    stages.dedup();
    stages
}

fn text(row: &Row, column: &str) -> String {
    row.get(column).map(ToString::to_string).unwrap_or_default()
}

fn nights(source: &Source<'_>, stages: &[String], modalities: &[String]) -> Vec<Night> {
    let mut groups: BTreeMap<(String, String), Vec<&Row>> = BTreeMap::new();
    for row in source.rows {
        let group = (text(row, "recording"), text(row, "fold"));
        groups.entry(group).or_default().push(row);
    }
    let night = |((recording, fold), mut rows): ((String, String), Vec<&Row>)| {
        rows.sort_by(|a, b| onset(a).total_cmp(&onset(b)));
        Night {
            source: source.labels.replace('=', " "),
            recording,
            fold,
            seconds: seconds(&rows),
            runs: runs(&rows, seconds(&rows)),
            truth: coded(&rows, "true", stages),
            predicted: coded(&rows, "predicted", stages),
            shares: rows
                .iter()
                .flat_map(|row| modalities.iter().map(|name| share(row, name)))
                .collect(),
        }
    };
    groups.into_iter().map(night).collect()
}

fn onset(row: &Row) -> f64 {
    row.get("onset")
        .and_then(Value::as_float)
        .unwrap_or_default()
}

fn seconds(rows: &[&Row]) -> f64 {
    let gaps = rows.windows(2).map(|pair| onset(pair[1]) - onset(pair[0]));
    let least = gaps.filter(|gap| *gap > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 30.0 }
}

/// See [`Night::runs`]; the position counts where the table has no column `epoch`.
fn runs(rows: &[&Row], seconds: f64) -> Vec<(i64, f64, i64)> {
    let mut runs: Vec<(i64, f64, i64)> = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        let epoch = row
            .get("epoch")
            .and_then(Value::as_int)
            .unwrap_or(position as i64);
        let start = onset(row);
        let joins = |(first, onset, length): &&mut (i64, f64, i64)| {
            let expected = *onset + *length as f64 * seconds;
            *first + *length == epoch && (expected - start).abs() < 0.01
        };
        match runs.last_mut().filter(joins) {
            Some((_, _, length)) => *length += 1,
            None => runs.push((epoch, start, 1)),
        }
    }
    runs
}

fn coded(rows: &[&Row], column: &str, stages: &[String]) -> String {
    let code = |row: &&Row| {
        let stage = text(row, column);
        let place = stages.iter().position(|s| *s == stage).unwrap_or(0);
        char::from(DIGITS[place.min(63)])
    };
    rows.iter().map(code).collect()
}

fn share(row: &Row, modality: &str) -> String {
    let percent = row
        .get(&format!("share_{modality}"))
        .and_then(Value::as_float);
    let code = percent.map_or(4095, |percent| {
        (percent.clamp(0.0, 100.0) * 40.0).round() as usize
    });
    [DIGITS[code / 64], DIGITS[code % 64]]
        .map(char::from)
        .iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: i64, stage: &str, share: Option<f64>) -> Row {
        let share = share.map_or(Value::Null, Value::Float);
        let cells = [
            ("recording", Value::from("</script>")),
            ("fold", Value::Int(1)),
            ("epoch", Value::Int(number)),
            ("onset", Value::Float(30.0 * number as f64)),
            ("true", Value::from(stage)),
            ("predicted", Value::from("N2")),
            ("share_EEG", share),
        ];
        cells.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn columns() -> Vec<String> {
        epoch(0, "W", None).into_keys().collect()
    }

    #[test]
    fn only_tables_of_epochs_with_shares_get_a_browser() {
        assert!(fits(&columns()));
        for lacking in ["onset", "predicted", "share_EEG"] {
            let rest: Vec<String> = columns().into_iter().filter(|c| c != lacking).collect();
            assert!(!fits(&rest), "{lacking}");
        }
    }

    #[test]
    fn epochs_come_in_order_with_gaps_kept() {
        let rows = [
            epoch(7, "N2", None),
            epoch(0, "W", Some(50.0)),
            epoch(1, "N2", Some(100.0)),
        ];
        let columns = columns();
        let source = Source {
            labels: "rule=z".to_owned(),
            columns: &columns,
            rows: &rows,
        };
        let nights = nights(
            &source,
            &stages(&[Source {
                labels: String::new(),
                columns: &columns,
                rows: &rows,
            }]),
            &["EEG".to_owned()],
        );
        assert_eq!(nights.len(), 1);
        assert_eq!(nights[0].seconds, 30.0);
        assert_eq!(nights[0].runs, [(0, 0.0, 2), (7, 210.0, 1)]);
        assert_eq!(
            (nights[0].truth.as_str(), nights[0].predicted.as_str()),
            ("ABB", "BBB")
        );
        // 2000 = 31 · 64 + 16, 4000 = 62 · 64 + 32.
        assert_eq!(nights[0].shares, "fQ-g__");
    }

    #[test]
    fn a_recordings_name_can_not_end_the_data() {
        let (rows, columns) = ([epoch(0, "W", None)], columns());
        let source = Source {
            labels: String::new(),
            columns: &columns,
            rows: &rows,
        };
        let html = browser(&[source], None);
        assert_eq!(html.matches("</script>").count(), 1, "{html}");
    }
}
