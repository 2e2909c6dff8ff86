//! `shares`: percent of absolute relevance per modality, per epoch, per fold and per group.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, Input, InputPort, Kind, NodeError, OutputPort, PortType, Task,
};
use flow_stats::relevance::RelevanceSums;
use flow_stats::shares::{ShareSummary, local_shares, summarise, summarise_groups};

use crate::recordings::RELEVANCE;
use crate::table::{Table, TableBuilder, classes_of_all};

/// The share of each modality in each test epoch.
pub const LOCAL_SHARES: PortType = PortType::new("local shares", Form::Table);

/// The shares of each fold, all test epochs together.
pub const GLOBAL_SHARES: PortType = PortType::new("global shares", Form::Table);

/// The shares of each fold and classification group.
pub const GROUP_SHARES: PortType = PortType::new("group shares", Form::Table);

/// See the module's page.
pub struct Shares;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "shares",
    revision: 3,
    summary: "Relevance shares per epoch, per fold and per group of true × predicted class.",
    example: r#"[node.shares]
kind = "shares"
relevance = { files = "relevance/*.parquet" }   # one a fold
publish = { global = "tables/shares.csv" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("relevance"),
        ty: RELEVANCE,
        arity: Arity::Many,
        doc: "Summed relevance of the test epochs, one artifact a fold.",
    }],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("local"),
            ty: LOCAL_SHARES,
            doc: "One row an epoch and fold: share_<modality> and signed_share_<modality> in percent.",
        },
        OutputPort {
            name: Cow::Borrowed("global"),
            ty: GLOBAL_SHARES,
            doc: "One row a fold and modality: mean of the epochs' shares, and pooled share, in percent.",
        },
        OutputPort {
            name: Cow::Borrowed("groups"),
            ty: GROUP_SHARES,
            doc: "The same per true and predicted class.",
        },
    ],
    params: &[],
    seeded: false,
    open_ports: false,
};

/// The modalities that a table of local shares has columns for, in order.
pub fn modalities_of(shares: &Table) -> Vec<String> {
    let names = shares.names();
    names
        .iter()
        .filter_map(|name| name.strip_prefix("share_"))
        .map(str::to_owned)
        .collect()
}

impl Kind for Shares {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let folds = summed(task.inputs("relevance"))?;
        let modalities = folds
            .first()
            .map(|(_, one)| one.modalities.clone())
            .unwrap_or_default();
        if let Some((fold, other)) = folds.iter().find(|(_, one)| one.modalities != modalities) {
            let what = format!(
                "fold {fold} has the modalities {}, not {}",
                other.modalities.join(", "),
                modalities.join(", ")
            );
            return Err(NodeError::new(what));
        }
        task.give("local", local(&folds, &modalities)?);
        let (global, groups) = summaries(&folds, &modalities)?;
        task.give("global", global);
        task.give("groups", groups);
        Ok(())
    }
}

/// The relevance of each fold by its name, all in the same classes.
fn summed(inputs: &[Input]) -> Result<Vec<(String, Summed)>, NodeError> {
    let read = |input: &Input| Table::read(&input.content).map_err(|error| error.at(&input.name));
    let tables = inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let names = classes_of_all(&tables)?;
    let fold = |(at, (input, table)): (usize, (&Input, &Table))| {
        let summed = Summed::read(table, &names).map_err(|error| error.at(&input.name))?;
        Ok((fold_of(input, at), summed))
    };
    inputs.iter().zip(&tables).enumerate().map(fold).collect()
}

/// What a fold is called: by the axis that it stands on, else by its place, from 1.
pub fn fold_of(input: &Input, at: usize) -> String {
    let label = input.labels.get("fold").map(ToString::to_string);
    label.unwrap_or_else(|| (at + 1).to_string())
}

/// The relevance of one fold's test epochs.
struct Summed {
    modalities: Vec<String>,
    recording: Vec<String>,
    subject: Vec<String>,
    epoch: Vec<i64>,
    onset: Vec<f64>,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    /// Names of the classes that `truth` and `predicted` count in.
    classes: Vec<String>,
    sums: RelevanceSums,
}

impl Summed {
    /// * `names`: the classes of all folds
    fn read(table: &Table, names: &[String]) -> Result<Self, NodeError> {
        let modalities: Vec<String> = table
            .names()
            .iter()
            .filter_map(|name| name.strip_prefix("absolute_"))
            .map(str::to_owned)
            .collect();
        let columns = |prefix: &str| -> Result<Vec<f64>, NodeError> {
            let columns = modalities
                .iter()
                .map(|modality| table.floats(&format!("{prefix}_{modality}")))
                .collect::<Result<Vec<_>, _>>()?;
            let cell = |row: usize| {
                columns
                    .iter()
                    .map(move |column| column[row].unwrap_or(f64::NAN))
            };
            Ok((0..table.height()).flat_map(cell).collect())
        };
        let sums = RelevanceSums::new(columns("absolute")?, columns("signed")?, modalities.len());
        Ok(Self {
            sums: sums.map_err(NodeError::new)?,
            recording: table.texts("recording")?,
            subject: table.texts("subject")?,
            epoch: table.ints("epoch")?,
            onset: table
                .floats("onset")?
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect(),
            truth: classes(&table.texts("true")?, names)?,
            predicted: classes(&table.texts("predicted")?, names)?,
            classes: names.to_vec(),
            modalities,
        })
    }
}

/// Class names as indices into the classes.
///
/// # Errors
/// A name that is none of them.
pub fn classes(names: &[String], classes: &[String]) -> Result<Vec<usize>, NodeError> {
    let index = |name: &String| {
        let at = classes.iter().position(|class| class == name);
        at.ok_or_else(|| {
            NodeError::new(format!("`{name}` is no class"))
                .help(format!("the classes are {}", classes.join(", ")))
        })
    };
    names.iter().map(index).collect()
}

fn local(folds: &[(String, Summed)], modalities: &[String]) -> Result<Vec<u8>, NodeError> {
    fn each<T>(folds: &[(String, Summed)], get: impl Fn(&Summed) -> Vec<T>) -> Vec<T> {
        folds.iter().flat_map(|(_, one)| get(one)).collect()
    }
    let classes = folds.first().map(|(_, one)| one.classes.clone());
    let classes = classes.unwrap_or_default();
    let named =
        |of: &[usize]| -> Vec<&str> { of.iter().map(|class| classes[*class].as_str()).collect() };
    let fold: Vec<&str> = folds
        .iter()
        .flat_map(|(fold, one)| std::iter::repeat_n(fold.as_str(), one.epoch.len()))
        .collect();
    let mut table = TableBuilder::new()
        .classes(&classes)
        .text("fold", &fold)
        .text("recording", &each(folds, |one| one.recording.clone()))
        .text("subject", &each(folds, |one| one.subject.clone()))
        .int("epoch", &each(folds, |one| one.epoch.clone()))
        .float("onset", &each(folds, |one| one.onset.clone()))
        .text("true", &each(folds, |one| named(&one.truth)))
        .text("predicted", &each(folds, |one| named(&one.predicted)));
    let shares: Vec<_> = folds
        .iter()
        .map(|(_, one)| local_shares(&one.sums))
        .collect();
    for (index, modality) in modalities.iter().enumerate() {
        let column: Vec<Option<f64>> = shares.iter().flat_map(|one| one.column(index)).collect();
        table = table.maybe(&format!("share_{modality}"), &column);
    }
    for (index, modality) in modalities.iter().enumerate() {
        let signed = |one: &flow_stats::shares::LocalShares| -> Vec<Option<f64>> {
            (0..one.epochs())
                .map(|epoch| one.signed(epoch).map(|row| row[index]))
                .collect()
        };
        let column: Vec<Option<f64>> = shares.iter().flat_map(signed).collect();
        table = table.maybe(&format!("signed_share_{modality}"), &column);
    }
    table.parquet()
}

/// Rows of the two tables of summaries.
#[derive(Default)]
struct Rows {
    text: BTreeMap<&'static str, Vec<String>>,
    epochs: Vec<i64>,
    numbers: BTreeMap<&'static str, Vec<Option<f64>>>,
    classes: Vec<String>,
}

impl Rows {
    fn add(
        &mut self,
        labels: &[(&'static str, &str)],
        summary: &ShareSummary,
        modalities: &[String],
    ) {
        for (index, modality) in modalities.iter().enumerate() {
            for (name, value) in labels.iter().chain(&[("modality", modality.as_str())]) {
                self.text.entry(name).or_default().push((*value).to_owned());
            }
            self.epochs.push(summary.epochs as i64);
            let of = |shares: &Option<Vec<f64>>| shares.as_ref().map(|shares| shares[index]);
            let numbers = [
                ("mean_of_shares", of(&summary.mean_of_shares)),
                ("pooled_share", of(&summary.pooled_share)),
                ("mean_of_signed_shares", of(&summary.mean_of_signed_shares)),
                ("absolute_relevance", Some(summary.absolute[index])),
                ("signed_relevance", Some(summary.signed[index])),
            ];
            for (name, value) in numbers {
                self.numbers.entry(name).or_default().push(value);
            }
        }
    }

    fn parquet(self, heads: &[&'static str]) -> Result<Vec<u8>, NodeError> {
        let mut table = TableBuilder::new().classes(&self.classes);
        for head in heads {
            table = table.text(head, self.text.get(head).map_or(&[][..], Vec::as_slice));
        }
        table = table.int("epochs", &self.epochs);
        for head in [
            "mean_of_shares",
            "pooled_share",
            "mean_of_signed_shares",
            "absolute_relevance",
            "signed_relevance",
        ] {
            table = table.maybe(head, self.numbers.get(head).map_or(&[][..], Vec::as_slice));
        }
        table.parquet()
    }
}

fn summaries(
    folds: &[(String, Summed)],
    modalities: &[String],
) -> Result<(Vec<u8>, Vec<u8>), NodeError> {
    let (mut global, mut groups) = (Rows::default(), Rows::default());
    for (fold, one) in folds {
        one.classes.clone_into(&mut groups.classes);
        global.add(&[("fold", fold)], &summarise(&one.sums), modalities);
        let found = summarise_groups(&one.sums, &one.truth, &one.predicted, one.classes.len());
        for group in found.map_err(NodeError::new)? {
            let name = |class: usize| one.classes[class].as_str();
            let labels = [
                ("fold", fold.as_str()),
                ("true", name(group.truth)),
                ("predicted", name(group.predicted)),
            ];
            groups.add(&labels, &group.summary, modalities);
        }
    }
    Ok((
        global.parquet(&["fold", "modality"])?,
        groups.parquet(&["fold", "true", "predicted", "modality"])?,
    ))
}
