//! A laboratory for the engine: toy kinds, a sandbox folder, and a listener that remembers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use flow_contract::{
    Arity, Catalog, Descriptor, Form, InputPort, Kind, Literal, NodeError, OutputPort, ParamSpec,
    ParamType, PortType, Row, Task, Value,
};
use flow_engine::snapshot::{Question, current, take};
use flow_engine::{
    EngineError, Event, History, Link, Session, Summary, Surveyed, WithCommand, explain, run,
    survey,
};
use flow_plan::{Plan, Request, plan};
use flow_store::Store;
use tempfile::TempDir;

const TEXT: PortType = PortType::new("text", Form::File);
const ROWS: PortType = PortType::new("rows", Form::Table);

const fn input(name: &'static str, ty: PortType, arity: Arity) -> InputPort {
    InputPort {
        name: Cow::Borrowed(name),
        ty,
        arity,
        doc: "",
    }
}

const fn output(name: &'static str, ty: PortType) -> OutputPort {
    OutputPort {
        name: Cow::Borrowed(name),
        ty,
        doc: "",
    }
}

const fn text(name: &'static str, default: &'static str) -> ParamSpec {
    let default = Some(Literal::Text(default));
    ParamSpec {
        name,
        ty: ParamType::Text,
        default,
        unit: "",
        doc: "",
    }
}

const fn toy(
    name: &'static str,
    inputs: &'static [InputPort],
    outputs: &'static [OutputPort],
    params: &'static [ParamSpec],
) -> Descriptor {
    Descriptor {
        name,
        revision: 1,
        summary: "",
        example: "",
        inputs,
        outputs,
        params,
        seeded: false,
        open_ports: false,
    }
}

/// `say`: gives its param `words`.
struct Say;
const GIVES_TEXT: &[OutputPort] = &[output("out", TEXT)];
const GIVES_ROWS: &[OutputPort] = &[output("table", ROWS)];
const TAKES_MANY: &[InputPort] = &[input("of", PortType::new("any", Form::File), Arity::Many)];
const MAY_TAKE: &[InputPort] = &[input(
    "from",
    PortType::new("any", Form::File),
    Arity::Optional,
)];
static SAY: Descriptor = toy("say", &[], GIVES_TEXT, &[text("words", "")]);
impl Kind for Say {
    fn descriptor(&self) -> &Descriptor {
        &SAY
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let words = task.params.text("words").to_owned();
        if words == "panic" {
            panic!("as told");
        }
        if words == "fail" {
            return Err(NodeError::new("told to fail").help("say something else"));
        }
        task.give("out", words.into_bytes());
        Ok(())
    }
}

/// `join`: all inputs with their labels, then its param `end`; only the first letter with `first`.
struct Join;
static JOIN: Descriptor = toy(
    "join",
    TAKES_MANY,
    GIVES_TEXT,
    &[text("end", ""), text("letters", "all")],
);
impl Kind for Join {
    fn descriptor(&self) -> &Descriptor {
        &JOIN
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut words = String::new();
        for input in task.inputs("of") {
            let text = String::from_utf8_lossy(&input.content).into_owned();
            let text = if task.params.text("letters") == "first" {
                text.chars().take(1).collect()
            } else {
                text
            };
            words.push_str(&format!("[{}]{text};", input.labels));
        }
        words.push_str(task.params.text("end"));
        task.give("out", words.into_bytes());
        Ok(())
    }
}

/// `one`: its one input.
struct One;
const TAKES_ONE: &[InputPort] = &[input("of", PortType::new("any", Form::File), Arity::One)];
static ONE: Descriptor = toy("one", TAKES_ONE, GIVES_TEXT, &[]);
impl Kind for One {
    fn descriptor(&self) -> &Descriptor {
        &ONE
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let bytes = task.input("of")?.content.to_vec();
        task.give("out", bytes);
        Ok(())
    }
}

/// `rows`: a table whose rows are the lines of its input or its param, one column `item`.
struct Rows;
static ROWS_KIND: Descriptor = toy("rows", MAY_TAKE, GIVES_ROWS, &[text("lines", "")]);
impl Kind for Rows {
    fn descriptor(&self) -> &Descriptor {
        &ROWS_KIND
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let bytes = match task.optional("from") {
            Some(input) => input.content.to_vec(),
            None => task.params.text("lines").as_bytes().to_vec(),
        };
        task.give("table", bytes);
        Ok(())
    }
}

/// `meet`: ends only when two of its kind run at the same time.
struct Meet;
static MEET: Descriptor = toy("meet", &[], GIVES_TEXT, &[text("name", "")]);
static HERE: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());
impl Kind for Meet {
    fn descriptor(&self) -> &Descriptor {
        &MEET
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let mut here = HERE.0.lock().unwrap();
        *here += 1;
        HERE.1.notify_all();
        let patience = Duration::from_secs(20);
        let (_here, wait) = HERE
            .1
            .wait_timeout_while(here, patience, |here| *here < 2)
            .unwrap();
        if wait.timed_out() {
            return Err(NodeError::new("nobody came"));
        }
        task.give("out", Vec::new());
        Ok(())
    }
}

/// `pause`: the first letter of its input, once the run has looked ahead; before, it writes to the file that
/// the input's second line names what the third says.
struct Pause;
static PAUSE: Descriptor = toy("pause", TAKES_ONE, GIVES_TEXT, &[]);
static PAUSES: AtomicUsize = AtomicUsize::new(0);
/// How often each pause was heard of.
static HEARD: (Mutex<BTreeMap<String, usize>>, Condvar) =
    (Mutex::new(BTreeMap::new()), Condvar::new());
/// Between two messages the run looks at one instance at least.
const TELLS: usize = 8;
impl Kind for Pause {
    fn descriptor(&self) -> &Descriptor {
        &PAUSE
    }
    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let own = format!("pause {}", PAUSES.fetch_add(1, Ordering::Relaxed));
        let patience = Duration::from_secs(20);
        for told in 1..=TELLS {
            task.observer.warn(&own);
            let heard = HEARD.0.lock().unwrap();
            let waits = |heard: &mut BTreeMap<String, usize>| heard.get(&own) < Some(&told);
            drop(HEARD.1.wait_timeout_while(heard, patience, waits).unwrap());
        }
        let text = String::from_utf8_lossy(&task.input("of")?.content).into_owned();
        let mut lines = text.lines().skip(1);
        if let (Some(path), Some(words)) = (lines.next(), lines.next()) {
            fs::write(path, words).unwrap();
        }
        task.give("out", text.into_bytes()[..1].to_vec());
        Ok(())
    }
}

struct Toys;
impl Catalog for Toys {
    fn kinds(&self) -> Vec<&dyn Kind> {
        vec![&Join, &Meet, &One, &Pause, &Rows, &Say]
    }
    /// A `.toy` file ends with a full stop, and no table is Parquet.
    fn check_format(&self, extension: &str, bytes: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(bytes);
        match extension {
            "toy" if !text.ends_with('.') => Err("it ends without a full stop".to_owned()),
            "parquet" => Err(format!("it begins with {text}")),
            _ => Ok(()),
        }
    }

    fn rows(&self, table: &[u8]) -> Result<Vec<Row>, String> {
        let text = std::str::from_utf8(table).map_err(|error| error.to_string())?;
        Ok(text
            .lines()
            .map(|line| Row::from([("item".to_owned(), Value::from(line))]))
            .collect())
    }
}

/// A study in a folder of its own.
pub struct Lab {
    folder: PathBuf,
    _own: Option<TempDir>,
    pub jobs: usize,
    pub keep_going: bool,
    pub targets: Vec<&'static str>,
    pub stop: AtomicBool,
    runs: AtomicUsize,
}

/// What a run did.
pub struct Did {
    pub events: Vec<Event>,
    pub summary: Summary,
    pub snapshot: bool,
}

impl Did {
    /// The addresses of the instances that ran, sorted.
    pub fn ran(&self) -> Vec<String> {
        let ran = self.events.iter().filter_map(|event| match event {
            Event::Ran { instance, .. } => Some(instance.clone()),
            _ => None,
        });
        let mut ran: Vec<String> = ran.collect();
        ran.sort();
        ran
    }

    /// The words of all failures.
    pub fn errors(&self) -> String {
        let words = self.events.iter().filter_map(|event| match event {
            Event::Failed { instance, error } => Some(format!("{instance}: {error:?}\n")),
            _ => None,
        });
        words.collect()
    }

    /// ran, cached, failed, skipped.
    pub fn counts(&self) -> [usize; 4] {
        let Summary {
            ran,
            cached,
            failed,
            skipped,
            ..
        } = self.summary;
        [ran, cached, failed, skipped]
    }

    /// Every output by address and port.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let outputs = self.summary.finished.iter().flat_map(|done| {
            done.given
                .outputs
                .iter()
                .map(|(port, digest, _)| (format!("{}.{port}", done.address), digest.to_string()))
        });
        outputs.collect()
    }
}

impl Lab {
    pub fn new(study: &str) -> Self {
        // In memory where there is such a folder: most of a small run is waiting for the disk.
        let memory = Path::new("/dev/shm");
        let own = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let mut lab = Self::at(own.path());
        lab._own = Some(own);
        lab.study(study);
        lab
    }

    /// The laboratory in a folder that another process made.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            _own: None,
            jobs: 2,
            keep_going: false,
            targets: Vec::new(),
            stop: AtomicBool::new(false),
            runs: AtomicUsize::new(0),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn study(&self, study: &str) {
        self.write(
            "pipeline.toml",
            &format!("[study]\nname = \"lab\"\n{study}"),
        );
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn plan(&self) -> Plan {
        let text = self.read("pipeline.toml");
        let catalog = WithCommand(&Toys);
        let request = Request {
            text: &text,
            name: "pipeline.toml",
            overrides: &[],
            catalog: &catalog,
        };
        plan(&request).unwrap_or_else(|problems| panic!("{}", problems.render()))
    }

    fn with_session<T>(&self, work: impl FnOnce(&Session<'_>) -> T) -> T {
        let plan = self.plan();
        let store = Store::open(&self.path("cache")).unwrap();
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|text| plan.target(text).unwrap())
            .collect();
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        work(&Session {
            plan: &plan,
            catalog: &Toys,
            store: &store,
            root: &self.folder,
            targets: &targets,
            jobs: self.jobs,
            keep_going: self.keep_going,
            run: &number.to_string(),
            now: &|| 0,
            stop: &self.stop,
        })
    }

    pub fn run(&self) -> Did {
        self.try_run().unwrap()
    }

    pub fn try_run(&self) -> Result<Did, EngineError> {
        self.with_session(|session| {
            let mut events = Vec::new();
            let mut listener = |event: &Event| {
                if let Event::Warned { words, .. } = event {
                    *HEARD.0.lock().unwrap().entry(words.clone()).or_default() += 1;
                    HEARD.1.notify_all();
                }
                events.push(event.clone());
            };
            let summary = run(session, &mut listener)?;
            let study = self.read("pipeline.toml");
            let cache = self.path("cache");
            let snapshot = take(&self.question(&cache, &study), session, &summary, &[]);
            Ok(Did {
                events,
                summary,
                snapshot,
            })
        })
    }

    fn question<'a>(&'a self, cache: &'a Path, study: &'a str) -> Question<'a> {
        Question {
            cache,
            root: &self.folder,
            study: study.as_bytes(),
            words: &[],
        }
    }

    /// What the snapshot says without a run.
    pub fn current(&self) -> Option<usize> {
        let (cache, study) = (self.path("cache"), self.read("pipeline.toml"));
        current(&self.question(&cache, &study)).map(|current| current.cached)
    }

    /// Why an instance's result is another than before.
    pub fn explain(&self, instance: &str) -> Vec<Link> {
        let plan = self.plan();
        let survey = self.survey();
        let mut all = survey.iter();
        let at = all.position(|one| one.address.to_string() == instance);
        let store = Store::open(&self.path("cache")).unwrap();
        explain(&plan, &survey, &History::read(&store).unwrap(), at.unwrap())
    }

    pub fn survey(&self) -> Vec<Surveyed> {
        self.with_session(|session| survey(session).unwrap())
    }
}
