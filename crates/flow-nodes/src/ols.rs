//! `ols`: what age, sex and medication do to the shares, group by group.

mod model;
mod rows;

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Form, Input, InputPort, Kind, Literal, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_stats::formula::Formula;
use flow_stats::multiplicity::{benjamini_hochberg, benjamini_yekutieli};

use crate::recordings::RECORDINGS_PORT;
use crate::shares::LOCAL_SHARES;
use crate::table::Table;
pub use model::Errors;
use model::{Adjustment, ERRORS, Model};
use rows::{Named, Rows, USUAL};

/// Coefficients of every model, with adjusted p-values.
pub const COEFFICIENTS: PortType = PortType::new("coefficients", Form::Table);

/// See the module's page.
pub struct Ols;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "ols",
    revision: 3,
    summary: "Regresses the share of each modality on covariates within each group, with FDR.",
    example: r#"[node.effects]
kind = "ols"
shares = { file = "local shares.parquet" }
recordings = { file = "recordings.parquet" }    # with the formula's columns
formula = "share ~ age + sex + medication"
reference = { sex = "female", medication = "placebo" }
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("shares"),
            ty: LOCAL_SHARES,
            arity: Arity::Many,
            doc: "Shares of every test epoch, one artifact a rule.",
        },
        RECORDINGS_PORT,
    ],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("coefficients"),
            ty: COEFFICIENTS,
            doc: "rule, true, predicted, modality, term, against (the reference level), estimate [percentage points], std_err, t, p, low, high, q; the same as hc3_…, as cluster_… (robust by subject) and as jackknife_… (leaving out one subject at a time, with Satterthwaite's degrees of freedom, for few subjects); family, epochs, subjects, r_squared, note.",
        },
        OutputPort {
            name: Cow::Borrowed("models"),
            ty: PortType::new("models", Form::Table),
            doc: "One row a rule, group and modality: epochs, subjects, fitted, r_squared, adjusted_r_squared, residual_variance, df_residual, f, f_p, and in note why it could not be fitted.",
        },
    ],
    params: &[
        ParamSpec {
            name: "formula",
            ty: ParamType::Text,
            default: Some(Literal::Text("share ~ age + sex + medication")),
            unit: "",
            doc: "The model; its columns are those of the recordings.",
        },
        ParamSpec {
            name: "reference",
            ty: ParamType::Map(&ParamType::Text),
            default: Some(Literal::Map(&[
                (USUAL[0].0, Literal::Text(USUAL[0].1)),
                (USUAL[1].0, Literal::Text(USUAL[1].1)),
            ])),
            unit: "",
            doc: "The level each category's others are compared with; the first by name where none is written.",
        },
        ParamSpec {
            name: "groups",
            ty: ParamType::Choice(&["correct", "wrong", "all"]),
            default: Some(Literal::Text("correct")),
            unit: "",
            doc: "Groups classified right, as the paper, those classified wrong, or both.",
        },
        ParamSpec {
            name: "adjust",
            ty: ParamType::Choice(&["bh", "by"]),
            default: Some(Literal::Text("bh")),
            unit: "",
            doc: "Benjamini–Hochberg, or Benjamini–Yekutieli, which holds under any dependence.",
        },
        ParamSpec {
            name: "family",
            ty: ParamType::Choice(&["rule", "all"]),
            default: Some(Literal::Text("rule")),
            unit: "",
            doc: "What is adjusted together: the slopes of each rule, as the paper, or of all rules that the node gets.",
        },
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "What the column `rule` says, where the shares don't say it themselves.",
        },
        ParamSpec {
            name: "confidence",
            ty: ParamType::Float {
                min: 0.5,
                max: 0.9999,
            },
            default: Some(Literal::Float(0.95)),
            unit: "",
            doc: "Level of the intervals.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Ols {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        let problem = |what: String| {
            Err(ParamProblem {
                param: name.to_owned(),
                what,
                help: "write `share ~` and the columns of the recordings, as in `share ~ age + sex + medication`".to_owned(),
            })
        };
        let text = value.as_text().filter(|_| name == "formula");
        match text.map(Formula::parse) {
            None => Ok(()),
            Some(Ok(formula)) if formula.response() == "share" => Ok(()),
            Some(Ok(formula)) => problem(format!(
                "the response is `{}`, but this node models `share`",
                formula.response()
            )),
            Some(Err(error)) => problem(error.to_string()),
        }
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (coefficients, models) = {
            let input = task.input("recordings")?;
            let read = |input: &Input| Table::read(&input.content).map_err(|e| e.at(&input.name));
            let recordings = read(input)?;
            let recordings = Named(&input.name, &recordings);
            let mut models = Vec::new();
            for input in task.inputs("shares") {
                let rule = input.labels.get("rule").map(ToString::to_string);
                let rule = rule.unwrap_or_else(|| task.params.text("rule").to_owned());
                let shares = read(input)?;
                let shares = Named(&input.name, &shares);
                let rows = Rows::new(rule, shares, recordings, task.params)?;
                models.extend(rows.models(task.params));
            }
            let adjusted = adjust(&models, task.params)?;
            (
                model::coefficients(&models, &adjusted)?,
                model::summaries(&models)?,
            )
        };
        task.give("coefficients", coefficients);
        task.give("models", models);
        Ok(())
    }
}

/// Adjusts the p-values of all slopes of a family at once, each kind of errors apart.
fn adjust(models: &[Model], params: &Params) -> Result<Adjustment, NodeError> {
    let by_rule = params.text("family") == "rule";
    let mut adjusted = Adjustment {
        q: [(); ERRORS.len()].map(|()| vec![Vec::new(); models.len()]),
        family: vec![String::new(); models.len()],
    };
    // Models come rule by rule, so a family is a run of them.
    let mut start = 0;
    for run in models.chunk_by(|a, b| !by_rule || a.group.rule == b.group.rule) {
        for errors in 0..adjusted.q.len() {
            let (values, tests) = adjusted_family(run, errors, params.text("adjust"))?;
            adjusted.q[errors][start..start + run.len()].clone_from_slice(&values);
            if errors == 0 {
                let method = params.text("adjust").to_uppercase();
                let words = format!("{method} over {tests} slopes");
                adjusted.family[start..start + run.len()].fill(words);
            }
        }
        start += run.len();
    }
    Ok(adjusted)
}

/// A value of each term of each model, `[model][term]`; none for intercepts and models without a fit.
type ByTerm = Vec<Vec<Option<f64>>>;

/// Adjusted p-values, and how many tests the family has.
fn adjusted_family(
    models: &[Model],
    errors: usize,
    method: &str,
) -> Result<(ByTerm, usize), NodeError> {
    let p: Vec<Option<f64>> = models
        .iter()
        .flat_map(|model| (0..model.terms.len()).map(move |term| model.p(errors, term)))
        .collect();
    let adjusted = match method {
        "by" => benjamini_yekutieli(&p),
        _ => benjamini_hochberg(&p),
    }
    .map_err(NodeError::new)?;
    let mut values = adjusted.values.into_iter();
    let of_model = |model: &Model| values.by_ref().take(model.terms.len()).collect();
    Ok((models.iter().map(of_model).collect(), adjusted.family))
}
