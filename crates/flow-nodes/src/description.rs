//! What a network is, in words or in a file: a preset, short texts of layers, or JSON.
//!
//! A text has one layer a line or between `;`; `#` begins a comment. JSON is
//! `{"input": [channels, time], "ops": [{"op": "conv1d", "out": 16, "k": 5}, …]}`, `input` optional;
//! the words of layers are those of PyTorch, Keras or flow, in any case.

mod json;

use flow_contract::NodeError;
use flow_learn::network::Network;
use serde_json::Value as Json;

/// The paper's network by its name.
pub const PRESET: &str = "ellis2021";

/// A network whose input and number of classes may still be open.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Channels and time, where the description says them.
    pub input: Option<(usize, usize)>,
    /// Short texts of the layers, or the name of a preset.
    layers: Vec<String>,
}

impl Description {
    /// Reads a text, a preset's name, or JSON.
    ///
    /// # Errors
    /// JSON that is cut short, or a layer of it that is not known; texts are read by
    /// [`Description::network`].
    pub fn read(text: &str) -> Result<Self, NodeError> {
        if text.trim_start().starts_with('{') {
            return Self::read_json(text);
        }
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or(""));
        let layers = lines.flat_map(|line| line.split(';')).map(str::trim);
        let layers = layers.filter(|layer| !layer.is_empty());
        Ok(Self::of(layers.map(str::to_owned).collect()))
    }

    /// A description of these layers.
    pub fn of(layers: Vec<String>) -> Self {
        Self {
            input: None,
            layers,
        }
    }

    /// Whether the number of classes is open.
    pub fn takes_classes(&self) -> bool {
        self.layers == [PRESET]
    }

    /// The network for an input of this size; `classes` counts where [`Description::takes_classes`].
    ///
    /// # Errors
    /// A layer that can't be read or doesn't fit the one before; a network that is no classifier.
    pub fn network(
        &self,
        channels: usize,
        time: usize,
        classes: usize,
    ) -> Result<Network, NodeError> {
        let network = match self.takes_classes() {
            true => Network::ellis2021(channels, time, classes),
            false => Network::parse(channels, time, &self.layers).map_err(NodeError::new)?,
        };
        network.classes().map_err(|error| {
            NodeError::new(error).at(format!(
                "a network for {channels} channels × {time} samples"
            ))
        })?;
        Ok(network)
    }

    fn read_json(text: &str) -> Result<Self, NodeError> {
        let json: Json = serde_json::from_str(text)
            .map_err(|error| NodeError::new(format!("reading the network: {error}")))?;
        let count = |json: &Json| json.as_u64().and_then(|n| usize::try_from(n).ok());
        let input = match json["input"].as_array().map(Vec::as_slice) {
            Some([channels, time]) => count(channels).zip(count(time)),
            _ => None,
        };
        let ops = json["ops"].as_array().or_else(|| json["layers"].as_array());
        let ops = ops.ok_or_else(|| {
            NodeError::new("the network has no list `ops`")
                .help(r#"write {"ops": [{"op": "conv1d", "out": 16, "k": 5}, {"op": "relu"}, …]}"#)
        })?;
        let layer = |(n, op): (usize, &Json)| {
            json::entry(op).map_err(|error| error.at(format!("entry {} of `ops`", n + 1)))
        };
        let layers = ops
            .iter()
            .enumerate()
            .map(layer)
            .collect::<Result<_, _>>()?;
        Ok(Self { input, layers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_say_the_same_network() {
        let text =
            "conv 4 k3 s2 # stem\nbatch-norm 0.00001; relu\nglobal-max-pool\ndense 3 no-bias";
        let json = r#"{"input": [2, 20], "ops": [
            {"op": "Conv1d", "out_channels": 4, "kernel_size": 3, "stride": 2},
            {"op": "BatchNorm1d"}, {"op": "ReLU"}, {"op": "globalmaxpool"},
            {"op": "Linear", "out": 3, "bias": false}]}"#;
        let (text, json) = (
            Description::read(text).unwrap(),
            Description::read(json).unwrap(),
        );
        assert_eq!((text.input, json.input), (None, Some((2, 20))));
        let networks = [text, json].map(|one| one.network(2, 20, 0).unwrap());
        assert_eq!(networks[0], networks[1]);
    }

    #[test]
    fn a_layer_that_is_not_known_is_named() {
        let error = Description::read(r#"{"ops": [{"op": "relu"}, {"op": "lstm"}]}"#).unwrap_err();
        assert!(error.to_string().contains("entry 2 of `ops`"), "{error}");
        let error = Description::read("conv 4 k3; relu")
            .unwrap()
            .network(1, 9, 0)
            .unwrap_err();
        assert!(
            error.to_string().contains("[4 channels, 7 samples]"),
            "{error}"
        );
    }
}
