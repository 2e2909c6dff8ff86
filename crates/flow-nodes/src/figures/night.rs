//! `figure-night`: Figure 3, stages, signals and shares over one recording.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Task,
};
use flow_figures::{Night, NightEpoch, Signal, night};

use super::{OUTPUTS, give};
use crate::recordings::{EPOCHS, Recorded, recording_of};
use crate::shares::LOCAL_SHARES;
use crate::table::Table;

/// See the module's page.
pub struct FigureNight;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-night",
    revision: 3,
    summary: "Draws true and predicted classes, the signals and the shares over a recording (Figure 3).",
    example: r#"[node.figure3]
kind = "figure-night"
epochs = { files = "epochs/*.safetensors" }
shares = { file = "local shares.parquet" }
rule = "alpha-beta(1,0)"
recording = "ST7011"
from = 30
to = 90
publish = { figure = "figure 3.svg" }
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("epochs"),
            ty: EPOCHS,
            arity: Arity::Many,
            doc: "Epochs of the recordings, in µV.",
        },
        InputPort {
            name: Cow::Borrowed("shares"),
            ty: LOCAL_SHARES,
            arity: Arity::One,
            doc: "Shares of every test epoch by one rule.",
        },
    ],
    outputs: OUTPUTS,
    params: &[
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The rule's name, for the title.",
        },
        ParamSpec {
            name: "recording",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "Which recording; empty for the first that was tested.",
        },
        ParamSpec {
            name: "fold",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "Which fold's network; empty for the first that tested the recording.",
        },
        ParamSpec {
            name: "from",
            ty: ParamType::Float { min: 0.0, max: 1e6 },
            default: Some(Literal::Float(0.0)),
            unit: "min",
            doc: "Where the window begins.",
        },
        ParamSpec {
            name: "to",
            ty: ParamType::Float { min: 0.0, max: 1e6 },
            default: Some(Literal::Float(1e6)),
            unit: "min",
            doc: "Where the window ends.",
        },
        ParamSpec {
            name: "seconds",
            ty: ParamType::Float {
                min: 0.1,
                max: 3600.0,
            },
            default: Some(Literal::Float(30.0)),
            unit: "s",
            doc: "The length of an epoch.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureNight {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let figure = {
            let shares = Table::read(&task.input("shares")?.content)?;
            let tested = Tested::choose(
                &shares,
                task.params.text("recording"),
                task.params.text("fold"),
            )?;
            let inputs = task.inputs("epochs").iter();
            let found = inputs
                .map(|input| Ok((recording_of(input)?, input)))
                .collect::<Result<Vec<_>, NodeError>>()?;
            let (_, input) = found
                .iter()
                .find(|(name, _)| *name == tested.recording)
                .ok_or_else(|| {
                    NodeError::new(format!(
                        "there are no epochs of recording `{}`",
                        tested.recording
                    ))
                })?;
            let recorded = Recorded::read(input, &tested.recording, "")?;
            draw(task, &tested, &recorded, &shares)?
        };
        give(task, night(&figure))
    }
}

/// The rows of the recording that is drawn, as one fold's network saw it.
struct Tested {
    recording: String,
    rows: Vec<usize>,
}

impl Tested {
    fn choose(shares: &Table, recording: &str, fold: &str) -> Result<Self, NodeError> {
        let (recordings, folds) = (shares.texts("recording")?, shares.texts("fold")?);
        let wanted = |row: &usize| {
            (recording.is_empty() || recordings[*row] == recording)
                && (fold.is_empty() || folds[*row] == fold)
        };
        let first = (0..recordings.len()).find(wanted).ok_or_else(|| {
            NodeError::new(format!(
                "recording `{recording}` was tested in no such fold"
            ))
            .help(format!(
                "tested were {}",
                super::distinct(&recordings).join(", ")
            ))
        })?;
        let same =
            |row: &usize| recordings[*row] == recordings[first] && folds[*row] == folds[first];
        let rows = (0..recordings.len()).filter(same).collect();
        Ok(Self {
            recording: recordings[first].clone(),
            rows,
        })
    }
}

fn draw(
    task: &Task<'_>,
    tested: &Tested,
    recorded: &Recorded<'_>,
    shares: &Table,
) -> Result<Night, NodeError> {
    let window = task.params.float("from") * 60.0..task.params.float("to") * 60.0;
    let (onset, epoch) = (shares.floats("onset")?, shares.ints("epoch")?);
    let (truth, predicted) = (shares.texts("true")?, shares.texts("predicted")?);
    let class = |name: &String| recorded.classes.iter().position(|class| class == name);
    let modalities = recorded.modalities();
    let columns = modalities
        .iter()
        .map(|modality| shares.floats(&format!("share_{modality}")))
        .collect::<Result<Vec<_>, _>>()?;
    let inside: Vec<usize> = tested
        .rows
        .iter()
        .copied()
        .filter(|&row| onset[row].is_some_and(|onset| window.contains(&onset)))
        .collect();
    let epochs = inside
        .iter()
        .map(|&row| NightEpoch {
            onset_seconds: onset[row].unwrap_or_default(),
            true_class: class(&truth[row]),
            predicted_class: class(&predicted[row]),
            shares: columns.iter().map(|column| column[row]).collect(),
        })
        .collect();
    Ok(Night {
        title: "A recording explained".to_owned(),
        recording: tested.recording.clone(),
        rule: task.params.text("rule").to_owned(),
        epoch_seconds: task.params.float("seconds"),
        classes: recorded.classes.clone(),
        epochs,
        signals: signals(
            recorded,
            &inside.iter().map(|&row| epoch[row]).collect::<Vec<_>>(),
        ),
        modalities,
    })
}

/// The samples of some epochs, counted from 0 in the recording, channel by channel.
fn signals(recorded: &Recorded<'_>, epochs: &[i64]) -> Vec<Signal> {
    let (size, channels) = (recorded.time, recorded.channels.len());
    let modalities = recorded.modalities();
    let samples = |channel: usize, epoch: i64| {
        let start = (usize::try_from(epoch).ok()? * channels + channel) * size;
        recorded.x.get(start..start + size)
    };
    let named = names(&recorded.channels).into_iter().enumerate();
    named
        .map(|(channel, name)| Signal {
            name,
            modality: modalities
                .iter()
                .position(|name| *name == recorded.channels[channel]),
            unit: recorded.units[channel].clone(),
            samples_per_epoch: size,
            samples: epochs
                .iter()
                .filter_map(|&epoch| samples(channel, epoch))
                .flatten()
                .copied()
                .collect(),
        })
        .collect()
}

/// Names of channels that carry their modality's name: with a number where several are of one.
fn names(channels: &[String]) -> Vec<String> {
    let same = |name: &String, among: &[String]| among.iter().filter(|one| *one == name).count();
    let each = channels.iter().enumerate();
    each.map(|(at, name)| match same(name, channels) {
        1 => name.clone(),
        _ => format!("{name} {}", 1 + same(name, &channels[..at])),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_one_modality_are_told_apart() {
        let channels = ["motion", "ECG", "motion"].map(str::to_owned);
        assert_eq!(names(&channels), ["motion 1", "ECG", "motion 2"]);
    }
}
