//! `model`: a network trained elsewhere, ready for `predict`, `lrp` and `explain`.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, Foresight, Form, InputPort, Kind, Literal, NodeError, OutputPort,
    ParamProblem, ParamSpec, ParamType, Params, PortType, Task, Value,
};
use flow_learn::network::Network;
use flow_learn::weights::{Layout, Weights, WeightsFileError};

use crate::description::Description;
use crate::network::problem;
use crate::tensor::Tensors;
use crate::train::WEIGHTS;

/// See the module's page.
pub struct Model;

const SIZE: ParamType = ParamType::Int {
    min: 0,
    max: 100_000_000,
};

static DESCRIPTOR: Descriptor = Descriptor {
    name: "model",
    revision: 1,
    summary: "Takes in a network trained elsewhere: safetensors in PyTorch's or Keras's layout.",
    example: r#"[node.net]
kind = "model"
weights = { file = "weights.safetensors" }
network = ["conv 16 k5", "relu", "global-max-pool", "dense 5"]
channels = 3
time = 3000
"#,
    inputs: &[
        InputPort {
            name: Cow::Borrowed("weights"),
            ty: PortType::new("any", Form::File),
            arity: Arity::One,
            doc: "A safetensors file of the weights.",
        },
        InputPort {
            name: Cow::Borrowed("description"),
            ty: PortType::new("any", Form::File),
            arity: Arity::Optional,
            doc: "The network as a text of one layer a line, or as JSON; instead of `network`.",
        },
    ],
    outputs: &[OutputPort {
        name: Cow::Borrowed("weights"),
        ty: WEIGHTS,
        doc: "The weights in PyTorch's layout, with the network they are of.",
    }],
    params: &[
        ParamSpec {
            name: "network",
            ty: ParamType::List(&ParamType::Text),
            default: Some(Literal::List(&[])),
            unit: "",
            doc: "The layers in order, or the name of a preset.",
        },
        ParamSpec {
            name: "channels",
            ty: SIZE,
            default: Some(Literal::Int(0)),
            unit: "",
            doc: "Channels of the input; 0 where the description says them.",
        },
        ParamSpec {
            name: "time",
            ty: SIZE,
            default: Some(Literal::Int(0)),
            unit: "samples",
            doc: "Length of the input; 0 where the description says it.",
        },
        ParamSpec {
            name: "layout",
            ty: ParamType::Choice(&["auto", "pytorch", "keras"]),
            default: Some(Literal::Text("auto")),
            unit: "",
            doc: "How the file orders the axes of a weight; `auto` takes the one that fits.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for Model {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn check_param(&self, name: &str, value: &Value) -> Result<(), ParamProblem> {
        let said = value.as_list().is_some_and(|list| !list.is_empty());
        let problem = (name == "network" && said)
            .then(|| crate::network::network_problem(value))
            .flatten();
        problem.map_or(Ok(()), Err)
    }

    fn check(&self, params: &Params) -> Result<(), Vec<ParamProblem>> {
        let layers: Vec<String> = params
            .texts("network")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let (channels, time) = (params.count("channels"), params.count("time"));
        if layers.is_empty() || channels == 0 || time == 0 {
            return Ok(());
        }
        // Any number of classes does where it is open.
        let network = Description::of(layers).network(channels, time, 2);
        network.map(drop).map_err(|error| vec![problem(error)])
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::model)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let file = {
            let description = description(task)?;
            let said = (task.params.count("channels"), task.params.count("time"));
            let input = Some(said).filter(|&(channels, time)| channels > 0 && time > 0);
            let (channels, time) = input.or(description.input).ok_or_else(|| {
                NodeError::new("nothing says how long an input of the network is")
                    .help("give `channels` and `time`")
            })?;
            let input = task.input("weights")?;
            let at = |error| placed(error, &input.name);
            let layout = layout_of(task.params.text("layout"));
            let fitted = fitted(&description, (channels, time), &input.content, layout);
            let (network, weights, _) = fitted.map_err(at)?;
            crate::network::write(&network, &weights)?
        };
        task.give("weights", file);
        Ok(())
    }
}

/// What the port `description` or the param `network` says.
fn description(task: &Task<'_>) -> Result<Description, NodeError> {
    let layers = task.params.texts("network");
    match (task.optional("description"), layers.is_empty()) {
        (Some(file), true) => {
            let text = std::str::from_utf8(&file.content)
                .map_err(|_| NodeError::new("the description is no text").at(&file.name))?;
            Description::read(text).map_err(|error| error.at(&file.name))
        }
        (None, false) => Ok(Description::of(
            layers.into_iter().map(str::to_owned).collect(),
        )),
        (Some(_), false) => Err(NodeError::new("the network is described twice")
            .help("give the file `description` or the param `network`")),
        (None, true) => Err(NodeError::new("nothing says what the network is")
            .help("give the file `description`, or `network = [\"conv 16 k5\", …]`")),
    }
}

/// The network of a description that the weights of a file fit, in the layout they are in.
///
/// # Errors
/// The first tensor that does not fit, with the shapes wanted and found.
pub fn fitted(
    description: &Description,
    (channels, time): (usize, usize),
    file: &[u8],
    layout: Option<Layout>,
) -> Result<(Network, Weights<f32>, Layout), NodeError> {
    let mut first = None;
    for classes in classes(description, file)? {
        let network = description.network(channels, time, classes);
        let network = network.map_err(|error| placed(error, "the network's description"))?;
        let read = match layout {
            Some(layout) => {
                Weights::from_safetensors(&network, file, layout).map(|weights| (weights, layout))
            }
            None => Weights::from_safetensors_of_any_layout(&network, file),
        };
        match read {
            Ok((weights, layout)) => return Ok((network, weights, layout)),
            Err(error) => first.get_or_insert(error),
        };
    }
    Err(in_words(first))
}

/// The error, at this place unless it has one.
pub fn placed(error: NodeError, place: &str) -> NodeError {
    match error.place {
        Some(_) => error,
        None => error.at(place),
    }
}

fn in_words(error: Option<WeightsFileError>) -> NodeError {
    let Some(error) = error else {
        return NodeError::new("the file holds no dense layer, so there is no number of classes");
    };
    let help = match &error {
        WeightsFileError::WrongShape { .. } | WeightsFileError::Missing { .. } => {
            "describe the network that the file is of, layer by layer; `… as NAME` names a layer as the file does"
        }
        WeightsFileError::Format(_) => "write the weights by safetensors' `save_file`",
        _ => return NodeError::new(error),
    };
    NodeError::new(error).help(help)
}

/// The numbers of classes to try: any that a dense layer of the file could give, where it is open.
fn classes(description: &Description, file: &[u8]) -> Result<Vec<usize>, NodeError> {
    if !description.takes_classes() {
        return Ok(vec![0]);
    }
    let mut sizes = Tensors::read(file)?
        .shapes()
        .filter(|shape| shape.len() == 2)
        .flatten()
        .collect::<Vec<_>>();
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

/// A layout by its word in a param; `None` for the one that fits.
pub fn layout_of(word: &str) -> Option<Layout> {
    match word {
        "pytorch" => Some(Layout::PyTorch),
        "keras" => Some(Layout::Keras),
        _ => None,
    }
}
