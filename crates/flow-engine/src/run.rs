//! The loop of a run.

use std::collections::{BTreeMap, HashMap};
use std::thread;

use flow_contract::{Key, NodeError, first_difference};
use flow_plan::NodeId;

use crate::address::Address;
use crate::board::{Board, InstanceId, Outcome, Outputs, State};
use crate::event::{ErrorWords, Event, Listener, Why};
use crate::execute::{Crew, Job, Message, Verdict};
use crate::expand::{News, Wanted, expand, wanted};
use crate::pace::Free;
use crate::prepare::{Prepared, prepare};
use crate::publish::publish;
use crate::session::{EngineError, Session};

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
}

/// An instance that is done.
#[derive(Debug)]
pub struct Finished {
    /// Its address.
    pub address: Address,
    /// Its key.
    pub key: Key,
    /// Port, digest and size of each output.
    pub outputs: Outputs,
    /// How long it ran, when it ran.
    pub seconds: f64,
    /// Whether it ran in this run.
    pub ran: bool,
    /// Why it ran, if it did.
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
    queued: std::collections::VecDeque<Job<'a>>,
    running: usize,
    free: Free,
    why: HashMap<InstanceId, Why>,
    listener: &'l mut dyn Listener,
    summary: Summary,
    /// The first failure, after which nothing new starts unless the session keeps going.
    failure: Option<String>,
    broken: Option<EngineError>,
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
            queued: Default::default(),
            running: 0,
            free: Free::new(session.jobs, session.plan.pools()),
            why: HashMap::new(),
            listener,
            summary: Summary::default(),
            failure: None,
            broken: None,
        }
    }

    fn turn(mut self, crew: &Crew<'a>) -> Result<Summary, EngineError> {
        let session = self.board.session;
        self.tell(Event::RunStarted {
            run: session.run.to_owned(),
            study: session.plan.name().to_owned(),
            jobs: session.jobs,
        });
        loop {
            let expanded = self.expand();
            let settled = self.settle_ready();
            if expanded || settled {
                continue;
            }
            self.start_what_fits(crew);
            if self.running == 0 {
                break;
            }
            self.hear(crew.wait());
        }
        self.finish()
    }

    fn tell(&mut self, event: Event) {
        self.listener.hear(&event);
    }

    fn name(&self, id: InstanceId) -> String {
        self.board.address(id).to_string()
    }

    fn may_start(&self) -> bool {
        let stopped = self
            .board
            .session
            .stop
            .load(std::sync::atomic::Ordering::Relaxed);
        let failed = self.failure.is_some() && !self.board.session.keep_going;
        !stopped && !failed && self.broken.is_none()
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
                News::Damaged { producer, digest } => {
                    let instance = self.name(producer);
                    self.tell(Event::Damaged {
                        instance,
                        digest: digest.to_string(),
                    });
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

    /// Looks up every instance whose inputs are settled; whether any was.
    fn settle_ready(&mut self) -> bool {
        let mut any = false;
        while let Some(id) = self.board.next_ready() {
            any = true;
            match prepare(&self.board, id) {
                Err(error) => {
                    let instance = self.name(id);
                    self.failed(instance, &error);
                    self.board.settle(id, Outcome::Failed);
                }
                Ok(prepared) => self.look_up(id, prepared),
            }
        }
        any
    }

    fn look_up(&mut self, id: InstanceId, prepared: Prepared) {
        let key = prepared.recipe.key();
        let forced = self.board.instance(id).forced;
        match standing(&self.board, id, &prepared, key) {
            Ok((outputs, seconds)) if !forced => {
                let instance = self.name(id);
                self.tell(Event::Cached {
                    instance,
                    key: key.to_string(),
                });
                self.done(
                    id,
                    Outcome::Done {
                        key,
                        outputs,
                        seconds,
                        ran: false,
                    },
                );
            }
            Ok(_) => self.enqueue(
                id,
                key,
                prepared,
                Why::Gone {
                    output: "damaged".into(),
                },
            ),
            Err(why) => self.enqueue(id, key, prepared, why),
        }
    }

    fn enqueue(&mut self, id: InstanceId, key: Key, prepared: Prepared, why: Why) {
        self.board.set(id, State::Running);
        self.why.insert(id, why);
        let instance = self.board.instance(id);
        let node = self.board.session.plan.node(instance.node);
        self.queued.push_back(Job {
            id,
            address: self.name(id),
            kind: self.board.session.kind(instance.node),
            outputs: node
                .signature
                .outputs
                .iter()
                .map(|port| port.name.to_string())
                .collect(),
            key,
            prepared,
            forced: instance.forced,
        });
    }

    fn start_what_fits(&mut self, crew: &Crew<'a>) {
        if !self.may_start() {
            return;
        }
        let plan = self.board.session.plan;
        let mut left = std::collections::VecDeque::new();
        while let Some(job) = self.queued.pop_front() {
            let node = self.board.instance(job.id).node;
            if self.running >= self.board.session.jobs
                || !self.free.take(&plan.node(node).resources)
            {
                left.push_back(job);
                if self.running >= self.board.session.jobs {
                    break;
                }
                continue;
            }
            self.running += 1;
            let why = self.why.get(&job.id).cloned().unwrap_or(Why::New);
            let (instance, key) = (job.address.clone(), job.key.to_string());
            self.tell(Event::Started { instance, key, why });
            crew.start(job);
        }
        left.append(&mut self.queued);
        self.queued = left;
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Progress {
                id,
                done,
                total,
                note,
            } => {
                let instance = self.name(id);
                self.tell(Event::Progress {
                    instance,
                    done,
                    total,
                    note,
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
            Message::Done { id, verdict } => {
                self.running -= 1;
                let plan = self.board.session.plan;
                let resources = &plan.node(self.board.instance(id).node).resources;
                self.free.give(resources, plan.pools());
                self.conclude(id, verdict);
            }
        }
    }

    fn conclude(&mut self, id: InstanceId, verdict: Verdict) {
        let instance = self.name(id);
        match verdict {
            Verdict::Ran { outputs, seconds } => {
                let key = self.key_of(id);
                self.tell(Event::Ran {
                    instance,
                    key: key.to_string(),
                    seconds,
                });
                self.done(
                    id,
                    Outcome::Done {
                        key,
                        outputs,
                        seconds,
                        ran: true,
                    },
                );
            }
            Verdict::Found { outputs, seconds } => {
                let key = self.key_of(id);
                self.tell(Event::Cached {
                    instance,
                    key: key.to_string(),
                });
                self.done(
                    id,
                    Outcome::Done {
                        key,
                        outputs,
                        seconds,
                        ran: false,
                    },
                );
            }
            Verdict::Failed(error) => {
                self.failed(instance, &error);
                self.board.settle(id, Outcome::Failed);
            }
            Verdict::Panicked(error) => {
                self.summary.bug = true;
                self.failed(instance, &error);
                self.board.settle(id, Outcome::Failed);
            }
            Verdict::Damaged(digest) => self.rewind(id, digest),
            Verdict::Broken(error) => {
                self.broken.get_or_insert(error.into());
                self.board.settle(id, Outcome::Failed);
            }
        }
    }

    /// The key of an instance that ran: its inputs are settled, so its recipe is what it was.
    fn key_of(&self, id: InstanceId) -> Key {
        prepare(&self.board, id)
            .map(|prepared| prepared.recipe.key())
            .unwrap_or(Key(flow_contract::Digest::of(self.name(id).as_bytes())))
    }

    fn rewind(&mut self, reader: InstanceId, digest: flow_contract::Digest) {
        let Some(producer) = self.board.producer_of(reader, digest) else {
            let instance = self.name(reader);
            let error = NodeError::new(format!("input {} is damaged", digest.short()));
            self.failed(instance, &error);
            return self.board.settle(reader, Outcome::Failed);
        };
        let instance = self.name(producer);
        self.tell(Event::Damaged {
            instance,
            digest: digest.to_string(),
        });
        self.board.rewind(producer, Some(reader));
    }

    fn done(&mut self, id: InstanceId, outcome: Outcome) {
        self.board.settle(id, outcome);
        let listener = &mut *self.listener;
        if let Err(error) = publish(&self.board, id, &mut |event| listener.hear(&event)) {
            let instance = self.name(id);
            self.failed(instance, &error);
        }
    }

    fn finish(mut self) -> Result<Summary, EngineError> {
        self.tally();
        let Summary {
            ran,
            cached,
            failed,
            skipped,
            ..
        } = self.summary;
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.board.session.store.sync()?;
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
        for (id, instance) in self.board.all() {
            let address = self.board.address(id);
            match &instance.state {
                State::Settled(Outcome::Done {
                    key,
                    outputs,
                    seconds,
                    ran,
                }) => {
                    *(if *ran {
                        &mut self.summary.ran
                    } else {
                        &mut self.summary.cached
                    }) += 1;
                    let (outputs, why) = (outputs.clone(), self.why.remove(&id).filter(|_| *ran));
                    let (key, seconds, ran) = (*key, *seconds, *ran);
                    self.summary.finished.push(Finished {
                        address,
                        key,
                        outputs,
                        seconds,
                        ran,
                        why,
                    });
                }
                State::Settled(Outcome::Blocked { by }) => skips.push((address, self.name(*by))),
                State::Settled(_) => {}
                _ => {
                    let because = self
                        .failure
                        .clone()
                        .unwrap_or_else(|| "the run was stopped".into());
                    skips.push((address, because));
                }
            }
        }
        // Nodes that never expanded because the run ended early.
        for node in std::mem::take(&mut self.pending) {
            let node = self.board.session.plan.node(node).name.clone();
            let because = self
                .failure
                .clone()
                .unwrap_or_else(|| "the run was stopped".into());
            skips.push((
                Address {
                    node,
                    labels: Default::default(),
                },
                because,
            ));
        }
        self.summary.skipped += skips.len();
        for (address, because) in skips {
            self.tell(Event::Skipped {
                instance: address.to_string(),
                because,
            });
        }
    }
}

/// The stored result of a recipe, or why there is none.
pub(crate) fn standing(
    board: &Board<'_>,
    id: InstanceId,
    prepared: &Prepared,
    key: Key,
) -> Result<(Outputs, f64), Why> {
    let store = board.session.store;
    if let Some(entry) = store.lookup(&key) {
        return match entry
            .outputs
            .iter()
            .find(|(_, digest, _)| !store.contains(digest))
        {
            Some((output, ..)) => Err(Why::Gone {
                output: output.clone(),
            }),
            None => Ok((entry.outputs.clone().into(), entry.seconds)),
        };
    }
    let last = store.last_of(&board.address(id).to_string());
    let difference = last.and_then(|entry| first_difference(&entry.recipe, &prepared.recipe));
    Err(difference.map_or(Why::New, |difference| named(difference, prepared)))
}

/// Puts the names of inputs beside their ports, so that a reader knows which file or node moved.
fn named(mut difference: flow_contract::Difference, prepared: &Prepared) -> Why {
    let ports: BTreeMap<&str, &str> = prepared
        .inputs
        .iter()
        .filter_map(|(port, artifacts)| match artifacts.as_slice() {
            [only] => Some((port.as_str(), only.name.as_str())),
            _ => None,
        })
        .collect();
    if let Some(name) = difference
        .part
        .strip_prefix("inputs.")
        .and_then(|port| ports.get(port))
    {
        difference.part = format!("{} ({name})", difference.part);
    }
    Why::Changed(difference)
}
