//! Relevance shares per epoch, stacked.

use super::{Column, Night};
use crate::axes;
use crate::axis::{Axis, enclosing};
use crate::scene::{Point, at, fill, stroke};
use crate::style::{Look, MARGIN, TEXT, WHITE};

/// Height of the panel.
const HEIGHT: f64 = 64.0;

/// Draws the panel of shares, first modality at the bottom; undefined shares stay blank.
pub(super) fn draw(column: &mut Column<'_>, input: &Night, looks: &[Look]) {
    let area = column.panel(HEIGHT);
    let axis = Axis::linear(0.0, 100.0, area.bottom(), area.top);
    axes::y_ticks(column.scene, area, &axis, &enclosing(0.0, 100.0, 2).ticks);
    let runs = column
        .timeline
        .runs_where(|i| input.epochs[i].shares.is_some());
    for run in runs {
        // From the top layer down: each covers the lower part of the one before.
        for (m, look) in looks.iter().enumerate().rev() {
            let mut points: Vec<Point> = Vec::new();
            for epoch in run.clone() {
                let (left, right) = column.timeline.edges(epoch);
                let shares = input.epochs[epoch].shares.as_deref().unwrap_or_default();
                let y = axis.at(shares.iter().take(m + 1).sum());
                points.extend([at(left, y), at(right, y)]);
            }
            let (first, last) = (points[0].x, points[points.len() - 1].x);
            points.extend([at(last, area.bottom()), at(first, area.bottom())]);
            column.scene.polygon(
                &points,
                fill(look.colour).outlined(stroke(WHITE.faded(60), 0.15)),
            );
        }
    }
    axes::frame(column.scene, area);
    axes::y_title(column.scene, area, MARGIN + TEXT, "Share [%]");
}
