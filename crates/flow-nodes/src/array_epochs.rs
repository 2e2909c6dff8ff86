//! `array-epochs`: epochs from arrays and tables of any field.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Foresight, Form, Input, InputPort, Kind, Literal, NodeError, OutputPort,
    ParamProblem, ParamSpec, ParamType, Params, PortType, Task,
};

use crate::arrays::{Held, column_names, read, transpose};
use crate::epoch::EPOCH_TABLE;
use crate::npz::Array;
use crate::recordings::{EPOCHS, with_names};
use crate::table::{Table, TableBuilder};
use crate::tensor::TensorsBuilder;

/// See the module's page.
pub struct ArrayEpochs;

const TEXTS: ParamType = ParamType::List(&ParamType::Text);
const FILE: PortType = PortType::new("any", Form::File);

static DESCRIPTOR: Descriptor = Descriptor {
    name: "array-epochs",
    revision: 3,
    summary: "Makes epochs of your own arrays: npz, npy, safetensors, or tables as Parquet or CSV.",
    example: r#"
[node.people]
kind = "recordings"
table = { file = "people.csv" }                 # columns recording, subject, and what is known of them

[node.epochs]
kind = "array-epochs"
for_each = { recording = "people.recordings" }
arrays = { file = "data/$recording.npz" }       # x [epoch, time, channel], y [epoch]
axes = ["epoch", "time", "channel"]
channels = ["accelerometer: x", "accelerometer: y", "accelerometer: z", "ECG: lead II"]
units = ["g", "g", "g", "mV"]
rate = 50                                       # Hz
classes = ["rest", "walk", "run"]
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("arrays"),
            ty: FILE,
            arity: Arity::One,
            doc: "Arrays, or a table with a column for each channel and a row for each sample.",
        },
        InputPort {
            name: Cow::Borrowed("labels"),
            ty: FILE,
            arity: Arity::Optional,
            doc: "The classes, if they are in a file of their own: an array, or a table with a row for each epoch.",
        },
    ],
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("epochs"),
            ty: EPOCHS,
            doc: "`x` float32 [epoch, channel, time] in the units given, `stage` [epoch]: the class, `onset` [epoch] in s.",
        },
        OutputPort {
            name: Cow::Borrowed("table"),
            ty: EPOCH_TABLE,
            doc: "onset [s], stage: the class, kept: all of them, reason: none; for `count-epochs`.",
        },
    ],
    params: &[
        ParamSpec {
            name: "array",
            ty: ParamType::Text,
            default: Some(Literal::Text("x")),
            unit: "",
            doc: "The array of signals; without meaning for npy files and tables.",
        },
        ParamSpec {
            name: "axes",
            ty: TEXTS,
            default: Some(Literal::List(&[
                Literal::Text("epoch"),
                Literal::Text("channel"),
                Literal::Text("time"),
            ])),
            unit: "",
            doc: "The array's axes in its own order: epoch, channel and time; channel may be missing for one channel.",
        },
        ParamSpec {
            name: "channels",
            ty: TEXTS,
            default: None,
            unit: "",
            doc: "Modality and channel in order, as in `accelerometer: x`; in a table the channel is the column.",
        },
        ParamSpec {
            name: "units",
            ty: TEXTS,
            default: None,
            unit: "",
            doc: "The unit of each channel, or one for all.",
        },
        ParamSpec {
            name: "rate",
            ty: ParamType::Float {
                min: 1e-6,
                max: 1e9,
            },
            default: None,
            unit: "Hz",
            doc: "Samples per second.",
        },
        ParamSpec {
            name: "seconds",
            ty: ParamType::Float {
                min: 0.0,
                max: 86_400.0,
            },
            default: Some(Literal::Float(0.0)),
            unit: "s",
            doc: "The length of an epoch: needed for a table, checked for an array unless 0.",
        },
        ParamSpec {
            name: "label",
            ty: ParamType::Text,
            default: Some(Literal::Text("y")),
            unit: "",
            doc: "The array or column of classes: by name, or by number from 0 where no class is called a number.",
        },
        ParamSpec {
            name: "classes",
            ty: TEXTS,
            default: None,
            unit: "",
            doc: "The classes in order, at least two; an epoch of another is refused.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for ArrayEpochs {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        let problems = problems(params);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::array_epochs)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (file, table) = {
            let input = task.input("arrays")?;
            let at = |error: NodeError| place(error, input);
            let asked = Asked::new(task.params);
            let held = read(&input.content).map_err(at)?;
            let signals = asked.signals(&held).map_err(at)?;
            let names = match task.optional("labels") {
                None if matches!(&held, Held::Arrays(arrays) if arrays.len() == 1) => {
                    return Err(at(NodeError::new("there are no labels beside the signals")
                        .help(
                            "connect `labels`, or put them into the same file as an array `y`",
                        )));
                }
                None => asked.labels(&held, &signals).map_err(at)?,
                Some(labels) => read(&labels.content)
                    .and_then(|held| asked.labels(&held, &signals))
                    .map_err(|error| place(error, labels))?,
            };
            let onset = asked.onsets(&signals);
            let table = asked.table(&onset, &names)?;
            (asked.file(&signals, &names, &onset).map_err(at)?, table)
        };
        task.give("epochs", file);
        task.give("table", table);
        Ok(())
    }
}

/// The error with the file before its place.
fn place(error: NodeError, input: &Input) -> NodeError {
    match &error.place {
        None => error.at(&input.name),
        Some(inner) => {
            let whole = format!("{}, {inner}", input.name);
            error.at(whole)
        }
    }
}

fn problems(params: &Params) -> Vec<ParamProblem> {
    let problem = |param: &str, what: String, help: &str| ParamProblem {
        param: param.to_owned(),
        what,
        help: help.to_owned(),
    };
    let (channels, units) = (params.texts("channels"), params.texts("units"));
    let mut found = Vec::new();
    if channels.is_empty() {
        found.push(problem(
            "channels",
            "there are no channels".to_owned(),
            "name each channel of the array",
        ));
    }
    if units.len() != 1 && units.len() != channels.len() {
        let what = format!("{} units for {} channels", units.len(), channels.len());
        found.push(problem(
            "units",
            what,
            "give each channel a unit, or one for all; \"1\" for none",
        ));
    }
    let classes = params.texts("classes");
    if !(2..=255).contains(&classes.len()) {
        let what = format!("{} classes", classes.len());
        found.push(problem("classes", what, "name 2 to 255 classes"));
    }
    let mut axes = params.texts("axes");
    axes.sort_unstable();
    if axes != ["channel", "epoch", "time"] && !(axes == ["epoch", "time"] && channels.len() == 1) {
        let what = format!(
            "`{}` are not the axes of epochs",
            params.texts("axes").join(", ")
        );
        found.push(problem(
            "axes",
            what,
            "give epoch, channel and time in the array's order",
        ));
    }
    found
}

/// What the params ask for.
struct Asked<'p> {
    params: &'p Params,
    modalities: Vec<String>,
    columns: Vec<String>,
    classes: Vec<String>,
    rate_hz: f64,
}

/// `[epoch, channel, time]`.
struct Signals {
    epochs: usize,
    time: usize,
    x: Vec<f32>,
}

impl<'p> Asked<'p> {
    fn new(params: &'p Params) -> Self {
        let channels = params.texts("channels");
        let split = |text: &&str| -> (String, String) {
            let (modality, column) = text.split_once(':').unwrap_or((text, text));
            (modality.trim().to_owned(), column.trim().to_owned())
        };
        let (modalities, columns) = channels.iter().map(split).unzip();
        Self {
            params,
            modalities,
            columns,
            classes: params
                .texts("classes")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            rate_hz: params.float("rate"),
        }
    }

    fn signals(&self, held: &Held<'_>) -> Result<Signals, NodeError> {
        let (epochs, time, numbers) = match held {
            Held::Arrays(arrays) => self.of_array(find(arrays, self.params.text("array"))?)?,
            Held::Table(table) => self.of_table(table)?,
        };
        let channels = self.columns.len();
        let mut x = Vec::with_capacity(numbers.len());
        for (at, &number) in numbers.iter().enumerate() {
            let value = number as f32;
            if !value.is_finite() {
                let (epoch, rest) = (at / (channels * time), at % (channels * time));
                let (channel, sample) = (rest / time, rest % time);
                let seconds = (epoch * time + sample) as f64 / self.rate_hz;
                return Err(NodeError::new(format!(
                    "channel `{}` holds {number}",
                    self.columns[channel]
                ))
                .at(format!(
                    "epoch {epoch}, sample {sample}, {seconds} s from the start"
                ))
                .because("signals are 32-bit floats without NaN and infinity")
                .help("fill the gap, or leave the epoch out"));
            }
            x.push(value);
        }
        Ok(Signals { epochs, time, x })
    }

    /// Epochs, samples, and the values in the order `[epoch, channel, time]`.
    fn of_array(&self, array: &Array<'_>) -> Result<(usize, usize, Vec<f64>), NodeError> {
        let axes = self.params.texts("axes");
        let refuse = || {
            let wanted: Vec<String> = axes
                .iter()
                .map(|axis| match *axis {
                    "channel" => format!("channel = {}", self.columns.len()),
                    "time" if self.samples() > 0 => format!("time = {}", self.samples()),
                    axis => axis.to_owned(),
                })
                .collect();
            NodeError::new(format!("array `{}` has shape {:?}, but [{}] is wanted", array.name, array.shape, wanted.join(", ")))
                .help("say the order of the array's axes by `axes`, and each of its channels by `channels`")
        };
        if array.shape.len() != axes.len() {
            return Err(refuse());
        }
        let size_of = |axis: &str| {
            axes.iter()
                .position(|one| *one == axis)
                .map_or(1, |at| array.shape[at])
        };
        let (epochs, channels, time) = (size_of("epoch"), size_of("channel"), size_of("time"));
        let samples = self.samples();
        if channels != self.columns.len() || (samples > 0 && samples != time) || epochs * time == 0
        {
            return Err(refuse());
        }
        let order: Vec<usize> = ["epoch", "channel", "time"]
            .iter()
            .filter_map(|axis| axes.iter().position(|one| one == axis))
            .collect();
        let numbers = array.numbers()?;
        let turned = if order.is_sorted() {
            numbers
        } else {
            let bytes = transpose(bytemuck::cast_slice(&numbers), &array.shape, &order, 8);
            bytemuck::pod_collect_to_vec(&bytes)
        };
        Ok((epochs, time, turned))
    }

    fn of_table(&self, table: &Table) -> Result<(usize, usize, Vec<f64>), NodeError> {
        let time = self.samples();
        if time == 0 {
            return Err(NodeError::new("a table does not say how long an epoch is")
                .help("give the length by `seconds`"));
        }
        let epochs = table.height() / time;
        if epochs == 0 || !table.height().is_multiple_of(time) {
            return Err(NodeError::new(format!(
                "{} rows are not whole epochs of {time} samples",
                table.height()
            ))
            .because(format!(
                "{} s at {} Hz are {time} samples",
                self.params.float("seconds"),
                self.rate_hz
            ))
            .help("cut the table to whole epochs, or mend `seconds` or `rate`"));
        }
        let mut numbers = vec![0.0; epochs * time * self.columns.len()];
        for (channel, column) in self.columns.iter().enumerate() {
            for (row, cell) in table.floats(column)?.into_iter().enumerate() {
                let at = (row / time * self.columns.len() + channel) * time + row % time;
                numbers[at] = cell.unwrap_or(f64::NAN);
            }
        }
        Ok((epochs, time, numbers))
    }

    /// Samples of an epoch, 0 if the params don't say.
    fn samples(&self) -> usize {
        (self.params.float("seconds") * self.rate_hz).round() as usize
    }

    /// The class of each epoch, by position.
    fn labels(&self, held: &Held<'_>, signals: &Signals) -> Result<Vec<u8>, NodeError> {
        let label = self.params.text("label");
        let names = match held {
            Held::Arrays(arrays) => find(arrays, label)?.names()?,
            Held::Table(table) => column_names(table, label)?,
        };
        let names = match names.len() {
            count if count == signals.epochs => names,
            count if count == signals.epochs * signals.time => {
                one_each(&names, signals.time, label)?
            }
            count => {
                return Err(NodeError::new(format!(
                    "`{label}` has {count} values for {} epochs",
                    signals.epochs
                ))
                .help("give a class for each epoch, or in a table for each sample"));
            }
        };
        // Where classes are numbers themselves, 0 is not the first of them.
        let are_numbers = self
            .classes
            .iter()
            .any(|class| class.parse::<f64>().is_ok());
        let class = |(epoch, name): (usize, &String)| {
            let by_name = self.classes.iter().position(|class| class == name);
            let by_number = || {
                let number = name.parse().ok().filter(|_| !are_numbers);
                number.filter(|class| *class < self.classes.len())
            };
            let class = by_name
                .or_else(by_number)
                .and_then(|class| u8::try_from(class).ok());
            class.ok_or_else(|| {
                NodeError::new(format!("`{label}` holds `{name}`, which is no class"))
                    .at(format!("epoch {epoch}"))
                    .help(format!("the classes are {}", self.classes.join(", ")))
            })
        };
        names.iter().enumerate().map(class).collect()
    }

    /// Seconds from the first sample to each epoch.
    fn onsets(&self, signals: &Signals) -> Vec<f64> {
        let seconds = signals.time as f64 / self.rate_hz;
        let onset = |epoch| epoch as f64 * seconds;
        (0..signals.epochs).map(onset).collect()
    }

    fn table(&self, onset: &[f64], class: &[u8]) -> Result<Vec<u8>, NodeError> {
        let name = |class: &u8| self.classes[usize::from(*class)].as_str();
        TableBuilder::new()
            .classes(&self.classes)
            .float("onset", onset)
            .text("stage", &class.iter().map(name).collect::<Vec<_>>())
            .bool("kept", &vec![true; onset.len()])
            .text("reason", &vec![""; onset.len()])
            .parquet()
    }

    fn file(&self, signals: &Signals, class: &[u8], onset: &[f64]) -> Result<Vec<u8>, NodeError> {
        let mut units: Vec<String> = self
            .params
            .texts("units")
            .into_iter()
            .map(str::to_owned)
            .collect();
        if let [unit] = units.as_slice() {
            units = vec![unit.clone(); self.columns.len()];
        }
        with_names(TensorsBuilder::new(), &units, &self.classes)
            .fact("channels", self.modalities.join("\t"))
            .f32(
                "x",
                &[signals.epochs, self.columns.len(), signals.time],
                &signals.x,
            )
            .f64("onset", &[onset.len()], onset)
            .u8("stage", &[class.len()], class)
            .build()
    }
}

/// The array of a name; the only one of a file has any name.
fn find<'a, 'b>(arrays: &'a [Array<'b>], name: &str) -> Result<&'a Array<'b>, NodeError> {
    if let [only] = arrays {
        return Ok(only);
    }
    arrays
        .iter()
        .find(|array| array.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            NodeError::new(format!("there is no array `{name}`"))
                .help(format!("there are {}", names.join(", ")))
        })
}

/// The label of each epoch, from one a sample.
fn one_each(names: &[String], time: usize, label: &str) -> Result<Vec<String>, NodeError> {
    let one = |(epoch, names): (usize, &[String])| {
        let first = &names[0];
        match names.iter().find(|name| *name != first) {
            None => Ok(first.clone()),
            Some(other) => Err(NodeError::new(format!(
                "`{label}` changes from `{first}` to `{other}`"
            ))
            .at(format!("epoch {epoch}"))
            .help("cut epochs where the class is one")),
        }
    };
    names.chunks(time).enumerate().map(one).collect()
}
