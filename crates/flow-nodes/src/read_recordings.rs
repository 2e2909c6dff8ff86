//! `recordings`: the table of recordings from a file of the user's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, NodeError, OutputPort, PortType, Task,
};

use crate::epoch::within;
use crate::recordings::{RECORDINGS, check_subject};
use crate::table::Table;

/// See the module's page.
pub struct ReadRecordings;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "recordings",
    revision: 2,
    summary: "Reads the table of recordings from CSV or Parquet: recording, subject, and covariates.",
    example: r#"[node.table]
kind = "recordings"
table = { file = "recordings.csv" }             # columns recording and subject
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("any", Form::File),
        arity: Arity::One,
        doc: "CSV with a header, or Parquet; columns `recording` and `subject` name every row.",
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
            let read = Table::read_any(&input.content).and_then(named);
            read.map_err(|error| within(&input.name, error))?
                .parquet()?
        };
        task.give("recordings", table);
        Ok(())
    }
}

/// The table with its names as text, and every name there.
fn named(table: Table) -> Result<Table, NodeError> {
    let table = table.with_text("recording")?.with_text("subject")?;
    let mut seen = BTreeSet::new();
    let rows = table.texts("recording")?.into_iter();
    for (row, (recording, subject)) in rows.zip(table.texts("subject")?).enumerate() {
        let wrong = |what: String| NodeError::new(what).at(format!("row {}", row + 1));
        if recording.trim().is_empty() {
            return Err(wrong("there is no name of a recording".to_owned())
                .help("fill the column `recording`"));
        }
        check_subject(row, &subject)?;
        if !seen.insert(recording.clone()) {
            return Err(wrong(format!("recording `{recording}` stands twice"))
                .help("give every recording one row"));
        }
    }
    Ok(table)
}
