//! `folds`: which subjects train, validate and test in each fold.

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Form, Kind, Literal, NodeError, OutputPort, ParamSpec, ParamType, PortType, Task,
    Value, derive_seed,
};
use flow_stats::folds::{Role, RoleCounts, draw, partition};

use crate::recordings::{RECORDINGS_PORT, check_subject};
use crate::table::{Table, TableBuilder};

/// See the module's page.
pub struct Folds;

const SUBJECTS: ParamType = ParamType::Int {
    min: 0,
    max: 100_000,
};

static DESCRIPTOR: Descriptor = Descriptor {
    name: "folds",
    revision: 1,
    summary: "Draws training, validation and test subjects for each fold; a subject's nights stay together.",
    example: r#"[node.folds]
kind = "folds"
recordings = { file = "recordings.parquet" }    # columns recording and subject
count = 10
training = 17
validation = 2
test = 3
"#,
    inputs: &[RECORDINGS_PORT],
    outputs: &[OutputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("folds", Form::Table),
        doc: "One row a fold: fold (from 1), train, validation, test: subjects separated by spaces.",
    }],
    params: &[
        ParamSpec {
            name: "count",
            ty: ParamType::Int {
                min: 1,
                max: 10_000,
            },
            default: Some(Literal::Int(10)),
            unit: "folds",
            doc: "How many folds.",
        },
        ParamSpec {
            name: "method",
            ty: ParamType::Choice(&["draw", "partition"]),
            default: Some(Literal::Text("draw")),
            unit: "",
            doc: "`draw`: subjects at random for each fold, as the paper; `partition`: every subject tests once.",
        },
        ParamSpec {
            name: "training",
            ty: SUBJECTS,
            default: Some(Literal::Int(17)),
            unit: "subjects",
            doc: "Training subjects of a drawn fold.",
        },
        ParamSpec {
            name: "validation",
            ty: SUBJECTS,
            default: Some(Literal::Int(2)),
            unit: "subjects",
            doc: "Validation subjects of a fold.",
        },
        ParamSpec {
            name: "test",
            ty: SUBJECTS,
            default: Some(Literal::Int(3)),
            unit: "subjects",
            doc: "Test subjects of a drawn fold.",
        },
    ],
    seeded: true,
    open_ports: false,
};

impl Kind for Folds {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = {
            let params = task.params;
            let subjects = subjects(&Table::read(&task.input("recordings")?.content)?)?;
            let seed = derive_seed(task.seed, &["folds"]);
            let (count, validation) = (params.count("count"), params.count("validation"));
            let folds = if params.text("method") == "draw" {
                let (training, test) = (params.count("training"), params.count("test"));
                draw(
                    &subjects,
                    count,
                    RoleCounts {
                        training,
                        validation,
                        test,
                    },
                    seed,
                )
            } else {
                partition(&subjects, count, validation, seed)
            };
            let folds = folds.map_err(|error| {
                NodeError::new(error)
                    .help("lower `training`, `validation`, `test` or `count`, or add subjects")
            })?;
            let of = |role: Role| -> Vec<String> {
                let join = |fold| folds.subjects_in(fold, role).collect::<Vec<_>>().join(" ");
                (0..folds.len()).map(join).collect()
            };
            let numbers: Vec<i64> = (1..=folds.len() as i64).collect();
            TableBuilder::new()
                .int("fold", &numbers)
                .text("train", &of(Role::Training))
                .text("validation", &of(Role::Validation))
                .text("test", &of(Role::Test))
                .parquet()?
        };
        task.give("table", table);
        Ok(())
    }
}

/// The subject of every recording, each with a name that a list of them can hold.
fn subjects(table: &Table) -> Result<Vec<String>, NodeError> {
    let named = table.values("subject")?.into_iter().enumerate();
    let name = |(row, value)| {
        let name = match value {
            Value::Null => String::new(),
            value => value.to_string(),
        };
        check_subject(row, &name).map(|()| name)
    };
    named.map(name).collect()
}
