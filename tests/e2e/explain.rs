//! `flow explain`, and the kinds `model` and `explain` in a study, on a network that zennit explained.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::sandbox::{Said, Sandbox};

const LAYERS: &str =
    "conv 5 k5; relu; conv 7 k4; relu; max-pool 2; global-max-pool; dense 6; relu; dense 5";

/// Mean over the six samples of percent of |R| under ε = 0.01, of zennit 0.5.1 in float64.
const WANTED: [f64; 3] = [40.477_464, 32.016_456, 27.506_080];

const STUDY: &str = r#"
[study]
name = "own-model"

[node.net]
kind = "model"
weights = { file = "weights.safetensors" }
network = ["conv 5 k5", "relu", "conv 7 k4", "relu", "max-pool 2", "global-max-pool", "dense 6", "relu", "dense 5"]
channels = 3
time = 64

[node.explained]
kind = "explain"
weights = "net.weights"
data = { file = "io.safetensors" }
rules = ["epsilon(0.01)"]
publish = { summary = "shares.csv", picture = "shares.png" }
"#;

/// A folder with the weights and samples of the tiny network.
fn sandbox() -> Sandbox {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flow-learn/tests/golden/tiny");
    let sandbox = Sandbox::new(STUDY);
    for name in ["weights.safetensors", "io.safetensors"] {
        sandbox.write(name, fs::read(golden.join(name)).unwrap());
    }
    sandbox
}

fn explain(sandbox: &Sandbox, network: &str, more: &[&str]) -> Said {
    let usual = [
        "explain",
        "--weights",
        "weights.safetensors",
        "--data",
        "io.safetensors",
    ];
    sandbox.flow(&[&usual[..], &["--network", network], more].concat())
}

#[test]
fn a_network_from_elsewhere_is_explained_as_zennit_does() {
    let sandbox = sandbox();
    let rules = [
        "--rule",
        "epsilon(0.01)",
        "--channels",
        "EEG,EOG,EMG",
        "--json",
    ];
    let said = explain(&sandbox, LAYERS, &rules);
    assert_eq!(said.code, 0, "{}", said.err);

    let wanted = [("EEG", WANTED[0]), ("EOG", WANTED[1]), ("EMG", WANTED[2])];
    for (line, (modality, share)) in said.out.lines().zip(wanted) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["modality"], modality);
        assert!(
            (row["mean_of_shares"].as_f64().unwrap() - share).abs() < 1e-3,
            "{row}"
        );
    }
    for (name, head) in [
        ("shares.parquet", &b"PAR1"[..]),
        ("shares.svg", b"<svg"),
        ("shares.png", b"\x89PNG"),
    ] {
        let bytes = fs::read(sandbox.path("explained").join(name)).unwrap();
        assert!(
            bytes.starts_with(head) || bytes.windows(head.len()).take(200).any(|w| w == head),
            "{name}"
        );
    }
    let maps = fs::metadata(sandbox.path("explained/relevance.safetensors")).unwrap();
    assert!(maps.len() > 6 * 3 * 64 * 4);
}

#[test]
fn the_same_is_a_study() {
    let sandbox = sandbox();
    assert_eq!(sandbox.run(&[]).counts(), [2, 0, 0, 0]);
    let table = sandbox.read("reports/shares.csv");
    let row = table.lines().nth(1).unwrap();
    let share: f64 = row.split(',').nth(3).unwrap().parse().unwrap();
    assert!((share - WANTED[0]).abs() < 1e-3, "{table}");
    assert_eq!(sandbox.run(&[]).counts(), [0, 2, 0, 0]);
    let broken = STUDY.replace("conv 7 k4", "conv 7 k70");
    sandbox.write("pipeline.toml", broken);
    let said = sandbox.flow(&["check"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("layer 3 `layer2` spans 70 samples"),
        "{}{}",
        said.err,
        said.out
    );
}

#[test]
fn what_does_not_fit_is_told_with_both_shapes() {
    let sandbox = sandbox();
    let said = explain(&sandbox, &LAYERS.replace("k4", "k6"), &[]);
    assert_eq!(said.code, 2);
    let wanted = "tensor `layer2.weight` for `layer2.weight` has shape [7, 5, 4], wanted [7, 5, 6]";
    assert!(said.err.contains(wanted), "{}", said.err);
    let said = explain(&sandbox, LAYERS, &["--rule", "epsilno"]);
    assert!(said.err.contains("did you mean `epsilon`"), "{}", said.err);
    let said = explain(&sandbox, LAYERS, &["--target", "9"]);
    let help = "classes count from 0: the last one is 4";
    assert!(said.err.contains(help), "{}", said.err);
    assert!(
        said.err.contains("class 9 of a network with 5 classes"),
        "{}",
        said.err
    );
}
