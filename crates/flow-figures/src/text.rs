//! Measures and breaks text with the metrics of the embedded font.
//!
//! The font is a subset of Liberation Sans, whose widths are those of Arial and Helvetica: what fits
//! here fits in a browser that has any of the three.

use std::sync::OnceLock;
use ttf_parser::Face;

/// Fonts the browser may use, best first; all but the last have the embedded font's widths.
pub(crate) const FAMILY: &str = "Liberation Sans, Arial, Helvetica, Arimo, sans-serif";

static REGULAR: &[u8] = include_bytes!("../fonts/FlowFiguresSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/FlowFiguresSans-Bold.ttf");

/// Height of a capital letter, in em.
const CAPITAL: f64 = 0.688;
/// Highest ink above the baseline (accents apart), in em.
pub(crate) const ASCENT: f64 = 0.74;
/// Lowest ink below the baseline, in em.
pub(crate) const DESCENT: f64 = 0.21;
/// Distance of two baselines, in em.
const LEADING: f64 = 1.22;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// Size in points and weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Font {
    pub size: f64,
    pub weight: Weight,
}

impl Font {
    pub const fn regular(size: f64) -> Font {
        Font {
            size,
            weight: Weight::Regular,
        }
    }

    pub const fn bold(size: f64) -> Font {
        Font {
            size,
            weight: Weight::Bold,
        }
    }

    /// Distance of two baselines.
    pub fn leading(self) -> f64 {
        self.size * LEADING
    }

    /// Distance from the vertical middle of a capital letter down to the baseline.
    pub fn drop(self) -> f64 {
        self.size * CAPITAL / 2.0
    }

    /// Advance width of `text` in points, without kerning.
    pub fn width(self, text: &str) -> f64 {
        let face = face(self.weight);
        let units: u64 = text.chars().map(|c| u64::from(advance(face, c))).sum();
        units as f64 * self.size / f64::from(face.units_per_em())
    }

    /// Widest of several texts.
    pub fn widest<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> f64 {
        texts
            .into_iter()
            .map(|text| self.width(text.as_ref()))
            .fold(0.0, f64::max)
    }

    /// Cuts `text` to `width` points, ending in an ellipsis where something was cut.
    pub fn shorten(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept = String::new();
        for c in text.chars() {
            kept.push(c);
            if self.width(&kept) + self.width("…") > width {
                kept.pop();
                break;
            }
        }
        format!("{}…", kept.trim_end())
    }

    /// Breaks `text` at spaces into at most `most` lines of `width` points; the last is shortened.
    pub fn wrap(self, text: &str, width: f64, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(line) + self.width(" ") + self.width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        if lines.len() > most {
            let rest = lines.split_off(most.max(1)).join(" ");
            if let Some(last) = lines.last_mut() {
                *last = format!("{last} {rest}");
            }
        }
        lines.iter().map(|line| self.shorten(line, width)).collect()
    }
}

/// The parsed embedded font.
pub(crate) fn face(weight: Weight) -> &'static Face<'static> {
    static FACES: OnceLock<[Face<'static>; 2]> = OnceLock::new();
    let parse = |bytes| Face::parse(bytes, 0).expect("the embedded font parses, as the tests show");
    let faces = FACES.get_or_init(|| [parse(REGULAR), parse(BOLD)]);
    match weight {
        Weight::Regular => &faces[0],
        Weight::Bold => &faces[1],
    }
}

/// Advance of a character in font units; a missing one has the width of the empty box.
pub(crate) fn advance(face: &Face<'_>, c: char) -> u16 {
    let glyph = face.glyph_index(c).unwrap_or_default();
    face.glyph_hor_advance(glyph).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_helvetica() {
        // Adobe's Helvetica metrics, in 1/1000 em: a 556, W 944, space 278, period 278.
        let width = |text| (Font::regular(1000.0).width(text)).round();
        assert_eq!(width("a"), 556.0);
        assert_eq!(width("W"), 944.0);
        assert_eq!(width("a ."), 556.0 + 278.0 + 278.0);
        // Helvetica Bold: a 556, b 611.
        assert_eq!(Font::bold(1000.0).width("ab").round(), 1167.0);
    }

    #[test]
    fn every_sign_the_figures_use_is_in_the_font() {
        for weight in [Weight::Regular, Weight::Bold] {
            for c in "ε−×±≤≥…–·²→%*αβγ".chars() {
                assert!(face(weight).glyph_index(c).is_some(), "{c}");
            }
        }
    }

    #[test]
    fn shortened_text_fits_and_says_so() {
        let font = Font::regular(7.0);
        let short = font.shorten("a rather long label for a node", 40.0);
        assert!(short.ends_with('…') && font.width(&short) <= 40.0);
        assert_eq!(font.shorten("short", 40.0), "short");
    }

    #[test]
    fn wrapping_keeps_every_word_while_lines_last() {
        let font = Font::regular(7.0);
        let text = "share of absolute relevance by modality";
        let lines = font.wrap(text, 60.0, 9);
        assert_eq!(lines.join(" "), text);
        assert!(lines.iter().all(|line| font.width(line) <= 60.0));
        let two = font.wrap(text, 60.0, 2);
        assert_eq!(two.len(), 2);
        assert!(two[1].ends_with('…'));
    }

    #[test]
    fn empty_text_gives_no_lines() {
        assert!(Font::regular(7.0).wrap("  ", 60.0, 3).is_empty());
    }
}
