//! The order of names where nothing else gives one.

use std::cmp::Ordering;

/// Compares names as people list them: runs of digits by the numbers they write, all else by its characters.
///
/// `activity 2` comes before `activity 10`, and `07` right before `7`; only equal names are equal.
#[must_use]
pub fn by_name(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (taken(&mut left), taken(&mut right));
        let pieces = match (number(x), number(y)) {
            (Some(x), Some(y)) => x.len().cmp(&y.len()).then(x.cmp(y)),
            _ => x.cmp(y),
        };
        if pieces.is_ne() {
            return pieces;
        }
        if x.is_empty() {
            return a.cmp(b);
        }
    }
}

/// Takes the leading run of digits, or the leading character that is none; empty at the end.
fn taken<'a>(text: &mut &'a str) -> &'a str {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let len = match digits {
        0 => text.chars().next().map_or(0, char::len_utf8),
        digits => digits,
    };
    let (piece, rest) = text.split_at(len);
    *text = rest;
    piece
}

/// A run of digits without its leading zeros.
fn number(piece: &str) -> Option<&str> {
    let is_number = piece.starts_with(|c: char| c.is_ascii_digit());
    is_number.then(|| piece.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let order = [
            "",
            "0",
            "01",
            "1",
            "2",
            "10",
            "10a",
            "99999999999999999999999",
            "N1",
            "N2",
            "R",
            "W",
            "activity",
            "activity 2",
            "activity 2b",
            "activity 10",
            "ä1",
            "ä12",
        ];
        let mut sorted = order;
        sorted.reverse();
        sorted.sort_by(|a, b| by_name(a, b));
        assert_eq!(sorted, order);
    }

    #[test]
    fn it_is_an_order() {
        let mut names = vec![String::new()];
        for from in 0..40 {
            let longer = ["a", "0", "1", "é"].map(|c| names[from].clone() + c);
            names.extend(longer);
        }
        for a in &names {
            for b in &names {
                assert_eq!(by_name(a, b), by_name(b, a).reverse(), "{a} {b}");
                assert_eq!(by_name(a, b).is_eq(), a == b, "{a} {b}");
                for c in &names {
                    let holds = by_name(a, b).is_gt() || by_name(b, c).is_gt();
                    assert!(holds || by_name(a, c).is_le(), "{a} {b} {c}");
                }
            }
        }
    }
}
