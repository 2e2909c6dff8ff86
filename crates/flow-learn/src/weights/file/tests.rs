//! Files of both layouts, and what is said of files that don't fit.

use super::names::natural;
use super::*;
use crate::predict::predict;
use crate::training::initial_weights;

fn network() -> Network {
    let entries = [
        "conv 4 k3",
        "batch-norm",
        "relu",
        "flatten",
        "dense 6",
        "relu",
        "dense 2",
    ];
    Network::parse(2, 9, &entries).unwrap()
}

/// Serialises tensors of `f32`.
fn file(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, x)| x.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (
            name.as_str(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn what_is_written_reads_back() {
    let network = network();
    let weights = initial_weights(&network, 4).unwrap();
    let bytes = weights.to_safetensors(&network).unwrap();
    assert_eq!(bytes, weights.to_safetensors(&network).unwrap());
    let read = Weights::from_safetensors(&network, &bytes, Layout::PyTorch).unwrap();
    assert_eq!(weights, read);
    let wide: Weights<f64> = weights.cast();
    let bytes = wide.to_safetensors(&network).unwrap();
    let read = Weights::from_safetensors(&network, &bytes, Layout::PyTorch).unwrap();
    assert_eq!(wide, read);
}

/// The weights as Keras would hold them, under Keras's names.
fn keras(network: &Network, weights: &Weights<f32>) -> Vec<u8> {
    let names = [
        ("layer1", "conv1d"),
        ("batch-norm1", "conv1d_1"),
        ("layer2", "dense"),
        ("layer3", "dense_10"),
    ];
    let mut list = Vec::new();
    for (wanted, flattened) in tensors(network)
        .unwrap()
        .iter()
        .zip(flattened(network, &tensors(network).unwrap()).unwrap())
    {
        let numbers = part(weights.get(&wanted.layer).unwrap(), wanted.part);
        let mut turned = vec![0.0; numbers.len()];
        let places: Vec<f64> = (0..numbers.len()).map(|n| n as f64).collect();
        for (n, place) in from_keras(&places, &wanted.shape, flattened)
            .into_iter()
            .enumerate()
        {
            turned[place as usize] = numbers[n];
        }
        let layer = names
            .iter()
            .find(|(name, _)| *name == wanted.layer)
            .unwrap()
            .1;
        let word = match (wanted.part, layer == "conv1d_1") {
            ("weight", true) => "gamma",
            ("weight", false) => "kernel",
            ("bias", true) => "beta",
            ("running_mean", _) => "moving_mean",
            ("running_var", _) => "moving_variance",
            (other, _) => other,
        };
        list.push((
            format!("{layer}/{word}:0"),
            in_layout(&wanted.shape, Layout::Keras),
            turned,
        ));
    }
    file(&list)
}

#[test]
fn keras_layout_and_names_are_read() {
    let network = network();
    let weights = initial_weights(&network, 4).unwrap();
    let bytes = keras(&network, &weights);
    let read: Weights<f32> = Weights::from_safetensors(&network, &bytes, Layout::Keras).unwrap();
    assert_eq!(read, weights);
    let x = [0.5; 18];
    assert_eq!(
        predict(&network, &read, &x),
        predict(&network, &weights, &x)
    );
}

#[test]
fn a_flattened_map_is_time_by_time_in_keras() {
    // One output, map of 2 channels × 3 times: Keras counts t0c0, t0c1, t1c0, …
    let order = from_keras(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[1, 6], Some((2, 3)));
    assert_eq!(order, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
}

#[test]
fn a_wrong_layout_is_told_with_both_shapes() {
    let network = network();
    let bytes = keras(&network, &initial_weights(&network, 4).unwrap());
    let error = Weights::<f32>::from_safetensors(&network, &bytes, Layout::PyTorch).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(
            "`conv1d/kernel:0` for `layer1.weight` has shape [3, 2, 4], wanted [4, 2, 3]"
        )
    );
    assert!(text.contains("the other layout"), "{text}");
}

#[test]
fn a_missing_tensor_is_named_with_what_is_there() {
    let network = network();
    let bytes = file(&[("layer1.weight".to_owned(), vec![4, 2, 3], vec![0.0; 24])]);
    let error = Weights::<f32>::from_safetensors(&network, &bytes, Layout::PyTorch).unwrap_err();
    let text = "no tensor for `layer1.bias` [4]; the file has `layer1.weight` [4, 2, 3]";
    assert_eq!(error.to_string(), text);
}

#[test]
fn names_sort_as_people_sort_them() {
    let mut names = ["conv_10", "conv", "conv_2", "conv_1", "a"];
    names.sort_by_key(|name| natural(name));
    assert_eq!(names, ["a", "conv", "conv_1", "conv_2", "conv_10"]);
}

#[test]
fn half_precision_is_read() {
    let values = [
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x0001, 2_f64.powi(-24)),
        (0x7bff, 65504.0),
    ];
    for (bits, value) in values {
        assert_eq!(half(bits), value);
    }
}

/// Zeros under these names.
fn zeros(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let tensor = |(name, shape): &(&str, &[usize])| {
        let numbers = vec![0.0; shape.iter().product()];
        ((*name).to_owned(), shape.to_vec(), numbers)
    };
    file(&tensors.iter().map(tensor).collect::<Vec<_>>())
}

fn any_layout(bytes: &[u8]) -> Result<Layout, String> {
    let read = Weights::<f32>::from_safetensors_of_any_layout(&network(), bytes);
    read.map(|(_, layout)| layout)
        .map_err(|error| error.to_string())
}

#[test]
fn names_in_no_order_are_matched_by_shape() {
    let tensors: &[(&str, &[usize])] = &[
        ("classifier.0.weight", &[6, 14]),
        ("classifier.0.bias", &[6]),
        ("classifier.2.weight", &[2, 6]),
        ("classifier.2.bias", &[2]),
        ("features.0.weight", &[4, 2, 3]),
        ("features.0.bias", &[4]),
        ("features.1.weight", &[4]),
        ("features.1.bias", &[4]),
        ("features.1.running_mean", &[4]),
        ("features.1.running_var", &[4]),
    ];
    let network = Network::parse(
        2,
        9,
        &[
            "conv 4 k3",
            "batch-norm",
            "relu",
            "max-pool 3",
            "flatten",
            "dense 6",
            "dense 2",
        ],
    );
    let network = network.unwrap();
    let mut tensors = tensors.to_vec();
    tensors[0].1 = &[6, 8];
    let read = Weights::<f32>::from_safetensors(&network, &zeros(&tensors), Layout::PyTorch);
    assert!(read.is_ok(), "{read:?}");
    tensors.push(("features.4.bias", &[4]));
    let read = Weights::<f32>::from_safetensors(&network, &zeros(&tensors), Layout::PyTorch);
    let told = read.unwrap_err().to_string();
    assert!(
        told.contains("no place for `features.4.bias` [4]"),
        "{told}"
    );
}

#[test]
fn the_layout_is_found_by_names_and_shapes() {
    let weights = initial_weights(&network(), 4).unwrap();
    assert_eq!(
        any_layout(&weights.to_safetensors(&network()).unwrap()),
        Ok(Layout::PyTorch)
    );
    assert_eq!(any_layout(&keras(&network(), &weights)), Ok(Layout::Keras));
    let told = any_layout(&zeros(&[("layer1.weight", &[4, 2, 3])])).unwrap_err();
    assert!(told.contains("no tensor for `layer1.bias` [4]"), "{told}");
}

#[test]
fn what_does_not_fit_is_told_of_the_likeliest_layer() {
    let bytes = zeros(&[
        ("a.weight", &[6, 28]),
        ("a.bias", &[6]),
        ("b.weight", &[4, 2, 5]),
        ("b.bias", &[4]),
    ]);
    let told = any_layout(&bytes).unwrap_err();
    let wanted = "tensor `b.weight` for `layer1.weight` has shape [4, 2, 5], wanted [4, 2, 3]";
    assert_eq!(told, wanted);
}
