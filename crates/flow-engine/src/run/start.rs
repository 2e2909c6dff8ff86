//! What begins when: jobs that were granted what they need, and those that follow them.

use flow_contract::Key;

use super::Loop;
use crate::board::InstanceId;
use crate::crew::Crew;
use crate::event::{Event, Why};

impl<'a> Loop<'a, '_> {
    pub(super) fn start_what_fits(&mut self, crew: &Crew<'a>) {
        while self.may_start() && self.granted.len() < self.board.session.jobs.max(1) {
            let Some((mut job, grant)) = self.line.pop(&mut self.free) else {
                break;
            };
            self.tell_started(job.id, job.key);
            job.gpus.clone_from(&grant.gpus);
            self.granted.insert(job.id, grant);
            crew.start(job);
        }
        self.let_follow(crew);
    }

    /// Hands workers what they go on with when they are done, so that none waits for this loop.
    fn let_follow(&mut self, crew: &Crew<'a>) {
        let session = self.board.session;
        let needs = |id: &InstanceId| {
            let node = self.board.instance(*id).node;
            &session.plan.node(node).resources
        };
        let running: Vec<_> = self.granted.keys().map(needs).collect();
        while self.may_start() && crew.following() < session.jobs {
            match self.line.pop_follower(&running) {
                Some(waiting) => crew.let_follow(waiting),
                None => return,
            }
        }
    }

    pub(super) fn tell_started(&mut self, id: InstanceId, key: Key) {
        let (instance, key) = (self.name(id), key.to_string());
        let kind = self.board.session.kind(self.board.instance(id).node);
        let foreign = kind.descriptor().open_ports;
        if foreign && !std::mem::replace(&mut self.commands_began, true) {
            self.warn_if_unconfined(&instance);
        }
        let why = self.why.get(&id).cloned().unwrap_or(Why::New);
        self.tell(Event::Started { instance, key, why });
    }

    fn warn_if_unconfined(&mut self, instance: &str) {
        if let Some(words) = crate::command::Kernel::here().warning() {
            let (instance, words) = (instance.to_owned(), words.to_owned());
            self.tell(Event::Warned { instance, words });
        }
    }
}
