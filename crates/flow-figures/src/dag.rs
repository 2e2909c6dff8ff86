//! The graph of a study: nodes in layers from top to bottom, with their states.

mod layout;
mod order;
mod place;
mod symbol;

use crate::check;
use crate::error::FigureError;
use crate::figure::Figure;
use crate::page::Page;
use crate::scene::{Area, Command, Label, Point, Scene, at, fill, outline, stroke};
use crate::style::{FULL, GREY, INK, MARGIN, RULE, SMALL, TEXT, WHITE};
use crate::text::Font;
use layout::Layout;

/// Most nodes that can be drawn.
const MOST_NODES: usize = 400;
/// Most layers that all edges together may pass on their way.
const MOST_LANES: usize = 4_000;
/// Widest and narrowest box.
const WIDEST: f64 = 104.0;
const NARROWEST: f64 = 58.0;
/// Space between boxes of a layer.
pub(crate) const SIDE_GAP: f64 = 12.0;
/// Space between layers.
const LAYER_GAP: f64 = 24.0;

/// A directed graph of nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dag {
    /// Title; may be empty.
    pub title: String,
    /// The nodes, 1 to 400.
    pub nodes: Vec<DagNode>,
    /// From node, to node, by position; twice the same edge is drawn once.
    pub edges: Vec<(usize, usize)>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct DagNode {
    /// Name.
    pub name: String,
    /// What it does, in small letters.
    pub kind: String,
    /// State.
    pub state: NodeState,
    /// One more line, such as a duration; may be empty.
    pub note: String,
    /// What is said of it when it is pointed at, such as why it ran; may be empty.
    pub more: String,
}

/// What a node is up to; each state has its own colour and symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NodeState {
    /// Not looked at yet.
    Wanted,
    /// Could start.
    Ready,
    /// Taken from the cache.
    Cached,
    /// Waits for room.
    Queued,
    /// At work.
    Running,
    /// Finished.
    Done,
    /// Went wrong.
    Failed,
    /// Left out because something before it went wrong.
    Skipped,
}

/// Whether a graph of so many nodes can be drawn.
///
/// # Errors
/// [`FigureError::Empty`] and [`FigureError::TooMany`].
pub fn dag_fits(nodes: usize) -> Result<(), FigureError> {
    let nodes = vec![(); nodes];
    check::not_empty("nodes", &nodes)?;
    check::at_most("nodes", &nodes, MOST_NODES)
}

/// Draws the graph: layers by longest path, few crossings, long edges led around boxes.
///
/// The figure is 180 mm wide, or as wide as its fullest layer needs.
///
/// # Errors
/// [`FigureError::Empty`], [`FigureError::TooMany`] (nodes, or layers that edges pass),
/// [`FigureError::OutOfRange`] for an edge to a node that isn't there, and [`FigureError::Cycle`].
pub fn dag(input: &Dag) -> Result<Figure, FigureError> {
    dag_fits(input.nodes.len())?;
    for (i, &(from, to)) in input.edges.iter().enumerate() {
        check::position("edges", i, from, input.nodes.len())?;
        check::position("edges", i, to, input.nodes.len())?;
    }
    let layers =
        layout::layers(input.nodes.len(), &input.edges).map_err(|node| FigureError::Cycle {
            node: input.nodes[node].name.clone(),
        })?;
    let got = layout::lanes(&layers, &input.edges);
    if got > MOST_LANES {
        return Err(FigureError::TooMany {
            what: "layers passed by edges",
            got,
            most: MOST_LANES,
        });
    }
    let box_size = box_size(input, layout::widest_layer(&layers));
    let layout = Layout::new(&layers, &input.edges, (box_size.0, FULL - 2.0 * MARGIN));

    let width = (layout.width + 2.0 * MARGIN).max(FULL);
    let mut page = Page::new(width, &input.title, "");
    symbol::legend(&mut page, &input.nodes);
    let left = MARGIN + (page.inner() - layout.width) / 2.0;
    let frame = Frame {
        left,
        top: page.y,
        box_size,
    };
    for edge in &layout.edges {
        draw_edge(&mut page.scene, &frame, edge);
    }
    for (node, place) in input.nodes.iter().zip(&layout.places) {
        draw_node(&mut page.scene, frame.area(*place), node);
    }
    page.y = frame.top_of(layout.layer_count) - LAYER_GAP;
    Ok(page.finish("", &description(input)))
}

/// From layer coordinates to the page.
struct Frame {
    left: f64,
    top: f64,
    box_size: (f64, f64),
}

impl Frame {
    fn top_of(&self, layer: usize) -> f64 {
        self.top + layer as f64 * (self.box_size.1 + LAYER_GAP)
    }

    fn area(&self, place: layout::Place) -> Area {
        let (width, height) = self.box_size;
        let left = self.left + place.x - width / 2.0;
        Area::new(left, self.top_of(place.layer), width, height)
    }
}

/// As wide as the longest name needs, but so that the widest layer fits the page where it can.
fn box_size(input: &Dag, widest_layer: usize) -> (f64, f64) {
    let (bold, small) = (Font::bold(TEXT), Font::regular(SMALL));
    let names = bold.widest(input.nodes.iter().map(|n| &n.name)) + symbol::SIZE + 12.0;
    let rest = small.widest(input.nodes.iter().flat_map(|n| [&n.kind, &n.note])) + 10.0;
    let room = (FULL - 2.0 * MARGIN + SIDE_GAP) / widest_layer.max(1) as f64 - SIDE_GAP;
    let width = names
        .max(rest)
        .min(WIDEST)
        .min(room.max(NARROWEST))
        .max(NARROWEST);
    let lines = [
        input.nodes.iter().any(|n| !n.kind.is_empty()),
        input.nodes.iter().any(|n| !n.note.is_empty()),
    ];
    let extra = lines.into_iter().filter(|&there| there).count() as f64;
    (width, 6.0 + bold.leading() + extra * small.leading())
}

fn draw_node(scene: &mut Scene, area: Area, node: &DagNode) {
    let colour = symbol::colour(node.state);
    let state = symbol::word(node.state);
    let parts = [&node.note, &node.more].into_iter();
    let extra: String = parts
        .filter(|part| !part.is_empty())
        .map(|part| format!(", {part}"))
        .collect();
    scene.group(
        format!("{} ({}): {state}{extra}", node.name, node.kind),
        |scene| {
            let tint = WHITE.mixed(colour, 0.08);
            scene.rect(area, fill(tint).outlined(stroke(colour, 0.9)));
            scene.rect(Area { width: 2.5, ..area }, fill(colour));
            let (bold, small) = (Font::bold(TEXT), Font::regular(SMALL));
            let left = area.left + 6.0;
            let mut y = area.top + 3.0 + bold.size * 0.8;
            let centre = at(area.right() - 3.0 - symbol::SIZE / 2.0, y - bold.drop());
            symbol::draw(scene, centre, node.state);
            let room = area.width - 12.0 - symbol::SIZE;
            scene.text(Label::within(at(left, y), &node.name, bold, room));
            y += bold.leading() - 0.6;
            for (line, ink) in [(&node.kind, GREY), (&node.note, INK)] {
                if !line.is_empty() {
                    let label = Label::within(at(left, y), line, small, area.width - 10.0);
                    scene.text(label.coloured(ink));
                    y += small.leading();
                }
            }
        },
    );
}

/// A smooth line through the lanes that were kept free for it, with an arrow head.
fn draw_edge(scene: &mut Scene, frame: &Frame, edge: &layout::Route) {
    const HEAD: f64 = 4.0;
    let height = frame.box_size.1;
    let mut commands = Vec::new();
    let mut pen: Option<Point> = None;
    for (i, place) in edge.iter().enumerate() {
        let x = frame.left + place.x;
        let (top, last) = (frame.top_of(place.layer), i + 1 == edge.len());
        let enter = at(x, if last { top - HEAD } else { top });
        match pen {
            None => commands.push(Command::Move(at(x, top + height))),
            Some(from) => {
                let bend = (enter.y - from.y) * 0.5;
                let (a, b) = (at(from.x, from.y + bend), at(x, enter.y - bend));
                commands.push(Command::Cubic(a, b, enter));
                if !last {
                    commands.push(Command::Line(at(x, top + height)));
                }
            }
        }
        pen = Some(at(x, top + height));
    }
    scene.path(commands, outline(stroke(RULE, 0.8)));
    if let Some(end) = edge.last() {
        let (x, y) = (frame.left + end.x, frame.top_of(end.layer));
        let corners = [
            at(x, y - 0.5),
            at(x - 2.0, y - HEAD - 0.5),
            at(x + 2.0, y - HEAD - 0.5),
        ];
        scene.polygon(&corners, fill(GREY));
    }
}

fn description(input: &Dag) -> String {
    let (n, m) = (input.nodes.len(), input.edges.len());
    let mut words = vec![format!("Graph of {n} nodes and {m} edges.")];
    for (i, node) in input.nodes.iter().enumerate() {
        let to: Vec<&str> = input
            .edges
            .iter()
            .filter(|(from, _)| *from == i)
            .map(|&(_, to)| input.nodes[to].name.as_str())
            .collect();
        let to = if to.is_empty() {
            String::new()
        } else {
            format!(" → {}", to.join(", "))
        };
        words.push(format!("{} ({}){to}.", node.name, symbol::word(node.state)));
    }
    words.join(" ")
}
