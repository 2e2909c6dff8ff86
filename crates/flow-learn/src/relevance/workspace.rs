//! The buffers of one sample's walk, kept from sample to sample.

use super::program::{Action, Program};
use crate::kernels::Real;
use std::sync::{Mutex, PoisonError};

/// Everything a walk writes to.
pub(crate) struct Workspace<T> {
    /// What each step gave.
    pub(crate) values: Vec<Vec<T>>,
    /// The winners of each maximum pool.
    pub(crate) winners: Vec<Vec<u32>>,
    /// The relevance on its way; what a step gives back goes to `next`, then they change places.
    pub(crate) relevance: Vec<T>,
    pub(crate) next: Vec<T>,
    /// As long as the longest output of a weighted sum: denominators, and a term of them.
    pub(crate) denominator: Vec<T>,
    pub(crate) term: Vec<T>,
    /// What is shared out, in rows as the way back takes them.
    pub(crate) share: Vec<T>,
    /// As long as the longest input: a part of an input, and what a term gives back.
    pub(crate) part: Vec<T>,
    pub(crate) given: Vec<T>,
}

impl<T: Real> Workspace<T> {
    pub(crate) fn new(program: &Program<T>) -> Self {
        let winners = |action: &Action<T>, out_len: usize| match action {
            Action::MaxPool(_) => vec![0; out_len],
            _ => Vec::new(),
        };
        let steps = &program.steps;
        let longest = steps.iter().map(|step| step.in_len.max(step.out_len)).max();
        let buffer = || vec![T::ZERO; longest.unwrap_or(0).max(program.in_len)];
        let room = steps.iter().map(|step| match &step.action {
            Action::Linear(linear) => linear.map.rows().room(),
            _ => 0,
        });
        Self {
            values: steps
                .iter()
                .map(|step| vec![T::ZERO; step.out_len])
                .collect(),
            winners: steps
                .iter()
                .map(|step| winners(&step.action, step.out_len))
                .collect(),
            relevance: buffer(),
            next: buffer(),
            denominator: buffer(),
            share: vec![T::ZERO; room.max().unwrap_or(0)],
            term: buffer(),
            part: buffer(),
            given: buffer(),
        }
    }
}

/// Workspaces that wait for a sample; there are as many as samples were ever walked at once.
pub(crate) struct Pool<T>(Mutex<Vec<Workspace<T>>>);

impl<T: Real> Pool<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Runs `work` with a workspace that nobody else has.
    pub(crate) fn with<R>(
        &self,
        program: &Program<T>,
        work: impl FnOnce(&mut Workspace<T>) -> R,
    ) -> R {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut space = waiting.unwrap_or_else(|| Workspace::new(program));
        let result = work(&mut space);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(space);
        result
    }
}
