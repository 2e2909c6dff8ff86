//! The state of a training after a training epoch, as bytes.
//!
//! A safetensors file: the weights as they are (`now.…`) and at their best (`best.…`), burn's
//! record of the optimiser, the history, and the training it belongs to.

use super::{Training, TrainingEpoch};
use crate::weights::{LayerWeights, Weights, part, tensors};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// Raised when the meaning of the bytes changes.
const REVISION: u32 = 2;
/// Numbers of one training epoch in the history.
const COLUMNS: usize = 6;

/// What a training needs to go on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub weights: Weights<f32>,
    pub best: Weights<f32>,
    /// burn's record of the optimiser.
    pub optimiser: Vec<u8>,
    pub history: Vec<TrainingEpoch>,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The bytes are no checkpoint, or a damaged one.
    #[error("the checkpoint is damaged: {reason}")]
    Damaged {
        /// What doesn't read.
        reason: String,
    },
    /// The checkpoint is of a training with another network, settings, seed or number of epochs.
    #[error("the checkpoint is another training's")]
    OtherTraining,
    /// The optimiser's state can't be written or read.
    #[error("the optimiser's state can't be kept")]
    Optimiser,
}

/// The state as bytes; the same state gives the same bytes.
pub(super) fn write(training: &Training<'_>, state: &State) -> Result<Vec<u8>, CheckpointError> {
    let mut tensors = vec![
        (
            "history".to_owned(),
            Dtype::F64,
            vec![state.history.len(), COLUMNS],
            history_bytes(state),
        ),
        (
            "optimiser".to_owned(),
            Dtype::U8,
            vec![state.optimiser.len()],
            state.optimiser.clone(),
        ),
    ];
    for (prefix, weights) in [("now", &state.weights), ("best", &state.best)] {
        for wanted in needed(training)? {
            let layer = weights
                .get(&wanted.layer)
                .ok_or_else(|| damaged("a layer is missing"))?;
            let numbers = part(layer, wanted.part);
            let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            let name = format!("{prefix}.{}.{}", wanted.layer, wanted.part);
            tensors.push((name, Dtype::F32, wanted.shape, bytes));
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        TensorView::new(*dtype, shape.clone(), bytes)
            .map(|view| (name.as_str(), view))
            .map_err(damaged)
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    let about = HashMap::from([("training".to_owned(), identity(training))]);
    safetensors::serialize(views, Some(about)).map_err(damaged)
}

/// Reads what [`write`] wrote for the same training.
pub(super) fn read(training: &Training<'_>, bytes: &[u8]) -> Result<State, CheckpointError> {
    let (_, about) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let of = about
        .metadata()
        .as_ref()
        .and_then(|about| about.get("training"));
    if of != Some(&identity(training)) {
        return Err(CheckpointError::OtherTraining);
    }
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let history = numbers::<8>(&file, "history")?
        .into_iter()
        .map(f64::from_le_bytes)
        .collect();
    let optimiser = file.tensor("optimiser").map_err(damaged)?.data().to_vec();
    let (weights, best) = (
        weights(training, &file, "now")?,
        weights(training, &file, "best")?,
    );
    Ok(State {
        weights,
        best,
        optimiser,
        history: history_of(history),
    })
}

fn weights(
    training: &Training<'_>,
    file: &SafeTensors<'_>,
    prefix: &str,
) -> Result<Weights<f32>, CheckpointError> {
    let mut weights = Weights::default();
    for wanted in needed(training)? {
        let name = format!("{prefix}.{}.{}", wanted.layer, wanted.part);
        let found: Vec<f32> = numbers::<4>(file, &name)?
            .into_iter()
            .map(f32::from_le_bytes)
            .collect();
        let mut layer: LayerWeights<f32> = weights.get(&wanted.layer).cloned().unwrap_or_default();
        match wanted.part {
            "weight" => layer.weight = found,
            "bias" => layer.bias = found,
            "running_mean" => layer.mean = found,
            _ => layer.variance = found,
        }
        weights.insert(wanted.layer, layer);
    }
    weights.check(training.network).map_err(damaged)?;
    Ok(weights)
}

fn needed(training: &Training<'_>) -> Result<Vec<crate::weights::Tensor>, CheckpointError> {
    tensors(training.network).map_err(damaged)
}

fn numbers<const N: usize>(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<Vec<[u8; N]>, CheckpointError> {
    let tensor = file.tensor(name).map_err(damaged)?;
    let (whole, rest) = tensor.data().as_chunks::<N>();
    if !rest.is_empty() {
        return Err(damaged(format!("`{name}` has a wrong length")));
    }
    Ok(whole.to_vec())
}

fn history_bytes(state: &State) -> Vec<u8> {
    let row = |e: &TrainingEpoch| {
        [
            e.number as f64,
            e.loss,
            e.accuracy,
            e.val_loss,
            e.val_accuracy,
            e.learning_rate,
        ]
    };
    state
        .history
        .iter()
        .flat_map(row)
        .flat_map(f64::to_le_bytes)
        .collect()
}

fn history_of(numbers: Vec<f64>) -> Vec<TrainingEpoch> {
    let (rows, _) = numbers.as_chunks::<COLUMNS>();
    let epoch = |&[
        number,
        loss,
        accuracy,
        val_loss,
        val_accuracy,
        learning_rate,
    ]: &[f64; COLUMNS]| {
        TrainingEpoch {
            number: number as usize,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
        }
    };
    rows.iter().map(epoch).collect()
}

/// The words that say which training a checkpoint belongs to.
fn identity(training: &Training<'_>) -> String {
    format!(
        "revision {REVISION}, seed {}, {} epochs, {} to validate, [{}, {}] {}, {}, {:?}",
        training.seed,
        training.train.count(),
        training.validation.count(),
        training.network.channels,
        training.network.time,
        training.network.entries().join("; "),
        training.backend.name(),
        training.settings,
    )
}

fn damaged(reason: impl ToString) -> CheckpointError {
    CheckpointError::Damaged {
        reason: reason.to_string(),
    }
}
