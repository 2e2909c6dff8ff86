//! Training against the fixtures, and what must hold of any training.

use super::*;
use crate::epochs::Segment;
use crate::network::Op;
use crate::weights::LayerWeights;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

/// The tensors of a golden file, widened to `f64`.
fn golden(name: &str) -> BTreeMap<String, Vec<f64>> {
    let path = format!(
        "{}/tests/golden/tiny/{name}.safetensors",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let read = |tensor: &safetensors::tensor::TensorView<'_>| match tensor.dtype() {
        Dtype::F64 => tensor
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from_le_bytes(b))
            .collect(),
        Dtype::I64 => tensor
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&b| i64::from_le_bytes(b) as f64)
            .collect(),
        _ => tensor
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from(f32::from_le_bytes(b)))
            .collect(),
    };
    file.tensors()
        .iter()
        .map(|(name, tensor)| (name.clone(), read(tensor)))
        .collect()
}

fn tiny() -> Network {
    let (conv, relu) = (Op::conv, Op::Relu);
    Network::of(
        3,
        64,
        [
            conv(5, 5),
            relu.clone(),
            conv(7, 4),
            relu.clone(),
            Op::max_pool(2),
            Op::GlobalMaxPool,
            Op::dense(6),
            relu,
            Op::dense(5),
        ],
    )
}

fn tiny_weights() -> Weights<f32> {
    let file = golden("weights");
    let of = |name: String| file[&name].iter().map(|&x| x as f32).collect();
    Weights::new((1..=4).map(|n| {
        let (weight, bias) = (of(format!("layer{n}.weight")), of(format!("layer{n}.bias")));
        (
            format!("layer{n}"),
            LayerWeights {
                weight,
                bias,
                ..LayerWeights::default()
            },
        )
    }))
}

#[test]
fn five_steps_of_adam_are_those_of_the_fixtures() {
    let file = golden("training");
    let x: Vec<f32> = file["x"].iter().map(|&x| x as f32).collect();
    let labels: Vec<u8> = file["y"].iter().map(|&y| y as u8).collect();
    let epochs = Epochs::new(
        vec![Segment {
            x: &x,
            labels: &labels,
        }],
        192,
    )
    .unwrap();
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/tiny/training.json"
    ))
    .unwrap();
    for backend in BackendClass::to_test() {
        for (key, epsilon) in [("adam_eps1e-8", 1e-8), ("adam_eps1e-5", 1e-5)] {
            let class_weights = ClassWeights::Given(file["class_weights"].clone());
            let settings = TrainingSettings {
                batch: 8,
                epsilon,
                class_weights,
                ..TrainingSettings::default()
            };
            let (network, seed) = (tiny(), 0);
            let training = Training {
                network: &network,
                train: &epochs,
                validation: &epochs,
                settings: &settings,
                seed,
                backend,
            };
            let mut learner = Learner::new(&training, &tiny_weights()).unwrap();
            let order: Vec<usize> = (0..8).collect();
            for wanted in losses(&text, key) {
                let fitted = learner.fit(1, &order, 1e-3, &mut ()).unwrap();
                assert!(
                    (fitted.loss - wanted).abs() < 1e-5,
                    "{} {wanted}",
                    fitted.loss
                );
            }
            for (layer, numbers) in learner.weights().iter() {
                for (part, numbers) in [("weight", &numbers.weight), ("bias", &numbers.bias)] {
                    let wanted = &file[&format!("{key}.step5.{layer}.{part}")];
                    for (&found, wanted) in numbers.iter().zip(wanted) {
                        assert!(
                            (f64::from(found) - wanted).abs() < 1e-5,
                            "{key} {layer}.{part}"
                        );
                    }
                }
            }
        }
    }
}

/// The list of numbers that follows a key in a JSON text.
fn losses(text: &str, key: &str) -> Vec<f64> {
    let after = text.split(&format!("\"{key}_losses\": [")).nth(1).unwrap();
    after
        .split(']')
        .next()
        .unwrap()
        .split(',')
        .map(|x| x.trim().parse().unwrap())
        .collect()
}

/// Epochs whose class is the sign of a slow trend, in two segments.
struct Toy {
    x: Vec<f32>,
    labels: Vec<u8>,
}

impl Toy {
    fn new(count: usize) -> Self {
        let mut stream = Stream::new(5, Purpose::Shuffle(9));
        let labels: Vec<u8> = (0..count).map(|n| (n % 3) as u8).collect();
        let x = labels.iter().flat_map(|&label| {
            let height = f64::from(label) - 1.0;
            (0..40)
                .map(|_| (height + 1.2 * stream.unit() - 0.6) as f32)
                .collect::<Vec<_>>()
        });
        Self {
            x: x.collect(),
            labels,
        }
    }

    fn epochs(&self) -> Epochs<'_> {
        let half = self.labels.len() / 2;
        let segments = vec![
            Segment {
                x: &self.x[..half * 40],
                labels: &self.labels[..half],
            },
            Segment {
                x: &self.x[half * 40..],
                labels: &self.labels[half..],
            },
        ];
        Epochs::new(segments, 40).unwrap()
    }
}

fn toy_network() -> Network {
    let entries = [
        "conv 4 k3",
        "batch-norm",
        "leaky-relu 0.1",
        "max-pool 2",
        "spatial-dropout 0.1",
        "conv 6 k3 p1 g2",
        "relu",
        "average-pool 2",
        "gelu",
        "dropout 0.1",
        "global-max-pool",
        "dense 5",
        "elu",
        "dropout 0.1",
        "dense 3",
    ];
    Network::parse(2, 20, &entries).unwrap()
}

fn settings() -> TrainingSettings {
    let training_epochs = 12;
    TrainingSettings {
        batch: 16,
        training_epochs,
        learning_rate: 0.02,
        ..TrainingSettings::default()
    }
}

fn train_toy(backend: BackendClass, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
    train_fold(3, backend, observer)
}

/// Even folds validate with the first segment, odd ones with the second; each has a seed of its own.
fn train_fold(
    fold: u32,
    backend: BackendClass,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let (toy, network, settings) = (Toy::new(90), toy_network(), settings());
    let epochs = toy.epochs();
    let segment = |n| epochs.select_segments(&[n % 2]).unwrap();
    let (train, validation) = (segment(fold + 1), segment(fold));
    let training = Training {
        network: &network,
        train: &train,
        validation: &validation,
        settings: &settings,
        seed: u64::from(fold),
        backend,
    };
    super::train(&training, observer)
}

#[test]
fn every_kind_of_layer_learns() {
    for backend in BackendClass::to_test() {
        let trained = train_toy(backend, &mut ()).unwrap();
        let best = trained.history[trained.best_epoch - 1];
        assert!(best.val_accuracy > 0.8, "{:?}", trained.history);
        assert!(
            trained
                .history
                .iter()
                .all(|epoch| epoch.val_accuracy <= best.val_accuracy)
        );
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    for &backend in BackendClass::ALL {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| train_toy(backend, &mut ()).unwrap())
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(5));
    }
}

/// What a fold gave: its weights as a file, and its history.
type Outcome = (Vec<u8>, Vec<TrainingEpoch>);

/// Trains folds in this order, `at_once` of them at the same time, on a pool of so many threads.
fn train_folds(order: &[u32], at_once: usize, threads: usize) -> BTreeMap<u32, Outcome> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.unwrap();
    let train = |fold: u32| {
        let trained = pool.install(|| train_fold(fold, BackendClass::default(), &mut ()));
        let trained = trained.unwrap();
        let bytes = trained.weights.to_safetensors(&toy_network()).unwrap();
        (fold, (bytes, trained.history))
    };
    let train_some = |folds: &[u32]| {
        std::thread::scope(|scope| {
            let start = |&fold| scope.spawn(move || train(fold));
            let started: Vec<_> = folds.iter().map(start).collect();
            let outcomes = started.into_iter().map(|training| training.join().unwrap());
            outcomes.collect::<Vec<_>>()
        })
    };
    order.chunks(at_once).flat_map(train_some).collect()
}

#[test]
fn neither_the_order_of_folds_nor_several_at_once_change_a_byte() {
    let wanted = train_folds(&[0, 1, 2, 3], 1, 1);
    assert!(wanted[&0] != wanted[&1] && wanted[&0] != wanted[&2]);
    for (order, at_once, threads) in [
        ([3, 1, 0, 2], 1, 2),
        ([2, 3, 1, 0], 2, 2),
        ([1, 0, 3, 2], 2, 1),
        ([0, 3, 2, 1], 4, 5),
    ] {
        let found = train_folds(&order, at_once, threads);
        assert!(
            found == wanted,
            "{order:?}, {at_once} at once on {threads} threads"
        );
    }
}

/// Keeps the checkpoint of one training epoch, then stops.
struct Killer {
    after: usize,
    kept: Vec<u8>,
}

impl Observer for Killer {
    fn training_epoch(&mut self, epoch: &TrainingEpoch) -> ControlFlow<()> {
        if epoch.number == self.after {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
    fn wants_checkpoints(&self) -> bool {
        true
    }
    fn checkpoint(&mut self, bytes: Vec<u8>) {
        self.kept = bytes;
    }
}

#[test]
fn a_killed_training_ends_with_the_same_bytes() {
    for backend in BackendClass::to_test() {
        let whole = train_toy(backend, &mut ()).unwrap();
        let mut killer = Killer {
            after: 3,
            kept: Vec::new(),
        };
        let stopped = train_toy(backend, &mut killer);
        assert_eq!(stopped, Err(TrainError::Stopped { training_epoch: 3 }));
        let (toy, network, settings) = (Toy::new(90), toy_network(), settings());
        let epochs = toy.epochs();
        let (train, validation) = (
            epochs.select_segments(&[0]).unwrap(),
            epochs.select_segments(&[1]).unwrap(),
        );
        let training = Training {
            network: &network,
            train: &train,
            validation: &validation,
            settings: &settings,
            seed: 3,
            backend,
        };
        assert_eq!(resume(&training, &killer.kept, &mut ()), Ok(whole));
        let other = Training {
            seed: 4,
            ..training
        };
        let refused = resume(&other, &killer.kept, &mut ());
        assert_eq!(refused, Err(CheckpointError::OtherTraining.into()));
        let half = &killer.kept[..killer.kept.len() / 2];
        assert!(matches!(
            resume(&training, half, &mut ()),
            Err(TrainError::Checkpoint(CheckpointError::Damaged { .. }))
        ));
    }
}

#[test]
fn a_diverging_loss_is_an_error_with_its_place() {
    let toy = Toy::new(90);
    let (network, settings) = (
        toy_network(),
        TrainingSettings {
            learning_rate: 1e9,
            ..settings()
        },
    );
    let epochs = toy.epochs();
    let training = Training {
        network: &network,
        train: &epochs,
        validation: &epochs,
        settings: &settings,
        seed: 3,
        backend: BackendClass::default(),
    };
    let error = super::train(&training, &mut ()).unwrap_err();
    assert!(
        matches!(
            error,
            TrainError::Diverged {
                training_epoch: 1,
                batch: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_signal_that_is_not_finite_is_an_error_with_its_place() {
    let mut toy = Toy::new(90);
    toy.x[40 * 46] = f32::NAN;
    let (network, settings) = (toy_network(), settings());
    let epochs = toy.epochs();
    let training = Training {
        network: &network,
        train: &epochs,
        validation: &epochs,
        settings: &settings,
        seed: 3,
        backend: BackendClass::default(),
    };
    let error = super::train(&training, &mut ()).unwrap_err();
    assert_eq!(
        error,
        EpochsError::NotFinite {
            segment: 1,
            index: 1
        }
        .into()
    );
}

#[test]
fn cross_entropy_is_that_of_the_definition() {
    let (a, b) = (0.3_f64, -1.2_f64);
    let wanted = -(b.exp() / (a.exp() + b.exp())).ln();
    assert!((cross_entropy(&[0.3, -1.2], 1) - wanted).abs() < 1e-6);
}
