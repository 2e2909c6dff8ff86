//! A node on a bench: inputs and params in, tables and words out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use flow_contract::{
    Catalog, Content, Digest, Input, Labels, NodeError, Observer, Params, Produced, Task, Value,
};
use flow_edf::{
    Annotation, AnnotationSet, Date, EdfWriter, Format, NewSignal, Samples, Start, TimeOfDay,
};
use flow_nodes::CATALOG;
use flow_nodes::table::Table;
use flow_nodes::tensor::Tensors;

/// What a node gave and said.
#[derive(Debug)]
pub struct Ran {
    outputs: BTreeMap<String, Vec<u8>>,
    pub warnings: Vec<String>,
}

impl Ran {
    pub fn bytes(&self, port: &str) -> &[u8] {
        &self.outputs[port]
    }

    pub fn table(&self, port: &str) -> Table {
        Table::read(self.bytes(port)).unwrap()
    }

    pub fn f32(&self, port: &str, tensor: &str) -> Vec<f32> {
        let tensors = Tensors::read(&self.outputs[port]).unwrap();
        tensors.f32(tensor).unwrap().1.into_owned()
    }
}

#[derive(Default)]
struct Listening(Mutex<Vec<String>>);

impl Observer for Listening {
    fn progress(&self, _done: u64, _total: u64, _note: &str) {}
    fn warn(&self, words: &str) {
        self.0.lock().unwrap().push(words.to_owned());
    }
    fn should_stop(&self) -> bool {
        false
    }
}

/// A file of the study, as a pattern finds it.
pub fn file(path: &str, bytes: &[u8]) -> Input {
    Input {
        digest: Digest::of(bytes),
        labels: Labels::new(vec![("file".to_owned(), Value::from(path))]),
        content: Content::from(bytes.to_vec()),
        name: path.to_owned(),
        file: None,
    }
}

pub fn run(
    kind: &str,
    inputs: Vec<(&str, Vec<Input>)>,
    params: &[(&str, Value)],
) -> Result<Ran, NodeError> {
    let kind = CATALOG.kind(kind).unwrap();
    let mut values = kind.descriptor().defaults();
    for (name, value) in params {
        values.insert((*name).to_owned(), value.clone());
    }
    let (params, listening) = (Params::new(values), Listening::default());
    let inputs = inputs
        .into_iter()
        .map(|(port, inputs)| (port.to_owned(), inputs))
        .collect();
    let nowhere = PathBuf::from("/nowhere");
    let mut task = Task::new(&params, 0, inputs, &nowhere, &listening);
    kind.run(&mut task)?;
    let bytes = |(port, produced)| match produced {
        Produced::Bytes(bytes) => (port, bytes),
        Produced::Staged(path) => panic!("{port} is staged at {}", path.display()),
    };
    let outputs = task.into_produced().into_iter().map(bytes).collect();
    Ok(Ran {
        outputs,
        warnings: listening.0.into_inner().unwrap(),
    })
}

pub fn text(text: &str) -> Value {
    Value::from(text)
}

pub fn texts(list: &[&str]) -> Value {
    Value::List(list.iter().map(|text| Value::from(*text)).collect())
}

/// 23:00 on the 12th of July 1994, as ST7011 began.
pub fn evening() -> Start {
    Start::new(
        Date::new(1994, 7, 12).unwrap(),
        TimeOfDay::new(23, 0, 0, 0).unwrap(),
    )
}

/// A scoring: onset, duration, words.
pub fn hypnogram(patient: &str, start: Start, scored: &[(f64, f64, &str)]) -> Vec<u8> {
    let scored = scored
        .iter()
        .map(|&(onset, duration, text)| Annotation::new(onset, Some(duration), text));
    EdfWriter::new(Format::EDF_PLUS_C, 0.0)
        .patient(patient)
        .start(start)
        .annotations(AnnotationSet::new(scored.collect::<Vec<_>>()))
        .to_bytes()
        .unwrap()
}

/// Signals in the telemetry layout: records of 10 s, two channels at `rate_hz`, the marker at 10 Hz.
pub struct Psg {
    pub patient: &'static str,
    pub start: Start,
    pub rate_hz: usize,
    /// One value a second.
    pub marker: Vec<i16>,
    /// Whether the EEG stands still in a second.
    pub flat: Vec<bool>,
    /// When each record begins, s; empty for a continuous file.
    pub onsets: Vec<f64>,
}

impl Psg {
    pub fn of_seconds(seconds: usize) -> Self {
        Self {
            patient: "X M X Male_60yr",
            start: evening(),
            rate_hz: 20,
            marker: vec![1; seconds],
            flat: vec![false; seconds],
            onsets: Vec::new(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let per_second = |second: usize, of: usize| {
            if self.flat[second] {
                7
            } else {
                (of % 97) as i16
            }
        };
        let samples = 0..self.marker.len() * self.rate_hz;
        let eeg: Vec<i16> = samples
            .clone()
            .map(|at| per_second(at / self.rate_hz, at))
            .collect();
        let emg: Vec<i16> = samples.map(|at| (at % 31) as i16).collect();
        let marker: Vec<i16> = self.marker.iter().flat_map(|value| [*value; 10]).collect();
        let format = if self.onsets.is_empty() {
            Format::EDF
        } else {
            Format::EDF_PLUS_D
        };
        let channel = |label, samples| {
            NewSignal::new(label, self.rate_hz * 10, Samples::I16(samples))
                .unit("uV")
                .physical(-3000.0, 3000.0)
                .digital(-8192, 8191)
        };
        let marker = NewSignal::new("Marker", 100, Samples::I16(&marker))
            .unit("ID+M-E")
            .physical(-2048.0, 2047.0)
            .digital(-2048, 2047);
        let mut writer = EdfWriter::new(format, 10.0)
            .patient(self.patient)
            .start(self.start)
            .signal(channel("EEG Fpz-Cz", &eeg))
            .signal(channel("EMG submental", &emg))
            .signal(marker);
        if !self.onsets.is_empty() {
            writer = writer.record_onsets(self.onsets.clone());
        }
        writer.to_bytes().unwrap()
    }
}
