//! The frame every figure shares: title, legend, panels, note.

use crate::figure::Figure;
use crate::scene::{Area, Label, Mark, Paint, Scene, at, fill, stroke};
use crate::style::{Colour, GREY, Look, MARGIN, SMALL, TEXT, TITLE, WHITE};
use crate::text::Font;

/// How a legend shows an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Marker(Look),
    Patch(Paint),
    Line(crate::scene::Stroke),
    Hatch,
}

/// A page under construction: `y` is the next free line.
pub(crate) struct Page {
    pub scene: Scene,
    pub y: f64,
    title: String,
}

impl Page {
    /// Starts with the title and a grey line under it; either may be empty.
    pub fn new(width: f64, title: &str, subtitle: &str) -> Page {
        let mut page = Page {
            scene: Scene::new(width),
            y: MARGIN,
            title: title.to_owned(),
        };
        page.paragraph(title, Font::bold(TITLE), crate::style::INK);
        page.paragraph(subtitle, Font::regular(TEXT), GREY);
        if page.y > MARGIN {
            page.y += 3.0;
        }
        page
    }

    /// Width between the margins.
    pub fn inner(&self) -> f64 {
        self.scene.width - 2.0 * MARGIN
    }

    /// Text over as many lines as it needs (at most eight), at the next free line.
    pub fn paragraph(&mut self, text: &str, font: Font, colour: Colour) {
        for line in font.wrap(text, self.inner(), 8) {
            let baseline = self.y + font.size * crate::text::ASCENT;
            self.scene
                .text(Label::new(at(MARGIN, baseline), line, font).coloured(colour));
            self.y += font.leading();
        }
    }

    /// Entries in a row, in more rows where they don't fit.
    pub fn legend(&mut self, entries: &[(Key, String)]) {
        const GAP: f64 = 12.0;
        const SWATCH: f64 = 10.0;
        let font = Font::regular(TEXT);
        let mut x = MARGIN;
        for (key, words) in entries {
            let width = self.inner() - SWATCH - 4.0;
            let needed = SWATCH + 4.0 + font.width(words).min(width);
            if x > MARGIN && x + needed > self.scene.width - MARGIN {
                x = MARGIN;
                self.y += font.leading();
            }
            let middle = self.y + font.size * 0.4;
            self.swatch(*key, Area::new(x, middle - 3.0, SWATCH, 6.0));
            let place = at(x + SWATCH + 4.0, middle + font.drop());
            self.scene.text(Label::within(place, words, font, width));
            x += needed + GAP;
        }
        self.y += font.leading() + 4.0;
    }

    fn swatch(&mut self, key: Key, area: Area) {
        let centre = area.centre();
        match key {
            Key::Marker(look) => self.scene.marker(centre, 2.6, look),
            Key::Patch(paint) => self.scene.rect(area, paint),
            Key::Line(s) => {
                self.scene
                    .line(at(area.left, centre.y), at(area.right(), centre.y), s);
            }
            Key::Hatch => {
                self.scene.hatch(area);
                self.scene.rect(
                    area,
                    crate::scene::outline(stroke(crate::style::HATCH, 0.5)),
                );
            }
        }
    }

    /// Closes the page with a small grey note and gives the figure.
    ///
    /// Without a title the first sentence of the description is the figure's accessible name.
    pub fn finish(mut self, note: &str, description: &str) -> Figure {
        self.y += 4.0;
        self.paragraph(note, Font::regular(SMALL), GREY);
        self.scene.height = self.y + MARGIN - 2.0;
        let card = Area::new(0.0, 0.0, self.scene.width, self.scene.height);
        self.scene.marks.insert(0, Mark::Rect(card, fill(WHITE)));
        let first_sentence = description
            .split_once(". ")
            .map_or(description, |(first, _)| first);
        let name = if self.title.trim().is_empty() {
            first_sentence
        } else {
            &self.title
        };
        Figure::new(self.scene, name, description)
    }
}
