//! Every instance of a plan and its state.
//!
//! ```text
//! node:      Wanted ──axes known, upstream expanded──► Expanded | Blocked(by)
//! instance:  Waiting(n) ──n inputs settled──► Ready ──► Running ──► Settled
//!                ▲                              │ hit               Done | Failed | Blocked(by) | Stale
//!                └──────────── rewind ◄─────────┴── a stored output turned out damaged
//! ```
//! All changes of an instance's state pass through [`Board::set`].

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use flow_contract::{Digest, Key};
use flow_plan::{NodeId, Point};

use crate::address::Address;
use crate::command::named::Seen;
use crate::event::Why;
use crate::given::{Given, Outputs};
use crate::session::Session;
use crate::snapshot::Basis;

/// An instance's place on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct InstanceId(u32);

impl InstanceId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an instance stands.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// So many inputs are not settled yet.
    Waiting(u32),
    /// Its recipe can be built.
    Ready,
    /// It was handed to the executor, or waits for its turn there.
    Running,
    /// Nothing more will happen to it.
    Settled(Outcome),
}

/// How an instance ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Its outputs are in the store.
    Done { key: Key, given: Given },
    /// It failed.
    Failed,
    /// Something before it did not get done.
    Blocked { by: InstanceId },
    /// In a survey: it would run.
    Stale(Why),
}

/// A source of a port, with what it resolved to.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// An output of these instances.
    Instances {
        output: String,
        /// Whether the output is any number of files, of which all are taken.
        many: bool,
        of: Vec<InstanceId>,
        shared: Arc<[String]>,
    },
    /// A file, by path as written in the study.
    File(String),
    /// Files matched by a pattern, by path.
    Files(String),
}

/// One instance of a node.
pub(crate) struct Instance {
    pub(crate) node: NodeId,
    pub(crate) point: Point,
    pub(crate) state: State,
    /// Its inputs: port by port, source by source.
    pub(crate) inputs: Vec<(String, Vec<Bound>)>,
    /// How often it was made to run again, because its stored bytes were damaged or gone.
    pub(crate) rewinds: u32,
    dependents: Vec<InstanceId>,
}

/// How far a node's expansion is.
#[derive(Clone, Debug)]
pub(crate) enum Expansion {
    /// Nobody asked for it.
    Unwanted,
    /// Its instances are not known yet.
    Wanted,
    /// Its instances.
    Expanded { first: u32, count: u32 },
    /// Its instances will never be known.
    Blocked { by: InstanceId },
    /// Its axes make no sense.
    Failed,
}

/// Every instance of a plan and its state.
pub(crate) struct Board<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) expansions: Vec<Expansion>,
    instances: Vec<Instance>,
    ready: VecDeque<InstanceId>,
    /// Who publishes which path below the reports folder.
    published: HashMap<PathBuf, Address>,
    pub(crate) looked: Looked,
}

/// What was looked up among the user's files; notes are taken while the board is only read.
#[derive(Default)]
pub(crate) struct Looked {
    /// What was read and published so far.
    pub(crate) basis: RefCell<Basis>,
    /// What the words of commands were found to name.
    pub(crate) seen: RefCell<Seen>,
    /// Source files that were looked at since the run last waited for a node.
    pub(crate) fresh: RefCell<HashMap<String, Digest>>,
    /// What instances that are not done are supposed to give: only while looking ahead.
    pub(crate) supposed: HashMap<InstanceId, Outputs>,
}

impl<'a> Board<'a> {
    pub(crate) fn new(session: &'a Session<'a>, wanted: &[bool]) -> Self {
        let expansion = |&wanted: &bool| {
            if wanted {
                Expansion::Wanted
            } else {
                Expansion::Unwanted
            }
        };
        Self {
            session,
            expansions: wanted.iter().map(expansion).collect(),
            instances: Vec::with_capacity(wanted.len()),
            ready: VecDeque::new(),
            published: HashMap::new(),
            looked: Looked::default(),
        }
    }

    pub(crate) fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.index()]
    }

    pub(crate) fn len(&self) -> usize {
        self.instances.len()
    }

    /// Notes who publishes a path; who else does already, if anybody.
    pub(crate) fn claim_path(&mut self, path: PathBuf, by: Address) -> Option<Address> {
        match self.published.entry(path) {
            Entry::Occupied(taken) => Some(taken.get().clone()),
            Entry::Vacant(free) => {
                free.insert(by);
                None
            }
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        (0..).map(InstanceId).zip(&self.instances)
    }

    pub(crate) fn address(&self, id: InstanceId) -> Address {
        let instance = self.instance(id);
        let node = self.session.plan.node(instance.node).name.clone();
        Address {
            node,
            labels: instance.point.labels.clone(),
        }
    }

    /// The instances of an expanded node.
    pub(crate) fn instances_of(&self, node: NodeId) -> impl Iterator<Item = InstanceId> + use<> {
        let range = match self.expansions[node.index()] {
            Expansion::Expanded { first, count } => first..first + count,
            _ => 0..0,
        };
        range.map(InstanceId)
    }

    /// The outputs of an instance that is done, or is supposed to be.
    pub(crate) fn outputs(&self, id: InstanceId) -> Option<&Outputs> {
        match &self.instance(id).state {
            State::Settled(Outcome::Done { given, .. }) => Some(&given.outputs),
            _ => self.looked.supposed.get(&id),
        }
    }

    /// The instances that take from one, as often as they do.
    pub(crate) fn dependents(&self, id: InstanceId) -> &[InstanceId] {
        &self.instance(id).dependents
    }

    /// The digest on an output port of such an instance.
    pub(crate) fn digest(&self, id: InstanceId, output: &str) -> Option<Digest> {
        let outputs = self.outputs(id)?;
        outputs
            .iter()
            .find(|(name, ..)| name == output)
            .map(|(_, digest, _)| *digest)
    }

    /// The files that an instance put on an output of many, by their paths there.
    pub(crate) fn made(&self, id: InstanceId, output: &str) -> Vec<(String, Digest)> {
        let outputs = self.outputs(id).into_iter().flat_map(|all| all.iter());
        let below = |name: &str| Some(name.strip_prefix(output)?.strip_prefix('/')?.to_owned());
        let made = outputs.filter_map(|(name, digest, _)| Some((below(name)?, *digest)));
        made.collect()
    }

    /// How many instances may be ready.
    pub(crate) fn count_ready(&self) -> usize {
        self.ready.len()
    }

    pub(crate) fn next_ready(&mut self) -> Option<InstanceId> {
        while let Some(id) = self.ready.pop_front() {
            // A rewind may have made it wait again since.
            if matches!(self.instance(id).state, State::Ready) {
                return Some(id);
            }
        }
        None
    }

    /// Adds an instance whose inputs are instances already on the board.
    pub(crate) fn add(
        &mut self,
        node: NodeId,
        point: Point,
        inputs: Vec<(String, Vec<Bound>)>,
    ) -> InstanceId {
        let id = InstanceId(u32::try_from(self.instances.len()).expect("fewer than 2³² instances"));
        let state = State::Waiting(0);
        let dependents = Vec::new();
        self.instances.push(Instance {
            node,
            point,
            state,
            inputs,
            rewinds: 0,
            dependents,
        });
        let needs = self.instances[id.index()].needs();
        for need in &needs {
            self.instances[need.index()].dependents.push(id);
        }
        let state = self.state_after(&needs);
        self.set(id, state);
        id
    }

    /// The state of an instance that takes from these.
    fn state_after(&self, needs: &[InstanceId]) -> State {
        let mut waiting = 0;
        for &by in needs {
            match &self.instance(by).state {
                State::Settled(Outcome::Done { .. }) => {}
                State::Settled(Outcome::Blocked { by }) => {
                    return State::Settled(Outcome::Blocked { by: *by });
                }
                State::Settled(_) => return State::Settled(Outcome::Blocked { by }),
                _ => waiting += 1,
            }
        }
        match waiting {
            0 => State::Ready,
            waiting => State::Waiting(waiting),
        }
    }

    /// The one place where an instance's state changes.
    pub(crate) fn set(&mut self, id: InstanceId, state: State) {
        if matches!(state, State::Ready) {
            self.ready.push_back(id);
        }
        self.instances[id.index()].state = state;
    }

    /// Settles an instance and all that follows from it for those that wait.
    pub(crate) fn settle(&mut self, id: InstanceId, outcome: Outcome) {
        let done = matches!(outcome, Outcome::Done { .. });
        self.set(id, State::Settled(outcome));
        if done {
            self.free_dependents(id)
        } else {
            self.block_dependents(id)
        }
    }

    fn free_dependents(&mut self, id: InstanceId) {
        for dependent in self.instances[id.index()].dependents.clone() {
            match self.instance(dependent).state {
                State::Waiting(1) => self.set(dependent, State::Ready),
                State::Waiting(n) => self.set(dependent, State::Waiting(n - 1)),
                _ => {}
            }
        }
    }

    fn block_dependents(&mut self, id: InstanceId) {
        let mut blocked = vec![id];
        while let Some(by) = blocked.pop() {
            for dependent in self.instances[by.index()].dependents.clone() {
                if matches!(
                    self.instance(dependent).state,
                    State::Waiting(_) | State::Ready
                ) {
                    self.set(dependent, State::Settled(Outcome::Blocked { by: id }));
                    blocked.push(dependent);
                }
            }
        }
    }

    /// Makes a done instance run again because a stored output of it is damaged or gone.
    ///
    /// Those that have not started wait for it again.
    pub(crate) fn rewind(&mut self, producer: InstanceId) {
        for dependent in self.instances[producer.index()].dependents.clone() {
            match self.instance(dependent).state {
                State::Waiting(n) => self.set(dependent, State::Waiting(n + 1)),
                State::Ready => self.set(dependent, State::Waiting(1)),
                _ => {}
            }
        }
        self.again(producer);
    }

    /// Makes an instance that nobody has taken from yet run again.
    pub(crate) fn again(&mut self, id: InstanceId) {
        self.instances[id.index()].rewinds += 1;
        self.set(id, State::Ready);
    }

    /// Makes an instance that had started wait for its inputs again.
    pub(crate) fn wait_again(&mut self, id: InstanceId) {
        let needs = self.instances[id.index()].needs();
        let state = self.state_after(&needs);
        self.set(id, state);
    }

    /// The done instances of which `reader` has an input with this digest.
    pub(crate) fn producers_of(&self, reader: InstanceId, digest: Digest) -> Vec<InstanceId> {
        let sources = self.instance(reader).inputs.iter();
        let mut producers: Vec<InstanceId> = sources
            .flat_map(|(_, sources)| sources)
            .flat_map(|source| source.producers(self, digest))
            .collect();
        producers.sort_unstable();
        producers.dedup();
        producers
    }

    /// An instance `reader` takes from that was made to run again.
    pub(crate) fn rewound_need(&self, reader: InstanceId) -> Option<InstanceId> {
        let needs = self.instance(reader).needs();
        needs.into_iter().find(|id| self.instance(*id).rewinds > 0)
    }
}

impl Instance {
    /// The instances it takes from, as often as it does.
    pub(crate) fn needs(&self) -> Vec<InstanceId> {
        let sources = self.inputs.iter().flat_map(|(_, sources)| sources);
        sources.flat_map(|source| source.of()).copied().collect()
    }
}

impl Bound {
    fn of(&self) -> &[InstanceId] {
        match self {
            Self::Instances { of, .. } => of,
            Self::File(_) | Self::Files(_) => &[],
        }
    }

    fn producers(&self, board: &Board<'_>, digest: Digest) -> Vec<InstanceId> {
        let Self::Instances {
            output, many, of, ..
        } = self
        else {
            return Vec::new();
        };
        let made = |id: &&InstanceId| match many {
            true => board.made(**id, output).iter().any(|made| made.1 == digest),
            false => board.digest(**id, output) == Some(digest),
        };
        of.iter().filter(made).copied().collect()
    }
}
