//! Fig. 2: relevance shares per group, true class by predicted class.

use crate::axes;
use crate::axis::{Axis, Tick, enclosing};
use crate::boxes::{self, BoxSummary};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::count;
use crate::page::{Key, Page};
use crate::scene::{Area, Label, Scene, at, fill, outline, stroke};
use crate::style::{
    FULL, GREY, HATCH, INK, Look, MARGIN, MOST_MODALITIES, PALE, SMALL, TEXT, looks,
};
use crate::text::Font;

/// Most classes whose grid can be read at page width.
const MOST_CLASSES: usize = 8;
/// Widest cell: two fill the page, one class keeps its proportions.
const WIDEST_CELL: f64 = 310.0;
/// Height of the line that counts a cell's epochs.
const COUNT_ROW: f64 = 10.0;

/// Relevance shares of every group under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupGrid {
    /// Title; may be empty.
    pub title: String,
    /// Name of the rule; may be empty.
    pub rule: String,
    /// What one value of `Group::shares` is, as a noun: `fold` or `epoch`.
    pub value_of: String,
    /// Names of the modalities, 1 to 8.
    pub modalities: Vec<String>,
    /// Names of the classes, 1 to 8, in the order of rows and columns.
    pub classes: Vec<String>,
    /// `[true class × predicted class]`, row by row.
    pub groups: Vec<Group>,
}

/// One group: the epochs of one true class that were given one predicted class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Epochs in the group.
    pub n_epochs: u64,
    /// `[modality][value]`, percent in `[0, 100]`; no modality at all where the group is empty.
    /// A modality without values (its share is undefined everywhere) is left out of the cell.
    pub shares: Vec<Vec<f64>>,
}

/// Draws the grid of groups, rows the true class, columns the predicted class, a box per modality.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`] and [`FigureError::OutOfRange`], each with the field at fault.
pub fn group_grid(input: &GroupGrid) -> Result<Figure, FigureError> {
    check_input(input)?;
    let looks = looks(&input.modalities);
    let subtitle = if input.rule.is_empty() {
        String::new()
    } else {
        format!("Rule: {}", input.rule)
    };
    let mut page = Page::new(FULL, &input.title, &subtitle);
    let named = looks.iter().zip(&input.modalities);
    let entries: Vec<_> = named.map(|(&l, name)| (box_key(l), name.clone())).collect();
    page.legend(&entries);

    let grid = Grid::new(&page, input.classes.len());
    draw_heads(&mut page.scene, &grid, &input.classes);
    for (i, group) in input.groups.iter().enumerate() {
        let (row, column) = (i / input.classes.len(), i % input.classes.len());
        let cell = grid.cell(row, column);
        let place = (&input.classes[row], &input.classes[column]);
        page.scene.group(hover(input, group, place), |scene| {
            draw_cell(scene, &cell, group, &looks);
        });
    }
    page.y = grid.cell(input.classes.len() - 1, 0).frame.bottom() + 3.0;
    Ok(page.finish(&note(input), &description(input)))
}

fn box_key(look: Look) -> Key {
    Key::Patch(fill(look.colour.faded(30)).outlined(stroke(look.colour, 0.8)))
}

fn check_input(input: &GroupGrid) -> Result<(), FigureError> {
    check::not_empty("modalities", &input.modalities)?;
    check::at_most("modalities", &input.modalities, MOST_MODALITIES)?;
    check::not_empty("classes", &input.classes)?;
    check::at_most("classes", &input.classes, MOST_CLASSES)?;
    check::length(
        "groups",
        &input.groups,
        input.classes.len() * input.classes.len(),
    )?;
    for group in &input.groups {
        if group.n_epochs > 0 || !group.shares.is_empty() {
            check::length("groups.shares", &group.shares, input.modalities.len())?;
        }
        for values in &group.shares {
            check::percent("groups.shares", values)?;
        }
    }
    Ok(())
}

/// Where the cells are.
struct Grid {
    body: Area,
    cell_width: f64,
    cell_height: f64,
    classes: usize,
    ticks: Vec<Tick>,
}

/// One cell: its frame, the panel under the count, and the share axis.
struct Cell {
    frame: Area,
    axis: Axis,
    ticks: Vec<Tick>,
    position: (usize, usize),
}

impl Grid {
    const GAP: f64 = 5.0;

    fn new(page: &Page, classes: usize) -> Grid {
        let ticks = enclosing(0.0, 100.0, 2).ticks;
        let left = MARGIN + TEXT + 4.0 + axes::gutter(&ticks);
        let top = page.y + 2.0 * Font::bold(TEXT).leading() + 1.0;
        let width = FULL - MARGIN - left;
        let n = classes as f64;
        let cell_width = ((width - Grid::GAP * (n - 1.0)) / n).min(WIDEST_CELL);
        let width = n * (cell_width + Grid::GAP) - Grid::GAP;
        let cell_height = (cell_width * 0.72).clamp(42.0, 120.0);
        let body = Area::new(left, top, width, n * (cell_height + Grid::GAP) - Grid::GAP);
        Grid {
            body,
            cell_width,
            cell_height,
            classes,
            ticks,
        }
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let left = self.body.left + column as f64 * (self.cell_width + Grid::GAP);
        let top = self.body.top + row as f64 * (self.cell_height + Grid::GAP);
        let frame = Area::new(left, top, self.cell_width, self.cell_height);
        let axis = Axis::linear(
            0.0,
            100.0,
            frame.bottom() - 3.0,
            frame.top + COUNT_ROW + 2.0,
        );
        Cell {
            frame,
            axis,
            ticks: self.ticks.clone(),
            position: (row, column),
        }
    }
}

fn draw_heads(scene: &mut Scene, grid: &Grid, classes: &[String]) {
    let (font, bold) = (Font::regular(TEXT), Font::bold(TEXT));
    let body = grid.body;
    let top = body.top - 4.0 - bold.leading();
    scene.text(Label::new(at(body.centre().x, top), "Predicted class", font).middle());
    let unit = Font::regular(SMALL);
    let place = at(body.left - 3.0, body.top - 4.0);
    scene.text(Label::new(place, "Share [%]", unit).end().coloured(GREY));
    let x = MARGIN + TEXT;
    scene.text(
        Label::new(at(x, body.centre().y), "True class", font)
            .middle()
            .turned(),
    );
    for (i, name) in classes.iter().enumerate().take(grid.classes) {
        let (row, column) = (grid.cell(i, 0).frame, grid.cell(0, i).frame);
        let above = at(column.centre().x, body.top - 4.0);
        scene.text(Label::within(above, name, bold, column.width).middle());
        let beside = at(x + TEXT + 3.0, row.centre().y);
        let label = Label::within(beside, name, bold, row.height);
        scene.text(label.middle().turned());
    }
}

fn draw_cell(scene: &mut Scene, cell: &Cell, group: &Group, looks: &[Look]) {
    let (row, column) = cell.position;
    let frame = cell.frame;
    let inner = Area::new(
        frame.left,
        frame.top + COUNT_ROW,
        frame.width,
        frame.height - COUNT_ROW,
    );
    let small = Font::regular(SMALL);
    let place = at(frame.centre().x, frame.top + COUNT_ROW - 3.0);
    let ink = if group.n_epochs == 0 { GREY } else { INK };
    let n = small.shorten(&format!("n = {}", count(group.n_epochs)), frame.width - 2.0);
    if group.n_epochs == 0 && group.shares.is_empty() {
        scene.rect(frame, fill(PALE));
    } else {
        draw_grid_lines(scene, cell, inner);
        draw_boxes(scene, cell, group, looks);
    }
    if column == 0 {
        draw_tick_labels(scene, cell);
    }
    scene.text(Label::new(place, n, small).middle().coloured(ink));
    let line = if row == column {
        stroke(INK, 1.2)
    } else {
        stroke(HATCH, 0.6)
    };
    scene.rect(frame, outline(line));
}

fn draw_grid_lines(scene: &mut Scene, cell: &Cell, inner: Area) {
    for tick in &cell.ticks {
        let y = cell.axis.at(tick.value);
        let line = stroke(crate::style::GRID, 0.5);
        scene.line(at(inner.left, y), at(inner.right(), y), line);
    }
}

fn draw_tick_labels(scene: &mut Scene, cell: &Cell) {
    let font = Font::regular(SMALL);
    for tick in &cell.ticks {
        let y = cell.axis.at(tick.value);
        let place = at(cell.frame.left - 3.0, y + font.drop());
        scene.text(Label::new(place, &tick.label, font).end().coloured(GREY));
    }
}

fn draw_boxes(scene: &mut Scene, cell: &Cell, group: &Group, looks: &[Look]) {
    let slot = cell.frame.width * 0.9 / looks.len() as f64;
    let start = cell.frame.left + cell.frame.width * 0.05;
    for (m, values) in group.shares.iter().enumerate() {
        if let Some(summary) = BoxSummary::of(values) {
            let x = start + slot * (m as f64 + 0.5);
            let width = (slot * 0.66).min(18.0);
            boxes::draw(scene, x, width, &cell.axis, (&summary, looks[m]));
        }
    }
}

fn hover(input: &GroupGrid, group: &Group, place: (&String, &String)) -> String {
    let mut words = format!(
        "true {}, predicted {}: n = {}",
        place.0,
        place.1,
        count(group.n_epochs)
    );
    for (name, values) in input.modalities.iter().zip(&group.shares) {
        if let Some(summary) = BoxSummary::of(values) {
            words.push_str(&format!("; {name} {} %", summary.words()));
        }
    }
    words
}

fn note(input: &GroupGrid) -> String {
    let of = &input.value_of;
    format!(
        "n: epochs in the group. Share of absolute relevance [%], one value per {of}. Line: median; \
         box: quartiles; whiskers: furthest value within 1.5 IQR. Thick frames: correct groups; \
         grey: empty groups."
    )
}

fn description(input: &GroupGrid) -> String {
    let k = input.classes.len();
    let mut words = vec![format!(
        "Relevance shares in percent by true and predicted class, {k} × {k} groups."
    )];
    for (i, group) in input
        .groups
        .iter()
        .enumerate()
        .filter(|(i, _)| i / k == i % k)
    {
        words.push(format!(
            "{}.",
            hover(input, group, (&input.classes[i / k], &input.classes[i % k]))
        ));
    }
    words.join(" ")
}
