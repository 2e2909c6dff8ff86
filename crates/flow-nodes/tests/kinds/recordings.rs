//! `recordings`: the names of a user's table are kept as they are, or refused with their row.

use crate::lab::{file, run};

fn said(table: &str) -> String {
    let ran = run(
        "recordings",
        vec![("table", vec![file("people.csv", table.as_bytes())])],
        &[],
    );
    ran.unwrap_err().to_string()
}

#[test]
fn names_keep_their_zeros() {
    let table = "recording;subject;age\n001;07;30\n\n002;08;41\n";
    let ran = run(
        "recordings",
        vec![("table", vec![file("people.csv", table.as_bytes())])],
        &[],
    );
    let table = ran.unwrap().table("recordings");
    assert_eq!(table.texts("recording").unwrap(), ["001", "002"]);
    assert_eq!(table.texts("subject").unwrap(), ["07", "08"]);
    assert_eq!(table.ints("age").unwrap(), [30, 41]);
}

#[test]
fn a_row_without_names_or_with_one_that_folds_cant_list_is_refused() {
    for (rows, wanted) in [
        ("a,anna\nb,\n", "no name of a subject"),
        ("a,anna\n,anna\n", "no name of a recording"),
        ("a,anna\nb,mary ann\n", "the subject `mary ann` has a space"),
        ("a,anna\na,bob\n", "recording `a` stands twice"),
    ] {
        let words = said(&format!("recording,subject\n{rows}"));
        assert!(words.contains(wanted), "{words}");
        assert!(words.contains("people.csv, row 2"), "{words}");
    }
    assert!(said("recording,subject\na\n").contains("line 2 has 1 fields, and the first has 2"));
}
