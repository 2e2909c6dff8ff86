//! A comparison as a figure, in the form that the name of its file says.

use std::fs;
use std::path::Path;

use flow_nodes::draw::{Comparison, Extent, Series, comparison};

use super::group::Group;
use crate::args::Compare;
use crate::outcome::Refusal;

/// Draws means with their ranges, a line for each value of the columns that are told apart.
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

/// Groups as lines; values and lines in the order in which they first come.
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
        series: series.iter().map(line).collect(),
        values,
    }
}
