//! `lrp`: relevance of every test epoch by one rule, summed per modality.

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Foresight, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec,
    ParamType, Params, PortType, Task, Value,
};
use flow_learn::composite::Composite;
use flow_learn::epochs::Epochs;
use flow_learn::network::Network;
use flow_learn::relevance::Walker;

use crate::backend::{BACKEND_PARAM, backend, backend_class, check_backend};
use crate::maps::Maps;
use crate::predict::{TEST_PARAM, WEIGHTS_PORT, epoch_columns, fits};
use crate::recordings::{RECORDINGS_PORT, RELEVANCE, Recorded, ZSCORED_PORT, read_all, select};
use crate::walk::{Question, Samples, Walked, walk};
use crate::whereabouts::epoch_in_words;

/// Relevance maps of one or more rules.
pub const MAPS: PortType = PortType::tensor("relevance maps", "epoch, channel, time", "relevance");

/// See the module's page.
pub struct Lrp;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "lrp",
    revision: 3,
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
        BACKEND_PARAM,
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
            None => check_backend(name, value),
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(ParamProblem {
                param: name.to_owned(),
                what: error.to_string(),
                help: "write a rule such as `epsilon(0.01)` or `alpha-beta(1,0)`, or a preset such as `epsilon-plus`".to_owned(),
            }),
        }
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
            let classes = &chosen[0].classes;
            let (network, walker) = walker_of(task)?;
            fits(&network, chosen[0])?;
            let walked = explained(task, &walker, (&chosen, &epochs), None)?;
            let predicted: Vec<&str> = walked
                .predicted
                .iter()
                .map(|&c| classes[c].as_str())
                .collect();
            let mut table = epoch_columns(&chosen).text("predicted", &predicted);
            let [sums] = &walked.rules[..] else {
                return Err(NodeError::new("one rule was walked, and not one came back"));
            };
            for (prefix, values) in [("absolute", &sums.absolute), ("signed", &sums.signed)] {
                for modality in chosen[0].modalities() {
                    let of = sum_of_modality(values, &chosen[0].channels, &modality);
                    table = table.float(&format!("{prefix}_{modality}"), &of);
                }
            }
            table.parquet()?
        };
        task.give("relevance", table);
        Ok(())
    }
}

/// The sum over the channels of a modality, for each epoch.
fn sum_of_modality(values: &[f64], channels: &[String], modality: &str) -> Vec<f64> {
    let of_epoch = |epoch: &[f64]| {
        let mine = epoch.iter().zip(channels);
        mine.filter(|(_, of)| *of == modality)
            .map(|(value, _)| value)
            .sum()
    };
    values.chunks(channels.len()).map(of_epoch).collect()
}

/// The network on the port `weights`, and its walker by the param `rule` on the param `backend`.
///
/// # Errors
/// Weights that can't be read; a rule that doesn't fit the network; a machine without the backend.
pub fn walker_of(task: &Task<'_>) -> Result<(Network, Walker<f32>), NodeError> {
    let (network, weights) = crate::network::read(task.input("weights")?)?;
    let rule = Composite::parse(task.params.text("rule")).map_err(NodeError::new)?;
    let walker = Walker::new(&network, &weights, &[rule]).map_err(NodeError::new)?;
    let walker = walker.on(backend(task)?).map_err(NodeError::new)?;
    Ok((network, walker))
}

/// Walks the epochs by the task's target and start.
fn explained(
    task: &Task<'_>,
    walker: &Walker<f32>,
    (chosen, epochs): (&[&Recorded<'_>], &Epochs<'_>),
    maps: Option<&mut Maps>,
) -> Result<Walked, NodeError> {
    let samples = Samples {
        count: epochs.count(),
        channels: &chosen[0].channels,
        time: chosen[0].time,
        append: &|n, x| x.extend_from_slice(epochs.signals(n)),
        label: &|n| usize::from(epochs.label(n)),
        place: &|n| epoch_in_words(chosen, n),
    };
    let question = Question::of(task.params, 0);
    walk(walker, &samples, question, task.observer, maps)
}

/// The whole maps of what [`Lrp`] sums up.
pub struct RelevanceMaps;

static MAPS_DESCRIPTOR: Descriptor = Descriptor {
    name: "relevance-maps",
    revision: 2,
    summary: "Layer-wise relevance propagation as `lrp`, giving the maps themselves.",
    example: r#"[node.maps]
kind = "relevance-maps"
weights = { file = "weights.safetensors" }
epochs = { files = "zscored/*.safetensors" }
recordings = { file = "recordings.parquet" }
test = "06 07"
rule = "epsilon(0.01)"
"#,
    inputs: DESCRIPTOR.inputs,
    outputs: &[OutputPort {
        name: Cow::Borrowed("maps"),
        ty: MAPS,
        doc: "`<rule>` [epoch, channel, time], in units of 2^`<rule>.exponent` [epoch]; epochs in the order of `lrp`.",
    }],
    params: DESCRIPTOR.params,
    seeded: false,
    open_ports: false,
};

impl Kind for RelevanceMaps {
    fn descriptor(&self) -> &Descriptor {
        &MAPS_DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        Lrp.check_param(name, value)
    }

    fn backend(&self, params: &Params) -> Option<String> {
        Lrp.backend(params)
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::run_network)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let path = task.stage("maps");
        let all = read_all(task)?;
        let (chosen, epochs) = select(&all, task.params.text("test"), "test")?;
        let rule = [task.params.text("rule").to_owned()];
        let shape = [epochs.count(), chosen[0].channels.len(), chosen[0].time];
        let facts = [("channels", chosen[0].channels.join("\t"))];
        let mut maps = Maps::create(&path, &rule, shape, &facts)?;
        let (network, walker) = walker_of(task)?;
        fits(&network, chosen[0])?;
        explained(task, &walker, (&chosen, &epochs), Some(&mut maps)).map(drop)
    }
}
