//! `count-epochs`: how many epochs each recording has per class, and what was dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, NodeError, OutputPort, PortType, Task,
};

use crate::epoch::{EPOCH_TABLE, Fate};
use crate::order::by_name;
use crate::recordings::{CLASSES, recording_of};
use crate::table::{Table, TableBuilder};

/// See the module's page.
pub struct CountEpochs;

/// The columns that are always there.
const FIXED: [&str; 4] = ["recording", "epochs", "scored", "kept"];

static DESCRIPTOR: Descriptor = Descriptor {
    name: "count-epochs",
    revision: 3,
    summary: "Counts the epochs of every recording per class and per reason for dropping them.",
    example: r#"[node.nights]
kind = "cohort"

[node.recorded]
kind = "simulate-night"
for_each = { recording = "nights.recordings" }
recording = "$recording"

[node.epochs]
kind = "epoch"
for_each = { recording = "nights.recordings" }
psg = "recorded.psg"
hypnogram = "recorded.hypnogram"
channels = ["EEG: EEG Fpz-Cz", "EMG: EMG submental"]

[node.counts]
kind = "count-epochs"
tables = "epochs.table"
publish = { table = "tables/epochs.csv" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("tables"),
        ty: EPOCH_TABLE,
        arity: Arity::Many,
        doc: "The epoch tables of all recordings: `stage`, `kept`, `reason`, and `scored` where some epochs were not.",
    }],
    outputs: &[OutputPort {
        name: Cow::Borrowed("table"),
        ty: PortType::new("epoch counts", Form::Table),
        doc: "One row a recording and one for all: epochs, scored, kept, the kept ones of each class, the dropped ones of each reason that occurs.",
    }],
    params: &[],
    seeded: false,
    open_ports: false,
};

impl Kind for CountEpochs {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let counted = {
            let mut all = Counts::new("all".to_owned());
            let (mut counted, mut classes) = (Vec::new(), Vec::new());
            for input in task.inputs("tables") {
                let mut one = Counts::new(recording_of(input)?);
                let table = Table::read(&input.content).map_err(|error| error.at(&input.name))?;
                one.add(&table).map_err(|error| error.at(&input.name))?;
                all.add(&table)?;
                classes.extend(table.listed_classes().iter().cloned());
                counted.push(one);
            }
            if counted.is_empty() {
                return Err(NodeError::new("there are no epoch tables to count"));
            }
            let classes = in_order(&all.classes, &classes);
            counted.push(all);
            table(&counted, &classes)?
        };
        task.give("table", counted);
        Ok(())
    }
}

/// The epochs of a recording.
struct Counts {
    recording: String,
    epochs: i64,
    scored: i64,
    kept: i64,
    /// Kept ones by class; every class that occurs, kept or not.
    classes: BTreeMap<String, i64>,
    /// Dropped ones by reason.
    reasons: BTreeMap<String, i64>,
}

impl Counts {
    fn new(recording: String) -> Self {
        let (classes, reasons) = (BTreeMap::new(), BTreeMap::new());
        Self {
            recording,
            epochs: 0,
            scored: 0,
            kept: 0,
            classes,
            reasons,
        }
    }

    fn add(&mut self, table: &Table) -> Result<(), NodeError> {
        let (stages, kept) = (table.texts("stage")?, table.bools("kept")?);
        let reasons = table.texts("reason")?;
        self.epochs += stages.len() as i64;
        self.scored += match table.names().iter().any(|name| name == "scored") {
            true => table
                .texts("scored")?
                .iter()
                .filter(|words| !words.is_empty())
                .count() as i64,
            false => stages.len() as i64,
        };
        for ((stage, kept), reason) in stages.into_iter().zip(kept).zip(reasons) {
            let of_class = (!stage.is_empty()).then(|| self.classes.entry(stage).or_default());
            if kept {
                self.kept += 1;
                of_class.into_iter().for_each(|count| *count += 1);
            } else {
                *self.reasons.entry(reason).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// The classes as the tables list them; else the sleep stages, all five, where there is no other; else by name.
fn in_order(found: &BTreeMap<String, i64>, listed: &[String]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let stages = CLASSES.map(str::to_owned);
    let usual = found.keys().all(|class| stages.contains(class));
    let first = if listed.is_empty() && usual {
        &stages[..]
    } else {
        listed
    };
    let mut by_its_name: Vec<&String> = found.keys().collect();
    by_its_name.sort_by(|a, b| by_name(a, b));
    for class in first.iter().chain(by_its_name) {
        if !order.contains(class) {
            order.push(class.clone());
        }
    }
    order
}

fn table(counted: &[Counts], classes: &[String]) -> Result<Vec<u8>, NodeError> {
    let int = |of: &dyn Fn(&Counts) -> i64| -> Vec<i64> { counted.iter().map(of).collect() };
    let known = Fate::REASONS.map(Fate::words);
    let found = |reason: &&str| counted.iter().any(|one| one.reasons.contains_key(*reason));
    let others = counted
        .iter()
        .flat_map(|one| one.reasons.keys().map(String::as_str));
    let mut others: Vec<&str> = others.filter(|reason| !known.contains(reason)).collect();
    others.sort_by(|a, b| by_name(a, b));
    others.dedup();
    let names: Vec<&str> = counted.iter().map(|one| one.recording.as_str()).collect();
    let mut table = TableBuilder::new()
        .text("recording", &names)
        .int("epochs", &int(&|one| one.epochs))
        .int("scored", &int(&|one| one.scored))
        .int("kept", &int(&|one| one.kept));
    for class in classes {
        let count = |one: &Counts| one.classes.get(class).copied().unwrap_or(0);
        let name = match FIXED.contains(&class.as_str()) {
            true => format!("class {class}"),
            false => class.clone(),
        };
        table = table.int(&name, &int(&count));
    }
    for reason in known.into_iter().filter(found).chain(others) {
        let count = |one: &Counts| one.reasons.get(reason).copied().unwrap_or(0);
        table = table.int(&column(reason, classes), &int(&count));
    }
    table.parquet()
}

/// A reason as the name of a column that none of the classes has.
fn column(reason: &str, classes: &[String]) -> String {
    let name = match reason.trim() {
        "" => "dropped".to_owned(),
        reason => reason.replace(' ', "_"),
    };
    match FIXED.contains(&name.as_str()) || classes.contains(&name) {
        true => format!("dropped {name}"),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[(&str, bool, &str)]) -> Counts {
        let table = TableBuilder::new()
            .text("stage", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .bool("kept", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
            .text("reason", &rows.iter().map(|row| row.2).collect::<Vec<_>>());
        let mut counts = Counts::new("a".to_owned());
        counts.add(&table.build().unwrap()).unwrap();
        counts
    }

    #[test]
    fn classes_of_any_field_are_counted() {
        let one = counts(&[
            ("walk 10", true, ""),
            ("walk 2", false, "fell off"),
            ("walk 10", true, ""),
        ]);
        let classes = in_order(&one.classes, &[]);
        assert_eq!(classes, ["walk 2", "walk 10"]);
        let read = Table::read(&table(&[one], &classes).unwrap()).unwrap();
        assert_eq!(
            read.names(),
            [
                "recording",
                "epochs",
                "scored",
                "kept",
                "walk 2",
                "walk 10",
                "fell_off"
            ]
        );
        let cell = |name| read.ints(name).unwrap()[0];
        assert_eq!(
            ["epochs", "kept", "walk 2", "walk 10", "fell_off"].map(cell),
            [3, 2, 0, 2, 1]
        );
    }

    #[test]
    fn sleep_stages_stand_in_their_order_even_where_one_is_missing() {
        let one = counts(&[("R", true, ""), ("", false, "movement"), ("W", true, "")]);
        assert_eq!(in_order(&one.classes, &[]), CLASSES);
        let listed = ["R".to_owned(), "W".to_owned()];
        assert_eq!(in_order(&one.classes, &listed), listed);
    }
}
