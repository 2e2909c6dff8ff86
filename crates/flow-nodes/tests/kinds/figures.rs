//! Figures show what tables say, whatever the order of their rows.

use flow_contract::{Input, Labels, Value};
use flow_nodes::table::TableBuilder;

use super::lab::{file, run};

/// A table as a node of the axis `rule` gives it.
fn of_rule(rule: &str, table: TableBuilder) -> Input {
    Input {
        labels: Labels::new(vec![("rule".to_owned(), Value::from(rule))]),
        ..file("made here", &table.parquet().unwrap())
    }
}

fn shares(modalities: &[&str], shares: &[Option<f64>]) -> TableBuilder {
    TableBuilder::new()
        .text("fold", &vec!["1"; shares.len()])
        .text("modality", modalities)
        .maybe("mean_of_shares", shares)
        .maybe("pooled_share", shares)
}

fn figure(kind: &str, port: &str, inputs: Vec<Input>) -> Result<String, String> {
    let ran = run(kind, vec![(port, inputs)], &[]).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(ran.bytes("figure").to_vec()).unwrap())
}

#[test]
fn a_share_is_drawn_under_its_own_modality() {
    let first = of_rule("a", shares(&["EEG", "EMG"], &[Some(90.0), Some(10.0)]));
    let turned = of_rule("b", shares(&["EMG", "EEG"], &[Some(20.0), Some(80.0)]));
    let svg = figure("figure-shares", "shares", vec![first.clone(), turned]).unwrap();
    assert!(svg.contains("EEG, a: median 90.0"), "{svg}");
    assert!(svg.contains("EMG, b: median 20.0"), "{svg}");

    let other = of_rule("b", shares(&["EMG", "EOG"], &[Some(20.0), Some(80.0)]));
    let told = figure("figure-shares", "shares", vec![first, other]).unwrap_err();
    assert!(
        told.contains("of EMG, EOG, those before of EEG, EMG"),
        "{told}"
    );
}

#[test]
fn a_rule_without_relevance_spoils_no_figure() {
    let silent = of_rule("silent", shares(&["EEG", "EMG"], &[None, None]));
    let svg = figure("figure-shares", "shares", vec![silent]).unwrap();
    assert!(svg.contains("n = 0") && !svg.contains("median 0"), "{svg}");
}

#[test]
fn a_confusion_is_drawn_by_its_classes_not_by_its_rows() {
    let drawn = |truth: &[&str], predicted: &[&str], epochs: &[i64]| {
        let table = TableBuilder::new()
            .text("fold", &vec!["pooled"; epochs.len()])
            .text("true", truth)
            .text("predicted", predicted)
            .int("epochs", epochs);
        let input = file("confusion.parquet", &table.parquet().unwrap());
        figure("figure-confusion", "confusion", vec![input])
    };
    let rows = drawn(&["a", "a", "b", "b"], &["a", "b", "a", "b"], &[5, 1, 2, 7]).unwrap();
    let shuffled = drawn(&["b", "a", "b", "a"], &["a", "b", "b", "a"], &[2, 1, 7, 5]).unwrap();
    let without_zeros = drawn(&["b", "a"], &["b", "b"], &[7, 1]).unwrap();
    assert_eq!(rows, shuffled);
    assert_ne!(rows, without_zeros);
    assert!(
        drawn(&["a"], &["a"], &[-1])
            .unwrap_err()
            .contains("row 1 has -1 epochs")
    );
}
