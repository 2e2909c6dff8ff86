//! `simulate-arrays`: windows of any channels and classes with planted truth, as numpy arrays.

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Form, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec, ParamType,
    Params, PortType, Task, Value, derive_seed,
};
use flow_simulate::{WindowParameters, simulate_windows};

use crate::figures::distinct;
use crate::npz::{Array, npz};
use crate::table::TableBuilder;

/// See the module's page.
pub struct SimulateArrays;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "simulate-arrays",
    revision: 1,
    summary: "Simulates one recording of any channels and classes with planted truth, as an npz file.",
    example: r#"
[node.worn]
kind = "simulate-arrays"
recording = "p01"
channels = ["accelerometer", "accelerometer", "accelerometer", "ECG"]
rate = 50                                       # Hz
seconds = 4
carries = { rest = { ECG = 1.0 }, walk = { accelerometer = 1.0 } }
rhythm = { rest = 1.2, walk = 2.0 }             # Hz
publish = { arrays = "p01.npz" }
"#,
    inputs: &[],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("arrays"),
            ty: PortType::new("arrays", Form::File),
            doc: "npz: `x` float32 [epoch, channel, time], `y` int64 [epoch]: the class, from 0, by name.",
        },
        OutputPort {
            name: Cow::Borrowed("truth"),
            ty: PortType::new("truth", Form::Table),
            doc: "What was planted: name and value, as in `weight.walk.ECG`.",
        },
    ],
    params: &[
        ParamSpec {
            name: "recording",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The name of the recording; each name has random numbers of its own.",
        },
        ParamSpec {
            name: "channels",
            ty: ParamType::List(&ParamType::Text),
            default: None,
            unit: "",
            doc: "The modality of each channel.",
        },
        ParamSpec {
            name: "rate",
            ty: ParamType::Float {
                min: 0.001,
                max: 1e6,
            },
            default: None,
            unit: "Hz",
            doc: "Samples per second.",
        },
        ParamSpec {
            name: "seconds",
            ty: ParamType::Float {
                min: 0.001,
                max: 86_400.0,
            },
            default: None,
            unit: "s",
            doc: "The length of a window.",
        },
        ParamSpec {
            name: "windows",
            ty: ParamType::Int {
                min: 1,
                max: 1_000_000,
            },
            default: Some(Literal::Int(60)),
            unit: "windows",
            doc: "How many windows the recording has.",
        },
        ParamSpec {
            name: "bout",
            ty: ParamType::Int {
                min: 1,
                max: 1_000_000,
            },
            default: Some(Literal::Int(5)),
            unit: "windows",
            doc: "How many windows in a row have one class.",
        },
        ParamSpec {
            name: "carries",
            ty: ParamType::Map(&ParamType::Map(&ParamType::Float {
                min: 0.0,
                max: 100.0,
            })),
            default: None,
            unit: "",
            doc: "For each class and modality the RMS of the class's rhythm; the noise has 1. What is not written is 0.",
        },
        ParamSpec {
            name: "rhythm",
            ty: ParamType::Map(&ParamType::Float { min: 0.0, max: 1e6 }),
            default: None,
            unit: "Hz",
            doc: "The rhythm of each class, below half the rate.",
        },
    ],
    seeded: true,
    open_ports: false,
};

impl Kind for SimulateArrays {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        parameters(params, 0).map(drop).map_err(|one| vec![one])
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let recording = task.params.text("recording");
        let seed = derive_seed(task.seed, &["simulate-arrays", recording]);
        let (asked, truth) = parameters(task.params, seed)
            .map_err(|problem| NodeError::new(problem.what).help(problem.help))?;
        let made = simulate_windows(&asked);
        let class: Vec<i64> = made.class.iter().map(|&class| class as i64).collect();
        let arrays = [
            Array {
                name: "x".to_owned(),
                descr: "<f4".to_owned(),
                shape: vec![asked.windows, asked.channels.len(), asked.samples],
                bytes: bytemuck::cast_slice(&made.x).into(),
            },
            Array {
                name: "y".to_owned(),
                descr: "<i8".to_owned(),
                shape: vec![asked.windows],
                bytes: bytemuck::cast_slice(&class).into(),
            },
        ];
        task.give("arrays", npz(&arrays)?);
        let (names, values): (Vec<String>, Vec<f64>) = truth.into_iter().unzip();
        let table = TableBuilder::new()
            .text("name", &names)
            .float("value", &values);
        task.give("truth", table.parquet()?);
        Ok(())
    }
}

/// The most numbers that one recording may have, 4 GiB of them.
const MOST_NUMBERS: usize = 1 << 30;

/// What is planted, by name.
type Truth = Vec<(String, f64)>;

fn parameters(params: &Params, seed: u64) -> Result<(WindowParameters, Truth), ParamProblem> {
    let channels: Vec<String> = params
        .texts("channels")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let modalities = distinct(&channels);
    let (rate_hz, seconds) = (params.float("rate"), params.float("seconds"));
    let samples = (rate_hz * seconds).round() as usize;
    if channels.is_empty() || samples == 0 {
        return Err(problem(
            "channels",
            "a window has no samples",
            "name a channel, and a longer window",
        ));
    }
    let windows = params.count("windows");
    small_enough([windows, channels.len(), samples])?;
    let (weights, rhythm_hz, truth) = classes(params, &modalities, rate_hz)?;
    let asked = WindowParameters {
        seed,
        windows,
        bout: params.count("bout"),
        samples,
        rate_hz,
        channels: channels
            .iter()
            .filter_map(|of| modalities.iter().position(|one| one == of))
            .collect(),
        rhythm_hz,
        weights,
    };
    Ok((asked, truth))
}

/// Refuses what no memory holds: an allocation that fails would end the whole run.
fn small_enough([windows, channels, samples]: [usize; 3]) -> Result<(), ParamProblem> {
    let numbers = windows.saturating_mul(channels).saturating_mul(samples);
    if numbers <= MOST_NUMBERS {
        return Ok(());
    }
    Err(problem(
        "windows",
        &format!(
            "{windows} windows of {channels} channels with {samples} samples are more than {MOST_NUMBERS} numbers"
        ),
        "make fewer or shorter windows, and more recordings",
    ))
}

/// What each class is like: its weights by modality, its rhythm, and both said as what is planted.
type Classes = (Vec<Vec<f64>>, Vec<f64>, Truth);

fn classes(params: &Params, modalities: &[String], rate_hz: f64) -> Result<Classes, ParamProblem> {
    let (mut weights, mut rhythm_hz, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for (class, row) in params.value("carries").as_map().into_iter().flatten() {
        let of_class = weights_of(row, modalities)?;
        let named = modalities
            .iter()
            .map(|modality| format!("weight.{class}.{modality}"));
        truth.extend(named.zip(of_class.iter().copied()));
        weights.push(of_class);
        rhythm_hz.push(rhythm(params, class, rate_hz)?);
    }
    if weights.len() < 2 {
        return Err(problem(
            "carries",
            "there are fewer than two classes",
            "write a row for each class",
        ));
    }
    Ok((weights, rhythm_hz, truth))
}

/// The weight of each modality in a row of `carries`, 0 where none is written.
fn weights_of(row: &Value, modalities: &[String]) -> Result<Vec<f64>, ParamProblem> {
    let row = row.as_map();
    let mut names = row.into_iter().flatten().map(|(name, _)| name);
    if let Some(name) = names.find(|name| !modalities.contains(name)) {
        let known = format!("the channels are of {}", modalities.join(", "));
        return Err(problem(
            "carries",
            &format!("no channel is of `{name}`"),
            &known,
        ));
    }
    let weight = |modality: &String| row.and_then(|row| row.get(modality)?.as_float());
    Ok(modalities
        .iter()
        .map(|modality| weight(modality).unwrap_or(0.0))
        .collect())
}

fn rhythm(params: &Params, class: &str, rate_hz: f64) -> Result<f64, ParamProblem> {
    let found = params
        .value("rhythm")
        .as_map()
        .and_then(|map| map.get(class)?.as_float());
    match found {
        Some(hertz) if hertz < rate_hz / 2.0 => Ok(hertz),
        Some(hertz) => Err(problem(
            "rhythm",
            &format!("class `{class}` has {hertz} Hz"),
            &format!(
                "at {rate_hz} Hz a rhythm must be slower than {} Hz",
                rate_hz / 2.0
            ),
        )),
        None => Err(problem(
            "rhythm",
            &format!("class `{class}` has no rhythm"),
            "give each class of `carries` one",
        )),
    }
}

fn problem(param: &str, what: &str, help: &str) -> ParamProblem {
    ParamProblem {
        param: param.to_owned(),
        what: what.to_owned(),
        help: help.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_memory_holds_is_refused_before_it_is_asked_for() {
        assert_eq!(small_enough([1 << 10, 1 << 10, 1 << 10]), Ok(()));
        let refused = |sizes| small_enough(sizes).unwrap_err().what;
        assert_eq!(
            refused([1_000_000, 2, 86_400_000_000]),
            "1000000 windows of 2 channels with 86400000000 samples are more than 1073741824 numbers"
        );
        assert!(refused([1 << 40, 1 << 40, 1 << 40]).ends_with("numbers"));
    }
}
