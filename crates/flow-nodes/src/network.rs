//! Networks in params and files: what `train`, `predict` and `lrp` share.

use flow_contract::{Input, NodeError, ParamProblem, Params, Value};
use flow_learn::network::Network;
use flow_learn::weights::{LayerWeights, Weights};

use crate::description::PRESET;
use crate::recordings::CLASSES;
use crate::tensor::{Tensors, TensorsBuilder};

/// The network a param `network` describes, for epochs of this size.
///
/// # Errors
/// A layer that can't be read or doesn't fit the one before.
pub fn network(
    params: &Params,
    channels: usize,
    time: usize,
    classes: usize,
) -> Result<Network, NodeError> {
    sized_network(&params.texts("network"), (channels, time), classes)
}

/// The network of these entries, for epochs of this size.
///
/// # Errors
/// As [`network`].
pub fn sized_network(
    entries: &[&str],
    (channels, time): (usize, usize),
    classes: usize,
) -> Result<Network, NodeError> {
    let network = match entries {
        [PRESET] => Network::ellis2021(channels, time, classes),
        entries => Network::parse(channels, time, entries).map_err(NodeError::new)?,
    };
    network.shapes().map_err(NodeError::new)?;
    Ok(network)
}

/// What is wrong with a param `network` before anything runs: whatever the epochs will be.
///
/// Only what is wrong for every number of channels up to 64 and very long epochs; the real size is checked
/// when the epochs are there.
pub fn network_problem(value: &Value) -> Option<ParamProblem> {
    const LONG: usize = 100_000;
    let entries: Vec<&str> = value.as_list()?.iter().filter_map(Value::as_text).collect();
    let error = |channels| -> Option<NodeError> {
        let network = sized_network(&entries, (channels, LONG), CLASSES.len());
        let classes = network.and_then(|network| network.classes().map_err(NodeError::new));
        classes.err()
    };
    let error = error(3).filter(|_| (1..=64).all(|channels| error(channels).is_some()))?;
    Some(problem(error))
}

/// The problem of a param `network` in words.
pub fn problem(error: NodeError) -> ParamProblem {
    ParamProblem {
        param: "network".to_owned(),
        what: error.what,
        help: "write layers such as \"conv 16 k5\", \"relu\", \"max-pool 2\", \"dense 64\", or \"ellis2021\""
            .to_owned(),
    }
}

/// Writes weights as safetensors, with the network's input and layers as the file's fact `network`.
///
/// # Errors
/// When a weight's shape does not fit the network, which is a bug.
pub fn write(network: &Network, weights: &Weights<f32>) -> Result<Vec<u8>, NodeError> {
    let entries = network.entries().join("\n");
    let fact = format!("{} {}\n{entries}", network.channels, network.time);
    let mut file = TensorsBuilder::new().fact("network", fact);
    for tensor in flow_learn::weights::tensors(network).map_err(NodeError::new)? {
        let name = format!("{}.{}", tensor.layer, tensor.part);
        let layer = weights.get(&tensor.layer);
        let layer = layer.ok_or_else(|| NodeError::new(format!("`{name}` was not trained")))?;
        file = file.f32(&name, &tensor.shape, numbers(layer, tensor.part));
    }
    file.build()
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// When the file has no such fact, or a tensor is missing or of another shape.
pub fn read(input: &Input) -> Result<(Network, Weights<f32>), NodeError> {
    let at = |error: NodeError| error.at(&input.name);
    let tensors = Tensors::read(&input.content).map_err(at)?;
    let fact = tensors.fact("network").ok_or_else(|| {
        at(NodeError::new(
            "the weights don't say which network they are of",
        ))
    })?;
    let (size, entries) = fact.split_once('\n').unwrap_or((fact, ""));
    let size: Vec<usize> = size
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[channels, time] = size.as_slice() else {
        return Err(at(NodeError::new(format!("`{fact}` is no network"))));
    };
    let entries: Vec<&str> = entries.lines().collect();
    let network = Network::parse(channels, time, &entries)
        .map_err(NodeError::new)
        .map_err(at)?;
    let mut weights = Weights::default();
    for tensor in flow_learn::weights::tensors(&network)
        .map_err(NodeError::new)
        .map_err(at)?
    {
        let name = format!("{}.{}", tensor.layer, tensor.part);
        let values = tensors.f32(&name).map_err(at)?.1.into_owned();
        let mut layer = weights.get(&tensor.layer).cloned().unwrap_or_default();
        *numbers_mut(&mut layer, tensor.part) = values;
        weights.insert(tensor.layer, layer);
    }
    weights
        .check(&network)
        .map_err(NodeError::new)
        .map_err(at)?;
    Ok((network, weights))
}

fn numbers<'a>(layer: &'a LayerWeights<f32>, part: &str) -> &'a [f32] {
    match part {
        "weight" => &layer.weight,
        "bias" => &layer.bias,
        "running_mean" => &layer.mean,
        _ => &layer.variance,
    }
}

fn numbers_mut<'a>(layer: &'a mut LayerWeights<f32>, part: &str) -> &'a mut Vec<f32> {
    match part {
        "weight" => &mut layer.weight,
        "bias" => &mut layer.bias,
        "running_mean" => &mut layer.mean,
        _ => &mut layer.variance,
    }
}
