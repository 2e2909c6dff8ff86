//! Retries, timeouts, stopping, and what is left of commands: nothing.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use flow_engine::Event;

use crate::lab::Lab;

/// Whether a process still runs; one that nobody has reaped yet doesn't.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !matches!(
        stat.rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next()),
        None | Some('Z' | 'X')
    )
}

/// Whether a process ends long before it would by itself: a kill is on its way before it has come.
fn ends(pid: &str) -> bool {
    let begin = Instant::now();
    while runs(pid) && begin.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(1));
    }
    !runs(pid)
}

/// Waits for a file to be there with something in it.
fn awaited(path: &Path) -> String {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("{} never came", path.display())
}

fn command(lab: &Lab, shell: &str, more: &str) -> String {
    let shell = shell.replace("OUTSIDE", &lab.path("outside").display().to_string());
    format!(
        "[node.c]\nkind = \"command\"\nshell = '''{shell}'''\noutputs = {{ out = \"o\" }}\nwrites = [\".\"]\n{more}\n"
    )
}

#[test]
fn a_command_that_fails_is_tried_again_in_a_fresh_folder() {
    let lab = Lab::new("");
    let shell = "test ! -e left && touch left && echo x >> OUTSIDE && test $(wc -l < OUTSIDE) = 3 && touch o";
    lab.study(&command(&lab, shell, "retries = 2"));
    let did = lab.run();
    assert_eq!(did.counts(), [1, 0, 0, 0], "{:?}", did.events);
    let warned = |event: &&Event| matches!(event, Event::Warned { .. });
    assert_eq!(did.events.iter().filter(warned).count(), 2);
}

#[test]
fn a_timeout_ends_the_whole_tree() {
    let lab = Lab::new("");
    let shell = "((setsid sh -c 'echo $$ >> OUTSIDE; sleep 300' &); setsid sh -c 'echo $$ >> OUTSIDE; sleep 300' & \
         sleep 300 & echo $! >> OUTSIDE; wait)";
    lab.study(&command(&lab, shell, "timeout = \"300 ms\""));
    let did = lab.run();
    assert!(
        did.errors().contains("longer than its timeout"),
        "{}",
        did.errors()
    );
    let pids = lab.read("outside");
    assert_eq!(pids.lines().count(), 3, "one of them has lost its parent");
    assert!(pids.lines().all(ends), "{pids}");
}

#[test]
fn a_timeout_ends_who_left_group_folder_and_environment() {
    let lab = Lab::new("");
    let shell = "(cd /; env -i setsid sh -c 'echo $$ > OUTSIDE; exec sleep 300' &); sleep 300";
    lab.study(&command(&lab, shell, "timeout = \"300 ms\""));
    assert_eq!(lab.run().counts(), [0, 0, 1, 0]);
    assert!(ends(&lab.read("outside")));
}

#[test]
fn what_a_command_left_running_ends_with_it() {
    let lab = Lab::new("");
    lab.study(&command(&lab, "sleep 300 & echo $! > OUTSIDE; touch o", ""));
    assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
    assert!(ends(&lab.read("outside")));
}

#[test]
fn a_stopped_run_ends_its_commands_and_goes_on_later() {
    let lab = Lab::new("");
    let study = format!(
        "{}[node.a]\nkind = \"say\"\nwords = \"w\\n\"\npublish = {{ out = \"a\" }}\n",
        command(
            &lab,
            "echo $$ >> OUTSIDE; test -e GO || sleep 300; touch o",
            ""
        )
        .replace("GO", &lab.path("go").display().to_string())
    );
    lab.study(&study);
    thread::scope(|scope| {
        let run = scope.spawn(|| lab.run().counts());
        awaited(&lab.path("outside"));
        awaited(&lab.path("reports/a"));
        lab.stop.store(true, Ordering::Relaxed);
        // A command that was waited for would be done.
        assert_eq!(run.join().unwrap(), [1, 0, 0, 1]);
    });
    assert!(ends(&lab.read("outside")));
    lab.stop.store(false, Ordering::Relaxed);
    lab.write("go", "");
    assert_eq!(lab.run().ran(), ["c"]);
}

#[test]
fn a_command_sees_path_and_what_is_declared() {
    let lab = Lab::new("");
    lab.study(&command(
        &lab,
        "env > o",
        "environment = { LC_ALL = \"C\" }\npublish = { out = \"env\" }",
    ));
    lab.run();
    let seen = lab.read("reports/env");
    // The shell itself adds where it is.
    let own = ["PATH", "TMPDIR", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"];
    let foreign: Vec<&str> = seen
        .lines()
        .filter(|line| !own.contains(&line.split('=').next().unwrap_or_default()))
        .collect();
    assert!(foreign.is_empty() && seen.contains("LC_ALL=C"), "{seen}");
}

#[test]
fn a_gpu_that_is_not_there_is_said() {
    let did = Lab::new("[node.a]\nkind = \"say\"\nwords = \"w\"\ngpu = 900\n").run();
    assert_eq!(did.counts(), [0, 0, 1, 0]);
    assert!(did.errors().contains("needs 900 GPUs"), "{}", did.errors());
}

#[test]
fn a_daemon_of_a_command_that_did_well_ends_too() {
    let lab = Lab::new("");
    let daemon = "setsid sh -c 'cd /; echo $$ > OUTSIDE; sleep 300' & until test -s OUTSIDE; do :; done; touch o";
    lab.study(&command(&lab, daemon, ""));
    assert_eq!(lab.run().counts(), [1, 0, 0, 0]);
    assert!(ends(&lab.read("outside")));
}

#[test]
fn a_command_finds_nothing_of_the_one_before() {
    let lab = Lab::new(
        "[node.c]\nkind = \"command\"\nfor_each = { i = \"0..4\" }\nparams = { i = \"$i\" }\n\
         shell = \"touch o; find . | sort > o; mkdir -p a/b; echo {i} | tee left a/b/left .tmp/left\"\n\
         outputs = { out = \"o\" }\npublish = { out = \"$i.txt\" }\n",
    );
    assert_eq!(lab.run().counts(), [4, 0, 0, 0]);
    for i in 0..4 {
        let found = lab.read(&format!("reports/{i}.txt"));
        assert_eq!(found, ".\n./.tmp\n./flow.json\n./o\n");
    }
}
