//! `--sweep`: which nodes are there how often, and what they take from.

use flow_contract::Catalog;
use flow_plan::{Plan, Problems, Source, Sweep};

use crate::toys::{Toys, owned, planned_at};

const STUDY: &str = r#"
[study]
name = "x"
[params]
count = 3
retries = 0
epsilon = [0.01, 100.0]

[node.recordings]
kind = "recordings"

[node.folds]
kind = "folds"
count = "$count"
publish = { table = "folds.csv" }

[node.more]
kind = "folds"
tables = "folds.table"
retries = "$retries"

[node.other]
kind = "folds"
for_each = { e = "$epsilon" }
"#;

fn swept(sweeps: &[(&str, &str)]) -> Result<Plan, Problems> {
    combined(sweeps, [&[], &[], &[]])
}

/// A sweep with its zips, excludes and includes.
fn combined(sweeps: &[(&str, &str)], told: [&[&str]; 3]) -> Result<Plan, Problems> {
    let [zip, exclude, include] =
        told.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
    let sweep = Sweep {
        values: owned(sweeps),
        zip,
        exclude,
        include,
    };
    planned_at(STUDY, &[], &sweep)
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.nodes().iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn what_depends_on_a_swept_param_is_there_once_for_each_value() {
    let plan = swept(&[("count", "[3, 5]")]).unwrap();
    let wanted = [
        "recordings",
        "folds[count=3]",
        "folds[count=5]",
        "more[count=3]",
        "more[count=5]",
        "other",
    ];
    assert_eq!(names(&plan), wanted);
    let more = plan.by_name("more[count=5]").unwrap();
    let Source::Output { node, .. } = &plan.node(more).bindings[0].sources[0] else {
        panic!("an output");
    };
    assert_eq!(plan.node(*node).name, "folds[count=5]");
    let path = &plan.node(*node).publish[0].path;
    assert_eq!(path.written(), "count=5/folds.csv");
}

#[test]
fn two_sweeps_double_a_node_by_those_it_depends_on_only() {
    let plan = swept(&[("count", "[3, 5]"), ("retries", "0..3")]).unwrap();
    let of = |name: &str| {
        plan.nodes()
            .iter()
            .filter(|n| n.study_name() == name)
            .count()
    };
    assert_eq!((of("folds"), of("more"), of("other")), (2, 6, 1));
    assert!(plan.by_name("more[count=5,retries=2]").is_some());
    assert_eq!(plan.targets("more[retries=2]").unwrap().len(), 2);
    assert_eq!(plan.targets("more").unwrap().len(), 6);
    assert!(plan.target("more").is_err());
    let words = plan.targets("more[retries=7]").unwrap_err().to_string();
    assert!(words.contains("has no value `7`"), "{words}");
}

#[test]
fn a_list_param_gets_the_values() {
    let plan = swept(&[("epsilon", "log(1e-3, 100, 6)")]).unwrap();
    let other = plan.node(plan.by_name("other").unwrap());
    assert_eq!(other.static_points().unwrap().unwrap().len(), 6);
    assert_eq!(plan.nodes().len(), 4);
}

#[test]
fn one_value_says_what_set_says() {
    let one = swept(&[("count", "5")]).unwrap();
    // A sweep of one value changes nothing between studies, so nothing is doubled.
    assert_eq!(names(&one), ["recordings", "folds", "more", "other"]);
    let folds = one.node(one.by_name("folds").unwrap());
    let points = folds.static_points().unwrap().unwrap();
    let params = folds.params_at(&points[0], Toys.kind("folds").unwrap());
    assert_eq!(params.unwrap().int("count"), 5);
}

#[test]
fn sweeps_that_are_none_are_refused_in_words() {
    for (sweep, words) in [
        (("cuont", "[1]"), "did you mean `count`?"),
        (("count", "[]"), "there are no values"),
        (("count", "[3, 3]"), "`3` is there twice"),
        (("count", "[[3]]"), "a list is among the values"),
        (("count", "log(0, 1, 3)"), "must be above 0"),
        (("count", "0..20000"), "more than 10000 points"),
        (
            ("count", "[3, \"a\"]"),
            "`--sweep count` gives text, but `count` is a number\n --> --sweep count=a",
        ),
    ] {
        let said = swept(&[sweep]).unwrap_err().render();
        assert!(said.contains(words), "{sweep:?}: {said}");
    }
    let twice = swept(&[("count", "[3]"), ("count", "[4]")]).unwrap_err();
    assert!(twice.render().contains("is given twice"));
}

#[test]
fn params_that_walk_together_double_what_depends_on_each() {
    let sweeps = [("count", "[3, 5, 7]"), ("retries", "[0, 1, 2]")];
    let plan = combined(&sweeps, [&["count,retries"], &[], &[]]).unwrap();
    // `folds` reads `count` alone, `more` reads `retries` and comes after `folds`.
    let wanted = [
        "recordings",
        "folds[count=3]",
        "folds[count=5]",
        "folds[count=7]",
        "more[count=3,retries=0]",
        "more[count=5,retries=1]",
        "more[count=7,retries=2]",
        "other",
    ];
    assert_eq!(names(&plan), wanted);
}

#[test]
fn points_are_left_out_and_added() {
    let sweeps = [("count", "[3, 5]"), ("retries", "[0, 1]")];
    let exclude = ["count=3,retries=1"];
    let include = ["count=9,retries=1", "retries=0,count=5"];
    let plan = combined(&sweeps, [&[], &exclude, &include]).unwrap();
    let more = names(&plan)
        .into_iter()
        .filter(|name| name.starts_with("more"));
    let wanted = [
        "more[count=3,retries=0]",
        "more[count=5,retries=0]",
        "more[count=5,retries=1]",
        "more[count=9,retries=1]",
    ];
    assert_eq!(more.collect::<Vec<_>>(), wanted);
    let count = plan.params()["count"].to_string();
    assert_eq!(count, "[3, 5, 9]");
}
