//! Valid studies plan, and the plan says what the study says.

use std::time::Duration;

use crate::toys::{STUDY, Toys, planned, planned_with};
use flow_contract::{Arity, Catalog, Params, Row, Value};
use flow_plan::{Axis, AxisValues, ExpandError, Plan, Point, Source, TargetError, file_row};

fn study() -> Plan {
    planned(STUDY).unwrap_or_else(|problems| panic!("{}", problems.render()))
}

fn node<'p>(plan: &'p Plan, name: &str) -> &'p flow_plan::Node {
    plan.node(plan.by_name(name).unwrap())
}

fn no_rows(_: &Axis) -> Vec<Row> {
    Vec::new()
}

fn labels(points: &[Point]) -> Vec<String> {
    points
        .iter()
        .map(|point| point.labels.to_string())
        .collect()
}

fn row(pairs: &[(&str, &str)]) -> Row {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect()
}

#[test]
fn the_head_and_the_params_are_filled_in() {
    let plan = study();
    assert_eq!(plan.name(), "sleep-lrp");
    assert_eq!(plan.description(), Some("explains data/telemetry"));
    assert_eq!(plan.seed(), 2021, "a param `seed` is the study's seed");
    assert_eq!(plan.cache().to_str(), Some("cache"));
    assert_eq!(
        plan.params()["rules"].to_string(),
        "[epsilon(0.01), epsilon(100), alpha-beta(1,0)]"
    );
    assert_eq!(
        plan.report().unwrap().title.as_deref(),
        Some("Sleep, seed 2021")
    );
}

#[test]
fn nodes_are_ordered_after_what_they_take_from() {
    let plan = study();
    let names: Vec<&str> = plan
        .order()
        .iter()
        .map(|id| plan.node(*id).name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "recordings",
            "night",
            "zscored",
            "folds",
            "net",
            "relevance",
            "figure1",
            "check",
            "again"
        ]
    );
    let dependencies = plan.dependencies(plan.by_name("relevance").unwrap());
    let names: Vec<&str> = dependencies
        .iter()
        .map(|id| plan.node(*id).name.as_str())
        .collect();
    assert_eq!(names, ["zscored", "net"]);
    assert_eq!(
        plan.dependents(plan.by_name("recordings").unwrap()).len(),
        3
    );
}

#[test]
fn settings_are_read() {
    let plan = study();
    let night = node(&plan, "night");
    assert_eq!(night.resources.cores, 2);
    assert_eq!(night.resources.memory_bytes, Some(2 << 30));
    assert_eq!(night.resources.pools["disk"], 1);
    assert_eq!((night.retries, night.keep), (2, true));
    assert_eq!(night.timeout, Some(Duration::from_secs(5400)));
    assert!(!node(&plan, "net").keep);
}

#[test]
fn seeds_go_to_seeded_kinds_only() {
    let plan = study();
    let seed = |name| {
        let point = Point {
            labels: Default::default(),
            scope: Default::default(),
        };
        node(&plan, name).seed_at(&point).unwrap()
    };
    assert_eq!(seed("recordings"), Some(7));
    assert_eq!(seed("folds"), Some(2021));
    assert_eq!(seed("figure1"), None);
}

#[test]
fn instances_walk_axes_and_leave_out_what_is_excluded() {
    let plan = study();
    let points = node(&plan, "relevance").points(&no_rows).unwrap();
    assert_eq!(
        labels(&points)[..4],
        [
            "fold=0,rule=epsilon(0.01)",
            "fold=0,rule=epsilon(100)",
            "fold=0,rule=alpha-beta(1,0)",
            "fold=1,rule=epsilon(0.01)"
        ]
    );
    assert_eq!(points.len(), 8);
    let publish = &node(&plan, "relevance").publish[0];
    assert_eq!(
        publish.path_at(&points[1]).unwrap(),
        "tables/0/epsilon(100).csv"
    );
}

#[test]
fn params_are_canonical_and_complete() {
    let plan = study();
    let params = |name: &str, at: usize| {
        let node = node(&plan, name);
        let points = node
            .points(&|axis| vec![row(&[(&axis.name, "a")])])
            .unwrap();
        let params = node.params_at(&points[at], Toys.kind(&node.kind).unwrap());
        Params::clone(&params.unwrap())
    };
    assert_eq!(*params("night", 0).value("seconds"), Value::Float(30.0));
    assert_eq!(*params("net", 2).value("fold"), Value::Int(2));
    assert_eq!(*params("net", 2).value("rate"), Value::Float(1e-3));
    assert_eq!(
        *params("relevance", 2).value("rule"),
        Value::from("alpha-beta(1,0)")
    );
    assert_eq!(
        *params("figure1", 0).value("title"),
        Value::from("Shares for 2021")
    );
    let outputs = params("check", 0).value("outputs").to_string();
    assert_eq!(outputs, "{out = root.txt, scores = t.parquet}");
}

#[test]
fn rows_give_instances_at_run_time() {
    let plan = study();
    let night = node(&plan, "night");
    let rows = |_: &Axis| vec![row(&[("recording", "ST1"), ("psg", "a b.edf")])];
    let points = night.points(&rows).unwrap();
    assert_eq!(labels(&points), ["recording=ST1"]);
    let files: Vec<String> = night
        .bindings
        .iter()
        .map(|binding| match &binding.sources[0] {
            Source::File(template) => template.text_at(&points[0].scope).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(files, ["data/telemetry/a b.edf", "data/telemetry/ST1.edf"]);
}

#[test]
fn rows_that_make_no_instances_are_refused() {
    let plan = study();
    let night = node(&plan, "night");
    let twice = |_: &Axis| vec![row(&[("recording", "ST1")]), row(&[("recording", "ST1")])];
    let error = night.points(&twice).unwrap_err();
    assert!(matches!(&error, ExpandError::Twice { key, first: 1, second: 2, .. } if key == "ST1"));
    let other = |_: &Axis| vec![row(&[("night", "ST1")])];
    let error = night.points(&other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the table of axis `recording` has no column `recording`; its columns are night"
    );
    let rows = |_: &Axis| vec![row(&[("recording", "ST1")])];
    let points = night.points(&rows).unwrap();
    let Source::File(psg) = &night.bindings[0].sources[0] else {
        panic!("a file was bound");
    };
    assert_eq!(psg.text_at(&points[0].scope).unwrap_err().column, "psg");
}

#[test]
fn commands_have_the_ports_they_declare() {
    let plan = study();
    let check = node(&plan, "check");
    let inputs: Vec<(&str, Arity)> = check
        .signature
        .inputs
        .iter()
        .map(|port| (port.name.as_ref(), port.arity))
        .collect();
    assert_eq!(
        inputs,
        [
            ("left", Arity::One),
            ("script", Arity::One),
            ("all", Arity::Many)
        ]
    );
    let outputs: Vec<&str> = check
        .signature
        .outputs
        .iter()
        .map(|port| port.name.as_ref())
        .collect();
    assert_eq!(outputs, ["log", "out", "scores", "stdout", "stderr"]);
}

#[test]
fn axes_are_the_same_where_name_and_values_are() {
    let plan = study();
    assert_eq!(node(&plan, "net").axes[0], node(&plan, "relevance").axes[0]);
    let AxisValues::Rows {
        node: source,
        output,
    } = &node(&plan, "night").axes[0].values
    else {
        panic!("rows were declared");
    };
    assert_eq!(
        (plan.node(*source).name.as_str(), output.as_str()),
        ("recordings", "table")
    );
}

#[test]
fn overrides_reach_everything_that_refers_to_them() {
    let set = |value| {
        let plan = planned_with(STUDY, &[("epsilon", value)]).unwrap();
        plan.params()["rules"].to_string()
    };
    assert_eq!(set("[0.5]"), "[epsilon(0.5), alpha-beta(1,0)]");
    assert_eq!(set("0.5"), "[epsilon(0.5), alpha-beta(1,0)]");
    assert_eq!(
        set("log(0.001, 0.1, 3)"),
        "[epsilon(0.001), epsilon(0.01), epsilon(0.1), alpha-beta(1,0)]"
    );
    let plan = planned_with(STUDY, &[("nights", "7"), ("seed", "5"), ("seed", "6")]).unwrap();
    assert_eq!(plan.params()["nights"], Value::from("7"));
    assert_eq!(plan.seed(), 6);
}

#[test]
fn targets_are_addressed_by_value() {
    let plan = study();
    let target = plan
        .target("relevance[fold=1,rule=alpha-beta(1,0)]")
        .unwrap();
    let points = node(&plan, "relevance").points(&no_rows).unwrap();
    let matching = points.iter().filter(|point| target.matches(&point.labels));
    assert_eq!(matching.count(), 1);
    assert_eq!(plan.target("night[recording=ST1]").unwrap().labels.len(), 1);
    for (text, words) in [
        (
            "relevence",
            "there is no node `relevence`; did you mean `relevance`?",
        ),
        (
            "net[folds=1]",
            "node `net` has no axis `folds`; did you mean `fold`?",
        ),
        ("net[fold=9]", "axis `fold` of `net` has no value `9`"),
        (
            "net[fold",
            "`net[fold` is not an address; write `node` or `node[axis=value]`",
        ),
    ] {
        assert_eq!(plan.target(text).unwrap_err().to_string(), words);
    }
    assert!(matches!(
        plan.target("net.weights"),
        Err(TargetError::UnknownNode { .. })
    ));
}

#[test]
fn listed_rows_zip_and_include() {
    let plan = planned(
        r#"
        [node.a]
        kind = "folds"
        for_each = { case = [{ case = "x", n = 5 }, { case = "y", n = 7 }], k = "0..2", l = [true] }
        zip = [["k", "case"]]
        include = [{ l = true, k = 9, case = "x" }, { case = "x", k = 0, l = true }]
        count = "$case.n"
        "#,
    )
    .unwrap();
    let node = &plan.nodes()[0];
    let points = node.static_points().unwrap().unwrap();
    assert_eq!(
        labels(&points),
        [
            "case=x,k=0,l=true",
            "case=y,k=1,l=true",
            "case=x,k=9,l=true"
        ]
    );
    let counts: Vec<i64> = points
        .iter()
        .map(|point| {
            node.params_at(point, Toys.kind("folds").unwrap())
                .unwrap()
                .int("count")
        })
        .collect();
    assert_eq!(counts, [5, 7, 5]);
}

#[test]
fn sweeping_seeds_gives_each_instance_its_own() {
    let plan = planned("[node.a]\nkind='folds'\nfor_each={seed='0..3'}\nseed='$seed'").unwrap();
    let node = &plan.nodes()[0];
    let points = node.static_points().unwrap().unwrap();
    let seeds: Vec<_> = points
        .iter()
        .map(|point| node.seed_at(point).unwrap())
        .collect();
    assert_eq!(seeds, [Some(0), Some(1), Some(2)]);
}

#[test]
fn an_axis_is_idle_where_nothing_of_its_node_depends_on_it() {
    let plan = planned(
        r#"
        [node.a]
        kind = "command"
        for_each = { fold = [1, 2], used = [1, 2] }
        shell = "echo $used > {out}"
        outputs = { out = "a.txt", parts = "parts/*.csv" }
        publish = { out = "a-$used-$fold.txt" }

        [node.b]
        kind = "command"
        for_each = { fold = [1, 2], other = [1, 2] }
        shell = "cat {a} > {out}"
        inputs = { a = "a[used=1].out" }
        outputs = { out = "b.txt" }

        [node.c]
        kind = "command"
        shell = "touch parts/x"
        outputs = { parts = "parts/*" }

        [node.d]
        kind = "command"
        for_each = { part = "c.parts" }
        shell = "cat {part} > {out}"
        inputs = { part = "c.parts" }
        outputs = { out = "d.txt" }
        "#,
    )
    .unwrap();
    let idle = plan.idle_axes().into_iter();
    let idle = idle.map(|(node, axis)| format!("{}.{}", node.name, axis.name));
    assert_eq!(idle.collect::<Vec<_>>(), ["a.fold", "b.other"]);
}

#[test]
fn files_are_rows_too() {
    let plan = planned(
        r#"
        [node.a]
        kind = "epoch"
        for_each = { night = { files = "data/*.edf" } }
        psg = { file = "$night.path" }
        "#,
    )
    .unwrap();
    let node = &plan.nodes()[0];
    let points = node
        .points(&|axis| vec![file_row(&axis.name, "data/ST1.x.edf")])
        .unwrap();
    assert_eq!(labels(&points), ["night=ST1.x"]);
    let Source::File(template) = &node.bindings[0].sources[0] else {
        panic!("a file was bound");
    };
    assert_eq!(
        template.text_at(&points[0].scope).unwrap(),
        "data/ST1.x.edf"
    );
}

#[test]
fn values_from_rows_are_checked_when_they_come() {
    let plan = planned(
        "[node.r]\nkind='recordings'\n[node.a]\nkind='folds'\nfor_each={s='r.table'}\ncount='$s.n'",
    )
    .unwrap();
    let node = &plan.nodes()[1];
    let with = |n: Value| {
        let row = Row::from([("s".to_owned(), Value::Int(1)), ("n".to_owned(), n)]);
        let points = node.points(&|_| vec![row.clone()]).unwrap();
        node.params_at(&points[0], Toys.kind("folds").unwrap())
            .map(|params| params.int("count"))
    };
    assert_eq!(with(Value::Float(4.0)).unwrap(), 4);
    assert_eq!(
        with(Value::Int(1)).unwrap_err().to_string(),
        "`count` wants a whole number from 2 to 1000, but this is 1, at s=1"
    );
    assert!(with(Value::from("four")).is_err());
}

#[test]
fn many_nodes_are_checked_as_few_are() {
    let study = |count_of: fn(usize) -> usize| {
        let nodes = (0..900).map(|at| {
            let before = at.max(1) - 1;
            let count = count_of(at);
            format!(
                "[node.n{at}]\nkind = \"folds\"\ntables = \"n{before}.table\"\ncount = {count}\n"
            )
        });
        nodes
            .collect::<String>()
            .replacen("\"n0.table\"", "{ file = \"a\" }", 1)
    };
    let plan = planned(&study(|at| 2 + at)).unwrap();
    for at in [0, 299, 300, 899] {
        let node = node(&plan, &format!("n{at}"));
        let points = node.static_points().unwrap().unwrap();
        let params = node.params_at(&points[0], Toys.kind("folds").unwrap());
        assert_eq!(params.unwrap().count("count"), 2 + at);
    }
    let broken = planned(&study(|at| if at % 890 == 5 { 1 } else { 2 }));
    let said = broken.unwrap_err().render();
    let told = said.matches("wants a whole number from 2 to 1000").count();
    assert_eq!(told, 2, "{said}");
}

#[test]
fn the_schema_is_json_and_knows_every_kind_word_and_param() {
    let text = flow_plan::schema(&Toys);
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    for kind in Toys.kinds() {
        let descriptor = kind.descriptor();
        let properties = &schema["definitions"][descriptor.name]["properties"];
        let params = descriptor.params.iter().map(|spec| spec.name);
        let ports = descriptor.inputs.iter().map(|port| port.name.as_ref());
        for key in params.chain(ports).chain(["kind", "for_each", "publish"]) {
            assert!(properties[key].is_object(), "{} {key}", descriptor.name);
        }
        assert_eq!(properties["seed"].is_object(), descriptor.seeded);
    }
    let seconds = &schema["definitions"]["epoch"]["properties"]["seconds"];
    assert_eq!(seconds["default"], 30.0);
    assert_eq!(seconds["anyOf"][0]["maximum"], 120.0);
    assert_eq!(
        schema["definitions"]["lrp"]["required"],
        serde_json::json!(["kind", "weights", "rule"])
    );
}
