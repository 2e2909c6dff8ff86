//! Bad input is refused with the field at fault, never drawn and never a panic.

use crate::synthetic::graphs::study;
use crate::synthetic::nights::night_of;
use crate::synthetic::training::{curves_of, sweep_of};
use crate::synthetic::*;
use flow_figures::FigureError::{self, *};
use flow_figures::*;

fn global() -> GlobalShares {
    let rule = RuleShares {
        rule: "ε".into(),
        shares: vec![vec![60.0, 50.0], vec![40.0, 50.0]],
    };
    GlobalShares {
        title: "t".into(),
        each: "fold",
        modalities: words(&["EEG", "EOG"]),
        rules: vec![rule],
    }
}

#[test]
fn global_shares_wants_folds_for_every_modality() {
    assert!(global_shares(&global()).is_ok());
    let refusal = |change: fn(&mut GlobalShares)| {
        let mut input = global();
        change(&mut input);
        global_shares(&input).err()
    };
    assert_eq!(refusal(|g| g.rules.clear()), Some(Empty { what: "rules" }));
    assert_eq!(
        refusal(|g| g.modalities.clear()),
        Some(Empty { what: "modalities" })
    );
    let length = Length {
        what: "rules.shares",
        got: 1,
        want: 2,
    };
    assert_eq!(
        refusal(|g| g.rules[0].shares.truncate(1)),
        Some(length.clone())
    );
    assert_eq!(refusal(|g| g.rules[0].shares[1].truncate(1)), Some(length));
    assert!(matches!(
        refusal(|g| g.rules[0].shares[1][1] = f64::NAN),
        Some(NotFinite {
            what: "rules.shares",
            index: 1,
            ..
        })
    ));
    assert!(matches!(
        refusal(|g| g.rules[0].shares[0][0] = 101.0),
        Some(OutOfRange { .. })
    ));
    let many = TooMany {
        what: "modalities",
        got: 9,
        most: 8,
    };
    assert_eq!(refusal(|g| g.modalities = vec!["m".into(); 9]), Some(many));
}

#[test]
fn a_rule_without_relevance_has_no_boxes() {
    let mut input = global();
    let silent = RuleShares {
        rule: "silent".into(),
        shares: vec![Vec::new(); 2],
    };
    input.rules.push(silent.clone());
    let svg = global_shares(&input).unwrap().svg;
    assert!(
        svg.contains("n = 0") && svg.contains("EEG, ε: median"),
        "{svg}"
    );
    input.rules = vec![silent];
    let svg = global_shares(&input).unwrap().svg;
    assert!(!svg.contains("median 0"), "{svg}");
}

#[test]
fn group_grid_wants_a_group_for_every_pair_of_classes() {
    let refusal = |change: fn(&mut GroupGrid)| {
        let mut input = grid_of(stages(), 2, 0);
        change(&mut input);
        group_grid(&input).err()
    };
    assert_eq!(
        refusal(|g| g.groups.truncate(24)),
        Some(Length {
            what: "groups",
            got: 24,
            want: 25
        })
    );
    assert_eq!(
        refusal(|g| g.groups[7].shares.clear()),
        Some(Length {
            what: "groups.shares",
            got: 0,
            want: 3
        })
    );
    assert_eq!(refusal(|g| g.groups[7] = Group::default()), None);
    assert!(matches!(
        refusal(|g| g.groups[0].shares[0][0] = f64::INFINITY),
        Some(NotFinite { .. })
    ));
}

#[test]
fn night_wants_epochs_in_order_and_whole_signals() {
    let refusal = |change: fn(&mut Night)| {
        let mut input = night_of(5, |_| false, 10);
        change(&mut input);
        night(&input).err()
    };
    assert_eq!(refusal(|_| {}), None);
    assert_eq!(
        refusal(|n| n.epochs.clear()),
        Some(Empty { what: "epochs" })
    );
    let unordered = Unordered {
        what: "epochs.onset_seconds",
        index: 3,
    };
    assert_eq!(
        refusal(|n| n.epochs[3].onset_seconds = 75.0),
        Some(unordered)
    );
    let class = OutOfRange {
        what: "epochs.predicted_class",
        index: 2,
        value: 5.0,
        low: 0.0,
        high: 4.0,
    };
    assert_eq!(
        refusal(|n| n.epochs[2].predicted_class = Some(5)),
        Some(class)
    );
    let signal = Length {
        what: "signals.samples",
        got: 49,
        want: 50,
    };
    assert_eq!(refusal(|n| n.signals[1].samples.truncate(49)), Some(signal));
    let sample = refusal(|n| n.signals[0].samples[7] = f32::NAN);
    assert!(matches!(
        sample,
        Some(NotFinite {
            what: "signals.samples",
            index: 7,
            ..
        })
    ));
    let sum = refusal(|n| n.epochs[0].shares = Some(vec![60.0, 60.0, 60.0]));
    assert!(matches!(
        sum,
        Some(OutOfRange {
            what: "sum of epochs.shares",
            ..
        })
    ));
    assert!(refusal(|n| n.epoch_seconds = 0.0).is_some());
    assert!(refusal(|n| n.signals[0].samples_per_epoch = usize::MAX).is_some());
}

#[test]
fn coefficients_want_a_cell_for_every_group() {
    let refusal = |change: fn(&mut Coefficients)| {
        let mut input = coefficients_of(modalities(), stages(), 1.0);
        change(&mut input);
        coefficients(&input).err()
    };
    let length = Length {
        what: "effects.cells",
        got: 14,
        want: 15,
    };
    assert_eq!(refusal(|c| c.effects[2].cells.truncate(14)), Some(length));
    let q = refusal(|c| c.effects[0].cells[0] = Some(Coefficient { value: 0.0, q: 1.5 }));
    assert!(matches!(
        q,
        Some(OutOfRange {
            what: "effects.cells.q",
            value: 1.5,
            ..
        })
    ));
    assert!(
        refusal(|c| c.effects[0].cells[0] = Some(Coefficient {
            value: f64::NAN,
            q: 0.5
        }))
        .is_some()
    );
    assert!(refusal(|c| c.alpha = f64::NAN).is_some());
}

#[test]
fn the_other_figures_refuse_too() {
    let counts = Confusion {
        title: String::new(),
        classes: stages(),
        counts: vec![1; 24],
    };
    assert_eq!(
        confusion(&counts),
        Err(Length {
            what: "counts",
            got: 24,
            want: 25
        })
    );

    let mut curves = curves_of(2, 5);
    curves.folds[1].best = 99;
    let refused = training_curves(&curves);
    assert!(matches!(
        refused,
        Err(OutOfRange {
            what: "folds.best",
            index: 1,
            ..
        })
    ));

    let descending = sweep(&sweep_of(&[1.0, 0.1], 2));
    assert_eq!(
        descending,
        Err(Unordered {
            what: "points.value",
            index: 1
        })
    );
    let mut zero = sweep_of(&[0.1, 1.0], 2);
    zero.points[0].value = 0.0;
    assert!(matches!(
        sweep(&zero),
        Err(OutOfRange {
            what: "points.value",
            ..
        })
    ));
}

#[test]
fn a_graph_with_a_cycle_is_refused_by_name() {
    let mut graph = study();
    graph.edges.push((14, 12));
    let Err(FigureError::Cycle { node }) = dag(&graph) else {
        panic!("a cycle was drawn")
    };
    assert!(["groups", "effects", "adjusted", "fig2", "fig4", "report"].contains(&node.as_str()));
    let mut graph = study();
    graph.edges.push((3, 99));
    assert!(matches!(
        dag(&graph),
        Err(OutOfRange {
            what: "edges",
            index: 34,
            ..
        })
    ));
}

#[test]
fn a_graph_too_dense_to_read_is_refused_at_once() {
    let mut graph = study();
    graph.nodes = vec![graph.nodes[0].clone(); 400];
    graph.edges = (0..400)
        .flat_map(|to| (0..to).map(move |from| (from, to)))
        .collect();
    assert!(matches!(
        dag(&graph),
        Err(TooMany {
            what: "layers passed by edges",
            ..
        })
    ));
}

#[test]
fn images_without_pixels_or_with_too_many_are_refused() {
    let figure = global_shares(&global()).expect("a figure");
    for scale in [0.0, -1.0, 1e-9, 1e9, f64::NAN, f64::INFINITY] {
        assert!(matches!(figure.png(scale), Err(Scale { .. })), "{scale}");
    }
}

#[test]
fn a_comparison_wants_numbers_and_lines_that_can_be_told_apart() {
    let usual = || comparison_of(&["8", "16"], &["EEG", "EOG"]);
    let mut short = usual();
    short.series[0].points.pop();
    let refused = comparison(&short);
    assert!(matches!(
        refused,
        Err(Length {
            got: 1,
            want: 2,
            ..
        })
    ));
    let mut nan = usual();
    nan.series[1].points[0] = Some(Extent {
        least: 0.0,
        mean: f64::NAN,
        greatest: 1.0,
    });
    let refused = comparison(&nan);
    assert!(matches!(refused, Err(NotFinite { index: 1, .. })));
    let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let refused = comparison(&comparison_of(&["8"], &nine));
    assert!(matches!(refused, Err(TooMany { got: 9, .. })));
}
