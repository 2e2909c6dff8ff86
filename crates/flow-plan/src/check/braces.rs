//! `{name}` in what a command runs.

use crate::complaints::Complaints;
use crate::item::{Data, Item, Table};
use crate::mistake::NodeMistake;
use crate::nearest::nearest;
use crate::template::is_word;

/// Complains about entries of `run` that are a name in braces and nothing else, where no port or
/// param has that name. Braces inside other text may be the program's own, as in awk's.
pub(super) fn check(table: &Table<'_>, complaints: &mut Complaints) {
    let Some(Data::List(words)) = table.get("run").map(|item| &item.data) else {
        return;
    };
    let known = names(table);
    for item in words {
        let Some(word) = item.text().and_then(in_braces) else {
            continue;
        };
        if !known.contains(&word) {
            let mistake = NodeMistake::UnknownBraces {
                word: word.to_owned(),
                nearest: nearest(word, known.iter().copied()),
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            };
            complaints.add(item.span, mistake);
        }
    }
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
