//! The `flow` command: the one crate that talks to people.

mod args;
mod artifact;
mod ask;
mod check;
mod compare;
mod current;
mod diff;
mod explain;
mod export;
mod fmt;
mod graph;
mod init;
mod keep;
mod kept;
mod kinds;
mod live;
mod log;
mod outcome;
mod progress;
mod report;
mod run;
mod schema;
mod show;
mod study;
mod terminal;
mod where_;
mod why;
mod words;

use std::process::ExitCode;

use args::{Command, Line};
use clap::Parser;
use outcome::Outcome;

fn main() -> ExitCode {
    // A file that may not grow is an error of the write then, instead of the end of the process; where this
    // can't be had, it is the end.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let line = Line::parse();
    let outcome = match &line.command {
        Command::Run(run) => run::run(&line.place, run),
        Command::Status(ask) => ask::status(&line.place, ask),
        Command::Why(why) => why::why(&line.place, why),
        Command::Graph(graph) => graph::graph(&line.place, graph),
        Command::Log(log) => log::log(&line.place, log),
        Command::Diff(ask) => diff::diff(&line.place, ask),
        Command::Where(ask) => where_::where_from(&line.place, ask),
        Command::Kinds(kinds) => kinds::kinds(kinds),
        Command::Show(show) => show::show(&line.place, show),
        Command::Explain(one) => explain::explain(one),
        Command::Export(export) => export::export(&line.place, export),
        Command::Init(init) => init::init(&line.place, init),
        Command::Fmt(fmt) => fmt::fmt(&line.place, fmt),
        Command::Schema => schema::schema(),
        Command::Completions(shell) => schema::completions(shell),
        Command::Man(man) => schema::man(man),
        Command::Compare(compare) => compare::compare(&line.place, compare),
        Command::Check(check) => check::check(&line.place, check),
        Command::Fsck(fsck) => keep::fsck(&line.place, fsck),
        Command::Gc(gc) => keep::gc(&line.place, gc),
        Command::Du(du) => keep::du(&line.place, du),
    };
    let outcome = outcome.and_then(|outcome| match words::lost() {
        Some(why) if outcome == Outcome::Done => Err(outcome::Refusal::failed(why)),
        _ => Ok(outcome),
    });
    outcome.unwrap_or_else(outcome::Refusal::tell).into()
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}
