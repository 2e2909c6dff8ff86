//! Colours, words and symbols of node states.

use super::{DagNode, NodeState};
use crate::page::Page;
use crate::scene::{Area, Label, Point, Scene, at, fill, outline, stroke};
use crate::style::{
    BLUE, Colour, GREEN, GREY, MARGIN, ORANGE, PURPLE, SKY, TEXT, VERMILLION, WHITE,
};
use crate::text::Font;

/// Side of a symbol.
pub(super) const SIZE: f64 = 7.0;

/// Every state with its word and colour, in the order of a life.
const STATES: [(NodeState, &str, Colour); 8] = [
    (NodeState::Wanted, "wanted", Colour::hex(0x9A9A9A)),
    (NodeState::Ready, "ready", PURPLE),
    (NodeState::Cached, "cached", SKY),
    (NodeState::Queued, "queued", ORANGE),
    (NodeState::Running, "running", BLUE),
    (NodeState::Done, "done", GREEN),
    (NodeState::Failed, "failed", VERMILLION),
    (NodeState::Skipped, "skipped", GREY),
];

fn row(state: NodeState) -> (NodeState, &'static str, Colour) {
    STATES
        .into_iter()
        .find(|(s, ..)| *s == state)
        .unwrap_or(STATES[0])
}

pub(super) fn word(state: NodeState) -> &'static str {
    row(state).1
}

pub(super) fn colour(state: NodeState) -> Colour {
    row(state).2
}

/// One line of the states that occur, with their numbers.
pub(super) fn legend(page: &mut Page, nodes: &[DagNode]) {
    let font = Font::regular(TEXT);
    let mut x = MARGIN;
    for (state, word, _) in STATES {
        let n = nodes.iter().filter(|node| node.state == state).count();
        if n > 0 {
            let words = format!("{word} ({n})");
            let middle = page.y + font.size * 0.5;
            draw(&mut page.scene, at(x + SIZE / 2.0, middle), state);
            let place = at(x + SIZE + 3.0, middle + font.drop());
            x += SIZE + 3.0 + font.width(&words) + 12.0;
            page.scene.text(Label::new(place, words, font));
        }
    }
    page.y += font.leading() + 8.0;
}

/// A symbol that can be told from the others without its colour.
pub(super) fn draw(scene: &mut Scene, centre: Point, state: NodeState) {
    let Point { x, y } = centre;
    let colour = colour(state);
    let r = SIZE / 2.0;
    let ring = outline(stroke(colour, 1.0));
    let white = stroke(WHITE, 1.1);
    match state {
        NodeState::Wanted => scene.circle(centre, r - 0.5, ring),
        NodeState::Ready => {
            scene.circle(centre, r - 0.5, ring);
            scene.circle(centre, 1.4, fill(colour));
        }
        NodeState::Queued => {
            for i in [-1.0, 0.0, 1.0] {
                scene.circle(at(x + i * 2.6, y), 1.0, fill(colour));
            }
        }
        NodeState::Running => {
            scene.polygon(
                &[at(x - r * 0.7, y - r), at(x + r, y), at(x - r * 0.7, y + r)],
                fill(colour),
            );
        }
        NodeState::Cached => {
            scene.rect(Area::new(x - r, y - r, SIZE, SIZE), fill(colour));
            scene.polyline(
                &[at(x - 1.9, y), at(x - 0.5, y + 1.6), at(x + 2.0, y - 1.6)],
                white,
            );
        }
        NodeState::Done => {
            scene.circle(centre, r, fill(colour));
            scene.polyline(
                &[at(x - 1.9, y), at(x - 0.5, y + 1.6), at(x + 2.0, y - 1.6)],
                white,
            );
        }
        NodeState::Failed => {
            scene.circle(centre, r, fill(colour));
            for side in [-1.4, 1.4] {
                scene.line(at(x - 1.4, y - side), at(x + 1.4, y + side), white);
            }
        }
        NodeState::Skipped => {
            scene.circle(centre, r, fill(colour));
            scene.line(at(x - 2.0, y), at(x + 2.0, y), white);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_row() {
        assert!(STATES.is_sorted_by_key(|(state, ..)| *state));
        for (state, word, colour) in STATES {
            assert_eq!(row(state), (state, word, colour));
        }
    }
}
