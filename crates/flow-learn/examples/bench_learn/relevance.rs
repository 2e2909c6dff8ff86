//! Layer-wise relevance propagation, batch by batch.

use super::measure::{Meter, noise};
use super::{CHANNELS, CLASSES, Job, TIME};
use flow_learn::composite::Composite;
use flow_learn::network::Network;
use flow_learn::relevance::{Explanations, Start, Target, Walker};
use flow_learn::training::initial_weights;
use std::error::Error;

/// The rules of each measurement; three of them share one forward pass.
const RULES: &[(&str, &[&str])] = &[
    ("lrp_ab", &["alpha-beta(1,0)"]),
    ("lrp_eps", &["epsilon(0.01)"]),
    (
        "lrp_three",
        &["epsilon(0.01)", "epsilon(100)", "alpha-beta(1,0)"],
    ),
];

/// Explanations of the same batch again and again.
pub fn lrp(job: &Job) -> Result<(), Box<dyn Error>> {
    let rules = RULES.iter().find(|(name, _)| *name == job.what);
    let (_, rules) = rules.ok_or("no such rules")?;
    let composites = rules.iter().map(|rule| Composite::parse(rule));
    let composites = composites.collect::<Result<Vec<_>, _>>()?;
    let network = Network::ellis2021(CHANNELS, TIME, CLASSES);
    let walker = Walker::new(&network, &initial_weights(&network, 1)?, &composites)?;
    let x = noise(job.batch * CHANNELS * TIME);
    let mut explanations = Explanations::default();
    let mut explain = || walker.explain_into(&x, Target::Predicted, Start::One, &mut explanations);
    explain()?;
    let mut meter = Meter::start(job);
    while !meter.is_over() {
        explain()?;
        meter.step();
    }
    meter.print(job);
    Ok(())
}
