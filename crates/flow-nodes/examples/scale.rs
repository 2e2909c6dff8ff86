//! The paper's size through the nodes: 44 recordings of 960 epochs of 3 × 3000, z-scored, trained for one
//! training epoch and explained; prints JSON lines with seconds and the peak of resident memory.
//!
//! `cargo run --release -p flow-nodes --example scale -- FOLDER [EPOCHS A RECORDING]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example for developers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use flow_contract::{
    Catalog, Content, Digest, Input, Labels, Params, Produced, Silent, Task, Value,
};
use flow_nodes::CATALOG;
use flow_nodes::table::TableBuilder;
use flow_nodes::tensor::TensorsBuilder;

const RECORDINGS: usize = 44;
const TIME: usize = 3000;

fn input(content: Content, recording: Option<&str>) -> Input {
    let axis = |name: &str| ("recording".to_owned(), Value::Text(name.to_owned()));
    let labels = Labels::new(recording.map(axis).into_iter().collect());
    let digest = Digest::of(b"");
    let name = recording.unwrap_or("table").to_owned();
    Input {
        digest,
        labels,
        content,
        name,
        file: None,
    }
}

/// Runs a kind and gives the files of its outputs, mapped.
fn run(
    kind: &str,
    said: &[(&str, Value)],
    inputs: BTreeMap<String, Vec<Input>>,
    folder: &Path,
) -> BTreeMap<String, Content> {
    let began = Instant::now();
    let kind = CATALOG.kind(kind).unwrap();
    let mut values = kind.descriptor().defaults();
    values.extend(
        said.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    let params = Params::new(values);
    fs::create_dir_all(folder).unwrap();
    let mut task = Task::new(&params, 1, inputs, folder, &Silent);
    kind.run(&mut task).unwrap();
    let mut outputs = BTreeMap::new();
    for (port, made) in task.into_produced() {
        let path = folder.join(&port);
        if let Produced::Bytes(bytes) = made {
            fs::write(&path, bytes).unwrap();
        }
        outputs.insert(port, Content::map(&path).unwrap());
    }
    if kind.descriptor().name != "z-score" {
        told(kind.descriptor().name, began);
    }
    outputs
}

fn told(what: &str, began: Instant) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map(str::trim);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        r#"{{"step":"{what}","seconds":{seconds:.1},"peak_rss":"{}"}}"#,
        peak.unwrap_or("unknown")
    );
}

/// Epochs of one recording: noise with a slow wave that says the stage.
fn recording(count: usize, seed: usize) -> Vec<u8> {
    let mut state = seed as u64 * 2 + 1;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let stage: Vec<u8> = (0..count).map(|n| (n % 5) as u8).collect();
    let wave = |n: usize, t: usize| ((n % 5 + 1) * t) as f32 * 0.01;
    let x: Vec<f32> = (0..count * 3 * TIME)
        .map(|at| noise() + wave(at / (3 * TIME), at % TIME).sin())
        .collect();
    let onset: Vec<f64> = (0..count).map(|n| 30.0 * n as f64).collect();
    let file =
        TensorsBuilder::new()
            .fact("channels", "EEG\tEOG\tEMG")
            .f32("x", &[count, 3, TIME], &x);
    file.f64("onset", &[count], &onset)
        .u8("stage", &[count], &stage)
        .build()
        .unwrap()
}

/// Who was recorded when: two recordings of each subject.
struct Recordings {
    names: Vec<String>,
    table: Vec<u8>,
}

impl Recordings {
    fn new() -> Self {
        let names: Vec<String> = (0..RECORDINGS).map(|n| format!("R{n}")).collect();
        let subjects: Vec<String> = (0..RECORDINGS).map(|n| format!("S{}", n / 2)).collect();
        let table = TableBuilder::new()
            .text("recording", &names)
            .text("subject", &subjects)
            .parquet()
            .unwrap();
        Self { names, table }
    }

    /// Every recording's epochs, made up and z-scored.
    fn z_scored(&self, count: usize, folder: &Path) -> Vec<Input> {
        let began = Instant::now();
        let scored = |(n, name): (usize, &String)| {
            let raw = input(Content::from(recording(count, n)), None);
            let ports = [("epochs".to_owned(), vec![raw])];
            let made = run("z-score", &[], ports.into(), &folder.join(name));
            input(made["epochs"].clone(), Some(name))
        };
        let epochs = self.names.iter().enumerate().map(scored).collect();
        told("z-score", began);
        epochs
    }

    /// The ports of a kind that takes epochs.
    fn ports(&self, epochs: &[Input]) -> BTreeMap<String, Vec<Input>> {
        let table = input(Content::from(self.table.clone()), None);
        [
            ("epochs".to_owned(), epochs.to_vec()),
            ("recordings".to_owned(), vec![table]),
        ]
        .into()
    }
}

/// The names of these subjects, as a param takes them.
fn subjects(range: Range<usize>) -> Value {
    Value::Text(range.map(|n| format!("S{n}")).collect::<Vec<_>>().join(" "))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let folder = Path::new(&folder);
    let count: usize = arguments.next().map_or(960, |count| count.parse().unwrap());
    let recordings = Recordings::new();
    let epochs = recordings.z_scored(count, folder);
    let settings = [
        ("train", subjects(0..20)),
        ("validation", subjects(20..22)),
        ("training_epochs", Value::Int(1)),
    ];
    let ports = recordings.ports(&epochs);
    let net = run("train", &settings, ports, &folder.join("net"));
    for (kind, port, test) in [
        ("lrp", "relevance", 0..22),
        ("relevance-maps", "maps", 0..3),
    ] {
        let mut ports = recordings.ports(&epochs);
        let weights = input(net["weights"].clone(), None);
        ports.insert("weights".to_owned(), vec![weights]);
        let rule = Value::Text("epsilon(0.01)".to_owned());
        let settings = [("test", subjects(test)), ("rule", rule)];
        let made = run(kind, &settings, ports, &folder.join(kind));
        let bytes = made[port].len();
        println!(r#"{{"output":"{kind}.{port}","bytes":{bytes}}}"#);
    }
}
