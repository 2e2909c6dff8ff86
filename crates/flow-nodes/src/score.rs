//! `score`: how well the folds' networks classify.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, Input, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec,
    ParamType, PortType, Task, derive_seed,
};
use flow_stats::bootstrap::Bootstrap;
use flow_stats::classification::{ClassScores, Confusion, Scores};

use crate::predict::PREDICTIONS;
use crate::shares::{classes, fold_of};
use crate::table::{Table, TableBuilder, classes_of_all};

/// Counts per true and predicted class.
pub const CONFUSION: PortType = PortType::new("confusion", Form::Table);

/// See the module's page.
pub struct Score;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "score",
    revision: 4,
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
            doc: "fold (or `pooled`), score, value (macro: over all classes, one that a fold lacks counting 0), low, high: interval by bootstrap over the test subjects; empty where there is only one.",
        },
        OutputPort {
            name: Cow::Borrowed("classes"),
            ty: PortType::new("class scores", Form::Table),
            doc: "fold, class, support, and precision, recall and f1, each with low and high as above.",
        },
        OutputPort {
            name: Cow::Borrowed("confusion"),
            ty: CONFUSION,
            doc: "fold, true, predicted, epochs.",
        },
    ],
    params: &[
        ParamSpec {
            name: "draws",
            ty: ParamType::Int {
                min: 10,
                max: 1_000_000,
            },
            default: Some(Literal::Int(1000)),
            unit: "draws",
            doc: "Bootstrap draws of subjects for the intervals.",
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
    seeded: true,
    open_ports: false,
};

/// One fold's predictions, or all folds'.
struct Predicted {
    fold: String,
    subject: Vec<String>,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    /// Names of the classes.
    classes: Vec<String>,
}

impl Kind for Score {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut folds = predicted(task.inputs("predictions"))?;
        folds.push(pooled(&folds));
        let confusions = folds.iter().map(confusion).collect::<Result<Vec<_>, _>>()?;
        let scores = confusions
            .iter()
            .map(Confusion::scores)
            .collect::<Result<Vec<_>, _>>();
        let scores = scores.map_err(NodeError::new)?;
        let bootstrap = Bootstrap {
            draws: task.params.count("draws"),
            level: task.params.float("confidence"),
            seed: derive_seed(task.seed, &["score"]),
        };
        let drawn = folds
            .iter()
            .map(|of| Ok(Drawn(by_subject(of)?, bootstrap)))
            .collect::<Result<Vec<_>, NodeError>>()?;
        task.give("scores", score_table(&folds, &scores, &drawn)?);
        task.give("classes", class_table(&folds, &scores, &drawn)?);
        task.give("confusion", confusion_table(&folds, &confusions)?);
        Ok(())
    }
}

/// The predictions of each fold, all in the same classes; folds that no axis names are numbered.
fn predicted(inputs: &[Input]) -> Result<Vec<Predicted>, NodeError> {
    let read = |input: &Input| Table::read(&input.content).map_err(|error| error.at(&input.name));
    let tables = inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let names = classes_of_all(&tables)?;
    let fold = |(at, (input, table)): (usize, (&Input, &Table))| {
        Ok(Predicted {
            fold: fold_of(input, at),
            subject: table.texts("subject")?,
            truth: classes(&table.texts("true")?, &names)?,
            predicted: classes(&table.texts("predicted")?, &names)?,
            classes: names.clone(),
        })
    };
    inputs.iter().zip(&tables).enumerate().map(fold).collect()
}

fn pooled(folds: &[Predicted]) -> Predicted {
    let all = |of: fn(&Predicted) -> &Vec<usize>| folds.iter().flat_map(of).copied().collect();
    Predicted {
        fold: "pooled".to_owned(),
        subject: folds.iter().flat_map(|fold| fold.subject.clone()).collect(),
        truth: all(|fold| &fold.truth),
        predicted: all(|fold| &fold.predicted),
        classes: folds.first().map_or_else(Vec::new, |of| of.classes.clone()),
    }
}

fn confusion(fold: &Predicted) -> Result<Confusion, NodeError> {
    Confusion::of_predictions(&fold.truth, &fold.predicted, fold.classes.len())
        .map_err(NodeError::new)
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
    drawn: &[Drawn],
) -> Result<Vec<u8>, NodeError> {
    let (mut fold, mut name) = (Vec::new(), Vec::new());
    let (mut value, mut intervals) = (Vec::new(), Vec::new());
    for ((of, scores), drawn) in folds.iter().zip(scores).zip(drawn) {
        for (index, (score, found)) in named(scores).into_iter().enumerate() {
            fold.push(of.fold.clone());
            name.push(score);
            value.push(found);
            intervals.push(drawn.interval(|scores| named(scores)[index].1));
        }
    }
    let table = TableBuilder::new()
        .text("fold", &fold)
        .text("score", &name)
        .maybe("value", &value);
    with_ends(table, "", &intervals).parquet()
}

/// The columns `low` and `high` of intervals.
fn with_ends(table: TableBuilder, prefix: &str, intervals: &[Option<(f64, f64)>]) -> TableBuilder {
    let end = |of: fn((f64, f64)) -> f64| -> Vec<Option<f64>> {
        intervals.iter().map(|interval| interval.map(of)).collect()
    };
    table
        .maybe(&format!("{prefix}low"), &end(|(low, _)| low))
        .maybe(&format!("{prefix}high"), &end(|(_, high)| high))
}

/// The confusion of each subject, and how subjects are drawn.
struct Drawn(Vec<Confusion>, Bootstrap);

impl Drawn {
    /// The interval of a score; one subject can't be resampled, so there is none of it.
    fn interval(&self, score: impl Fn(&Scores) -> Option<f64>) -> Option<(f64, f64)> {
        let of = |confusion: &Confusion| score(&confusion.scores().ok()?);
        let found = self.1.score_interval(&self.0, of).ok()?;
        Some((found.low, found.high))
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
        Confusion::of_predictions(truth, predicted, of.classes.len()).map_err(NodeError::new)
    };
    rows.values().map(confusion).collect()
}

fn class_table(
    folds: &[Predicted],
    scores: &[Scores],
    drawn: &[Drawn],
) -> Result<Vec<u8>, NodeError> {
    let rows: Vec<(usize, usize)> = (0..folds.len())
        .flat_map(|fold| (0..folds[fold].classes.len()).map(move |class| (fold, class)))
        .collect();
    let of = |(fold, class): (usize, usize)| scores[fold].per_class[class];
    let fold: Vec<&str> = rows.iter().map(|row| folds[row.0].fold.as_str()).collect();
    let class: Vec<&str> = rows
        .iter()
        .map(|row| folds[row.0].classes[row.1].as_str())
        .collect();
    let support: Vec<i64> = rows.iter().map(|&row| of(row).support as i64).collect();
    let mut table = TableBuilder::new()
        .text("fold", &fold)
        .text("class", &class)
        .int("support", &support);
    type Pick = fn(&ClassScores) -> f64;
    let picks: [(&str, Pick); 3] = [
        ("precision", |of| of.precision),
        ("recall", |of| of.recall),
        ("f1", |of| of.f1),
    ];
    for (name, pick) in picks {
        let values: Vec<f64> = rows.iter().map(|&row| pick(&of(row))).collect();
        let interval = |&(fold, class): &(usize, usize)| {
            drawn[fold].interval(|scores| Some(pick(&scores.per_class[class])))
        };
        let intervals: Vec<_> = rows.iter().map(interval).collect();
        table = with_ends(table.float(name, &values), &format!("{name}_"), &intervals);
    }
    table.parquet()
}

fn confusion_table(folds: &[Predicted], confusions: &[Confusion]) -> Result<Vec<u8>, NodeError> {
    let classes = folds.first().map_or(&[][..], |of| &of.classes);
    let cells = classes.len() * classes.len();
    let rows = || {
        folds.iter().zip(confusions).flat_map(|(fold, of)| {
            (0..cells).map(move |cell| {
                (
                    fold.fold.as_str(),
                    cell / classes.len(),
                    cell % classes.len(),
                    of,
                )
            })
        })
    };
    TableBuilder::new()
        .classes(classes)
        .text("fold", &rows().map(|(fold, ..)| fold).collect::<Vec<_>>())
        .text(
            "true",
            &rows()
                .map(|(_, truth, ..)| classes[truth].as_str())
                .collect::<Vec<_>>(),
        )
        .text(
            "predicted",
            &rows()
                .map(|(_, _, predicted, _)| classes[predicted].as_str())
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
