//! Fig. 4: heat maps of regression coefficients, one per effect.

use crate::axes;
use crate::axis::{Axis, Ticks, enclosing};
use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::number::{brief, compact, significant};
use crate::page::{Key, Page};
use crate::scene::{Area, Label, Scene, at, fill, outline, stroke};
use crate::style::{
    Colour, FULL, GREY, INK, MARGIN, MOST_MODALITIES, RULE, SMALL, TEXT, WHITE, looks,
};
use crate::text::Font;

/// Most groups whose values can be printed in their cells.
const MOST_GROUPS: usize = 28;
/// Most groups of heat maps that stand side by side.
const FEW_GROUPS: usize = 8;
/// Most heat maps side by side.
const MOST_ABREAST: usize = 3;
/// Adjusted p-values up to which one and two stars are set.
const STARS: [f64; 2] = [0.01, 0.001];
// The ends of ColorBrewer's RdBu: told apart by colour-blind readers, and no modality's colour.
const NEGATIVE: Colour = Colour::hex(0x2166AC);
const POSITIVE: Colour = Colour::hex(0xB2182B);

/// Coefficients of relevance shares on properties of the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients {
    /// Title; may be empty.
    pub title: String,
    /// How the coefficients were estimated, for the note: `OLS, cluster-robust by subject`.
    pub method: String,
    /// Adjusted p-value `q` up to which a coefficient counts as significant, in `(0, 1]`.
    pub alpha: f64,
    /// Names of the modalities (rows), 1 to 8.
    pub modalities: Vec<String>,
    /// Names of the groups (columns), 1 to 28; up to 8, heat maps stand side by side.
    pub groups: Vec<String>,
    /// What the groups are, for the note: `correctly classified epochs of each class`.
    pub which: String,
    /// One heat map each.
    pub effects: Vec<Effect>,
}

/// One property of the subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Name: `Sex`.
    pub name: String,
    /// Unit and direction of the coefficients: `percentage points, male − female`.
    pub unit: String,
    /// `[modality × group]`, row by row; `None` where the group was too small to fit.
    pub cells: Vec<Option<Coefficient>>,
}

/// One fitted coefficient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficient {
    /// The coefficient, in the effect's unit.
    pub value: f64,
    /// p-value adjusted for the false discovery rate, in `[0, 1]`.
    pub q: f64,
}

/// Draws one heat map an effect: colours symmetric about 0 where `q ≤ alpha`, white elsewhere, `*`
/// where also `q ≤ 0.01`, `**` where `q ≤ 0.001`, hatching where there is no coefficient.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::Length`], [`FigureError::TooMany`],
/// [`FigureError::NotFinite`] and [`FigureError::OutOfRange`], each with the field at fault.
pub fn coefficients(input: &Coefficients) -> Result<Figure, FigureError> {
    check_input(input)?;
    let mut page = Page::new(FULL, &input.title, "");
    page.legend(&legend(input));
    let names = Font::bold(TEXT);
    let labels = names.widest(input.modalities.iter().map(|n| names.shorten(n, 60.0)));
    let abreast = abreast(input);
    for row in input.effects.chunks(abreast) {
        let left = MARGIN + labels + 6.0;
        let gap = 16.0;
        let width = (FULL - MARGIN - left - gap * (abreast as f64 - 1.0)) / abreast as f64;
        let top = page.y + 12.0 + names.leading() * heading_lines(width, input) as f64;
        let cell = cell_size(width, input);
        let mut bottom = top;
        for (i, effect) in row.iter().enumerate() {
            let height = cell.1 * input.modalities.len() as f64;
            let area = Area::new(left + i as f64 * (width + gap), top, width, height);
            draw_heat_map(&mut page.scene, input, effect, area);
            if i == 0 {
                label_rows(&mut page.scene, input, area);
            }
            bottom = bottom.max(draw_colour_bar(&mut page.scene, effect, input.alpha, area));
        }
        page.y = bottom + 6.0;
    }
    Ok(page.finish(&note(input), &description(input)))
}

/// How many heat maps stand side by side: rows as even as can be, so that few leave no page white.
fn abreast(input: &Coefficients) -> usize {
    if input.groups.len() > FEW_GROUPS {
        return 1;
    }
    let rows = input.effects.len().div_ceil(MOST_ABREAST);
    input.effects.len().div_ceil(rows)
}

fn check_input(input: &Coefficients) -> Result<(), FigureError> {
    check::not_empty("modalities", &input.modalities)?;
    check::at_most("modalities", &input.modalities, MOST_MODALITIES)?;
    check::not_empty("groups", &input.groups)?;
    check::at_most("groups", &input.groups, MOST_GROUPS)?;
    check::not_empty("effects", &input.effects)?;
    check::at_most("effects", &input.effects, 12)?;
    check::within("alpha", &[input.alpha], 0.0, 1.0)?;
    for effect in &input.effects {
        let want = input.modalities.len() * input.groups.len();
        check::length("effects.cells", &effect.cells, want)?;
        let fitted = effect.cells.iter().flatten();
        let (values, qs): (Vec<f64>, Vec<f64>) = fitted.map(|c| (c.value, c.q)).unzip();
        check::finite("effects.cells.value", &values)?;
        check::within("effects.cells.q", &qs, 0.0, 1.0)?;
    }
    Ok(())
}

fn legend(input: &Coefficients) -> Vec<(Key, String)> {
    let edge = outline(stroke(RULE, 0.6));
    let white = Key::Patch(fill(WHITE).outlined(stroke(RULE, 0.6)));
    let red = Key::Patch(edge.filled(shade(0.6)));
    let blue = Key::Patch(edge.filled(shade(-0.6)));
    let alpha = brief(input.alpha, 3);
    let mut entries = vec![
        (red, format!("positive, q ≤ {alpha}")),
        (blue, format!("negative, q ≤ {alpha}")),
        (white, format!("q > {alpha}")),
    ];
    if input
        .effects
        .iter()
        .any(|effect| effect.cells.contains(&None))
    {
        entries.push((Key::Hatch, "no estimate".to_owned()));
    }
    entries
}

fn cell_size(width: f64, input: &Coefficients) -> (f64, f64) {
    let cell = width / input.groups.len() as f64;
    (cell, (cell * 0.85).clamp(20.0, 30.0))
}

/// A group's name over its column, in lines; cut only where a word is wider than the column.
fn heading_of(group: &str, width: f64) -> Vec<String> {
    Font::regular(TEXT).wrap(group, width - 1.0, 3)
}

/// Lines that the longest name over a column takes.
fn heading_lines(width: f64, input: &Coefficients) -> usize {
    let cell = cell_size(width, input).0;
    let lines = input
        .groups
        .iter()
        .map(|group| heading_of(group, cell).len());
    lines.max().unwrap_or(1)
}

/// Colour of a value given as part of the scale's end, −1 to 1; never white but at 0.
fn shade(part: f64) -> Colour {
    let end = if part < 0.0 { NEGATIVE } else { POSITIVE };
    let strength = if part == 0.0 {
        0.0
    } else {
        0.1 + 0.9 * part.abs().min(1.0)
    };
    WHITE.mixed(end, strength)
}

/// Round ends of an effect's colour scale, symmetric about 0, from its significant values.
fn scale(effect: &Effect, alpha: f64) -> Ticks {
    let fitted = || effect.cells.iter().flatten();
    let largest = |cells: &mut dyn Iterator<Item = &Coefficient>| {
        cells.map(|c| c.value.abs()).fold(0.0, f64::max)
    };
    let mut most = largest(&mut fitted().filter(|c| c.q <= alpha));
    if most == 0.0 {
        most = largest(&mut fitted());
    }
    if most == 0.0 {
        most = 1.0;
    }
    enclosing(-most, most, 4)
}

fn draw_heat_map(scene: &mut Scene, input: &Coefficients, effect: &Effect, area: Area) {
    let (width, height) = cell_size(area.width, input);
    let names = Font::regular(TEXT);
    let lines = heading_lines(area.width, input) as f64;
    let title = Area::new(
        area.left,
        area.top - names.leading() * lines,
        area.width,
        0.0,
    );
    axes::panel_title(scene, title, &effect.name);
    for (i, group) in input.groups.iter().enumerate() {
        let x = area.left + width * (i as f64 + 0.5);
        for (line, words) in heading_of(group, width).into_iter().rev().enumerate() {
            let place = at(x, area.top - 3.0 - names.leading() * line as f64);
            scene.text(Label::new(place, words, names).middle());
        }
    }
    let end = scale(effect, input.alpha).high;
    for (i, cell) in effect.cells.iter().enumerate() {
        let (row, column) = (i / input.groups.len(), i % input.groups.len());
        let (left, top) = (
            area.left + column as f64 * width,
            area.top + row as f64 * height,
        );
        let place = Area::new(left, top, width, height);
        let of = format!(
            "{}, {}, {}",
            effect.name, input.modalities[row], input.groups[column]
        );
        match cell {
            None => scene.group(format!("{of}: no estimate"), |scene| scene.hatch(place)),
            Some(cell) => {
                let (value, q) = (significant(cell.value, 3), brief(cell.q, 2));
                let words = format!("{of}: {value} {}, q = {q}", effect.unit);
                scene.group(words, |scene| {
                    draw_cell(scene, place, *cell, (input.alpha, end))
                });
            }
        }
        scene.rect(place, outline(stroke(RULE, 0.4)));
    }
    axes::frame(scene, area);
}

fn draw_cell(scene: &mut Scene, area: Area, cell: Coefficient, (alpha, end): (f64, f64)) {
    let significant_here = cell.q <= alpha;
    let colour = if significant_here {
        shade(cell.value / end)
    } else {
        WHITE
    };
    scene.rect(area, fill(colour));
    let words = compact(cell.value);
    let font = Font::regular(SMALL);
    let font = Font::regular(
        font.size
            .min((area.width - 2.0) / font.width(&words) * font.size),
    );
    let ink = if significant_here {
        colour.ink_on()
    } else {
        GREY
    };
    let centre = area.centre();
    let place = at(centre.x, centre.y + font.drop() + 3.0);
    scene.text(Label::new(place, words, font).middle().coloured(ink));
    let stars = "*".repeat(
        STARS
            .iter()
            .filter(|&&limit| significant_here && cell.q <= limit)
            .count(),
    );
    // An asterisk hangs from the cap line, so its middle lies above that of a letter.
    let place = at(centre.x, centre.y - 0.5);
    scene.text(
        Label::new(place, stars, Font::bold(TEXT))
            .middle()
            .coloured(ink),
    );
}

fn label_rows(scene: &mut Scene, input: &Coefficients, area: Area) {
    let font = Font::bold(TEXT);
    let height = cell_size(area.width, input).1;
    let looks = looks(&input.modalities);
    for (i, name) in input.modalities.iter().enumerate() {
        let y = area.top + height * (i as f64 + 0.5);
        let place = at(area.left - 4.0, y + font.drop());
        scene.text(Label::within(place, name, font, 60.0).end());
        let edge = Area::new(area.left - 2.5, y - height / 2.0 + 1.0, 1.8, height - 2.0);
        scene.rect(edge, fill(looks[i].colour));
    }
}

/// Draws the colour bar under a heat map; gives the bottom of its unit.
fn draw_colour_bar(scene: &mut Scene, effect: &Effect, alpha: f64, area: Area) -> f64 {
    const STEPS: usize = 40;
    // Room for half a label beyond either end.
    const INSET: f64 = 12.0;
    let ticks = scale(effect, alpha);
    let bar = Area::new(
        area.left + INSET,
        area.bottom() + 8.0,
        area.width - 2.0 * INSET,
        6.0,
    );
    let step = bar.width / STEPS as f64;
    for i in 0..STEPS {
        let part = (i as f64 + 0.5) / STEPS as f64 * 2.0 - 1.0;
        // Each step reaches under the next, so that no seam shows between them.
        let width = if i + 1 == STEPS { step } else { step * 1.5 };
        let place = Area::new(bar.left + step * i as f64, bar.top, width, bar.height);
        scene.rect(place, fill(shade(part)));
    }
    axes::frame(scene, bar);
    let axis = Axis::linear(ticks.low, ticks.high, bar.left, bar.right());
    axes::x_labels(scene, bar, &axis, &ticks.ticks);
    let font = Font::regular(SMALL);
    let mut y = bar.bottom() + axes::TICK_ROW + font.size;
    for line in font.wrap(&effect.unit, area.width, 3) {
        scene.text(
            Label::new(at(area.centre().x, y), line, font)
                .middle()
                .coloured(INK),
        );
        y += font.leading();
    }
    y - font.leading() + 2.0
}

fn note(input: &Coefficients) -> String {
    let method = if input.method.is_empty() {
        String::new()
    } else {
        format!("{}. ", input.method)
    };
    let alpha = brief(input.alpha, 3);
    format!(
        "{method}Coloured: q ≤ {alpha}; *: q ≤ 0.01; **: q ≤ 0.001; q: p adjusted for the false \
         discovery rate. Groups: {}.",
        input.which
    )
}

fn description(input: &Coefficients) -> String {
    let mut words = vec!["Heat maps of regression coefficients of relevance shares.".to_owned()];
    for effect in &input.effects {
        let fitted = effect.cells.iter().flatten().count();
        let found = effect
            .cells
            .iter()
            .flatten()
            .filter(|c| c.q <= input.alpha)
            .count();
        let alpha = brief(input.alpha, 3);
        let Effect { name, unit, .. } = effect;
        words.push(format!(
            "{name} ({unit}): {found} of {fitted} coefficients with q ≤ {alpha}."
        ));
    }
    words.join(" ")
}
