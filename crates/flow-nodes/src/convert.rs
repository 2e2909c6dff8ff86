//! `convert`: an artifact in another form, chosen by a file name's extension.
//!
//! The engine uses it for `publish` paths whose extension is not the artifact's own.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, NodeError, OutputPort, ParamSpec, ParamType,
    PortType, Task,
};

use crate::table::Table;

/// See the module's page.
pub struct Convert;

/// Pixels per CSS pixel of a figure: 300 dpi at journal width is about three.
const FIGURE_SCALE: f32 = 3.0;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "convert",
    revision: 1,
    summary: "Turns a table into CSV or a figure into PNG.",
    inputs: &[InputPort {
        name: Cow::Borrowed("from"),
        ty: PortType::new("any", Form::File),
        arity: Arity::One,
        doc: "The artifact.",
    }],
    outputs: &[OutputPort {
        name: Cow::Borrowed("out"),
        ty: PortType::new("converted", Form::File),
        doc: "The same in the other form.",
    }],
    params: &[ParamSpec {
        name: "to",
        ty: ParamType::Choice(&["csv", "png"]),
        default: None,
        unit: "",
        doc: "The extension of the form wanted: `csv` for a table, `png` for a figure.",
    }],
    seeded: false,
    open_ports: false,
};

impl Kind for Convert {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let from = task.input("from")?;
        let bytes = match task.params.text("to") {
            "csv" => Table::read(&from.content)?.csv()?,
            "png" => picture(&from.content)?,
            other => {
                return Err(NodeError::new(format!("`{}` can't be made into `.{other}`", from.name))
                    .help("tables become `.csv`, figures become `.png`"));
            }
        };
        task.give("out", bytes);
        Ok(())
    }
}

fn picture(svg: &[u8]) -> Result<Vec<u8>, NodeError> {
    let svg = std::str::from_utf8(svg).map_err(NodeError::new)?;
    flow_figures::png(svg, FIGURE_SCALE).map_err(NodeError::new)
}
