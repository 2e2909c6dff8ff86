//! What a figure is made of: a flat list of marks in points, drawn in order.

use crate::style::{Colour, HATCH, INK, Look, Marker, PALE, WHITE};
use crate::text::{ASCENT, DESCENT, Font, Weight};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
}

pub(crate) const fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub const fn new(left: f64, top: f64, width: f64, height: f64) -> Area {
        Area {
            left,
            top,
            width,
            height,
        }
    }

    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn centre(&self) -> Point {
        at(self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub colour: Colour,
    pub width: f64,
    /// Lengths of dash and gap, `None` for a solid line.
    pub dash: Option<(f64, f64)>,
}

pub(crate) const fn stroke(colour: Colour, width: f64) -> Stroke {
    Stroke {
        colour,
        width,
        dash: None,
    }
}

impl Stroke {
    pub const fn dashed(self, dash: f64, gap: f64) -> Stroke {
        Stroke {
            dash: Some((dash, gap)),
            ..self
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Paint {
    pub fill: Option<Colour>,
    pub stroke: Option<Stroke>,
}

pub(crate) const fn fill(colour: Colour) -> Paint {
    Paint {
        fill: Some(colour),
        stroke: None,
    }
}

pub(crate) const fn outline(stroke: Stroke) -> Paint {
    Paint {
        fill: None,
        stroke: Some(stroke),
    }
}

impl Paint {
    pub const fn filled(self, colour: Colour) -> Paint {
        Paint {
            fill: Some(colour),
            ..self
        }
    }

    pub const fn outlined(self, stroke: Stroke) -> Paint {
        Paint {
            stroke: Some(stroke),
            ..self
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Command {
    Move(Point),
    Line(Point),
    Cubic(Point, Point, Point),
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text on its baseline; `turned` reads upwards, turned about its point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    pub point: Point,
    pub text: String,
    pub font: Font,
    pub anchor: Anchor,
    pub colour: Colour,
    pub turned: bool,
    /// The words before they were cut to fit, for hovering and screen readers.
    pub whole: Option<String>,
}

impl Label {
    pub fn new(point: Point, text: impl Into<String>, font: Font) -> Label {
        let (anchor, colour, turned) = (Anchor::Start, INK, false);
        Label {
            point,
            text: text.into(),
            font,
            anchor,
            colour,
            turned,
            whole: None,
        }
    }

    /// Words cut to `width` points where they are longer; the whole ones stay in the SVG.
    pub fn within(point: Point, words: &str, font: Font, width: f64) -> Label {
        let text = font.shorten(words, width);
        let whole = (text != words).then(|| words.to_owned());
        Label {
            whole,
            ..Label::new(point, text, font)
        }
    }

    pub fn middle(self) -> Label {
        Label {
            anchor: Anchor::Middle,
            ..self
        }
    }

    pub fn end(self) -> Label {
        Label {
            anchor: Anchor::End,
            ..self
        }
    }

    pub fn coloured(self, colour: Colour) -> Label {
        Label { colour, ..self }
    }

    pub fn turned(self) -> Label {
        Label {
            turned: true,
            ..self
        }
    }

    /// Where the ink can be.
    pub fn area(&self) -> Area {
        let width = self.font.width(&self.text);
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (up, down) = (self.font.size * ASCENT, self.font.size * DESCENT);
        let Point { x, y } = self.point;
        if self.turned {
            Area::new(x - up, y - width + before, up + down, width)
        } else {
            Area::new(x - before, y - up, width, up + down)
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    Rect(Area, Paint),
    Circle(Point, f64, Paint),
    Path(Vec<Command>, Paint),
    Text(Label),
    /// Opens a group whose words a browser shows when the pointer rests on it.
    Open(String),
    Close,
}

/// Marks on a white card.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub width: f64,
    pub height: f64,
    pub marks: Vec<Mark>,
}

impl Scene {
    pub fn new(width: f64) -> Scene {
        Scene {
            width,
            height: 0.0,
            marks: Vec::new(),
        }
    }

    pub fn rect(&mut self, area: Area, paint: Paint) {
        self.marks.push(Mark::Rect(area, paint));
    }

    pub fn circle(&mut self, centre: Point, radius: f64, paint: Paint) {
        self.marks.push(Mark::Circle(centre, radius, paint));
    }

    pub fn text(&mut self, label: Label) {
        if !label.text.is_empty() {
            self.marks.push(Mark::Text(label));
        }
    }

    pub fn path(&mut self, commands: Vec<Command>, paint: Paint) {
        self.marks.push(Mark::Path(commands, paint));
    }

    pub fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.polyline(&[from, to], stroke);
    }

    pub fn polyline(&mut self, points: &[Point], stroke: Stroke) {
        self.path(joined(points), outline(stroke));
    }

    pub fn polygon(&mut self, points: &[Point], paint: Paint) {
        let mut commands = joined(points);
        commands.push(Command::Close);
        self.path(commands, paint);
    }

    /// Draws inside a group with hover words.
    pub fn group(&mut self, words: impl Into<String>, draw: impl FnOnce(&mut Scene)) {
        self.marks.push(Mark::Open(words.into()));
        draw(self);
        self.marks.push(Mark::Close);
    }

    /// A data point in its modality's colour and shape.
    pub fn marker(&mut self, centre: Point, radius: f64, look: Look) {
        let paint = fill(look.colour).outlined(stroke(WHITE, 0.3));
        let Point { x, y } = centre;
        let r = radius;
        match look.marker {
            Marker::Circle => self.circle(centre, r, paint),
            Marker::Square => {
                let r = r * 0.89;
                self.rect(Area::new(x - r, y - r, 2.0 * r, 2.0 * r), paint);
            }
            Marker::Triangle => {
                let r = r * 1.2;
                let corners = [
                    at(x, y - r),
                    at(x + r * 0.87, y + r * 0.5),
                    at(x - r * 0.87, y + r * 0.5),
                ];
                self.polygon(&corners, paint);
            }
            Marker::Diamond => {
                let r = r * 1.25;
                self.polygon(
                    &[at(x, y - r), at(x + r, y), at(x, y + r), at(x - r, y)],
                    paint,
                );
            }
        }
    }

    /// Pale area with thin diagonals: there is no data here.
    pub fn hatch(&mut self, area: Area) {
        const PITCH: f64 = 4.0;
        self.rect(area, fill(PALE));
        // Lines x + y = c, cut at the edges of the area.
        let first = ((area.left + area.top) / PITCH).floor() as i64 + 1;
        let last = ((area.right() + area.bottom()) / PITCH).ceil() as i64;
        let mut commands = Vec::new();
        for c in (first..last).map(|i| i as f64 * PITCH) {
            let low_x = (c - area.bottom()).max(area.left);
            let high_x = (c - area.top).min(area.right());
            if high_x > low_x {
                commands.push(Command::Move(at(low_x, c - low_x)));
                commands.push(Command::Line(at(high_x, c - high_x)));
            }
        }
        if !commands.is_empty() {
            self.path(commands, outline(stroke(HATCH, 0.5)));
        }
    }
}

/// A turn-free line through points.
pub(crate) fn joined(points: &[Point]) -> Vec<Command> {
    let command = |(i, &p): (usize, &Point)| {
        if i == 0 {
            Command::Move(p)
        } else {
            Command::Line(p)
        }
    };
    points.iter().enumerate().map(command).collect()
}

impl Label {
    pub fn is_bold(&self) -> bool {
        self.font.weight == Weight::Bold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_inside_its_area() {
        let mut scene = Scene::new(100.0);
        let area = Area::new(10.0, 20.0, 33.0, 7.0);
        scene.hatch(area);
        let Some(Mark::Path(commands, _)) = scene.marks.last() else {
            panic!("no diagonals")
        };
        for command in commands {
            let (Command::Move(p) | Command::Line(p)) = command else {
                panic!("only lines")
            };
            assert!(p.x >= area.left && p.x <= area.right());
            assert!(p.y >= area.top - 1e-9 && p.y <= area.bottom() + 1e-9);
        }
    }

    #[test]
    fn turned_text_covers_a_tall_area() {
        let label = Label::new(at(10.0, 50.0), "Share [%]", Font::regular(7.0))
            .middle()
            .turned();
        let area = label.area();
        assert!(area.height > area.width);
        assert!((area.centre().y - 50.0).abs() < 1e-9);
    }
}
