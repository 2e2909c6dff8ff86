//! What follows if instances that run again give what they gave last, looked up while the loop would only wait.
//!
//! An edit often changes nothing downstream. What was foreseen of an instance counts only if all that it takes
//! is, once it is ready, as was supposed; else it is looked up as if nobody had looked ahead. So a wrong guess
//! costs the time of a thread that had nothing to do, and after the first one no more is foreseen.

use std::collections::{HashMap, VecDeque};
use std::mem;

use flow_contract::{Digest, Key};

use crate::board::{Board, Bound, Instance, InstanceId, Looked, State};
use crate::given::{Given, Outputs};
use crate::prepare::{Origin, Prepared, prepare, source_digest};
use crate::standing::standing;

/// What was foreseen.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Instances that run again, of which nothing was supposed so far.
    roots: VecDeque<InstanceId>,
    /// Instances all of whose inputs are done or supposed.
    next: VecDeque<InstanceId>,
    /// How many inputs of an instance are neither.
    waits: HashMap<InstanceId, u32>,
    foreseen: HashMap<InstanceId, Foreseen>,
    /// What was looked up for it; the run's own notes know nothing of that.
    looked: Looked,
    /// Whether words of commands were found to name the same in the run's own notes.
    compared: bool,
}

/// A result that was found, and for what.
struct Foreseen {
    key: Key,
    given: Given,
    /// What each of the instances it takes from gave, or was supposed to.
    needs: Vec<Outputs>,
    /// The user's files among its inputs.
    sources: Vec<(String, Digest)>,
}

impl Ahead {
    /// For instances that run again, of so many in all.
    pub(crate) fn new(roots: impl Iterator<Item = InstanceId>, all: usize) -> Self {
        let roots: VecDeque<_> = roots.collect();
        // Maps that grow copy all they hold; one that stays empty costs nothing.
        let room = if roots.is_empty() { 0 } else { all };
        Self {
            roots,
            waits: HashMap::with_capacity(room),
            foreseen: HashMap::with_capacity(room),
            ..Self::default()
        }
    }

    /// Looks at one instance more; whether there was one.
    pub(crate) fn step(&mut self, board: &mut Board<'_>) -> bool {
        if let Some(id) = self.next.pop_front() {
            mem::swap(&mut board.looked, &mut self.looked);
            let foreseen = foresee(board, id);
            mem::swap(&mut board.looked, &mut self.looked);
            self.compared = false;
            if let Some(foreseen) = foreseen {
                self.suppose(board, id, foreseen.given.outputs.clone());
                self.foreseen.insert(id, foreseen);
            }
            return true;
        }
        let Some(root) = self.roots.pop_front() else {
            return false;
        };
        let address = board.address(root).to_string();
        if let Some(last) = board.session.store.last_of(&address) {
            self.suppose(board, root, last.outputs.into());
        }
        true
    }

    fn suppose(&mut self, board: &Board<'_>, id: InstanceId, outputs: Outputs) {
        self.looked.supposed.insert(id, outputs);
        for &dependent in board.dependents(id) {
            if let State::Waiting(inputs) = board.instance(dependent).state {
                let waits = self.waits.entry(dependent).or_insert(inputs);
                *waits = waits.saturating_sub(1);
                if *waits == 0 {
                    self.next.push_back(dependent);
                }
            }
        }
    }

    /// Hears what an instance gave; where that is not what was supposed, nothing more is.
    pub(crate) fn hear(&mut self, id: InstanceId, outputs: &Outputs) {
        let supposed = self.looked.supposed.get(&id);
        if supposed.is_some_and(|supposed| supposed != outputs) {
            self.roots.clear();
            self.next.clear();
        }
    }

    /// The result of a ready instance, if it was foreseen for what it takes.
    pub(crate) fn take(&mut self, board: &Board<'_>, id: InstanceId) -> Option<(Key, Given)> {
        let foreseen = self.foreseen.remove(&id)?;
        if !mem::replace(&mut self.compared, true) && !self.looked.seen.borrow().holds(board) {
            self.foreseen.clear();
            return None;
        }
        let holds = foreseen.holds(board, board.instance(id));
        holds.then_some((foreseen.key, foreseen.given))
    }
}

/// The stored result of an instance that waits, for inputs of which some are supposed.
fn foresee(board: &Board<'_>, id: InstanceId) -> Option<Foreseen> {
    let instance = board.instance(id);
    let waits = matches!(instance.state, State::Waiting(_));
    if !waits || instance.rewinds > 0 || takes_by_pattern(instance) {
        return None;
    }
    let prepared = prepare(board, id).ok()?;
    let key = prepared.recipe().key();
    let given = standing(board, id, &prepared, key).ok()?;
    let needs = instance.needs().into_iter();
    Some(Foreseen {
        key,
        given,
        needs: needs
            .map(|need| board.outputs(need).cloned())
            .collect::<Option<_>>()?,
        sources: sources(prepared),
    })
}

fn takes_by_pattern(instance: &Instance) -> bool {
    let mut sources = instance.inputs.iter().flat_map(|(_, sources)| sources);
    sources.any(|source| matches!(source, Bound::Files(_)))
}

fn sources(prepared: Prepared<'_>) -> Vec<(String, Digest)> {
    let artifacts = prepared.inputs.into_iter();
    let artifacts = artifacts.flat_map(|(_, artifacts)| artifacts);
    let sources = artifacts.filter(|artifact| matches!(artifact.origin, Origin::Source(_)));
    sources.map(|source| (source.name, source.digest)).collect()
}

impl Foreseen {
    /// Whether all that an instance takes is as was supposed.
    fn holds(&self, board: &Board<'_>, instance: &Instance) -> bool {
        let needs = instance.needs();
        let mut given = needs.iter().zip(&self.needs);
        let mut sources = self.sources.iter();
        instance.rewinds == 0
            && given.all(|(need, supposed)| board.outputs(*need) == Some(supposed))
            && sources.all(|(path, was)| source_digest(board, path).as_ref() == Ok(was))
    }
}
