//! Runs a study of commands only: `run_study FOLDER [--jobs N] [--snapshot]`.
//!
//! Prints `ran cached failed skipped` and the seconds of each part; for measuring the engine without
//! the kinds of the catalog.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use flow_contract::{Catalog, Kind, Row};
use flow_engine::snapshot::{Question, is_current, take};
use flow_engine::{Event, Session, WithCommand, run};
use flow_plan::{Request, plan};
use flow_store::Store;

struct NoKinds;

impl Catalog for NoKinds {
    fn kinds(&self) -> Vec<&dyn Kind> {
        Vec::new()
    }
    fn rows(&self, _table: &[u8]) -> Result<Vec<Row>, String> {
        Err("there are no tables here".to_owned())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = std::path::absolute(arguments.first().ok_or("which folder?")?)?;
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let mut after = arguments.iter().skip_while(|one| *one != "--jobs");
    let jobs = after.nth(1).map_or(Ok(2), |jobs| jobs.parse())?;
    let text = std::fs::read_to_string(root.join("pipeline.toml"))?;
    let cache: PathBuf = root.join("cache");
    let catalog = WithCommand(&NoKinds);
    let question = Question {
        cache: &cache,
        root: &root,
        study: text.as_bytes(),
        words: &[],
        catalog: &catalog,
    };
    if has("--snapshot")
        && let Some(counts) = is_current(&question)
    {
        println!(
            "0 {} 0 0 snapshot {:.6}",
            counts.cached,
            begin.elapsed().as_secs_f64()
        );
        return Ok(());
    }
    whole(&question, &root, &text, jobs, begin)
}

fn whole(
    question: &Question<'_>,
    root: &Path,
    text: &str,
    jobs: usize,
    begin: Instant,
) -> Result<(), Box<dyn Error>> {
    let request = Request {
        text,
        name: "pipeline.toml",
        overrides: &[],
        catalog: question.catalog,
    };
    let plan = plan(&request).map_err(|problems| problems.render())?;
    let planned = begin.elapsed().as_secs_f64();
    let store = Store::open(question.cache)?;
    let opened = begin.elapsed().as_secs_f64();
    let unix = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs())
    };
    let session = Session {
        plan: &plan,
        catalog: &NoKinds,
        store: &store,
        root,
        targets: &[],
        jobs,
        keep_going: false,
        run: "example",
        now: &unix,
        stop: &AtomicBool::new(false),
    };
    let mut listener = |event: &Event| {
        if let Event::Failed { instance, error } = event {
            println!("{instance}: {error:?}");
        }
    };
    let summary = run(&session, &mut listener)?;
    let ended = begin.elapsed().as_secs_f64();
    let taken = take(question, &session, &summary);
    println!(
        "{} {} {} {} plan {planned:.6} open {opened:.6} run {ended:.6} snapshot({taken}) {:.6}",
        summary.ran,
        summary.cached,
        summary.failed,
        summary.skipped,
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}
