//! `quality`: how good the explanations by one rule are, measured on some epochs of a fold.

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Foresight, Form, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec,
    ParamType, Params, PortType, Task, Value,
};
use flow_learn::epochs::Epochs;
use flow_learn::quality::{Explained, faithfulness_correlation, gini, pixel_flipping};
use flow_learn::relevance::{Start, Target, Walker};

use crate::backend::{BACKEND_PARAM, backend_class};
use crate::lrp::walker_of;
use crate::predict::{TEST_PARAM, WEIGHTS_PORT, fits};
use crate::recordings::{RECORDINGS_PORT, ZSCORED_PORT, read_all, select};
use crate::table::TableBuilder;
use crate::whereabouts::not_finite;

/// Measures of quality, each a mean over the epochs measured.
pub const QUALITY: PortType = PortType::new("quality", Form::Table);

/// Epochs measured at once.
const BATCH: usize = 8;
/// Pieces that a channel is cut into: what is taken away whole for the faithfulness.
const PIECES: usize = 10;

/// See the module's page.
pub struct Quality;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "quality",
    revision: 3,
    summary: "Measures explanations by taking away what they point at, on some test epochs of a fold.",
    example: r#"[node.quality]
kind = "quality"
weights = { file = "net.safetensors" }
epochs = { files = "zscored/*.safetensors" }
recordings = { file = "recordings.parquet" }
test = "s1 s2 s3"
rule = "epsilon(0.01)"
"#,
    inputs: &[WEIGHTS_PORT, ZSCORED_PORT, RECORDINGS_PORT],
    outputs: &[OutputPort {
        name: Cow::Borrowed("quality"),
        ty: QUALITY,
        doc: "measure, unit, value (mean over epochs), epochs: `fall of the probability` and `fall of the logit` (area over the curve while the most relevant samples are set to 0), `faithfulness` (correlation of a piece's relevance with what its loss costs the logit), `sparseness` (Gini index of |R|), `relevance kept` (Σ R over what was started with).",
    }],
    params: &[
        TEST_PARAM,
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "A rule or composite, as for `lrp`.",
        },
        ParamSpec {
            name: "most",
            ty: ParamType::Int {
                min: 1,
                max: 1_000_000,
            },
            default: Some(Literal::Int(16)),
            unit: "epochs",
            doc: "How many test epochs are measured, evenly spread; each costs about 45 predictions.",
        },
        ParamSpec {
            name: "steps",
            ty: ParamType::Int { min: 1, max: 1000 },
            default: Some(Literal::Int(10)),
            unit: "steps",
            doc: "Steps in which all samples are taken away.",
        },
        BACKEND_PARAM,
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Quality {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        crate::lrp::Lrp.check_param(name, value)
    }

    fn backend(&self, params: &Params) -> Option<String> {
        backend_class(params, "kernels-f32")
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::run_network)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = {
            let all = read_all(task)?;
            let (chosen, epochs) = select(&all, task.params.text("test"), "test")?;
            let (network, walker) = walker_of(task)?;
            fits(&network, chosen[0])?;
            let size = (network.channels, network.time);
            let told = |error| not_finite(&chosen).unwrap_or(error);
            let measured = measure(task, &walker, &epochs, size).map_err(told)?;
            table(&measured)?
        };
        task.give("quality", table);
        Ok(())
    }
}

/// Name, unit and the value of each epoch, in the order of measurement; NaN where undefined.
type Measures = [(&'static str, &'static str, Vec<f64>); 5];

fn measure(
    task: &Task<'_>,
    walker: &Walker<f32>,
    epochs: &Epochs<'_>,
    (channels, time): (usize, usize),
) -> Result<Measures, NodeError> {
    let chosen = spread(epochs.count(), task.params.count("most"));
    let per_step = (channels * time).div_ceil(task.params.count("steps"));
    let pieces = pieces(channels, time);
    let mut measures: Measures = [
        ("fall of the probability", "", Vec::new()),
        ("fall of the logit", "", Vec::new()),
        ("faithfulness", "correlation", Vec::new()),
        ("sparseness", "Gini index", Vec::new()),
        ("relevance kept", "", Vec::new()),
    ];
    for batch in chosen.chunks(BATCH) {
        if task.observer.should_stop() {
            return Err(NodeError::new("stopped"));
        }
        let signals = batch.iter().map(|&epoch| epochs.finite_signals(epoch));
        let signals = signals.collect::<Result<Vec<_>, _>>();
        let x: Vec<f32> = signals.map_err(NodeError::new)?.concat();
        let found = walker.explain(&x, Target::Predicted, Start::One);
        let found = found.map_err(NodeError::new)?;
        let rule = &found.rules[0];
        let explained = Explained {
            walker,
            x: &x,
            relevance: &rule.relevance,
            targets: &found.targets,
        };
        let flipped = pixel_flipping(explained, per_step).map_err(NodeError::new)?;
        let faithful = faithfulness_correlation(explained, &pieces).map_err(NodeError::new)?;
        measures[0]
            .2
            .extend(flipped.area_over(&flipped.probability));
        measures[1].2.extend(flipped.area_over(&flipped.logit));
        measures[2].2.extend(faithful);
        for (relevance, exponent) in rule.relevance.chunks(channels * time).zip(&rule.exponents) {
            let sum: f64 = relevance.iter().map(|value| f64::from(*value)).sum();
            measures[3].2.push(gini(relevance));
            measures[4].2.push(sum * f64::from(*exponent).exp2());
        }
        let done = measures[0].2.len();
        task.observer
            .progress(done as u64, chosen.len() as u64, "epochs measured");
    }
    Ok(measures)
}

/// At most `most` of `count` positions, evenly spread, the first among them.
fn spread(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken).map(|at| at * count / taken.max(1)).collect()
}

/// The places of each piece of each channel, `channel · time + t`.
fn pieces(channels: usize, time: usize) -> Vec<Vec<usize>> {
    let cut = |piece: usize| piece * time / PIECES;
    let of_channel = |channel: usize| {
        (0..PIECES).map(move |piece| {
            (cut(piece)..cut(piece + 1))
                .map(|t| channel * time + t)
                .collect::<Vec<_>>()
        })
    };
    let all = (0..channels).flat_map(of_channel);
    all.filter(|piece| !piece.is_empty()).collect()
}

fn table(measures: &Measures) -> Result<Vec<u8>, NodeError> {
    let defined = |values: &[f64]| -> Vec<f64> {
        values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect()
    };
    let mean = |values: &[f64]| {
        let values = defined(values);
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let names: Vec<&str> = measures.iter().map(|(name, ..)| *name).collect();
    let units: Vec<&str> = measures.iter().map(|(_, unit, _)| *unit).collect();
    let values: Vec<Option<f64>> = measures.iter().map(|(.., each)| mean(each)).collect();
    let epochs: Vec<i64> = measures
        .iter()
        .map(|(.., each)| defined(each).len() as i64)
        .collect();
    TableBuilder::new()
        .text("measure", &names)
        .text("unit", &units)
        .maybe("value", &values)
        .int("epochs", &epochs)
        .parquet()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_epochs_are_spread_over_all() {
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert_eq!(spread(3, 16), [0, 1, 2]);
        assert!(spread(0, 4).is_empty());
    }

    #[test]
    fn pieces_cover_every_sample_once() {
        for time in [1, 7, 10, 3001] {
            let mut places: Vec<usize> = pieces(2, time).concat();
            places.sort_unstable();
            assert_eq!(places, (0..2 * time).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_undefined_value_leaves_the_mean() {
        let mut measures: Measures = [(); 5].map(|()| ("a", "", vec![1.0, f64::NAN, 2.0]));
        measures[1].2 = vec![f64::NAN];
        let table = crate::table::Table::read(&table(&measures).unwrap()).unwrap();
        assert_eq!(table.floats("value").unwrap()[..2], [Some(1.5), None]);
        assert_eq!(table.ints("epochs").unwrap()[..2], [2, 0]);
    }
}
