//! `folds`: which subjects train, validate and test in each fold.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use flow_contract::{
    Descriptor, Form, Kind, Literal, NodeError, OutputPort, ParamSpec, ParamType, PortType, Task,
    Value, derive_seed,
};
use flow_stats::folds::{Role, RoleCounts, draw, partition, partition_ranked};

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
    revision: 2,
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
        ParamSpec {
            name: "balance",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "Of a partition: columns of the recordings that the test sets shall be alike in, the first most, as in `[\"sex\", \"age\"]`.",
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
            let recordings = Table::read(&task.input("recordings")?.content)?;
            let subjects = subjects(&recordings)?;
            let seed = derive_seed(task.seed, &["folds"]);
            let (count, validation) = (params.count("count"), params.count("validation"));
            let balance = params.texts("balance");
            let folds = if params.text("method") == "draw" {
                let wanted = RoleCounts {
                    training: params.count("training"),
                    validation,
                    test: params.count("test"),
                };
                draw(&subjects, count, wanted, seed)
            } else if balance.is_empty() {
                partition(&subjects, count, validation, seed)
            } else {
                let ranked = ranked(&recordings, subjects, &balance)?;
                partition_ranked(&ranked, count, validation, seed)
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

/// The subjects in order of their values of the columns, the first column most; then by name.
fn ranked(
    recordings: &Table,
    subjects: Vec<String>,
    columns: &[&str],
) -> Result<Vec<String>, NodeError> {
    let values: Vec<Vec<Value>> = columns
        .iter()
        .map(|column| recordings.values(column))
        .collect::<Result<_, _>>()?;
    let mut of_subject: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for (row, subject) in subjects.into_iter().enumerate() {
        let own: Vec<&Value> = values.iter().map(|column| &column[row]).collect();
        let known = of_subject.entry(subject.clone()).or_insert(own.clone());
        if let Some(differs) = (0..own.len()).find(|&at| known[at] != own[at]) {
            let column = columns[differs];
            return Err(NodeError::new(format!(
                "`{column}` of subject `{subject}` differs between recordings"
            ))
            .help(
                "folds hold subjects, so `balance` takes what is the same in all recordings of one",
            ));
        }
    }
    let mut ranked: Vec<(String, Vec<&Value>)> = of_subject.into_iter().collect();
    // The sort keeps the order by name where values are equal.
    ranked.sort_by(|(_, a), (_, b)| {
        let pairs = a.iter().zip(b);
        let order = |(a, b): (&&Value, &&Value)| match (a.as_float(), b.as_float()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.to_string().cmp(&b.to_string()),
        };
        pairs
            .map(order)
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    Ok(ranked.into_iter().map(|(subject, _)| subject).collect())
}
