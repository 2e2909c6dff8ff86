//! `figure-confusion`: the confusion matrix over folds.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Task,
};
use flow_figures::{Confusion, confusion};

use super::{OUTPUTS, give};
use crate::score::CONFUSION;
use crate::table::Table;

/// See the module's page.
pub struct FigureConfusion;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-confusion",
    revision: 1,
    summary: "Draws a confusion matrix with counts and row percents.",
    example: r#"[node.confusion]
kind = "figure-confusion"
confusion = { file = "confusion.parquet" }
publish = { figure = "confusion.svg" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("confusion"),
        ty: CONFUSION,
        arity: Arity::One,
        doc: "Counts per true and predicted class.",
    }],
    outputs: OUTPUTS,
    params: &[ParamSpec {
        name: "fold",
        ty: ParamType::Text,
        default: Some(Literal::Text("pooled")),
        unit: "",
        doc: "Which fold, or `pooled`.",
    }],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureConfusion {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = Table::read(&task.input("confusion")?.content)?;
        let fold = task.params.text("fold").to_owned();
        let (folds, epochs) = (table.texts("fold")?, table.ints("epochs")?);
        // The table is row-major over true and predicted class within each fold.
        let counts: Vec<u64> = folds
            .iter()
            .zip(epochs)
            .filter(|(of, _)| **of == fold)
            .map(|(_, n)| n.unsigned_abs())
            .collect();
        if counts.is_empty() {
            return Err(NodeError::new(format!("there is no fold `{fold}`"))
                .help(format!("there are {}", super::distinct(&folds).join(", "))));
        }
        let title = if fold == "pooled" {
            "Confusion over all folds".to_owned()
        } else {
            format!("Confusion, fold {fold}")
        };
        let classes = table.classes()?;
        give(
            task,
            confusion(&Confusion {
                title,
                classes,
                counts,
            }),
        )
    }
}
