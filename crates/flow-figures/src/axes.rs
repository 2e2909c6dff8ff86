//! Draws axes, grid lines and frames of panels.

use crate::axis::{Axis, Tick};
use crate::scene::{Area, Label, Scene, at, outline, stroke};
use crate::style::{GREY, GRID, INK, RULE, SMALL, TEXT};
use crate::text::Font;

/// Space from the axis to its tick labels.
const GAP: f64 = 3.0;
/// Height of a line of tick labels under a panel, with the gap above it.
pub(crate) const TICK_ROW: f64 = GAP + SMALL + 2.0;
/// Height of an axis title under the tick labels.
pub(crate) const TITLE_ROW: f64 = TEXT + 4.0;

/// Space the labels of `ticks` and a turned axis title need left of a panel.
pub(crate) fn gutter(ticks: &[Tick]) -> f64 {
    Font::regular(SMALL).widest(ticks.iter().map(|t| &t.label)) + GAP + TEXT + 6.0
}

/// Horizontal grid lines with labels to the left.
pub(crate) fn y_ticks(scene: &mut Scene, area: Area, axis: &Axis, ticks: &[Tick]) {
    let font = Font::regular(SMALL);
    for tick in ticks {
        let y = axis.at(tick.value);
        scene.line(at(area.left, y), at(area.right(), y), stroke(GRID, 0.5));
        let place = at(area.left - GAP, y + font.drop());
        scene.text(Label::new(place, &tick.label, font).end().coloured(GREY));
    }
}

/// Vertical grid lines.
pub(crate) fn x_grid(scene: &mut Scene, area: Area, axis: &Axis, ticks: &[Tick]) {
    for tick in ticks {
        let x = axis.at(tick.value);
        scene.line(at(x, area.top), at(x, area.bottom()), stroke(GRID, 0.5));
    }
}

/// Labels under a panel; where they would touch, only every second, third, … is written.
pub(crate) fn x_labels(scene: &mut Scene, area: Area, axis: &Axis, ticks: &[Tick]) {
    let font = Font::regular(SMALL);
    let widest = font.widest(ticks.iter().map(|t| &t.label)) + 4.0;
    let apart = |pair: &[Tick]| (axis.at(pair[1].value) - axis.at(pair[0].value)).abs();
    let nearest = ticks.windows(2).map(apart).fold(f64::INFINITY, f64::min);
    let stride = (widest / nearest).ceil().clamp(1.0, 1e6) as usize;
    for (i, tick) in ticks.iter().enumerate() {
        let x = axis.at(tick.value);
        scene.line(
            at(x, area.bottom()),
            at(x, area.bottom() + 2.0),
            stroke(RULE, 0.6),
        );
        if i % stride == 0 {
            let place = at(x, area.bottom() + GAP + font.size * 0.8);
            scene.text(Label::new(place, &tick.label, font).middle().coloured(GREY));
        }
    }
}

/// Title under the tick labels of a panel.
pub(crate) fn x_title(scene: &mut Scene, area: Area, title: &str) {
    let font = Font::regular(TEXT);
    let y = area.bottom() + TICK_ROW + font.size * 0.9;
    scene.text(Label::within(at(area.centre().x, y), title, font, area.width).middle());
}

/// How much longer than its panel a turned title may be.
pub(crate) const TITLE_OVER: f64 = 10.0;

/// Turned title at `x`, the baseline, centred on a panel.
pub(crate) fn y_title(scene: &mut Scene, area: Area, x: f64, title: &str) {
    let font = Font::regular(TEXT);
    scene.text(
        Label::within(
            at(x, area.centre().y),
            title,
            font,
            area.height + TITLE_OVER,
        )
        .middle()
        .turned(),
    );
}

/// Bold words over a panel, their baseline just above it.
pub(crate) fn panel_title(scene: &mut Scene, area: Area, title: &str) {
    let font = Font::bold(TEXT);
    let place = at(area.left, area.top - 4.0);
    scene.text(Label::within(place, title, font, area.width).coloured(INK));
}

/// Thin frame around a panel.
pub(crate) fn frame(scene: &mut Scene, area: Area) {
    scene.rect(area, outline(stroke(RULE, 0.6)));
}
