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
    revision: 3,
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
        let folds = table.texts("fold")?;
        if !folds.contains(&fold) {
            return Err(NodeError::new(format!("there is no fold `{fold}`"))
                .help(format!("there are {}", super::distinct(&folds).join(", "))));
        }
        let classes = table.classes()?;
        let counts = counts(&table, &classes, |row| folds[row] == fold)?;
        let title = if fold == "pooled" {
            "Confusion over all folds".to_owned()
        } else {
            format!("Confusion, fold {fold}")
        };
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

/// `[true, predicted]`, the epochs of the rows asked for, whatever their order.
fn counts(
    table: &Table,
    classes: &[String],
    wanted: impl Fn(usize) -> bool,
) -> Result<Vec<u64>, NodeError> {
    let indices = |column: &str| crate::shares::classes(&table.texts(column)?, classes);
    let (truth, predicted) = (indices("true")?, indices("predicted")?);
    let mut counts = vec![0_u64; classes.len() * classes.len()];
    for (row, epochs) in table.ints("epochs")?.into_iter().enumerate() {
        if wanted(row) {
            let epochs = u64::try_from(epochs)
                .map_err(|_| NodeError::new(format!("row {} has {epochs} epochs", row + 1)))?;
            let count = &mut counts[truth[row] * classes.len() + predicted[row]];
            *count = count.saturating_add(epochs);
        }
    }
    Ok(counts)
}
