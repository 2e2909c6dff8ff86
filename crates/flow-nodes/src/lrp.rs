//! `lrp`: relevance of every test epoch by one rule, summed per modality.

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec, ParamType, Params,
    Task, Value,
};
use flow_learn::composite::Composite;
use flow_learn::epochs::Epochs;
use flow_learn::relevance::{Start, Target, Walker};

use crate::predict::{TEST_PARAM, WEIGHTS_PORT, epoch_columns};
use crate::recordings::{CLASSES, RECORDINGS_PORT, RELEVANCE, ZSCORED_PORT, read_all, select};

/// See the module's page.
pub struct Lrp;

/// Epochs explained at once: enough for all cores, little enough to stay in cache.
const BATCH: usize = 32;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "lrp",
    revision: 1,
    summary: "Layer-wise relevance propagation for the epochs of a fold's test subjects.",
    example: r#"[node.relevance]
kind = "lrp"
for_each = { rule = ["epsilon(0.01)", "alpha-beta(1,0)"] }
weights = { file = "weights.safetensors" }
epochs = { files = "zscored/*.safetensors" }
recordings = { file = "recordings.parquet" }
test = "06 07"
rule = "$rule"
"#,
    inputs: &[WEIGHTS_PORT, ZSCORED_PORT, RECORDINGS_PORT],
    outputs: &[OutputPort {
        name: Cow::Borrowed("relevance"),
        ty: RELEVANCE,
        doc: "recording, subject, epoch, onset [s], true, predicted, absolute_<modality> = Σ|R|, signed_<modality> = ΣR.",
    }],
    params: &[
        TEST_PARAM,
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "A rule or composite, as in `epsilon(0.01)`, `alpha-beta(1,0)`, `epsilon-plus`.",
        },
        ParamSpec {
            name: "target",
            ty: ParamType::Choice(&["predicted", "true"]),
            default: Some(Literal::Text("predicted")),
            unit: "",
            doc: "Which class is explained.",
        },
        ParamSpec {
            name: "start",
            ty: ParamType::Choice(&["one", "logit"]),
            default: Some(Literal::Text("one")),
            unit: "",
            doc: "The relevance the walk starts with: 1, or the logit.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Lrp {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        let text = value.as_text().filter(|_| name == "rule");
        match text.map(Composite::parse) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(ParamProblem {
                param: name.to_owned(),
                what: error.to_string(),
                help: "write a rule such as `epsilon(0.01)` or `alpha-beta(1,0)`, or a preset such as `epsilon-plus`".to_owned(),
            }),
        }
    }

    fn backend(&self, _params: &Params) -> Option<String> {
        Some("kernels-f32".to_owned())
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let table = {
            let all = read_all(task)?;
            let (chosen, epochs) = select(&all, task.params.text("test"), "test")?;
            let (network, weights) = crate::network::read(task.input("weights")?)?;
            let rule = Composite::parse(task.params.text("rule")).map_err(NodeError::new)?;
            let walker = Walker::new(&network, &weights, &[rule]).map_err(NodeError::new)?;
            let sums = explain(task, &walker, &epochs, network.channels, network.time)?;
            let predicted: Vec<&str> = sums.predicted.iter().map(|class| CLASSES[*class]).collect();
            let mut table = epoch_columns(&chosen).text("predicted", &predicted);
            for (prefix, values) in [("absolute", &sums.absolute), ("signed", &sums.signed)] {
                for (channel, modality) in chosen[0].channels.iter().enumerate() {
                    let of: Vec<f64> = values
                        .iter()
                        .skip(channel)
                        .step_by(network.channels)
                        .copied()
                        .collect();
                    table = table.float(&format!("{prefix}_{modality}"), &of);
                }
            }
            table.parquet()?
        };
        task.give("relevance", table);
        Ok(())
    }
}

/// Relevance summed over the time of each channel, `[epoch, channel]`.
#[derive(Default)]
struct Sums {
    predicted: Vec<usize>,
    absolute: Vec<f64>,
    signed: Vec<f64>,
}

fn explain(
    task: &Task<'_>,
    walker: &Walker<f32>,
    epochs: &Epochs<'_>,
    channels: usize,
    time: usize,
) -> Result<Sums, NodeError> {
    let logit = task.params.text("start") == "logit";
    let truth = task.params.text("target") == "true";
    let mut sums = Sums::default();
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    for from in (0..epochs.count()).step_by(BATCH) {
        if task.observer.should_stop() {
            return Err(NodeError::new("stopped"));
        }
        let batch = from..(from + BATCH).min(epochs.count());
        x.clear();
        labels.clear();
        for epoch in batch.clone() {
            x.extend_from_slice(epochs.signals(epoch));
            labels.push(usize::from(epochs.label(epoch)));
        }
        let target = if truth {
            Target::True(&labels)
        } else {
            Target::Predicted
        };
        let start = if logit { Start::Logit } else { Start::One };
        let explained = walker.explain(&x, target, start).map_err(NodeError::new)?;
        sums.predicted.extend(
            explained
                .logits
                .chunks(CLASSES.len())
                .map(flow_learn::predict::predicted_class),
        );
        let rule = &explained.rules[0];
        for (epoch, relevance) in rule.relevance.chunks(channels * time).enumerate() {
            // Relevance comes in units of a power of two of its own, so that ε = 100 does not underflow.
            let unit = f64::from(rule.exponents[epoch]).exp2();
            for channel in relevance.chunks(time) {
                let absolute: f64 = channel.iter().map(|value| f64::from(value.abs())).sum();
                let signed: f64 = channel.iter().map(|value| f64::from(*value)).sum();
                sums.absolute.push(absolute * unit);
                sums.signed.push(signed * unit);
            }
        }
        task.observer
            .progress(batch.end as u64, epochs.count() as u64, "epochs explained");
    }
    Ok(sums)
}
