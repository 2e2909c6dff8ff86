//! `figure-groups`: Figure 2, shares per group of true × predicted class.

use std::borrow::Cow;

use flow_contract::{Arity, Descriptor, InputPort, Kind, NodeError, ParamSpec, ParamType, Task};
use flow_figures::{Group, GroupGrid, group_grid};

use super::{OUTPUTS, distinct, give};
use crate::shares::GROUP_SHARES;
use crate::table::Table;

/// See the module's page.
pub struct FigureGroups;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-groups",
    revision: 3,
    summary: "Draws the shares of each group of true × predicted class over folds (Figure 2).",
    example: r#"[node.figure2]
kind = "figure-groups"
groups = { file = "group shares.parquet" }
rule = "alpha-beta(1,0)"
publish = { figure = "figure 2.svg" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("groups"),
        ty: GROUP_SHARES,
        arity: Arity::One,
        doc: "Group shares by one rule.",
    }],
    outputs: OUTPUTS,
    params: &[ParamSpec {
        name: "rule",
        ty: ParamType::Text,
        default: None,
        unit: "",
        doc: "The rule's name, for the title.",
    }],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureGroups {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = Table::read(&task.input("groups")?.content)?;
        let (truth, predicted) = (table.texts("true")?, table.texts("predicted")?);
        let (modality, share) = (table.texts("modality")?, table.floats("mean_of_shares")?);
        let epochs = table.ints("epochs")?;
        let modalities = distinct(&modality);
        let mut groups = Vec::new();
        let classes = table.classes()?;
        for row in &classes {
            for column in &classes {
                let mine = |at: &usize| truth[*at] == *row && predicted[*at] == *column;
                let here: Vec<usize> = (0..truth.len()).filter(mine).collect();
                let first = modalities.first();
                let n = here
                    .iter()
                    .filter(|at| Some(&modality[**at]) == first)
                    .map(|at| epochs[*at])
                    .sum::<i64>();
                let of = |name: &String| -> Vec<f64> {
                    here.iter()
                        .filter(|at| modality[**at] == *name)
                        .filter_map(|at| share[*at])
                        .collect()
                };
                let shares = if n == 0 {
                    Vec::new()
                } else {
                    modalities.iter().map(of).collect()
                };
                groups.push(Group {
                    n_epochs: n.unsigned_abs(),
                    shares,
                });
            }
        }
        let grid = GroupGrid {
            title: "Relevance shares per classification group".to_owned(),
            rule: task.params.text("rule").to_owned(),
            value_of: "fold".to_owned(),
            modalities,
            classes: classes.clone(),
            groups,
        };
        give(task, group_grid(&grid))
    }
}
