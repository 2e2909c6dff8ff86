//! What holds for every figure, usual or nasty.

use flow_figures::{Figure, TextBox};

fn figures() -> Vec<(&'static str, Figure)> {
    crate::synthetic::cases()
        .into_iter()
        .map(|(name, figure)| (name, figure.expect(name)))
        .collect()
}

#[test]
fn every_figure_is_accessible_well_formed_xml() {
    for (name, figure) in figures() {
        let parsed = roxmltree::Document::parse(&figure.svg);
        let document = parsed.unwrap_or_else(|e| panic!("{name}: {e}"));
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"), "{name}");
        let said = |tag| {
            root.children()
                .any(|c| c.has_tag_name(tag) && c.text().is_some())
        };
        assert!(said("desc") && said("title"), "{name}");
        let width = root.attribute("width").and_then(|w| w.strip_suffix("mm"));
        let width: f64 = width.and_then(|w| w.parse().ok()).expect("a width in mm");
        assert!(
            width == 85.0 || width == 180.0 || name == "dag-wide",
            "{name}: {width} mm"
        );
    }
}

#[test]
fn no_coordinate_is_nan_infinite_or_negative_zero() {
    for (name, figure) in figures() {
        let document = roxmltree::Document::parse(&figure.svg).expect(name);
        for node in document.descendants() {
            for attribute in node.attributes() {
                let value = attribute.value();
                for word in ["NaN", "inf", "e-", "-0 ", "-0\""] {
                    let free_text = matches!(attribute.name(), "aria-label" | "font-family");
                    assert!(free_text || !value.contains(word), "{name}: {value}");
                }
            }
        }
    }
}

#[test]
fn all_marks_lie_inside_the_page() {
    for (name, figure) in figures() {
        let document = roxmltree::Document::parse(&figure.svg).expect(name);
        let (width, height) = figure.size();
        let inside =
            |x: f64, y: f64| x >= -0.01 && y >= -0.01 && x <= width + 0.01 && y <= height + 0.01;
        for node in document.descendants() {
            let number = |key| {
                node.attribute(key)
                    .and_then(|v| v.parse::<f64>().ok())
                    .unwrap_or(0.0)
            };
            let corners = match node.tag_name().name() {
                "rect" => {
                    let (x, y) = (number("x"), number("y"));
                    assert!(
                        number("width") >= 0.0 && number("height") >= 0.0,
                        "{name}: {node:?}"
                    );
                    vec![(x, y), (x + number("width"), y + number("height"))]
                }
                "circle" => {
                    let (x, y, r) = (number("cx"), number("cy"), number("r"));
                    vec![(x - r, y - r), (x + r, y + r)]
                }
                "path" => path_points(node.attribute("d").unwrap_or_default()),
                _ => vec![],
            };
            for (x, y) in corners {
                assert!(
                    inside(x, y),
                    "{name} ({width} × {height}): {x} {y} of {node:?}"
                );
            }
        }
    }
}

/// Points of path data in the subset this crate writes: M, L, C, H, V, Z, all absolute.
fn path_points(data: &str) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for part in data.split(['M', 'L', 'C']) {
        let mut part = part.trim_end_matches('Z');
        while let Some(end) = part.rfind(['H', 'V']) {
            let (_, value) = part.split_at(end + 1);
            let value: f64 = value.parse().expect("a number after H or V");
            points.push(if part.as_bytes()[end] == b'H' {
                (value, 0.0)
            } else {
                (0.0, value)
            });
            part = &part[..end];
        }
        let numbers: Vec<f64> = part
            .split_whitespace()
            .map(|n| n.parse().expect(part))
            .collect();
        points.extend(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])));
    }
    points
}

#[test]
fn all_text_lies_inside_the_page() {
    for (name, figure) in figures() {
        let (width, height) = figure.size();
        for text in figure.text_boxes() {
            let inside =
                text.left >= 0.0 && text.top >= 0.0 && text.right <= width && text.bottom <= height;
            assert!(inside, "{name} ({width} × {height}): {text:?}");
        }
    }
}

#[test]
fn no_text_lies_on_other_text() {
    for (name, figure) in figures() {
        let texts = figure.text_boxes();
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[..i] {
                assert!(!overlap(a, b), "{name}: {a:?} on {b:?}");
            }
        }
    }
}

/// Whether two boxes share more than the slack that ascenders and descenders leave.
fn overlap(a: &TextBox, b: &TextBox) -> bool {
    const SLACK: f64 = 0.8;
    let wide = a.right.min(b.right) - a.left.max(b.left);
    let high = a.bottom.min(b.bottom) - a.top.max(b.top);
    wide > SLACK && high > SLACK
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    for ((name, a), (_, b)) in figures().into_iter().zip(figures()) {
        assert_eq!(a.svg, b.svg, "{name}");
    }
}

#[test]
fn every_figure_stays_small() {
    for (name, figure) in figures() {
        assert!(
            figure.svg.len() < 400_000,
            "{name}: {} bytes",
            figure.svg.len()
        );
    }
}
