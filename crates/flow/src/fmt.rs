//! `flow fmt`.

use std::fs;

use flow_plan::{LayoutError, formatted};

use crate::args::{Fmt, Place};
use crate::outcome::{Outcome, Refusal};
use crate::study::read_text;
use crate::words::answer;

/// Lays the study file out, or says whether it is.
pub fn fmt(place: &Place, fmt: &Fmt) -> Result<Outcome, Refusal> {
    let (name, text) = read_text(place)?;
    let laid = formatted(&text, &name).map_err(|error| match error {
        LayoutError::NotToml(problems) => Refusal::wrong(problems.render()),
        bug @ LayoutError::Meaning => Refusal::failed(bug),
    })?;
    if laid == text {
        answer(&format!("`{name}` is laid out"));
        return Ok(Outcome::Done);
    }
    if fmt.check {
        let first = text.lines().zip(laid.lines()).position(|(a, b)| a != b);
        let line = first.unwrap_or_else(|| laid.lines().count().min(text.lines().count())) + 1;
        return Err(Refusal::wrong(format!(
            "`{name}` is not laid out, first in line {line}\n  help: run `flow fmt`"
        )));
    }
    // Written aside and renamed: a full disk must not cost the user the study.
    let path = place.folder.join(&place.study);
    let path = path.canonicalize().unwrap_or(path);
    let aside = path.with_extension("toml.flow-fmt");
    let refuse = |error| Refusal::failed(format!("writing `{}`: {error}", path.display()));
    let permissions = fs::metadata(&path).map_err(refuse)?.permissions();
    let replaced = fs::write(&aside, laid)
        .and_then(|()| fs::set_permissions(&aside, permissions))
        .and_then(|()| fs::rename(&aside, &path));
    replaced
        .inspect_err(|_| drop(fs::remove_file(&aside)))
        .map_err(refuse)?;
    answer(&format!("laid `{name}` out"));
    Ok(Outcome::Done)
}
