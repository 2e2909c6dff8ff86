//! The report: `report.html`, one file that opens from disk and asks nobody for anything, and
//! `run.json`, the same facts for programs.
//!
//! Both tell of the last run that computed something; a run that found everything in the cache
//! leaves them as they are.

mod facts;
mod figure;
mod files;
mod head;
mod html;
mod night;
mod night_signals;
mod nodes;
mod origins;
mod page;
mod quantity;
mod section;
mod table;
mod troubles;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flow_engine::Summary;
use flow_store::Store;

use crate::study::{Asked, Study};
use facts::Facts;
use files::Files;
use origins::Origins;
use section::Results;
pub use troubles::Troubles;

/// Writes both files below the reports folder; the report's path, or `None` when they are current.
///
/// # Errors
/// What was being done to which path.
pub fn write(
    study: &Study,
    store: &Store,
    asked: &Asked,
    summary: &Summary,
    troubles: &Troubles,
) -> Result<Option<PathBuf>, String> {
    let folder = study.root.join(study.plan.reports());
    let (html, run) = (folder.join("report.html"), folder.join("run.json"));
    if summary.ran == 0 && summary.failed == 0 && html.is_file() && run.is_file() {
        return Ok(None);
    }
    let facts = Facts::new(
        (study, asked),
        summary,
        troubles,
        &Origins::new(store, summary),
    );
    let results = Results {
        study,
        store,
        summary,
        files: Files::new(study, store, summary),
    };
    let write_run = || put(store, &run, |file| facts.write(file));
    let write_html = || {
        let page = page::page(&facts, &results);
        put(store, &html, |file| file.write_all(page.as_bytes()))
    };
    let (told, drawn) = rayon::join(write_run, write_html);
    told.and(drawn)?;
    // The process ends after this, and takes less time over it than the parts one by one.
    std::mem::forget((facts, results));
    Ok(Some(html))
}

fn put(
    store: &Store,
    path: &Path,
    write: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    let written = store.write_out(path, write);
    written.map_err(|error| match error.help() {
        Some(help) => format!("{error}\n  help: {help}"),
        None => error.to_string(),
    })
}
