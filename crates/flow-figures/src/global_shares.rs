//! Fig. 1: global relevance shares per rule and modality, over folds.

use crate::axes;
use crate::axis::{Axis, Ticks, enclosing};
use crate::boxes::{self, BoxSummary};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::{count, plural};
use crate::page::{Key, Page};
use crate::scene::{Area, Label, Scene, at, fill};
use crate::style::{COLUMN, FULL, GREY, Look, MARGIN, MOST_MODALITIES, SMALL, TEXT, looks};
use crate::text::Font;

/// Most rules that fit side by side.
const MOST_RULES: usize = 24;
/// Height of the panel.
const HEIGHT: f64 = 150.0;
/// Longest turned rule label.
const TURNED: f64 = 105.0;

/// Global relevance shares of every modality under every rule, one value a fold.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalShares {
    /// Title; may be empty.
    pub title: String,
    /// What one share is of: `fold`, `sample`.
    pub each: &'static str,
    /// Names of the modalities, 1 to 8.
    pub modalities: Vec<String>,
    /// One group of boxes a rule, 1 to 24.
    pub rules: Vec<RuleShares>,
}

/// Shares under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleShares {
    /// Name of the rule.
    pub rule: String,
    /// `[modality][fold]`, percent in `[0, 100]`; every modality has the same folds. A rule by which nothing has
    /// relevance has no folds, and no boxes.
    pub shares: Vec<Vec<f64>>,
}

/// Draws box plots of global shares: median, quartiles, whiskers to 1.5 IQR, and every fold as a
/// point, left to right in fold order.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`] and [`FigureError::OutOfRange`], each with the field at fault.
pub fn global_shares(input: &GlobalShares) -> Result<Figure, FigureError> {
    check_input(input)?;
    let boxes = input.rules.len() * input.modalities.len();
    let width = if boxes <= 9 { COLUMN } else { FULL };
    let looks = looks(&input.modalities);
    let mut page = Page::new(width, &input.title, "");
    let named = looks.iter().zip(&input.modalities);
    let entries: Vec<_> = named
        .map(|(&l, name)| (Key::Marker(l), name.clone()))
        .collect();
    page.legend(&entries);

    let ticks = share_ticks(input);
    let left = MARGIN + axes::gutter(&ticks.ticks);
    let area = Area::new(left, page.y + 2.0, width - MARGIN - left, HEIGHT);
    // Points at 0 and 100 stay clear of the frame.
    let axis = Axis::linear(ticks.low, ticks.high, area.bottom() - 3.0, area.top + 3.0);
    axes::y_ticks(&mut page.scene, area, &axis, &ticks.ticks);
    axes::y_title(
        &mut page.scene,
        area,
        MARGIN + TEXT,
        match input.each {
            "fold" => "Global relevance share [%]",
            _ => "Relevance share [%]",
        },
    );
    draw_rules(&mut page.scene, input, &looks, (area, axis));
    axes::frame(&mut page.scene, area);
    page.y = area.bottom() + label_rules(&mut page.scene, input, area);
    Ok(page.finish(&note(input), &description(input)))
}

fn check_input(input: &GlobalShares) -> Result<(), FigureError> {
    check::not_empty("modalities", &input.modalities)?;
    check::at_most("modalities", &input.modalities, MOST_MODALITIES)?;
    check::not_empty("rules", &input.rules)?;
    check::at_most("rules", &input.rules, MOST_RULES)?;
    for rule in &input.rules {
        check::length("rules.shares", &rule.shares, input.modalities.len())?;
        for folds in &rule.shares {
            check::length("rules.shares", folds, rule.shares[0].len())?;
            check::percent("rules.shares", folds)?;
        }
    }
    Ok(())
}

/// The axis starts at 0, because shares are parts of a whole.
fn share_ticks(input: &GlobalShares) -> Ticks {
    let all = input
        .rules
        .iter()
        .flat_map(|rule| rule.shares.iter().flatten());
    let most = all.copied().fold(1.0, f64::max);
    enclosing(0.0, most.min(100.0), 5)
}

fn draw_rules(scene: &mut Scene, input: &GlobalShares, looks: &[Look], panel: (Area, Axis)) {
    let (area, axis) = panel;
    let group = area.width / input.rules.len() as f64;
    let slot = group * 0.86 / input.modalities.len() as f64;
    for (i, rule) in input.rules.iter().enumerate() {
        let start = area.left + group * (i as f64 + 0.07);
        for (m, folds) in rule.shares.iter().enumerate() {
            let Some(summary) = BoxSummary::of(folds) else {
                continue;
            };
            let name = &input.modalities[m];
            let n = plural(folds.len(), input.each);
            let words = format!("{name}, {}: {} %, n = {n}", rule.rule, summary.words());
            let x = start + slot * (m as f64 + 0.5);
            let width = (slot * 0.8).min(26.0);
            scene.group(words, |scene| {
                boxes::draw(scene, x, width, &axis, (&summary, looks[m]));
                draw_points(scene, folds, (x, width), (&axis, looks[m]));
            });
        }
    }
}

/// Points spread over the box in fold order, so that a fold can be followed from box to box.
fn draw_points(scene: &mut Scene, folds: &[f64], place: (f64, f64), style: (&Axis, Look)) {
    /// More points than this are a smear that hides the box.
    const MOST_POINTS: usize = 400;
    if folds.len() > MOST_POINTS {
        return;
    }
    let ((x, width), (axis, look)) = (place, style);
    let radius = (width / folds.len() as f64 * 0.8).clamp(0.7, 1.5);
    for (i, &share) in folds.iter().enumerate() {
        let part = (i as f64 + 0.5) / folds.len() as f64 - 0.5;
        let centre = at(x + part * width * 0.8, axis.at(share));
        if folds.len() > 12 || width < 14.0 {
            scene.circle(centre, radius, fill(look.colour));
        } else {
            scene.marker(centre, radius, look);
        }
    }
}

/// Rule names and fold counts under the panel; gives the height they take.
fn label_rules(scene: &mut Scene, input: &GlobalShares, area: Area) -> f64 {
    let font = Font::regular(TEXT);
    let group = area.width / input.rules.len() as f64;
    let lines: Vec<_> = input
        .rules
        .iter()
        .map(|r| font.wrap(&r.rule, group - 4.0, 3))
        .collect();
    let cut = lines.iter().flatten().any(|line| line.ends_with('…'));
    if cut && group < 70.0 {
        return turned_labels(scene, input, area);
    }
    let most = lines.iter().map(Vec::len).max().unwrap_or(0).max(1);
    for (i, lines) in lines.iter().enumerate() {
        let x = area.left + group * (i as f64 + 0.5);
        let first = area.bottom() + 4.0 + font.size * 0.75;
        for (row, line) in lines.iter().enumerate() {
            let place = at(x, first + row as f64 * font.leading());
            scene.text(Label::new(place, line, font).middle());
        }
        let n = fold_count(&input.rules[i]);
        let place = at(x, first + most as f64 * font.leading());
        let small = Font::regular(SMALL);
        let label = Label::new(place, small.shorten(&n, group - 1.0), small);
        scene.text(label.middle().coloured(GREY));
    }
    4.0 + (most as f64 + 1.0) * font.leading()
}

fn fold_count(rule: &RuleShares) -> String {
    format!("n = {}", count(rule.shares[0].len() as u64))
}

fn turned_labels(scene: &mut Scene, input: &GlobalShares, area: Area) -> f64 {
    let font = Font::regular(SMALL);
    let group = area.width / input.rules.len() as f64;
    let mut longest: f64 = 0.0;
    for (i, rule) in input.rules.iter().enumerate() {
        let x = area.left + group * (i as f64 + 0.5) + font.drop();
        let label = Label::within(at(x, area.bottom() + 4.0), &rule.rule, font, TURNED);
        longest = longest.max(font.width(&label.text));
        scene.text(label.end().turned());
    }
    4.0 + longest
}

fn note(input: &GlobalShares) -> String {
    let folds = |rule: &RuleShares| rule.shares[0].len();
    let counts: Vec<usize> = input.rules.iter().map(folds).collect();
    let least = counts.iter().copied().min().unwrap_or(0);
    let most = counts.iter().copied().max().unwrap_or(0);
    let n = if least == most {
        plural(most, input.each)
    } else {
        format!("{least} to {most} {}s", input.each)
    };
    format!(
        "n = {n}. Line: median; box: quartiles; whiskers: furthest value within 1.5 IQR; \
         points: {}s, left to right in order.",
        input.each
    )
}

fn description(input: &GlobalShares) -> String {
    let mut words = vec!["Box plots of the global relevance share in percent.".to_owned()];
    for rule in &input.rules {
        for (name, folds) in input.modalities.iter().zip(&rule.shares) {
            if let Some(summary) = BoxSummary::of(folds) {
                words.push(format!("{}, {name}: {}.", rule.rule, summary.words()));
            }
        }
    }
    words.join(" ")
}
