//! The test epochs of one rule with the covariates of their recordings, cut into groups.

use std::collections::{BTreeMap, BTreeSet};

use flow_contract::{NodeError, Params, Value};
use flow_stats::design::{Column, Design, DesignError, Values, design_of};
use flow_stats::formula::Formula;
use flow_stats::ols::Factorisation;

use super::model::{Fitted, Group, Model};
use crate::shares::modalities_of;
use crate::table::Table;

/// Columns and the reference levels that they have in a sleep study.
pub const USUAL: [(&str, &str); 2] = [("medication", "placebo"), ("sex", "female")];

/// Every test epoch with its covariates.
pub struct Rows {
    rule: String,
    /// The classes of the columns `true` and `predicted`, in order.
    pub classes: Vec<String>,
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

/// A table and what it is called in messages.
#[derive(Clone, Copy)]
pub struct Named<'a>(pub &'a str, pub &'a Table);

impl Rows {
    /// Joins the shares by one rule with the recordings they come from.
    ///
    /// # Errors
    /// An epoch of an unknown recording; a column that the formula needs and the recordings lack. Each names
    /// the table that is to be mended.
    pub fn new(
        rule: String,
        Named(shares_name, shares): Named<'_>,
        Named(recordings_name, recordings): Named<'_>,
        params: &Params,
    ) -> Result<Self, NodeError> {
        let formula = Formula::parse(params.text("formula")).map_err(NodeError::new)?;
        let names = recordings.texts("recording");
        let row_of = rows_by_name(&names.map_err(|error| error.at(recordings_name))?);
        let in_shares = |error: NodeError| error.at(shares_name);
        let at = recordings_of(shares, &row_of).map_err(in_shares)?;
        let (design, references) = covariates(&formula, recordings, &at, params)
            .map_err(|error| error.at(recordings_name))?;
        let modalities = modalities_of(shares);
        Ok(Self {
            rule,
            classes: shares.classes().map_err(in_shares)?,
            truth: shares.texts("true").map_err(in_shares)?,
            predicted: shares.texts("predicted").map_err(in_shares)?,
            subject: numbers_of(&shares.texts("subject").map_err(in_shares)?),
            shares: modalities
                .iter()
                .map(|m| shares.floats(&format!("share_{m}")).map_err(in_shares))
                .collect::<Result<_, _>>()?,
            modalities,
            design,
            references,
        })
    }

    /// The models of every wanted group and modality, those that can't be fitted with the reason.
    pub fn models(&self, params: &Params) -> Vec<Model> {
        let wanted = |truth: &str, predicted: &str| match params.text("groups") {
            "correct" => truth == predicted,
            "wrong" => truth != predicted,
            _ => true,
        };
        let mut models = Vec::new();
        for truth in &self.classes {
            for predicted in &self.classes {
                if wanted(truth, predicted) {
                    models.extend(self.models_of(truth, predicted, params));
                }
            }
        }
        models
    }

    fn models_of(&self, truth: &str, predicted: &str, params: &Params) -> Vec<Model> {
        let group: Vec<usize> = (0..self.truth.len())
            .filter(|&row| self.truth[row] == truth && self.predicted[row] == predicted)
            .collect();
        let model = |modality: usize| {
            let share = &self.shares[modality];
            let rows: Vec<usize> = group
                .iter()
                .copied()
                .filter(|&row| share[row].is_some())
                .collect();
            let subjects: BTreeSet<u32> = rows.iter().map(|&row| self.subject[row]).collect();
            Model {
                group: Group {
                    rule: self.rule.clone(),
                    truth: truth.to_owned(),
                    predicted: predicted.to_owned(),
                    modality: self.modalities[modality].clone(),
                    epochs: rows.len() as i64,
                    subjects: subjects.len() as i64,
                },
                terms: self.design.names().to_vec(),
                against: self.references_of_terms(),
                fitted: self.fit(&rows, modality, params.float("confidence")),
            }
        };
        (0..self.modalities.len()).map(model).collect()
    }

    /// The level a term is compared with; empty for numbers, the intercept and interactions.
    fn references_of_terms(&self) -> Vec<String> {
        let reference = |name: &String| {
            let category = name.split_once('[').map(|(category, _)| category);
            self.references
                .get(category.unwrap_or_default())
                .filter(|_| !name.contains(':'))
                .cloned()
                .unwrap_or_default()
        };
        self.design.names().iter().map(reference).collect()
    }

    /// The fit, or in words why the group is too small or its design says the same thing twice.
    fn fit(&self, rows: &[usize], modality: usize, confidence: f64) -> Result<Fitted, String> {
        let column = |index: usize| -> Vec<f64> {
            let values = self.design.column(index);
            rows.iter().map(|&row| values[row]).collect()
        };
        let names = self.design.names().iter().cloned().enumerate();
        let columns = names.map(|(index, name)| (name, column(index))).collect();
        let design = Design::new(columns).map_err(|error| error.to_string())?;
        let factorised = Factorisation::new(design).map_err(|error| error.to_string())?;
        let share = |row: &usize| self.shares[modality][*row];
        let y: Vec<f64> = rows.iter().filter_map(share).collect();
        let subjects: Vec<u32> = rows.iter().map(|&row| self.subject[row]).collect();
        Fitted::new(&factorised, &y, &subjects, confidence)
    }
}

/// The row of `row_of` that each epoch's recording has.
fn recordings_of(
    shares: &Table,
    row_of: &BTreeMap<String, usize>,
) -> Result<Vec<usize>, NodeError> {
    let find = |name: &String| {
        row_of.get(name).copied().ok_or_else(|| {
            let what = format!("recording `{name}` is not in the table of recordings");
            NodeError::new(what)
        })
    };
    shares.texts("recording")?.iter().map(find).collect()
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
                    // The usual references are those of a sleep study; other data may lack them.
                    let meant =
                        |one: &&str| labels.contains(one) || !USUAL.contains(&(*name, *one));
                    Values::Labels {
                        labels,
                        reference: reference.filter(meant),
                    }
                }
            };
            Column { name, values }
        })
        .collect();
    let coded = design_of(formula, &columns, at.len())
        .map_err(|error| NodeError::new(&error).help(mend(&error)))?;
    let references = coded
        .references
        .into_iter()
        .map(|one| (one.column, one.level));
    Ok((coded.design, references.collect()))
}

/// How to mend what makes a design impossible.
fn mend(error: &DesignError) -> String {
    match error {
        DesignError::OneLevel { column, .. } => {
            format!("leave `{column}` out of the formula: nothing differs in it")
        }
        DesignError::NoSuchReference { column, levels, .. } => {
            format!("the levels of `{column}` are {}", levels.join(", "))
        }
        DesignError::NotMarginal { missing, .. } => format!("add `+ {missing}` to the formula"),
        _ => "the formula's columns are those of the table of recordings".to_owned(),
    }
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
            let help = format!("write it there, or leave `{name}` out of the formula");
            return Err(NodeError::new(what).help(help));
        }
        let numbers: Option<Vec<f64>> = cells.iter().map(Value::as_float).collect();
        Ok(match numbers {
            Some(numbers) => Self::Numbers(at.iter().map(|&row| numbers[row]).collect()),
            None => {
                stray(name, &cells).map_or(Ok(()), Err)?;
                Self::Labels(at.iter().map(|&row| cells[row].to_string()).collect())
            }
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

/// The complaint about a text among numbers: taken as a category, each number would become a level of its own.
fn stray(name: &str, cells: &[Value]) -> Option<NodeError> {
    let is_number = |cell: &&Value| cell.to_string().trim().parse::<f64>().is_ok();
    let row = cells.iter().position(|cell| !is_number(&cell))?;
    // Levels such as `1`, `2a`, `2b` have fewer numbers than others.
    if cells.iter().filter(is_number).count() * 2 < cells.len() {
        return None;
    }
    let what = format!(
        "column `{name}` of the recordings has numbers, and `{}` in row {}",
        cells[row],
        row + 1
    );
    let help = "write a number there; if the column is a category, write its levels so that they don't read as numbers";
    Some(
        NodeError::new(what)
            .because("as a category, each number would be a level of its own")
            .help(help),
    )
}
