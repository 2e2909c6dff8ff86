//! `simulate-night`: one simulated night as a pair of EDF files in the exact telemetry layout.

mod planted;

use std::borrow::Cow;

use flow_contract::{
    Descriptor, Foresight, Form, Kind, Literal, NodeError, OutputPort, ParamProblem, ParamSpec,
    ParamType, Params, PortType, Task,
};
use flow_edf::{
    Annotation, AnnotationSet, Date, EdfWriter, Format, NewSignal, Samples, Start, TimeOfDay,
};
use flow_simulate::{
    MARKER_RATE_HZ, Medication, Night, RATE_HZ, RECORD_SECONDS, Sex, SimulatedNight, nights,
    simulate,
};

use crate::table::TableBuilder;

/// See the module's page.
pub struct SimulateNight;

const SHARE: ParamType = ParamType::Float { min: 0.0, max: 1.0 };
const WEIGHT: ParamType = ParamType::Float { min: 0.0, max: 3.0 };
const CHANGE: ParamType = ParamType::Float {
    min: -1.0,
    max: 1.0,
};

static DESCRIPTOR: Descriptor = Descriptor {
    name: "simulate-night",
    revision: 2,
    summary: "Simulates a night of the telemetry study with planted truth, as EDF files.",
    example: r#"[node.night]
kind = "simulate-night"
recording = "ST7011"
minutes = 20
carries = { W = { EMG = 1.0, EOG = 0.5 }, R = { EOG = 1.2 } }
temazepam = { sigma = 0.25, "EMG in W" = -0.4 }
publish = { psg = "data/ST7011J0-PSG.edf", hypnogram = "data/ST7011JP-Hypnogram.edf" }
"#,
    inputs: &[],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("psg"),
            ty: PortType::new("recording", Form::File),
            doc: "EDF: EEG Fpz-Cz, EEG Pz-Oz, EOG horizontal, EMG submental at 100 Hz, Marker at 10 Hz.",
        },
        OutputPort {
            name: Cow::Borrowed("hypnogram"),
            ty: PortType::new("recording", Form::File),
            doc: "EDF+C: the scoring as annotations.",
        },
        OutputPort {
            name: Cow::Borrowed("truth"),
            ty: PortType::new("truth", Form::Table),
            doc: "What was planted: name and value.",
        },
    ],
    params: &[
        ParamSpec {
            name: "recording",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Which night of the study, as in `ST7011`.",
        },
        ParamSpec {
            name: "minutes",
            ty: ParamType::Float {
                min: 10.0,
                max: 1440.0,
            },
            default: Some(Literal::Float(480.0)),
            unit: "min",
            doc: "Mean length of the scored span; shorter nights are the same night compressed.",
        },
        ParamSpec {
            name: "carries",
            ty: ParamType::Map(&ParamType::Map(&WEIGHT)),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "How distinguishable a class (W, N1, N2, N3, R) is in EEG, EOG and EMG: 0 not at all, 1 as in a body; a class written here carries nothing else.",
        },
        ParamSpec {
            name: "ambiguity",
            ty: SHARE,
            default: Some(Literal::Float(0.2)),
            unit: "",
            doc: "How far a moment strays from its stage.",
        },
        ParamSpec {
            name: "variability",
            ty: SHARE,
            default: Some(Literal::Float(0.2)),
            unit: "",
            doc: "Standard deviation of the bands within a stage, in log amplitude.",
        },
        ParamSpec {
            name: "label_noise",
            ty: ParamType::Float { min: 0.0, max: 0.5 },
            default: Some(Literal::Float(0.03)),
            unit: "",
            doc: "Share of epochs with the label of another stage.",
        },
        ParamSpec {
            name: "individuality",
            ty: ParamType::Float { min: 0.0, max: 3.0 },
            default: Some(Literal::Float(1.0)),
            unit: "",
            doc: "Scale of the differences between subjects.",
        },
        ParamSpec {
            name: "effects",
            ty: ParamType::Bool,
            default: Some(Literal::Bool(true)),
            unit: "",
            doc: "Whether medication, age and sex change the signals.",
        },
        ParamSpec {
            name: "temazepam",
            ty: ParamType::Map(&CHANGE),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "What the drug changes: slow_wave, sigma, alpha, eye_movement, muscle_tone by this part of the amplitude; EEG, EOG, EMG: added to what carries every class, `EMG in W` to what carries that class. Empty: as known of benzodiazepines.",
        },
        ParamSpec {
            name: "age_per_decade",
            ty: ParamType::Map(&CHANGE),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "The same for ten years of age, counted from 40.",
        },
        ParamSpec {
            name: "female",
            ty: ParamType::Map(&CHANGE),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "The same for a woman against a man.",
        },
        ParamSpec {
            name: "medication_on_stages",
            ty: ParamType::Float { min: 0.0, max: 3.0 },
            default: Some(Literal::Float(1.0)),
            unit: "",
            doc: "How strongly the drug changes the course of the night; 1 is as in the real nights.",
        },
        ParamSpec {
            name: "quirks",
            ty: ParamType::Bool,
            default: Some(Literal::Bool(true)),
            unit: "",
            doc: "Whether files have late starts, holes and telemetry errors, as real ones.",
        },
        ParamSpec {
            name: "quirk",
            ty: ParamType::Map(&ParamType::Float {
                min: 0.0,
                max: 20_000.0,
            }),
            default: Some(Literal::Map(&[])),
            unit: "",
            doc: "Single ones: late_start, hole, movement, unknown (probabilities), tail_seconds, error_seconds (s), errors_per_hour, presses_per_hour, artefacts_per_hour.",
        },
    ],
    seeded: true,
    open_ports: false,
};

impl Kind for SimulateNight {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        let planted = planted::parameters(params, 0);
        planted.map(drop).map_err(|problem| vec![problem])
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::simulate_night)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let recording = task.params.text("recording");
        let night = nights().into_iter().find(|night| night.recording == recording).ok_or_else(|| {
            NodeError::new(format!("`{recording}` is no night of the telemetry study"))
                .help("recordings are ST7ssN: two digits of the subject, then the night, as in `ST7011`")
        })?;
        let planted = planted::parameters(task.params, task.seed)
            .map_err(|problem| NodeError::new(problem.what).help(problem.help))?;
        let simulated = simulate(&planted, &night).map_err(NodeError::new)?;
        task.give("psg", psg(&night, &simulated)?);
        task.give("hypnogram", hypnogram(&night, &simulated)?);
        let pairs = simulated.truth.pairs();
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<f64> = pairs.iter().map(|(_, value)| *value).collect();
        task.give(
            "truth",
            TableBuilder::new()
                .text("name", &names)
                .float("value", &values)
                .parquet()?,
        );
        Ok(())
    }
}

/// `X M X Male_60yr`, as the real files say it.
fn patient(night: &Night) -> String {
    let (letter, word) = match night.sex {
        Sex::Male => ("M", "Male"),
        Sex::Female => ("F", "Female"),
    };
    format!("X {letter} X {word}_{}yr", night.age_years)
}

fn start(simulated: &SimulatedNight) -> Start {
    let at = simulated.start;
    Start {
        date: Date::new(i32::from(at.year), at.month, at.day),
        time: TimeOfDay::new(at.clock.hour, at.clock.minute, at.clock.second, 0),
    }
}

fn psg(night: &Night, simulated: &SimulatedNight) -> Result<Vec<u8>, NodeError> {
    let per_record = (RATE_HZ as usize) * RECORD_SECONDS as usize;
    let medication = match night.medication {
        Medication::Placebo => "placebo",
        Medication::Temazepam => "temazepam",
    };
    let mut writer = EdfWriter::new(Format::EDF, f64::from(RECORD_SECONDS))
        .patient(patient(night))
        .recording(format!(
            "simulated by flow, {} {medication} night {}",
            night.recording, night.night
        ))
        .start(start(simulated));
    for signal in &simulated.signals {
        writer = writer.signal(
            NewSignal::new(signal.label, per_record, Samples::F32(&signal.samples))
                .transducer("Ag-AgCl electrodes")
                .unit("uV")
                .physical(-3000.0, 3000.0)
                .digital(-8192, 8191)
                .prefilter("LP:800Hz HP:0.03Hz"),
        );
    }
    let marker = NewSignal::new(
        "Marker",
        (MARKER_RATE_HZ * RECORD_SECONDS) as usize,
        Samples::I16(&simulated.marker),
    );
    let marker = marker
        .transducer("MarkerButton")
        .unit("ID+M-E")
        .physical(-2048.0, 2047.0)
        .digital(-2048, 2047);
    writer.signal(marker).to_bytes().map_err(NodeError::new)
}

fn hypnogram(night: &Night, simulated: &SimulatedNight) -> Result<Vec<u8>, NodeError> {
    let annotations: Vec<Annotation> = simulated
        .scoring
        .iter()
        .map(|one| Annotation::new(one.onset_seconds, Some(one.duration_seconds), one.text))
        .collect();
    EdfWriter::new(Format::EDF_PLUS_C, 0.0)
        .patient(patient(night))
        .start(start(simulated))
        .annotations(AnnotationSet::new(annotations).physical(0.0, 1.0))
        .to_bytes()
        .map_err(NodeError::new)
}
