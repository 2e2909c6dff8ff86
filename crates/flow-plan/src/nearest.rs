//! The name somebody probably meant.

/// The candidate that is nearest to `word` by edits, if it is near; the first of equals.
///
/// Where none is near, one that begins the same is taken: `params` for `parameters`.
#[must_use]
pub fn nearest<'a>(
    word: &str,
    among: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> Option<String> {
    let among = among.into_iter();
    by_edits(word, among.clone()).or_else(|| by_beginning(word, among))
}

/// The first candidate of which the word begins with at least three quarters, and three letters.
fn by_beginning<'a>(word: &str, mut among: impl Iterator<Item = &'a str>) -> Option<String> {
    let shared = |name: &str| {
        let both = name.chars().zip(word.chars());
        both.take_while(|(a, b)| a == b).count()
    };
    let begins = |name: &&str| {
        let shared = shared(name);
        shared >= 3 && 4 * shared >= 3 * name.chars().count()
    };
    among.find(begins).map(str::to_owned)
}

fn by_edits<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<String> {
    let allowed = match word.chars().count() {
        0 | 1 => return None,
        length => (length / 3).max(1),
    };
    let letters = letters(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in among {
        let limit = best.map_or(allowed + 1, |(distance, _)| distance);
        if candidate.len().abs_diff(word.len()) > 4 * allowed {
            continue;
        }
        let other = self::letters(candidate);
        if letters.len().abs_diff(other.len()) >= limit.max(1) {
            continue;
        }
        let distance = edits(&letters, &other);
        if distance < limit {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// The letters that are compared: neither case nor `-` or `_` makes names differ.
fn letters(word: &str) -> Vec<char> {
    word.to_lowercase()
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .collect()
}

/// Edit distance with neighbours swapped counted as one (optimal string alignment).
///
/// With `d(i, j)` the distance of the first `i` and `j` letters:
/// `d(i, j) = min(d(i−1, j) + 1, d(i, j−1) + 1, d(i−1, j−1) + [a_i ≠ b_j])`, and also
/// `d(i−2, j−2) + 1` where the last two letters are swapped.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_word_and_strangers_do_not() {
        let names = ["epsilon", "seconds", "rule", "recording"];
        assert_eq!(nearest("epsilno", names).as_deref(), Some("epsilon"));
        assert_eq!(nearest("Seconds", names).as_deref(), Some("seconds"));
        assert_eq!(nearest("recordings", names).as_deref(), Some("recording"));
        assert_eq!(nearest("weights", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("ruel", names).as_deref(), Some("rule"));
        assert_eq!(nearest("3", ["0", "1"]), None);
        assert_eq!(
            nearest("parameters", ["study", "params"]).as_deref(),
            Some("params")
        );
    }
}
