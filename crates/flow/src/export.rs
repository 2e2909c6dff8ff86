//! `flow export`.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};

use flow_contract::Form;
use flow_nodes::export::{To, export as convert};
use serde_json::json;

use crate::args::{Export, Place};
use crate::artifact::{Artifact, artifacts, as_parquet};
use crate::outcome::{Outcome, Refusal};
use crate::study::Study;
use crate::words::{answer, answer_json, note};

/// Writes artifacts as files of another form.
pub fn export(place: &Place, export: &Export) -> Result<Outcome, Refusal> {
    let study = Study::open(place)?;
    let store = study.store_to_ask()?;
    let to = form(&export.to);
    let all = exportable(
        artifacts(&study, &store, &export.artifact)?,
        &export.artifact,
    )?;
    let many = all.len() > 1;
    if many && export.out.as_deref() == Some(Path::new("-")) {
        let words = format!(
            "`{}` names {} artifacts, and `--out -` takes one",
            export.artifact,
            all.len()
        );
        return Err(Refusal::wrong(words));
    }
    let mut written = Vec::new();
    for artifact in &all {
        let (digest, _) = artifact
            .found
            .as_ref()
            .map_err(|why| Refusal::failed(format!("{}: {why}", artifact.name)))?;
        let content = store.get(digest).map_err(Refusal::failed)?;
        let failed = |error: &dyn Display| Refusal::failed(format!("{}: {error}", artifact.name));
        let content = as_parquet(content, artifact.is_csv).map_err(|error| failed(&error))?;
        let form = match artifact.is_csv {
            true => Form::Table,
            false => artifact.ty.form,
        };
        let made = convert(form, &content, &artifact.ty.axes, to);
        let made = made.map_err(|error| failed(&error))?;
        for what in &made.left_out {
            note(&format!("{}: left out {what}", artifact.name));
        }
        let path = path_of(artifact, export, many);
        put(&path, &made.bytes, export.force)?;
        written.push(json!({"artifact": artifact.name, "file": path, "bytes": made.bytes.len()}));
        if path != Path::new("-") && !export.json {
            answer(&path.display().to_string());
        }
    }
    if export.json {
        answer_json(&written);
    }
    Ok(Outcome::Done)
}

/// The tables and tensors among what was asked for.
fn exportable(all: Vec<Artifact>, asked: &str) -> Result<Vec<Artifact>, Refusal> {
    let fits = |artifact: &Artifact| {
        artifact.is_csv || matches!(artifact.ty.form, Form::Table | Form::Tensors)
    };
    let (some, rest): (Vec<Artifact>, Vec<Artifact>) = all.into_iter().partition(fits);
    if some.is_empty() {
        let what = rest.first().map_or_else(String::new, |one| {
            format!(
                "; `{}` ({}) is a file already: `publish` in its node copies it below reports/",
                one.name, one.ty
            )
        });
        return Err(Refusal::wrong(format!(
            "`{asked}` gives no table and no tensors{what}"
        )));
    }
    Ok(some)
}

fn form(to: &str) -> To {
    match to {
        "csv" => To::Csv,
        "parquet" => To::Parquet,
        "npz" => To::Npz,
        _ => To::Safetensors,
    }
}

/// `--out`, or a name after the artifact; several go into the folder `--out`.
fn path_of(artifact: &Artifact, export: &Export, many: bool) -> PathBuf {
    let labels = artifact.labels.to_string().replace(['/', '\\'], "_");
    let output = artifact.output.replace('/', "_");
    let parts = [&artifact.node, &output, &labels];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let name = format!("{}.{}", parts.join(" "), export.to);
    match &export.out {
        Some(folder) if many || folder.is_dir() => folder.join(name),
        Some(file) => file.clone(),
        None => PathBuf::from(name),
    }
}

/// Writes a file that was not there, or any with `force`; `-` is stdout.
fn put(path: &Path, bytes: &[u8], force: bool) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| {
        let mut words = format!("writing `{}`: {error}", path.display());
        if error.kind() == ErrorKind::AlreadyExists {
            words.push_str("\n  help: give another name by `--out`, or `--force`");
        }
        Refusal::failed(words)
    };
    if path == Path::new("-") {
        return stdout().write_all(bytes).map_err(failed);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut open = OpenOptions::new();
    open.write(true).truncate(true);
    let mut file = if force {
        open.create(true)
    } else {
        open.create_new(true)
    }
    .open(path)
    .map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}
