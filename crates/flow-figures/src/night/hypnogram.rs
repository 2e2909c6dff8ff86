//! True and predicted stages as steps, wrong predictions marked.

use super::{Column, Night};
use crate::axes;
use crate::scene::{Area, Label, Scene, Stroke, at, fill, stroke};
use crate::style::{GREY, INK, MARGIN, PALE, RULE, SMALL, TEXT, VERMILLION};
use crate::text::Font;

/// Height of one stage.
const ROW: f64 = 9.5;
/// Height of the strip that marks wrong predictions.
const STRIP: f64 = 5.0;

/// Most room for a class's name.
pub(super) const NAMES: f64 = 64.0;

/// Draws the panel of true classes and the panel of predicted classes.
pub(super) fn draw(column: &mut Column<'_>, input: &Night) {
    let truth = |i: usize| input.epochs[i].true_class;
    let predicted = |i: usize| input.epochs[i].predicted_class;
    let wrong = |i: usize| matches!((truth(i), predicted(i)), (Some(t), Some(p)) if t != p);
    let height = ROW * input.classes.len() as f64;
    let area = column.panel(height);
    draw_stages(column, input, area, &truth);
    finish(column.scene, area, "True");

    let whole = column.panel(height + STRIP);
    let area = Area { height, ..whole };
    draw_stages(column, input, area, &predicted);
    mark_wrong(column, input, whole, (&predicted, &wrong));
    finish(column.scene, whole, "Predicted");
}

fn finish(scene: &mut Scene, area: Area, title: &str) {
    axes::frame(scene, area);
    axes::y_title(scene, area, MARGIN + TEXT, title);
}

/// The class of rapid eye movement sleep, if the classes are stages of sleep.
pub(super) fn rem(classes: &[String]) -> Option<usize> {
    wake(classes).and(find(classes, ["R", "REM"]))
}

fn wake(classes: &[String]) -> Option<usize> {
    find(classes, ["W", "Wake"])
}

fn find(classes: &[String], names: [&str; 2]) -> Option<usize> {
    classes
        .iter()
        .position(|c| names.iter().any(|name| c.eq_ignore_ascii_case(name)))
}

/// Rows from top to bottom: as listed, but for `R`, which conventionally lies under `W`.
fn row_of(classes: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    if let (Some(rem), Some(wake)) = (rem(classes), wake(classes)) {
        order.retain(|&class| class != rem);
        let under = order
            .iter()
            .position(|&class| class == wake)
            .map_or(0, |i| i + 1);
        order.insert(under, rem);
    }
    let mut rows = vec![0; classes.len()];
    for (row, class) in order.into_iter().enumerate() {
        rows[class] = row;
    }
    rows
}

/// The height of every class in a panel.
fn heights(classes: &[String], area: Area) -> Vec<f64> {
    row_of(classes)
        .into_iter()
        .map(|row| area.top + ROW * (row as f64 + 0.5))
        .collect()
}

fn draw_stages(
    column: &mut Column<'_>,
    input: &Night,
    area: Area,
    stage: &dyn Fn(usize) -> Option<usize>,
) {
    let y = heights(&input.classes, area);
    let font = Font::regular(SMALL);
    for (name, &y) in input.classes.iter().zip(&y) {
        let place = at(area.left - 3.0, y + font.drop());
        let label = Label::within(place, name, font, NAMES);
        column.scene.text(label.end().coloured(GREY));
        column
            .scene
            .line(at(area.left, y), at(area.right(), y), stroke(PALE, 0.5));
    }
    for run in column.timeline.runs_where(|i| stage(i).is_some()) {
        let mut points = Vec::new();
        for epoch in run {
            let (left, right) = column.timeline.edges(epoch);
            let y = stage(epoch).map_or(area.top, |class| y[class]);
            points.extend([at(left, y), at(right, y)]);
        }
        column.scene.polyline(&points, stroke(INK, 0.9));
    }
    if let Some(rem) = rem(&input.classes) {
        level(
            column,
            &|i| stage(i) == Some(rem),
            &|_| y[rem],
            stroke(INK, 2.4),
        );
    }
}

/// Thick level lines over every stretch of epochs where `is` holds, at the height of its epochs.
fn level(
    column: &mut Column<'_>,
    is: &dyn Fn(usize) -> bool,
    y: &dyn Fn(usize) -> f64,
    line: Stroke,
) {
    for run in column.timeline.runs_where(is) {
        let (mut start, last) = (run.start, run.end - 1);
        for epoch in run {
            if epoch == last || y(epoch + 1) != y(epoch) {
                let (left, right) = (
                    column.timeline.edges(start).0,
                    column.timeline.edges(epoch).1,
                );
                column
                    .scene
                    .line(at(left, y(epoch)), at(right, y(epoch)), line);
                start = epoch + 1;
            }
        }
    }
}

type Classes<'a> = &'a dyn Fn(usize) -> Option<usize>;

fn mark_wrong(
    column: &mut Column<'_>,
    input: &Night,
    area: Area,
    (predicted, wrong): (Classes<'_>, &dyn Fn(usize) -> bool),
) {
    let y = heights(&input.classes, area);
    let height = |i: usize| predicted(i).map_or(area.top, |class| y[class]);
    level(column, wrong, &height, stroke(VERMILLION, 2.2));
    let top = area.bottom() - STRIP;
    column
        .scene
        .line(at(area.left, top), at(area.right(), top), stroke(RULE, 0.4));
    for run in column.timeline.runs_where(wrong) {
        let (left, right) = (
            column.timeline.edges(run.start).0,
            column.timeline.edges(run.end - 1).1,
        );
        let place = Area::new(left, top + 0.6, (right - left).max(0.3), STRIP - 1.2);
        column.scene.rect(place, fill(VERMILLION));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| s.to_string()).collect()
    }

    #[test]
    fn rem_lies_under_wake() {
        assert_eq!(
            row_of(&names(&["W", "N1", "N2", "N3", "R"])),
            [0, 2, 3, 4, 1]
        );
        assert_eq!(row_of(&names(&["REM", "wake", "N"])), [1, 0, 2]);
    }

    #[test]
    fn unknown_classes_keep_their_order() {
        assert_eq!(row_of(&names(&["a", "b", "R"])), [0, 1, 2]);
    }
}
