//! A study of so many nodes that its plan is kept.

use std::fmt::Write;
use std::fs;

use crate::sandbox::Sandbox;

const NODES: usize = 210;

/// `n_1` takes the first four bytes of `seed.txt`, and each other node what the one before gave, with `tail`.
fn chain(tail: &str) -> String {
    let mut study = String::from("[study]\nname = \"chain\"\n[params]\ntail = \"\"\n");
    for at in 1..=NODES {
        let (input, shell) = match at {
            1 => ("{ file = \"seed.txt\" }".to_owned(), "head -c 4 {before}"),
            _ => (format!("\"n_{}.out\"", at - 1), "cat {before}"),
        };
        let tail = if at == NODES { tail } else { "" };
        let _ = write!(
            study,
            "[node.n_{at}]\nkind = \"command\"\ninputs = {{ before = {input} }}\n\
             shell = \"{shell} > {{out}}{tail}\"\noutputs = {{ out = \"out.txt\" }}\n"
        );
    }
    study + &format!("[node.n_{NODES}.publish]\nout = \"last.txt\"\n")
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&chain(""));
    sandbox.write("seed.txt", "seed 0");
    sandbox
}

#[test]
fn a_kept_plan_is_used_for_the_study_it_is_of_and_no_other() {
    let sandbox = sandbox();
    let all = NODES as u64;
    // One that copies what another copied has its key.
    assert_eq!(sandbox.run(&[]).counts(), [2, all - 2, 0, 0]);
    assert!(sandbox.path("cache/plan").is_file());
    sandbox.write("seed.txt", "seed 1");
    assert_eq!(sandbox.run(&[]).counts(), [1, all - 1, 0, 0]);

    sandbox.write("pipeline.toml", chain("; echo more >> {out}"));
    assert_eq!(sandbox.run(&[]).counts(), [1, all - 1, 0, 0]);
    assert_eq!(sandbox.read("reports/last.txt"), "seedmore\n");
    sandbox.write("pipeline.toml", chain("; echo $tail >> {out}"));
    sandbox.run(&["--set", "tail=a"]);
    assert_eq!(sandbox.read("reports/last.txt"), "seeda\n");
    sandbox.run(&["--set", "tail=b"]);
    assert_eq!(sandbox.read("reports/last.txt"), "seedb\n");
    sandbox.run(&[]);
    assert_eq!(sandbox.read("reports/last.txt"), "seed\n");

    sandbox.write(
        "pipeline.toml",
        chain("").replace("cat {before}", "cat {befor}"),
    );
    let said = sandbox.flow(&["run"]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn a_damaged_kept_plan_costs_nothing_but_time() {
    let sandbox = sandbox();
    let all = NODES as u64;
    sandbox.run(&[]);
    let path = sandbox.path("cache/plan");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    for damaged in [&flipped, &whole[..whole.len() - 1], &whole[..20], &[]] {
        fs::write(&path, damaged).unwrap();
        let status = sandbox.flow(&["status", "--json"]);
        assert_eq!(status.code, 0, "{}", status.err);
        sandbox.write("seed.txt", format!("seed cut to {}", damaged.len()));
        assert_eq!(sandbox.run(&[]).counts(), [1, all - 1, 0, 0]);
        assert_eq!(fs::read(&path).unwrap(), whole, "it is kept anew");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    sandbox.write("seed.txt", "seed in a folder");
    assert_eq!(sandbox.run(&[]).counts(), [1, all - 1, 0, 0]);
}
