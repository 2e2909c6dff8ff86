//! `flow init`: a folder to begin a study in.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use flow_nodes::CATALOG;
use flow_plan::Request;

use crate::args::{Init, Place};
use crate::outcome::{Outcome, Refusal};
use crate::words::{answer, noticed, shell_word};

/// A study to begin with.
pub struct Template {
    /// What `--template` calls it.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Its files: path and text. The first is the study.
    files: &'static [(&'static str, &'static str)],
}

/// Rows of a table of templates: `NAME "what it is": FILES…`, files below `templates/NAME/`.
macro_rules! templates {
    ($($name:literal $summary:literal: $($path:literal)*;)*) => {
        &[$(Template {
            name: $name,
            summary: $summary,
            files: &[$((
                $path,
                include_str!(concat!("../templates/", $name, "/", $path)),
            )),*],
        }),*]
    };
}

/// The templates: sorted; `every_template_plans_and_is_laid_out` runs over them.
pub static TEMPLATES: &[Template] = templates! {
    "activity" "another field: accelerometer and ECG from numpy arrays, simulated": "pipeline.toml" "people.csv";
    "blank" "one node, to write your own study": "pipeline.toml";
    "commands" "a Python script beside built-in nodes; needs python3 with numpy": "pipeline.toml" "delta.py";
    "paper" "the study of Ellis et al. 2021, on simulated nights": "pipeline.toml";
    "sleep-edf" "the study of Ellis et al. 2021 on the 44 real nights, which it downloads": "pipeline.toml" ".gitignore";
    "sweep" "six values of epsilon on a small study, with a figure": "pipeline.toml";
};

/// What the schema file is called.
const SCHEMA: &str = "flow.schema.json";

/// What git is told to leave alone.
const IGNORED: &str = ".gitignore";

/// Writes the files of a template; none if one of them is there already.
pub fn init(place: &Place, init: &Init) -> Result<Outcome, Refusal> {
    let template = TEMPLATES.iter().find(|one| one.name == init.template);
    let template = template.ok_or_else(|| unknown(&init.template))?;
    let folder = match &init.into {
        None => place.folder.clone(),
        Some(into) if place.folder == Path::new(".") => into.clone(),
        Some(into) => place.folder.join(into),
    };
    let mut files = contents(template);
    if folder.is_file() {
        let words = format!(
            "`{}` is a file, and a study needs a folder",
            folder.display()
        );
        return Err(Refusal::wrong(words));
    }
    // A repository has one of its own.
    let ignored = folder.join(IGNORED);
    let kept: Vec<_> = files
        .extract_if(.., |(path, _)| *path == IGNORED && ignored.exists())
        .collect();
    let taken = files.iter().find(|(path, _)| folder.join(path).exists());
    if let Some((path, _)) = taken {
        return Err(Refusal::wrong(format!(
            "`{}` is there already, and nothing is overwritten\n  help: name another folder: flow init DIR",
            folder.join(path).display()
        )));
    }
    for (at, (path, text)) in files.iter().enumerate() {
        // Else the next attempt would find some of the files there already.
        let undo = |_: &Refusal| {
            let written = files[..at].iter().map(|(path, _)| folder.join(path));
            written.for_each(|path| drop(fs::remove_file(path)));
        };
        write_new(&folder.join(path), text).inspect_err(undo)?;
        answer(&format!("wrote {}", folder.join(path).display()));
    }
    kept.iter().for_each(|(_, text)| tell_kept(&ignored, text));
    let at = match folder == Path::new(".") {
        true => String::new(),
        false => format!(" -C {}", shell_word(folder.display())),
    };
    if let Some(notice) = notice(&files) {
        answer(&noticed(&notice));
    }
    answer(&format!("next: flow run{at}"));
    Ok(Outcome::Done)
}

/// Says which lines a file that was there lacks, if any.
fn tell_kept(ignored: &Path, text: &str) {
    let own = fs::read_to_string(ignored).unwrap_or_default();
    let lacks = |line: &&str| own.lines().all(|own| own.trim() != *line);
    let lines: Vec<&str> = text.lines().filter(lacks).collect();
    if !lines.is_empty() {
        let (path, lines) = (ignored.display(), lines.join(" "));
        answer(&format!("kept {path}, to which these belong: {lines}"));
    }
}

/// What the study says before it runs.
fn notice(files: &[(&str, String)]) -> Option<String> {
    let (name, text) = files.first()?;
    let request = Request {
        text,
        name,
        overrides: &[],
        catalog: &flow_engine::WithCommand(&CATALOG),
    };
    // Every template plans: `every_template_plans_and_is_laid_out`.
    let plan = flow_plan::plan(&request).ok()?;
    plan.notice().map(str::to_owned)
}

fn unknown(name: &str) -> Refusal {
    let each = TEMPLATES.iter();
    let list: Vec<String> = each
        .map(|one| format!("    {:<10} {}", one.name, one.summary))
        .collect();
    let words = format!(
        "there is no template `{name}`\n  help: there are\n{}",
        list.join("\n")
    );
    Refusal::wrong(words)
}

/// The files of a template, with what every study's folder has.
fn contents(template: &Template) -> Vec<(&'static str, String)> {
    let mut files: Vec<(&str, String)> = template
        .files
        .iter()
        .map(|(path, text)| (*path, (*text).to_owned()))
        .collect();
    if let Some((_, study)) = files.first_mut() {
        // The convention by which editors (taplo, Even Better TOML) find a schema.
        *study = format!("#:schema ./{SCHEMA}\n{study}");
    }
    files.push((SCHEMA, schema_text()));
    if files.iter().all(|(path, _)| *path != IGNORED) {
        files.push((IGNORED, "/cache/\n/reports/\n".to_owned()));
    }
    files
}

/// The schema of study files over all kinds.
pub fn schema_text() -> String {
    flow_plan::schema(&flow_engine::WithCommand(&CATALOG))
}

/// Writes a file that must not be there, so that nothing of the user's is lost even in a race.
fn write_new(path: &Path, text: &str) -> Result<(), Refusal> {
    let refuse = |error| Refusal::failed(format!("writing `{}`: {error}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(refuse)?;
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    let mut file = file.map_err(refuse)?;
    file.write_all(text.as_bytes())
        .inspect_err(|_| drop(fs::remove_file(path)))
        .map_err(refuse)
}
