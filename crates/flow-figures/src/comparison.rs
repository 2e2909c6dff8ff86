//! A number over the values of an axis, in words: means with their ranges, joined by lines where values have an order.

use crate::axes;
use crate::axis::{Axis, Tick, enclosing};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::significant;
use crate::page::{Key, Page};
use crate::scene::{Area, Label, Point, Scene, at, stroke};
use crate::style::{FULL, Look, MARGIN, MOST_MODALITIES, RULE, SMALL, TEXT, looks};
use crate::text::Font;

/// Most values of the axis.
const MOST_VALUES: usize = 200;
/// Height of the panel.
const HEIGHT: f64 = 150.0;
/// Longest turned label of a value.
const TURNED: f64 = 105.0;
/// How far apart the marks of neighbouring series stand at a value, of the room a value has.
const APART: f64 = 0.06;

/// A number at each value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Title; may be empty.
    pub title: String,
    /// What the number is: `mean_of_shares`.
    pub number: String,
    /// What the axis is: `rule`.
    pub over: String,
    /// The values from left to right, 1 to 200.
    pub values: Vec<String>,
    /// Whether the values have an order; only then do lines join what stands at them.
    pub ordered: bool,
    /// Points of a look each, 1 to 8.
    pub series: Vec<Series>,
}

/// Points of a comparison that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name; may be empty where it is the only one.
    pub name: String,
    /// By value; `None` where there is nothing.
    pub points: Vec<Option<Extent>>,
}

/// Some numbers in three: `least ≤ mean ≤ greatest`, all finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// The least.
    pub least: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub greatest: f64,
}

/// Draws means with bars from the least to the greatest, joined by lines where the values have an order.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`] and
/// [`FigureError::NotFinite`], each with the field at fault.
pub fn comparison(input: &Comparison) -> Result<Figure, FigureError> {
    check_input(input)?;
    let names: Vec<String> = input.series.iter().map(|one| one.name.clone()).collect();
    let looks = looks(&names);
    let mut page = Page::new(FULL, &input.title, "");
    let named = looks
        .iter()
        .zip(&names)
        .filter(|(_, name)| !name.is_empty());
    let entries: Vec<_> = named
        .map(|(&l, name)| (Key::Marker(l), name.clone()))
        .collect();
    page.legend(&entries);

    let all = || {
        input
            .series
            .iter()
            .flat_map(|one| one.points.iter().flatten())
    };
    let low = all().map(|p| p.least).fold(f64::INFINITY, f64::min);
    let high = all().map(|p| p.greatest).fold(f64::NEG_INFINITY, f64::max);
    let ticks = enclosing(low, high, 5);
    let left = MARGIN + axes::gutter(&ticks.ticks);
    let area = Area::new(left, page.y + 2.0, FULL - MARGIN - left, HEIGHT);
    let y = Axis::linear(ticks.low, ticks.high, area.bottom() - 3.0, area.top + 3.0);
    let count = input.values.len() as f64;
    let x = Axis::linear(-0.5, count - 0.5, area.left, area.right());
    axes::y_ticks(&mut page.scene, area, &y, &ticks.ticks);
    axes::y_title(&mut page.scene, area, MARGIN + TEXT, &input.number);
    for (at, (series, look)) in input.series.iter().zip(&looks).enumerate() {
        let aside = (at as f64 - (looks.len() - 1) as f64 / 2.0) * APART;
        draw(&mut page.scene, (series, *look), input, (&x, aside, &y));
    }
    axes::frame(&mut page.scene, area);
    let under = label_values(&mut page.scene, &input.values, area, &x);
    let below = Area {
        height: area.height + under - axes::TICK_ROW,
        ..area
    };
    axes::x_title(&mut page.scene, below, &input.over);
    page.y = area.bottom() + under + axes::TITLE_ROW;
    let note = "Points: means; bars: least to greatest.";
    Ok(page.finish(note, &description(input)))
}

fn check_input(input: &Comparison) -> Result<(), FigureError> {
    check::not_empty("values", &input.values)?;
    check::at_most("values", &input.values, MOST_VALUES)?;
    check::not_empty("series", &input.series)?;
    check::at_most("series", &input.series, MOST_MODALITIES)?;
    for series in &input.series {
        check::length("series.points", &series.points, input.values.len())?;
        let points: Vec<&Extent> = series.points.iter().flatten().collect();
        check::not_empty("series.points", &points)?;
        let numbers = points.iter().flat_map(|p| [p.least, p.mean, p.greatest]);
        check::finite("series.points", &numbers.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Means with their ranges; a line through the means of ordered values, which one without a number breaks.
fn draw(
    scene: &mut Scene,
    (series, look): (&Series, Look),
    Comparison {
        values, ordered, ..
    }: &Comparison,
    (x, aside, y): (&Axis, f64, &Axis),
) {
    let place = |(i, extent): (usize, &Option<Extent>)| {
        let extent = (*extent)?;
        Some((i, x.at(i as f64 + aside), extent))
    };
    let placed: Vec<_> = series.points.iter().enumerate().filter_map(place).collect();
    for run in placed.chunk_by(|a, b| *ordered && a.0 + 1 == b.0) {
        let means: Vec<Point> = run.iter().map(|(_, x, p)| at(*x, y.at(p.mean))).collect();
        if means.len() > 1 {
            scene.polyline(&means, stroke(look.colour, 1.0));
        }
    }
    for (
        i,
        x,
        Extent {
            least,
            mean,
            greatest,
        },
    ) in placed
    {
        let [low, middle, high] = [least, mean, greatest].map(|v| significant(v, 4));
        let name = [series.name.as_str(), &values[i]].join(" at ");
        let words = format!(
            "{}: mean {middle}, {low} to {high}",
            name.trim_start_matches(" at ")
        );
        scene.group(words, |scene| {
            let bar = stroke(look.colour.faded(60), 1.0);
            scene.line(at(x, y.at(least)), at(x, y.at(greatest)), bar);
            scene.marker(at(x, y.at(mean)), 2.4, look);
        });
    }
}

/// Names the values under the panel, turned where they would touch; gives the height they take.
fn label_values(scene: &mut Scene, values: &[String], area: Area, x: &Axis) -> f64 {
    let font = Font::regular(SMALL);
    let room = area.width / values.len() as f64;
    let tick = |(i, value): (usize, &String)| Tick {
        value: i as f64,
        label: value.clone(),
    };
    if font.widest(values) + 4.0 <= room {
        let ticks: Vec<Tick> = values.iter().enumerate().map(tick).collect();
        axes::x_labels(scene, area, x, &ticks);
        return axes::TICK_ROW;
    }
    let stride = (font.leading() / room).ceil().max(1.0) as usize;
    let mut longest: f64 = 0.0;
    for (i, value) in values.iter().enumerate().step_by(stride) {
        let text = font.shorten(value, TURNED);
        longest = longest.max(font.width(&text));
        let middle = x.at(i as f64);
        let foot = at(middle, area.bottom());
        scene.line(foot, at(middle, area.bottom() + 2.0), stroke(RULE, 0.6));
        let start = at(middle + font.drop(), area.bottom() + 4.0);
        scene.text(Label::new(start, text, font).end().turned());
    }
    4.0 + longest + 2.0
}

fn description(input: &Comparison) -> String {
    let mut words = vec![format!("{} over {}.", input.number, input.over)];
    for series in &input.series {
        let each = input.values.iter().zip(&series.points);
        let each = each.filter_map(|(value, extent)| {
            let mean = significant((*extent)?.mean, 4);
            Some(format!("{mean} at {value}"))
        });
        let each: Vec<String> = each.collect();
        let name = match series.name.is_empty() {
            true => "mean",
            false => series.name.as_str(),
        };
        words.push(format!("{name}: {}.", each.join(", ")));
    }
    words.join(" ")
}
