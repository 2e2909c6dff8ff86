//! `train`: what it says of what it is to learn from.

use flow_contract::{Catalog, Content, Digest, Input, Labels, Value};
use flow_nodes::table::TableBuilder;
use flow_nodes::tensor::TensorsBuilder;

use crate::lab::{file, run, text, texts};

/// Epochs of two channels and 20 samples, of these stages.
fn epochs(recording: &str, stages: &[u8]) -> Input {
    let count = stages.len();
    let x: Vec<f32> = (0..count * 40).map(|at| (at % 7) as f32 - 3.0).collect();
    let bytes = TensorsBuilder::new()
        .fact("channels", "EEG\tEMG")
        .f32("x", &[count, 2, 20], &x)
        .f64("onset", &[count], &vec![0.0; count])
        .u8("stage", &[count], stages)
        .build()
        .unwrap();
    Input {
        digest: Digest::of(&bytes),
        labels: Labels::new(vec![("recording".to_owned(), Value::from(recording))]),
        content: Content::from(bytes),
        name: recording.to_owned(),
        file: None,
    }
}

#[test]
fn classes_that_no_training_epoch_has_are_told() {
    let people = TableBuilder::new()
        .text("recording", &["a", "b"])
        .text("subject", &["anna", "bob"])
        .parquet()
        .unwrap();
    let warned = |stages: &[u8]| {
        let inputs = vec![
            (
                "epochs",
                vec![epochs("a", stages), epochs("b", &[0, 1, 2, 3, 4])],
            ),
            ("recordings", vec![file("people.parquet", &people)]),
        ];
        let network = texts(&["conv 2 k3", "relu", "global-max-pool", "dense 5"]);
        let params = [
            ("train", text("anna")),
            ("validation", text("bob")),
            ("network", network),
            ("training_epochs", Value::Int(1)),
        ];
        run("train", inputs, &params).unwrap().warnings
    };
    assert_eq!(warned(&[0, 1, 2, 3, 4]), Vec::<String>::new());
    assert_eq!(
        warned(&[0, 2, 4, 0]),
        ["no training epoch is of class N1, N3: the network can't learn it"]
    );
}

#[test]
fn a_rate_of_zero_is_refused_before_anything_runs() {
    let train = flow_nodes::CATALOG.kind("train").unwrap();
    for name in ["learning_rate", "adam_epsilon", "plateau_factor"] {
        assert!(
            train.check_param(name, &Value::Float(0.0)).is_err(),
            "{name}"
        );
        assert!(
            train.check_param(name, &Value::Float(0.1)).is_ok(),
            "{name}"
        );
    }
}
