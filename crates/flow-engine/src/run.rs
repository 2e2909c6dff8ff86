//! The loop of a run.

mod start;
mod tally;

use std::collections::{HashMap, HashSet};
use std::thread;

use flow_contract::{Digest, Key, NodeError};
use flow_plan::NodeId;

use crate::address::Address;
use crate::ahead::Ahead;
use crate::board::{Board, InstanceId, Outcome, State};
use crate::crew::{Crew, Job, Message, Verdict, Wanted as Output};
use crate::event::{ErrorWords, Event, Listener, Why};
use crate::expand::{News, Wanted, expand, wanted};
use crate::form::Wants;
use crate::given::Given;
use crate::pace::{Amounts, Free, Grant, Line};
use crate::prepare::{Prepared, prepare};
use crate::publish::{Unpublished, publish};
use crate::session::{EngineError, Session};
use crate::snapshot::Basis;
use crate::standing::standing;

/// How a run ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Instances that ran.
    pub ran: usize,
    /// Instances found in the store.
    pub cached: usize,
    /// Instances that failed.
    pub failed: usize,
    /// Instances not run because something before them failed or the run was stopped.
    pub skipped: usize,
    /// Whether a kind panicked.
    pub bug: bool,
    /// What every instance that is done gave, in the order of the plan.
    pub finished: Vec<Finished>,
    /// What it read and published, for a snapshot.
    pub(crate) basis: Basis,
}

/// An instance that is done.
#[derive(Debug)]
pub struct Finished {
    /// Its address.
    pub address: Address,
    /// Its key.
    pub key: Key,
    /// What it gave.
    pub given: Given,
    /// Why it ran in this run, if it did.
    pub why: Option<Why>,
}

/// Brings the session's targets up to date.
///
/// # Errors
/// [`EngineError`] when the store can't be used or a target does not exist; a failing node is no
/// error but part of the [`Summary`].
pub fn run(session: &Session<'_>, listener: &mut dyn Listener) -> Result<Summary, EngineError> {
    thread::scope(|scope| {
        let crew = Crew::new(scope, session);
        Loop::new(session, listener).turn(&crew)
    })
}

struct Loop<'a, 'l> {
    board: Board<'a>,
    wanted: Wanted,
    /// Nodes whose instances are not known yet.
    pending: Vec<NodeId>,
    /// Jobs that wait for cores.
    line: Line<'a>,
    /// What each running instance was given.
    granted: HashMap<InstanceId, Grant>,
    free: Free,
    why: HashMap<InstanceId, Why>,
    listener: &'l mut dyn Listener,
    summary: Summary,
    /// Instances whose result is stored, but not where the study wants it.
    unpublished: HashSet<InstanceId>,
    /// Producers whose damage was told, by how often they had been rewound.
    told_damaged: HashSet<(InstanceId, u32)>,
    /// The first failure, after which nothing new starts unless the session keeps going.
    failure: Option<String>,
    broken: Option<EngineError>,
    /// Whether all was done that is done once, before the first command.
    commands_began: bool,
    /// What follows if those that run give what they gave last; none before the first wait.
    ahead: Option<Ahead>,
}

impl<'a, 'l> Loop<'a, 'l> {
    fn new(session: &'a Session<'a>, listener: &'l mut dyn Listener) -> Self {
        let wanted = wanted(session);
        let board = Board::new(session, &wanted.nodes);
        let order = session.plan.order().iter().copied();
        let pending = order.filter(|node| wanted.nodes[node.index()]).collect();
        Self {
            board,
            wanted,
            pending,
            line: Line::default(),
            granted: HashMap::new(),
            free: Free::new(Amounts::of(session.plan, session.jobs)),
            why: HashMap::new(),
            listener,
            summary: Summary::default(),
            unpublished: HashSet::new(),
            told_damaged: HashSet::new(),
            failure: None,
            broken: None,
            commands_began: false,
            ahead: None,
        }
    }

    fn turn(mut self, crew: &Crew<'a>) -> Result<Summary, EngineError> {
        self.tell(self.board.session.began());
        loop {
            let expanded = self.expand();
            let settled = self.settle_ready(crew);
            if expanded || settled {
                continue;
            }
            self.start_what_fits(crew);
            if self.granted.is_empty() {
                break;
            }
            let message = self.look_ahead(crew).unwrap_or_else(|| crew.wait());
            self.hear(message, crew);
        }
        self.finish()
    }

    fn tell(&mut self, event: Event) {
        self.listener.hear(&event);
    }

    fn name(&self, id: InstanceId) -> String {
        self.board.address(id).to_string()
    }

    fn is_to_stop(&self) -> bool {
        let stop = self.board.session.stop;
        stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn may_start(&self) -> bool {
        let failed = self.failure.is_some() && !self.board.session.keep_going;
        !self.is_to_stop() && !failed && self.broken.is_none()
    }

    /// Expands nodes whose axes became known; whether anything moved.
    fn expand(&mut self) -> bool {
        let before = self.pending.len();
        for news in expand(&mut self.board, &mut self.pending, &self.wanted.only) {
            match news {
                News::Expanded { node, instances } => {
                    let node = self.board.session.plan.node(node).name.clone();
                    self.tell(Event::Expanded { node, instances });
                }
                News::Blocked { node, by } => {
                    let instance = self.board.session.plan.node(node).name.clone();
                    let because = self.name(by);
                    self.summary.skipped += 1;
                    self.tell(Event::Skipped { instance, because });
                }
                News::Failed { node, error } => {
                    let instance = self.board.session.plan.node(node).name.clone();
                    self.failed(instance, &error);
                }
                News::Damaged {
                    producer,
                    digest,
                    gone,
                } => self.tell_damaged(producer, digest, gone),
                News::NoSuchInstance { target, some } => {
                    let error = EngineError::NoSuchInstance { target, some };
                    self.broken.get_or_insert(error);
                }
            }
        }
        self.pending.len() != before
    }

    fn failed(&mut self, instance: String, error: &NodeError) {
        self.summary.failed += 1;
        self.failure.get_or_insert_with(|| instance.clone());
        self.tell(Event::Failed {
            instance,
            error: ErrorWords::from(error),
        });
    }

    /// Looks up every instance whose inputs are settled, unless the run is to stop; whether any was.
    ///
    /// Where there are many, jobs begin and are heard of meanwhile.
    fn settle_ready(&mut self, crew: &Crew<'a>) -> bool {
        const MANY: usize = 64;
        let many = self.board.count_ready() > MANY;
        let mut any = false;
        while !self.is_to_stop()
            && let Some(id) = self.board.next_ready()
        {
            any = true;
            self.settle(id);
            if many {
                self.start_what_fits(crew);
                if let Some(news) = crew.news() {
                    self.hear(news, crew);
                }
            }
        }
        any
    }

    fn settle(&mut self, id: InstanceId) {
        let ahead = self.ahead.as_mut();
        if let Some((key, given)) = ahead.and_then(|ahead| ahead.take(&self.board, id)) {
            return self.done(id, key, given);
        }
        match prepare(&self.board, id) {
            Err(error) => self.fail(id, &error),
            Ok(prepared) => self.look_up(id, prepared),
        }
    }

    fn look_up(&mut self, id: InstanceId, prepared: Prepared<'a>) {
        let key = prepared.recipe().key();
        match standing(&self.board, id, &prepared, key) {
            Ok(given) => self.done(id, key, given),
            Err(why) => self.enqueue(id, key, prepared, why),
        }
    }

    fn enqueue(&mut self, id: InstanceId, key: Key, prepared: Prepared<'a>, why: Why) {
        let session = self.board.session;
        let instance = self.board.instance(id);
        let node = session.plan.node(instance.node);
        if node.resources.gpus as usize > self.free.all_gpus() {
            let (wants, has) = (node.resources.gpus, self.free.all_gpus());
            let what = format!("it needs {wants} GPUs, and this run has {has}");
            let error = NodeError::new(what).help("look at CUDA_VISIBLE_DEVICES and /dev/nvidia*");
            return self.fail(id, &error);
        }
        let kind = session.kind(instance.node);
        let ports = node.signature.outputs.iter();
        let job = Job {
            id,
            address: self.name(id),
            kind,
            outputs: ports
                .map(|port| Output {
                    port: port.name.to_string(),
                    wants: match node.untyped.iter().any(|name| *name == port.name) {
                        true => Wants::Extension,
                        false => Wants::Form(port.ty.form),
                    },
                    many: node.gives_many(&port.name),
                })
                .collect(),
            foreign: kind.descriptor().open_ports,
            key,
            prepared,
            distrusted: instance.rewinds > 0,
            retries: node.retries,
            timeout: node.timeout,
            needs: &node.resources,
            gpus: Vec::new(),
        };
        self.board.set(id, State::Running);
        self.why.insert(id, why);
        self.line.push(job);
    }

    /// Looks ahead until there is news or nothing more to foresee.
    fn look_ahead(&mut self, crew: &Crew<'a>) -> Option<Message> {
        let runs = |id: &InstanceId| matches!(self.board.instance(*id).state, State::Running);
        let runs_again = self.why.iter().filter(|(_, why)| **why != Why::New);
        let roots = runs_again.map(|(id, _)| *id).filter(runs);
        let all = self.board.len();
        let ahead = self.ahead.get_or_insert_with(|| Ahead::new(roots, all));
        while ahead.step(&mut self.board) {
            if let Some(news) = crew.news() {
                return Some(news);
            }
        }
        None
    }

    fn hear(&mut self, message: Message, crew: &Crew<'a>) {
        self.board.looked.fresh.borrow_mut().clear();
        match message {
            Message::Progress {
                id,
                done,
                total,
                note,
                seconds_left,
            } => {
                let instance = self.name(id);
                self.tell(Event::Progress {
                    instance,
                    done,
                    total,
                    note,
                    seconds_left,
                });
            }
            Message::Warned { id, words } => {
                let instance = self.name(id);
                self.tell(Event::Warned { instance, words });
            }
            Message::Waiting { id, pid } => {
                let instance = self.name(id);
                self.tell(Event::Waiting { instance, pid });
            }
            Message::Done {
                id,
                key,
                verdict,
                then,
            } => {
                let grant = self.granted.remove(&id);
                self.conclude(id, key, verdict);
                match (grant, then) {
                    (Some(grant), Some((next, key))) => {
                        self.granted.insert(next, grant);
                        self.tell_started(next, key);
                    }
                    (grant, _) => {
                        grant.into_iter().for_each(|grant| self.free.give(grant));
                        self.line.put_back(crew.withdraw());
                    }
                }
            }
        }
    }

    fn conclude(&mut self, id: InstanceId, key: Key, verdict: Verdict) {
        match verdict {
            Verdict::Done(given) => {
                if let Some(ahead) = &mut self.ahead {
                    ahead.hear(id, &given.outputs);
                }
                self.done(id, key, given);
            }
            Verdict::Failed(error) => self.fail(id, &error),
            Verdict::Panicked(error) => {
                self.summary.bug = true;
                self.fail(id, &error);
            }
            Verdict::Damaged { digest, gone } => self.read_again(id, digest, gone),
            // It stays as it is, and is told as skipped when the run ends.
            Verdict::Stopped => {}
            Verdict::Broken(error) => {
                self.broken.get_or_insert(error.into());
                self.board.settle(id, Outcome::Failed);
            }
        }
    }

    fn fail(&mut self, id: InstanceId, error: &NodeError) {
        self.failed(self.name(id), error);
        self.board.settle(id, Outcome::Failed);
    }

    /// An input of `reader` was damaged or gone: it waits until that is made again.
    fn read_again(&mut self, reader: InstanceId, digest: Digest, gone: bool) {
        let producers = self.board.producers_of(reader, digest);
        if producers.is_empty()
            && let Some(producer) = self.board.rewound_need(reader)
        {
            self.tell_damaged_once(producer, digest, gone);
        }
        for producer in producers {
            if self.is_hopeless(producer, digest) {
                return self.board.wait_again(reader);
            }
            self.board.rewind(producer);
            self.tell_damaged_once(producer, digest, gone);
        }
        // Where nobody is found, another reader has noticed before, and its producer is at it.
        self.board.wait_again(reader);
    }

    /// Gives up on a producer whose stored bytes go bad again and again: that is a broken disk.
    fn is_hopeless(&mut self, id: InstanceId, digest: Digest) -> bool {
        const MOST_REWINDS: u32 = 3;
        if self.board.instance(id).rewinds < MOST_REWINDS {
            return false;
        }
        let what = format!("its result {} is damaged again and again", digest.short());
        let error = NodeError::new(what).help("check the disk of the cache with `flow fsck`");
        self.fail(id, &error);
        true
    }

    /// Says that stored bytes went bad, once for each time their producer is rewound.
    fn tell_damaged_once(&mut self, producer: InstanceId, digest: Digest, gone: bool) {
        let rewinds = self.board.instance(producer).rewinds;
        if !gone && self.told_damaged.insert((producer, rewinds)) {
            self.tell_damaged(producer, digest, gone);
        }
    }

    /// Says that stored bytes went bad; of those that are gone, the reason to run again tells.
    fn tell_damaged(&mut self, producer: InstanceId, digest: Digest, gone: bool) {
        if gone {
            return;
        }
        self.tell(Event::Damaged {
            instance: self.name(producer),
            digest: digest.to_string(),
        });
    }

    /// Publishes and settles an instance whose outputs are in the store.
    fn done(&mut self, id: InstanceId, key: Key, given: Given) {
        let listener = &mut *self.listener;
        match publish(&self.board, id, &given.outputs, &mut |event| {
            listener.hear(&event)
        }) {
            Ok(()) => self.tell_done(id, key, &given),
            Err(Unpublished::Failed(error)) => {
                self.failed(self.name(id), &error);
                self.unpublished.insert(id);
            }
            Err(Unpublished::Damaged { digest, gone }) => {
                if !self.is_hopeless(id, digest) {
                    self.tell_damaged(id, digest, gone);
                    self.board.again(id);
                }
                return;
            }
        }
        self.board.settle(id, Outcome::Done { key, given });
    }

    fn tell_done(&mut self, id: InstanceId, key: Key, given: &Given) {
        let (instance, key) = (self.name(id), key.to_string());
        let seconds = given.seconds;
        self.tell(match given.ran() {
            false => Event::Cached { instance, key },
            true => Event::Ran {
                instance,
                key,
                seconds,
            },
        });
    }
}
