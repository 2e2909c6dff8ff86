//! A folder with a study in it, and the binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The paper's study in small: simulated nights, a tiny network, two folds.
pub const SMALL: &str = include_str!("small.toml");

/// A folder with a study in it.
pub struct Sandbox {
    folder: TempDir,
}

/// How a command ended and what it said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The last line of stdout as JSON.
    pub fn last(&self) -> Value {
        serde_json::from_str(self.out.lines().last().unwrap()).unwrap()
    }

    /// ran, cached, failed, skipped of `run --json`.
    pub fn counts(&self) -> [u64; 4] {
        let last = self.last();
        assert_eq!(last["event"], "run_finished", "{}", self.err);
        ["ran", "cached", "failed", "skipped"].map(|name| last[name].as_u64().unwrap())
    }

    /// The instances that ran, sorted, from `run --json`.
    pub fn ran(&self) -> Vec<String> {
        let events = self
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ran = events.filter(|event| event["event"] == "ran");
        let mut ran: Vec<String> = ran
            .map(|event| event["instance"].as_str().unwrap().to_owned())
            .collect();
        ran.sort();
        ran
    }
}

impl Sandbox {
    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn new(study: &str) -> Self {
        let sandbox = Self::empty();
        sandbox.write("pipeline.toml", study);
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `flow` in the folder.
    pub fn flow(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_flow"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `flow run --json`, which must end well.
    pub fn run(&self, more: &[&str]) -> Said {
        let said = self.flow(&[&["run", "--json"], more].concat());
        assert_eq!(said.code, 0, "{}\n{}", said.err, said.out);
        said
    }

    /// Every output's digest by instance and port, from `run.json`.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let run: Value = serde_json::from_str(&self.read("reports/run.json")).unwrap();
        let mut digests = BTreeMap::new();
        for instance in run["instances"].as_array().unwrap() {
            for (port, digest) in instance["outputs"].as_object().unwrap() {
                let name = format!("{}.{port}", instance["instance"].as_str().unwrap());
                digests.insert(name, digest.as_str().unwrap().to_owned());
            }
        }
        digests
    }
}
