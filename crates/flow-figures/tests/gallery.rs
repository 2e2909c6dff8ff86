//! What holds for every figure, usual or nasty.

mod synthetic;

use flow_figures::{Figure, TextBox};

fn figures() -> Vec<(&'static str, Figure)> {
    synthetic::cases()
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
        assert!(said("desc"), "{name}");
        assert!(root.children().any(|c| c.has_tag_name("title")), "{name}");
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
