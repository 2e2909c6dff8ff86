//! The signals under a browser of nights: their outlines, in as fine pieces as there is room for.

use std::collections::BTreeMap;

use flow_contract::Content;
use flow_nodes::envelope::{envelope, size};
use serde::Serialize;

/// Most letters that the outlines of one browser take.
const MOST_LETTERS: usize = 1_600_000;
/// Most pieces of an epoch: beyond them a screen shows no more.
const MOST_PIECES: usize = 90;

/// The outlines of all recordings.
#[derive(Serialize)]
pub struct Signals {
    /// The unit of the scales.
    pub unit: String,
    /// Pieces of an epoch.
    pub pieces: usize,
    /// By recording.
    pub of: BTreeMap<String, Outline>,
}

/// See [`flow_nodes::envelope::Envelope`].
#[derive(Serialize)]
pub struct Outline {
    channels: Vec<String>,
    scale: Vec<f64>,
    levels: String,
}

/// The outlines of recordings' epochs; `None` where there are none, or too many for a page.
pub fn signals(unit: &str, epochs: &[(String, Content)]) -> Option<Signals> {
    let rows: usize = epochs
        .iter()
        .filter_map(|(_, content)| size(content).ok())
        .map(|(epochs, channels)| epochs * channels)
        .sum();
    let pieces = (MOST_LETTERS / (2 * rows).max(1)).min(MOST_PIECES);
    if rows == 0 || pieces == 0 {
        return None;
    }
    let outline = |(recording, content): &(String, Content)| {
        let found = envelope(content, pieces).ok()?;
        let outline = Outline {
            channels: found.channels,
            scale: found.scale,
            levels: found.levels,
        };
        Some((recording.clone(), outline))
    };
    Some(Signals {
        unit: unit.to_owned(),
        pieces,
        of: epochs.iter().filter_map(outline).collect(),
    })
}
