//! What an in-process node costs: `bench_engine [N…]`, as JSON lines.
//!
//! A fan of N toy nodes that give a few bytes, between a root and a join: computed, unchanged without
//! a snapshot, and by the snapshot. The cache lies in the folder for temporary files.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::borrow::Cow;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use flow_contract::{
    Arity, Catalog, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec,
    ParamType, PortType, Row, Task,
};
use flow_engine::snapshot::{Question, current, take};
use flow_engine::{Event, Session, WithCommand, run};
use flow_plan::{Request, plan};
use flow_store::Store;

/// Gives its inputs and its param `end`.
struct Join;

const INPUTS: &[InputPort] = &[InputPort {
    name: Cow::Borrowed("of"),
    ty: PortType::new("any", Form::File),
    arity: Arity::Many,
    doc: "",
}];
const OUTPUTS: &[OutputPort] = &[OutputPort {
    name: Cow::Borrowed("out"),
    ty: PortType::new("text", Form::File),
    doc: "",
}];
const PARAMS: &[ParamSpec] = &[ParamSpec {
    name: "end",
    ty: ParamType::Text,
    default: Some(Literal::Text("")),
    unit: "",
    doc: "",
}];
static JOIN: Descriptor = Descriptor {
    name: "join",
    revision: 1,
    summary: "",
    example: "",
    inputs: INPUTS,
    outputs: OUTPUTS,
    params: PARAMS,
    seeded: false,
    open_ports: false,
};

impl Kind for Join {
    fn descriptor(&self) -> &Descriptor {
        &JOIN
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut bytes = Vec::new();
        for input in task.inputs("of") {
            bytes.extend_from_slice(&input.content);
        }
        bytes.extend_from_slice(task.params.text("end").as_bytes());
        task.give("out", bytes);
        Ok(())
    }
}

struct Toys;

impl Catalog for Toys {
    fn kinds(&self) -> Vec<&dyn Kind> {
        vec![&Join]
    }
    fn rows(&self, _table: &[u8]) -> Result<Vec<Row>, String> {
        Err("there are no tables here".to_owned())
    }
}

/// Seconds, instances that ran, and what the snapshot said.
fn once(
    root: &Path,
    text: &str,
    with_snapshot: bool,
) -> Result<(f64, usize, bool), Box<dyn Error>> {
    let begin = Instant::now();
    let cache: PathBuf = root.join("cache");
    let catalog = WithCommand(&Toys);
    let question = Question {
        cache: &cache,
        root,
        study: text.as_bytes(),
        words: &[],
    };
    if with_snapshot && current(&question).is_some() {
        return Ok((begin.elapsed().as_secs_f64(), 0, true));
    }
    let request = Request {
        text,
        name: "pipeline.toml",
        overrides: &[],
        catalog: &catalog,
    };
    let plan = plan(&request).map_err(|problems| problems.render())?;
    let store = Store::open(&cache)?;
    let session = Session {
        plan: &plan,
        catalog: &Toys,
        store: &store,
        root,
        targets: &[],
        jobs: 2,
        keep_going: false,
        run: "bench",
        now: &|| 0,
        stop: &AtomicBool::new(false),
    };
    let summary = run(&session, &mut |_: &Event| {})?;
    let seconds = begin.elapsed().as_secs_f64();
    let taken = take(&question, &session, &summary, &[]);
    Ok((seconds, summary.ran, taken))
}

fn main() -> Result<(), Box<dyn Error>> {
    let sizes: Result<Vec<usize>, _> = std::env::args().skip(1).map(|n| n.parse()).collect();
    let sizes = Some(sizes?).filter(|sizes| !sizes.is_empty());
    for n in sizes.unwrap_or_else(|| vec![1_000, 10_000, 100_000]) {
        let root = std::env::temp_dir().join(format!("flow-bench-engine-{}", std::process::id()));
        std::fs::create_dir_all(&root)?;
        std::fs::write(root.join("seed"), "seed")?;
        let text = format!(
            "[node.root]\nkind = \"join\"\nof = {{ file = \"seed\" }}\n\
             [node.leaf]\nkind = \"join\"\nfor_each = {{ i = \"0..{n}\" }}\nof = \"root.out\"\nend = \"$i\"\n\
             [node.all]\nkind = \"join\"\nof = \"leaf.out\"\n"
        );
        let (cold, ran, _) = once(&root, &text, false)?;
        let unchanged = (0..3).map(|_| once(&root, &text, false));
        let unchanged: Vec<_> = unchanged.collect::<Result<_, _>>()?;
        let unchanged = unchanged.iter().fold(f64::MAX, |best, one| best.min(one.0));
        let (snapshot, _, current) = once(&root, &text, true)?;
        println!(
            "{{\"nodes\": {ran}, \"cold_us_per_node\": {:.1}, \"unchanged_ms\": {:.2}, \"snapshot_ms\": {:.3}, \"snapshot\": {current}}}",
            cold * 1e6 / ran as f64,
            unchanged * 1e3,
            snapshot * 1e3,
        );
        std::fs::remove_dir_all(&root)?;
    }
    Ok(())
}
