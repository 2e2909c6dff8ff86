//! Loss and accuracy over the training epochs of every fold.

use crate::axes;
use crate::axis::{Axis, Ticks, enclosing, inside};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::plural;
use crate::page::{Key, Page};
use crate::scene::{Area, Scene, Stroke, at, fill, stroke};
use crate::style::{Colour, FULL, INK, MARGIN, TEXT, VERMILLION, WHITE};

/// Most folds whose curves can be drawn.
const MOST_FOLDS: usize = 100;
/// Most training epochs of a fold.
const MOST_EPOCHS: usize = 10_000;
/// Height of a panel.
const HEIGHT: f64 = 130.0;
const TRAINING: Colour = Colour::hex(0x4D4D4D);
const VALIDATION: Colour = VERMILLION;

/// How the training of every fold went.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingCurves {
    /// Title; may be empty.
    pub title: String,
    /// One a fold, 1 to 100.
    pub folds: Vec<FoldCurve>,
}

/// How the training of one fold went, a value per training epoch in every list.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldCurve {
    /// Name of the fold.
    pub fold: String,
    /// Loss on the training set.
    pub training_loss: Vec<f64>,
    /// Loss on the validation set.
    pub validation_loss: Vec<f64>,
    /// Accuracy on the training set, percent in `[0, 100]`.
    pub training_accuracy: Vec<f64>,
    /// Accuracy on the validation set, percent in `[0, 100]`.
    pub validation_accuracy: Vec<f64>,
    /// Position of the training epoch whose weights were kept, from 0.
    pub best: usize,
}

/// Draws loss (left) and accuracy (right): thin lines for folds, thick ones for their mean, circles
/// at the training epochs whose weights were kept.
///
/// The mean goes as far as at least half of the folds were trained.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`] and [`FigureError::OutOfRange`], each with the field at fault.
pub fn training_curves(input: &TrainingCurves) -> Result<Figure, FigureError> {
    check_input(input)?;
    let mut page = Page::new(FULL, &input.title, "");
    page.legend(&legend(input));
    let longest = input
        .folds
        .iter()
        .map(|f| f.training_loss.len())
        .max()
        .unwrap_or(1);
    let panels = [
        Panel::new(input, "Loss (cross-entropy)", |f| {
            [&f.training_loss, &f.validation_loss]
        }),
        Panel::new(input, "Accuracy [%]", |f| {
            [&f.training_accuracy, &f.validation_accuracy]
        }),
    ];
    let width = (page.inner() - 14.0) / 2.0;
    let mut bottom = page.y;
    for (i, panel) in panels.iter().enumerate() {
        let outer = Area::new(MARGIN + i as f64 * (width + 14.0), page.y, width, HEIGHT);
        bottom = bottom.max(panel.draw(&mut page.scene, outer, longest));
    }
    page.y = bottom;
    Ok(page.finish(&note(input), &description(input)))
}

fn check_input(input: &TrainingCurves) -> Result<(), FigureError> {
    check::not_empty("folds", &input.folds)?;
    check::at_most("folds", &input.folds, MOST_FOLDS)?;
    for (i, fold) in input.folds.iter().enumerate() {
        let epochs = fold.training_loss.len();
        check::not_empty("folds.training_loss", &fold.training_loss)?;
        check::at_most("folds.training_loss", &fold.training_loss, MOST_EPOCHS)?;
        check::length("folds.validation_loss", &fold.validation_loss, epochs)?;
        check::length("folds.training_accuracy", &fold.training_accuracy, epochs)?;
        check::length(
            "folds.validation_accuracy",
            &fold.validation_accuracy,
            epochs,
        )?;
        check::finite("folds.training_loss", &fold.training_loss)?;
        check::finite("folds.validation_loss", &fold.validation_loss)?;
        check::percent("folds.training_accuracy", &fold.training_accuracy)?;
        check::percent("folds.validation_accuracy", &fold.validation_accuracy)?;
        check::position("folds.best", i, fold.best, epochs)?;
    }
    Ok(())
}

fn legend(input: &TrainingCurves) -> Vec<(Key, String)> {
    let mut entries = vec![
        (Key::Line(mean_line(TRAINING)), "training".to_owned()),
        (Key::Line(mean_line(VALIDATION)), "validation".to_owned()),
    ];
    if input.folds.len() > 1 {
        entries.push((
            Key::Line(fold_line(TRAINING)),
            "single folds (thin)".to_owned(),
        ));
    }
    entries
}

fn mean_line(colour: Colour) -> Stroke {
    let line = stroke(colour, 1.6);
    if colour == TRAINING {
        line.dashed(4.0, 1.6)
    } else {
        line
    }
}

fn fold_line(colour: Colour) -> Stroke {
    stroke(colour.faded(35), 0.5)
}

/// One measure: training and validation curves of every fold.
struct Panel<'a> {
    name: &'static str,
    curves: Vec<[&'a Vec<f64>; 2]>,
    best: Vec<usize>,
    ticks: Ticks,
}

impl<'a> Panel<'a> {
    fn new(
        input: &'a TrainingCurves,
        name: &'static str,
        pick: impl Fn(&'a FoldCurve) -> [&'a Vec<f64>; 2],
    ) -> Panel<'a> {
        let curves: Vec<_> = input.folds.iter().map(pick).collect();
        let all = || {
            curves
                .iter()
                .flatten()
                .flat_map(|curve| curve.iter().copied())
        };
        let low = all().fold(f64::INFINITY, f64::min);
        let high = all().fold(f64::NEG_INFINITY, f64::max);
        let best = input.folds.iter().map(|f| f.best).collect();
        Panel {
            name,
            curves,
            best,
            ticks: enclosing(low, high, 5),
        }
    }

    /// Draws into the upper part of `outer`; gives the bottom of the axis title.
    fn draw(&self, scene: &mut Scene, outer: Area, longest: usize) -> f64 {
        let gutter = axes::gutter(&self.ticks.ticks);
        let area = Area::new(
            outer.left + gutter,
            outer.top + 2.0,
            outer.width - gutter,
            HEIGHT,
        );
        let y = Axis::linear(
            self.ticks.low,
            self.ticks.high,
            area.bottom() - 2.0,
            area.top + 2.0,
        );
        let x_ticks = inside(0.0, longest as f64, longest.min(6));
        let x = Axis::linear(0.0, longest as f64, area.left, area.right() - 3.0);
        axes::x_grid(scene, area, &x, &x_ticks.ticks);
        axes::y_ticks(scene, area, &y, &self.ticks.ticks);
        axes::y_title(scene, area, outer.left + TEXT, self.name);
        axes::x_labels(scene, area, &x, &x_ticks.ticks);
        axes::x_title(scene, area, "Training epoch");
        self.draw_curves(scene, (&x, &y));
        axes::frame(scene, area);
        area.bottom() + axes::TICK_ROW + axes::TITLE_ROW
    }

    fn draw_curves(&self, scene: &mut Scene, axes: (&Axis, &Axis)) {
        let colours = [TRAINING, VALIDATION];
        for fold in &self.curves {
            for (curve, colour) in fold.iter().zip(colours) {
                draw_line(scene, curve, fold_line(colour), axes);
            }
        }
        for (which, colour) in colours.into_iter().enumerate() {
            let curves: Vec<&Vec<f64>> = self.curves.iter().map(|fold| fold[which]).collect();
            if curves.len() > 1 {
                draw_line(scene, &mean(&curves), mean_line(colour), axes);
            } else {
                draw_line(scene, curves[0], mean_line(colour), axes);
            }
        }
        let radius = if self.curves.len() > 12 { 1.2 } else { 1.8 };
        for (fold, &best) in self.curves.iter().zip(&self.best) {
            let centre = at(axes.0.at(best as f64 + 1.0), axes.1.at(fold[1][best]));
            let line = stroke(INK, 0.7);
            scene.circle(centre, radius, fill(WHITE.faded(80)).outlined(line));
        }
    }
}

/// A curve whose first value belongs to training epoch 1; a single value becomes a dot.
fn draw_line(scene: &mut Scene, curve: &[f64], line: Stroke, (x, y): (&Axis, &Axis)) {
    let point = |(i, &value): (usize, &f64)| at(x.at(i as f64 + 1.0), y.at(value));
    let points: Vec<_> = curve.iter().enumerate().map(point).collect();
    match points.as_slice() {
        [only] => scene.circle(*only, line.width, fill(line.colour)),
        _ => scene.polyline(&points, line),
    }
}

/// Mean over the folds still in training, as long as these are at least half.
fn mean(curves: &[&Vec<f64>]) -> Vec<f64> {
    let mut means = Vec::new();
    loop {
        let values: Vec<f64> = curves
            .iter()
            .filter_map(|c| c.get(means.len()).copied())
            .collect();
        if values.is_empty() || values.len() * 2 < curves.len() {
            return means;
        }
        means.push(values.iter().sum::<f64>() / values.len() as f64);
    }
}

fn note(input: &TrainingCurves) -> String {
    let n = plural(input.folds.len(), "fold");
    let mean = if input.folds.len() > 1 {
        " Thick: mean, as long as at least half of the folds were trained."
    } else {
        ""
    };
    format!("n = {n}.{mean} Circles: training epoch whose weights were kept.")
}

fn description(input: &TrainingCurves) -> String {
    let n = plural(input.folds.len(), "fold");
    let mut words = vec![format!(
        "Training curves of {n}: loss and accuracy per training epoch."
    )];
    for fold in &input.folds {
        let accuracy = crate::number::fixed(fold.validation_accuracy[fold.best], 1);
        let (name, best) = (&fold.fold, fold.best + 1);
        let of = fold.training_loss.len();
        words.push(format!(
            "Fold {name}: best at {best} of {of}, validation accuracy {accuracy} %."
        ));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_ends_where_fewer_than_half_go_on() {
        let (a, b, c) = (vec![1.0, 2.0, 3.0], vec![3.0, 4.0], vec![5.0]);
        assert_eq!(mean(&[&a, &b, &c]), [3.0, 3.0]);
    }
}
