//! Writes a scene as SVG text: no randomness, no ids, coordinates to 0.01 pt.

use std::fmt::Write;

use crate::scene::{Anchor, Command, Label, Mark, Paint, Point, Scene};
use crate::style::Colour;
use crate::text::FAMILY;

/// The SVG of `scene`, sized in mm, with an accessible name and description.
pub(crate) fn write(scene: &Scene, title: &str, description: &str) -> String {
    let mut out = String::new();
    head(&mut out, scene, title, description);
    for mark in &scene.marks {
        write_mark(&mut out, mark);
    }
    out.push_str("</svg>\n");
    out
}

fn head(out: &mut String, scene: &Scene, title: &str, description: &str) {
    let (width, height) = (number(scene.width), number(scene.height));
    let (mm_wide, mm_high) = (millimetres(scene.width), millimetres(scene.height));
    let (title, description) = (escaped(title), escaped(description));
    push(
        out,
        format_args!("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "),
    );
    push(
        out,
        format_args!("aria-label=\"{title}\" width=\"{mm_wide}mm\" height=\"{mm_high}mm\" "),
    );
    push(
        out,
        format_args!("viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILY}\">\n"),
    );
    push(
        out,
        format_args!("<title>{title}</title>\n<desc>{description}</desc>\n"),
    );
}

fn write_mark(out: &mut String, mark: &Mark) {
    match mark {
        Mark::Rect(area, paint) => {
            let [x, y] = [area.left, area.top].map(number);
            let [width, height] = [area.width, area.height].map(number);
            let place = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
            push(out, format_args!("<rect {place}{}/>\n", painted(paint)));
        }
        Mark::Circle(centre, radius, paint) => {
            let [x, y, r] = [centre.x, centre.y, *radius].map(number);
            push(
                out,
                format_args!(
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>\n",
                    painted(paint)
                ),
            );
        }
        Mark::Path(commands, paint) => {
            push(
                out,
                format_args!("<path d=\"{}\"{}/>\n", outline(commands), painted(paint)),
            );
        }
        Mark::Text(label) => write_text(out, label),
        Mark::Open(words) if words.is_empty() => out.push_str("<g>\n"),
        Mark::Open(words) => push(out, format_args!("<g><title>{}</title>\n", escaped(words))),
        Mark::Close => out.push_str("</g>\n"),
    }
}

fn write_text(out: &mut String, label: &Label) {
    let [x, y, size] = [label.point.x, label.point.y, label.font.size].map(number);
    let anchor = match label.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if label.is_bold() {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let place = if label.turned {
        format!("transform=\"translate({x} {y}) rotate(-90)\"")
    } else {
        format!("x=\"{x}\" y=\"{y}\"")
    };
    let fill = colour("fill", label.colour);
    let text = escaped(&label.text);
    let whole = label.whole.as_deref().map_or_else(String::new, |whole| {
        format!("<title>{}</title>", escaped(whole))
    });
    push(
        out,
        format_args!(
            "<text {place} font-size=\"{size}\"{anchor}{weight}{fill}>{whole}{text}</text>\n"
        ),
    );
}

fn painted(paint: &Paint) -> String {
    let mut out = paint
        .fill
        .map_or(" fill=\"none\"".to_owned(), |c| colour("fill", c));
    if let Some(stroke) = paint.stroke {
        out.push_str(&colour("stroke", stroke.colour));
        push(
            &mut out,
            format_args!(" stroke-width=\"{}\"", number(stroke.width)),
        );
        if let Some((dash, gap)) = stroke.dash {
            push(
                &mut out,
                format_args!(" stroke-dasharray=\"{} {}\"", number(dash), number(gap)),
            );
        } else {
            out.push_str(" stroke-linejoin=\"round\"");
        }
    }
    out
}

fn colour(attribute: &str, colour: Colour) -> String {
    let Colour {
        red,
        green,
        blue,
        opacity,
    } = colour;
    let mut out = format!(" {attribute}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if opacity < 100 {
        let part = number(f64::from(opacity) / 100.0);
        push(&mut out, format_args!(" {attribute}-opacity=\"{part}\""));
    }
    out
}

/// Path data; level and upright lines take one coordinate, which halves a staircase.
fn outline(commands: &[Command]) -> String {
    let mut out = String::new();
    let mut pen = (String::new(), String::new());
    for command in commands {
        match command {
            Command::Move(p) => push(&mut out, format_args!("M{}", pair(p))),
            Command::Line(p) => {
                let (x, y) = (number(p.x), number(p.y));
                match (x == pen.0, y == pen.1) {
                    (true, true) => {}
                    (true, false) => push(&mut out, format_args!("V{y}")),
                    (false, true) => push(&mut out, format_args!("H{x}")),
                    (false, false) => push(&mut out, format_args!("L{x} {y}")),
                }
            }
            Command::Cubic(a, b, p) => {
                push(
                    &mut out,
                    format_args!("C{} {} {}", pair(a), pair(b), pair(p)),
                );
            }
            Command::Close => out.push('Z'),
        }
        if let Command::Move(p) | Command::Line(p) | Command::Cubic(_, _, p) = command {
            pen = (number(p.x), number(p.y));
        }
    }
    out
}

fn pair(p: &Point) -> String {
    format!("{} {}", number(p.x), number(p.y))
}

fn millimetres(points: f64) -> String {
    number(points * 25.4 / 72.0)
}

/// Two decimals at most, no trailing zeros, no negative zero.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Escapes markup; characters XML 1.0 can't hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn push(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words)
        .expect("writing to a string can't fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_minus_zero() {
        let shown = [1.0, 0.25, -0.001, 10.0, -3.456].map(number);
        assert_eq!(shown, ["1", "0.25", "0", "10", "-3.46"]);
    }

    #[test]
    fn labels_cannot_break_out_of_the_markup() {
        assert_eq!(
            escaped("<b a=\"1\">&\u{7}"),
            "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}"
        );
    }
}
