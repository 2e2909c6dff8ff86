//! A comparison as a figure, in the form that the name of its file says.

use std::fs;
use std::path::Path;

use flow_nodes::draw::{Comparison, Extent, Series, comparison};

use super::group::Group;
use crate::args::Compare;
use crate::outcome::Refusal;

/// Draws means with their ranges, a look for each value of the columns that are told apart; lines join them along numbers.
///
/// # Errors
/// A name that ends neither in `.svg` nor in `.png`; more values or lines than a figure can tell
/// apart; a file that can't be written.
pub fn draw(groups: &[Group], compare: &Compare, path: &Path) -> Result<(), Refusal> {
    let form = path.extension().and_then(|extension| extension.to_str());
    if !matches!(form, Some("svg" | "png")) {
        let words = format!(
            "`{}` names no figure\n  help: end its name in .svg or .png",
            path.display()
        );
        return Err(Refusal::wrong(words));
    }
    let (svg, png) = comparison(&lines(groups, compare)).map_err(|why| {
        Refusal::wrong(format!(
            "this comparison can't be drawn: {why}\n  help: take fewer rows by `--where`, or tell less apart by `--by`"
        ))
    })?;
    let written = match form {
        Some("png") => fs::write(path, png),
        _ => fs::write(path, svg),
    };
    written.map_err(|error| Refusal::failed(format!("writing `{}`: {error}", path.display())))
}

/// Groups as lines; numbers in ascending order, other values and lines in the order in which they first come.
fn lines(groups: &[Group], compare: &Compare) -> Comparison {
    let mut values: Vec<String> = Vec::new();
    let mut series: Vec<&[String]> = Vec::new();
    for group in groups {
        if !values.contains(&group.over) {
            values.push(group.over.clone());
        }
        if !series.contains(&group.by.as_slice()) {
            series.push(&group.by);
        }
    }
    let ordered = values
        .iter()
        .all(|value| number(value, &values[0]).is_some());
    if ordered {
        let of = |value: &String| number(value, value).unwrap_or_default();
        values.sort_by(|a, b| of(a).total_cmp(&of(b)));
    }
    let at = |by: &[String], value: &String| {
        let mut each = groups.iter();
        let group = each.find(|group| group.by == by && group.over == *value)?;
        Some(Extent {
            least: group.least,
            mean: group.mean,
            greatest: group.greatest,
        })
    };
    let line = |by: &&[String]| Series {
        name: by.join(", "),
        points: values.iter().map(|value| at(by, value)).collect(),
    };
    Comparison {
        title: format!("{} over {}", compare.metric, compare.over),
        number: compare
            .metric
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        over: compare.over.clone(),
        ordered,
        series: series.iter().map(line).collect(),
        values,
    }
}

/// The number that a value is, or the one that it has beyond another in parentheses, as `epsilon(0.01)` beside
/// `epsilon(100)`.
fn number(value: &str, other: &str) -> Option<f64> {
    let cut = |text| match str::split_once(text, '(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or_default()),
        None => ("", text),
    };
    let ((name, digits), (same, _)) = (cut(value), cut(other));
    let number: f64 = digits.trim().parse().ok()?;
    (name == same && number.is_finite()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(values: &[&str]) -> Comparison {
        let group = |value: &&str| Group {
            over: (*value).to_owned(),
            by: Vec::new(),
            n: 1,
            mean: value.len() as f64,
            sd: None,
            least: 0.0,
            greatest: 9.0,
        };
        let groups: Vec<Group> = values.iter().map(group).collect();
        let compare = Compare {
            metric: "scores.scores.value".into(),
            over: "x".into(),
            by: Vec::new(),
            only: Vec::new(),
            json: false,
            csv: false,
            figure: None,
        };
        lines(&groups, &compare)
    }

    #[test]
    fn only_numbers_are_ordered_and_joined() {
        let numbers = along(&["16", "8", "1e2"]);
        assert!(numbers.ordered);
        assert_eq!(numbers.values, ["8", "16", "1e2"]);
        let means: Vec<f64> = numbers.series[0]
            .points
            .iter()
            .map(|p| p.unwrap().mean)
            .collect();
        assert_eq!(means, [1.0, 2.0, 3.0]);
        let rules = along(&["epsilon(100)", "epsilon(0.01)"]);
        assert!(rules.ordered);
        assert_eq!(rules.values, ["epsilon(0.01)", "epsilon(100)"]);
        for words in [
            &["eeg", "8"][..],
            &["epsilon(1)", "gamma(2)"],
            &["nan", "1"],
            &["alpha-beta(1,0)"],
        ] {
            let words = along(words);
            assert!(!words.ordered, "{:?}", words.values);
        }
    }
}
