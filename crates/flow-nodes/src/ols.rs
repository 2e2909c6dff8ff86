//! `ols`: what age, sex and medication do to the shares, group by group.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_stats::design::{Column, Design, INTERCEPT, Values, design_of};
use flow_stats::formula::Formula;
use flow_stats::multiplicity::{Adjusted, benjamini_hochberg, benjamini_yekutieli};
use flow_stats::ols::{Factorisation, Fit, FitOptions, Inference};

use crate::recordings::{CLASSES, RECORDINGS_PORT};
use crate::shares::LOCAL_SHARES;
use crate::table::{Table, TableBuilder};

/// Coefficients of every model, with adjusted p-values.
pub const COEFFICIENTS: PortType = PortType::new("coefficients", Form::Table);

/// See the module's page.
pub struct Ols;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "ols",
    revision: 1,
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
            arity: Arity::One,
            doc: "Shares of every test epoch by one rule.",
        },
        RECORDINGS_PORT,
    ],
    outputs: &[OutputPort {
        name: Cow::Borrowed("coefficients"),
        ty: COEFFICIENTS,
        doc: "true, predicted, modality, term, against (the reference level), estimate [percentage points], std_err, t, p, low, high, q; the same cluster-robust by subject; epochs, subjects, r_squared, note.",
    }],
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
                ("medication", Literal::Text("placebo")),
                ("sex", Literal::Text("female")),
            ])),
            unit: "",
            doc: "The level each category's others are compared with.",
        },
        ParamSpec {
            name: "groups",
            ty: ParamType::Choice(&["correct", "all"]),
            default: Some(Literal::Text("correct")),
            unit: "",
            doc: "Only groups classified right, as the paper, or the wrong ones too.",
        },
        ParamSpec {
            name: "adjust",
            ty: ParamType::Choice(&["bh", "by"]),
            default: Some(Literal::Text("bh")),
            unit: "",
            doc: "Benjamini–Hochberg or Benjamini–Yekutieli over all slopes of this node.",
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
        let table = {
            let shares = Table::read(&task.input("shares")?.content)?;
            let recordings = Table::read(&task.input("recordings")?.content)?;
            let study = Rows::new(&shares, &recordings, task.params)?;
            let mut models = study.models(task.params)?;
            adjust(&mut models, task.params.text("adjust"))?;
            table(&models)?
        };
        task.give("coefficients", table);
        Ok(())
    }
}

/// Every test epoch with its covariates.
struct Rows {
    truth: Vec<String>,
    predicted: Vec<String>,
    subject: Vec<u32>,
    modalities: Vec<String>,
    /// `[modality][row]`.
    shares: Vec<Vec<Option<f64>>>,
    design: Design,
    /// The level each category's others are compared with, by category.
    references: BTreeMap<String, String>,
}

impl Rows {
    fn new(shares: &Table, recordings: &Table, params: &Params) -> Result<Self, NodeError> {
        let formula = Formula::parse(params.text("formula")).map_err(NodeError::new)?;
        let recording = shares.texts("recording")?;
        let row_of = rows_by_name(&recordings.texts("recording")?);
        let at: Vec<usize> = recording
            .iter()
            .map(|name| {
                row_of.get(name).copied().ok_or_else(|| {
                    NodeError::new(format!(
                        "recording `{name}` is not in the table of recordings"
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        let modalities: Vec<String> = shares
            .names()
            .iter()
            .filter_map(|name| name.strip_prefix("share_"))
            .map(str::to_owned)
            .collect();
        let (design, references) = covariates(&formula, recordings, &at, params)?;
        Ok(Self {
            truth: shares.texts("true")?,
            predicted: shares.texts("predicted")?,
            subject: numbers_of(&shares.texts("subject")?),
            shares: modalities
                .iter()
                .map(|m| shares.floats(&format!("share_{m}")))
                .collect::<Result<_, _>>()?,
            modalities,
            design,
            references,
        })
    }

    fn models(&self, params: &Params) -> Result<Vec<Model>, NodeError> {
        let all = params.text("groups") == "all";
        let mut models = Vec::new();
        for truth in CLASSES {
            for predicted in CLASSES
                .iter()
                .filter(|predicted| all || **predicted == truth)
            {
                for modality in 0..self.modalities.len() {
                    models.push(self.model(truth, predicted, modality, params)?);
                }
            }
        }
        Ok(models)
    }

    fn model(
        &self,
        truth: &str,
        predicted: &str,
        modality: usize,
        params: &Params,
    ) -> Result<Model, NodeError> {
        let chosen: Vec<usize> = (0..self.truth.len())
            .filter(|&row| self.truth[row] == truth && self.predicted[row] == predicted)
            .filter(|&row| self.shares[modality][row].is_some())
            .collect();
        let subject: Vec<u32> = chosen.iter().map(|&row| self.subject[row]).collect();
        let mut distinct = subject.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let fit = self.fit(&chosen, modality, &subject, params.float("confidence"));
        Ok(Model {
            truth: truth.to_owned(),
            predicted: predicted.to_owned(),
            modality: self.modalities[modality].clone(),
            references: self.references_of_terms(),
            names: self.design.names().to_vec(),
            epochs: chosen.len() as i64,
            subjects: distinct.len() as i64,
            fit,
            q: Vec::new(),
            cluster_q: Vec::new(),
        })
    }

    /// The level a term is compared with; empty for numbers, the intercept and interactions.
    fn references_of_terms(&self) -> Vec<String> {
        let reference = |name: &String| {
            let category = name
                .split_once('[')
                .map(|(category, _)| category)
                .unwrap_or_default();
            self.references
                .get(category)
                .filter(|_| !name.contains(':'))
                .cloned()
                .unwrap_or_default()
        };
        self.design.names().iter().map(reference).collect()
    }

    /// The fit, or in words why the group is too small or its design says the same thing twice.
    fn fit(
        &self,
        chosen: &[usize],
        modality: usize,
        subject: &[u32],
        confidence: f64,
    ) -> Result<Fit, String> {
        let column = |index: usize| -> Vec<f64> {
            let values = self.design.column(index);
            chosen.iter().map(|&row| values[row]).collect()
        };
        let names = self.design.names().iter().cloned().enumerate();
        let columns = names.map(|(index, name)| (name, column(index))).collect();
        let design = Design::new(columns).map_err(|error| error.to_string())?;
        let factorised = Factorisation::new(design).map_err(|error| error.to_string())?;
        let y: Vec<f64> = chosen
            .iter()
            .filter_map(|&row| self.shares[modality][row])
            .collect();
        let options = FitOptions {
            confidence,
            hc3: false,
            clusters: Some(subject),
        };
        let alone = FitOptions {
            clusters: None,
            ..options
        };
        // Fewer than two subjects have no cluster-robust errors; the classical ones still stand.
        factorised
            .fit(&y, &options)
            .or_else(|_| factorised.fit(&y, &alone))
            .map_err(|error| error.to_string())
    }
}

fn rows_by_name(names: &[String]) -> BTreeMap<String, usize> {
    names.iter().cloned().zip(0..).collect()
}

/// Each distinct text as a number, in order of appearance.
fn numbers_of(texts: &[String]) -> Vec<u32> {
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    texts
        .iter()
        .map(|text| {
            let next = known.len() as u32;
            *known.entry(text).or_insert(next)
        })
        .collect()
}

/// The design of all rows: columns of the recordings, repeated for each of their epochs.
fn covariates(
    formula: &Formula,
    recordings: &Table,
    at: &[usize],
    params: &Params,
) -> Result<(Design, BTreeMap<String, String>), NodeError> {
    let covariates = formula
        .columns()
        .into_iter()
        .map(|name| Ok((name, Covariate::read(recordings, name, at)?)))
        .collect::<Result<Vec<_>, NodeError>>()?;
    let labels: Vec<Vec<&str>> = covariates.iter().map(|(_, one)| one.labels()).collect();
    let reference = params.value("reference").as_map();
    let columns: Vec<Column<'_>> = covariates
        .iter()
        .zip(&labels)
        .map(|((name, covariate), labels)| {
            let values = match covariate {
                Covariate::Numbers(numbers) => Values::Numbers(numbers),
                Covariate::Labels(_) => {
                    let reference = reference
                        .and_then(|map| map.get(*name))
                        .and_then(Value::as_text);
                    // A reference that none of these recordings has would leave nothing to compare with.
                    Values::Labels {
                        labels,
                        reference: reference.filter(|one| labels.contains(one)),
                    }
                }
            };
            Column { name, values }
        })
        .collect();
    let coded = design_of(formula, &columns, at.len()).map_err(|error| {
        NodeError::new(error).help("the formula's columns are those of the table of recordings")
    })?;
    let references = coded
        .references
        .into_iter()
        .map(|one| (one.column, one.level));
    Ok((coded.design, references.collect()))
}

/// A column of the recordings, repeated for each of their epochs.
enum Covariate {
    Numbers(Vec<f64>),
    Labels(Vec<String>),
}

impl Covariate {
    fn read(recordings: &Table, name: &str, at: &[usize]) -> Result<Self, NodeError> {
        let cells = recordings.values(name)?;
        if let Some(row) = cells.iter().position(|cell| *cell == Value::Null) {
            let what = format!(
                "column `{name}` of the recordings is empty in row {}",
                row + 1
            );
            return Err(NodeError::new(what));
        }
        let numbers: Option<Vec<f64>> = cells.iter().map(Value::as_float).collect();
        Ok(match numbers {
            Some(numbers) => Self::Numbers(at.iter().map(|&row| numbers[row]).collect()),
            None => Self::Labels(at.iter().map(|&row| cells[row].to_string()).collect()),
        })
    }

    /// The labels, borrowed; none for numbers.
    fn labels(&self) -> Vec<&str> {
        match self {
            Self::Numbers(_) => Vec::new(),
            Self::Labels(labels) => labels.iter().map(String::as_str).collect(),
        }
    }
}

/// One group and modality.
struct Model {
    truth: String,
    predicted: String,
    modality: String,
    names: Vec<String>,
    references: Vec<String>,
    epochs: i64,
    subjects: i64,
    fit: Result<Fit, String>,
    q: Vec<Option<f64>>,
    cluster_q: Vec<Option<f64>>,
}

/// Adjusts the p-values of all slopes as one family, the classical and the clustered ones apart.
fn adjust(models: &mut [Model], method: &str) -> Result<(), NodeError> {
    type Get = fn(&Fit) -> Option<&Inference>;
    let gets: [Get; 2] = [|fit| Some(&fit.classical), |fit| fit.clustered.as_ref()];
    for (which, get) in gets.into_iter().enumerate() {
        let p = |model: &Model, index: usize| {
            let inference = model.fit.as_ref().ok().and_then(get)?;
            (model.names[index] != INTERCEPT).then(|| inference.p[index])
        };
        let family: Vec<Option<f64>> = models
            .iter()
            .flat_map(|model| (0..model.names.len()).map(move |index| p(model, index)))
            .collect();
        let adjusted: Adjusted = match method {
            "by" => benjamini_yekutieli(&family),
            _ => benjamini_hochberg(&family),
        }
        .map_err(NodeError::new)?;
        let mut values = adjusted.values.into_iter();
        for model in models.iter_mut() {
            let mine = values.by_ref().take(model.names.len()).collect();
            *(if which == 0 {
                &mut model.q
            } else {
                &mut model.cluster_q
            }) = mine;
        }
    }
    Ok(())
}

fn table(models: &[Model]) -> Result<Vec<u8>, NodeError> {
    let rows = || {
        models
            .iter()
            .flat_map(|model| (0..model.names.len()).map(move |index| (model, index)))
    };
    let text = |of: fn(&Model) -> &String| -> Vec<String> {
        rows().map(|(model, _)| of(model).clone()).collect()
    };
    let number = |of: &dyn Fn(&Fit, usize) -> Option<f64>| -> Vec<Option<f64>> {
        rows()
            .map(|(model, index)| of(model.fit.as_ref().ok()?, index))
            .collect()
    };
    let clustered = |of: fn(&Inference) -> &Vec<f64>| {
        number(&|fit, index| fit.clustered.as_ref().map(|one| of(one)[index]))
    };
    let terms: Vec<String> = rows()
        .map(|(model, index)| model.names[index].clone())
        .collect();
    let notes: Vec<String> = rows()
        .map(|(model, _)| model.fit.as_ref().err().cloned().unwrap_or_default())
        .collect();
    TableBuilder::new()
        .text("true", &text(|model| &model.truth))
        .text("predicted", &text(|model| &model.predicted))
        .text("modality", &text(|model| &model.modality))
        .text("term", &terms)
        .text(
            "against",
            &rows()
                .map(|(model, index)| model.references[index].clone())
                .collect::<Vec<_>>(),
        )
        .maybe(
            "estimate",
            &number(&|fit, index| Some(fit.coefficients[index])),
        )
        .maybe(
            "std_err",
            &number(&|fit, index| Some(fit.classical.std_err[index])),
        )
        .maybe("t", &number(&|fit, index| Some(fit.classical.t[index])))
        .maybe("p", &number(&|fit, index| Some(fit.classical.p[index])))
        .maybe("low", &number(&|fit, index| Some(fit.classical.low[index])))
        .maybe(
            "high",
            &number(&|fit, index| Some(fit.classical.high[index])),
        )
        .maybe(
            "q",
            &rows()
                .map(|(model, index)| model.q[index])
                .collect::<Vec<_>>(),
        )
        .maybe("cluster_std_err", &clustered(|one| &one.std_err))
        .maybe("cluster_t", &clustered(|one| &one.t))
        .maybe("cluster_p", &clustered(|one| &one.p))
        .maybe(
            "cluster_q",
            &rows()
                .map(|(model, index)| model.cluster_q[index])
                .collect::<Vec<_>>(),
        )
        .int(
            "epochs",
            &rows().map(|(model, _)| model.epochs).collect::<Vec<_>>(),
        )
        .int(
            "subjects",
            &rows().map(|(model, _)| model.subjects).collect::<Vec<_>>(),
        )
        .maybe("r_squared", &number(&|fit, _| Some(fit.r_squared)))
        .text("note", &notes)
        .parquet()
}
