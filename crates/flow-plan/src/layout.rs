//! How a study file is laid out: one way to write spaces, blank lines and brackets.
//!
//! Words, their order and comments stay; only what lies between them is set, so the meaning can't
//! change. Guard: [`formatted`] reads its own result again; `layout_keeps_every_meaning`.

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

use crate::complaints::Complaints;
use crate::{Problems, item};

/// Why a text was not laid out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The text is not TOML.
    #[error("{0}")]
    NotToml(Problems),
    /// The result would say something else than the text: a bug.
    #[error("the layout would change what the study says; this is a bug in flow")]
    Meaning,
}

/// The text of a study, laid out.
///
/// * one space around `=`, after commas and inside `{ }`; none inside `[ ]` and headers
/// * keys begin their line; lines inside brackets are indented by four spaces a level
/// * at most one blank line in a row, and one before each header (before its comment, if it has one)
/// * comments behind values that stood in one column stand in one column
///
/// Laying out twice is laying out once.
///
/// # Errors
/// [`LayoutError::NotToml`] with the place; [`LayoutError::Meaning`] never, unless flow is wrong.
pub fn formatted(text: &str, name: &str) -> Result<String, LayoutError> {
    let before = meaning(text, name)?;
    let mut lines = lines(text);
    space_out(&mut lines);
    align(&mut lines);
    let out = written(&lines);
    match meaning(&out, name)? == before {
        true => Ok(out),
        false => Err(LayoutError::Meaning),
    }
}

/// What a text says: its values in the order of the file, without their places.
fn meaning(text: &str, name: &str) -> Result<String, LayoutError> {
    let mut complaints = Complaints::new(name, text);
    match item::read(text, &mut complaints) {
        Some(table) => Ok(table.words()),
        None => Err(LayoutError::NotToml(complaints.finish())),
    }
}

/// A line of the file: what it says and the comment behind it.
#[derive(Debug, Default)]
struct Line {
    code: String,
    comment: Option<Comment>,
    /// Brackets open where the line begins.
    depth: usize,
    /// Whether it begins a table: `[node.net]`.
    header: bool,
}

#[derive(Debug)]
struct Comment {
    text: String,
    /// Spaces before it.
    gap: usize,
    /// The column where it stood.
    column: usize,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.code.is_empty() && self.comment.is_none()
    }

    fn is_comment(&self) -> bool {
        self.code.is_empty() && self.comment.is_some()
    }

    fn width(&self) -> usize {
        // A text over several lines is as wide as its last one.
        let last = self.code.rsplit('\n').next().unwrap_or("");
        last.chars().count() + INDENT * self.depth
    }
}

const INDENT: usize = 4;

/// Cuts the text into lines; a text over several lines stays in one.
fn lines(text: &str) -> Vec<Line> {
    let mut reader = Reader::default();
    for token in Source::new(text).lex() {
        let span = token.span();
        let words = text.get(span.start()..span.end()).unwrap_or("");
        reader.take(&token, words);
    }
    reader.end_line();
    reader.lines
}

#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    line: Line,
    depth: usize,
    /// The token before, without spaces between.
    before: Option<TokenKind>,
    /// Spaces since that token.
    gap: usize,
    /// Characters since the line began.
    column: usize,
}

impl Reader {
    fn take(&mut self, token: &Token, words: &str) {
        match token.kind() {
            TokenKind::Eof => {}
            TokenKind::Newline => self.end_line(),
            TokenKind::Whitespace => {
                self.gap += words.chars().count();
                self.column += words.chars().count();
            }
            TokenKind::Comment => {
                self.line.comment = Some(Comment {
                    text: words.trim_end().to_owned(),
                    gap: self.gap.max(1),
                    column: self.column,
                });
            }
            kind => self.put(kind, words),
        }
    }

    fn put(&mut self, kind: TokenKind, words: &str) {
        use TokenKind::{
            LeftCurlyBracket, LeftSquareBracket, RightCurlyBracket, RightSquareBracket,
        };
        let first = self.line.code.is_empty();
        if matches!(kind, RightSquareBracket | RightCurlyBracket) {
            self.depth = self.depth.saturating_sub(1);
            if first {
                self.line.depth = self.depth;
            }
        }
        if first && self.depth == 0 && kind == LeftSquareBracket {
            self.line.header = true;
        }
        if let Some(before) = self.before.filter(|_| !first)
            && spaced(before, kind, self.gap)
        {
            self.line.code.push(' ');
        }
        if matches!(kind, LeftSquareBracket | LeftCurlyBracket) {
            self.depth += 1;
        }
        self.line.code.push_str(words);
        self.before = Some(kind);
        self.gap = 0;
        self.column = match words.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + words.chars().count(),
        };
    }

    fn end_line(&mut self) {
        let next = Line {
            depth: self.depth,
            ..Line::default()
        };
        self.lines.push(std::mem::replace(&mut self.line, next));
        (self.before, self.gap, self.column) = (None, 0, 0);
    }
}

/// Whether a space stands between two tokens of a line that had `gap` spaces between them.
fn spaced(before: TokenKind, after: TokenKind, gap: usize) -> bool {
    use TokenKind::{Atom, Comma, Equals, LeftCurlyBracket, RightCurlyBracket};
    match (before, after) {
        (LeftCurlyBracket, RightCurlyBracket) | (_, Comma) => false,
        (Equals | Comma | LeftCurlyBracket, _) | (_, Equals | RightCurlyBracket) => true,
        // A date and its time.
        (Atom, Atom) => gap > 0,
        _ => false,
    }
}

/// Sets the blank lines: one at most in a row, none at the ends, one before a header.
fn space_out(lines: &mut Vec<Line>) {
    let mut out: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines.drain(..) {
        let after_blank = out.last().is_none_or(Line::is_blank);
        if line.is_blank() && after_blank {
            continue;
        }
        if line.header {
            // The comment right above a header belongs to it.
            let own = out.iter().rev().take_while(|line| line.is_comment());
            let at = out.len() - own.count();
            if at > 0 && !out[at - 1].is_blank() {
                out.insert(at, Line::default());
            }
        }
        out.push(line);
    }
    while out.last().is_some_and(Line::is_blank) {
        out.pop();
    }
    *lines = out;
}

/// Keeps comments in one column that stood in one column, in lines that follow each other.
fn align(lines: &mut [Line]) {
    let same = |a: &Line, b: &Line| match (&a.comment, &b.comment) {
        (Some(one), Some(other)) => {
            !a.code.is_empty() && !b.code.is_empty() && one.column == other.column
        }
        _ => false,
    };
    for group in lines.chunk_by_mut(same).filter(|group| group.len() > 1) {
        let widest = group.iter().map(Line::width).max().unwrap_or(0);
        let comments = group.iter().filter_map(|line| line.comment.as_ref());
        let gap = comments.map(|comment| comment.gap).min().unwrap_or(1);
        for line in group {
            let width = line.width();
            if let Some(comment) = &mut line.comment {
                comment.gap = widest + gap - width;
            }
        }
    }
}

fn written(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        if !line.is_blank() {
            out.push_str(&" ".repeat(INDENT * line.depth));
        }
        out.push_str(&line.code);
        if let Some(comment) = &line.comment {
            if !line.code.is_empty() {
                out.push_str(&" ".repeat(comment.gap));
            }
            out.push_str(&comment.text);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(text: &str) -> String {
        let once = formatted(text, "a.toml").unwrap();
        assert_eq!(formatted(&once, "a.toml").unwrap(), once, "twice is once");
        once
    }

    #[test]
    fn spaces_stand_where_they_help() {
        let text =
            "a=[1,2 ,3]\nb   = {x=1.5,y={}, 'z z'=[ [1],[ ] ]}  \n[ node . net ]\n\tkind='x'\n";
        let wanted =
            "a = [1, 2, 3]\nb = { x = 1.5, y = {}, 'z z' = [[1], []] }\n\n[node.net]\nkind = 'x'\n";
        assert_eq!(laid(text), wanted);
    }

    #[test]
    fn comments_stay_and_keep_their_column() {
        let text = "# head\n\n\n\na=1   # one\nlonger=2   # not in line\n\nb=10   # in\nc =1   # line\n# of d\n[d]\n";
        let wanted = "# head\n\na = 1   # one\nlonger = 2   # not in line\n\nb = 10   # in\nc = 1    # line\n\n# of d\n[d]\n";
        assert_eq!(laid(text), wanted);
    }

    #[test]
    fn lines_in_brackets_are_indented_and_texts_are_left_alone() {
        let text =
            "a = [\n 1, # one\n  [ 2,\n3 ],\n]\nt = \"\"\"\n  x  =  1\n\n\n [y]\"\"\"   # text\n";
        let wanted = "a = [\n    1, # one\n    [2,\n        3],\n]\nt = \"\"\"\n  x  =  1\n\n\n [y]\"\"\"   # text\n";
        assert_eq!(laid(text), wanted);
    }

    #[test]
    fn line_ends_of_other_systems_become_ours() {
        assert_eq!(laid("a = 1\r\n\r\n\r\nb = 2"), "a = 1\n\nb = 2\n");
        assert_eq!(laid("\n\n"), "");
        assert_eq!(laid("\u{feff}a = 1\n"), "a = 1\n", "a byte order mark");
        // Inside a text they are part of what it says.
        assert_eq!(
            laid("a = \"\"\"x\r\ny\"\"\"\r\n"),
            "a = \"\"\"x\r\ny\"\"\"\n"
        );
    }

    #[test]
    fn keys_tables_and_comments_of_any_form_stay() {
        let text =
            "node . n.'a b'=1 #x\n[ \"node\" . m ]# head\np={ # in\n a=1,# one\n}\n[[ s ]]\n# end";
        let wanted = "node.n.'a b' = 1 #x\n\n[\"node\".m] # head\np = { # in\n    a = 1, # one\n}\n\n[[s]]\n# end\n";
        assert_eq!(laid(text), wanted);
    }

    #[test]
    fn what_is_no_toml_is_refused() {
        assert!(matches!(
            formatted("a = [1", "a.toml"),
            Err(LayoutError::NotToml(_))
        ));
    }
}
