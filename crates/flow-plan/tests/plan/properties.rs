//! What holds for any study: valid ones plan, broken ones are met with words, nothing panics.

use proptest::prelude::*;

use crate::toys::{STUDY, planned, planned_with};

/// A node of a random study.
#[derive(Clone, Debug)]
struct Step {
    sources: Vec<prop::sample::Index>,
    folds: Option<u8>,
    rules: Vec<u8>,
    count: i64,
    settings: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let rules = prop::collection::btree_set(0u8..5, 1..4);
    (
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::option::of(1u8..4),
        rules,
        2i64..1000,
        any::<bool>(),
    )
        .prop_map(|(sources, folds, rules, count, settings)| Step {
            sources,
            folds,
            rules: rules.into_iter().collect(),
            count,
            settings,
        })
}

/// Steps that gather from earlier ones: a port that takes many takes any axes but other ones of
/// the same name, so each step has axes of its own.
fn written(steps: &[Step]) -> String {
    let mut text = String::from("[pools]\ndisk = 2\n");
    for (at, step) in steps.iter().enumerate() {
        text += &format!(
            "[node.step-{at}]\nkind = \"folds\"\ncount = {}\n",
            step.count
        );
        if let Some(folds) = step.folds {
            let rules = &step.rules;
            text += &format!("for_each = {{ f{at} = \"0..{folds}\", r{at} = {rules:?} }}\n");
            text += &format!("publish = {{ table = \"{at}/$f{at}/$r{at}.csv\" }}\n");
            text += &format!("seed = \"$f{at}\"\n");
        }
        if step.settings {
            text += "memory = \"1 GiB\"\npools = { disk = 1 }\nretries = 2\n";
        }
        if at > 0 && !step.sources.is_empty() {
            let sources = step
                .sources
                .iter()
                .map(|i| format!("step-{}.table", i.index(at)));
            text += &format!("tables = {:?}\n", sources.collect::<Vec<_>>());
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn valid_studies_plan(steps in prop::collection::vec(step(), 1..12)) {
        let text = written(&steps);
        let plan = planned(&text).map_err(|problems| TestCaseError::fail(problems.render()))?;
        let mut place = vec![0; steps.len()];
        plan.order().iter().enumerate().for_each(|(at, id)| place[id.index()] = at);
        for id in plan.order() {
            for source in plan.dependencies(*id) {
                prop_assert!(place[source.index()] < place[id.index()]);
                prop_assert!(plan.dependents(*source).contains(id));
            }
            let node = plan.node(*id);
            let step = &steps[id.index()];
            let points = node.static_points().unwrap().unwrap();
            let wanted = step.folds.map_or(1, |folds| usize::from(folds) * step.rules.len());
            prop_assert_eq!(points.len(), wanted);
            for point in &points {
                let address = format!("{}[{}]", node.name, point.labels);
                let target = plan.target(address.trim_end_matches("[]")).unwrap();
                let matching = points.iter().filter(|other| target.matches(&other.labels));
                prop_assert_eq!(matching.count(), 1);
            }
        }
    }

    #[test]
    fn broken_studies_get_words(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5u8), 1..4),
        set in "[a-z$\\[\\]{}.,0-9\"]{0,12}",
    ) {
        let mut text = STUDY.to_owned();
        for (from, to, way) in cuts {
            text = mutated(&text, from, to, way);
        }
        for overrides in [&[][..], &[("epsilon", set.as_str())], &[("nights", set.as_str())]] {
            if let Err(problems) = planned_with(&text, overrides) {
                prop_assert!(problems.count() > 0);
                let words = problems.render();
                let heads = words.lines().filter(|line| line.starts_with("error[P"));
                prop_assert_eq!(heads.count(), problems.count());
                for record in problems.records() {
                    prop_assert!(record.line.is_none_or(|line| line >= 1));
                    prop_assert!(!record.title.is_empty());
                    prop_assert!(record.why.is_some() || record.help.is_some() || !record.label.is_empty()
                        || record.code == "P01");
                }
            }
        }
    }

    #[test]
    fn any_text_is_met_with_words(text in "\\PC{0,60}") {
        if let Err(problems) = planned(&text) {
            prop_assert!(!problems.render().is_empty());
        }
    }
}

/// The text with a word or a line taken out, doubled, swapped or replaced.
fn mutated(text: &str, from: prop::sample::Index, to: prop::sample::Index, way: u8) -> String {
    let ends = |c: char| match way {
        0 | 1 => c == '\n',
        _ => !c.is_alphanumeric() && c != '_',
    };
    let mut parts: Vec<String> = text.split_inclusive(ends).map(str::to_owned).collect();
    if parts.is_empty() {
        return String::new();
    }
    let (from, to) = (from.index(parts.len()), to.index(parts.len()));
    match way {
        0 => parts.swap(from, to),
        1 | 2 => {
            parts.remove(from);
        }
        3 => parts[from] = parts[to].clone(),
        _ => parts.insert(from, parts[to].clone()),
    }
    parts.concat()
}
