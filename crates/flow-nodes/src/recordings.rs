//! Which epochs belong to which subjects: what `train`, `predict` and `lrp` share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_contract::{Arity, Form, Input, InputPort, NodeError, PortType, Task};
use flow_learn::epochs::{Epochs, Segment};

use crate::table::Table;
use crate::tensor::{Tensors, TensorsBuilder};

/// The five sleep stages in the order of their labels: the classes of epochs that name no others.
pub const CLASSES: [&str; 5] = ["W", "N1", "N2", "N3", "R"];

/// The table of recordings that every study starts from: recording, subject and what is known of them.
pub const RECORDINGS: PortType = PortType::new("recordings", Form::Table);

/// Epochs as recorded: `x` `[epoch, channel, time]`, `stage` `[epoch]`, `onset` `[epoch]` in s. Where
/// they are not sleep in µV, `classes` and `units` hold names as text, separated by tabs.
pub const EPOCHS: PortType = PortType::tensor("epochs", "epoch, channel, time", "recorded units");

/// Epochs after z-scoring.
pub const ZSCORED: PortType = PortType::tensor("epochs", "epoch, channel, time", "z-score");

/// One row a test epoch: absolute and signed relevance summed over each modality.
pub const RELEVANCE: PortType = PortType::new("relevance", Form::Table);

/// The z-scored epochs of all recordings.
pub const ZSCORED_PORT: InputPort = InputPort {
    name: Cow::Borrowed("epochs"),
    ty: ZSCORED,
    arity: Arity::Many,
    doc: "Z-scored epochs, one artifact a recording.",
};

/// The table that says whose recordings they are.
pub const RECORDINGS_PORT: InputPort = InputPort {
    name: Cow::Borrowed("recordings"),
    ty: RECORDINGS,
    arity: Arity::One,
    doc: "Recordings with their subjects.",
};

/// One recording's epochs, read in place.
pub struct Recorded<'a> {
    /// The recording's name.
    pub recording: String,
    /// Its subject.
    pub subject: String,
    /// The names of its channels.
    pub channels: Vec<String>,
    /// Samples of an epoch.
    pub time: usize,
    /// `[epoch, channel, time]`.
    pub x: Cow<'a, [f32]>,
    /// The unit of each channel before z-scoring.
    pub units: Vec<String>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// `[epoch]`, index into the classes.
    pub stage: Cow<'a, [u8]>,
    /// `[epoch]`, seconds from the start of the recording.
    pub onset: Cow<'a, [f64]>,
}

impl<'a> Recorded<'a> {
    /// Reads one epochs artifact of a recording whose subject is known.
    ///
    /// # Errors
    /// When the file is not laid out as [`EPOCHS`] says.
    pub fn read(input: &'a Input, recording: &str, subject: &str) -> Result<Self, NodeError> {
        let at = |error: NodeError| error.at(&input.name);
        let tensors = Tensors::read(&input.content).map_err(at)?;
        let (shape, x) = tensors.f32("x").map_err(at)?;
        let &[epochs, channels, time] = shape.as_slice() else {
            return Err(NodeError::new(format!("`x` has shape {shape:?}"))
                .at(&input.name)
                .help("epochs are [epoch, channel, time]"));
        };
        let (_, stage) = tensors.u8("stage").map_err(at)?;
        let (_, onset) = tensors.f64("onset").map_err(at)?;
        let names = tensors.fact("channels").unwrap_or_default();
        let names: Vec<String> = names.split('\t').map(str::to_owned).collect();
        let units = text(&tensors, "units").map_err(at)?;
        let units = units.unwrap_or_else(|| vec!["µV".to_owned(); names.len()]);
        let classes = text(&tensors, "classes").map_err(at)?;
        let classes = classes.unwrap_or_else(|| CLASSES.map(str::to_owned).to_vec());
        if let Some(epoch) = stage
            .iter()
            .position(|&of| usize::from(of) >= classes.len())
        {
            let what = format!("epoch {epoch} has class {}", stage[epoch]);
            return Err(at(NodeError::new(what).help(format!(
                "the classes are {}, counted from 0",
                classes.join(", ")
            ))));
        }
        if stage.len() != epochs || onset.len() != epochs || names.len() != channels {
            let what = format!(
                "{epochs} epochs of {channels} channels carry {} stages, {} onsets and {} channel names",
                stage.len(),
                onset.len(),
                names.len()
            );
            return Err(NodeError::new(what).at(&input.name));
        }
        let (recording, subject) = (recording.to_owned(), subject.to_owned());
        Ok(Self {
            recording,
            subject,
            channels: names,
            units,
            classes,
            time,
            x,
            stage,
            onset,
        })
    }

    /// The modalities: the distinct names of channels, in order.
    #[must_use]
    pub fn modalities(&self) -> Vec<String> {
        crate::figures::distinct(&self.channels)
    }

    /// The names that a file of such epochs must carry besides `channels`; none for sleep in µV.
    #[must_use]
    pub fn names(&self, file: TensorsBuilder) -> TensorsBuilder {
        with_names(file, &self.units, &self.classes)
    }

    /// How many epochs it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.stage.len()
    }
}

/// Names that are not those of sleep in µV, as tensors of text.
#[must_use]
pub fn with_names(file: TensorsBuilder, units: &[String], classes: &[String]) -> TensorsBuilder {
    let add = |file: TensorsBuilder, name: &str, names: &[String]| {
        let bytes = names.join("\t").into_bytes();
        file.u8(name, &[bytes.len()], &bytes)
    };
    let file = if classes == CLASSES {
        file
    } else {
        add(file, "classes", classes)
    };
    if units.iter().all(|unit| unit == "µV") {
        file
    } else {
        add(file, "units", units)
    }
}

/// A tensor of text: names separated by tabs.
fn text(tensors: &Tensors<'_>, name: &str) -> Result<Option<Vec<String>>, NodeError> {
    if !tensors.has(name) {
        return Ok(None);
    }
    let (_, bytes) = tensors.u8(name)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| NodeError::new(format!("`{name}` is not UTF-8: {error}")))?;
    Ok(Some(text.split('\t').map(str::to_owned).collect()))
}

/// All recordings on the port `epochs`, with their subjects from the port `recordings`.
///
/// # Errors
/// A recording that is not in the table; recordings whose channels or epoch lengths differ.
pub fn read_all<'a>(task: &'a Task<'_>) -> Result<Vec<Recorded<'a>>, NodeError> {
    let table = task.input("recordings")?;
    let subjects = subjects(&Table::read(&table.content)?)?;
    let mut all: Vec<Recorded<'a>> = Vec::new();
    for input in task.inputs("epochs") {
        let recording = recording_of(input)?;
        let subject = subjects.get(&recording).ok_or_else(|| {
            NodeError::new(format!(
                "recording `{recording}` is not in the table of recordings"
            ))
            .at(&table.name)
            .help("add a row for it, or leave the recording out")
        })?;
        let next = Recorded::read(input, &recording, subject)?;
        if let Some(first) = all.first()
            && (first.channels != next.channels
                || first.time != next.time
                || first.classes != next.classes)
        {
            let shape = |one: &Recorded<'_>| {
                let (channels, classes) = (one.channels.join("+"), one.classes.join("|"));
                format!("{channels} × {} of {classes}", one.time)
            };
            return Err(NodeError::new(format!(
                "`{}` has epochs of {}, `{}` of {}",
                first.recording,
                shape(first),
                next.recording,
                shape(&next)
            ))
            .help("give all recordings the same channels, classes, rate and epoch length"));
        }
        all.push(next);
    }
    if all.is_empty() {
        return Err(NodeError::new("there are no recordings to work with"));
    }
    Ok(all)
}

/// The recording an artifact belongs to, from its labels.
///
/// # Errors
/// When the artifact does not come from an axis named `recording`.
pub fn recording_of(input: &Input) -> Result<String, NodeError> {
    let label = input.labels.get("recording").ok_or_else(|| {
        NodeError::new("the epochs don't say which recording they are of")
            .at(&input.name)
            .help("give the node before `for_each = { recording = … }`")
    })?;
    Ok(label.to_string())
}

/// Refuses a name that folds can't list, because they write spaces between subjects.
///
/// # Errors
/// The row, counted from 0, and what is wrong with its subject.
pub fn check_subject(row: usize, subject: &str) -> Result<(), NodeError> {
    let what = match subject.trim() {
        "" => "there is no name of a subject".to_owned(),
        _ if subject.contains(char::is_whitespace) => {
            format!("the subject `{subject}` has a space in its name")
        }
        _ => return Ok(()),
    };
    Err(NodeError::new(what)
        .at(format!("row {}", row + 1))
        .help("name every subject in the column `subject`, without spaces"))
}

/// The subject of every recording.
///
/// # Errors
/// When the table lacks one of the columns.
pub fn subjects(table: &Table) -> Result<BTreeMap<String, String>, NodeError> {
    Ok(table
        .texts("recording")?
        .into_iter()
        .zip(table.texts("subject")?)
        .collect())
}

/// The segments of the recordings whose subject is in a list separated by spaces.
///
/// # Errors
/// A subject without any recording; no epochs at all.
pub fn select<'a>(
    all: &'a [Recorded<'a>],
    subjects: &str,
    role: &str,
) -> Result<(Vec<&'a Recorded<'a>>, Epochs<'a>), NodeError> {
    let wanted: Vec<&str> = subjects.split_whitespace().collect();
    for subject in &wanted {
        if !all.iter().any(|one| one.subject == *subject) {
            return Err(
                NodeError::new(format!("{role} subject `{subject}` has no recording"))
                    .help("make the folds from the same table of recordings as the epochs"),
            );
        }
    }
    let chosen: Vec<&Recorded<'a>> = all
        .iter()
        .filter(|one| wanted.contains(&one.subject.as_str()))
        .collect();
    let Some(first) = chosen.first() else {
        return Err(NodeError::new(format!("the fold has no {role} subjects")));
    };
    let len = first.channels.len() * first.time;
    let segments = chosen
        .iter()
        .map(|one| Segment {
            x: &one.x,
            labels: &one.stage,
        })
        .collect();
    let epochs = Epochs::new(segments, len).map_err(NodeError::new)?;
    Ok((chosen, epochs))
}
