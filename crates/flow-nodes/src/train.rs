//! `train`: a network fitted to the training subjects of one fold.

mod checkpoint;

use std::borrow::Cow;
use std::ops::ControlFlow;

use flow_contract::{
    Descriptor, Foresight, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamProblem,
    ParamSpec, ParamType, Params, PortType, Task, Value, derive_seed,
};
use flow_learn::backend::BackendClass;
use flow_learn::network::Network;
use flow_learn::training::{
    BatchProgress, ClassWeights, Observer, TrainError, Trained, Training, TrainingEpoch,
    TrainingSettings, resume, train,
};

use checkpoint::{Checkpoint, Kept};

use crate::backend::{BACKEND_PARAM, backend, backend_class, check_backend};
use crate::network::{network, network_problem};
use crate::recordings::{RECORDINGS_PORT, Recorded, ZSCORED_PORT, read_all, select};
use crate::table::TableBuilder;
use crate::whereabouts::not_finite;

/// A trained network: its weights, and as a fact its layers.
pub const WEIGHTS: PortType = PortType::new("weights", Form::Tensors);

/// One row a training epoch.
pub const HISTORY: PortType = PortType::new("history", Form::Table);

/// See the module's page.
pub struct Train;

const COUNT: ParamType = ParamType::Int {
    min: 1,
    max: 1_000_000,
};
const POSITIVE: ParamType = ParamType::Float {
    min: 0.0,
    max: f64::INFINITY,
};

static INPUTS: &[InputPort] = &[ZSCORED_PORT, RECORDINGS_PORT];

static DESCRIPTOR: Descriptor = Descriptor {
    name: "train",
    revision: 1,
    summary: "Trains a 1-D convolutional network on the training subjects of a fold.",
    example: r#"[node.net]
kind = "train"
epochs = { files = "zscored/*.safetensors" }
recordings = { file = "recordings.parquet" }
train = "01 02 04"                              # subjects; in a study "$fold.train"
validation = "05"
network = ["conv 16 k5", "relu", "max-pool 2", "global-max-pool", "dense 5"]
training_epochs = 20
"#,
    inputs: INPUTS,
    outputs: &[
        OutputPort {
            name: Cow::Borrowed("weights"),
            ty: WEIGHTS,
            doc: "The weights after the best training epoch, `<layer>.weight` and `<layer>.bias`.",
        },
        OutputPort {
            name: Cow::Borrowed("history"),
            ty: HISTORY,
            doc: "One row a training epoch: losses, accuracies, learning rate, whether it was best.",
        },
    ],
    params: &[
        ParamSpec {
            name: "fold",
            ty: ParamType::Int {
                min: 0,
                max: i64::MAX,
            },
            default: Some(Literal::Int(0)),
            unit: "",
            doc: "The fold; it separates the random streams of folds.",
        },
        ParamSpec {
            name: "train",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Training subjects, separated by spaces.",
        },
        ParamSpec {
            name: "validation",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "Validation subjects, separated by spaces.",
        },
        ParamSpec {
            name: "network",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[Literal::Text("ellis2021")])),
            unit: "",
            doc: "The layers in order, or the name of a preset.",
        },
        ParamSpec {
            name: "training_epochs",
            ty: COUNT,
            default: Some(Literal::Int(100)),
            unit: "training epochs",
            doc: "At most this many passes over the training epochs.",
        },
        ParamSpec {
            name: "batch",
            ty: COUNT,
            default: Some(Literal::Int(128)),
            unit: "epochs",
            doc: "Epochs in a batch.",
        },
        ParamSpec {
            name: "learning_rate",
            ty: POSITIVE,
            default: Some(Literal::Float(1e-3)),
            unit: "",
            doc: "Adam's first learning rate.",
        },
        ParamSpec {
            name: "adam_epsilon",
            ty: POSITIVE,
            default: Some(Literal::Float(1e-7)),
            unit: "",
            doc: "Adam's ε.",
        },
        ParamSpec {
            name: "stop_after",
            ty: COUNT,
            default: Some(Literal::Int(20)),
            unit: "training epochs",
            doc: "Training ends after so many without a better validation accuracy.",
        },
        ParamSpec {
            name: "plateau_after",
            ty: COUNT,
            default: Some(Literal::Int(5)),
            unit: "training epochs",
            doc: "The learning rate is cut after so many without a better validation accuracy.",
        },
        ParamSpec {
            name: "plateau_factor",
            ty: ParamType::Float { min: 0.0, max: 1.0 },
            default: Some(Literal::Float(0.1)),
            unit: "",
            doc: "What the learning rate is then multiplied with.",
        },
        ParamSpec {
            name: "class_weights",
            ty: ParamType::Choice(&["balanced", "even"]),
            default: Some(Literal::Text("balanced")),
            unit: "",
            doc: "What a class weighs in the loss: epochs / (classes · epochs of the class), or 1; the mean is over epochs, as in Keras.",
        },
        BACKEND_PARAM,
    ],
    seeded: true,
    open_ports: false,
};

impl Kind for Train {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        match name {
            "network" => network_problem(value).map_or(Ok(()), Err),
            "learning_rate" | "adam_epsilon" | "plateau_factor" => {
                rate_problem(name, value).map_or(Ok(()), Err)
            }
            _ => check_backend(name, value),
        }
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        let learned: Vec<&str> = params.text("train").split_whitespace().collect();
        let validated = params.text("validation").split_whitespace();
        let mut both: Vec<&str> = validated.filter(|one| learned.contains(one)).collect();
        both.sort_unstable();
        both.dedup();
        if both.is_empty() {
            return Ok(());
        }
        Err(vec![ParamProblem {
            param: "validation".to_owned(),
            what: format!(
                "`{}` is in `train` too, so the best training epoch would be chosen on what was learned",
                both.join("`, `")
            ),
            help: "give each subject one role, as the kind `folds` does".to_owned(),
        }])
    }

    fn backend(&self, params: &Params) -> Option<String> {
        backend_class(params, format!("{}-f32", BackendClass::default().name()))
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::train)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let (weights, history) = {
            let all = read_all(task)?;
            let params = task.params;
            let (learned, train_epochs) = select(&all, params.text("train"), "training")?;
            warn_of_absent(&learned, task.observer);
            let (validated, validation) = select(&all, params.text("validation"), "validation")?;
            let network = network(
                params,
                all[0].channels.len(),
                all[0].time,
                all[0].classes.len(),
            )?;
            let settings = settings(params);
            let fold = params.int("fold").to_string();
            let training = Training {
                network: &network,
                train: &train_epochs,
                validation: &validation,
                settings: &settings,
                seed: derive_seed(task.seed, &["train", &fold]),
                backend: backend(task)?,
            };
            let mut ear = Ear {
                observer: task.observer,
                most: settings.training_epochs,
                checkpoint: Checkpoint::of(task),
            };
            let trained = trained(&training, &mut ear).map_err(|error| {
                let both = not_finite(&learned).or_else(|| not_finite(&validated));
                both.unwrap_or_else(|| NodeError::new(error))
            })?;
            (weights_file(&network, &trained)?, history_table(&trained)?)
        };
        task.give("weights", weights);
        task.give("history", history);
        Ok(())
    }
}

/// What is wrong with a number that a network is to learn by: 0, or nothing that single precision holds.
fn rate_problem(name: &str, value: &Value) -> Option<ParamProblem> {
    let value = value.as_float()?;
    let what = match value as f32 {
        single if single.is_normal() => return None,
        _ if value == 0.0 => "it is 0, and a network can't learn by that".to_owned(),
        single if single.is_finite() => {
            format!("it is {value:e}, too small for single precision, which networks learn in")
        }
        _ => format!("it is {value:e}, too large for single precision, which networks learn in"),
    };
    Some(ParamProblem {
        param: name.to_owned(),
        what,
        help: "give a number above 0, usually from 1e-8 to 1".to_owned(),
    })
}

/// Says which classes the network can't learn, because nothing it learns from is of them.
fn warn_of_absent(learned: &[&Recorded<'_>], observer: &dyn flow_contract::Observer) {
    let occurs = |class: usize| {
        let mut stages = learned.iter().flat_map(|one| one.stage.iter());
        stages.any(|stage| usize::from(*stage) == class)
    };
    let classes = learned.first().map_or(&[][..], |one| &one.classes);
    let absent = classes.iter().enumerate().filter(|(at, _)| !occurs(*at));
    let absent: Vec<&str> = absent.map(|(_, name)| name.as_str()).collect();
    if !absent.is_empty() {
        let names = absent.join(", ");
        observer.warn(&format!(
            "no training epoch is of class {names}: the network can't learn it"
        ));
    }
}

/// Trains, from the last training epoch of a killed attempt where there is one.
fn trained(training: &Training<'_>, ear: &mut Ear<'_>) -> Result<Trained, TrainError> {
    match ear
        .checkpoint
        .as_ref()
        .map_or(Kept::Nothing, Checkpoint::read)
    {
        Kept::Nothing => train(training, ear),
        Kept::Damaged => ear.anew(training),
        Kept::State(state) => match resume(training, &state, ear) {
            Err(TrainError::Checkpoint(_)) => ear.anew(training),
            done => done,
        },
    }
}

fn settings(params: &Params) -> TrainingSettings {
    TrainingSettings {
        batch: params.count("batch"),
        training_epochs: params.count("training_epochs"),
        learning_rate: params.float("learning_rate"),
        epsilon: params.float("adam_epsilon"),
        stop_after: params.count("stop_after"),
        plateau_after: params.count("plateau_after"),
        plateau_factor: params.float("plateau_factor"),
        class_weights: match params.text("class_weights") {
            "even" => ClassWeights::Even,
            _ => ClassWeights::Balanced,
        },
        ..TrainingSettings::default()
    }
}

fn weights_file(network: &Network, trained: &Trained) -> Result<Vec<u8>, NodeError> {
    crate::network::write(network, &trained.weights)
}

fn history_table(trained: &Trained) -> Result<Vec<u8>, NodeError> {
    let of =
        |get: fn(&TrainingEpoch) -> f64| -> Vec<f64> { trained.history.iter().map(get).collect() };
    let numbers: Vec<i64> = trained
        .history
        .iter()
        .map(|epoch| epoch.number as i64)
        .collect();
    let best: Vec<bool> = trained
        .history
        .iter()
        .map(|epoch| epoch.number == trained.best_epoch)
        .collect();
    TableBuilder::new()
        .int("training_epoch", &numbers)
        .float("loss", &of(|epoch| epoch.loss))
        .float("accuracy", &of(|epoch| epoch.accuracy))
        .float("validation_loss", &of(|epoch| epoch.val_loss))
        .float("validation_accuracy", &of(|epoch| epoch.val_accuracy))
        .float("learning_rate", &of(|epoch| epoch.learning_rate))
        .bool("best", &best)
        .parquet()
}

/// Passes progress on, the wish to stop back, and checkpoints to their file.
struct Ear<'a> {
    observer: &'a dyn flow_contract::Observer,
    most: usize,
    checkpoint: Option<Checkpoint>,
}

impl Ear<'_> {
    fn goes_on(&self) -> ControlFlow<()> {
        if self.observer.should_stop() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn anew(&mut self, training: &Training<'_>) -> Result<Trained, TrainError> {
        self.observer
            .warn("the checkpoint of an earlier attempt was damaged; the training began anew");
        train(training, self)
    }

    fn tell(&self, epoch: &TrainingEpoch, before: &str) {
        let note = format!(
            "{before}loss {:.3}, accuracy {:.3}, validation loss {:.3}, accuracy {:.3}",
            epoch.loss, epoch.accuracy, epoch.val_loss, epoch.val_accuracy
        );
        self.observer
            .progress(epoch.number as u64, self.most as u64, &note);
    }
}

impl Observer for Ear<'_> {
    fn resumed(&mut self, after: &TrainingEpoch) {
        self.tell(after, "goes on from here: ");
    }

    fn batch(&mut self, _progress: BatchProgress) -> ControlFlow<()> {
        self.goes_on()
    }

    fn training_epoch(&mut self, epoch: &TrainingEpoch) -> ControlFlow<()> {
        self.tell(epoch, "");
        self.goes_on()
    }

    fn wants_checkpoints(&self) -> bool {
        self.checkpoint.is_some()
    }

    fn checkpoint(&mut self, state: Vec<u8>) {
        let Some(checkpoint) = &self.checkpoint else {
            return;
        };
        if let Err(error) = checkpoint.write(&state) {
            let words =
                format!("no checkpoints: {error}; if this training is killed it begins anew");
            self.observer.warn(&words);
            self.checkpoint = None;
        }
    }
}
