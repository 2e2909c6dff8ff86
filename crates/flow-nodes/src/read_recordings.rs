//! `recordings`: the table of recordings from a file of the user's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, NodeError, OutputPort, PortType, Task,
};

use crate::recordings::RECORDINGS;
use crate::table::Table;

/// See the module's page.
pub struct ReadRecordings;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "recordings",
    revision: 1,
    summary: "Reads the table of recordings from CSV or Parquet: recording, subject, and covariates.",
    example: r#"[node.table]
kind = "recordings"
table = { file = "recordings.csv" }             # columns recording and subject
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("any", Form::File),
        arity: Arity::One,
        doc: "CSV with a header, or Parquet; columns `recording` and `subject` must be there.",
    }],
    outputs: &[OutputPort {
        name: Cow::Borrowed("recordings"),
        ty: RECORDINGS,
        doc: "The same rows; `recording` and `subject` as text.",
    }],
    params: &[],
    seeded: false,
    open_ports: false,
};

impl Kind for ReadRecordings {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = {
            let input = task.input("table")?;
            let at = |error: NodeError| error.at(&input.name);
            let is_parquet = input.content.starts_with(b"PAR1");
            let read = if is_parquet {
                Table::read(&input.content)
            } else {
                Table::read_csv(&input.content)
            };
            let table = read
                .map_err(at)?
                .with_text("recording")
                .and_then(|t| t.with_text("subject"));
            let table = table.map_err(at)?;
            let mut seen = BTreeSet::new();
            for (row, recording) in table.texts("recording")?.into_iter().enumerate() {
                if !seen.insert(recording.clone()) {
                    return Err(at(NodeError::new(format!(
                        "recording `{recording}` stands twice, again in row {}",
                        row + 1
                    ))
                    .help("give every recording one row")));
                }
            }
            table.parquet()?
        };
        task.give("recordings", table);
        Ok(())
    }
}
