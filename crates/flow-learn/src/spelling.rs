//! The word that was meant.

/// The name with the fewest edits from `text`, where they are few.
pub(crate) fn nearest(
    text: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    names
        .into_iter()
        .map(|name| (edits(&plain(text), &plain(name)), name))
        .min()
        .filter(|&(edits, name)| 2 * edits <= name.len())
        .map(|(_, name)| name)
}

/// The fewest insertions, deletions and replacements that turn one text into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut costs: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.chars().enumerate() {
        let mut before = std::mem::replace(&mut costs[0], row + 1);
        for column in 0..to.len() {
            let replaced = before + usize::from(letter != to[column]);
            before = costs[column + 1];
            costs[column + 1] = replaced.min(before + 1).min(costs[column] + 1);
        }
    }
    costs[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_near() {
        let names = ["alpha-beta", "epsilon", "gamma"];
        assert_eq!(nearest("epsilno", names), Some("epsilon"));
        assert_eq!(nearest("AlphaBeta", names), Some("alpha-beta"));
        assert_eq!(nearest("saliency", names), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
