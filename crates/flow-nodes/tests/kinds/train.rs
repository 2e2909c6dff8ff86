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
fn rates_that_single_precision_does_not_hold_are_refused_before_anything_runs() {
    let train = flow_nodes::CATALOG.kind("train").unwrap();
    let words = |name, value| match train.check_param(name, &Value::Float(value)) {
        Ok(()) => "taken".to_owned(),
        Err(problem) => problem.what,
    };
    for name in ["learning_rate", "adam_epsilon", "plateau_factor"] {
        assert!(words(name, 0.0).contains("it is 0"), "{name}");
        assert!(words(name, 1e-320).contains("too small"), "{name}");
        assert!(words(name, 1e39).contains("1e39, too large"), "{name}");
        assert_eq!(words(name, 0.1), "taken", "{name}");
        assert_eq!(words(name, 1e-30), "taken", "{name}");
    }
}

#[test]
fn a_subject_learned_from_and_validated_on_is_refused_by_name() {
    let train = flow_nodes::CATALOG.kind("train").unwrap();
    let refused = |learned: &str, validated: &str| {
        let mut params = train.descriptor().defaults();
        params.insert("train".to_owned(), text(learned));
        params.insert("validation".to_owned(), text(validated));
        train.check(&flow_contract::Params::new(params)).err()
    };
    assert_eq!(refused("01 02", "1 03"), None);
    let problems = refused("01 02 03", "03 04  02 03").unwrap();
    assert_eq!(problems[0].param, "validation");
    let words = &problems[0].what;
    assert!(words.starts_with("`02`, `03` is in `train` too"), "{words}");
}
