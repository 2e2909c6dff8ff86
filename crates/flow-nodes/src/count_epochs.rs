//! `count-epochs`: how many epochs each recording has per stage, and what was dropped.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, NodeError, OutputPort, PortType, Task,
};

use crate::epoch::EPOCH_TABLE;
use crate::recordings::{CLASSES, recording_of};
use crate::table::{Table, TableBuilder};

/// See the module's page.
pub struct CountEpochs;

/// Why an epoch was dropped, as `epoch` writes it.
const REASONS: [&str; 3] = ["no class", "outside the signal", "telemetry error"];

static DESCRIPTOR: Descriptor = Descriptor {
    name: "count-epochs",
    revision: 1,
    summary: "Counts the epochs of every recording per stage and per reason for dropping them.",
    example: r#"[node.counts]
kind = "count-epochs"
tables = { files = "epochs/*.parquet" }
publish = { table = "tables/epochs.csv" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("tables"),
        ty: EPOCH_TABLE,
        arity: Arity::Many,
        doc: "The epoch tables of all recordings.",
    }],
    outputs: &[OutputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("epoch counts", Form::Table),
        doc: "One row a recording and one for all: scored, kept, W, N1, N2, N3, R, and each reason.",
    }],
    params: &[],
    seeded: false,
    open_ports: false,
};

impl Kind for CountEpochs {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut names = Vec::new();
        let mut counts: Vec<[i64; 10]> = Vec::new();
        for input in task.inputs("tables") {
            names.push(recording_of(input)?);
            counts.push(count(&Table::read(&input.content)?)?);
        }
        let mut all = [0; 10];
        for row in &counts {
            all.iter_mut().zip(row).for_each(|(all, one)| *all += one);
        }
        names.push("all".to_owned());
        counts.push(all);
        let heads = ["scored", "kept"].into_iter().chain(CLASSES).chain(REASONS);
        let mut table = TableBuilder::new().text("recording", &names);
        for (column, head) in heads.enumerate() {
            let of: Vec<i64> = counts.iter().map(|row| row[column]).collect();
            table = table.int(&head.replace(' ', "_"), &of);
        }
        task.give("table", table.parquet()?);
        Ok(())
    }
}

/// scored, kept, the five classes, the three reasons.
fn count(table: &Table) -> Result<[i64; 10], NodeError> {
    let (stage, kept, reason) = (
        table.texts("stage")?,
        table.bools("kept")?,
        table.texts("reason")?,
    );
    let mut counts = [0; 10];
    counts[0] = stage.len() as i64;
    for ((stage, kept), reason) in stage.iter().zip(kept).zip(reason) {
        if kept {
            counts[1] += 1;
            CLASSES
                .iter()
                .position(|class| class == stage)
                .into_iter()
                .for_each(|at| counts[2 + at] += 1);
        } else {
            REASONS
                .iter()
                .position(|known| *known == reason)
                .into_iter()
                .for_each(|at| counts[7 + at] += 1);
        }
    }
    Ok(counts)
}
