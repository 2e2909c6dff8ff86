//! Cores, memory, GPUs and pools through the binary: nodes write down when they ran and what they were given.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use crate::sandbox::Sandbox;

/// Says when it begins and ends and which GPUs it sees; stays until another has begun, or a moment.
const EACH: &str = r#"log=$1 i=$2
echo "begin $i ${CUDA_VISIBLE_DEVICES-none}" >> "$log"
case $4 in
  another) until [ $(grep -c begin "$log") -gt 1 ]; do sleep 0.01; done ;;
  *) sleep 0.1 ;;
esac
echo "end $i" >> "$log"
touch "$3"
"#;

/// Four instances of [`EACH`] that need some resources.
fn four(needs: &str, head: &str) -> Sandbox {
    // Where nothing keeps them apart, another one comes for sure.
    let stays = if needs.is_empty() {
        "another"
    } else {
        "a moment"
    };
    let sandbox = Sandbox::empty();
    let log = sandbox.path("log").display().to_string();
    let study = format!(
        r#"[study]
name = "four"
{head}
[node.each]
kind = "command"
for_each = {{ i = "0..4" }}
run = ["sh", "{{script}}", "{log}", "$i", "{{out}}", "{stays}"]
inputs = {{ script = {{ file = "each.sh" }} }}
outputs = {{ out = "o" }}
writes = ["."]
{needs}
"#
    );
    sandbox.write("pipeline.toml", study);
    sandbox.write("each.sh", EACH);
    sandbox.write("log", "");
    sandbox
}

/// How many were at work at the same time at most, and which GPUs each was given.
fn at_work(sandbox: &Sandbox) -> (usize, BTreeMap<String, String>) {
    let (mut now, mut most, mut gpus) = (0_usize, 0, BTreeMap::new());
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    for line in sandbox.read("log").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["begin", i, gpu] => {
                now += 1;
                let twice = held.values().any(|other| other == gpu && *gpu != "none");
                assert!(!twice, "two have {gpu} at once");
                held.insert((*i).to_owned(), (*gpu).to_owned());
                gpus.insert((*i).to_owned(), (*gpu).to_owned());
            }
            ["end", i] => {
                now -= 1;
                held.remove(*i);
            }
            _ => panic!("{line}"),
        }
        most = most.max(now);
    }
    (most, gpus)
}

fn most_at_work(resources: &str, head: &str) -> usize {
    let sandbox = four(resources, head);
    sandbox.run(&["--jobs", "4"]);
    at_work(&sandbox).0
}

#[test]
fn a_pool_lets_in_as_many_as_it_has_places() {
    let pool = "[pools]\nlicence = 2";
    assert!(most_at_work("", "") > 1, "nothing keeps them apart");
    assert_eq!(most_at_work("pools = { licence = 2 }", pool), 1);
    assert!(most_at_work("pools = { licence = 1 }", pool) <= 2);
}

#[test]
fn cores_and_memory_are_shared() {
    assert_eq!(most_at_work("cores = 3", ""), 1);
    let kib = fs::read_to_string("/proc/meminfo").unwrap();
    let kib = kib
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    let mib = kib.parse::<u64>().unwrap() / 1024;
    let most = format!("memory = \"{} MiB\"", mib * 2 / 3);
    assert_eq!(most_at_work(&most, ""), 1);
}

#[test]
fn each_gets_gpus_of_its_own() {
    let sandbox = four("gpu = 1", "");
    let flow = |gpus: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flow"));
        command
            .args(["run", "--jobs", "4"])
            .current_dir(sandbox.path(""));
        command.env("CUDA_VISIBLE_DEVICES", gpus).output().unwrap()
    };
    assert!(flow("3,GPU-b").status.success());
    let (most, gpus) = at_work(&sandbox);
    assert!(most <= 2 && gpus.len() == 4);
    assert!(
        gpus.values()
            .all(|gpu| ["3", "GPU-b"].contains(&gpu.as_str())),
        "{gpus:?}"
    );
    fs::remove_dir_all(sandbox.path("cache")).unwrap();
    let said = flow("");
    assert_eq!(said.status.code(), Some(1));
    let words = String::from_utf8(said.stderr).unwrap();
    assert!(
        words.contains("it needs 1 GPUs, and this run has 0"),
        "{words}"
    );
}

/// Runs a study through `sh -c LINE`, hangs up once its node is at work, and lets that end after.
fn hung_up(line: &str) -> (Option<i32>, String) {
    let sandbox = Sandbox::empty();
    let (began, go) = (sandbox.path("began"), sandbox.path("go"));
    sandbox.write(
        "pipeline.toml",
        format!(
            "[node.waits]\nkind = \"command\"\nwrites = [\".\"]\noutputs = {{ out = \"o\" }}\n\
             shell = \"touch {began}; until [ -e {go} ]; do sleep 0.01; done; touch {{out}}\"\n",
            began = began.display(),
            go = go.display(),
        ),
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", line, env!("CARGO_BIN_EXE_flow")]);
    shell.current_dir(sandbox.path("."));
    shell.stdout(Stdio::piped()).stderr(Stdio::null());
    let flow = shell.spawn().unwrap();
    while !began.exists() {
        thread::yield_now();
    }
    let id = flow.id().to_string();
    let told = Command::new("kill").args(["-HUP", &id]).status();
    assert!(told.unwrap().success());
    // One that stops does so without waiting for this.
    if line.contains("trap") {
        sandbox.write("go", "");
    }
    let output = flow.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

/// Whether whoever started these tests made them deaf to SIGHUP, as `nohup` does: no shell can undo that for a
/// run.
fn hang_ups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn a_terminal_that_closes_stops_a_run_unless_it_is_told_not_to() {
    if hang_ups_are_ignored() {
        eprintln!("skipped: a run that stops, because these tests run under `nohup`");
    } else {
        let (code, said) = hung_up("exec \"$0\" run --json");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("\"because\":\"a signal to stop\""), "{said}");
    }
    let (code, said) = hung_up("trap '' HUP; exec \"$0\" run --json");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.ends_with("\"ran\":1,\"cached\":0,\"failed\":0,\"skipped\":0}\n"),
        "{said}"
    );
}
