//! Logits of the fixtures' networks, which zennit and PyTorch computed in `f64`.
//!
//! `tiny` lies in `tests/golden`; `paper` is read where `FLOW_SAMPLE_DATA` has it beside it.

use flow_learn::kernels::Real;
use flow_learn::network::{Network, Op};
use flow_learn::predict::{predict, predicted_class, softmax};
use flow_learn::weights::{Layout, Weights};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

struct Fixture {
    network: Network,
    weights: Vec<u8>,
    io: Vec<u8>,
}

impl Fixture {
    fn read(folder: &Path, network: Network) -> Self {
        let read = |name: &str| std::fs::read(folder.join(name)).expect("a fixture's file");
        Self {
            network,
            weights: read("weights.safetensors"),
            io: read("io.safetensors"),
        }
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.io).expect("a safetensors file");
        let tensor = file.tensor(name).expect("the tensor of that name");
        let data = tensor.data();
        match tensor.dtype() {
            safetensors::Dtype::F64 => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f64::from_le_bytes(b))
                .collect(),
            safetensors::Dtype::I64 => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| i64::from_le_bytes(b) as f64)
                .collect(),
            _ => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f64::from(f32::from_le_bytes(b)))
                .collect(),
        }
    }

    fn check<T: Real>(&self, tolerance: f64) {
        let weights: Weights<T> =
            Weights::from_safetensors(&self.network, &self.weights, Layout::PyTorch)
                .expect("weights that fit");
        let x: Vec<T> = self.numbers("x").into_iter().map(T::from_f64).collect();
        let mut logits = predict(&self.network, &weights, &x).expect("logits");
        let (wanted, classes) = (
            self.numbers("logits"),
            self.network.classes().expect("classes"),
        );
        let most = wanted.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
        for (found, wanted) in logits.iter().zip(&wanted) {
            assert!(
                (found.to_f64() - wanted).abs() <= tolerance * most,
                "{found} {wanted}"
            );
        }
        let classes_found = logits
            .chunks(classes)
            .map(|row| predicted_class(row) as f64);
        assert!(classes_found.eq(self.numbers("pred")));
        softmax(&mut logits, classes);
        for (found, wanted) in logits.iter().zip(self.numbers("probs")) {
            assert!((found.to_f64() - wanted).abs() <= tolerance * most);
        }
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny")
}

#[test]
fn the_tiny_network_gives_the_logits_of_the_fixtures() {
    let (conv, relu, dense) = (Op::conv, Op::Relu, Op::dense);
    let ops = [
        conv(5, 5),
        relu.clone(),
        conv(7, 4),
        relu.clone(),
        Op::max_pool(2),
        Op::GlobalMaxPool,
        dense(6),
        relu,
        dense(5),
    ];
    let network = Network::of(3, 64, ops);
    assert_eq!(network.parameters(), Ok(310));
    let fixture = Fixture::read(&golden(), network);
    fixture.check::<f64>(1e-13);
    fixture.check::<f32>(1e-6);
}

#[test]
fn the_network_of_the_paper_gives_the_logits_of_the_fixtures() {
    let beside = std::env::var_os("FLOW_SAMPLE_DATA").map(PathBuf::from);
    let folder = beside.and_then(|data| Some(data.parent()?.join("fixtures/paper")));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("skipped: no fixtures/paper beside FLOW_SAMPLE_DATA");
        return;
    };
    let fixture = Fixture::read(&folder, Network::ellis2021(3, 3000, 5));
    fixture.check::<f64>(1e-13);
    fixture.check::<f32>(1e-5);
}
