//! The kinds that draw: one file a figure, each gives SVG and PNG.

mod coefficients;
mod confusion;
mod groups;
mod night;
mod shares;
mod sweep;
mod training;

use std::borrow::Cow;

use flow_contract::{Form, Input, NodeError, OutputPort, PortType, Task};
use flow_figures::{Figure, FigureError};

pub use coefficients::FigureCoefficients;
pub use confusion::FigureConfusion;
pub use groups::FigureGroups;
pub use night::FigureNight;
pub use shares::FigureShares;
pub use sweep::FigureSweep;
pub use training::FigureTraining;

/// What every figure kind gives.
const OUTPUTS: &[OutputPort] = &[
    OutputPort {
        name: Cow::Borrowed("figure"),
        ty: PortType::new("figure", Form::Figure),
        doc: "The figure as SVG.",
    },
    OutputPort {
        name: Cow::Borrowed("picture"),
        ty: PortType::new("picture", Form::Picture),
        doc: "The figure as PNG at 300 dpi.",
    },
];

/// PNG pixels per CSS pixel of the figure: 300 dpi where CSS has 96.
pub const SCALE: f64 = 300.0 / 96.0;

/// Hands a figure on as SVG and PNG.
pub fn give(task: &mut Task<'_>, figure: Result<Figure, FigureError>) -> Result<(), NodeError> {
    let figure = figure.map_err(|error| {
        let crowded = matches!(error, FigureError::TooMany { .. });
        let said = NodeError::new(error);
        if crowded {
            return said.help("more can't be read on a page: leave this figure out of the study, or some of its rows");
        }
        said
    })?;
    task.give("picture", figure.png(SCALE).map_err(NodeError::new)?);
    task.give("figure", figure.svg.into_bytes());
    Ok(())
}

/// A label of the instance an artifact came from, or `1` where its node has no such axis.
pub fn label(input: &Input, axis: &str) -> String {
    input
        .labels
        .get(axis)
        .map_or_else(|| "1".to_owned(), ToString::to_string)
}

/// Distinct texts in order of appearance.
pub fn distinct(texts: &[String]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for text in texts {
        if !seen.contains(text) {
            seen.push(text.clone());
        }
    }
    seen
}
