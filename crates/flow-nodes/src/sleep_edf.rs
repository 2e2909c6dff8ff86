//! `sleep-edf`: the recordings of a Sleep-EDF study, from a folder of its files and its subject table.

mod differences;
mod names;
mod subjects;

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{
    Arity, Descriptor, Form, Input, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec,
    ParamType, PortType, Task,
};
use flow_edf::{Recording, Sex};

use crate::recordings::RECORDINGS;
use crate::table::TableBuilder;
use differences::{Difference, Fact};
use names::{FileName, Role, Study, base, path};
use subjects::{Night, Subjects};

/// See the module's page.
pub struct SleepEdf;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "sleep-edf",
    revision: 1,
    summary: "Pairs the files of a Sleep-EDF study with its subject table: who, which night, which medication.",
    example: r#"[node.nights]
kind = "sleep-edf"
files = { files = "data/ST*.edf" }              # ST7011J0-PSG.edf, ST7011JP-Hypnogram.edf, …
subjects = { file = "data/ST-subjects.xls" }

[node.epochs]
kind = "epoch"
for_each = { recording = "nights.recordings" }
psg = { file = "$recording.psg" }
hypnogram = { file = "$recording.hypnogram" }
channels = ["EEG: EEG Fpz-Cz", "EOG: EOG horizontal", "EMG: EMG submental"]
marker = "Marker"
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("files"),
            ty: PortType::new("any", Form::File),
            arity: Arity::Many,
            doc: "The EDF files of one study, `ST…` or `SC…`, by a pattern or from an axis of file names.",
        },
        InputPort {
            name: Cow::Borrowed("subjects"),
            ty: PortType::new("any", Form::File),
            arity: Arity::One,
            doc: "The study's subject table: ST-subjects.xls or SC-subjects.xls.",
        },
    ],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("recordings"),
            ty: RECORDINGS,
            doc: "One row a pair: recording, subject, night, age [years], sex, medication, lights_off, psg, hypnogram (the files as `files` names them).",
        },
        OutputPort {
            name: Cow::Borrowed("differences"),
            ty: PortType::new("differences", Form::Table),
            doc: "Where headers, files and subject table don't agree: recording, file, fact, found, expected; age and sex in `recordings` are the table's.",
        },
    ],
    params: &[
        ParamSpec {
            name: "medication",
            ty: ParamType::List(&ParamType::Choice(&["placebo", "temazepam", "none"])),
            default: Some(Literal::List(&[
                Literal::Text("placebo"),
                Literal::Text("temazepam"),
                Literal::Text("none"),
            ])),
            unit: "",
            doc: "Which nights: those with placebo, with temazepam, or with none, as all of the cassette study.",
        },
        ParamSpec {
            name: "incomplete",
            ty: ParamType::Choice(&["refuse", "leave-out"]),
            default: Some(Literal::Text("refuse")),
            unit: "",
            doc: "What to do about a PSG without hypnogram, a hypnogram without PSG, or a pair without a row in the table.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for SleepEdf {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (recordings, differences) = {
            let table = task.input("subjects")?;
            let subjects = Subjects::read(&table.content, &table.name)?;
            let pairs = pairs(task, &subjects)?;
            let (nights, differences) = compare(task, &pairs, &subjects)?;
            settle(task, &nights, &differences)?;
            (recordings(&nights)?, differences::table(&differences)?)
        };
        task.give("recordings", recordings);
        task.give("differences", differences);
        Ok(())
    }
}

/// The files of one recording.
#[derive(Default)]
struct Pair<'a> {
    psg: Option<&'a Input>,
    hypnogram: Option<&'a Input>,
}

/// A recording that can be used.
struct Used<'a> {
    recording: &'a str,
    night: &'a Night,
    psg: String,
    hypnogram: String,
}

/// The files by recording; those of other names are told and left.
fn pairs<'a>(
    task: &'a Task<'_>,
    subjects: &Subjects,
) -> Result<BTreeMap<String, Pair<'a>>, NodeError> {
    let mut pairs: BTreeMap<String, Pair<'_>> = BTreeMap::new();
    let mut others = Vec::new();
    for input in task.inputs("files") {
        let path = path(input).ok_or_else(|| unnamed(input))?;
        let Some(name) = FileName::parse(&path) else {
            others.push(path);
            continue;
        };
        if name.study != subjects.study {
            return Err(other_study(&path, name.study, subjects.study, task));
        }
        let pair = pairs.entry(name.recording.clone()).or_default();
        let place = match name.role {
            Role::Psg => &mut pair.psg,
            Role::Hypnogram => &mut pair.hypnogram,
        };
        if let Some(first) = place.replace(input) {
            let role = name.role.words();
            let what = format!("recording `{}` has two files {role}", name.recording);
            let both = format!("{} and {}", first.name, input.name);
            return Err(NodeError::new(what).at(both).help("give one of them"));
        }
    }
    if pairs.is_empty() {
        let first = others.first().map(|path| format!(", `{path}` first"));
        let first = first.unwrap_or_default();
        return Err(NodeError::new("port `files` has no file of a Sleep-EDF study")
            .because(format!("it has {} other files{first}", others.len()))
            .help("names are as in `ST7011J0-PSG.edf` and `ST7011JP-Hypnogram.edf`; check the pattern"));
    }
    others.retain(|path| path.to_ascii_lowercase().ends_with(".edf"));
    if !others.is_empty() {
        let words = "not named like `ST7011J0-PSG.edf` or `ST7011JP-Hypnogram.edf`, so left out";
        task.observer
            .warn(&format!("{words}: {}", others.join(", ")));
    }
    Ok(pairs)
}

fn unnamed(input: &Input) -> NodeError {
    NodeError::new(format!("`{}` does not come with its file name", input.name))
        .because("a recording is known by the name of its files")
        .help("give them by a pattern, { files = \"data/*.edf\" }, or from a node with an axis of file names")
}

fn other_study(path: &str, found: Study, table: Study, task: &Task<'_>) -> NodeError {
    let subjects = task.input("subjects").map_or("", |input| &input.name);
    NodeError::new(format!(
        "`{path}` is of {}, but `{subjects}` is the table of {}",
        found.words(),
        table.words()
    ))
    .because("the studies count subjects from 0 and 1, and code sex the opposite way")
    .help("give each study a node of its own, with its own table")
}

/// The recordings with files and a row, and all that doesn't agree.
fn compare<'a>(
    task: &Task<'_>,
    pairs: &'a BTreeMap<String, Pair<'_>>,
    subjects: &'a Subjects,
) -> Result<(Vec<Used<'a>>, Vec<Difference>), NodeError> {
    let medication = task.params.texts("medication");
    let wanted = |night: &Night| medication.contains(&night.medication);
    let (mut used, mut differences) = (Vec::new(), Vec::new());
    for (done, (recording, pair)) in pairs.iter().enumerate() {
        task.observer
            .progress(done as u64, pairs.len() as u64, recording);
        let night = subjects.nights.get(recording);
        if night.is_some_and(|night| !wanted(night)) {
            continue;
        }
        match (pair.psg, pair.hypnogram, night) {
            (Some(psg), Some(hypnogram), Some(night)) => {
                differences.extend(headers(recording, psg, hypnogram, night)?);
                used.push(Used {
                    recording,
                    night,
                    psg: label(psg),
                    hypnogram: label(hypnogram),
                });
            }
            _ => differences.extend(lacking(recording, pair, night)),
        }
    }
    let unfiled = subjects
        .nights
        .iter()
        .filter(|(name, night)| wanted(night) && !pairs.contains_key(*name));
    differences.extend(unfiled.map(|(recording, night)| Difference {
        recording: recording.clone(),
        file: format!("row {}", night.row),
        fact: Fact::Files,
        found: String::new(),
        expected: format!("{recording}??-PSG.edf"),
    }));
    Ok((used, differences))
}

fn label(input: &Input) -> String {
    path(input).unwrap_or_default()
}

/// What keeps a recording from being used.
fn lacking(recording: &str, pair: &Pair<'_>, night: Option<&Night>) -> Vec<Difference> {
    let difference = |input: &Input, fact, expected| Difference {
        recording: recording.to_owned(),
        file: base(&label(input)).to_owned(),
        fact,
        found: String::new(),
        expected,
    };
    let lonely = match (pair.psg, pair.hypnogram) {
        (Some(one), None) => Some((one, Role::Hypnogram)),
        (None, Some(one)) => Some((one, Role::Psg)),
        _ => None,
    };
    let partner = lonely.map(|(one, role)| {
        difference(
            one,
            Fact::Partner,
            format!("{recording}??-{}.edf", role.words()),
        )
    });
    let file = pair.psg.or(pair.hypnogram).filter(|_| night.is_none());
    let row = file.map(|file| difference(file, Fact::Row, "a row of the subject table".to_owned()));
    partner.into_iter().chain(row).collect()
}

/// Where the headers of a pair differ from the subject table, or their starts from each other.
fn headers(
    recording: &str,
    psg: &Input,
    hypnogram: &Input,
    night: &Night,
) -> Result<Vec<Difference>, NodeError> {
    let mut differences = Vec::new();
    let mut starts = Vec::new();
    for input in [psg, hypnogram] {
        let edf = Recording::from_bytes(input.content.clone()).map_err(|error| {
            NodeError::new(format!("`{}` can't be read as EDF", input.name)).because(error)
        })?;
        let mut add = |fact, found: String, expected: String| {
            let file = base(&label(input)).to_owned();
            let recording = recording.to_owned();
            differences.push(Difference {
                recording,
                file,
                fact,
                found,
                expected,
            });
        };
        let (age, sex) = (edf.patient().age_years, edf.patient().sex);
        if let Some(age) = age.filter(|age| *age != night.age) {
            add(Fact::Age, age.to_string(), night.age.to_string());
        }
        if let Some(sex) = sex.filter(|sex| *sex != night.sex) {
            add(Fact::Sex, word(sex).to_owned(), word(night.sex).to_owned());
        }
        let start = edf.start();
        if let (Some(date), Some(time)) = (start.date, start.time) {
            starts.push(format!("{date} {time}"));
            if let [first, second] = starts.as_slice()
                && first != second
            {
                add(Fact::Start, second.clone(), first.clone());
            }
        }
    }
    Ok(differences)
}

fn word(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
    }
}

/// Tells the differences; refuses incomplete recordings where it should.
fn settle(task: &Task<'_>, used: &[Used<'_>], differences: &[Difference]) -> Result<(), NodeError> {
    let fatal: Vec<String> = [Fact::Partner, Fact::Row]
        .into_iter()
        .map(|fact| differences::words(differences, fact))
        .filter(|words| !words.is_empty())
        .collect();
    if task.params.text("incomplete") == "refuse" && !fatal.is_empty() {
        return Err(NodeError::new("the study is not complete")
            .because(fatal.join("; "))
            .help("add what is missing, or leave these recordings out by `incomplete = \"leave-out\"`"));
    }
    if used.is_empty() {
        let error = NodeError::new("no recording of the study can be used");
        return Err(match fatal.is_empty() {
            true => error.help("`medication` chooses nights; the cassette study has only \"none\""),
            false => error.because(fatal.join("; ")),
        });
    }
    differences::tell(differences, task.observer);
    Ok(())
}

fn recordings(used: &[Used<'_>]) -> Result<Vec<u8>, NodeError> {
    let text = |of: &dyn Fn(&Used<'_>) -> String| -> Vec<String> { used.iter().map(of).collect() };
    let int = |of: &dyn Fn(&Night) -> u32| -> Vec<i64> {
        used.iter().map(|one| i64::from(of(one.night))).collect()
    };
    TableBuilder::new()
        .text("recording", &text(&|one| one.recording.to_owned()))
        .text("subject", &text(&|one| format!("{:02}", one.night.subject)))
        .int("night", &int(&|night| night.night))
        .int("age", &int(&|night| night.age))
        .text("sex", &text(&|one| word(one.night.sex).to_owned()))
        .text("medication", &text(&|one| one.night.medication.to_owned()))
        .text("lights_off", &text(&|one| one.night.lights_off.clone()))
        .text("psg", &text(&|one| one.psg.clone()))
        .text("hypnogram", &text(&|one| one.hypnogram.clone()))
        .parquet()
}
