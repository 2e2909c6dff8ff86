//! Signals as the envelope of their samples.

use std::ops::Range;

use super::{Column, Night, Signal};
use crate::axes;
use crate::axis::{Axis, Tick, around_zero};
use crate::scene::{Area, Point, at, fill, stroke};
use crate::style::{Colour, Look, MARGIN, TEXT, looks as looks_of};
use crate::text::Font;

/// Least and most height of a panel, which grows with a long name.
const HEIGHTS: (f64, f64) = (34.0, 60.0);
/// Width of a column, points: finer than print, so nothing is lost.
const COLUMN_WIDTH: f64 = 0.5;
/// Part of the columns whose extremes fit the panel.
const KEPT: f64 = 0.99;

/// Draws one panel a signal.
pub(super) fn draw(column: &mut Column<'_>, input: &Night, looks: &[Look]) {
    let names: Vec<String> = input.signals.iter().map(|s| s.name.clone()).collect();
    let own = looks_of(&names);
    let longest = Font::regular(TEXT).widest(input.signals.iter().map(title));
    let height = (longest - axes::TITLE_OVER).clamp(HEIGHTS.0, HEIGHTS.1);
    for (i, signal) in input.signals.iter().enumerate() {
        let colour = signal.modality.map_or(own[i].colour, |m| looks[m].colour);
        draw_signal(column, signal, colour, height);
    }
}

/// Name and unit.
fn title(signal: &Signal) -> String {
    match signal.unit.is_empty() {
        true => signal.name.clone(),
        false => format!("{} [{}]", signal.name, signal.unit),
    }
}

fn draw_signal(column: &mut Column<'_>, signal: &Signal, colour: Colour, height: f64) {
    let area = column.panel(height);
    let envelopes: Vec<Envelope> = column
        .timeline
        .runs
        .iter()
        .map(|run| Envelope::new(column, signal, run.clone()))
        .collect();
    let (axis, ticks) = scale(&envelopes, area);
    axes::y_ticks(column.scene, area, &axis, &ticks);
    for envelope in &envelopes {
        let points: Vec<Point> = envelope.outline(&axis);
        if envelope.is_line {
            column.scene.polyline(&points, stroke(colour, 0.5));
        } else {
            column
                .scene
                .polygon(&points, fill(colour).outlined(stroke(colour, 0.4)));
        }
    }
    axes::frame(column.scene, area);
    axes::y_title(column.scene, area, MARGIN + TEXT, &title(signal));
}

/// Least and greatest sample of each column of one run.
struct Envelope {
    /// Middle of the column on the page, least, greatest.
    columns: Vec<(f64, f64, f64)>,
    /// So few samples that each is its own column.
    is_line: bool,
}

impl Envelope {
    fn new(column: &Column<'_>, signal: &Signal, run: Range<usize>) -> Envelope {
        let per = signal.samples_per_epoch;
        let samples = &signal.samples[run.start * per..run.end * per];
        let left = column.timeline.edges(run.start).0;
        let right = column.timeline.edges(run.end - 1).1;
        let wanted = ((right - left) / COLUMN_WIDTH).ceil().max(1.0) as usize;
        let n = wanted.min(samples.len());
        let width = (right - left) / n as f64;
        let columns = (0..n).map(|i| {
            // Neighbouring columns share a sample, so that a steep flank stays joined.
            let end = ((i + 1) * samples.len() / n + 1).min(samples.len());
            let part =
                &samples[i * samples.len() / n..if n == samples.len() { i + 1 } else { end }];
            let least = part.iter().copied().fold(f32::INFINITY, f32::min);
            let most = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            (
                left + width * (i as f64 + 0.5),
                f64::from(least),
                f64::from(most),
            )
        });
        Envelope {
            columns: columns.collect(),
            is_line: n == samples.len(),
        }
    }

    fn outline(&self, axis: &Axis) -> Vec<Point> {
        let top = self
            .columns
            .iter()
            .map(|&(x, _, most)| at(x, axis.at(most)));
        if self.is_line {
            return top.collect();
        }
        let bottom = self
            .columns
            .iter()
            .rev()
            .map(|&(x, least, _)| at(x, axis.at(least)));
        top.chain(bottom).collect()
    }
}

/// An axis symmetric about 0 that holds the extremes of 99 % of the columns: one artefact must not
/// flatten the night.
fn scale(envelopes: &[Envelope], area: Area) -> (Axis, Vec<Tick>) {
    let columns = envelopes.iter().flat_map(|e| &e.columns);
    let mut sizes: Vec<f64> = columns
        .map(|&(_, least, most)| least.abs().max(most.abs()))
        .collect();
    sizes.sort_by(f64::total_cmp);
    let place = ((sizes.len() as f64 * KEPT).ceil() as usize).clamp(1, sizes.len()) - 1;
    let size = sizes
        .get(place)
        .copied()
        .filter(|&s| s > 0.0)
        .unwrap_or(1.0);
    let axis = Axis::linear(-size * 1.05, size * 1.05, area.bottom(), area.top);
    (axis, around_zero(size * 0.9))
}
