//! Made-up inputs for every figure: usual ones and nasty ones.

use flow_figures::*;

/// A named input, drawn.
pub type Case = (&'static str, Result<Figure, FigureError>);

/// Every case, in a fixed order.
pub fn cases() -> Vec<Case> {
    [
        global(),
        grids(),
        nights(),
        coefficient_maps(),
        confusions(),
        curves(),
        sweeps(),
        graphs(),
    ]
    .concat()
}

pub fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| s.to_string()).collect()
}

pub fn stages() -> Vec<String> {
    words(&["W", "N1", "N2", "N3", "R"])
}

pub fn modalities() -> Vec<String> {
    words(&["EEG", "EOG", "EMG"])
}

/// Numbers in `[0, 1)` that look random: a 64-bit linear congruence.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, mean 0, SD 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    /// Shares of as many modalities as there are centres, summing to 100.
    pub fn shares(&mut self, centres: &[f64], spread: f64) -> Vec<f64> {
        let raw: Vec<f64> = centres
            .iter()
            .map(|c| (c + spread * self.normal()).max(0.2))
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|v| 100.0 * v / sum).collect()
    }
}

fn transposed(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..rows[0].len())
        .map(|m| rows.iter().map(|row| row[m]).collect())
        .collect()
}

fn fold_shares(noise: &mut Noise, folds: usize, centres: &[f64], spread: f64) -> Vec<Vec<f64>> {
    let rows: Vec<_> = (0..folds).map(|_| noise.shares(centres, spread)).collect();
    transposed(&rows)
}

fn global_of(folds: usize, rules: &[&str], modalities: Vec<String>) -> GlobalShares {
    let mut noise = Noise(1);
    let centres: Vec<f64> =
        [55.0, 28.0, 17.0, 9.0, 7.0, 5.0, 4.0, 3.0][..modalities.len()].to_vec();
    let rule = |(i, rule): (usize, &&str)| {
        let mut centres = centres.clone();
        centres[0] += 4.0 * i as f64;
        RuleShares {
            rule: rule.to_string(),
            shares: fold_shares(&mut noise, folds, &centres, 5.0),
        }
    };
    let rules = rules.iter().enumerate().map(rule).collect();
    GlobalShares {
        title: "Global relevance shares".into(),
        modalities,
        rules,
    }
}

fn global() -> Vec<Case> {
    let rules = ["ε = 0.01", "ε = 100", "αβ (1, 0)"];
    let many: Vec<String> = (0..24)
        .map(|i| format!("composite rule number {i} (γ = 0.25)"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let eight = words(&[
        "EEG Fpz-Cz",
        "EOG horizontal",
        "EMG submental",
        "ECG",
        "Resp oro-nasal",
        "Temp",
        "SpO2",
        "a modality with a remarkably long name",
    ]);
    let ends = GlobalShares {
        title: String::new(),
        modalities: modalities(),
        rules: vec![RuleShares {
            rule: "ε = 100".into(),
            shares: vec![vec![100.0; 3], vec![0.0; 3], vec![0.0; 3]],
        }],
    };
    vec![
        (
            "global-usual",
            global_shares(&global_of(10, &rules, modalities())),
        ),
        (
            "global-one-fold",
            global_shares(&global_of(1, &rules[..1], modalities())),
        ),
        (
            "global-30-folds",
            global_shares(&global_of(30, &rules, eight)),
        ),
        (
            "global-24-rules",
            global_shares(&global_of(10, &many, modalities())),
        ),
        ("global-ends", global_shares(&ends)),
    ]
}

pub fn grid_of(classes: Vec<String>, values: usize, empty_every: usize) -> GroupGrid {
    let mut noise = Noise(2);
    let k = classes.len();
    let groups = (0..k * k).map(|i| {
        if empty_every > 0 && i % empty_every == 3 {
            return Group::default();
        }
        let n = if i / k == i % k {
            1000.0 + 9000.0 * noise.next()
        } else {
            400.0 * noise.next()
        };
        let centre = 40.0 + 30.0 * noise.next();
        let shares = fold_shares(&mut noise, values, &[centre, 30.0, 15.0], 8.0);
        Group {
            n_epochs: n as u64 + 1,
            shares,
        }
    });
    let groups = groups.collect();
    GroupGrid {
        title: "Relevance shares by group".into(),
        rule: "ε = 0.01, bias ignored".into(),
        value_of: "fold".into(),
        modalities: modalities(),
        classes,
        groups,
    }
}

fn grids() -> Vec<Case> {
    let mut nasty = grid_of(stages(), 1, 2);
    for group in &mut nasty.groups {
        group.n_epochs = group.n_epochs.saturating_mul(1_000_000_000);
    }
    nasty.groups[0].shares = vec![vec![100.0, 0.0, 50.0], vec![], vec![0.0, 0.0, 0.0]];
    nasty.value_of = "epoch".into();
    let long = words(&[
        "Wakefulness",
        "Stage 1 (N1)",
        "Stage 2 (N2)",
        "Slow-wave sleep (N3)",
        "Rapid eye movement",
        "Movement",
        "Unknown",
        "Artefact and other",
    ]);
    vec![
        ("grid-usual", group_grid(&grid_of(stages(), 10, 0))),
        ("grid-nasty", group_grid(&nasty)),
        ("grid-8-long-classes", group_grid(&grid_of(long, 500, 7))),
        ("grid-one-class", group_grid(&grid_of(words(&["W"]), 10, 0))),
    ]
}

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
    let signal = |(name, samples): (String, Vec<f32>)| Signal {
        name,
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
        signals: modalities().into_iter().zip(samples).map(signal).collect(),
    }
}

fn nights() -> Vec<Case> {
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
    flat.signals.extend(flat.signals.clone());
    vec![
        ("night-usual", night(&usual)),
        ("night-one-epoch", night(&night_of(1, |_| false, 3000))),
        ("night-no-signals", night(&bare)),
        ("night-every-second", night(&flat)),
    ]
}

pub fn coefficients_of(modalities: Vec<String>, classes: Vec<String>, size: f64) -> Coefficients {
    let mut noise = Noise(4);
    let effect = |(name, unit): (&str, &str)| {
        let cells = (0..modalities.len() * classes.len()).map(|i| {
            let q = [0.0004, 0.006, 0.03, 0.2, 0.7][(noise.next() * 5.0) as usize];
            let value = size * noise.normal();
            (i != 8).then_some(Coefficient { value, q })
        });
        Effect {
            name: name.into(),
            unit: unit.into(),
            cells: cells.collect(),
        }
    };
    let effects = [
        ("Age", "percentage points per year"),
        ("Sex", "percentage points, male − female"),
        ("Medication", "percentage points, temazepam − placebo"),
    ];
    let effects = effects.into_iter().map(effect).collect();
    Coefficients {
        title: "Effects on relevance shares".into(),
        method: "OLS on epochs".into(),
        alpha: 0.05,
        modalities,
        classes,
        effects,
    }
}

fn coefficient_maps() -> Vec<Case> {
    let mut none = coefficients_of(modalities(), stages(), 1e-9);
    for effect in &mut none.effects {
        effect
            .cells
            .iter_mut()
            .flatten()
            .for_each(|cell| cell.q = 0.6);
    }
    none.effects[1].cells = vec![None; 15];
    none.effects[2].cells = vec![Some(Coefficient { value: 0.0, q: 0.0 }); 15];
    let long = words(&[
        "EEG Fpz-Cz",
        "EOG horizontal channel",
        "EMG submental",
        "ECG",
        "Resp",
        "Temp",
        "SpO2",
        "x",
    ]);
    let classes = words(&[
        "Wakefulness",
        "Stage 1 (N1)",
        "N2",
        "N3",
        "R",
        "Movement",
        "Unknown",
        "Artefact",
    ]);
    let mut huge = coefficients_of(long, classes, 123_456.0);
    let again = huge.effects.clone();
    huge.effects.extend(again);
    huge.effects[0].unit = "a unit that needs a great many words to be said, because it compares one thing with another thing under conditions that take long to list".into();
    vec![
        (
            "coefficients-usual",
            coefficients(&coefficients_of(modalities(), stages(), 2.0)),
        ),
        ("coefficients-nothing-found", coefficients(&none)),
        ("coefficients-huge", coefficients(&huge)),
    ]
}

fn confusions() -> Vec<Case> {
    let usual = Confusion {
        title: "Confusion matrix, all test folds".into(),
        classes: stages(),
        counts: vec![
            3200, 210, 45, 3, 80, 160, 640, 510, 5, 330, 60, 380, 9800, 640, 410, 5, 2, 520, 3100,
            0, 40, 260, 340, 1, 3900,
        ],
    };
    let mut huge = usual.clone();
    huge.counts = vec![u64::MAX; 25];
    huge.counts[5..10].fill(0);
    huge.classes[2] = "a stage with a very long name".into();
    let twelve = Confusion {
        title: "Twelve classes".into(),
        classes: (0..12).map(|i| format!("class {i}")).collect(),
        counts: (0..144)
            .map(|i| if i % 13 == 0 { 5000 } else { (i * 37) % 400 })
            .collect(),
    };
    let one = Confusion {
        title: String::new(),
        classes: words(&["W"]),
        counts: vec![0],
    };
    vec![
        ("confusion-usual", confusion(&usual)),
        ("confusion-huge", confusion(&huge)),
        ("confusion-12", confusion(&twelve)),
        ("confusion-one-empty", confusion(&one)),
    ]
}

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

fn curves() -> Vec<Case> {
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

fn sweeps() -> Vec<Case> {
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

fn node(name: &str, kind: &str, state: NodeState, note: &str) -> DagNode {
    DagNode {
        name: name.into(),
        kind: kind.into(),
        state,
        note: note.into(),
    }
}

pub fn study() -> Dag {
    use NodeState::*;
    let nodes = vec![
        node("recordings", "files", Cached, "44 files"),
        node("subjects", "files", Cached, "1 file"),
        node("night", "epoch", Cached, "44 of 44"),
        node("zscored", "zscore", Cached, "44 of 44"),
        node("folds", "split", Done, "0.01 s"),
        node("preset", "network", Cached, ""),
        node("net", "train", Done, "10 of 10, 41 min"),
        node("predicted", "predict", Done, "10 of 10"),
        node("scores", "score", Done, "0.2 s"),
        node("relevance", "lrp", Running, "17 of 30"),
        node("local", "shares", Queued, "0 of 30"),
        node("global", "shares", Queued, ""),
        node("groups", "group", Wanted, ""),
        node("effects", "ols", Wanted, ""),
        node("adjusted", "fdr", Wanted, ""),
        node("fig1", "figure", Wanted, ""),
        node("fig2", "figure", Wanted, ""),
        node("fig3", "figure", Wanted, ""),
        node("fig4", "figure", Wanted, ""),
        node("curves", "figure", Failed, "disk full"),
        node("report", "report", Skipped, "curves failed"),
        node("confusion", "figure", Ready, ""),
    ];
    let edges = vec![
        (0, 2),
        (2, 3),
        (1, 4),
        (3, 6),
        (4, 6),
        (5, 6),
        (6, 7),
        (3, 7),
        (4, 7),
        (7, 8),
        (6, 9),
        (3, 9),
        (7, 9),
        (9, 10),
        (9, 11),
        (10, 12),
        (7, 12),
        (12, 13),
        (1, 13),
        (13, 14),
        (11, 15),
        (12, 16),
        (10, 17),
        (3, 17),
        (7, 17),
        (14, 18),
        (6, 19),
        (15, 20),
        (16, 20),
        (17, 20),
        (18, 20),
        (19, 20),
        (8, 21),
        (21, 20),
    ];
    Dag {
        title: "Study sleep-lrp".into(),
        nodes,
        edges,
    }
}

fn graphs() -> Vec<Case> {
    let one = Dag {
        title: String::new(),
        nodes: vec![node("only", "", NodeState::Done, "")],
        edges: vec![],
    };
    let wide = Dag {
        title: "A wide one".into(),
        nodes: (0..31)
            .map(|i| {
                node(
                    &format!("a node with a long name {i}"),
                    "some-kind-of-a-kind",
                    NodeState::Done,
                    "1 h 20 min",
                )
            })
            .collect(),
        edges: (1..30).flat_map(|i| [(0, i), (i, 30)]).collect(),
    };
    let deep = Dag {
        title: "A deep one, with edges over many layers".into(),
        nodes: (0..14)
            .map(|i| node(&format!("step {i}"), "step", NodeState::Ready, ""))
            .collect(),
        edges: (0..13)
            .map(|i| (i, i + 1))
            .chain([(0, 13), (2, 9), (1, 12), (0, 5)])
            .collect(),
    };
    vec![
        ("dag-study", dag(&study())),
        ("dag-one", dag(&one)),
        ("dag-wide", dag(&wide)),
        ("dag-deep", dag(&deep)),
    ]
}
