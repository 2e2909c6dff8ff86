//! The confusion matrix, counts and percent of each row.

use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::{compact, count, fixed};
use crate::page::Page;
use crate::scene::{Area, Label, Scene, at, fill, outline, stroke};
use crate::style::{BLUE, COLUMN, Colour, FULL, GREY, MARGIN, PALE, RULE, SMALL, TEXT, WHITE};
use crate::text::Font;

/// Most classes whose matrix can be read.
const MOST_CLASSES: usize = 12;

/// Counts of epochs by true and predicted class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    /// Title; may be empty.
    pub title: String,
    /// Names of the classes, 1 to 12, in the order of rows and columns.
    pub classes: Vec<String>,
    /// `[true class × predicted class]`, row by row.
    pub counts: Vec<u64>,
}

/// Draws the confusion matrix: percent of the row, count below it, blue by percent.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::TooMany`] and [`FigureError::Length`].
pub fn confusion(input: &Confusion) -> Result<Figure, FigureError> {
    check::not_empty("classes", &input.classes)?;
    check::at_most("classes", &input.classes, MOST_CLASSES)?;
    let k = input.classes.len();
    check::length("counts", &input.counts, k * k)?;

    let width = if k <= 6 { COLUMN } else { FULL };
    let mut page = Page::new(width, &input.title, "");
    let matrix = Matrix::new(input, &page);
    draw_heads(&mut page.scene, &matrix, input);
    for row in 0..k {
        for column in 0..k {
            draw_cell(&mut page.scene, &matrix, input, (row, column));
        }
    }
    page.scene.rect(matrix.body, outline(stroke(RULE, 0.6)));
    page.y = matrix.body.bottom() + 2.0;
    let summary = summary(input);
    let note = format!("{summary} Cells: percent of the true class, number of epochs.");
    Ok(page.finish(&note, &description(input, &summary)))
}

struct Matrix {
    body: Area,
    cell: (f64, f64),
}

impl Matrix {
    fn new(input: &Confusion, page: &Page) -> Matrix {
        let k = input.classes.len() as f64;
        let bold = Font::bold(TEXT);
        let names = input.classes.iter().map(|name| bold.shorten(name, 60.0));
        let totals = (0..input.classes.len()).map(|row| row_total(input, row));
        let totals = Font::regular(SMALL).widest(totals.map(|n| format!("n = {}", count_u128(n))));
        let left = MARGIN + TEXT + 5.0 + bold.widest(names).max(totals.min(70.0)) + 4.0;
        let top = page.y + 2.0 * bold.leading() + 2.0;
        let width = (page.scene.width - MARGIN - left).min(k * 80.0);
        let height = (width / k * 0.82).clamp(24.0, 40.0);
        let body = Area::new(left, top, width, height * k);
        Matrix {
            body,
            cell: (width / k, height),
        }
    }

    fn at(&self, row: usize, column: usize) -> Area {
        let (width, height) = self.cell;
        let left = self.body.left + column as f64 * width;
        Area::new(left, self.body.top + row as f64 * height, width, height)
    }
}

fn row_total(input: &Confusion, row: usize) -> u128 {
    let k = input.classes.len();
    input.counts[row * k..(row + 1) * k]
        .iter()
        .map(|&n| u128::from(n))
        .sum()
}

fn count_u128(n: u128) -> String {
    u64::try_from(n).map_or_else(|_| format!("{:.2e}", n as f64), count)
}

fn draw_heads(scene: &mut Scene, matrix: &Matrix, input: &Confusion) {
    let (font, bold, small) = (Font::regular(TEXT), Font::bold(TEXT), Font::regular(SMALL));
    let body = matrix.body;
    let top = body.top - 5.0 - bold.leading();
    scene.text(Label::new(at(body.centre().x, top), "Predicted class", font).middle());
    let place = at(MARGIN + TEXT, body.centre().y);
    let title = font.shorten("True class", body.height + 8.0);
    scene.text(Label::new(place, title, font).middle().turned());
    for (i, name) in input.classes.iter().enumerate() {
        let (beside, above) = (matrix.at(i, 0), matrix.at(0, i));
        let place = at(above.centre().x, body.top - 4.0);
        scene.text(Label::within(place, name, bold, above.width - 2.0).middle());
        let right = body.left - 4.0;
        let place = at(right, beside.centre().y - 1.0);
        scene.text(Label::within(place, name, bold, 60.0).end());
        let n = small.shorten(&format!("n = {}", count_u128(row_total(input, i))), 70.0);
        let place = at(right, beside.centre().y + small.size);
        scene.text(Label::new(place, n, small).end().coloured(GREY));
    }
}

fn draw_cell(scene: &mut Scene, matrix: &Matrix, input: &Confusion, place: (usize, usize)) {
    let (row, column) = place;
    let area = matrix.at(row, column);
    let n = input.counts[row * input.classes.len() + column];
    let total = row_total(input, row);
    let part = if total == 0 {
        None
    } else {
        Some(n as f64 / total as f64)
    };
    let colour = part.map_or(PALE, shade);
    let ink = colour.ink_on();
    let percent = part.map_or("–".to_owned(), |p| format!("{} %", fixed(100.0 * p, 1)));
    let (classes, shown) = (&input.classes, count(n));
    let words = format!(
        "true {}, predicted {}: {shown} ({percent})",
        classes[row], classes[column]
    );
    scene.group(words, |scene| {
        scene.rect(area, fill(colour).outlined(stroke(WHITE, 0.8)));
        let big = if row == column {
            Font::bold(TEXT)
        } else {
            Font::regular(TEXT)
        };
        let big = Font {
            size: big
                .size
                .min(area.width / big.width(&percent) * big.size * 0.94),
            ..big
        };
        let centre = area.centre();
        scene.text(
            Label::new(at(centre.x, centre.y - 1.0), percent, big)
                .middle()
                .coloured(ink),
        );
        let small = Font::regular(SMALL);
        let shown = if small.width(&shown) > area.width * 1.2 {
            compact(n as f64)
        } else {
            shown
        };
        let fit = (area.width - 2.0) / small.width(&shown) * small.size;
        let small = Font::regular(small.size.min(fit));
        let place = at(centre.x, centre.y + SMALL + 1.0);
        scene.text(Label::new(place, shown, small).middle().coloured(ink));
    });
}

/// White to the blue of the palette.
fn shade(part: f64) -> Colour {
    WHITE.mixed(BLUE, part)
}

/// `Accuracy 83.1 % of n = 1,043 epochs.`
fn summary(input: &Confusion) -> String {
    let k = input.classes.len();
    let total: u128 = (0..k).map(|row| row_total(input, row)).sum();
    let correct: u128 = (0..k).map(|i| u128::from(input.counts[i * k + i])).sum();
    if total == 0 {
        return "n = 0 epochs.".to_owned();
    }
    let accuracy = fixed(100.0 * correct as f64 / total as f64, 1);
    format!("Accuracy {accuracy} %, n = {} epochs.", count_u128(total))
}

fn description(input: &Confusion, summary: &str) -> String {
    let k = input.classes.len();
    let mut words = vec![format!("Confusion matrix of {k} classes. {summary}")];
    for (row, name) in input.classes.iter().enumerate() {
        let counts: Vec<String> = input.counts[row * k..(row + 1) * k]
            .iter()
            .map(|&n| count(n))
            .collect();
        words.push(format!("True {name}: {}.", counts.join(" / ")));
    }
    words.join(" ")
}
