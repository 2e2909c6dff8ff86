//! What may run at the same time: cores, memory, GPUs and pools.

use std::collections::BTreeMap;

use flow_plan::Resources;

/// What is free now.
pub(crate) struct Free {
    cores: u32,
    all_cores: u32,
    gpus: u32,
    pools: BTreeMap<String, u32>,
    running: usize,
}

impl Free {
    pub(crate) fn new(jobs: usize, pools: &BTreeMap<String, u32>) -> Self {
        let cores = u32::try_from(jobs).unwrap_or(u32::MAX).max(1);
        Self {
            cores,
            all_cores: cores,
            gpus: 0,
            pools: pools.clone(),
            running: 0,
        }
    }

    /// Takes what an instance needs, if it is free. Alone, an instance always fits: one that asks
    /// for more than there is gets all there is.
    pub(crate) fn take(&mut self, needs: &Resources) -> bool {
        let cores = needs.cores.clamp(1, self.all_cores);
        let pools_fit = needs
            .pools
            .iter()
            .all(|(pool, n)| self.pools.get(pool).is_some_and(|free| n <= free));
        let fits = cores <= self.cores && needs.gpus <= self.gpus && pools_fit;
        if !fits && self.running > 0 {
            return false;
        }
        self.cores = self.cores.saturating_sub(cores);
        for (pool, n) in &needs.pools {
            if let Some(free) = self.pools.get_mut(pool) {
                *free = free.saturating_sub(*n);
            }
        }
        self.running += 1;
        true
    }

    /// Gives back what [`Self::take`] took.
    pub(crate) fn give(&mut self, needs: &Resources, pools: &BTreeMap<String, u32>) {
        self.cores = (self.cores + needs.cores.clamp(1, self.all_cores)).min(self.all_cores);
        for (pool, n) in &needs.pools {
            if let (Some(free), Some(all)) = (self.pools.get_mut(pool), pools.get(pool)) {
                *free = (*free + n).min(*all);
            }
        }
        self.running -= 1;
    }
}
