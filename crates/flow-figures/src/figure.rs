//! A finished figure.

use crate::error::FigureError;
use crate::raster;
use crate::scene::{Mark, Scene};
use crate::svg;

/// A finished figure: SVG text now, PNG bytes on demand.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The figure as an SVG document, sized in mm, on a white card. Invariant: well-formed XML, and
    /// its `<title>` and `<desc>` say in words what it shows. Guard: `tests/figures/gallery.rs`.
    pub svg: String,
    scene: Scene,
}

/// Where one line of text lies in a figure, in points from the top left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBox {
    /// The words.
    pub text: String,
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl Figure {
    pub(crate) fn new(scene: Scene, title: &str, description: &str) -> Figure {
        Figure {
            svg: svg::write(&scene, title, description),
            scene,
        }
    }

    /// The figure as PNG; the same bytes with and without fonts installed.
    ///
    /// * `scale`: pixels per CSS pixel; 1 is 96 dpi, 3.125 is 300 dpi
    ///
    /// # Errors
    /// [`FigureError::Scale`] where a side would have less than 1 or more than 16384 pixels.
    pub fn png(&self, scale: f64) -> Result<Vec<u8>, FigureError> {
        raster::png(&self.scene, scale)
    }

    /// Width and height in points (1/72 inch), the units of the SVG's view box.
    #[must_use]
    pub fn size(&self) -> (f64, f64) {
        (self.scene.width, self.scene.height)
    }

    /// Every line of text with the area its ink can cover, by the embedded font's widths.
    #[must_use]
    pub fn text_boxes(&self) -> Vec<TextBox> {
        let labels = self.scene.marks.iter().filter_map(|mark| match mark {
            Mark::Text(label) => Some(label),
            _ => None,
        });
        labels
            .map(|label| {
                let area = label.area();
                TextBox {
                    text: label.text.clone(),
                    left: area.left,
                    top: area.top,
                    right: area.right(),
                    bottom: area.bottom(),
                }
            })
            .collect()
    }
}
