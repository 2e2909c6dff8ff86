//! `score`: how well the folds' networks classify.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec, ParamType,
    PortType, Task, derive_seed,
};
use flow_stats::bootstrap::Bootstrap;
use flow_stats::classification::{Confusion, Scores};

use crate::predict::PREDICTIONS;
use crate::recordings::CLASSES;
use crate::shares::classes;
use crate::table::{Table, TableBuilder};

/// Counts per true and predicted class.
pub const CONFUSION: PortType = PortType::new("confusion", Form::Table);

/// See the module's page.
pub struct Score;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "score",
    revision: 1,
    summary: "Confusion matrix and classification scores, per fold and pooled, with bootstrap intervals over subjects.",
    example: r#"[node.scores]
kind = "score"
predictions = { files = "predictions/*.parquet" }
draws = 1000
publish = { scores = "tables/scores.csv" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("predictions"),
        ty: PREDICTIONS,
        arity: Arity::Many,
        doc: "Predictions of the test epochs, one artifact a fold.",
    }],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("scores"),
            ty: PortType::new("scores", Form::Table),
            doc: "fold (or `pooled`), score, value, low, high: 95 % interval for the pooled ones.",
        },
        OutputPort {
            name: Cow::Borrowed("classes"),
            ty: PortType::new("class scores", Form::Table),
            doc: "fold, class, precision, recall, f1, support.",
        },
        OutputPort {
            name: Cow::Borrowed("confusion"),
            ty: CONFUSION,
            doc: "fold, true, predicted, epochs.",
        },
    ],
    params: &[ParamSpec {
        name: "draws",
        ty: ParamType::Int {
            min: 10,
            max: 1_000_000,
        },
        default: Some(Literal::Int(1000)),
        unit: "draws",
        doc: "Bootstrap draws of subjects for the intervals.",
    }],
    seeded: true,
    open_ports: false,
};

/// One fold's predictions, or all folds'.
struct Predicted {
    fold: String,
    subject: Vec<String>,
    truth: Vec<usize>,
    predicted: Vec<usize>,
}

impl Kind for Score {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut folds = Vec::new();
        for input in task.inputs("predictions") {
            let table = Table::read(&input.content)?;
            folds.push(Predicted {
                fold: input
                    .labels
                    .get("fold")
                    .map_or_else(|| "1".to_owned(), ToString::to_string),
                subject: table.texts("subject")?,
                truth: classes(&table.texts("true")?)?,
                predicted: classes(&table.texts("predicted")?)?,
            });
        }
        folds.push(pooled(&folds));
        let confusions = folds.iter().map(confusion).collect::<Result<Vec<_>, _>>()?;
        let scores = confusions
            .iter()
            .map(Confusion::scores)
            .collect::<Result<Vec<_>, _>>();
        let scores = scores.map_err(NodeError::new)?;
        let draws = task.params.count("draws");
        let seed = derive_seed(task.seed, &["score"]);
        task.give(
            "scores",
            score_table(
                &folds,
                &scores,
                Bootstrap {
                    draws,
                    level: 0.95,
                    seed,
                },
            )?,
        );
        task.give("classes", class_table(&folds, &scores)?);
        task.give("confusion", confusion_table(&folds, &confusions)?);
        Ok(())
    }
}

fn pooled(folds: &[Predicted]) -> Predicted {
    let all = |of: fn(&Predicted) -> &Vec<usize>| folds.iter().flat_map(of).copied().collect();
    Predicted {
        fold: "pooled".to_owned(),
        subject: folds.iter().flat_map(|fold| fold.subject.clone()).collect(),
        truth: all(|fold| &fold.truth),
        predicted: all(|fold| &fold.predicted),
    }
}

fn confusion(fold: &Predicted) -> Result<Confusion, NodeError> {
    Confusion::of_predictions(&fold.truth, &fold.predicted, CLASSES.len()).map_err(NodeError::new)
}

/// A score by name; κ is `None` where chance agrees as well.
fn named(scores: &Scores) -> [(&'static str, Option<f64>); 6] {
    [
        ("accuracy", Some(scores.accuracy)),
        ("balanced accuracy", Some(scores.balanced_accuracy)),
        ("macro precision", Some(scores.macro_precision)),
        ("macro recall", Some(scores.macro_recall)),
        ("macro F1", Some(scores.macro_f1)),
        ("Cohen's κ", scores.kappa),
    ]
}

fn score_table(
    folds: &[Predicted],
    scores: &[Scores],
    bootstrap: Bootstrap,
) -> Result<Vec<u8>, NodeError> {
    let (mut fold, mut name) = (Vec::new(), Vec::new());
    let (mut value, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
    for (of, scores) in folds.iter().zip(scores) {
        for (index, (score, found)) in named(scores).into_iter().enumerate() {
            let interval = if of.fold == "pooled" {
                interval(of, index, bootstrap)?
            } else {
                None
            };
            fold.push(of.fold.clone());
            name.push(score);
            value.push(found);
            low.push(interval.map(|(low, _)| low));
            high.push(interval.map(|(_, high)| high));
        }
    }
    TableBuilder::new()
        .text("fold", &fold)
        .text("score", &name)
        .maybe("value", &value)
        .maybe("low", &low)
        .maybe("high", &high)
        .parquet()
}

/// The 95 % interval of the score at an index of [`named`], over draws of subjects.
fn interval(
    of: &Predicted,
    index: usize,
    bootstrap: Bootstrap,
) -> Result<Option<(f64, f64)>, NodeError> {
    let score = |confusion: &Confusion| named(&confusion.scores().ok()?)[index].1;
    match bootstrap.score_interval(&by_subject(of)?, score) {
        Ok(interval) => Ok(Some((interval.low, interval.high))),
        // One subject can't be resampled; the score stands without an interval.
        Err(_) => Ok(None),
    }
}

fn by_subject(of: &Predicted) -> Result<Vec<Confusion>, NodeError> {
    let mut rows: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (row, subject) in of.subject.iter().enumerate() {
        let (truth, predicted) = rows.entry(subject).or_default();
        truth.push(of.truth[row]);
        predicted.push(of.predicted[row]);
    }
    let confusion = |(truth, predicted): &(Vec<usize>, Vec<usize>)| {
        Confusion::of_predictions(truth, predicted, CLASSES.len()).map_err(NodeError::new)
    };
    rows.values().map(confusion).collect()
}

fn class_table(folds: &[Predicted], scores: &[Scores]) -> Result<Vec<u8>, NodeError> {
    let rows = || {
        folds.iter().zip(scores).flat_map(|(fold, scores)| {
            scores
                .per_class
                .iter()
                .enumerate()
                .map(move |(class, of)| (fold.fold.as_str(), CLASSES[class], *of))
        })
    };
    TableBuilder::new()
        .text("fold", &rows().map(|(fold, ..)| fold).collect::<Vec<_>>())
        .text(
            "class",
            &rows().map(|(_, class, _)| class).collect::<Vec<_>>(),
        )
        .float(
            "precision",
            &rows().map(|(.., of)| of.precision).collect::<Vec<_>>(),
        )
        .float(
            "recall",
            &rows().map(|(.., of)| of.recall).collect::<Vec<_>>(),
        )
        .float("f1", &rows().map(|(.., of)| of.f1).collect::<Vec<_>>())
        .int(
            "support",
            &rows().map(|(.., of)| of.support as i64).collect::<Vec<_>>(),
        )
        .parquet()
}

fn confusion_table(folds: &[Predicted], confusions: &[Confusion]) -> Result<Vec<u8>, NodeError> {
    let cells = CLASSES.len() * CLASSES.len();
    let rows = || {
        folds.iter().zip(confusions).flat_map(|(fold, of)| {
            (0..cells).map(move |cell| {
                (
                    fold.fold.as_str(),
                    cell / CLASSES.len(),
                    cell % CLASSES.len(),
                    of,
                )
            })
        })
    };
    TableBuilder::new()
        .text("fold", &rows().map(|(fold, ..)| fold).collect::<Vec<_>>())
        .text(
            "true",
            &rows()
                .map(|(_, truth, ..)| CLASSES[truth])
                .collect::<Vec<_>>(),
        )
        .text(
            "predicted",
            &rows()
                .map(|(_, _, predicted, _)| CLASSES[predicted])
                .collect::<Vec<_>>(),
        )
        .int(
            "epochs",
            &rows()
                .map(|(_, truth, predicted, of)| of.count(truth, predicted) as i64)
                .collect::<Vec<_>>(),
        )
        .parquet()
}
