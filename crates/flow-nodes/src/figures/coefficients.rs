//! `figure-coefficients`: Figure 4, heat maps of the regressions' coefficients.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Task,
};
use flow_figures::{Coefficient, Coefficients, Effect, coefficients};
use flow_stats::design::INTERCEPT;

use super::{OUTPUTS, distinct, give};
use crate::ols::COEFFICIENTS;
use crate::table::Table;

/// See the module's page.
pub struct FigureCoefficients;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-coefficients",
    revision: 2,
    summary: "Draws a heat map of coefficients for each term, marked where significant (Figure 4).",
    example: r#"[node.figure4]
kind = "figure-coefficients"
coefficients = { file = "effects.parquet" }
rule = "alpha-beta(1,0)"
publish = { figure = "figure 4.svg" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("coefficients"),
        ty: COEFFICIENTS,
        arity: Arity::One,
        doc: "Coefficients of the correct groups by one rule.",
    }],
    outputs: OUTPUTS,
    params: &[
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The rule's name, for the title.",
        },
        ParamSpec {
            name: "alpha",
            ty: ParamType::Float { min: 0.0, max: 1.0 },
            default: Some(Literal::Float(0.05)),
            unit: "",
            doc: "The largest q that counts as significant.",
        },
        ParamSpec {
            name: "errors",
            ty: ParamType::Choice(&["classical", "hc3", "clustered"]),
            default: Some(Literal::Text("classical")),
            unit: "",
            doc: "Which q: classical as the paper, HC3, or cluster-robust by subject.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureCoefficients {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let params = task.params;
        let (column, method) = match params.text("errors") {
            "clustered" => ("cluster_q", "OLS, cluster-robust by subject"),
            "hc3" => ("hc3_q", "OLS, HC3 errors"),
            _ => ("q", "OLS"),
        };
        let table = Table::read(&task.input("coefficients")?.content)?;
        let (truth, predicted) = (table.texts("true")?, table.texts("predicted")?);
        let (modality, term) = (table.texts("modality")?, table.texts("term")?);
        let (estimate, reference) = (table.floats("estimate")?, table.texts("against")?);
        let q = table.floats(column)?;
        let of_rule = of_rule(&table, params.text("rule"))?;
        let family = table.texts("family")?;
        let classes = table.classes()?;
        let modalities = distinct(&modality);
        let cell = |name: &str, of: &str, class: &str| -> Option<Coefficient> {
            let at = (0..term.len()).find(|&at| {
                of_rule[at]
                    && term[at] == name
                    && modality[at] == of
                    && truth[at] == class
                    && predicted[at] == class
            })?;
            Some(Coefficient {
                value: estimate[at]?,
                q: q[at]?,
            })
        };
        let against = |name: &str| {
            term.iter()
                .position(|other| other == name)
                .map_or("", |at| reference[at].as_str())
        };
        let effect = |name: &String| Effect {
            name: heading(name),
            unit: unit(name, against(name)),
            cells: modalities
                .iter()
                .flat_map(|of| classes.iter().map(move |class| (of, class)))
                .map(|(of, class)| cell(name, of, class))
                .collect(),
        };
        let terms: Vec<String> = distinct(&term)
            .into_iter()
            .filter(|name| name != INTERCEPT)
            .collect();
        let figure = coefficients(&Coefficients {
            title: format!("What moves the shares, {}", params.text("rule")),
            method: match of_rule.iter().position(|mine| *mine) {
                Some(row) => format!("{method}; {}", family[row]),
                None => method.to_owned(),
            },
            alpha: params.float("alpha"),
            effects: terms.iter().map(effect).collect(),
            classes: classes.clone(),
            modalities,
        });
        give(task, figure)
    }
}

/// Which rows the rule has; all where the table is of one rule, whatever it is called.
fn of_rule(table: &Table, rule: &str) -> Result<Vec<bool>, NodeError> {
    let rules = table.texts("rule")?;
    let known = distinct(&rules);
    if known.len() < 2 {
        return Ok(vec![true; rules.len()]);
    }
    if !known.iter().any(|known| known == rule) {
        let what = format!("the coefficients are of no rule `{rule}`");
        return Err(NodeError::new(what).help(format!("there are {}", known.join(", "))));
    }
    Ok(rules.iter().map(|of| of == rule).collect())
}

/// `sex[male]` → `Sex`.
fn heading(term: &str) -> String {
    let name = term.split('[').next().unwrap_or(term);
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The coefficient's unit: a number's is per unit of it, a category's is the level against the reference.
fn unit(term: &str, against: &str) -> String {
    match term
        .split_once('[')
        .and_then(|(_, level)| level.strip_suffix(']'))
    {
        Some(level) => format!("percentage points, {level} − {against}"),
        None if term == "age" => "percentage points per year".to_owned(),
        None => format!("percentage points per unit of {term}"),
    }
}
