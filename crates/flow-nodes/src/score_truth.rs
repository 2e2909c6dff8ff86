//! `score-truth`: what was planted against what the study found.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec, ParamType,
    PortType, Task,
};

use crate::figures::{distinct, label};
use crate::ols::{COEFFICIENTS, Errors};
use crate::shares::{LOCAL_SHARES, modalities_of};
use crate::table::{Table, TableBuilder};

/// See the module's page.
pub struct ScoreTruth;

/// Planted weights this close to the largest count as largest too.
const TIE: f64 = 0.05;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "score-truth",
    revision: 4,
    summary: "Holds what a study found against what its simulator planted, claim by claim.",
    example: r#"
[node.verdict]
kind = "score-truth"
truth = { files = "truth/*.parquet" }           # of `simulate-night` or `simulate-arrays`
shares = { file = "local shares.parquet" }
coefficients = { file = "effects.parquet" }
terms = { temazepam = "medication[temazepam]", age_per_decade = "age", female = "-sex[male]" }
publish = { table = "tables/truth.csv" }
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("truth"),
            ty: PortType::new("truth", Form::Table),
            arity: Arity::Many,
            doc: "What was planted, one artifact a recording: name and value.",
        },
        InputPort {
            name: Cow::Borrowed("shares"),
            ty: LOCAL_SHARES,
            arity: Arity::Many,
            doc: "Shares of every test epoch, one artifact a rule.",
        },
        InputPort {
            name: Cow::Borrowed("coefficients"),
            ty: COEFFICIENTS,
            arity: Arity::Many,
            doc: "Slopes of the covariates, of the same rules.",
        },
    ],
    outputs: &[OutputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("verdicts", Form::Table),
        doc: "rule, claim, expected, found, holds (the sign is right; of a null claim, that no q is below alpha), p (of a null claim the smallest q), significant (of planted effects: p below alpha).",
    }],
    params: &[
        ParamSpec {
            name: "terms",
            ty: ParamType::Map(&ParamType::Text),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "For each planted covariate the model's term; `-` before it where it counts the other way.",
        },
        ParamSpec {
            name: "alpha",
            ty: ParamType::Float { min: 0.0, max: 1.0 },
            default: Some(Literal::Float(0.05)),
            unit: "",
            doc: "A planted effect is significant if its p is below, a null one stays null if no q is.",
        },
        ParamSpec {
            name: "errors",
            ty: ParamType::Choice(&["classical", "hc3", "clustered", "jackknife"]),
            default: Some(Literal::Text("jackknife")),
            unit: "",
            doc: "Which p and q: those by leaving out one subject at a time hold for few subjects.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for ScoreTruth {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = {
            let planted = Planted::read(task)?;
            let mut verdicts = Verdicts::default();
            for input in task.inputs("shares") {
                let shares = Table::read(&input.content)?;
                planted.judge_classes(&label(input, "rule"), &shares, &mut verdicts)?;
            }
            for input in task.inputs("coefficients") {
                let errors = Errors::named(task.params.text("errors"));
                let slopes = Slopes::read(&Table::read(&input.content)?, errors)?;
                for (covariate, term) in task.params.value("terms").as_map().into_iter().flatten() {
                    let term = term.as_text().unwrap_or_default();
                    let alpha = task.params.float("alpha");
                    planted.judge_effect(covariate, term, &slopes, alpha, &mut verdicts)?;
                }
            }
            verdicts.table()?
        };
        task.give("table", table);
        Ok(())
    }
}

/// What was planted, averaged over the recordings.
struct Planted(BTreeMap<String, f64>);

impl Planted {
    fn read(task: &Task<'_>) -> Result<Self, NodeError> {
        let inputs = task.inputs("truth");
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for input in inputs {
            let table = Table::read(&input.content).map_err(|error| error.at(&input.name))?;
            for (name, value) in table.texts("name")?.into_iter().zip(table.floats("value")?) {
                *sums.entry(name).or_default() += value.unwrap_or_default() / inputs.len() as f64;
            }
        }
        Ok(Self(sums))
    }

    /// How distinct a class was planted in a modality.
    fn weight(&self, class: &str, modality: &str) -> Option<f64> {
        let name = |modality: &str| format!("weight.{class}.{modality}");
        let planted = self.0.get(&name(modality));
        planted
            .or_else(|| self.0.get(&name(&modality.to_lowercase())))
            .copied()
    }

    /// The modalities that carry a class most, by their planted weights; none if it has no weights.
    fn carriers(&self, class: &str, modalities: &[String]) -> Vec<String> {
        let weight = |modality: &String| self.weight(class, modality);
        let weights: Vec<Option<f64>> = modalities.iter().map(weight).collect();
        let largest = weights.iter().flatten().copied().fold(0.0, f64::max);
        let carries = |(modality, weight): (&String, Option<f64>)| {
            weight
                .filter(|weight| *weight > 0.0 && *weight >= largest - TIE)
                .map(|_| modality.clone())
        };
        modalities.iter().zip(weights).filter_map(carries).collect()
    }

    /// For each class: the modality that carries it has the largest mean share of the epochs
    /// classified right, subjects counting alike.
    fn judge_classes(
        &self,
        rule: &str,
        shares: &Table,
        verdicts: &mut Verdicts,
    ) -> Result<(), NodeError> {
        let modalities = modalities_of(shares);
        for class in shares.classes()? {
            let carriers = self.carriers(&class, &modalities);
            if carriers.is_empty() {
                continue;
            }
            let means = mean_shares(shares, &class, &modalities)?;
            let parts = modalities
                .iter()
                .zip(&means)
                .map(|(modality, mean)| format!("{modality} {mean:.0} %"));
            let largest = (0..means.len()).max_by(|a, b| means[*a].total_cmp(&means[*b]));
            verdicts.add(Verdict {
                rule: rule.to_owned(),
                claim: format!("the largest share of {class}"),
                expected: carriers.join(" or "),
                found: if means.is_empty() {
                    "no epoch classified right".to_owned()
                } else {
                    parts.collect::<Vec<_>>().join(", ")
                },
                p: None,
                holds: largest.is_some_and(|at| carriers.contains(&modalities[at])),
                significant: None,
            });
        }
        Ok(())
    }

    /// What a covariate adds to the weight of a modality in a class, 0 for nothing.
    fn contrast(&self, covariate: &str, class: &str, modality: &str) -> f64 {
        let modality = modality.to_lowercase();
        let name = format!("effect.{covariate}.contrast.{class}.{modality}");
        self.0.get(&name).copied().unwrap_or_default()
    }

    fn is_null(&self, covariate: &str) -> bool {
        let prefix = format!("effect.{covariate}.");
        self.0
            .iter()
            .all(|(name, value)| !name.starts_with(&prefix) || *value == 0.0)
    }

    /// A planted contrast moves the share of its modality with its own sign, in each class it is planted in.
    /// Nothing is claimed of the other shares, which move too: those of a class sum to 100, and z-scores are of
    /// whole recordings. A covariate that nothing is planted for has no significant slope.
    fn judge_effect(
        &self,
        covariate: &str,
        term: &str,
        slopes: &Slopes,
        alpha: f64,
        verdicts: &mut Verdicts,
    ) -> Result<(), NodeError> {
        let (turned, term) = match term.strip_prefix('-') {
            Some(term) => (-1.0, term),
            None => (1.0, term),
        };
        if !slopes.term.iter().any(|one| one == term) {
            return Err(
                NodeError::new(format!("the model has no term `{term}`")).help(format!(
                    "its terms are {}",
                    distinct(&slopes.term).join(", ")
                )),
            );
        }
        if self.is_null(covariate) {
            verdicts.extend(slopes.null_verdicts(covariate, term, alpha));
            return Ok(());
        }
        for row in (0..slopes.term.len())
            .filter(|&row| slopes.term[row] == term && slopes.truth[row] == slopes.predicted[row])
        {
            let (class, modality) = (&slopes.truth[row], &slopes.modality[row]);
            let contrast = self.contrast(covariate, class, modality);
            if contrast == 0.0 {
                continue;
            }
            let slope = slopes.estimate[row].map(|slope| slope * turned);
            let p = slopes.p[row];
            verdicts.add(Verdict {
                rule: slopes.rule[row].clone(),
                claim: format!("{covariate} on the {modality} share of {class}"),
                expected: if contrast > 0.0 { "higher" } else { "lower" }.to_owned(),
                found: slope.map_or("no model".to_owned(), |slope| format!("{slope:+.2} points")),
                p,
                holds: slope.is_some_and(|slope| slope * contrast > 0.0),
                significant: Some(p.is_some_and(|p| p < alpha)),
            });
        }
        Ok(())
    }
}

/// The mean share of each modality over subjects' means, of epochs of a class classified as it.
fn mean_shares(shares: &Table, class: &str, modalities: &[String]) -> Result<Vec<f64>, NodeError> {
    let (truth, predicted, subject) = (
        shares.texts("true")?,
        shares.texts("predicted")?,
        shares.texts("subject")?,
    );
    let mut means = Vec::new();
    for modality in modalities {
        let share = shares.floats(&format!("share_{modality}"))?;
        let mut of_subject: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for row in (0..share.len()).filter(|&row| truth[row] == class && predicted[row] == class) {
            if let Some(share) = share[row] {
                let (sum, count) = of_subject.entry(&subject[row]).or_default();
                *sum += share;
                *count += 1.0;
            }
        }
        if of_subject.is_empty() {
            return Ok(Vec::new());
        }
        means.push(
            of_subject
                .values()
                .map(|(sum, count)| sum / count)
                .sum::<f64>()
                / of_subject.len() as f64,
        );
    }
    Ok(means)
}

/// The table of coefficients, column by column.
struct Slopes {
    rule: Vec<String>,
    truth: Vec<String>,
    predicted: Vec<String>,
    modality: Vec<String>,
    term: Vec<String>,
    estimate: Vec<Option<f64>>,
    p: Vec<Option<f64>>,
    q: Vec<Option<f64>>,
}

impl Slopes {
    fn read(table: &Table, errors: &Errors) -> Result<Self, NodeError> {
        Ok(Self {
            rule: table.texts("rule")?,
            truth: table.texts("true")?,
            predicted: table.texts("predicted")?,
            modality: table.texts("modality")?,
            term: table.texts("term")?,
            estimate: table.floats("estimate")?,
            p: table.floats(&errors.column("p"))?,
            q: table.floats(&errors.column("q"))?,
        })
    }

    /// One verdict a rule: the smallest q of the term's slopes is not below α.
    fn null_verdicts(&self, covariate: &str, term: &str, alpha: f64) -> Vec<Verdict> {
        let verdict = |rule: String| {
            let mine = (0..self.term.len())
                .filter(|&row| self.rule[row] == rule && self.term[row] == term);
            let tested: Vec<f64> = mine.filter_map(|row| self.q[row]).collect();
            let significant = tested.iter().filter(|q| **q < alpha).count();
            Verdict {
                rule,
                claim: format!("{covariate} changes no share"),
                expected: "none significant".to_owned(),
                found: format!("{significant} of {} slopes significant", tested.len()),
                p: tested.iter().copied().reduce(f64::min),
                holds: significant == 0 && !tested.is_empty(),
                significant: None,
            }
        };
        distinct(&self.rule).into_iter().map(verdict).collect()
    }
}

/// A claim and what became of it.
struct Verdict {
    rule: String,
    claim: String,
    expected: String,
    found: String,
    p: Option<f64>,
    holds: bool,
    /// Of planted effects.
    significant: Option<bool>,
}

#[derive(Default)]
struct Verdicts(Vec<Verdict>);

impl Verdicts {
    fn add(&mut self, verdict: Verdict) {
        self.0.push(verdict);
    }

    fn extend(&mut self, verdicts: Vec<Verdict>) {
        self.0.extend(verdicts);
    }

    fn table(&self) -> Result<Vec<u8>, NodeError> {
        let text = |of: fn(&Verdict) -> &String| -> Vec<&str> {
            self.0.iter().map(|one| of(one).as_str()).collect()
        };
        let significant = |one: &Verdict| match one.significant {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        TableBuilder::new()
            .text("rule", &text(|one| &one.rule))
            .text("claim", &text(|one| &one.claim))
            .text("expected", &text(|one| &one.expected))
            .text("found", &text(|one| &one.found))
            .bool(
                "holds",
                &self.0.iter().map(|one| one.holds).collect::<Vec<_>>(),
            )
            .maybe("p", &self.0.iter().map(|one| one.p).collect::<Vec<_>>())
            .text(
                "significant",
                &self.0.iter().map(significant).collect::<Vec<_>>(),
            )
            .parquet()
    }
}
