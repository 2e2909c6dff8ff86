//! Kinds that stand for the real ones: the same shapes of ports and params, no work.

use flow_contract::{
    Arity, Catalog, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort,
    ParamProblem, ParamSpec, ParamType, Params, PortType, Row, Task,
};
use flow_plan::{Plan, Problems, Request, Sweep, plan_swept};
use std::borrow::Cow;

struct Toy(Descriptor);

impl Kind for Toy {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        if self.0.name != "lrp" {
            return Ok(());
        }
        let rule = params.text("rule");
        if rule.starts_with("epsilon(") || rule.starts_with("alpha-beta(") {
            return Ok(());
        }
        Err(vec![ParamProblem {
            param: "rule".into(),
            what: format!("there is no rule `{rule}`"),
            help: "the rules are `epsilon(…)` and `alpha-beta(…)`".into(),
        }])
    }

    fn run(&self, _task: &mut Task<'_>) -> Result<(), NodeError> {
        Err(NodeError::new("a toy does no work"))
    }
}

const fn input(name: &'static str, ty: PortType, arity: Arity, doc: &'static str) -> InputPort {
    InputPort {
        name: Cow::Borrowed(name),
        ty,
        arity,
        doc,
    }
}

const fn output(name: &'static str, ty: PortType) -> OutputPort {
    OutputPort {
        name: Cow::Borrowed(name),
        ty,
        doc: "what it makes",
    }
}

const fn param(
    name: &'static str,
    ty: ParamType,
    default: Option<Literal>,
    unit: &'static str,
    doc: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        ty,
        default,
        unit,
        doc,
    }
}

/// A toy kind: name, inputs, outputs, params, and what else it says of itself.
macro_rules! kind {
    ($name:literal, $inputs:expr, $outputs:expr, $params:expr, seeded: $seeded:literal) => {
        Toy(Descriptor {
            name: $name,
            revision: 1,
            summary: "A toy.",
            example: "",
            inputs: $inputs,
            outputs: $outputs,
            params: $params,
            seeded: $seeded,
            open_ports: false,
        })
    };
}

const RECORDING: PortType = PortType::new("recording", Form::File);
const TABLE: PortType = PortType::new("table", Form::Table);
const FOLDS: PortType = PortType::new("folds", Form::Table);
const EPOCHS: PortType = PortType::tensor("epochs", "epoch, channel, time", "µV");
const ZSCORED: PortType = PortType::tensor("epochs", "epoch, channel, time", "z-score");
const WEIGHTS: PortType = PortType::new("weights", Form::Tensors);
const SHARES: PortType = PortType::new("shares", Form::Table);
const FIGURE: PortType = PortType::new("figure", Form::Figure);

const TEXT: ParamType = ParamType::Text;

static COMMAND: Toy = Toy(Descriptor {
    name: "command",
    revision: 1,
    summary: "Runs a program.",
    example: "",
    inputs: &[],
    outputs: &[output("log", PortType::new("text", Form::File))],
    params: &[
        param(
            "run",
            ParamType::List(&TEXT),
            Some(Literal::List(&[])),
            "",
            "the program and its arguments",
        ),
        param(
            "shell",
            TEXT,
            Some(Literal::Null),
            "",
            "a line for the shell",
        ),
        param(
            "env",
            ParamType::Map(&TEXT),
            Some(Literal::Map(&[])),
            "",
            "its environment",
        ),
        param(
            "outputs",
            ParamType::Map(&TEXT),
            None,
            "",
            "where it leaves its outputs",
        ),
    ],
    seeded: false,
    open_ports: true,
});
static EPOCH: Toy = kind!(
    "epoch",
    &[
        input("psg", RECORDING, Arity::One, "the signals of a night"),
        input(
            "hypnogram",
            PortType::new("any", Form::File),
            Arity::Optional,
            "the stages of a night",
        ),
    ],
    &[output("epochs", EPOCHS), output("table", TABLE)],
    &[
        param(
            "seconds",
            ParamType::Float {
                min: 1.0,
                max: 120.0,
            },
            Some(Literal::Float(30.0)),
            "s",
            "length of an epoch",
        ),
        param(
            "channels",
            ParamType::List(&TEXT),
            Some(Literal::List(&[])),
            "",
            "the channels to keep",
        ),
    ],
    seeded: false
);
static FIGURES: Toy = kind!(
    "figure",
    &[input("shares", SHARES, Arity::Many, "the shares to draw")],
    &[output("svg", FIGURE)],
    &[
        param("title", TEXT, Some(Literal::Text("")), "", "the heading"),
        param(
            "style",
            ParamType::Choice(&["boxes", "grid", "night"]),
            Some(Literal::Text("boxes")),
            "",
            "how to draw",
        ),
    ],
    seeded: false
);
static FOLD: Toy = kind!(
    "folds",
    &[input(
        "tables",
        PortType::new("any", Form::Table),
        Arity::Many,
        "the subjects",
    )],
    &[output("table", FOLDS)],
    &[
        param(
            "count",
            ParamType::Int { min: 2, max: 1000 },
            Some(Literal::Int(10)),
            "",
            "how many folds",
        ),
        param(
            "shuffle",
            ParamType::Bool,
            Some(Literal::Bool(true)),
            "",
            "whether to shuffle",
        ),
    ],
    seeded: true
);
static LRP: Toy = kind!(
    "lrp",
    &[
        input(
            "weights",
            WEIGHTS,
            Arity::One,
            "the trained network to explain",
        ),
        input("epochs", ZSCORED, Arity::Many, "the epochs to explain"),
    ],
    &[
        output("shares", SHARES),
        output(
            "relevance",
            PortType::tensor("relevance", "epoch, channel, time", "1"),
        ),
    ],
    &[param("rule", TEXT, None, "", "the attribution rule")],
    seeded: false
);
static RECORDINGS: Toy = kind!(
    "recordings",
    &[],
    &[output("table", TABLE), output("recording", RECORDING)],
    &[
        param(
            "folder",
            TEXT,
            Some(Literal::Text("data")),
            "",
            "where recordings lie",
        ),
        param(
            "nights",
            ParamType::Int { min: 1, max: 100 },
            Some(Literal::Int(2)),
            "",
            "nights of each subject",
        ),
    ],
    seeded: true
);
static TRAIN: Toy = kind!(
    "train",
    &[
        input("epochs", ZSCORED, Arity::Many, "the epochs to learn from"),
        input("folds", FOLDS, Arity::One, "who is in which fold"),
    ],
    &[output("weights", WEIGHTS), output("curves", TABLE)],
    &[
        param(
            "rate",
            ParamType::Float { min: 0.0, max: 1.0 },
            Some(Literal::Float(1e-3)),
            "",
            "learning rate",
        ),
        param(
            "fold",
            ParamType::Int { min: 0, max: 1000 },
            Some(Literal::Int(0)),
            "",
            "which fold to learn",
        ),
    ],
    seeded: true
);
static ZSCORE: Toy = kind!(
    "zscore",
    &[input("epochs", EPOCHS, Arity::One, "the epochs of a night")],
    &[output("epochs", ZSCORED)],
    &[],
    seeded: false
);

/// The toy kinds.
pub struct Toys;

impl Catalog for Toys {
    fn kinds(&self) -> Vec<&dyn Kind> {
        vec![
            &COMMAND,
            &EPOCH,
            &FIGURES,
            &FOLD,
            &LRP,
            &RECORDINGS,
            &TRAIN,
            &ZSCORE,
        ]
    }

    fn rows(&self, _table: &[u8]) -> Result<Vec<Row>, String> {
        Ok(Vec::new())
    }
}

/// Plans a study of toys.
pub fn planned(text: &str) -> Result<Plan, Problems> {
    planned_with(text, &[])
}

/// Plans a study of toys with overrides.
pub fn planned_with(text: &str, overrides: &[(&str, &str)]) -> Result<Plan, Problems> {
    planned_at(text, overrides, &Sweep::default())
}

/// Plans a study of toys with overrides at the points of a sweep.
pub fn planned_at(text: &str, overrides: &[(&str, &str)], sweep: &Sweep) -> Result<Plan, Problems> {
    let request = Request {
        text,
        name: "pipeline.toml",
        overrides: &owned(overrides),
        catalog: &Toys,
    };
    plan_swept(&request, sweep)
}

pub fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let each = pairs.iter();
    each.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A study like the paper's, with most features of the language.
pub const STUDY: &str = include_str!("../studies/sleep.toml");
