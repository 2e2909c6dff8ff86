//! What kinds of this catalog foresee: the size of epochs, along the graph, before anything runs.
//!
//! Facts of a recording are the rates of its signals, by label. Facts of epochs and weights are
//! `channels`, `time` (samples of an epoch) and `classes`.

use std::collections::BTreeMap;

use flow_contract::{Facts, Known, ParamProblem};
use flow_simulate::{LABELS, RATE_HZ};

use crate::epoch::Channel;
use crate::network::{problem, sized_network};
use crate::recordings::CLASSES;

/// What a kind foresees, by port.
type Foreseen = Result<BTreeMap<&'static str, Facts>, ParamProblem>;

const SIZES: [&str; 3] = ["channels", "time", "classes"];

/// A simulated night: the rate of each signal.
pub fn simulate_night(_known: &Known) -> Foreseen {
    Ok(BTreeMap::from([(
        "psg",
        LABELS.map(|label| (label, RATE_HZ)).into(),
    )]))
}

/// Epochs of a recording: `time` where the rates of all channels are sure.
pub fn epoch(known: &Known) -> Foreseen {
    let channels = known.texts("channels");
    let count = channels.as_ref().map(Vec::len);
    let rate = channels.and_then(|texts| {
        let rates = texts.iter().map(|text| rate_of(text, known));
        rates.collect::<Option<Vec<f64>>>()
    });
    let fastest = rate.map(|rates| rates.into_iter().fold(0.0, f64::max));
    let time = fastest.zip(known.float("seconds")).and_then(samples);
    Ok(sizes("epochs", [count, time, Some(CLASSES.len())]))
}

/// The rate of the first label of a channel that the recording is known to have.
fn rate_of(text: &str, known: &Known) -> Option<f64> {
    let channel = Channel::parse(text)?;
    let mut labels = channel.labels.iter();
    labels.find_map(|label| known.of("psg", label))
}

/// Samples of an epoch, where they are whole.
fn samples((rate_hz, seconds): (f64, f64)) -> Option<usize> {
    let exact = rate_hz * seconds;
    let samples = exact.round();
    (samples >= 1.0 && (samples - exact).abs() < 1e-6).then_some(samples as usize)
}

/// Epochs of arrays; `time` where the length of an epoch is said.
pub fn array_epochs(known: &Known) -> Foreseen {
    let count = |param| known.texts(param).map(|texts| texts.len());
    let seconds = known.float("seconds").filter(|seconds| *seconds > 0.0);
    let time = known.float("rate").zip(seconds).and_then(samples);
    Ok(sizes("epochs", [count("channels"), time, count("classes")]))
}

/// The same epochs, z-scored.
pub fn z_score(known: &Known) -> Foreseen {
    let same = SIZES.map(|size| known.count_of("epochs", size));
    Ok(sizes("epochs", same))
}

/// A network for the epochs; refuses one that they are too short for, or that says too few classes.
pub fn train(known: &Known) -> Foreseen {
    let [channels, time, classes] = SIZES.map(|size| known.count_of("epochs", size));
    let (Some(layers), Some(channels), Some(time), Some(classes)) =
        (known.texts("network"), channels, time, classes)
    else {
        return Ok(BTreeMap::new());
    };
    let network = sized_network(&layers, (channels, time), classes).map_err(|mut error| {
        let size = format!("the epochs have {channels} channels × {time} samples");
        error.what = format!("{}; {size}", error.what);
        problem(error)
    })?;
    match network.classes() {
        Ok(found) if found != classes => Err(ParamProblem {
            param: "network".to_owned(),
            what: format!("it has {found} outputs, but the epochs are of {classes} classes"),
            help: "give its last layer one output a class".to_owned(),
        }),
        _ => Ok(sizes(
            "weights",
            [Some(channels), Some(time), Some(classes)],
        )),
    }
}

/// A given network for an input of a given size.
pub fn model(known: &Known) -> Foreseen {
    let count = |param| {
        let count = known.params.get(param)?.as_int()?;
        usize::try_from(count).ok().filter(|count| *count > 0)
    };
    Ok(sizes("weights", [count("channels"), count("time"), None]))
}

/// Kinds that run a network on epochs: refuses weights for epochs of another size.
pub fn run_network(known: &Known) -> Foreseen {
    let size = |port, size| known.count_of(port, size);
    for fact in SIZES {
        if let (Some(takes), Some(has)) = (size("weights", fact), size("epochs", fact))
            && takes != has
        {
            let what = match fact {
                "time" => format!("its network takes {takes} samples, the epochs have {has}"),
                _ => format!("its network has {takes} {fact}, the epochs have {has}"),
            };
            return Err(ParamProblem {
                param: "weights".to_owned(),
                what,
                help: "connect weights that were trained on epochs of this size".to_owned(),
            });
        }
    }
    Ok(BTreeMap::new())
}

fn sizes(port: &'static str, sizes: [Option<usize>; 3]) -> BTreeMap<&'static str, Facts> {
    let facts = SIZES.into_iter().zip(sizes);
    let facts = facts.filter_map(|(name, size)| Some((name, size? as f64)));
    BTreeMap::from([(port, facts.collect())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow_contract::Value;

    fn known(params: &[(&str, Value)], inputs: &[(&str, Facts)]) -> Known {
        let own = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        let inputs = inputs
            .iter()
            .map(|(port, facts)| ((*port).to_owned(), facts.clone()));
        Known {
            params: params.iter().map(own).collect(),
            inputs: inputs.collect(),
        }
    }

    fn texts(texts: &[&str]) -> Value {
        Value::List(texts.iter().map(|&text| Value::from(text)).collect())
    }

    fn of_epochs(channels: f64, time: f64) -> Facts {
        [("channels", channels), ("time", time), ("classes", 5.0)].into()
    }

    #[test]
    fn epochs_have_a_length_only_where_every_rate_is_known() {
        let night = simulate_night(&Known::default()).unwrap().remove("psg");
        let night = night.unwrap();
        let seconds = ("seconds", Value::Float(2.0));
        let with = |channels: &[&str]| {
            let params = [("channels", texts(channels)), seconds.clone()];
            let found = epoch(&known(&params, &[("psg", night.clone())]));
            found.unwrap().remove("epochs").unwrap()
        };
        let eeg = "EEG: EEG Cz | EEG Fpz-Cz";
        assert_eq!(with(&[eeg, "EOG: EOG horizontal"]), of_epochs(2.0, 200.0));
        let unknown = with(&[eeg, "X: Marker"]);
        assert_eq!((unknown.get("time"), unknown["channels"]), (None, 2.0));
    }

    #[test]
    fn a_network_is_refused_where_an_epoch_is_too_short_for_a_layer() {
        let network = ("network", texts(&["ellis2021"]));
        let fits = |time| {
            let epochs = z_score(&known(&[], &[("epochs", of_epochs(3.0, time))])).unwrap();
            train(&known(
                std::slice::from_ref(&network),
                &[("epochs", epochs["epochs"].clone())],
            ))
        };
        assert_eq!(fits(3000.0).unwrap()["weights"], of_epochs(3.0, 3000.0));
        let problem = fits(20.0).unwrap_err();
        assert_eq!(problem.param, "network");
        let said =
            problem.what.contains("layer") && problem.what.ends_with("3 channels × 20 samples");
        assert!(said, "{}", problem.what);
        let nothing = train(&known(
            std::slice::from_ref(&network),
            &[("epochs", Facts::new())],
        ));
        assert!(nothing.unwrap().is_empty());
    }

    #[test]
    fn weights_of_another_size_are_refused() {
        let sized = |time| {
            [
                ("weights", of_epochs(3.0, 3000.0)),
                ("epochs", of_epochs(3.0, time)),
            ]
        };
        assert!(run_network(&known(&[], &sized(3000.0))).is_ok());
        let problem = run_network(&known(&[], &sized(100.0))).unwrap_err();
        assert_eq!(
            problem.what,
            "its network takes 3000 samples, the epochs have 100"
        );
    }
}
