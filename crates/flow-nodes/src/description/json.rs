//! Layers in JSON, in the words of PyTorch, Keras or flow.

use flow_contract::NodeError;
use serde_json::{Map, Value as Json};

/// A kind of layer as other tools write it.
struct Written {
    /// Its names in lower case, letters and digits only.
    words: &'static [&'static str],
    /// The word of its short text.
    says: &'static str,
    numbers: &'static [Number],
    /// Whether it may go without a bias.
    biased: bool,
}

/// A number of a layer.
struct Number {
    /// What stands before it in a short text.
    before: &'static str,
    names: &'static [&'static str],
    /// What to write where it isn't said; `None` where it must be.
    usual: Option<&'static str>,
}

const fn needed(before: &'static str, names: &'static [&'static str]) -> Number {
    Number {
        before,
        names,
        usual: None,
    }
}

const fn or(usual: &'static str, before: &'static str, names: &'static [&'static str]) -> Number {
    Number {
        before,
        names,
        usual: Some(usual),
    }
}

const OUT: Number = needed(
    "",
    &["out", "filters", "units", "out_channels", "out_features"],
);
const KERNEL: Number = needed("k", &["k", "kernel", "kernel_size"]);
const STRIDE: Number = or("", "s", &["stride", "strides", "s"]);
const PADDING: Number = or("", "p", &["padding", "p"]);
const DILATION: Number = or("", "d", &["dilation", "dilation_rate", "d"]);
const GROUPS: Number = or("", "g", &["groups", "g"]);
const WINDOW: Number = needed("", &["k", "kernel", "kernel_size", "pool_size"]);
const RATE: Number = needed("", &["rate", "p"]);
const EPSILON: &[&str] = &["epsilon", "eps"];

const fn plain(
    words: &'static [&'static str],
    says: &'static str,
    numbers: &'static [Number],
) -> Written {
    Written {
        words,
        says,
        numbers,
        biased: false,
    }
}

const fn biased(
    words: &'static [&'static str],
    says: &'static str,
    numbers: &'static [Number],
) -> Written {
    Written {
        biased: true,
        ..plain(words, says, numbers)
    }
}

// The ε of a batch norm that nobody says is PyTorch's or Keras's, by the word used.
const LAYERS: &[Written] = &[
    biased(
        &["conv", "conv1d"],
        "conv",
        &[OUT, KERNEL, STRIDE, PADDING, DILATION, GROUPS],
    ),
    biased(&["dense", "linear"], "dense", &[OUT]),
    plain(
        &["maxpool", "maxpool1d", "maxpooling1d"],
        "max-pool",
        &[WINDOW, STRIDE],
    ),
    plain(
        &["avgpool", "avgpool1d", "averagepool", "averagepooling1d"],
        "average-pool",
        &[WINDOW, STRIDE],
    ),
    plain(
        &["globalmaxpool", "globalmaxpooling1d"],
        "global-max-pool",
        &[],
    ),
    plain(
        &[
            "globalavgpool",
            "globalaveragepool",
            "globalaveragepooling1d",
        ],
        "global-average-pool",
        &[],
    ),
    plain(
        &["leakyrelu"],
        "leaky-relu",
        &[or("", "", &["slope", "negative_slope", "alpha"])],
    ),
    plain(&["elu"], "elu", &[or("", "", &["alpha"])]),
    plain(
        &["batchnorm", "batchnorm1d"],
        "batch-norm",
        &[or("0.00001", "", EPSILON)],
    ),
    plain(
        &["batchnormalization"],
        "batch-norm",
        &[or("0.001", "", EPSILON)],
    ),
    plain(&["dropout"], "dropout", &[RATE]),
    plain(
        &["spatialdropout", "spatialdropout1d", "dropout1d"],
        "spatial-dropout",
        &[RATE],
    ),
    plain(&["relu"], "relu", &[]),
    plain(&["gelu"], "gelu", &[]),
    plain(&["flatten"], "flatten", &[]),
];

/// Words that say nothing the weights don't.
const KNOWN_OTHERWISE: &[&str] = &[
    "op",
    "type",
    "name",
    "in",
    "in_channels",
    "in_features",
    "num_features",
    "momentum",
];
const BIAS: &[&str] = &["bias", "use_bias"];

/// The short text of a layer.
///
/// # Errors
/// What is no layer; a number that lacks or is none; a word that would be lost.
pub(super) fn entry(layer: &Json) -> Result<String, NodeError> {
    let no_layer = || {
        NodeError::new(format!("`{layer}` is no layer"))
            .help("a layer is an object such as {\"op\": \"dense\", \"out\": 5}")
    };
    let object = layer.as_object().ok_or_else(no_layer)?;
    let op = object.get("op").or_else(|| object.get("type"));
    let op = op.and_then(Json::as_str).ok_or_else(no_layer)?;
    let word: String = op.chars().filter(char::is_ascii_alphanumeric).collect();
    let word = word.to_ascii_lowercase();
    let mut written = LAYERS
        .iter()
        .filter(|one| one.words.contains(&word.as_str()));
    let written = written.next().ok_or_else(no_layer)?;
    if let Some(key) = object.keys().find(|key| !written.knows(key)) {
        let what = format!("`{op}` with `\"{key}\": {}` is not understood", object[key]);
        return Err(NodeError::new(what)
            .help("write an activation as a layer of its own; leave out what changes nothing"));
    }
    written.text(op, object)
}

impl Written {
    fn knows(&self, key: &str) -> bool {
        let named = self
            .numbers
            .iter()
            .any(|number| number.names.contains(&key));
        named || KNOWN_OTHERWISE.contains(&key) || self.biased && BIAS.contains(&key)
    }

    fn text(&self, op: &str, object: &Map<String, Json>) -> Result<String, NodeError> {
        let mut text = self.says.to_owned();
        for number in self.numbers {
            let said = number
                .names
                .iter()
                .find_map(|name| Some((name, object.get(*name)?)));
            let value = match (said, number.usual) {
                (Some((name, value)), _) => match read(name, value, object) {
                    Some(value) => value.to_string(),
                    None => {
                        let what = format!("`{name}` of `{op}` is {value}, wanted a number");
                        return Err(NodeError::new(what));
                    }
                },
                (None, Some(usual)) => usual.to_owned(),
                (None, None) => {
                    let what = format!("`{op}` lacks `{}`", number.names[0]);
                    return Err(NodeError::new(what));
                }
            };
            if !value.is_empty() {
                text += &format!(" {}{value}", number.before);
            }
        }
        if BIAS
            .iter()
            .any(|name| object.get(*name) == Some(&Json::Bool(false)))
        {
            text += " no-bias";
        }
        let name = object.get("name").and_then(Json::as_str);
        let name = name.filter(|name| !name.contains(char::is_whitespace));
        Ok(name.map_or_else(|| text.clone(), |name| format!("{text} as {name}")))
    }
}

/// A number, alone or in a list of one; `valid` and `same` of a padding.
fn read(name: &str, value: &Json, object: &Map<String, Json>) -> Option<f64> {
    match value {
        Json::Array(one) if one.len() == 1 => one[0].as_f64(),
        Json::String(word) if name == "padding" && word == "valid" => Some(0.0),
        Json::String(word) if name == "padding" && word == "same" => same(object),
        value => value.as_f64(),
    }
}

/// The zeros on either side that keep the length; `None` where there are none that do.
fn same(object: &Map<String, Json>) -> Option<f64> {
    let number = |number: &Number| {
        let said = number.names.iter().find_map(|name| object.get(*name));
        said.map_or(Some(1.0), |value| read("", value, object))
    };
    let both_sides = number(&DILATION)? * (number(&KERNEL)? - 1.0);
    (number(&STRIDE)? == 1.0 && both_sides % 2.0 == 0.0).then_some(both_sides / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Result<String, String> {
        entry(&serde_json::from_str(json).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn words_of_keras_and_pytorch_are_understood() {
        let texts = [
            (
                r#"{"op": "Conv1D", "filters": 8, "kernel_size": [5], "padding": "same", "use_bias": false}"#,
                "conv 8 k5 p2 no-bias",
            ),
            (
                r#"{"type": "Conv1d", "in_channels": 3, "out_channels": 8, "kernel_size": 4, "padding": "valid", "name": "stem"}"#,
                "conv 8 k4 p0 as stem",
            ),
            (r#"{"op": "BatchNormalization"}"#, "batch-norm 0.001"),
            (
                r#"{"op": "BatchNorm1d", "num_features": 8}"#,
                "batch-norm 0.00001",
            ),
            (r#"{"op": "MaxPooling1D", "pool_size": 2}"#, "max-pool 2"),
            (r#"{"op": "Dropout1d", "p": 0.1}"#, "spatial-dropout 0.1"),
        ];
        for (json, wanted) in texts {
            assert_eq!(text(json).as_deref(), Ok(wanted), "{json}");
        }
    }

    #[test]
    fn nothing_that_was_said_is_lost() {
        let told = [
            (r#"{"op": "lstm"}"#, "is no layer"),
            (
                r#"{"op": "dense", "units": 5, "activation": "relu"}"#,
                "`\"activation\": \"relu\"` is not understood",
            ),
            (
                r#"{"op": "maxpool", "k": 3, "padding": 1}"#,
                "`\"padding\": 1` is not understood",
            ),
            (r#"{"op": "conv", "out": 5}"#, "`conv` lacks `k`"),
            (
                r#"{"op": "conv", "out": 5, "k": 4, "padding": "same"}"#,
                "`padding` of `conv` is \"same\", wanted a number",
            ),
            (
                r#"{"op": "conv", "out": "five", "k": 4}"#,
                "`out` of `conv` is \"five\"",
            ),
        ];
        for (json, wanted) in told {
            let error = text(json).unwrap_err();
            assert!(error.contains(wanted), "{json}: {error}");
        }
    }
}
