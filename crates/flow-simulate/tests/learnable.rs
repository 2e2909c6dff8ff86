//! Stages can be told apart across subjects by plain features, and each modality carries what its
//! weights say.

use flow_simulate::{Class, Parameters, nights, simulate};

/// Octave bands of the Haar pyramid: 50–25 Hz, 25–12.5 Hz and so on down to 0.4 Hz.
const OCTAVES: usize = 7;
/// Features of a channel: the octaves' log power and the logarithm of the largest deviation.
const FEATURES: usize = OCTAVES + 1;
/// EEG Fpz-Cz, EOG horizontal, EMG submental: the channels of the study.
const CHANNELS: [usize; 3] = [0, 2, 3];
const ALL: &[usize] = &[0, 1, 2];

struct Sample {
    subject: u8,
    class: usize,
    /// Per modality.
    features: [[f64; FEATURES]; 3],
}

fn features(signal: &[f32]) -> [f64; FEATURES] {
    let mut smooth: Vec<f64> = signal.iter().map(|value| f64::from(*value)).collect();
    let mut features = [0.0; FEATURES];
    let largest = smooth
        .iter()
        .fold(1e-3, |most: f64, value| most.max(value.abs()));
    for feature in &mut features[..OCTAVES] {
        let power: f64 = smooth
            .chunks_exact(2)
            .map(|two| (two[0] - two[1]).powi(2))
            .sum();
        *feature = (power / smooth.len() as f64 + 1e-6).ln();
        smooth = smooth
            .chunks_exact(2)
            .map(|two| (two[0] + two[1]) / 2.0)
            .collect();
    }
    features[OCTAVES] = largest.ln();
    features
}

/// Labelled epochs of the first subjects, features centred by recording.
fn samples(parameters: &Parameters, subjects: usize) -> Vec<Sample> {
    let mut samples = Vec::new();
    for night in nights().iter().take(2 * subjects) {
        let made = simulate(parameters, night).expect("in range");
        let labelled = made
            .epochs
            .iter()
            .filter_map(|epoch| Some((epoch, epoch.label?.class()?)));
        let mut own: Vec<Sample> = labelled
            .map(|(epoch, class)| {
                let from = epoch.onset_seconds as usize * 100;
                let cut =
                    |channel: usize| features(&made.signals[channel].samples[from..from + 3000]);
                Sample {
                    subject: night.subject,
                    class: class as usize,
                    features: CHANNELS.map(cut),
                }
            })
            .collect();
        centre(&mut own);
        samples.append(&mut own);
    }
    samples
}

fn centre(samples: &mut [Sample]) {
    let count = samples.len() as f64;
    for modality in 0..3 {
        for feature in 0..FEATURES {
            let mean = samples
                .iter()
                .map(|sample| sample.features[modality][feature])
                .sum::<f64>()
                / count;
            samples
                .iter_mut()
                .for_each(|sample| sample.features[modality][feature] -= mean);
        }
    }
}

/// Recall of each class by the nearest centroid in units of the within-class spread, each subject
/// left out in turn.
fn recall(samples: &[Sample], modalities: &[usize]) -> [f64; 5] {
    let vector = |sample: &Sample| -> Vec<f64> {
        modalities
            .iter()
            .flat_map(|modality| sample.features[*modality])
            .collect()
    };
    let (mut right, mut all) = ([0.0; 5], [0.0; 5]);
    for left_out in samples.chunk_by(|a, b| a.subject == b.subject) {
        let others = samples
            .iter()
            .filter(|sample| sample.subject != left_out[0].subject);
        let train: Vec<(usize, Vec<f64>)> = others
            .map(|sample| (sample.class, vector(sample)))
            .collect();
        let (centroids, spread) = fit(&train);
        for sample in left_out {
            let distance = |class: &usize| -> f64 {
                let parts = vector(sample)
                    .into_iter()
                    .zip(&centroids[*class])
                    .zip(&spread);
                parts
                    .map(|((x, centre), spread)| (x - centre).powi(2) / spread)
                    .sum()
            };
            let nearest = (0..5).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            all[sample.class] += 1.0;
            right[sample.class] += f64::from(u8::from(nearest == Some(sample.class)));
        }
    }
    std::array::from_fn(|class| right[class] / all[class])
}

/// The mean of each class, and the pooled variance around them.
fn fit(train: &[(usize, Vec<f64>)]) -> ([Vec<f64>; 5], Vec<f64>) {
    let width = train[0].1.len();
    let centroids = std::array::from_fn(|class| {
        let own: Vec<&Vec<f64>> = train
            .iter()
            .filter(|(of, _)| *of == class)
            .map(|(_, x)| x)
            .collect();
        (0..width)
            .map(|i| own.iter().map(|x| x[i]).sum::<f64>() / own.len() as f64)
            .collect::<Vec<f64>>()
    });
    let variance = |i: usize| {
        train
            .iter()
            .map(|(class, x)| (x[i] - centroids[*class][i]).powi(2))
            .sum::<f64>()
            / train.len() as f64
    };
    let spread = (0..width).map(variance).collect();
    (centroids, spread)
}

fn balanced(recall: [f64; 5]) -> f64 {
    recall.iter().sum::<f64>() / 5.0
}

fn short() -> Parameters {
    Parameters {
        night_minutes: 30.0,
        ..Parameters::default()
    }
}

#[test]
fn classes_separate_across_subjects_but_not_perfectly() {
    let recall = recall(&samples(&short(), 12), ALL);
    assert!((0.60..0.95).contains(&balanced(recall)), "{recall:?}");
    assert!(recall.iter().all(|class| *class > 0.4), "{recall:?}");
}

#[test]
fn a_lost_modality_hurts_the_classes_it_carries() {
    let samples = samples(&short(), 12);
    let whole = recall(&samples, ALL);
    let [no_eeg, no_eog, no_emg] = [[1, 2], [0, 2], [0, 1]].map(|rest| recall(&samples, &rest));
    let lost = |without: [f64; 5], class: Class| whole[class as usize] - without[class as usize];
    assert!(lost(no_eeg, Class::N2) > 0.05, "{whole:?} {no_eeg:?}");
    assert!(lost(no_eeg, Class::N3) > 0.10, "{whole:?} {no_eeg:?}");
    assert!(lost(no_eog, Class::N1) > 0.05, "{whole:?} {no_eog:?}");
    assert!(lost(no_emg, Class::Rem) > 0.10, "{whole:?} {no_emg:?}");
    for without in [no_eeg, no_eog, no_emg] {
        assert!(
            balanced(whole) - balanced(without) > 0.02,
            "{whole:?} {without:?}"
        );
    }
}

#[test]
fn without_weights_nothing_is_to_be_learnt() {
    let parameters = Parameters {
        weights: [[0.0; 3]; 5],
        individuality: 0.0,
        ..short()
    };
    let mut parameters = parameters;
    parameters.effects.temazepam.contrast = [[0.0; 3]; 5];
    parameters.effects.age_per_decade.contrast = [[0.0; 3]; 5];
    parameters.quirks.movement = 0.0;
    let recall = recall(&samples(&parameters, 12), ALL);
    assert!(balanced(recall) < 0.27, "chance is 0.2: {recall:?}");
}

#[test]
fn a_weight_of_zero_takes_the_stage_out_of_that_modality_only() {
    let mut parameters = short();
    for row in &mut parameters.weights {
        row[2] = 0.0;
    }
    parameters.individuality = 0.0;
    parameters.effects.temazepam.contrast = [[0.0; 3]; 5];
    parameters.quirks.movement = 0.0;
    let samples = samples(&parameters, 12);
    let [eeg, emg] = [[0], [2]].map(|only| balanced(recall(&samples, &only)));
    assert!(emg < 0.27 && eeg > 0.5, "EMG {emg}, EEG {eeg}");
}
