//! The end of a run: everything settled is counted, everything else is told as skipped.

use flow_plan::NodeId;

use super::{Finished, Loop, Summary};
use crate::address::Address;
use crate::board::{Instance, InstanceId, Outcome, State};
use crate::event::Event;
use crate::session::EngineError;

/// An instance or node that was skipped, and because of what.
type Skip = (Address, String);

impl Loop<'_, '_> {
    /// Makes what was done last, and says how it went.
    pub(super) fn finish(mut self) -> Result<Summary, EngineError> {
        self.tally();
        let Summary {
            ran,
            cached,
            failed,
            skipped,
            ..
        } = self.summary;
        if let Some(error) = self.broken {
            // What finished is recorded; if it can't be synced either, the first error says why.
            let _ = self.board.session.store.sync();
            return Err(error);
        }
        self.board.session.store.rest()?;
        self.summary.basis = self.board.looked.basis.take();
        self.listener.hear(&Event::RunFinished {
            ran,
            cached,
            failed,
            skipped,
        });
        Ok(self.summary)
    }

    fn tally(&mut self) {
        let mut skips = Vec::new();
        self.summary.finished.reserve_exact(self.board.len());
        for (id, instance) in self.board.all() {
            let finished = finished(self.board.address(id), instance);
            if let Some(mut finished) = finished {
                finished.why = self.why.remove(&id).filter(|_| finished.given.ran());
                let counted = match finished.given.ran() {
                    true => &mut self.summary.ran,
                    false => &mut self.summary.cached,
                };
                *counted += usize::from(!self.unpublished.contains(&id));
                self.summary.finished.push(finished);
            } else {
                skips.extend(self.skip(id, instance));
            }
        }
        // Nodes that never expanded because the run ended early.
        let pending = std::mem::take(&mut self.pending);
        skips.extend(pending.into_iter().map(|node| self.skipped_node(node)));
        self.summary.skipped += skips.len();
        for (address, because) in skips {
            let instance = address.to_string();
            self.tell(Event::Skipped { instance, because });
        }
    }

    /// Why an instance that is not done was skipped; `None` if it failed.
    fn skip(&self, id: InstanceId, instance: &Instance) -> Option<Skip> {
        let because = match &instance.state {
            State::Settled(Outcome::Blocked { by }) => self.name(*by),
            State::Settled(_) => return None,
            _ => self.what_ended_it(),
        };
        Some((self.board.address(id), because))
    }

    fn skipped_node(&self, node: NodeId) -> Skip {
        let address = Address {
            node: self.board.session.plan.node(node).name.clone(),
            labels: Default::default(),
        };
        (address, self.what_ended_it())
    }

    fn what_ended_it(&self) -> String {
        let failure = self.failure.clone();
        match failure.filter(|_| !self.board.session.keep_going) {
            Some(failure) => failure,
            None if self.broken.is_some() => "what is wrong with the cache".to_owned(),
            None => "a signal to stop".to_owned(),
        }
    }
}

/// What an instance gave, if it is done; why it ran is not said yet.
fn finished(address: Address, instance: &Instance) -> Option<Finished> {
    let State::Settled(Outcome::Done { key, given }) = &instance.state else {
        return None;
    };
    Some(Finished {
        address,
        key: *key,
        given: given.clone(),
        why: None,
    })
}
