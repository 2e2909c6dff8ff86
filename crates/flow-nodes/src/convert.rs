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

static DESCRIPTOR: Descriptor = Descriptor {
    name: "convert",
    revision: 1,
    summary: "Turns a table into CSV.",
    example: r#"[node.spreadsheet]
kind = "convert"
from = { file = "shares.parquet" }
to = "csv"
publish = { out = "tables/shares.csv" }
"#,
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
        ty: ParamType::Text,
        default: None,
        unit: "",
        doc: "The extension of the form wanted: `csv`.",
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
            other => {
                return Err(NodeError::new(format!(
                    "`{}` can't be made into `.{other}`",
                    from.name
                ))
                .help("a table can be published as `.parquet` or `.csv`"));
            }
        };
        task.give("out", bytes);
        Ok(())
    }
}
