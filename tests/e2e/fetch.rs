//! Downloads: from a server on loopback that cuts, lies and goes away, into studies that run.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;

use flow_fetch::Sha256;

use crate::loopback::{Answer, Asked, Server};
use crate::sandbox::{Said, Sandbox};

const LIST: &str = "SHA256SUMS.txt";

/// Files that a server has, with their list, below `/1.0.0/`.
struct Release {
    files: BTreeMap<String, Vec<u8>>,
    sha256: Sha256,
}

impl Release {
    fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Arc<Self> {
        let mut files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
        let line = |(name, bytes): (&String, &Vec<u8>)| format!("{} {name}\n", Sha256::of(bytes));
        let list: String = files.iter().map(line).collect();
        let sha256 = Sha256::of(list.as_bytes());
        files.insert(LIST.to_owned(), list.into_bytes());
        Arc::new(Self { files, sha256 })
    }

    /// Two files of which one is large enough to be cut.
    fn small() -> Arc<Self> {
        let large: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        Self::of([
            ("a b.txt".to_owned(), b"hello\n".to_vec()),
            ("st/large.edf".to_owned(), large),
        ])
    }

    fn bytes(&self, asked: &Asked) -> Option<Vec<u8>> {
        let name = asked.path.strip_prefix("/1.0.0/")?.replace("%20", " ");
        self.files.get(&name).cloned()
    }

    /// A server that answers for each file as told.
    fn serve(
        self: &Arc<Self>,
        answer: impl Fn(&Asked, Vec<u8>) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let release = Arc::clone(self);
        Server::start(move |asked| match release.bytes(asked) {
            Some(bytes) => answer(asked, bytes),
            None => Answer::Status(404, ""),
        })
    }
}

/// A study of all files of a release, each tried twice.
fn study(url: &str, sha256: Sha256) -> String {
    format!(
        r#"
[params]
url = "{url}/1.0.0/"
[node.release]
kind = "fetch"
url = "$url"
sha256 = "{sha256}"
files = ["**/*"]
attempts = 2
[node.file]
kind = "fetched"
for_each = {{ file = "release.files" }}
file = "$file"
url = "$file.url"
sha256 = "$file.sha256"
attempts = 2
publish = {{ file = "$file" }}
"#
    )
}

fn froms(server: &Server, ending: &str) -> Vec<usize> {
    let asked = server.asked().into_iter();
    let asked = asked.filter(|asked| asked.path.ends_with(ending));
    asked.map(|asked| asked.from).collect()
}

/// A run that must fail with these words.
fn fails(lab: &Sandbox, words: &[&str]) -> Said {
    let said = lab.flow(&["run"]);
    assert_eq!(said.code, 1, "{}", said.err);
    for words in words {
        assert!(
            said.err.contains(words),
            "`{words}` is not in\n{}",
            said.err
        );
    }
    said
}

#[test]
fn what_is_missing_or_changed_is_downloaded_and_nothing_else() {
    let release = Release::small();
    let server = release.serve(|_, bytes| Answer::Serve(bytes));
    let lab = Sandbox::new(&study(&server.url, release.sha256));
    assert_eq!(lab.run(&[]).counts(), [3, 0, 0, 0]);
    assert_eq!(
        fs::read(lab.path("reports/st_large.edf")).unwrap(),
        release.files["st/large.edf"]
    );
    assert_eq!(lab.run(&[]).counts(), [0, 3, 0, 0]);

    // The results do not depend on the folder any more.
    lab.write("data/a b.txt", "mine\n");
    fs::remove_file(lab.path("data/st/large.edf")).unwrap();
    assert_eq!(lab.run(&[]).counts(), [0, 3, 0, 0]);
    assert_eq!(server.asked().len(), 3);

    // Made anew they do; what was somebody's is kept, what is there and right is not asked for.
    fs::remove_dir_all(lab.path("cache")).unwrap();
    assert_eq!(lab.run(&[]).counts(), [3, 0, 0, 0]);
    assert_eq!(lab.read("reports/a_b.txt"), "hello\n");
    assert_eq!(lab.read("data/a b.txt.wrong"), "mine\n");
    assert_eq!(server.asked().len(), 5);

    // Nor is a server needed where all is there.
    drop(server);
    fs::remove_dir_all(lab.path("cache")).unwrap();
    assert_eq!(lab.run(&[]).counts(), [3, 0, 0, 0]);
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    let release = Release::small();
    let server = release.serve(|asked, bytes| match asked.before {
        0 if asked.path.ends_with("large.edf") => Answer::Silence(bytes, 300_000),
        _ => Answer::Serve(bytes),
    });
    let lab = Sandbox::new(&study(&server.url, release.sha256));
    let mut run = Command::new(env!("CARGO_BIN_EXE_flow"))
        .args(["run", "-C", lab.path("").to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = lab.path("data/st/large.edf.part");
    while fs::metadata(&part).map_or(0, |meta| meta.len()) < 300_000 {
        assert!(run.try_wait().unwrap().is_none(), "the run ended");
        std::thread::yield_now();
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(lab.run(&[]).counts(), [3, 0, 0, 0]);
    assert_eq!(froms(&server, "large.edf"), [0, 300_000]);
    assert!(!part.exists());
}

#[test]
fn failures_say_which_file_and_what_to_do() {
    let release = Release::small();
    let other = Sha256::of(b"other");
    let server = release.serve(|asked, bytes| match asked.path.as_str() {
        "/1.0.0/st/large.edf" => Answer::Whole(bytes[1..].to_vec()),
        _ => Answer::Serve(bytes),
    });
    let lab = Sandbox::new(&study(&server.url, other));
    let found = format!("say so in the study: sha256 = \"{}\"", release.sha256);
    fails(&lab, &["/1.0.0/SHA256SUMS.txt", &found]);

    lab.write("pipeline.toml", study(&server.url, release.sha256));
    fails(
        &lab,
        &[
            "release",
            "at: http",
            "large.edf",
            "other bytes than",
            "downloaded 2 times",
        ],
    );
    assert!(
        !lab.path("data/st/large.edf").exists(),
        "wrong bytes have no name"
    );
    assert_eq!(
        lab.read("data/a b.txt"),
        "hello\n",
        "one failure keeps no other from arriving"
    );

    let text = study(&server.url, release.sha256);
    lab.write(
        "pipeline.toml",
        text.replace("1.0.0", "1.0.1")
            .replace("sha256 = \"", "folder = \"new\"\nsha256 = \""),
    );
    fails(
        &lab,
        &[
            "404 (there is no such file)",
            "1.0.1/SHA256SUMS.txt",
            "check `url`",
        ],
    );

    lab.write(
        "pipeline.toml",
        text.replace("files = [\"**/*\"]", "files = [\"ST/*.edf\"]"),
    );
    fails(
        &lab,
        &["no file of the list is meant by `ST/*.edf`", "st/large.edf"],
    );

    lab.write(
        "pipeline.toml",
        text.replace("attempts = 2\n[", "folder = \"cache/data\"\n["),
    );
    fails(
        &lab,
        &[
            "`cache/data` can't be filled",
            "flow keeps its own files there",
        ],
    );

    // Nobody listens where a server was.
    let url = server.url.clone();
    drop(server);
    lab.write("pipeline.toml", study(&url, release.sha256));
    fails(
        &lab,
        &[
            "failed 2 times",
            "run again to go on",
            "files that you put into `data` yourself",
        ],
    );
}

/// The real study's files on nights of a few minutes, in the layout of the real ones.
fn telemetry() -> Arc<Release> {
    let lab = Sandbox::new(
        r#"
[node.nights]
kind = "cohort"
[node.recorded]
kind = "simulate-night"
for_each = { recording = "nights.recordings" }
recording = "$recording"
minutes = 10
publish = { psg = "${recording}J0-PSG.edf", hypnogram = "${recording}JP-Hypnogram.edf" }
"#,
    );
    lab.run(&[]);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(lab.path("reports")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".edf") {
            let bytes = fs::read(entry.path()).unwrap();
            files.insert(format!("sleep-telemetry/{name}"), bytes);
        }
    }
    assert_eq!(files.len(), 88);
    let subjects = include_bytes!("sleep-edf/ST-subjects.xls");
    files.insert("ST-subjects.xls".to_owned(), subjects.to_vec());
    files.insert("SC-subjects.xls".to_owned(), b"not asked for".to_vec());
    Release::of(files)
}

#[test]
fn the_real_study_runs_from_download_to_report() {
    let release = telemetry();
    let server = release.serve(|asked, bytes| {
        let is = |name: &str| asked.before == 0 && asked.path.ends_with(name);
        match bytes.len() {
            _ if is("ST7011J0-PSG.edf") => Answer::Cut(bytes, 100_000),
            half if is("ST7052J0-PSG.edf") => Answer::Serve(bytes[half / 2..].to_vec()),
            _ if is("ST7241J0-PSG.edf") => Answer::HangUp,
            _ if asked.path.ends_with("ST7011J0-PSG.edf") => Answer::Whole(bytes),
            _ => Answer::Serve(bytes),
        }
    });
    let lab = Sandbox::empty();
    let said = lab.flow(&["init", "--template", "sleep-edf"]);
    assert!(
        said.out.contains("1.2 GB") && said.out.contains("hours"),
        "{}",
        said.out
    );
    let (url, sha256) = (
        format!("url={}/1.0.0", server.url),
        format!("sha256={}", release.sha256),
    );
    let small = [
        "folds=2",
        "training_epochs=1",
        "batch=32",
        "epsilon=[0.01]",
        &url,
        &sha256,
    ];
    let settings: Vec<&str> = small.iter().flat_map(|one| ["--set", one]).collect();

    let said = lab.run(&settings);
    let [ran, cached, failed, skipped] = said.counts();
    assert_eq!((cached, failed, skipped), (0, 0, 0));
    let started = said.err.find("notice  ").unwrap();
    assert!(said.err[started..].contains("1.2 GB"), "{}", said.err);
    let recordings = lab.read("reports/tables/recordings.csv");
    assert_eq!(recordings.lines().count(), 45, "{recordings}");
    assert!(
        lab.path("reports/figures/figure 4 effects epsilon(0.01).svg")
            .exists()
    );
    assert!(!lab.path("data/SC-subjects.xls").exists());
    let asked = server.asked().len();
    assert_eq!(lab.run(&settings).counts(), [0, ran, 0, 0]);
    assert_eq!(server.asked().len(), asked);

    drop(server);
    fs::remove_dir_all(lab.path("cache")).unwrap();
    let counts = [&["counts"][..], &settings].concat();
    assert_eq!(lab.run(&counts).counts()[2..], [0, 0]);
}
