//! `--sweep`: which nodes are there how often, and what they take from.

use flow_plan::{Plan, Problems, Request, Source, plan_swept};

use crate::toys::Toys;

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
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let sweeps: Vec<(String, String)> = sweeps.iter().map(owned).collect();
    let request = Request {
        text: STUDY,
        name: "pipeline.toml",
        overrides: &[],
        catalog: &Toys,
    };
    plan_swept(&request, &sweeps)
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
    assert_eq!(folds.params["count"].as_fixed().unwrap().to_string(), "5");
}

#[test]
fn sweeps_that_are_none_are_refused_in_words() {
    for (sweep, words) in [
        (("cuont", "[1]"), "did you mean `count`?"),
        (("count", "[]"), "there are no values"),
        (("count", "[3, 3]"), "`3` is there twice"),
        (("count", "[[3]]"), "a list is among the values"),
        (("count", "log(0, 1, 3)"), "must be above 0"),
        (("count", "0..20000"), "more than 10000 studies"),
        (("count", "[3, \"a\"]"), "`count` is a number"),
    ] {
        let said = swept(&[sweep]).unwrap_err().render();
        assert!(said.contains(words), "{sweep:?}: {said}");
    }
    let twice = swept(&[("count", "[3]"), ("count", "[4]")]).unwrap_err();
    assert!(twice.render().contains("is given twice"));
}
