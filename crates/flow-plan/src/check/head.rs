//! `[study]`.

use std::path::{Path, PathBuf};

use flow_contract::Value;

use crate::complaints::Complaints;
use crate::item::{Item, Table};
use crate::mistake::EffectMistake;
use crate::plan::Head;
use crate::refer::{Names, ParamValues};

use super::tables::HEAD_KEYS;

/// Reads `[study]`; the seed is that of a param `seed` where the table doesn't say, else 0.
pub(super) fn read(
    table: Option<&Table<'_>>,
    params: &ParamValues,
    complaints: &mut Complaints,
) -> Head {
    let mut head = Head {
        name: "study".to_owned(),
        description: None,
        notice: None,
        seed: default_seed(params),
        cache: PathBuf::from("cache"),
        reports: PathBuf::from("reports"),
    };
    let names = Names {
        params,
        axes: &[],
        vary: false,
    };
    let entries = table.map_or(&[][..], |table| &table.entries);
    for entry in entries {
        let item = &entry.item;
        let key = entry.key.as_ref();
        match key {
            "seed" => head.seed = seed(item, names, complaints).unwrap_or(head.seed),
            "name" => head.name = text(item, key, names, complaints).unwrap_or(head.name),
            "description" => head.description = text(item, key, names, complaints),
            "notice" => head.notice = text(item, key, names, complaints),
            "cache" => head.cache = folder(item, key, names, complaints).unwrap_or(head.cache),
            "reports" => {
                head.reports = folder(item, key, names, complaints).unwrap_or(head.reports)
            }
            _ => super::unknown_key(entry, "[study]", &HEAD_KEYS.map(|(key, _)| key), complaints),
        }
    }
    if same_place(&head.cache, &head.reports) {
        let item = table.and_then(|table| table.get("reports").or(table.get("cache")));
        let span = item.map(|item| item.span).unwrap_or_default();
        let path = head.cache.display().to_string();
        complaints.add(span, EffectMistake::SamePlace { path });
    }
    head
}

fn default_seed(params: &ParamValues) -> u64 {
    let seed = params.get("seed").and_then(Option::as_ref);
    let seed = seed.and_then(Value::as_int);
    seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or(0)
}

fn seed(item: &Item<'_>, names: Names<'_>, complaints: &mut Complaints) -> Option<u64> {
    let value = names.fixed(item, complaints)?;
    let seed = value.as_int().and_then(|seed| u64::try_from(seed).ok());
    if seed.is_none() {
        super::wrong_value(item, "`seed`", "a whole number from 0", &value, complaints);
    }
    seed
}

/// A text in which params may stand.
pub(super) fn text(
    item: &Item<'_>,
    key: &str,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<String> {
    if item.text().is_none() {
        super::wrong_sort(item, &format!("`{key}`"), "text", complaints);
        return None;
    }
    match names.fixed(item, complaints)? {
        value @ (Value::List(_) | Value::Map(_)) => {
            super::wrong_value(
                item,
                &format!("`{key}`"),
                "a single text",
                &value,
                complaints,
            );
            None
        }
        value => Some(value.to_string()),
    }
}

fn folder(
    item: &Item<'_>,
    key: &str,
    names: Names<'_>,
    complaints: &mut Complaints,
) -> Option<PathBuf> {
    let path = text(item, key, names, complaints)?;
    if path.trim().is_empty() {
        let what = format!("`{key}`");
        super::wrong_value(
            item,
            &what,
            "the path of a folder",
            &path.into(),
            complaints,
        );
        return None;
    }
    Some(PathBuf::from(path))
}

fn same_place(a: &Path, b: &Path) -> bool {
    a.components().eq(b.components())
}
