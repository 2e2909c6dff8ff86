//! Small figures, byte for byte, and their pixels.
//!
//! A figure that changes on purpose: copy the file named in the failure over the golden one and look
//! at it in a browser.

use std::path::Path;

use crate::synthetic::graphs::study;
use crate::synthetic::nights::night_of;
use crate::synthetic::training::{curves_of, sweep_of};
use crate::synthetic::*;
use flow_figures::*;

fn small_figures() -> Vec<(&'static str, Figure)> {
    let rule = |rule: &str, shares: [[f64; 3]; 2]| RuleShares {
        rule: rule.into(),
        shares: shares.map(Vec::from).to_vec(),
    };
    let global = GlobalShares {
        title: "Shares <&>".into(),
        each: "fold",
        modalities: words(&["EEG", "EMG"]),
        rules: vec![
            rule("ε = 0.01", [[60.0, 70.0, 65.0], [40.0, 30.0, 35.0]]),
            rule("αβ", [[55.0, 51.0, 90.0], [45.0, 49.0, 10.0]]),
        ],
    };
    let matrix = Confusion {
        title: "Confusion".into(),
        classes: words(&["W", "R"]),
        counts: vec![9, 1, 0, 0],
    };
    let mut night_input = night_of(6, |i| i == 3, 2);
    night_input.epochs[1].predicted_class = Some(4);
    let graph = Dag {
        title: String::new(),
        nodes: study().nodes[..4].to_vec(),
        edges: vec![(0, 2), (2, 3), (0, 3), (1, 3)],
    };
    [
        ("global_shares", global_shares(&global)),
        ("group_grid", group_grid(&grid_of(words(&["W", "R"]), 3, 4))),
        ("night", night(&night_input)),
        (
            "coefficients",
            coefficients(&coefficients_of(
                modalities(),
                words(&["W", "R", "N1"]),
                1.0,
            )),
        ),
        ("confusion", confusion(&matrix)),
        ("training_curves", training_curves(&curves_of(2, 4))),
        ("sweep", sweep(&sweep_of(&[0.01, 1.0, 100.0], 3))),
        (
            "comparison",
            comparison(&comparison_of(&["8", "16", "32"], &["EEG", "EOG"])),
        ),
        ("dag", dag(&graph)),
    ]
    .map(|(name, figure)| (name, figure.expect(name)))
    .to_vec()
}

#[test]
fn small_figures_are_what_they_were() {
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut changed = Vec::new();
    for (name, figure) in small_figures() {
        let file = format!("{name}.svg");
        let want = std::fs::read_to_string(golden.join(&file)).unwrap_or_default();
        if want != figure.svg {
            std::fs::write(fresh.join(&file), &figure.svg).expect("the target folder is writable");
            changed.push(fresh.join(&file));
        }
    }
    assert!(changed.is_empty(), "changed, see {changed:?}");
}

#[test]
fn pixels_show_the_card_the_data_and_the_text() {
    for (name, figure) in small_figures() {
        let png = figure.png(1.0).expect(name);
        assert_eq!(png, figure.png(1.0).expect(name), "{name}");
        let image = tiny_skia::Pixmap::decode_png(&png).expect(name);
        let (width, height) = figure.size();
        let near =
            |pixels: u32, points: f64| (f64::from(pixels) - points * 96.0 / 72.0).abs() <= 0.5;
        assert!(
            near(image.width(), width) && near(image.height(), height),
            "{name}"
        );
        let pixels = image.pixels();
        assert!(pixels.iter().all(|p| p.alpha() == 255), "{name} is opaque");
        let white = pixels
            .iter()
            .filter(|p| (p.red(), p.green(), p.blue()) == (255, 255, 255))
            .count();
        assert!(
            white * 10 > pixels.len() * 3 && white < pixels.len(),
            "{name}: {white} white pixels"
        );
        for text in figure.text_boxes() {
            assert!(has_ink(&image, &text), "{name}: no ink for {text:?}");
        }
    }
}

/// Whether neighbouring pixels differ anywhere in a text's box.
fn has_ink(image: &tiny_skia::Pixmap, text: &TextBox) -> bool {
    let pixel = |v: f64| (v * 96.0 / 72.0) as u32;
    let columns = || pixel(text.left)..pixel(text.right).min(image.width() - 1);
    let mut rows = pixel(text.top)..pixel(text.bottom).min(image.height());
    rows.any(|y| columns().any(|x| image.pixel(x, y) != image.pixel(x + 1, y)))
}
