//! `flow show`.

use flow_contract::{Catalog, Form, Row};
use flow_engine::Standing;
use flow_nodes::CATALOG;
use serde_json::Value as Json;

use crate::args::{Place, Show};
use crate::ask::surveyed;
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, plain};

/// Prints an artifact.
pub fn show(place: &Place, show: &Show) -> Result<Outcome, Refusal> {
    let (instance, output) = show.artifact.rsplit_once('.').ok_or_else(|| {
        Refusal::wrong(format!(
            "`{}` names no output; write `node.output`",
            show.artifact
        ))
    })?;
    let study = Study::open(place)?;
    let target = study.plan.target(instance).map_err(Refusal::wrong)?;
    let node = study.plan.node(target.node);
    let Some(port) = node
        .signature
        .outputs
        .iter()
        .find(|port| port.name == output)
    else {
        let has: Vec<&str> = node
            .signature
            .outputs
            .iter()
            .map(|port| &*port.name)
            .collect();
        let words = format!(
            "`{}` has no output `{output}`; it has {}",
            node.name,
            has.join(", ")
        );
        return Err(Refusal::wrong(words));
    };
    let store = study.store()?;
    for one in surveyed(&study, &[instance.to_owned()])? {
        if one.address.node != node.name {
            continue;
        }
        let Standing::Current { outputs, .. } = &one.standing else {
            answer(&format!(
                "{} is not up to date; `flow run {}`",
                one.address, node.name
            ));
            continue;
        };
        let Some((_, digest, size)) = outputs.iter().find(|(name, ..)| name == output) else {
            continue;
        };
        answer(&format!(
            "{}.{output}: {}, {size} bytes, {}",
            one.address,
            port.ty,
            digest.short()
        ));
        if port.ty.form == Form::Table {
            let content = store.get(digest).map_err(Refusal::failed)?;
            let rows = CATALOG.rows(&content).map_err(Refusal::failed)?;
            print_rows(&rows, show);
        }
    }
    Ok(Outcome::Done)
}

fn print_rows(rows: &[Row], show: &Show) {
    for row in rows.iter().take(show.rows) {
        if show.json {
            answer_json(
                &row.iter()
                    .map(|(k, v)| (k.clone(), plain(v)))
                    .collect::<Json>(),
            );
        } else {
            let cells: Vec<String> = row
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            answer(&format!("  {}", cells.join("  ")));
        }
    }
    if rows.len() > show.rows && !show.json {
        answer(&format!("  … {} rows in all", rows.len()));
    }
}
