//! `predict`, `lrp` and `quality` on epochs and rules that they can't answer for.

use flow_contract::{Content, Digest, Input, Labels, Value};
use flow_nodes::table::TableBuilder;
use flow_nodes::tensor::TensorsBuilder;

use crate::lab::{file, run, text, texts};

/// Epochs of two channels and 20 samples are for such a network of two layers.
const FITS: (&str, usize) = ("2 20", 2);

/// Three epochs of two channels and 20 samples; the value at a place of the last one is given.
fn epochs(recording: &str, odd: Option<(usize, f32)>) -> Input {
    let mut x: Vec<f32> = (0..120).map(|at| (at % 7) as f32 - 2.5).collect();
    if let Some((at, value)) = odd {
        x[80 + at] = value;
    }
    let bytes = TensorsBuilder::new()
        .fact("channels", "EEG\tEMG")
        .f32("x", &[3, 2, 20], &x)
        .f64("onset", &[3], &[0.0, 30.0, 60.0])
        .u8("stage", &[3], &[0, 1, 2])
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

fn people() -> Input {
    let table = TableBuilder::new()
        .text("recording", &["a", "b"])
        .text("subject", &["anna", "bob"])
        .parquet();
    file("people.parquet", &table.unwrap())
}

/// So many dense layers of positive weights behind each other, for epochs of this size.
fn weights(size: &str, layers: usize) -> Input {
    let outputs = |layer: usize| if layer == layers { 5 } else { 4 };
    let entries: Vec<_> = (1..=layers)
        .map(|at| format!("dense {}", outputs(at)))
        .collect();
    let fact = format!("{size}\nflatten\n{}", entries.join("\n"));
    let mut file = TensorsBuilder::new().fact("network", fact);
    let mut gets = 40;
    for layer in 1..=layers {
        let gives = outputs(layer);
        let (weight, bias) = (vec![2.0; gives * gets], vec![1.0; gives]);
        file = file
            .f32(&format!("layer{layer}.weight"), &[gives, gets], &weight)
            .f32(&format!("layer{layer}.bias"), &[gives], &bias);
        gets = gives;
    }
    crate::lab::file("net.safetensors", &file.build().unwrap())
}

/// What a kind says that is given a network and recording `b` with one odd number.
fn said(
    kind: &str,
    network: (&str, usize),
    odd: Option<(usize, f32)>,
    params: &[(&str, Value)],
) -> String {
    let inputs = vec![
        ("weights", vec![weights(network.0, network.1)]),
        ("epochs", vec![epochs("a", None), epochs("b", odd)]),
        ("recordings", vec![people()]),
    ];
    let params = [&[("test", text("anna bob"))], params].concat();
    match run(kind, inputs, &params) {
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_number_that_is_not_finite_is_told_with_recording_epoch_and_channel() {
    let rule = ("rule", text("epsilon(0.01)"));
    let wanted = "recording `b`, epoch 2 (from 0), channel EMG: sample 3 (from 0) is NaN";
    for (kind, params) in [
        ("predict", vec![]),
        ("lrp", vec![rule.clone()]),
        ("quality", vec![rule]),
    ] {
        assert_eq!(said(kind, FITS, None, &params), "done", "{kind}");
        let words = said(kind, FITS, Some((23, f32::NAN)), &params);
        assert!(words.starts_with(wanted), "{kind}: {words}");
    }
    let train = run(
        "train",
        vec![
            (
                "epochs",
                vec![epochs("a", None), epochs("b", Some((23, f32::NAN)))],
            ),
            ("recordings", vec![people()]),
        ],
        &[
            ("train", text("anna")),
            ("validation", text("bob")),
            ("network", texts(&["flatten", "dense 5"])),
            ("training_epochs", Value::Int(1)),
        ],
    );
    let words = train.unwrap_err().to_string();
    assert!(words.starts_with(wanted), "{words}");
}

#[test]
fn a_logit_beyond_single_precision_is_told_with_its_epoch() {
    let rule = ("rule", text("epsilon(0.01)"));
    for (kind, params) in [("predict", vec![]), ("lrp", vec![rule])] {
        let words = said(kind, FITS, Some((23, 3e38)), &params);
        let wanted = "recording `b`, epoch 2 (from 0): a logit is not finite";
        assert!(words.starts_with(wanted), "{kind}: {words}");
    }
}

#[test]
fn a_network_for_epochs_of_another_size_is_refused_though_as_many_numbers_go_in() {
    for kind in ["predict", "lrp", "quality"] {
        let params = [("rule", text("epsilon(0.01)"))];
        let params = if kind == "predict" { &[][..] } else { &params };
        let words = said(kind, ("1 40", 2), None, params);
        let wanted = "the network takes 1 channels × 40 samples, the epochs have 2 × 20";
        assert!(words.starts_with(wanted), "{kind}: {words}");
    }
}

#[test]
fn relevance_that_no_table_holds_is_told_with_its_rule() {
    let by = |rule: &str| said("lrp", ("2 20", 16), None, &[("rule", text(rule))]);
    assert_eq!(by("epsilon(1e15)"), "done");
    let words = by("epsilon(1e30)");
    let wanted = "recording `a`, epoch 0 (from 0): the relevance by `epsilon(1";
    assert!(words.starts_with(wanted), "{words}");
    assert!(words.contains("too near 0"), "{words}");
}
