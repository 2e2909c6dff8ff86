//! `figure-training`: losses and accuracies of the folds' trainings.

use std::borrow::Cow;

use flow_contract::{Arity, Descriptor, InputPort, Kind, NodeError, Task};
use flow_figures::{FoldCurve, TrainingCurves, training_curves};

use super::{OUTPUTS, give, label};
use crate::table::Table;
use crate::train::HISTORY;

/// See the module's page.
pub struct FigureTraining;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-training",
    revision: 1,
    summary: "Draws the training curves of all folds.",
    example: r#"[node.curves]
kind = "figure-training"
history = { files = "history/*.parquet" }
publish = { figure = "training.svg" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("history"),
        ty: HISTORY,
        arity: Arity::Many,
        doc: "Training histories, one artifact a fold.",
    }],
    outputs: OUTPUTS,
    params: &[],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureTraining {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut folds = Vec::new();
        for input in task.inputs("history") {
            let table = Table::read(&input.content)?;
            let column = |name: &str, factor: f64| -> Result<Vec<f64>, NodeError> {
                Ok(table
                    .floats(name)?
                    .into_iter()
                    .map(|value| value.unwrap_or(f64::NAN) * factor)
                    .collect())
            };
            folds.push(FoldCurve {
                fold: label(input, "fold"),
                training_loss: column("loss", 1.0)?,
                validation_loss: column("validation_loss", 1.0)?,
                training_accuracy: column("accuracy", 100.0)?,
                validation_accuracy: column("validation_accuracy", 100.0)?,
                best: table
                    .bools("best")?
                    .iter()
                    .position(|best| *best)
                    .unwrap_or(0),
            });
        }
        let title = "Training".to_owned();
        give(task, training_curves(&TrainingCurves { title, folds }))
    }
}
