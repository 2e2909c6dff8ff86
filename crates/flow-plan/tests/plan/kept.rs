//! Plans as bytes.

use std::sync::Arc;

use flow_plan::{Plan, Sweep};

use crate::toys::{STUDY, owned, planned, planned_at};

fn plans() -> [Plan; 2] {
    let sweep = Sweep {
        values: owned(&[("seed", "[1, 2]")]),
        ..Sweep::default()
    };
    [planned(STUDY), planned_at(STUDY, &[], &sweep)].map(Result::unwrap)
}

/// All that a plan says, but for the docs of ports.
fn said(plan: &Plan) -> String {
    let mut said = format!(
        "{:?}",
        (
            (plan.name(), plan.description(), plan.notice(), plan.seed()),
            (plan.cache(), plan.reports(), plan.params(), plan.pools()),
            (plan.order(), plan.report()),
        )
    );
    for &id in plan.order() {
        let mut node = plan.node(id).clone();
        assert_eq!(plan.by_name(&node.name), Some(id));
        let ports = Arc::make_mut(&mut node.signature);
        ports.inputs.iter_mut().for_each(|port| port.doc = "");
        ports.outputs.iter_mut().for_each(|port| port.doc = "");
        let near = (plan.dependencies(id), plan.dependents(id));
        said.push_str(&format!("\n{node:?} {near:?}"));
    }
    said
}

#[test]
fn a_kept_plan_says_what_the_plan_said() {
    for plan in plans() {
        let kept = Plan::kept(&plan.to_keep().unwrap()).unwrap();
        assert_eq!(said(&kept), said(&plan));
    }
}

#[test]
fn other_bytes_are_no_plan_or_one_that_names_its_own_nodes() {
    let [plan, _] = plans();
    let bytes = plan.to_keep().unwrap();
    for end in 0..bytes.len() {
        assert!(Plan::kept(&bytes[..end]).is_none(), "cut at {end}");
    }
    let mut read = 0;
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        if let Some(plan) = Plan::kept(&other) {
            read += 1;
            for &id in plan.order() {
                let near = [plan.dependencies(id), plan.dependents(id)].concat();
                near.iter()
                    .for_each(|id| assert!(id.index() < plan.nodes().len()));
            }
        }
    }
    assert!(read > 0, "a letter of a text is one as good as another");
}
