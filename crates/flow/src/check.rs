//! `flow check`.

use flow_plan::Problems;
use serde_json::json;

use crate::args::{Check, Place};
use crate::outcome::{Outcome, Refusal};
use crate::study::{Study, planned, read_text};
use crate::words::{answer, answer_json, doubts, note, noticed};

/// Checks the study file without running anything.
pub fn check(place: &Place, check: &Check) -> Result<Outcome, Refusal> {
    if !check.json {
        let study = Study::open(place)?;
        let count = study.plan.nodes().len();
        let nodes = if count == 1 { "node" } else { "nodes" };
        let name = study.plan.name();
        doubts(&study.plan).iter().for_each(|doubt| note(doubt));
        answer(&format!("`{name}` is a valid study of {count} {nodes}"));
        if let Some(notice) = study.plan.notice() {
            answer(&noticed(notice));
        }
        return Ok(Outcome::Done);
    }
    let (name, text) = read_text(place)?;
    match planned(place, &name, &text) {
        Ok(plan) => {
            let nodes = plan.nodes().len();
            answer_json(
                &json!({"study": plan.name(), "nodes": nodes, "problems": [],
                "warnings": doubts(&plan)}),
            );
            Ok(Outcome::Done)
        }
        Err(problems) => Ok(tell(&problems)),
    }
}

/// The problems as JSON on stdout, where the one who asked for JSON reads.
fn tell(problems: &Problems) -> Outcome {
    answer_json(
        &json!({"study": null, "nodes": null, "problems": problems.records(), "warnings": []}),
    );
    Outcome::Wrong
}
