//! `predict`: what a fold's network says of its test subjects.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Foresight, Form, InputPort, Kind, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_learn::network::Network;
use flow_learn::predict::{PredictError, predict_epochs, predicted_class, softmax};

use crate::backend::{BACKEND_PARAM, backend, backend_class, check_backend};
use crate::recordings::{RECORDINGS_PORT, Recorded, ZSCORED_PORT, read_all, select};
use crate::table::TableBuilder;
use crate::train::WEIGHTS;
use crate::whereabouts::{epoch_in_words, not_finite};

/// One row a test epoch: where it is from, its true and its predicted class.
pub const PREDICTIONS: PortType = PortType::new("predictions", Form::Table);

/// The weights of a trained network.
pub const WEIGHTS_PORT: InputPort = InputPort {
    name: Cow::Borrowed("weights"),
    ty: WEIGHTS,
    arity: Arity::One,
    doc: "The trained network.",
};

/// The test subjects of the fold.
pub const TEST_PARAM: ParamSpec = ParamSpec {
    name: "test",
    ty: ParamType::Text,
    default: None,
    unit: "",
    doc: "Test subjects, separated by spaces.",
};

/// See the module's page.
pub struct Predict;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "predict",
    revision: 1,
    summary: "Classifies the epochs of a fold's test subjects.",
    example: r#"[node.predicted]
kind = "predict"
weights = { file = "weights.safetensors" }
epochs = { files = "zscored/*.safetensors" }
recordings = { file = "recordings.parquet" }
test = "06 07"                                  # subjects; in a study "$fold.test"
"#,
    inputs: &[WEIGHTS_PORT, ZSCORED_PORT, RECORDINGS_PORT],
    outputs: &[OutputPort {
        name: Cow::Borrowed("predictions"),
        ty: PREDICTIONS,
        doc: "recording, subject, epoch, onset [s], true, predicted, and the probability of each class.",
    }],
    params: &[TEST_PARAM, BACKEND_PARAM],
    seeded: false,
    open_ports: false,
};

impl Kind for Predict {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        check_backend(name, value)
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
            let (network, weights) = crate::network::read(task.input("weights")?)?;
            fits(&network, chosen[0])?;
            let mut logits = predict_epochs(&network, &weights, &epochs, backend(task)?)
                .map_err(|error| told(error, &chosen))?;
            let classes = &chosen[0].classes;
            let predicted: Vec<usize> = logits.chunks(classes.len()).map(predicted_class).collect();
            softmax(&mut logits, classes.len());
            let mut table = epoch_columns(&chosen).text(
                "predicted",
                &predicted
                    .iter()
                    .map(|&class| &classes[class])
                    .collect::<Vec<_>>(),
            );
            for (class, name) in classes.iter().enumerate() {
                let of = logits
                    .chunks(classes.len())
                    .map(|row| f64::from(row[class]));
                table = table.float(&format!("probability_{name}"), &of.collect::<Vec<_>>());
            }
            table.parquet()?
        };
        task.give("predictions", table);
        Ok(())
    }
}

/// The error, with the recording and the epoch that it is of.
fn told(error: PredictError, chosen: &[&Recorded<'_>]) -> NodeError {
    match error {
        PredictError::NotFinite { epoch } => {
            let place = epoch_in_words(chosen, epoch);
            NodeError::new(format!("{place}: a logit is not finite"))
        }
        error => not_finite(chosen).unwrap_or_else(|| NodeError::new(error)),
    }
}

/// Refuses a network that does not take such epochs, or does not say one number a class.
///
/// # Errors
/// With both numbers.
pub fn fits(network: &Network, epochs: &Recorded<'_>) -> Result<(), NodeError> {
    let (channels, classes) = (&epochs.channels, &epochs.classes);
    if (network.channels, network.time) != (channels.len(), epochs.time) {
        let takes = format!("{} channels × {} samples", network.channels, network.time);
        let what = format!(
            "the network takes {takes}, the epochs have {} × {}",
            channels.len(),
            epochs.time
        );
        let help = "connect weights that were trained on epochs of this size";
        return Err(NodeError::new(what).help(help));
    }
    let found = network.classes().map_err(NodeError::new)?;
    if found == classes.len() {
        return Ok(());
    }
    let what = format!(
        "the network has {found} outputs, but there are {} classes",
        classes.len()
    );
    Err(NodeError::new(what)
        .because(format!("the epochs are of {}", classes.join(", ")))
        .help("give the network's last layer one output a class"))
}

/// The columns that say where epochs are from: recording, subject, epoch, onset, true.
pub fn epoch_columns(chosen: &[&Recorded<'_>]) -> TableBuilder {
    let each = |of: &dyn Fn(&Recorded<'_>) -> String| -> Vec<String> {
        chosen
            .iter()
            .flat_map(|one| std::iter::repeat_n(of(one), one.count()))
            .collect()
    };
    let index: Vec<i64> = chosen
        .iter()
        .flat_map(|one| 0..one.count() as i64)
        .collect();
    let onset: Vec<f64> = chosen
        .iter()
        .flat_map(|one| one.onset.iter().copied())
        .collect();
    let truth: Vec<&str> = chosen
        .iter()
        .flat_map(|one| {
            one.stage
                .iter()
                .map(|&of| one.classes[usize::from(of)].as_str())
        })
        .collect();
    let builder = TableBuilder::new();
    let classes = chosen.first().map(|one| one.classes.as_slice());
    builder
        .classes(classes.unwrap_or_default())
        .text("recording", &each(&|one| one.recording.clone()))
        .text("subject", &each(&|one| one.subject.clone()))
        .int("epoch", &index)
        .float("onset", &onset)
        .text("true", &truth)
}
