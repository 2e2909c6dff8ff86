//! Why a figure can't be drawn.

use thiserror::Error;

/// Why a figure can't be drawn; every variant names the field of the input it is about.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FigureError {
    /// A list that must hold something holds nothing.
    #[error("`{what}` is empty")]
    Empty {
        /// The field.
        what: &'static str,
    },
    /// A list's length doesn't match the list it belongs to.
    #[error("`{what}` has {got} entries, but {want} are needed")]
    Length {
        /// The field.
        what: &'static str,
        /// Entries found.
        got: usize,
        /// Entries needed.
        want: usize,
    },
    /// A number is NaN or infinite.
    #[error("`{what}` holds {value} at position {index}")]
    NotFinite {
        /// The field.
        what: &'static str,
        /// Position in the list, from 0.
        index: usize,
        /// The number.
        value: f64,
    },
    /// A number lies outside its range.
    #[error("`{what}` holds {value} at position {index}, outside {low} to {high}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// Position in the list, from 0.
        index: usize,
        /// The number.
        value: f64,
        /// Lowest number allowed.
        low: f64,
        /// Highest number allowed.
        high: f64,
    },
    /// A list that must ascend doesn't.
    #[error("`{what}` does not ascend at position {index}")]
    Unordered {
        /// The field.
        what: &'static str,
        /// Position of the first entry that is too small, from 0.
        index: usize,
    },
    /// More entries than fit on a page.
    #[error("`{what}` has {got} entries, but at most {most} can be drawn")]
    TooMany {
        /// The field.
        what: &'static str,
        /// Entries found.
        got: usize,
        /// Entries that can be drawn.
        most: usize,
    },
    /// The graph has a cycle, so it has no layers.
    #[error("the graph has a cycle through `{node}`")]
    Cycle {
        /// Name of a node on or behind the cycle.
        node: String,
    },
    /// The scale would give an image without pixels or with too many.
    #[error("scale {scale} gives an image of {width} × {height} pixels, outside 1 to 16384")]
    Scale {
        /// Scale asked for.
        scale: f64,
        /// Width it would give, pixels.
        width: f64,
        /// Height it would give, pixels.
        height: f64,
    },
    /// The PNG encoder refused the image.
    #[error("encoding the png: {reason}")]
    Png {
        /// The encoder's words.
        reason: String,
    },
}
