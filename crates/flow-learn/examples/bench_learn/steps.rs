//! Training and inference, step by step.

use super::measure::{Meter, noise};
use super::{CHANNELS, CLASSES, Job, TIME};
use flow_learn::backend::BackendClass;
use flow_learn::epochs::{Epochs, Segment};
use flow_learn::network::Network;
use flow_learn::predict::predict;
use flow_learn::training::{
    BatchProgress, Observer, Trained, Training, TrainingSettings, initial_weights,
};
use std::error::Error;
use std::ops::ControlFlow;

/// Epochs to train with, and the network.
pub struct Study {
    network: Network,
    settings: TrainingSettings,
    x: Vec<f32>,
    labels: Vec<u8>,
}

impl Study {
    /// The paper's network and `batches` batches of noise.
    pub fn new(batch: usize, batches: usize, training_epochs: usize) -> Self {
        let count = batch * batches;
        Self {
            network: Network::ellis2021(CHANNELS, TIME, CLASSES),
            settings: TrainingSettings {
                batch,
                training_epochs,
                ..TrainingSettings::default()
            },
            x: noise(count * CHANNELS * TIME),
            labels: (0..count).map(|n| (n % CLASSES) as u8).collect(),
        }
    }

    /// Trains the way a study trains: loader, dropout, Adam and all; validates with one epoch.
    pub fn train(
        &self,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Trained>, Box<dyn Error>> {
        let segment = Segment {
            x: &self.x,
            labels: &self.labels,
        };
        let all = Epochs::new(vec![segment], CHANNELS * TIME)?;
        let training = Training {
            network: &self.network,
            train: &all,
            validation: &all.select(all.places()[..1].to_vec())?,
            settings: &self.settings,
            seed,
            backend: BackendClass::default(),
        };
        Ok(flow_learn::training::train(&training, observer).ok())
    }
}

impl Observer for Meter {
    fn batch(&mut self, progress: BatchProgress) -> ControlFlow<()> {
        // The first of a training epoch has the validation before it.
        match progress.done {
            1 => self.skip(),
            _ => self.step(),
        }
        match self.is_over() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Steps of a training.
pub fn train(job: &Job) -> Result<(), Box<dyn Error>> {
    let study = Study::new(job.batch, 8, 10_000);
    let mut meter = Meter::start(job);
    study.train(1, &mut meter)?;
    meter.print(job);
    Ok(())
}

/// Logits of the same batch again and again.
pub fn infer(job: &Job) -> Result<(), Box<dyn Error>> {
    let network = Network::ellis2021(CHANNELS, TIME, CLASSES);
    let weights = initial_weights(&network, 1)?;
    let x = noise(job.batch * CHANNELS * TIME);
    predict(&network, &weights, &x)?;
    let mut meter = Meter::start(job);
    while !meter.is_over() {
        predict(&network, &weights, &x)?;
        meter.step();
    }
    meter.print(job);
    Ok(())
}
