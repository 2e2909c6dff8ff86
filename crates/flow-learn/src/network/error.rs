//! What can be wrong with a network.

use super::Shape;

/// What is wrong with a network's description. `entry` counts from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// A network without layers, or without input.
    #[error("a network needs at least one layer, one channel and one sample")]
    Empty,
    /// The first word of an entry is no layer.
    #[error("entry {entry} `{text}`: no such layer{}", closest(.nearest))]
    UnknownLayer {
        /// Place in the list.
        entry: usize,
        /// The entry.
        text: String,
        /// The closest right word.
        nearest: Option<&'static str>,
    },
    /// A word of an entry says nothing about its layer.
    #[error("entry {entry} `{text}`: can't read `{word}`, wanted {wanted}")]
    BadWord {
        /// Place in the list.
        entry: usize,
        /// The entry.
        text: String,
        /// The word, empty where one is missing.
        word: String,
        /// What the layer takes.
        wanted: &'static str,
    },
    /// Two layers have one name.
    #[error("two layers are named `{name}`")]
    TwiceNamed {
        /// The name.
        name: String,
    },
    /// A number of a layer that must lie elsewhere.
    #[error("layer {entry} `{name}`: {what} is {value}, must be {wanted}")]
    OutOfRange {
        /// Place in the network.
        entry: usize,
        /// The layer.
        name: String,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        wanted: &'static str,
    },
    /// The layer needs a map and gets a vector, or the other way round.
    #[error("layer {entry} `{name}` needs {wanted}, gets {gets}")]
    WrongShape {
        /// Place in the network.
        entry: usize,
        /// The layer.
        name: String,
        /// What it takes, and how to get there.
        wanted: &'static str,
        /// What it would get.
        gets: Shape,
    },
    /// Fewer samples come in than the layer's window spans.
    #[error("layer {entry} `{name}` spans {span} samples, gets {gets}")]
    TooShort {
        /// Place in the network.
        entry: usize,
        /// The layer.
        name: String,
        /// Samples its window spans, less its padding.
        span: usize,
        /// What it gets.
        gets: Shape,
    },
    /// An input with more numbers than can be held.
    #[error("an input of {gets} has more than 2147483648 numbers")]
    InputTooLarge {
        /// What the network would get.
        gets: Shape,
    },
    /// A layer that gives more numbers, or has more weights, than can be held.
    #[error(
        "layer {entry} `{name}` gets {gets} and gives {gives}: more than 2147483648 numbers or weights"
    )]
    TooLarge {
        /// Place in the network.
        entry: usize,
        /// The layer.
        name: String,
        /// What it gets.
        gets: Shape,
        /// What it would give.
        gives: Shape,
    },
    /// Channels or filters don't divide into the groups.
    #[error(
        "layer {entry} `{name}`: {channels} channels and {filters} filters don't divide into {groups} groups"
    )]
    Groups {
        /// Place in the network.
        entry: usize,
        /// The layer.
        name: String,
        /// Channels in.
        channels: usize,
        /// Channels out.
        filters: usize,
        /// Groups.
        groups: usize,
    },
    /// The network ends in a map.
    #[error(
        "the network ends in {gets}; a classifier ends in a vector of logits (add a global pool or `flatten`, then `dense`)"
    )]
    NoLogits {
        /// What comes out.
        gets: Shape,
    },
}

fn closest(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}
