//! What a node may use, how it is tried, and where its outputs are published.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::amount::{MEMORY_UNITS, TIME_UNITS, measured};
use crate::complaints::Complaints;
use crate::item::{Data, Entry, Item, Table};
use crate::mistake::EffectMistake;
use crate::nearest::nearest;
use crate::refer::{Names, ParamValues};

use super::nodes::Draft;
use super::{Outline, Study, publish, wrong_sort, wrong_value};

/// Reads `[pools]`.
pub(super) fn read_pools(
    table: Option<&Table<'_>>,
    params: &ParamValues,
    complaints: &mut Complaints,
) -> BTreeMap<String, u32> {
    let names = Names {
        params,
        axes: &[],
        vary: false,
    };
    let entries = table.map_or(&[][..], |table| &table.entries);
    let read = entries.iter().filter_map(|entry| {
        let what = format!("the capacity of pool `{}`", entry.key);
        let capacity = whole(&entry.item, &what, 1, names, complaints)?;
        Some((entry.key.to_string(), capacity))
    });
    read.collect()
}

/// Reads one word of the language in a node; ports, params and axes are read elsewhere.
pub(super) fn read(
    study: &Study<'_>,
    outline: &Outline<'_>,
    entry: &Entry<'_>,
    draft: &mut Draft,
    complaints: &mut Complaints,
) {
    let item = &entry.item;
    let names = super::axes::fixed_names(study, &outline.axes);
    match entry.key.as_ref() {
        "cores" => set(
            &mut draft.resources.cores,
            whole(item, "`cores`", 1, names, complaints),
        ),
        "gpu" => set(
            &mut draft.resources.gpus,
            whole(item, "`gpu`", 0, names, complaints),
        ),
        "retries" => set(
            &mut draft.retries,
            whole(item, "`retries`", 0, names, complaints),
        ),
        "keep" => set(&mut draft.keep, boolean(item, "`keep`", names, complaints)),
        "memory" => draft.resources.memory_bytes = memory(item, names, complaints),
        "timeout" => draft.timeout = timeout(item, names, complaints),
        "pools" => draft.resources.pools = pools(study, item, names, complaints),
        "publish" => draft.publish = publish::read(study, outline, item, complaints),
        _ => {}
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn whole(
    item: &Item<'_>,
    what: &str,
    least: u32,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<u32> {
    let value = names.fixed(item, complaints)?;
    let number = value.as_int().and_then(|int| u32::try_from(int).ok());
    let number = number.filter(|number| *number >= least);
    if number.is_none() {
        wrong_value(
            item,
            what,
            &format!("a whole number from {least}"),
            &value,
            complaints,
        );
    }
    number
}

fn boolean(
    item: &Item<'_>,
    what: &str,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<bool> {
    let value = names.fixed(item, complaints)?;
    if value.as_bool().is_none() {
        wrong_value(item, what, "`true` or `false`", &value, complaints);
    }
    value.as_bool()
}

fn memory(item: &Item<'_>, names: Names<'_>, complaints: &mut Complaints) -> Option<u64> {
    let mistake = |text| EffectMistake::Amount {
        what: "an amount of memory",
        text,
        units: "`B`, `KiB`, `MiB`, `GiB`, `TiB`, `kB`, `MB`, `GB` and `TB`",
        example: "2 GiB",
    };
    let bytes = amount(item, names, &MEMORY_UNITS, mistake, complaints)?;
    Some(bytes.ceil() as u64)
}

fn timeout(item: &Item<'_>, names: Names<'_>, complaints: &mut Complaints) -> Option<Duration> {
    let mistake = |text| EffectMistake::Amount {
        what: "a span of time",
        text,
        units: "`ms`, `s`, `min`, `h` and `d`",
        example: "10 min",
    };
    let seconds = amount(item, names, &TIME_UNITS, mistake, complaints)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// An amount of at least a thousandth and at most 10^15 of the base unit.
fn amount(
    item: &Item<'_>,
    names: Names<'_>,
    units: &[(&str, f64)],
    mistake: impl Fn(String) -> EffectMistake,
    complaints: &mut Complaints,
) -> Option<f64> {
    if matches!(item.data, Data::Unsayable) {
        return None;
    }
    let value = names.fixed(item, complaints)?;
    let amount = value.as_text().and_then(|text| measured(text, units));
    if amount.is_none() {
        complaints.add(item.span, mistake(value.to_string()));
    }
    amount
}

fn pools(
    study: &Study<'_>,
    item: &Item<'_>,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> BTreeMap<String, u32> {
    let mut pools = BTreeMap::new();
    let Data::Table(table) = &item.data else {
        wrong_sort(item, "`pools`", "a table, as in { disk = 1 }", complaints);
        return pools;
    };
    for entry in &table.entries {
        let pool = entry.key.to_string();
        let what = format!("what is wanted of pool `{pool}`");
        let wants = whole(&entry.item, &what, 1, names, complaints);
        let (Some(wants), Some(capacity)) = (wants, study.pools.get(&pool)) else {
            if !study.pools.contains_key(&pool) {
                complaints.add(entry.key_span, unknown_pool(study, pool));
            }
            continue;
        };
        if wants > *capacity {
            let capacity = *capacity;
            let pool = pool.clone();
            let mistake = EffectMistake::PoolTooSmall {
                pool,
                wants,
                capacity,
            };
            complaints.add(entry.item.span, mistake);
        }
        pools.insert(pool, wants);
    }
    pools
}

fn unknown_pool(study: &Study<'_>, pool: String) -> EffectMistake {
    EffectMistake::UnknownPool {
        nearest: nearest(&pool, study.pools.keys().map(String::as_str)),
        pools: study.pools.keys().cloned().collect(),
        pool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        assert_eq!(measured("2 GiB", &MEMORY_UNITS), Some(2_147_483_648.0));
        assert_eq!(measured("1.5GB", &MEMORY_UNITS), Some(1.5e9));
        assert_eq!(measured("1 h 30 min", &TIME_UNITS), Some(5400.0));
        for text in ["", "2", "GiB", "2 gigs", "-1 s", "1..2 s", "0 s", "9e9 s"] {
            assert_eq!(measured(text, &TIME_UNITS), None, "{text}");
            assert_eq!(measured(text, &MEMORY_UNITS), None, "{text}");
        }
    }
}
