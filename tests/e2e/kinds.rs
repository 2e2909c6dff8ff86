//! The catalog as users see it: every kind with an example that plans.

use serde_json::Value;

use crate::sandbox::Sandbox;

fn kinds() -> Vec<Value> {
    let said = Sandbox::new("").flow(&["kinds", "--json"]);
    said.last().as_array().unwrap().clone()
}

#[test]
fn every_kind_has_an_example_that_plans_and_uses_it() {
    let kinds = kinds();
    assert!(kinds.len() > 20);
    for kind in kinds {
        let name = kind["name"].as_str().unwrap();
        let example = kind["example"].as_str().unwrap();
        assert!(
            example.contains(&format!("kind = \"{name}\"")),
            "{name}: its example does not use it"
        );
        let said = Sandbox::new(example).flow(&["check"]);
        assert_eq!(said.code, 0, "{name}: {}", said.err);
    }
}

#[test]
fn a_kind_is_shown_with_its_example() {
    let said = Sandbox::new("").flow(&["kinds", "z-score"]);
    assert!(
        said.out.contains("    kind = \"z-score\"\n    epochs = "),
        "{}",
        said.out
    );
}

#[test]
fn a_number_among_the_params_has_a_range() {
    for kind in kinds() {
        for param in kind["params"].as_array().unwrap() {
            let (name, ty) = (&param["name"], param["type"].as_str().unwrap());
            let ranged = ty.contains(" to ") || ty.contains("from");
            assert!(
                ranged || !(ty.contains("integer") || ty.contains("number")) || ty.contains("text"),
                "{}.{name}: {ty}",
                kind["name"]
            );
        }
    }
}
