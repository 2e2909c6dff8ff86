//! Graphs.

use super::*;

fn node(name: &str, kind: &str, state: NodeState, note: &str) -> DagNode {
    DagNode {
        more: String::new(),
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

pub fn graphs() -> Vec<Case> {
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
