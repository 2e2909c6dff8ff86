//! `flow fsck`, `flow gc` and `flow du`: the cache's health and size.

use std::collections::HashSet;

use flow_contract::{Digest, Key};
use flow_store::{Fsck as Found, Keep, RunFile, Store};
use serde_json::{Value as Json, json};

use crate::args::{Du, Fsck, Gc, Place};
use crate::ask::surveyed;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, size};

/// Verifies every stored object; what is damaged is set aside, and the next run computes it again.
pub fn fsck(place: &Place, fsck: &Fsck) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let mut found = store.fsck()?;
    found
        .missing
        .retain(|output| is_kept(&study, &output.instance));
    let mended = found.damaged_records + found.damaged_places > 0 && store.mend().is_ok();
    match fsck.json {
        true => answer_json(&as_json(&found, mended)),
        false => in_words(&found, mended),
    }
    Ok(match found.is_clean() {
        true => Outcome::Done,
        false => Outcome::Damaged,
    })
}

fn as_json(found: &Found, mended: bool) -> Json {
    json!({
        "blobs": found.good_blobs,
        "bytes": found.good_bytes,
        "records": found.good_records,
        "damaged_records": found.damaged_records,
        "damaged": found.damaged.iter().map(|one| one.digest.to_string()).collect::<Vec<_>>(),
        "damaged_places": found.damaged_places,
        "misplaced": found.misplaced,
        "mended": mended,
        "missing": found.missing.iter().map(|one| format!("{}.{}", one.instance, one.port)).collect::<Vec<_>>(),
    })
}

fn in_words(found: &Found, mended: bool) {
    for blob in &found.damaged {
        let place = blob.moved_to.as_ref().map_or_else(
            || "it could not be set aside".to_owned(),
            |path| format!("set aside as {}", path.display()),
        );
        answer(&format!("damaged  {}: {place}", blob.digest));
    }
    for path in &found.misplaced {
        answer(&format!(
            "damaged  something else stood in the place of a file: moved to {}",
            path.display()
        ));
    }
    for error in &found.unreadable {
        answer(&format!("unreadable  {error}"));
    }
    for output in &found.missing {
        answer(&format!(
            "missing  {}.{}: computed again when needed",
            output.instance, output.port
        ));
    }
    if found.damaged_records + found.damaged_places > 0 {
        answer(&damaged_bytes(found, mended));
    }
    answer(&format!(
        "{} objects ({}) and {} records are good; {} objects and {} records are damaged, {} are missing",
        found.good_blobs,
        size(found.good_bytes),
        found.good_records,
        found.damaged.len(),
        found.damaged_records,
        found.missing.len()
    ));
    if !found.is_clean() {
        answer("`flow run` computes again what was lost");
    }
}

/// What is wrong in packs, ledger and stat memo, and what became of it.
fn damaged_bytes(found: &Found, mended: bool) -> String {
    let what = format!(
        "damaged  {} and {} in packs, ledger and stat memo that nothing can be told from",
        counted(found.damaged_records, "record"),
        counted(found.damaged_places, "place")
    );
    match mended {
        true => format!("{what}: taken out"),
        false => format!("{what}: `flow gc` takes them out once no other run uses the cache"),
    }
}

fn counted(number: u64, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// Removes what neither the study as it stands nor the last runs use.
pub fn gc(place: &Place, gc: &Gc) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store()?;
    let mut runs = store.runs()?;
    let newest = runs.split_off(runs.len().saturating_sub(gc.keep_runs));
    let keep = Keep {
        keys: roots(&study, &store, &newest)?,
        max_bytes: gc.max_size,
        transient: transient(&study, &store)?,
        ..Keep::default()
    };
    let swept = if gc.dry_run {
        store.gc_dry_run(&keep)?
    } else {
        store.gc(&keep)?
    };
    if gc.json {
        answer_json(
            &json!({"dry_run": gc.dry_run, "records": swept.removed_records, "blobs": swept.removed_blobs, "bytes": swept.removed_bytes}),
        );
        return Ok(Outcome::Done);
    }
    let verb = if gc.dry_run {
        "would remove"
    } else {
        "removed"
    };
    answer(&format!(
        "{verb} {} records and {} objects, {}",
        swept.removed_records,
        swept.removed_blobs,
        size(swept.removed_bytes)
    ));
    Ok(Outcome::Done)
}

/// What is never removed: what the last runs used, and what the study has without them, because the last
/// run may have been of one node or of other params.
fn roots(study: &Study, store: &Store, runs: &[RunFile]) -> Result<HashSet<Key>, Refusal> {
    let mut keys = keys_of(runs);
    let all = surveyed(study, store, &[])?;
    keys.extend(all.iter().filter_map(|one| Some(one.recipe.as_ref()?.0)));
    Ok(keys)
}

/// Whether the outputs of an instance stay; those of nodes the study no longer has do.
fn is_kept(study: &Study, instance: &str) -> bool {
    let name = node_of(instance);
    let mut nodes = study.plan.nodes().iter();
    nodes
        .find(|node| node.name == name)
        .is_none_or(|node| node.keep)
}

fn node_of(instance: &str) -> &str {
    instance.split(['[', ':']).next().unwrap_or_default()
}

/// Outputs that only nodes with `keep = false` gave.
fn transient(study: &Study, store: &Store) -> Result<HashSet<Digest>, Refusal> {
    let (mut kept, mut transient) = (HashSet::new(), HashSet::new());
    store.each_entry(|entry| {
        let digests = entry.outputs.iter().map(|(_, digest, _)| *digest);
        match is_kept(study, &entry.instance) {
            true => kept.extend(digests),
            false => transient.extend(digests),
        }
    })?;
    Ok(transient.difference(&kept).copied().collect())
}

/// The keys that runs used, from their journals.
fn keys_of(runs: &[RunFile]) -> HashSet<Key> {
    let mut keys = HashSet::new();
    for run in runs {
        // A journal that can't be read keeps nothing alive; its results would only be computed again.
        let text = run.text();
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Json>(line).ok());
        let key = |event: Json| event["key"].as_str()?.parse::<Digest>().ok().map(Key);
        keys.extend(events.filter_map(key));
    }
    keys
}

/// Says what each node's results take.
pub fn du(place: &Place, du: &Du) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store: Store = study.store_to_ask()?;
    let usages = store.usage(|entry| node_of(&entry.instance).to_owned())?;
    let mut usages: Vec<_> = usages.into_iter().collect();
    usages.sort_by_key(|(name, usage)| (std::cmp::Reverse(usage.bytes), name.clone()));
    if du.json {
        let rows = usages.iter().map(
            |(node, usage)| json!({"node": node, "records": usage.records, "bytes": usage.bytes}),
        );
        answer_json(&rows.collect::<Vec<_>>());
        return Ok(Outcome::Done);
    }
    for (node, usage) in &usages {
        let (bytes, results) = (size(usage.bytes), usage.records);
        answer(&format!("{bytes:>8}  {results:>6} × {node}"));
    }
    let all = store.size()?;
    let bytes = size(all.bytes());
    answer(&format!(
        "{bytes:>8}  {:>6} results, on disk in all",
        all.records
    ));
    Ok(Outcome::Done)
}
