//! Training curves and sweeps.

use super::*;

pub fn curves_of(folds: usize, longest: usize) -> TrainingCurves {
    let mut noise = Noise(5);
    let fold = |i: usize| {
        let epochs = (longest - (noise.next() * longest as f64 * 0.7) as usize).max(1);
        let mut curve = |start: f64, end: f64, wobble: f64| -> Vec<f64> {
            let at = |e: usize| end + (start - end) * (-(e as f64) / 12.0).exp();
            (0..epochs)
                .map(|e| (at(e) + wobble * noise.normal()).clamp(0.01, 99.99))
                .collect()
        };
        FoldCurve {
            fold: (i + 1).to_string(),
            training_loss: curve(1.6, 0.25, 0.01),
            validation_loss: curve(1.5, 0.62, 0.05),
            training_accuracy: curve(35.0, 90.0, 0.4),
            validation_accuracy: curve(38.0, 78.0, 2.0),
            best: epochs * 2 / 3,
        }
    };
    TrainingCurves {
        title: "Training".into(),
        folds: (0..folds).map(fold).collect(),
    }
}

pub fn curves() -> Vec<Case> {
    vec![
        ("curves-usual", training_curves(&curves_of(10, 60))),
        (
            "curves-one-fold-one-epoch",
            training_curves(&curves_of(1, 1)),
        ),
        ("curves-30-folds", training_curves(&curves_of(30, 100))),
    ]
}

pub fn sweep_of(values: &[f64], folds: usize) -> Sweep {
    let mut noise = Noise(6);
    let points = values.iter().map(|&value| {
        let eeg = 40.0 + 6.0 * value.log10();
        SweepPoint {
            value,
            shares: fold_shares(&mut noise, folds, &[eeg.clamp(1.0, 90.0), 30.0, 18.0], 3.0),
        }
    });
    let points = points.collect();
    let mut noise = Noise(7);
    let mut quality = |name: &str, unit: &str, size: f64| Quality {
        name: name.into(),
        unit: unit.into(),
        values: values
            .iter()
            .map(|v| {
                (0..folds)
                    .map(|_| size / (1.0 + v) * (1.0 + 0.1 * noise.normal()))
                    .collect()
            })
            .collect(),
    };
    let qualities = vec![
        quality("Relevance conserved", "%", 100.0),
        quality("Total relevance", "", 1e-15),
    ];
    Sweep {
        title: "Shares against ε".into(),
        parameter: "ε".into(),
        modalities: modalities(),
        points,
        qualities,
    }
}

pub fn sweeps() -> Vec<Case> {
    let many: Vec<f64> = (0..100)
        .map(|i| 10f64.powf(-12.0 + i as f64 * 0.24))
        .collect();
    vec![
        (
            "sweep-usual",
            sweep(&sweep_of(&[0.001, 0.01, 0.1, 1.0, 10.0, 100.0], 10)),
        ),
        ("sweep-one-point", sweep(&sweep_of(&[0.01], 1))),
        ("sweep-100-points", sweep(&sweep_of(&many, 30))),
    ]
}
