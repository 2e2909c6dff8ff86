//! `figure-shares`: Figure 1, boxes of global shares per modality and rule over folds.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Task,
};
use flow_figures::{GlobalShares, RuleShares, global_shares};

use super::{OUTPUTS, distinct, give};
use crate::shares::GLOBAL_SHARES;
use crate::table::Table;

/// See the module's page.
pub struct FigureShares;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-shares",
    revision: 2,
    summary: "Draws global relevance shares per modality and rule as boxes over folds (Figure 1).",
    example: r#"[node.figure1]
kind = "figure-shares"
shares = { files = "global shares/*.parquet" }  # one a rule
publish = { figure = "figure 1.svg", picture = "figure 1.png" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("shares"),
        ty: GLOBAL_SHARES,
        arity: Arity::Many,
        doc: "Global shares, one artifact a rule.",
    }],
    outputs: OUTPUTS,
    params: &[ParamSpec {
        name: "value",
        ty: ParamType::Choice(&["mean_of_shares", "pooled_share"]),
        default: Some(Literal::Text("mean_of_shares")),
        unit: "",
        doc: "Which of the two global numbers is drawn.",
    }],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureShares {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (mut rules, mut modalities) = (Vec::new(), Vec::<String>::new());
        let value = task.params.text("value").to_owned();
        let inputs = task.inputs("shares");
        for (at, input) in inputs.iter().enumerate() {
            let table = Table::read(&input.content)?;
            let (modality, share) = (table.texts("modality")?, table.floats(&value)?);
            let own = distinct(&modality);
            if modalities.is_empty() {
                modalities = own;
            } else if own.len() != modalities.len() || own.iter().any(|m| !modalities.contains(m)) {
                let (own, others) = (own.join(", "), modalities.join(", "));
                let what = format!("the shares are of {own}, those before of {others}");
                let help = "draw rules of the same modalities in one figure";
                return Err(NodeError::new(what).at(&input.name).help(help));
            }
            let of = |name: &String| -> Vec<f64> {
                modality
                    .iter()
                    .zip(&share)
                    .filter(|(m, _)| *m == name)
                    .filter_map(|(_, s)| *s)
                    .collect()
            };
            let shares = modalities.iter().map(of).collect();
            rules.push(RuleShares {
                rule: match input.labels.get("rule") {
                    Some(rule) => rule.to_string(),
                    None if inputs.len() == 1 => String::new(),
                    None => (at + 1).to_string(),
                },
                shares,
            });
        }
        let title = "Global relevance shares over folds".to_owned();
        give(
            task,
            global_shares(&GlobalShares {
                title,
                each: "fold",
                modalities,
                rules,
            }),
        )
    }
}
