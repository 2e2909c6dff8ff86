//! Nights.

use super::*;

/// A night of `n` epochs; every epoch whose number `dropped` holds is left out.
pub fn night_of(n: usize, dropped: impl Fn(usize) -> bool, samples_per_epoch: usize) -> Night {
    let mut noise = Noise(3);
    let mut stage = 0;
    let mut epochs = Vec::new();
    let mut samples = vec![Vec::new(); 3];
    for i in 0..n {
        let phase = (i as f64 / 180.0 * std::f64::consts::TAU).sin();
        if noise.next() < 0.15 {
            stage = if phase > 0.5 {
                3
            } else if phase > 0.0 {
                2
            } else if phase > -0.5 {
                1
            } else {
                4
            };
        }
        if i < 20 {
            stage = 0;
        }
        let wrong = noise.next() < 0.15;
        let guess = if wrong {
            (noise.next() * 5.0) as usize
        } else {
            stage
        };
        let shares = noise.shares(&[50.0 + 15.0 * phase, 30.0, 20.0 - 8.0 * phase], 6.0);
        let scored = i % 97 != 50;
        if dropped(i) {
            continue;
        }
        for (m, samples) in samples.iter_mut().enumerate() {
            let size = if noise.next() < 0.005 {
                9.0
            } else {
                1.0 + 0.5 * phase * (m as f64 - 1.0)
            };
            samples.extend((0..samples_per_epoch).map(|_| (size * noise.normal()) as f32));
        }
        epochs.push(NightEpoch {
            onset_seconds: 30.0 * i as f64,
            true_class: scored.then_some(stage),
            predicted_class: Some(guess),
            shares: (i % 61 != 40).then_some(shares),
        });
    }
    let signal = |(at, (name, samples)): (usize, (String, Vec<f32>))| Signal {
        name,
        modality: Some(at),
        unit: "SD".into(),
        samples_per_epoch,
        samples,
    };
    Night {
        title: "Stages, signals and relevance".into(),
        recording: "made-up 7".into(),
        rule: "ε = 0.01".into(),
        epoch_seconds: 30.0,
        classes: stages(),
        modalities: modalities(),
        epochs,
        signals: modalities()
            .into_iter()
            .zip(samples)
            .enumerate()
            .map(signal)
            .collect(),
    }
}

pub fn nights() -> Vec<Case> {
    let usual = night_of(1100, |i| (400..430).contains(&i) || i == 700, 40);
    let mut bare = night_of(200, |_| false, 4);
    bare.signals.clear();
    bare.recording = "a recording whose name is so long that it has to go over more than one line of the page, and then some".into();
    let mut flat = night_of(30, |i| i % 2 == 0, 3000);
    for sample in &mut flat.signals[0].samples {
        *sample = 0.0;
    }
    for epoch in &mut flat.epochs {
        (epoch.true_class, epoch.shares) = (None, None);
    }
    flat.epochs[3].shares = Some(vec![100.0, 0.0, 0.0]);
    flat.signals[1].unit = "arbitrary units of the amplifier".into();
    for sample in &mut flat.signals[2].samples {
        *sample *= 1e-15;
    }
    flat.signals.extend(flat.signals.clone());
    vec![
        ("night-usual", night(&usual)),
        ("night-one-epoch", night(&night_of(1, |_| false, 3000))),
        ("night-no-signals", night(&bare)),
        ("night-every-second", night(&flat)),
    ]
}
