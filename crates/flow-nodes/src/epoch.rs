//! `epoch`: 30 s epochs of chosen channels, placed by the onsets of a scoring.

mod place;
mod signals;

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, PortType, Task, Value,
};
use flow_edf::Recording;

use crate::recordings::EPOCHS;
use crate::table::TableBuilder;
use crate::tensor::TensorsBuilder;
use place::{Fate, Placed, place};
use signals::{Channel, Signals};

/// A polysomnogram as an EDF file.
pub const PSG: PortType = PortType::new("any", Form::File);

/// One row an epoch of the scoring: onset, what was scored, whether it was kept, and why not.
pub const EPOCH_TABLE: PortType = PortType::new("epoch table", Form::Table);

/// See the module's page.
pub struct Epoch;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "epoch",
    revision: 1,
    summary: "Cuts a recording into scored epochs, placed by the onsets of its scoring.",
    example: r#"[node.night]
kind = "epoch"
psg = { file = "ST7011J0-PSG.edf" }
hypnogram = { file = "ST7011JP-Hypnogram.edf" }
channels = ["EEG: EEG Fpz-Cz", "EOG: EOG horizontal", "EMG: EMG submental"]
marker = "Marker"
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("psg"),
            ty: PSG,
            arity: Arity::One,
            doc: "The signals: EDF, EDF+, BDF or BDF+.",
        },
        InputPort {
            name: Cow::Borrowed("hypnogram"),
            ty: PSG,
            arity: Arity::One,
            doc: "The scoring: annotations such as `Sleep stage 2` in an EDF+ file.",
        },
    ],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("epochs"),
            ty: EPOCHS,
            doc: "`x` [epoch, channel, time] in µV, `stage` [epoch], `onset` [epoch] in s.",
        },
        OutputPort {
            name: Cow::Borrowed("table"),
            ty: EPOCH_TABLE,
            doc: "onset [s], scored, stage, kept, reason: every scored epoch.",
        },
    ],
    params: &[
        ParamSpec {
            name: "channels",
            ty: ParamType::List(&ParamType::Text),
            default: None,
            unit: "",
            doc: "Modality and signal label, as in `EOG: EOG horizontal`; `|` separates labels to try in turn.",
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
        ParamSpec {
            name: "marker",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "A signal that is negative during telemetry errors; epochs that touch one are dropped.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Epoch {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        let Some(channels) = value.as_list().filter(|_| name == "channels") else {
            return Ok(());
        };
        let unread = |value: &&Value| value.as_text().and_then(Channel::parse).is_none();
        let what = match channels.iter().find(unread) {
            Some(value) => format!("`{value}` names no modality and signal"),
            None if channels.is_empty() => "there are no channels".to_owned(),
            None => return Ok(()),
        };
        let help =
            "write a modality, `: ` and the signal's label, as in \"EEG: EEG Fpz-Cz\"".to_owned();
        Err(ParamProblem {
            param: name.to_owned(),
            what,
            help,
        })
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (epochs, table) = {
            let psg = read(task, "psg")?;
            let hypnogram = read(task, "hypnogram")?;
            let texts = task.params.texts("channels");
            let channels: Vec<Channel> = texts
                .iter()
                .filter_map(|text| Channel::parse(text))
                .collect();
            let name = &task.input("psg")?.name;
            let signals = Signals::find(&psg, &channels, task.params.text("marker"), task.observer)
                .map_err(|error| error.at(name))?;
            let seconds = task.params.float("seconds");
            let placed =
                place(&psg, &hypnogram, seconds).map_err(|error| error.at(hypnogram_name(task)))?;
            cut(&signals, &placed, seconds).map_err(|error| error.at(name))?
        };
        task.give("epochs", epochs);
        task.give("table", table);
        Ok(())
    }
}

fn hypnogram_name(task: &Task<'_>) -> String {
    task.input("hypnogram")
        .map(|input| input.name.clone())
        .unwrap_or_default()
}

fn read(task: &Task<'_>, port: &str) -> Result<Recording, NodeError> {
    let input = task.input(port)?;
    let recording = Recording::from_bytes(input.content.to_vec()).map_err(|error| {
        NodeError::new(format!("`{}` can't be read as EDF", input.name)).because(error)
    })?;
    for warning in recording.warnings() {
        task.observer.warn(&format!("{}: {warning}", input.name));
    }
    Ok(recording)
}

/// The epochs file and the table of every scored epoch.
fn cut(
    signals: &Signals<'_>,
    placed: &[Placed],
    seconds: f64,
) -> Result<(Vec<u8>, Vec<u8>), NodeError> {
    let mut x: Vec<f32> = Vec::new();
    let (mut stage, mut onset): (Vec<u8>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut fates = Vec::with_capacity(placed.len());
    for one in placed {
        let fate = match one.class {
            None => Fate::NoClass,
            Some(_) if signals.marker_is_negative(one.onset, seconds)? => Fate::TelemetryError,
            Some(class) => match signals.append(one.onset, seconds, &mut x)? {
                false => Fate::NoSignal,
                true => {
                    stage.push(class);
                    onset.push(one.onset);
                    Fate::Kept
                }
            },
        };
        fates.push(fate);
    }
    if stage.is_empty() {
        return Err(NodeError::new(format!(
            "none of the {} scored epochs can be used",
            placed.len()
        ))
        .because(reasons(&fates))
        .help("check that the scoring belongs to this recording"));
    }
    let shape = [
        stage.len(),
        signals.channels(),
        x.len() / stage.len() / signals.channels(),
    ];
    let file = TensorsBuilder::new()
        .fact("channels", signals.names().join("\t"))
        .f32("x", &shape, &x)
        .f64("onset", &[onset.len()], &onset)
        .u8("stage", &[stage.len()], &stage)
        .build()?;
    Ok((file, table(placed, &fates)?))
}

fn reasons(fates: &[Fate]) -> String {
    let count = |fate: Fate| fates.iter().filter(|one| **one == fate).count();
    [Fate::NoClass, Fate::NoSignal, Fate::TelemetryError]
        .map(|fate| format!("{}: {}", fate.words(), count(fate)))
        .join(", ")
}

fn table(placed: &[Placed], fates: &[Fate]) -> Result<Vec<u8>, NodeError> {
    let class = |one: &Placed| {
        one.class
            .map_or("", |class| crate::recordings::CLASSES[usize::from(class)])
    };
    TableBuilder::new()
        .float(
            "onset",
            &placed.iter().map(|one| one.onset).collect::<Vec<_>>(),
        )
        .text(
            "scored",
            &placed
                .iter()
                .map(|one| one.text.as_str())
                .collect::<Vec<_>>(),
        )
        .text("stage", &placed.iter().map(class).collect::<Vec<_>>())
        .bool(
            "kept",
            &fates
                .iter()
                .map(|fate| *fate == Fate::Kept)
                .collect::<Vec<_>>(),
        )
        .text(
            "reason",
            &fates.iter().map(|fate| fate.words()).collect::<Vec<_>>(),
        )
        .parquet()
}
