//! Shares and quality against a parameter on a log axis.

use crate::axes;
use crate::axis::{Axis, Ticks, decades, enclosing};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::{brief, fixed, significant};
use crate::page::{Key, Page};
use crate::scene::{Area, Scene, at, fill, stroke};
use crate::style::{COLUMN, INK, Look, MARGIN, MOST_MODALITIES, Marker, TEXT, looks};
use crate::text::Font;

/// Most points of a sweep.
const MOST_POINTS: usize = 500;
/// Most quality panels.
const MOST_QUALITIES: usize = 6;
/// Smallest and largest value of the parameter.
const SMALLEST: f64 = 1e-30;
const LARGEST: f64 = 1e30;

/// Relevance shares, and measures of quality, along a swept parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Title; may be empty.
    pub title: String,
    /// Name of the parameter: `ε`.
    pub parameter: String,
    /// Names of the modalities, 1 to 8.
    pub modalities: Vec<String>,
    /// The swept points, ascending in value.
    pub points: Vec<SweepPoint>,
    /// Measures of quality, a panel each; may be empty.
    pub qualities: Vec<Quality>,
}

/// Shares at one value of the parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// Value of the parameter, above 0 (1e-30 to 1e30).
    pub value: f64,
    /// `[modality][fold]`, percent in `[0, 100]`.
    pub shares: Vec<Vec<f64>>,
}

/// A measure of quality along the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// Name: `Relevance conserved`.
    pub name: String,
    /// Unit; may be empty.
    pub unit: String,
    /// `[point][fold]`.
    pub values: Vec<Vec<f64>>,
}

/// Draws mean shares (top) and qualities (below) against the parameter, with bands from the least
/// to the greatest fold.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`], [`FigureError::OutOfRange`] and [`FigureError::Unordered`], each with
/// the field at fault.
pub fn sweep(input: &Sweep) -> Result<Figure, FigureError> {
    check_input(input)?;
    let looks = looks(&input.modalities);
    let mut page = Page::new(COLUMN, &input.title, "");
    let named = looks.iter().zip(&input.modalities);
    let entries: Vec<_> = named
        .map(|(&l, name)| (Key::Marker(l), name.clone()))
        .collect();
    page.legend(&entries);
    let panels = panels(input, &looks);
    let gutter = panels
        .iter()
        .map(|p| axes::gutter(&p.ticks.ticks))
        .fold(0.0, f64::max)
        - TEXT;
    let values: Vec<f64> = input.points.iter().map(|p| p.value).collect();
    let x_ticks = decades(values[0], values[values.len() - 1], 6);
    let left = MARGIN + gutter;
    let mut area = Area::new(left, page.y, COLUMN - MARGIN - left, 0.0);
    let x = Axis::log(
        x_ticks.low,
        x_ticks.high,
        area.left + 5.0,
        area.right() - 5.0,
    );
    for panel in &panels {
        area.top = page.y + Font::bold(TEXT).leading();
        area.height = panel.height;
        axes::x_grid(&mut page.scene, area, &x, &x_ticks.ticks);
        panel.draw(&mut page.scene, area, &x, &values);
        page.y = area.bottom() + 6.0;
    }
    axes::x_labels(&mut page.scene, area, &x, &x_ticks.ticks);
    axes::x_title(&mut page.scene, area, &input.parameter);
    page.y = area.bottom() + axes::TICK_ROW + axes::TITLE_ROW;
    Ok(page.finish(&note(input), &description(input)))
}

fn check_input(input: &Sweep) -> Result<(), FigureError> {
    check::not_empty("modalities", &input.modalities)?;
    check::at_most("modalities", &input.modalities, MOST_MODALITIES)?;
    check::not_empty("points", &input.points)?;
    check::at_most("points", &input.points, MOST_POINTS)?;
    check::at_most("qualities", &input.qualities, MOST_QUALITIES)?;
    let values: Vec<f64> = input.points.iter().map(|p| p.value).collect();
    check::within("points.value", &values, SMALLEST, LARGEST)?;
    if let Some(i) = values.windows(2).position(|w| w[1] <= w[0]) {
        return Err(FigureError::Unordered {
            what: "points.value",
            index: i + 1,
        });
    }
    for point in &input.points {
        check::length("points.shares", &point.shares, input.modalities.len())?;
        for folds in &point.shares {
            check::not_empty("points.shares", folds)?;
            check::percent("points.shares", folds)?;
        }
    }
    for quality in &input.qualities {
        check::length("qualities.values", &quality.values, input.points.len())?;
        for folds in &quality.values {
            check::not_empty("qualities.values", folds)?;
            check::finite("qualities.values", folds)?;
        }
    }
    Ok(())
}

/// Mean and range over the folds of one point.
#[derive(Debug, Clone, Copy)]
struct Spread {
    low: f64,
    mean: f64,
    high: f64,
}

impl Spread {
    fn of(folds: &[f64]) -> Spread {
        let low = folds.iter().copied().fold(f64::INFINITY, f64::min);
        let high = folds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Spread {
            low,
            mean: folds.iter().sum::<f64>() / folds.len() as f64,
            high,
        }
    }
}

/// One panel: a line with a band per look.
struct Panel {
    name: String,
    height: f64,
    ticks: Ticks,
    lines: Vec<(Look, Vec<Spread>)>,
}

fn panels(input: &Sweep, looks: &[Look]) -> Vec<Panel> {
    let shares = looks.iter().enumerate().map(|(m, &look)| {
        (
            look,
            input
                .points
                .iter()
                .map(|point| Spread::of(&point.shares[m]))
                .collect(),
        )
    });
    let mut panels = vec![Panel::new(
        "Relevance share [%]".to_owned(),
        100.0,
        shares.collect(),
    )];
    let ink = Look {
        colour: INK,
        marker: Marker::Circle,
    };
    for quality in &input.qualities {
        let unit = if quality.unit.is_empty() {
            String::new()
        } else {
            format!(" [{}]", quality.unit)
        };
        let name = format!("{}{unit}", quality.name);
        let line = quality
            .values
            .iter()
            .map(|folds| Spread::of(folds))
            .collect();
        panels.push(Panel::new(name, 55.0, vec![(ink, line)]));
    }
    panels
}

impl Panel {
    fn new(name: String, height: f64, lines: Vec<(Look, Vec<Spread>)>) -> Panel {
        let all = || lines.iter().flat_map(|(_, line)| line);
        let low = all().map(|s| s.low).fold(f64::INFINITY, f64::min);
        let high = all().map(|s| s.high).fold(f64::NEG_INFINITY, f64::max);
        let ticks = enclosing(low, high, if height > 80.0 { 5 } else { 3 });
        Panel {
            name,
            height,
            ticks,
            lines,
        }
    }

    fn draw(&self, scene: &mut Scene, area: Area, x: &Axis, values: &[f64]) {
        let y = Axis::linear(
            self.ticks.low,
            self.ticks.high,
            area.bottom() - 3.0,
            area.top + 3.0,
        );
        axes::panel_title(scene, area, &self.name);
        axes::y_ticks(scene, area, &y, &self.ticks.ticks);
        for (look, line) in &self.lines {
            let up = values
                .iter()
                .zip(line)
                .map(|(&v, s)| at(x.at(v), y.at(s.high)));
            let down = values
                .iter()
                .zip(line)
                .rev()
                .map(|(&v, s)| at(x.at(v), y.at(s.low)));
            let band: Vec<_> = up.chain(down).collect();
            if values.len() > 1 {
                scene.polygon(&band, fill(look.colour.faded(20)));
            } else {
                scene.line(band[0], band[1], stroke(look.colour.faded(45), 3.0));
            }
        }
        for (look, line) in &self.lines {
            let means: Vec<_> = values
                .iter()
                .zip(line)
                .map(|(&v, s)| at(x.at(v), y.at(s.mean)))
                .collect();
            if means.len() > 1 {
                scene.polyline(&means, stroke(look.colour, 1.2));
            }
            let radius = if means.len() > 40 { 1.0 } else { 2.2 };
            for ((&centre, spread), &value) in means.iter().zip(line).zip(values) {
                let [low, mean, high] =
                    [spread.low, spread.mean, spread.high].map(|v| significant(v, 4));
                let words = format!("at {}: mean {mean}, {low} to {high}", brief(value, 6));
                scene.group(words, |scene| scene.marker(centre, radius, *look));
            }
        }
        axes::frame(scene, area);
    }
}

fn note(input: &Sweep) -> String {
    let folds = input.points.iter().map(|p| p.shares[0].len());
    let (least, most) = (folds.clone().min().unwrap_or(0), folds.max().unwrap_or(0));
    let n = if least == most {
        crate::number::plural(most, "fold")
    } else {
        format!("{least} to {most} folds")
    };
    format!("Line: mean; band: least to greatest fold; n = {n} per point.")
}

fn description(input: &Sweep) -> String {
    let (first, last) = (&input.points[0], &input.points[input.points.len() - 1]);
    let [low, high] = [first, last].map(|p| brief(p.value, 6));
    let mut words = vec![format!(
        "Relevance shares for {} from {low} to {high}.",
        input.parameter
    )];
    for (m, name) in input.modalities.iter().enumerate() {
        let [a, b] = [first, last].map(|p| fixed(Spread::of(&p.shares[m]).mean, 1));
        words.push(format!("{name}: mean {a} % at {low}, {b} % at {high}."));
    }
    words.join(" ")
}
