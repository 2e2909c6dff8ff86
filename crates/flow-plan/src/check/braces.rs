//! `{name}` in what a command runs.

use crate::complaints::Complaints;
use crate::item::{Data, Item, Table};
use crate::mistake::NodeMistake;
use crate::nearest::nearest;
use crate::template::is_word;

/// Complains about names in braces that no port or param has: where a word of `run` is nothing else, and
/// elsewhere in `run` and `shell` where one of the names is near. Other braces may be the program's own, as
/// in awk's.
pub(super) fn check(table: &Table<'_>, complaints: &mut Complaints) {
    let known = names(table);
    let words = match table.get("run").map(|item| &item.data) {
        Some(Data::List(words)) => words.as_slice(),
        _ => &[],
    };
    for item in words.iter().chain(table.get("shell")) {
        let Some(text) = item.text() else {
            continue;
        };
        let is_all = |word: &str| in_braces(text) == Some(word);
        for word in all_in_braces(text).filter(|word| !known.contains(word)) {
            let nearest = nearest(word, known.iter().copied());
            if is_all(word) || nearest.is_some() && word.len() >= SURE_LETTERS {
                let mistake = NodeMistake::UnknownBraces {
                    word: word.to_owned(),
                    nearest,
                    known: known.iter().map(|name| (*name).to_owned()).collect(),
                };
                let written = format!("{{{word}}}");
                complaints.add(complaints.narrow(item.span, &written), mistake);
            }
        }
    }
}

/// A word with fewer letters is near to too many.
const SURE_LETTERS: usize = 3;

/// The words that stand alone in braces.
fn all_in_braces(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split('{').skip(1);
    after.filter_map(|after| {
        after
            .split_once('}')
            .map(|(word, _)| word)
            .filter(|word| is_word(word))
    })
}

fn in_braces(text: &str) -> Option<&str> {
    let word = text.strip_prefix('{')?.strip_suffix('}')?;
    is_word(word).then_some(word)
}

/// The names that a command's words may hold.
fn names<'t>(table: &'t Table<'_>) -> Vec<&'t str> {
    let declared = ["inputs", "outputs", "params"].into_iter();
    let tables = declared.filter_map(|key| match table.get(key) {
        Some(Item {
            data: Data::Table(table),
            ..
        }) => Some(table),
        _ => None,
    });
    let entries = tables.flat_map(|table| &table.entries);
    entries.map(|entry| entry.key.as_ref()).collect()
}
