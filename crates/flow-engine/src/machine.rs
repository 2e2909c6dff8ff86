//! What the machine has: memory and GPUs.

use std::fs;

use flow_contract::Gpu;

/// The memory in bytes that this process may use: the machine's, or its control group's if less.
pub(crate) fn memory_bytes() -> Option<u64> {
    let total = fs::read_to_string("/proc/meminfo").ok()?;
    let total = total
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max");
    let limit = limit.ok().and_then(|limit| limit.trim().parse().ok());
    Some((kib << 10).min(limit.unwrap_or(u64::MAX)))
}

/// The GPUs that this process may use: those a scheduler gave it, else all there are.
pub(crate) fn gpus() -> Vec<Gpu> {
    let ids = gpu_ids().into_iter().enumerate();
    ids.map(|(place, id)| Gpu { place, id }).collect()
}

fn gpu_ids() -> Vec<String> {
    // A scheduler hands GPUs out by this variable, so the machine can't be asked without it.
    if let Ok(given) = std::env::var("CUDA_VISIBLE_DEVICES") {
        let ids = given.split(',').map(str::trim).filter(|id| !id.is_empty());
        return ids.map(str::to_owned).collect();
    }
    let devices = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = devices
        .filter_map(|device| {
            device
                .file_name()
                .to_str()?
                .strip_prefix("nvidia")?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable();
    (0..numbers.len()).map(|index| index.to_string()).collect()
}
