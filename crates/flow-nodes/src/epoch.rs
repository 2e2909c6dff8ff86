//! `epoch`: 30 s epochs of chosen channels, placed by the onsets of a scoring.

mod fate;
mod place;
mod signals;

use std::borrow::Cow;
use std::ops::Range;

use flow_contract::{
    Arity, Descriptor, Foresight, Form, InputPort, Kind, Literal, NodeError, OutputPort,
    ParamProblem, ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_edf::Recording;

use crate::recordings::{CLASSES, EPOCHS};
use crate::table::TableBuilder;
use crate::tensor::TensorsBuilder;
use place::{Placed, lights_off, place, refuse_endless};
pub use signals::Channel;
use signals::{SLACK_SECONDS, Signals};

pub use fate::Fate;
use fate::reasons;

/// A polysomnogram as an EDF file.
pub const PSG: PortType = PortType::new("any", Form::File);

/// One row an epoch of the night: onset, what was scored, whether it was kept, and why not.
pub const EPOCH_TABLE: PortType = PortType::new("epoch table", Form::Table);

/// See the module's page.
pub struct Epoch;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "epoch",
    revision: 2,
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
            doc: "onset [s], scored, stage, kept, reason: every epoch of the night, scored or not.",
        },
    ],
    params: &[
        ParamSpec {
            name: "channels",
            ty: ParamType::List(&ParamType::Text),
            default: None,
            unit: "",
            doc: "Modality and signal label, as in `EOG: EOG horizontal`; `|` separates labels to try in turn, `#2` is the second of a label.",
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
        ParamSpec {
            name: "lights_off",
            ty: ParamType::Text,
            default: Some(Literal::Text("")),
            unit: "",
            doc: "A time of day such as `23:01`; epochs that begin earlier in the night are dropped. Empty: none.",
        },
        ParamSpec {
            name: "wake_margin",
            ty: ParamType::Float {
                min: 0.0,
                max: 1440.0,
            },
            default: Some(Literal::Float(1440.0)),
            unit: "min",
            doc: "Epochs further before the first or after the last epoch of sleep are dropped; a day keeps all.",
        },
        ParamSpec {
            name: "flat",
            ty: ParamType::Float {
                min: -1.0,
                max: 1000.0,
            },
            default: Some(Literal::Float(0.0)),
            unit: "µV",
            doc: "Epochs in which a channel's values span no more are dropped; negative keeps constant ones.",
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
        if name == "lights_off" {
            return check_clock(value);
        }
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

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::epoch)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (epochs, table) = {
            let (psg, hypnogram) = (read(task, "psg")?, read(task, "hypnogram")?);
            let channels = task.params.texts("channels");
            let channels: Vec<Channel> = channels
                .iter()
                .filter_map(|text| Channel::parse(text))
                .collect();
            let (psg_name, hypnogram_name) = (name(task, "psg"), name(task, "hypnogram"));
            let signals = Signals::find(&psg, &channels, task.params.text("marker"), task.observer)
                .map_err(|error| within(&psg_name, error))?;
            let seconds = task.params.float("seconds");
            refuse_endless(&psg, seconds).map_err(|error| within(&psg_name, error))?;
            let placed =
                place(&psg, &hypnogram, seconds).map_err(|error| within(&hypnogram_name, error))?;
            let rules =
                Rules::new(task.params, &psg, &placed).map_err(|error| within(&psg_name, error))?;
            cut(&signals, &placed, &rules).map_err(|error| within(&psg_name, error))?
        };
        task.give("epochs", epochs);
        task.give("table", table);
        Ok(())
    }
}

fn check_clock(value: &Value) -> Result<(), ParamProblem> {
    let text = value.as_text().unwrap_or_default();
    if text.is_empty() || clock(text).is_some() {
        return Ok(());
    }
    Err(ParamProblem {
        param: "lights_off".to_owned(),
        what: format!("`{text}` is no time of day"),
        help: "write hours and minutes, as in \"23:01\"".to_owned(),
    })
}

fn name(task: &Task<'_>, port: &str) -> String {
    let input = task.input(port);
    input.map(|input| input.name.clone()).unwrap_or_default()
}

/// An error's place inside a file.
pub fn within(file: &str, error: NodeError) -> NodeError {
    let place = match &error.place {
        None => file.to_owned(),
        Some(place) => format!("{file}, {place}"),
    };
    error.at(place)
}

/// Seconds since midnight of `23:01` or `23:01:30`.
pub fn clock(text: &str) -> Option<u32> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (&hour, &minute, second) = match parts.as_slice() {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, *second),
        _ => return None,
    };
    let part = |text: &str, below: u32| text.parse().ok().filter(|part: &u32| *part < below);
    Some(part(hour, 24)? * 3600 + part(minute, 60)? * 60 + part(second, 60)?)
}

fn read(task: &Task<'_>, port: &str) -> Result<Recording, NodeError> {
    let input = task.input(port)?;
    let recording = Recording::from_bytes(input.content.clone()).map_err(|error| {
        NodeError::new(format!("`{}` can't be read as EDF", input.name)).because(error)
    })?;
    for warning in recording.warnings() {
        task.observer.warn(&format!("{}: {warning}", input.name));
    }
    Ok(recording)
}

/// What an epoch must satisfy besides its scoring.
struct Rules {
    /// The length of an epoch, s.
    seconds: f64,
    /// A channel that spans no more is flat, µV.
    flat: f64,
    /// Epochs from here on, s: the lights are off, and sleep is not further than the margin.
    lights_off: f64,
    /// Epochs that lie in here, s.
    near_sleep: Range<f64>,
}

impl Rules {
    fn new(params: &Params, psg: &Recording, placed: &[Placed]) -> Result<Self, NodeError> {
        let seconds = params.float("seconds");
        let lights_off = match clock(params.text("lights_off")) {
            None => f64::NEG_INFINITY,
            Some(clock) => lights_off(psg, clock)?,
        };
        let asleep = |one: &&Placed| one.class.is_some_and(|class| class > 0);
        let margin = params.float("wake_margin") * 60.0 + SLACK_SECONDS;
        let onset = |one: Option<&Placed>| one.map(|one| one.onset);
        let first = onset(placed.iter().find(asleep)).unwrap_or(f64::NEG_INFINITY);
        let last = onset(placed.iter().rev().find(asleep)).unwrap_or(f64::INFINITY);
        Ok(Self {
            seconds,
            flat: params.float("flat"),
            lights_off: lights_off - SLACK_SECONDS,
            near_sleep: first - margin..last + seconds + margin,
        })
    }

    /// Why an epoch is dropped whatever its signals hold.
    fn fate(&self, one: &Placed, signals: &Signals<'_>) -> Result<Fate, NodeError> {
        let covered = signals.coverage(one.onset, self.seconds)?;
        let end = one.onset + self.seconds;
        Ok(match one.fate {
            unscored @ (Fate::BeforeScoring | Fate::Hole | Fate::AfterScoring) => unscored,
            _ if covered != Fate::Kept => covered,
            Fate::Kept if one.onset < self.lights_off => Fate::BeforeLightsOff,
            Fate::Kept if one.onset < self.near_sleep.start || end > self.near_sleep.end => {
                Fate::OutsideMargin
            }
            Fate::Kept if signals.marker_is_negative(one.onset, self.seconds)? => {
                Fate::TelemetryError
            }
            scored => scored,
        })
    }
}

/// The epochs file and the table of every epoch of the night.
fn cut(
    signals: &Signals<'_>,
    placed: &[Placed],
    rules: &Rules,
) -> Result<(Vec<u8>, Vec<u8>), NodeError> {
    let mut x: Vec<f32> = Vec::new();
    let (mut stage, mut onset): (Vec<u8>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut fates = Vec::with_capacity(placed.len());
    for one in placed {
        let mut fate = rules.fate(one, signals)?;
        if let Some(class) = one.class.filter(|_| fate == Fate::Kept) {
            fate = signals.append(one.onset, rules.seconds, rules.flat, &mut x)?;
            if fate == Fate::Kept {
                stage.push(class);
                onset.push(one.onset);
            }
        }
        fates.push(fate);
    }
    if stage.is_empty() {
        return Err(nothing_left(signals, placed, rules, &fates)?);
    }
    let time = x.len() / stage.len() / signals.channels();
    let file = TensorsBuilder::new()
        .fact("channels", signals.names().join("\t"))
        .f32("x", &[stage.len(), signals.channels(), time], &x)
        .f64("onset", &[onset.len()], &onset)
        .u8("stage", &[stage.len()], &stage)
        .build()?;
    Ok((file, table(placed, &fates)?))
}

/// What to say of a night without a usable epoch: the reasons, and the first channel that fails.
fn nothing_left(
    signals: &Signals<'_>,
    placed: &[Placed],
    rules: &Rules,
    fates: &[Fate],
) -> Result<NodeError, NodeError> {
    let mut why = reasons(fates);
    let fails = |(_, fate): &(&Placed, &Fate)| matches!(fate, Fate::Flat | Fate::NotFinite);
    if let Some((one, _)) = placed.iter().zip(fates).find(fails) {
        let channel = signals.unusable(one.onset, rules.seconds, rules.flat)?;
        if let Some(channel) = channel {
            why.push_str(&format!("; first channel {channel} at {} s", one.onset));
        }
    }
    let count = fates.len();
    let what = format!("none of the {count} epochs of the night can be used");
    Ok(NodeError::new(what)
        .because(why)
        .help("check that the scoring belongs to this recording, and its channels"))
}

fn table(placed: &[Placed], fates: &[Fate]) -> Result<Vec<u8>, NodeError> {
    let text = |of: &dyn Fn(&Placed) -> &'static str| -> Vec<&'static str> {
        placed.iter().map(of).collect()
    };
    let class = |one: &Placed| one.class.map_or("", |class| CLASSES[usize::from(class)]);
    let onset: Vec<f64> = placed.iter().map(|one| one.onset).collect();
    let scored: Vec<&str> = placed.iter().map(|one| one.text.as_str()).collect();
    let kept: Vec<bool> = fates.iter().map(|fate| *fate == Fate::Kept).collect();
    let reason: Vec<&str> = fates.iter().map(|fate| fate.words()).collect();
    TableBuilder::new()
        .float("onset", &onset)
        .text("scored", &scored)
        .text("stage", &text(&class))
        .bool("kept", &kept)
        .text("reason", &reason)
        .parquet()
}
