//! The questions: status, why, graph, kinds, show, fsck, gc.

use std::fs;

use serde_json::Value;

use crate::sandbox::{SMALL, Sandbox};

fn answers(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.flow(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
    said.last()
}

#[test]
fn status_and_why_say_what_would_run() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&[]);
    let set = ["--set", "epsilon=[0.01, 7.0]"];
    let status = answers(&sandbox, &[&["status", "--json"][..], &set].concat());
    let standing = |name: &str| {
        let found = status
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["instance"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["standing"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(standing("net[fold=1]"), "current");
    assert_eq!(standing("relevance[fold=2,rule=epsilon(7)]"), "stale");
    assert_eq!(standing("figure1"), "depends_on");
    let why = answers(
        &sandbox,
        &["why", "net[fold=1]", "--json", "--set", "epsilon=[0.01]"],
    );
    assert_eq!(why.as_array().unwrap().len(), 1);
    let changed = Sandbox::new(&SMALL.replace("batch = 16", "batch = 8"));
    fs::rename(sandbox.path("cache"), changed.path("cache")).unwrap();
    let said = changed.flow(&["why", "net[fold=2]"]);
    assert!(
        said.out.contains("`params.batch` was 16 and is 8"),
        "{}",
        said.out
    );
}

#[test]
fn the_default_study_is_valid() {
    let sandbox = Sandbox::new(include_str!("../../pipeline.toml"));
    let said = sandbox.flow(&["check"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let paper = [
        "--set",
        "minutes=480",
        "--set",
        "folds=10",
        "--set",
        "training_epochs=100",
        "--set",
        "batch=128",
    ];
    assert_eq!(sandbox.flow(&[&["check"][..], &paper].concat()).code, 0);
}

#[test]
fn graph_kinds_and_show_answer() {
    let sandbox = Sandbox::new(SMALL);
    let graph = answers(&sandbox, &["graph", "--json"]);
    assert!(
        graph["edges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|edge| edge[0] == "net" && edge[1] == "relevance")
    );
    assert!(sandbox.flow(&["graph"]).out.contains("net --> relevance"));
    let kinds = answers(&sandbox, &["kinds", "--json"]);
    assert!(
        kinds
            .as_array()
            .unwrap()
            .iter()
            .any(|kind| kind["name"] == "lrp")
    );
    sandbox.run(&["nights"]);
    let shown = sandbox.flow(&["show", "nights.recordings", "--rows", "2"]);
    assert!(
        shown.out.contains("ST7011") && shown.out.contains("6 rows in all"),
        "{}",
        shown.out
    );
}

#[test]
fn fsck_finds_a_flipped_bit_and_the_next_run_mends_it() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&["zscored"]);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
    let folder = fs::read_dir(sandbox.path("cache/blobs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let blob = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, bytes).unwrap();
    let said = sandbox.flow(&["fsck"]);
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(said.out.contains("damaged"), "{}", said.out);
    assert_eq!(sandbox.run(&["zscored"]).counts()[0], 1);
    assert_eq!(sandbox.flow(&["fsck"]).code, 0);
}

#[test]
fn gc_keeps_what_the_study_has_and_what_the_last_run_used() {
    let sandbox = Sandbox::new(SMALL);
    let counts = sandbox.run(&[]).counts();
    sandbox.run(&["--set", "epsilon=[5.0]"]);
    let other = sandbox
        .run(&["--set", "epsilon=[7.0]", "relevance"])
        .counts();
    let swept = answers(&sandbox, &["gc", "--json"]);
    assert!(swept["records"].as_u64().unwrap() >= 4, "{swept}");
    let again = sandbox.run(&["--set", "epsilon=[7.0]", "relevance"]);
    assert_eq!(again.counts(), [0, other[0] + other[1], 0, 0]);
    assert_eq!(sandbox.run(&[]).counts(), [0, counts[0], 0, 0]);
}

#[test]
fn show_prints_tables_tensors_and_figures_in_short() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&["epochs"]);
    let table = sandbox.flow(&["show", "nights", "--rows", "1"]).out;
    for words in [
        "nights.recordings: recordings",
        "6 rows × ",
        "2 different: ",
        "6 rows in all",
    ] {
        assert!(table.contains(words), "`{words}` is not in\n{table}");
    }
    let tensors = sandbox
        .flow(&["show", "epochs[recording=ST7011].epochs"])
        .out;
    for words in [
        "axes [epoch, channel, time]",
        "recorded units",
        "channels: EEG, EOG, EMG",
        "x f32 [",
        ", 3, 3000]",
        "█",
    ] {
        assert!(tensors.contains(words), "`{words}` is not in\n{tensors}");
    }
    let shown = answers(
        &sandbox,
        &["show", "epochs[recording=ST7011].epochs", "--json"],
    );
    assert_eq!(shown[0]["tensors"][2]["name"], "x");
    assert_eq!(shown[0]["tensors"][2]["shape"][2], 3000);
    assert_eq!(shown.as_array().unwrap().len(), 1);
    let stale = sandbox.flow(&["show", "scores"]);
    assert!(
        stale
            .out
            .contains("scores.scores: not up to date; `flow run"),
        "{}",
        stale.out
    );
    let wrong = sandbox.flow(&["show", "nights.figure"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .err
            .contains("has no output `figure`; it has recordings"),
        "{}",
        wrong.err
    );
}

#[test]
fn export_writes_each_form_and_overwrites_nothing_unasked() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&["epochs"]);
    let magic: [(&str, &[u8]); 4] = [
        ("csv", b"recording,"),
        ("parquet", b"PAR1"),
        ("npz", b"PK\x03\x04"),
        ("safetensors", b""),
    ];
    for (to, starts) in magic {
        let said = sandbox.flow(&["export", "nights", "--to", to]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(said.out.trim(), format!("nights recordings.{to}"));
        let bytes = fs::read(sandbox.path(&format!("nights recordings.{to}"))).unwrap();
        assert!(bytes.starts_with(starts), "{to}");
    }
    let again = sandbox.flow(&["export", "nights", "--to", "csv"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(
        sandbox
            .flow(&["export", "nights", "--to", "csv", "--force"])
            .code,
        0
    );
    let out = sandbox
        .flow(&["export", "nights.recordings", "--to", "csv", "--out", "-"])
        .out;
    assert_eq!(out, sandbox.read("nights recordings.csv"));
    let many = sandbox.flow(&[
        "export",
        "epochs.epochs",
        "--to",
        "npz",
        "--out",
        "arrays",
        "--json",
    ]);
    assert_eq!(many.last().as_array().unwrap().len(), 6, "{}", many.err);
    assert!(
        sandbox
            .path("arrays/epochs epochs recording=ST7011.npz")
            .is_file()
    );
    let figure = sandbox.flow(&["export", "recorded.psg", "--to", "csv"]);
    assert_eq!(figure.code, 2);
    assert!(
        figure.err.contains("gives no table and no tensors"),
        "{}",
        figure.err
    );
}

#[test]
fn log_tells_of_runs_and_words_and_where_leads_to_raw_files() {
    let sandbox = Sandbox::new(
        "[node.mean]\nkind = \"command\"\nrun = [\"sh\", \"mean.sh\", \"{ages}\"]\n\
         inputs = { ages = { file = \"data/ages.csv\" } }\noutputs = { out = \"mean.txt\" }\n\
         publish = { out = \"mean.txt\" }\n",
    );
    sandbox.write("mean.sh", "echo reading $1; wc -l < $1 > mean.txt");
    sandbox.write("data/ages.csv", "30\n40\n");
    sandbox.run(&[]);
    let said = sandbox.flow(&["log", "mean"]);
    assert!(said.out.contains("reading ages"), "{}", said.out);
    let runs = sandbox.flow(&["log"]).out;
    assert!(runs.contains("1 ran, 0 cached, 0 failed"), "{runs}");
    let id = runs.split_whitespace().next().unwrap();
    assert!(sandbox.flow(&["log", id]).out.contains("run_finished"));

    let traced = answers(&sandbox, &["where", "reports/mean.txt", "--json"]);
    assert_eq!(traced["made_by"]["instance"], "mean", "{traced}");
    assert_eq!(traced["edited"], false);
    let inputs = traced["steps"][0]["inputs"].as_array().unwrap();
    let from = |name: &str| inputs.iter().any(|input| input["from"] == name);
    assert!(from("data/ages.csv") && from("mean.sh"), "{traced}");
    let file = sandbox.path("reports/mean.txt");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "7").unwrap();
    let said = sandbox.flow(&["where", "reports/mean.txt"]);
    assert!(
        said.out.contains("edited since"),
        "{} {}",
        said.out,
        said.err
    );

    sandbox.write("mean.sh", "echo no luck >&2; exit 3");
    assert_eq!(sandbox.flow(&["run"]).code, 1);
    assert!(sandbox.flow(&["log", "mean"]).out.contains("no luck"));
    assert!(sandbox.flow(&["log"]).out.contains("failed: mean"));
}

#[test]
fn diff_says_which_recipes_and_cells_moved() {
    let sandbox = Sandbox::new(SMALL);
    let run = || {
        let out = sandbox.run(&["scores"]).out;
        let begun: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        begun["run"].as_str().unwrap().to_owned()
    };
    let first = run();
    let same = answers(&sandbox, &["diff", &first, &first, "--json"]);
    assert_eq!(same["changes"].as_array().unwrap().len(), 0, "{same}");
    let study = SMALL.replace("draws = 50", "draws = 51");
    sandbox.write("pipeline.toml", study);
    let moved = run();
    let diff = answers(&sandbox, &["diff", &first, &moved, "--json"]);
    let changes = diff["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{diff}");
    assert_eq!(changes[0]["instance"], "scores");
    assert_eq!(changes[0]["recipe"]["part"], "params.draws");
    let said = sandbox.flow(&["diff", &first, &moved]).out;
    assert!(said.contains("`params.draws` was 50 and is 51"), "{said}");
    assert_eq!(sandbox.flow(&["diff", &first, "no-such"]).code, 2);
}

#[test]
fn diff_without_names_takes_runs_that_were_asked_for_the_same() {
    let study = |n: u32| {
        let node = |name: &str| format!("[node.{name}]\nkind = \"cohort\"\nsubjects = {n}\n");
        ["a", "b", "c"].map(node).concat()
    };
    let sandbox = Sandbox::new(&study(2));
    let none = sandbox.flow(&["diff"]);
    assert!(
        none.code == 2 && none.err.contains("no two runs"),
        "{}",
        none.err
    );
    let diff = || answers(&sandbox, &["diff", "--json"]);
    let changed = |diff: &Value| diff["changes"].as_array().unwrap().len();
    sandbox.run(&[]);
    assert!(sandbox.flow(&["diff"]).err.contains("no two runs"));
    // A run of everything has all that one target gave.
    sandbox.write("pipeline.toml", study(3));
    sandbox.run(&["b"]);
    let told = diff();
    assert_eq!(told["second"]["targets"], serde_json::json!(["b"]));
    assert_eq!(
        (changed(&told), &told["unasked_in_second"]),
        (1, &2.into()),
        "{told}"
    );
    let said = sandbox.flow(&["diff"]).out;
    assert!(
        said.contains("asked for everything") && said.contains("asked for `b`"),
        "{said}"
    );
    assert!(
        said.contains("2 only in the first run, not asked for"),
        "{said}"
    );
    // Not the other way round: the run of `b` is passed over.
    sandbox.run(&[]);
    let told = diff();
    assert_eq!(told["first"]["targets"], serde_json::json!([]));
    assert_eq!(
        (changed(&told), &told["unasked_in_first"]),
        (3, &0.into()),
        "{told}"
    );
    // What fails is told, and the run before a sweep is not taken for one of it.
    sandbox.write("pipeline.toml", study(3) + FAILS);
    sandbox.flow(&["run", "--keep-going"]);
    let said = sandbox.flow(&["diff"]).out;
    assert!(
        said.contains("d: only in the second run\n3 equal, 1 differ"),
        "{said}"
    );
    sandbox.write(
        "pipeline.toml",
        study(3).replace("= 3", "= \"$n\"") + "[params]\nn = 3\n",
    );
    sandbox.run(&["--sweep", "n=[3,4]"]);
    let alone = sandbox.flow(&["diff"]);
    assert_eq!(alone.code, 2, "{}", alone.out);
    assert!(alone.err.contains("everything over n"), "{}", alone.err);
}

/// A node that can't be made.
const FAILS: &str = "[node.d]\nkind = \"command\"\nshell = \"exit 1\"\n";

/// Whether `python3` on PATH has a module.
fn python_has(module: &str) -> bool {
    let import = format!("import {module}");
    let tried = std::process::Command::new("python3")
        .args(["-c", &import])
        .output();
    tried.is_ok_and(|done| done.status.success())
}

#[test]
fn the_template_of_commands_runs_where_numpy_is() {
    if !python_has("numpy") {
        eprintln!("skipped: python3 has no numpy here");
        return;
    }
    let sandbox = Sandbox::empty();
    sandbox.flow(&["init", "--template", "commands"]);
    assert_eq!(sandbox.run(&[]).counts(), [18, 0, 0, 0]);
    let said = sandbox.flow(&["log", "delta"]).out;
    let source = match python_has("pyarrow") {
        true => "read from Parquet",
        false => "read from CSV",
    };
    assert!(said.contains(source), "{said}");
    let script = sandbox.read("delta.py").replace(":.6f", ":.3f");
    sandbox.write("delta.py", script);
    let ran = sandbox.run(&[]).ran();
    assert!(ran.len() == 5 && ran[4] == "summary", "{ran:?}");
}

#[test]
fn a_notice_is_said_before_anything_runs() {
    let lab =
        Sandbox::new("[study]\nnotice = \"It takes\\nhours.\"\n[node.n]\nkind = \"cohort\"\n");
    let notice = "notice  It takes\n        hours.\n";
    for question in ["check", "status"] {
        assert!(lab.flow(&[question]).out.contains(notice), "{question}");
    }
    let said = lab.flow(&["run"]);
    assert!(said.err.starts_with(notice), "{}", said.err);
    for question in ["run", "status"] {
        let said = lab.flow(&[question]);
        assert!(!(said.out + &said.err).contains("hours"), "{question}");
    }
}

#[test]
fn why_leads_to_the_file_before_and_after_the_run() {
    let sandbox = Sandbox::new(MEAN);
    sandbox.write("mean.sh", "wc -l < $1 > mean.txt");
    sandbox.write("data/ages.csv", "30\n40\n");
    sandbox.run(&["text"]);
    sandbox.write("data/ages.csv", "30\n40\n50\n");
    let before = sandbox.flow(&["why", "text"]).out;
    for words in [
        "text waits: it depends on mean",
        "← mean would run: its input file data/ages.csv changed (",
    ] {
        assert!(before.contains(words), "{before}");
    }
    let status = sandbox.flow(&["status"]).out;
    let words = "would run   mean: its input file data/ages.csv changed (";
    assert!(status.contains(words), "{status}");
    sandbox.run(&["text"]);
    let after = sandbox.flow(&["why", "text"]).out;
    for words in [
        "text is up to date, made 2",
        "its input mean.out changed (",
        "← mean, made 2",
        "its input file data/ages.csv changed (",
    ] {
        assert!(after.contains(words), "{after}");
    }
    let told = answers(&sandbox, &["why", "text", "--json"]);
    let because = &told[0]["because"];
    assert_eq!(because[0]["reason"], "input", "{told}");
    assert_eq!(because[1]["reason"], "file");
    assert_eq!(because[1]["file"], "data/ages.csv");
    let first = sandbox.flow(&["why", "never"]).out;
    assert!(
        first.contains("never would run: it never ran here"),
        "{first}"
    );
}

/// A command, what reads its output, and a node nobody changes.
const MEAN: &str = "[node.mean]\nkind = \"command\"\nrun = [\"sh\", \"mean.sh\", \"{ages}\"]\n\
    inputs = { ages = { file = \"data/ages.csv\" } }\noutputs = { out = \"mean.txt\" }\n\
    [node.text]\nkind = \"command\"\nshell = \"cat {mean} > {out}\"\n\
    inputs = { mean = \"mean.out\" }\noutputs = { out = \"text.txt\" }\n\
    [node.never]\nkind = \"cohort\"\nsubjects = 2\n";

#[test]
fn a_run_with_nothing_to_do_is_in_the_log_and_equals_the_run_it_repeats() {
    let sandbox = Sandbox::new("[node.nights]\nkind = \"cohort\"\nsubjects = 2\n");
    let id = |said: &crate::sandbox::Said| {
        let begun: Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
        begun["run"].as_str().unwrap().to_owned()
    };
    let first = id(&sandbox.run(&[]));
    let repeat = id(&sandbox.run(&[]));
    assert_ne!(first, repeat);
    let listed = sandbox.flow(&["log", "--json"]).out;
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    let last = listed
        .iter()
        .find(|run| run["run"] == repeat.as_str())
        .unwrap();
    assert_eq!(
        (&last["cached"], &last["repeats"]),
        (&1.into(), &first.clone().into())
    );
    assert!(sandbox.flow(&["log", &repeat]).out.contains(&first));
    let diff = answers(&sandbox, &["diff", &first, &repeat, "--json"]);
    assert_eq!(diff["equal"], 1, "{diff}");
}

#[test]
fn a_cut_off_parquet_is_refused_and_files_of_a_pattern_are_shown() {
    let sandbox = Sandbox::new(
        "[node.nights]\nkind = \"cohort\"\nsubjects = 2\n\
         [node.cut]\nkind = \"command\"\nshell = \"head -c 900 {table} > cut.parquet\"\n\
         inputs = { table = \"nights.recordings\" }\noutputs = { out = \"cut.parquet\" }\n\
         [node.parts]\nkind = \"command\"\nshell = \"mkdir parts; for p in a b; do echo name,$$p > parts/$$p.csv; done\"\n\
         outputs = { all = \"parts/*.csv\" }\n",
    );
    let said = sandbox.flow(&["run", "cut"]);
    assert_eq!(said.code, 1);
    for words in ["no whole parquet file", "type = \"file\""] {
        assert!(
            said.err.contains(words) || said.out.contains(words),
            "{} {}",
            said.err,
            said.out
        );
    }
    sandbox.run(&["parts"]);
    let shown = sandbox.flow(&["show", "parts.all"]).out;
    assert!(
        shown.contains("parts.all/a.csv") && shown.contains("name,b"),
        "{shown}"
    );
    let one = sandbox.flow(&["show", "parts.all/b.csv"]).out;
    assert!(one.contains("name,b") && !one.contains("a.csv"), "{one}");
}

#[test]
fn the_graph_is_drawn_by_instance_in_every_form() {
    let sandbox = Sandbox::new(SMALL);
    sandbox.run(&["folds", "recorded"]);
    let by = |format: &str| {
        let said = sandbox.flow(&["graph", "--by", "instance", "--format", format]);
        assert_eq!(said.code, 0, "{}", said.err);
        said.out
    };
    let mermaid = by("mermaid");
    assert!(
        mermaid.contains("[\"net[fold=1]<br/><small>train"),
        "{mermaid}"
    );
    assert!(by("dot").contains("\"folds\" -> \"net[fold=2]\";"));
    assert!(by("svg").contains("<svg"));
    let told: Value = serde_json::from_str(&by("json")).unwrap();
    let edge = ["recorded[recording=ST7011]", "epochs[recording=ST7011]"];
    assert!(
        told["edges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| *one == Value::from(edge.to_vec()))
    );
    let svg = sandbox.flow(&["graph", "--format", "svg"]).out;
    assert!(svg.contains("net") && svg.contains("<svg"));
}
