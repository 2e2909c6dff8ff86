//! `{name}` in a shell line: a path stays one word, wherever it stands.
//!
//! What quotes a place stands in is found by walking the line as a shell would: quotes, `$(…)`, backticks,
//! comments and here-documents. Paths of plain signs are put in as they are.

use super::lay::Places;
use super::{filled, named_at};

/// Where a sign of a shell line stands.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    /// No quotes; in `(…)`, in backticks.
    Plain,
    Parentheses,
    Backticks,
    Single,
    Double,
    Comment,
}

/// A shell line with each `{name}` in it replaced: a path by a text that is one word there, and what `is_param` by its
/// value as it is, which may be several words.
pub(super) fn filled_line(line: &str, places: &Places, is_param: &dyn Fn(&str) -> bool) -> String {
    let mut walk = Walk::default();
    let mut rest = line;
    while let Some(sign) = rest.chars().next() {
        if let Some((name, paths)) = named_at(rest, places) {
            let put = match is_param(name) {
                true => paths.join(" "),
                false => walk.words(paths),
            };
            walk.out.push_str(&put);
            rest = &rest[name.len() + 2..];
            continue;
        }
        let before = rest;
        rest = &rest[sign.len_utf8()..];
        walk.step(sign, before);
        // What is escaped is no quote; a name in braces is filled in all the same.
        let escaped = (sign == '\\' && walk.heeds_backslashes()).then(|| rest.chars().next());
        if let Some(next) = escaped.flatten().filter(|next| *next != '{') {
            walk.out.push(next);
            rest = &rest[next.len_utf8()..];
        }
        if let Some(body) = walk.body(sign, rest) {
            walk.out.push_str(&filled(body, places));
            rest = &rest[body.len()..];
        }
    }
    walk.out
}

/// What was read of a line.
#[derive(Default)]
struct Walk {
    out: String,
    /// What the place stands in, the innermost last; nothing of it is [`Within::Plain`].
    open: Vec<Within>,
    /// The word that ends a here-document which begins with the next line.
    until: Option<String>,
}

impl Walk {
    fn within(&self) -> Within {
        self.open.last().copied().unwrap_or(Within::Plain)
    }

    fn heeds_backslashes(&self) -> bool {
        !matches!(self.within(), Within::Single | Within::Comment)
    }

    /// Goes over a sign; `from` is the line from it on.
    fn step(&mut self, sign: char, from: &str) {
        use Within::{Backticks, Comment, Double, Parentheses, Single};
        let begins_word =
            self.out.is_empty() || self.out.ends_with([' ', '\t', '\n', ';', '|', '&', '(']);
        let after_dollar = self.out.ends_with('$');
        let after_less = self.out.ends_with('<');
        self.out.push(sign);
        match (self.within(), sign) {
            (Single, '\'') | (Double, '"') | (Comment, '\n') | (Parentheses, ')') => {
                self.open.pop();
            }
            (Single | Comment, _) => {}
            (_, '`') => match self.open.iter().rposition(|open| *open == Backticks) {
                Some(at) => self.open.truncate(at),
                None => self.open.push(Backticks),
            },
            (Double, '(') if after_dollar => self.open.push(Parentheses),
            (Double, _) => {}
            (_, '\'') => self.open.push(Single),
            (_, '"') => self.open.push(Double),
            (_, '(') => self.open.push(Parentheses),
            (_, '#') if begins_word => self.open.push(Comment),
            (_, '<') if !after_less => self.until = here(from).or(self.until.take()),
            _ => {}
        }
    }

    /// The here-document that begins after a sign, if one does.
    fn body<'l>(&mut self, sign: char, rest: &'l str) -> Option<&'l str> {
        let until = self.until.take_if(|_| sign == '\n')?;
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim_start_matches('\t').trim_end_matches('\n') == until {
                return Some(&rest[..end]);
            }
            end += line.len();
        }
        None
    }

    /// Paths as words of the shell.
    fn words(&self, paths: &[String]) -> String {
        let word = |path: &String| match self.within() {
            Within::Plain | Within::Parentheses | Within::Backticks => match is_plain(path) {
                true => path.clone(),
                false => format!("'{}'", path.replace('\'', r"'\''")),
            },
            Within::Single => path.replace('\'', r"'\''"),
            Within::Double => {
                let escaped = |sign| match sign {
                    '\\' | '"' | '$' | '`' => vec!['\\', sign],
                    _ => vec![sign],
                };
                path.chars().flat_map(escaped).collect()
            }
            Within::Comment => path.clone(),
        };
        paths.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a shell takes a text for one word that means itself.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|sign| sign.is_alphanumeric() || "-_./:,@%+=".contains(sign))
}

/// The word that ends the here-document which `<<` announces at the start of a text.
fn here(text: &str) -> Option<String> {
    let after = text
        .strip_prefix("<<")
        .filter(|after| !after.starts_with('<'))?;
    let word = after
        .strip_prefix('-')
        .unwrap_or(after)
        .trim_start_matches([' ', '\t']);
    let end = word.find(|sign: char| sign.is_whitespace() || ";|&<>()".contains(sign));
    let word = &word[..end.unwrap_or(word.len())];
    let word: String = word
        .chars()
        .filter(|sign| !"'\"\\".contains(*sign))
        .collect();
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with an output of an odd name, one of a plain name, two files on a port, and a param.
    fn line(line: &str) -> String {
        let place = |name: &str, paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned());
            (name.to_owned(), paths.collect::<Vec<_>>())
        };
        let places = [
            place("odd", &["it's $1.txt"]),
            place("plain", &["a/b.txt"]),
            place("two", &["p/x", "p/y z"]),
            place("flags", &["-n 3"]),
        ];
        filled_line(line, &places.into(), &|name| name == "flags")
    }

    #[test]
    fn a_path_is_one_word_in_whatever_quotes_it_stands() {
        for (written, filled) in [
            ("cat {plain} > {odd}", r"cat a/b.txt > 'it'\''s $1.txt'"),
            ("cat > {odd}.tmp", r"cat > 'it'\''s $1.txt'.tmp"),
            (r#"cat > "{odd}""#, r#"cat > "it's \$1.txt""#),
            ("cat > '{odd}'", r"cat > 'it'\''s $1.txt'"),
            ("cat {two}", "cat p/x 'p/y z'"),
            (r#"x="$(cat {odd})" "#, r#"x="$(cat 'it'\''s $1.txt')" "#),
            (r#"x="$(cat "{odd}")""#, r#"x="$(cat "it's \$1.txt")""#),
            (
                "x=`cat {odd}`; cat {two}",
                r"x=`cat 'it'\''s $1.txt'`; cat p/x 'p/y z'",
            ),
            (r"echo it\'s {two}", r"echo it\'s p/x 'p/y z'"),
            ("# it's\ncat {two}", "# it's\ncat p/x 'p/y z'"),
            ("echo a#it's {two}'", "echo a#it's p/x p/y z'"),
            (
                "case $x in a) cat {two};; esac",
                "case $x in a) cat p/x 'p/y z';; esac",
            ),
        ] {
            assert_eq!(line(written), filled, "{written}");
        }
    }

    #[test]
    fn params_and_here_documents_stand_as_they_are() {
        assert_eq!(line("head {flags} '{flags}'"), "head -n 3 '-n 3'");
        let document = "cat <<-'END' > {two} < {plain}\nit's {odd}\n\tEND\ncat {odd}";
        assert_eq!(
            line(document),
            "cat <<-'END' > p/x 'p/y z' < a/b.txt\nit's it's $1.txt\n\tEND\ncat 'it'\\''s $1.txt'"
        );
        // A shift is no here-document.
        assert_eq!(
            line("echo $((1<<2))\ncat {two}"),
            "echo $((1<<2))\ncat p/x 'p/y z'"
        );
        assert_eq!(
            line("awk '{s += $1} END {print s}' {"),
            "awk '{s += $1} END {print s}' {"
        );
    }
}
