//! What may run at the same time: cores, memory, GPUs and pools.

use std::collections::{BTreeMap, VecDeque};

use flow_contract::Gpu;
use flow_plan::{Plan, Resources};

use crate::crew::{Job, Waiting};
use crate::machine;

/// What there is of everything that instances share.
#[derive(Clone, Debug)]
pub(crate) struct Amounts {
    pub(crate) cores: u32,
    /// Bytes; as much as anybody wants where nobody knows.
    pub(crate) memory: u64,
    pub(crate) gpus: Vec<Gpu>,
    pub(crate) pools: BTreeMap<String, u32>,
}

/// What is free now, of all there is.
pub(crate) struct Free {
    free: Amounts,
    all: Amounts,
    running: usize,
}

/// What an instance was given.
#[derive(Debug)]
pub(crate) struct Grant {
    cores: u32,
    memory: u64,
    pub(crate) gpus: Vec<Gpu>,
    pools: BTreeMap<String, u32>,
}

impl Amounts {
    /// What a run with so many jobs has; asks the machine only for what the plan names.
    pub(crate) fn of(plan: &Plan, jobs: usize) -> Self {
        let mut needs = plan.nodes().iter().map(|node| &node.resources);
        let gpus = needs.clone().any(|needs| needs.gpus > 0);
        let memory = needs.any(|needs| needs.memory_bytes.is_some());
        let known = memory.then(machine::memory_bytes).flatten();
        Self {
            cores: u32::try_from(jobs).unwrap_or(u32::MAX).max(1),
            memory: known.unwrap_or(u64::MAX),
            gpus: gpus.then(machine::gpus).unwrap_or_default(),
            pools: plan.pools().clone(),
        }
    }
}

impl Free {
    pub(crate) fn new(all: Amounts) -> Self {
        Self {
            free: all.clone(),
            all,
            running: 0,
        }
    }

    /// How many GPUs there are, free or not.
    pub(crate) fn all_gpus(&self) -> usize {
        self.all.gpus.len()
    }

    /// Takes what an instance needs, if it is free. One that asks for more cores or memory than
    /// there is runs alone.
    pub(crate) fn take(&mut self, needs: &Resources) -> Option<Grant> {
        let cores = needs.cores.clamp(1, self.all.cores);
        let memory = needs.memory_bytes.unwrap_or(0).min(self.all.memory);
        let gpus = needs.gpus as usize;
        let mut pools = needs.pools.iter();
        let free = &mut self.free;
        let fits = cores <= free.cores
            && memory <= free.memory
            && gpus <= free.gpus.len()
            && pools.all(|(pool, n)| free.pools.get(pool).is_some_and(|free| n <= free));
        let alone = self.running == 0 && gpus <= free.gpus.len();
        if !fits && !alone {
            return None;
        }
        free.cores -= cores;
        free.memory -= memory;
        for (pool, n) in &needs.pools {
            if let Some(free) = free.pools.get_mut(pool) {
                *free = free.saturating_sub(*n);
            }
        }
        self.running += 1;
        Some(Grant {
            cores,
            memory,
            gpus: free.gpus.drain(..gpus).collect(),
            pools: needs.pools.clone(),
        })
    }

    /// Gives back what [`Self::take`] took.
    pub(crate) fn give(&mut self, grant: Grant) {
        self.free.cores += grant.cores;
        self.free.memory += grant.memory;
        self.free.gpus.extend(grant.gpus);
        for (pool, n) in grant.pools {
            if let (Some(free), Some(all)) =
                (self.free.pools.get_mut(&pool), self.all.pools.get(&pool))
            {
                *free = (*free + n).min(*all);
            }
        }
        self.running -= 1;
    }
}

/// Jobs that wait for their turn, first come first served among those that fit.
#[derive(Default)]
pub(crate) struct Line<'a> {
    /// By what they need: where the first of a class doesn't fit, none does.
    classes: Vec<(&'a Resources, VecDeque<Waiting<'a>>)>,
    next: u64,
}

impl<'a> Line<'a> {
    pub(crate) fn push(&mut self, job: Job<'a>) {
        let number = self.next;
        self.next += 1;
        self.class(job.needs).push_back((number, job));
    }

    /// Puts jobs back in their old places, ahead of all others of their class.
    pub(crate) fn put_back(&mut self, jobs: VecDeque<Waiting<'a>>) {
        for waiting in jobs.into_iter().rev() {
            self.class(waiting.1.needs).push_front(waiting);
        }
    }

    fn class(&mut self, needs: &'a Resources) -> &mut VecDeque<Waiting<'a>> {
        let known = self.classes.iter().position(|(class, _)| *class == needs);
        let at = known.unwrap_or_else(|| {
            self.classes.push((needs, VecDeque::new()));
            self.classes.len() - 1
        });
        &mut self.classes[at].1
    }

    /// The classes that have jobs, by who came first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<(u64, usize)> = (0..)
            .zip(&self.classes)
            .filter_map(|(class, (_, jobs))| Some((jobs.front()?.0, class)))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, class)| class).collect()
    }

    /// The first job for which there is room, with what it may use.
    pub(crate) fn pop(&mut self, free: &mut Free) -> Option<(Job<'a>, Grant)> {
        for class in self.order() {
            let (needs, jobs) = &mut self.classes[class];
            if let Some(grant) = free.take(needs) {
                return jobs.pop_front().map(|(_, job)| (job, grant));
            }
        }
        None
    }

    /// The first job of all, if it may follow one of those that run; these need `running`.
    pub(crate) fn pop_follower(&mut self, running: &[&Resources]) -> Option<Waiting<'a>> {
        let class = *self.order().first()?;
        let (needs, jobs) = &mut self.classes[class];
        let follows = running.contains(needs);
        follows.then(|| jobs.pop_front()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(place: usize, id: &str) -> Gpu {
        let id = id.to_owned();
        Gpu { place, id }
    }

    fn free() -> Free {
        Free::new(Amounts {
            cores: 4,
            memory: 100,
            gpus: vec![gpu(0, "3"), gpu(1, "GPU-b")],
            pools: [("disk".to_owned(), 1)].into(),
        })
    }

    fn needs(cores: u32, memory: u64, gpus: u32, disk: u32) -> Resources {
        Resources {
            cores,
            memory_bytes: Some(memory),
            gpus,
            pools: [("disk".to_owned(), disk)].into(),
        }
    }

    #[test]
    fn memory_cores_and_pools_are_summed() {
        let mut free = free();
        let first = free.take(&needs(1, 60, 0, 1)).unwrap();
        assert!(free.take(&needs(1, 60, 0, 0)).is_none());
        assert!(free.take(&needs(1, 40, 0, 1)).is_none());
        assert!(free.take(&needs(4, 0, 0, 0)).is_none());
        assert!(free.take(&needs(3, 40, 0, 0)).is_some());
        free.give(first);
        assert!(free.take(&needs(1, 60, 0, 1)).is_some());
    }

    #[test]
    fn two_never_have_one_gpu() {
        let mut free = free();
        let first = free.take(&needs(1, 0, 1, 0)).unwrap();
        let second = free.take(&needs(1, 0, 1, 0)).unwrap();
        assert_ne!(first.gpus, second.gpus);
        assert!(free.take(&needs(1, 0, 1, 0)).is_none());
        free.give(first);
        assert_eq!(free.take(&needs(1, 0, 1, 0)).unwrap().gpus, [gpu(0, "3")]);
    }

    #[test]
    fn one_that_wants_more_than_there_is_runs_alone() {
        let mut free = free();
        let alone = free.take(&needs(9, 900, 0, 0)).unwrap();
        assert!(free.take(&needs(1, 0, 0, 0)).is_none());
        free.give(alone);
        assert!(free.take(&needs(4, 100, 2, 1)).is_some());
    }
}
