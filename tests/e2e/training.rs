//! A training that is killed goes on from its last training epoch, to the same bytes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::{SMALL, Sandbox};

const NET: &str = "net[fold=1]";

fn study() -> String {
    let long = "training_epochs = 150\nstop_after = 150\n";
    SMALL.replace("training_epochs = 2\n", long)
}

/// Runs the training and kills the process after a few training epochs.
fn killed(sandbox: &Sandbox) {
    let mut flow = Command::new(env!("CARGO_BIN_EXE_flow"))
        .args(["run", "--json", NET])
        .current_dir(sandbox.path("."))
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(flow.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"done\":4,\"total\":150,")));
    flow.kill().unwrap();
    flow.wait().unwrap();
}

/// The checkpoints that lie in the cache.
fn checkpoints(sandbox: &Sandbox) -> Vec<PathBuf> {
    let folders = fs::read_dir(sandbox.path("cache/scratch")).unwrap();
    let files = folders.map(|folder| folder.unwrap().path().join("training"));
    files.collect()
}

/// Digests of the weights and the history.
fn results(sandbox: &Sandbox) -> [String; 2] {
    ["weights", "history"].map(|port| {
        let said = sandbox.flow(&["show", &format!("{NET}.{port}")]);
        said.out.lines().next().unwrap().to_owned()
    })
}

#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    let whole = Sandbox::new(&study());
    assert_eq!(whole.flow(&["run", NET]).code, 0);
    for damage in [false, true] {
        let sandbox = Sandbox::new(&study());
        killed(&sandbox);
        let kept = checkpoints(&sandbox);
        assert_eq!(kept.len(), 1);
        if damage {
            let mut bytes = fs::read(&kept[0]).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&kept[0], bytes).unwrap();
        }
        let said = sandbox.flow(&["run", NET]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(
            said.err.contains("goes on from here"),
            !damage,
            "{}",
            said.err
        );
        assert_eq!(said.err.contains("began anew"), damage, "{}", said.err);
        assert_eq!(results(&sandbox), results(&whole));
        assert_eq!(
            checkpoints(&sandbox),
            Vec::<PathBuf>::new(),
            "kept after it was recorded"
        );
    }
}
