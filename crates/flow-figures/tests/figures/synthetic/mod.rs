//! Made-up inputs for every figure: usual ones and nasty ones.

pub mod graphs;
pub mod nights;
pub mod training;

use flow_figures::*;

/// A named input, drawn.
pub type Case = (&'static str, Result<Figure, FigureError>);

/// Every case, in a fixed order.
pub fn cases() -> Vec<Case> {
    [
        global(),
        grids(),
        nights::nights(),
        coefficient_maps(),
        confusions(),
        training::curves(),
        training::sweeps(),
        comparisons(),
        graphs::graphs(),
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
        each: "fold",
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
        each: "fold",
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

pub fn coefficients_of(modalities: Vec<String>, groups: Vec<String>, size: f64) -> Coefficients {
    let mut noise = Noise(4);
    let effect = |(name, unit): (&str, &str)| {
        let cells = (0..modalities.len() * groups.len()).map(|i| {
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
        groups,
        which: "correctly classified epochs of each class".into(),
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
    let pairs = stages().into_iter().flat_map(|from| {
        let others = stages().into_iter().filter(|to| *to != from);
        let others: Vec<String> = others.map(|to| format!("{from} → {to}")).collect();
        others
    });
    let mut wrong = coefficients_of(modalities(), pairs.collect(), 2.0);
    wrong.which = "epochs of a class taken for another (true → predicted)".into();
    vec![
        ("coefficients-wrong-groups", coefficients(&wrong)),
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

/// Some series over values; the last value of the second series is missing.
pub fn comparison_of(values: &[&str], series: &[&str]) -> Comparison {
    let mut noise = Noise(11);
    let extent = |noise: &mut Noise| {
        let mean = 33.0 + 10.0 * noise.normal();
        let (down, up) = (5.0 * noise.next(), 5.0 * noise.next());
        Extent {
            least: mean - down,
            mean,
            greatest: mean + up,
        }
    };
    let line = |(at, name): (usize, &&str)| Series {
        name: (*name).to_owned(),
        points: (0..values.len())
            .map(|i| (at != 1 || i + 1 < values.len()).then(|| extent(&mut noise)))
            .collect(),
    };
    Comparison {
        title: "mean_of_shares over rule".into(),
        number: "mean_of_shares".into(),
        over: "rule".into(),
        values: words(values),
        ordered: values.iter().all(|value| value.parse::<f64>().is_ok()),
        series: series.iter().enumerate().map(line).collect(),
    }
}

fn comparisons() -> Vec<Case> {
    let rules = ["epsilon(0.01)", "epsilon(100)", "alpha-beta(1,0)"];
    let long: Vec<String> = (0..40)
        .map(|i| format!("a rule & its <long> name, number {i}"))
        .collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let eight = ["a", "b", "c", "d", "e", "f", "g", "h"];
    vec![
        (
            "comparison-usual",
            comparison(&comparison_of(&rules, &["EEG", "EOG", "EMG"])),
        ),
        ("comparison-one", comparison(&comparison_of(&["8"], &[""]))),
        ("comparison-long", comparison(&comparison_of(&long, &eight))),
    ]
}
