//! The plan of a large study, kept in its cache from one run to the next command.
//!
//! To read and check a study of 500 nodes takes longer than to find that one of them has to run.

use std::path::{Path, PathBuf};

use flow_contract::Digest;
use flow_plan::Plan;

use crate::sealed;

/// Fewer nodes than these are planned faster than a file is kept for them.
const FEWEST_NODES: usize = 200;

/// The plan kept in a cache, if it is of `question`: a digest of all that decides on a plan, which are the
/// study's text, what the command line changes, and the program with its kinds.
#[must_use]
pub fn plan(cache: &Path, question: &Digest) -> Option<Plan> {
    sealed::read(&path(cache), |body| {
        let (of, plan) = body.split_first_chunk::<32>()?;
        let asked = of == question.as_bytes();
        asked.then(|| Plan::kept(plan)).flatten()
    })
}

/// Keeps a plan in place of the one before, if it is large.
pub fn keep(cache: &Path, question: &Digest, plan: &Plan) {
    if plan.nodes().len() < FEWEST_NODES {
        return;
    }
    // Without it the next command takes the long way, that is all.
    if let Ok(plan) = plan.to_keep() {
        let _ = sealed::write(&path(cache), &[&question.as_bytes()[..], &plan].concat());
    }
}

fn path(cache: &Path) -> PathBuf {
    cache.join("plan")
}
