//! Why a result is another than before: the chain leads to a param, a file, or what is new.

use flow_engine::{Link, Reason};

use crate::lab::Lab;

const CHAIN: &str = r#"
[node.first]
kind = "one"
of = { file = "raw.txt" }
[node.second]
kind = "join"
of = "first.out"
[node.third]
kind = "join"
of = ["second.out", "side.out"]
[node.side]
kind = "say"
words = "aside"
"#;

fn instances(chain: &[Link]) -> Vec<&str> {
    chain.iter().map(|link| link.instance.as_str()).collect()
}

fn last(chain: &[Link]) -> &Reason {
    &chain.last().unwrap().reason
}

#[test]
fn a_chain_leads_from_the_result_to_the_raw_file_before_and_after_a_run() {
    let lab = Lab::new(CHAIN);
    lab.write("raw.txt", "a");
    lab.run();
    let first = lab.explain("third");
    let none = Reason::First {
        others: 0,
        spanned_by: None,
    };
    assert_eq!(first[0].reason, none);
    assert!(first[0].made.is_some());

    lab.write("raw.txt", "b");
    let before = lab.explain("third");
    assert_eq!(instances(&before), ["third", "first"]);
    assert!(matches!(&before[0].reason, Reason::DependsOn { on } if on == "first"));
    assert!(before[1].made.is_none());

    lab.run();
    let after = lab.explain("third");
    assert_eq!(instances(&after), ["third", "second", "first"]);
    let Reason::Input { input, old, new } = &after[0].reason else {
        panic!("{after:?}");
    };
    assert!(input == "second.out" && old != new);
    assert!(matches!(last(&after), Reason::File { file, .. } if file == "raw.txt"));
    assert!(
        after
            .iter()
            .all(|link| link.made.is_some() && link.more == 0)
    );
}

#[test]
fn a_chain_leads_to_the_param_and_counts_what_else_differs() {
    let mut lab = Lab::new(CHAIN);
    lab.write("raw.txt", "a");
    lab.run();
    lab.study(&CHAIN.replace("aside", "beside"));
    lab.run();
    let chain = lab.explain("third");
    assert_eq!(instances(&chain), ["third", "side"]);
    let Reason::Part { part, old, new } = last(&chain) else {
        panic!("{chain:?}");
    };
    assert_eq!(part, "params.words");
    assert_eq!(old.as_deref(), Some("\"aside\""));
    assert_eq!(new.as_deref(), Some("\"beside\""));

    // Two later edits: `side` is stale, and what reads both moves with it.
    lab.targets = vec!["second"];
    lab.write("raw.txt", "b");
    lab.run();
    lab.targets = Vec::new();
    let chain = lab.explain("third");
    assert_eq!(chain[0].more, 0, "{chain:?}");
    assert_eq!(instances(&chain), ["third", "second", "first"]);
}

#[test]
fn an_input_from_elsewhere_one_more_and_one_less_are_told_apart() {
    let lab = Lab::new(CHAIN);
    lab.write("raw.txt", "a");
    lab.run();
    lab.study(&CHAIN.replace("of = \"first.out\"", "of = \"side.out\""));
    let chain = lab.explain("second");
    let rewired = Reason::Rewired {
        input: "side.out".to_owned(),
        old_input: "first".to_owned(),
    };
    assert_eq!(chain[0].reason, rewired);
    let more = "of = [\"second.out\", \"side.out\", \"first.out\"]";
    lab.study(&CHAIN.replace("of = [\"second.out\", \"side.out\"]", more));
    let chain = lab.explain("third");
    assert!(matches!(&chain[0].reason, Reason::Added { input } if input == "first.out"));
    lab.study(&CHAIN.replace("[\"second.out\", \"side.out\"]", "[\"second.out\"]"));
    let chain = lab.explain("third");
    assert!(
        matches!(&chain[0].reason, Reason::Removed { .. }),
        "{chain:?}"
    );
}

#[test]
fn a_new_point_leads_to_the_table_that_spans_it() {
    let lab = Lab::new(
        "[node.list]\nkind = \"rows\"\nfrom = { file = \"list.txt\" }\n\
         [node.each]\nkind = \"say\"\nfor_each = { item = \"list.table\" }\nwords = \"$item\"\n",
    );
    lab.write("list.txt", "x\n");
    lab.run();
    lab.write("list.txt", "x\ny\n");
    lab.run();
    let chain = lab.explain("each[item=y]");
    assert_eq!(instances(&chain), ["each[item=y]", "list"]);
    let new = Reason::First {
        others: 1,
        spanned_by: Some("list.table".to_owned()),
    };
    assert_eq!(chain[0].reason, new);
    assert!(matches!(last(&chain), Reason::File { file, .. } if file == "list.txt"));
}
