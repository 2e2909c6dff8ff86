//! What would run, without running it: the board of a run, where a miss ends the walk.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use flow_contract::{Digest, Key, Recipe};
use flow_plan::NodeId;

use crate::address::Address;
use crate::board::{Board, InstanceId, Outcome, State};
use crate::event::Why;
use crate::execute::first_absent;
use crate::expand::{News, expand, wanted};
use crate::given::Outputs;
use crate::prepare::{Artifact, prepare};
use crate::session::{EngineError, Session};
use crate::standing::standing;

/// Where an instance stands before a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Its result is in the store.
    Current {
        /// Port, digest and size of each output.
        outputs: Outputs,
        /// How long it once ran.
        seconds: f64,
    },
    /// It would run.
    Stale(Why),
    /// It depends on one that would run, so nobody knows yet.
    DependsOn(String),
    /// It would fail.
    Failing(String),
}

/// An instance and where it stands.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// Its address; without labels where the instances of a node are not known yet.
    pub address: Address,
    /// Where it stands.
    pub standing: Standing,
    /// Its recipe and key, where its inputs are known.
    pub recipe: Option<(Key, Recipe)>,
    /// Its inputs, in the order of the recipe; empty where they are not known.
    pub inputs: Vec<Taken>,
    /// The instances it takes from, by their positions in the survey, sorted, each once; none where its
    /// node's instances are not known yet.
    pub needs: Option<Vec<usize>>,
}

/// An input of an instance, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `node[axis=value].output`, or the path of a file as the study names it.
    pub name: String,
    /// What it holds.
    pub digest: Digest,
    /// The instance that gave it, by its position in the survey; none for a file.
    pub by: Option<usize>,
}

/// Says for every wanted instance where it stands, in the order of the plan.
///
/// # Errors
/// [`EngineError`] when the store can't be read or a target names no instance.
pub fn survey(session: &Session<'_>) -> Result<Vec<Surveyed>, EngineError> {
    let wanted = wanted(session);
    let mut board = Board::new(session, &wanted.nodes);
    let order = session.plan.order().iter().copied();
    let mut pending: Vec<NodeId> = order.filter(|node| wanted.nodes[node.index()]).collect();
    let mut notes = Notes::default();
    loop {
        let before = pending.len();
        let news = expand(&mut board, &mut pending, &wanted.only);
        let settled = look_up_ready(&mut board, &mut notes);
        let moved = pending.len() != before || settled;
        notes.nodes(&board, news)?;
        if !moved {
            return Ok(notes.listing(&board, &pending));
        }
    }
}

#[derive(Default)]
struct Notes {
    recipes: HashMap<InstanceId, (Key, Recipe)>,
    failing: HashMap<InstanceId, String>,
    /// Current instances whose outputs are gone and wanted, with the first that is.
    wanted_again: HashMap<InstanceId, String>,
    inputs: HashMap<InstanceId, Vec<Taken>>,
    nodes: Vec<Surveyed>,
}

fn look_up_ready(board: &mut Board<'_>, notes: &mut Notes) -> bool {
    let mut any = false;
    while let Some(id) = board.next_ready() {
        any = true;
        let outcome = match prepare(board, id) {
            Err(error) => {
                notes.failing.insert(id, error.to_string());
                Outcome::Failed
            }
            Ok(prepared) => {
                let recipe = prepared.recipe();
                let key = recipe.key();
                let standing = standing(board, id, &prepared, key);
                if standing.is_err() {
                    notes.needs_inputs(board, id);
                }
                let outcome = match standing {
                    Ok(given) => Outcome::Done { key, given },
                    Err(why) => Outcome::Stale(why),
                };
                notes.recipes.insert(id, (key, recipe.to_recipe()));
                notes.inputs.insert(id, taken(prepared.inputs));
                outcome
            }
        };
        board.settle(id, outcome);
    }
    any
}

/// The positions of instances in the listing, which begins with all of them in the order of their ids.
fn places(needs: Vec<InstanceId>) -> Vec<usize> {
    let mut places: Vec<usize> = needs.into_iter().map(InstanceId::index).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn taken(inputs: Vec<(String, Vec<Artifact>)>) -> Vec<Taken> {
    let artifacts = inputs.into_iter().flat_map(|(_, artifacts)| artifacts);
    let taken = artifacts.map(|artifact| Taken {
        name: artifact.name,
        digest: artifact.digest,
        by: artifact.by.map(InstanceId::index),
    });
    taken.collect()
}

impl Notes {
    /// Notes which outputs that were not kept an instance needs to run, and all that those need.
    fn needs_inputs(&mut self, board: &Board<'_>, id: InstanceId) {
        let mut readers = vec![id];
        while let Some(reader) = readers.pop() {
            for need in board.instance(reader).needs() {
                let outputs = board.outputs(need).map_or(&[][..], |outputs| outputs);
                let absent = first_absent(board.session.store, outputs, false);
                if let (Some(output), Entry::Vacant(place)) =
                    (absent, self.wanted_again.entry(need))
                {
                    place.insert(output.to_owned());
                    readers.push(need);
                }
            }
        }
    }

    fn nodes(&mut self, board: &Board<'_>, news: Vec<News>) -> Result<(), EngineError> {
        for news in news {
            let (node, standing) = match news {
                News::Blocked { node, by } => {
                    (node, Standing::DependsOn(board.address(by).to_string()))
                }
                News::Failed { node, error } => (node, Standing::Failing(error.to_string())),
                News::Expanded { .. } | News::Damaged { .. } => continue,
                News::NoSuchInstance { target, some } => {
                    return Err(EngineError::NoSuchInstance { target, some });
                }
            };
            let node = board.session.plan.node(node).name.clone();
            let address = Address {
                node,
                labels: Default::default(),
            };
            self.nodes.push(Surveyed {
                address,
                standing,
                recipe: None,
                inputs: Vec::new(),
                needs: None,
            });
        }
        Ok(())
    }

    fn listing(mut self, board: &Board<'_>, pending: &[NodeId]) -> Vec<Surveyed> {
        let mut listing = Vec::new();
        for (id, instance) in board.all() {
            let standing = match &instance.state {
                State::Settled(Outcome::Done { .. }) if self.wanted_again.contains_key(&id) => {
                    let output = self.wanted_again.remove(&id).unwrap_or_default();
                    Standing::Stale(Why::Gone { output })
                }
                State::Settled(Outcome::Done { given, .. }) => Standing::Current {
                    outputs: given.outputs.clone(),
                    seconds: given.seconds,
                },
                State::Settled(Outcome::Stale(why)) => Standing::Stale(why.clone()),
                State::Settled(Outcome::Blocked { by }) => {
                    Standing::DependsOn(board.address(*by).to_string())
                }
                State::Settled(Outcome::Failed) => {
                    Standing::Failing(self.failing.remove(&id).unwrap_or_default())
                }
                State::Waiting(_) | State::Ready | State::Running => {
                    Standing::DependsOn("an earlier node".to_owned())
                }
            };
            let (address, recipe) = (board.address(id), self.recipes.remove(&id));
            listing.push(Surveyed {
                address,
                standing,
                recipe,
                inputs: self.inputs.remove(&id).unwrap_or_default(),
                needs: Some(places(instance.needs())),
            });
        }
        for node in pending {
            let node = board.session.plan.node(*node).name.clone();
            let standing = Standing::DependsOn("an earlier node".to_owned());
            let address = Address {
                node,
                labels: Default::default(),
            };
            listing.push(Surveyed {
                address,
                standing,
                recipe: None,
                inputs: Vec::new(),
                needs: None,
            });
        }
        listing.append(&mut self.nodes);
        listing
    }
}
