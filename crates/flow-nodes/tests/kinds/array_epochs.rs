//! `array-epochs`: which class a label means.

use flow_contract::Value;
use flow_nodes::tensor::TensorsBuilder;

use crate::lab::{Ran, file, run, text, texts};

/// Three epochs of one channel and two samples, labelled 0, 1, 2.
fn epochs(classes: &[&str], more: &[(&str, Value)]) -> Result<Ran, flow_contract::NodeError> {
    let signals = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let arrays = TensorsBuilder::new().f32("x", &[3, 1, 2], &signals);
    let arrays = match more {
        [] => arrays.u8("y", &[3], &[0, 1, 2]),
        _ => arrays,
    };
    let params = [
        &[
            ("channels", texts(&["ECG: II"])),
            ("units", texts(&["mV"])),
            ("rate", Value::Float(2.0)),
            ("classes", texts(classes)),
        ],
        more,
    ]
    .concat();
    let arrays = file("a.safetensors", &arrays.build().unwrap());
    run("array-epochs", vec![("arrays", vec![arrays])], &params)
}

#[test]
fn numbers_are_places_only_where_no_class_is_a_number() {
    let named = epochs(&["rest", "walk", "run"], &[])
        .unwrap()
        .table("table");
    assert_eq!(named.texts("stage").unwrap(), ["rest", "walk", "run"]);
    let shifted = epochs(&["1", "2", "3"], &[]).unwrap_err().to_string();
    assert!(
        shifted.contains("`y` holds `0`, which is no class"),
        "{shifted}"
    );
}

#[test]
fn signals_are_not_taken_for_their_labels() {
    let said = epochs(&["rest", "walk"], &[("array", text("x"))]).unwrap_err();
    assert!(said.to_string().contains("no labels"), "{said}");
}
