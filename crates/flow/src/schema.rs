//! `flow schema`, `flow completions`, `flow man`: what other tools are told of flow.

use std::fs;

use clap::CommandFactory;

use crate::args::{Completions, Line, Man};
use crate::init::schema_text;
use crate::outcome::{Outcome, Refusal};
use crate::words::{answer, answer_bytes};

/// Prints the JSON Schema of study files.
pub fn schema() -> Result<Outcome, Refusal> {
    answer(schema_text().trim_end());
    Ok(Outcome::Done)
}

/// Prints the completions of a shell.
pub fn completions(completions: &Completions) -> Result<Outcome, Refusal> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Line::command(), "flow", &mut script);
    print(&script)
}

/// Prints the man page of flow, or writes all pages into a folder.
pub fn man(man: &Man) -> Result<Outcome, Refusal> {
    let mut line = Line::command().disable_help_subcommand(true);
    line.build();
    let Some(folder) = &man.into else {
        let mut page = Vec::new();
        clap_mangen::Man::new(line)
            .render(&mut page)
            .map_err(Refusal::failed)?;
        return print(&page);
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(line, folder))
        .map_err(|error| {
            Refusal::failed(format!(
                "writing man pages to `{}`: {error}",
                folder.display()
            ))
        })?;
    answer(&format!("wrote the man pages to {}", folder.display()));
    Ok(Outcome::Done)
}

fn print(bytes: &[u8]) -> Result<Outcome, Refusal> {
    answer_bytes(bytes);
    Ok(Outcome::Done)
}
