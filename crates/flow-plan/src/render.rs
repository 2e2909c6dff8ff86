//! A problem as text, with its line of the file and marks under it.

use std::ops::Range;

use crate::problem::{At, Problem};
use crate::span::{Source, Span};

/// Columns that a line of the file may take before it is cut around its mark.
const WIDEST: usize = 110;

/// The text of one problem, ending in a line break.
pub(crate) fn problem(problem: &Problem, name: &str, source: &Source) -> String {
    let words = problem.words();
    let mut page = Page {
        text: format!("error[{}]: {}\n", problem.code(), words.title),
        gutter: gutter(problem, source),
        name,
        source,
    };
    match &problem.at {
        At::Set(set) => page.push("", &format!("--> {set}")),
        At::File(span) => {
            page.head("-->", *span);
            page.snippet(*span, '^', &words.label);
        }
    }
    for mark in &problem.also {
        page.head(":::", mark.span);
        page.snippet(mark.span, '-', &mark.label);
    }
    if words.why.is_some() || words.help.is_some() {
        page.push("", " |");
    }
    for (word, note) in [("why: ", words.why), ("help:", words.help)] {
        if let Some(note) = note {
            page.push("", &format!(" = {word} {note}"));
        }
    }
    page.text
}

/// The width of the widest line number shown.
fn gutter(problem: &Problem, source: &Source) -> usize {
    let also = problem.also.iter().map(|mark| mark.span);
    let spans = problem.span().into_iter().chain(also);
    let last = spans.map(|span| source.place(span.end).line).max();
    last.unwrap_or(1).to_string().len()
}

/// The text so far and what all of it needs.
struct Page<'a> {
    text: String,
    gutter: usize,
    name: &'a str,
    source: &'a Source,
}

impl Page<'_> {
    /// Adds a line with `margin` in the gutter.
    fn push(&mut self, margin: &str, line: &str) {
        let line = format!("{margin:>gutter$}{line}", gutter = self.gutter);
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn head(&mut self, arrow: &str, span: Span) {
        let place = self.source.place(span.start);
        let head = format!("{arrow} {}:{}:{}", self.name, place.line, place.column);
        self.push("", &head);
        self.push("", " |");
    }

    /// The first line of a span and, if it has several, the last, each with its mark below.
    fn snippet(&mut self, span: Span, mark: char, label: &str) {
        let first = self.source.place(span.start);
        let last = self.source.place(span.end.max(span.start + 1) - 1);
        if first.line == last.line {
            return self.marked(first.line, first.column..last.column + 1, mark, label);
        }
        let width = self.source.line(first.line).chars().count();
        self.marked(first.line, first.column..width + 1, mark, "from here");
        if last.line > first.line + 1 {
            self.text.push_str("...\n");
        }
        let indent = self.source.line(last.line).chars();
        let blank = indent.take_while(|c| c.is_whitespace()).count();
        let to_end = (blank + 1).min(last.column)..last.column + 1;
        self.marked(last.line, to_end, mark, label);
    }

    /// A line with marks under the characters `marked`, counted from 1.
    fn marked(&mut self, number: usize, marked: Range<usize>, mark: char, label: &str) {
        let (line, marked) = cut(self.source.line(number), marked);
        let before: usize = line.iter().take(marked.start - 1).map(|c| width(*c)).sum();
        let under = line.iter().skip(marked.start - 1).take(marked.len());
        let marks: usize = under.map(|c| width(*c)).sum();
        let marks = mark.to_string().repeat(marks.max(1));
        let shown: String = line.iter().map(shown).collect();
        self.push(&number.to_string(), &format!(" | {shown}"));
        self.push("", &format!(" | {:before$}{marks} {label}", ""));
    }
}

/// Cuts a long line around what is marked.
fn cut(line: &str, marked: Range<usize>) -> (Vec<char>, Range<usize>) {
    let chars: Vec<char> = line.chars().collect();
    if chars.len() <= WIDEST {
        return (chars, marked);
    }
    let start = (marked.start - 1).saturating_sub(WIDEST / 4);
    let end = (start + WIDEST).min(chars.len());
    let mut kept: Vec<char> = chars[start..end].to_vec();
    if start > 0 {
        kept[0] = '…';
    }
    if end < chars.len() {
        kept.pop();
        kept.push('…');
    }
    let last = (marked.end - start).min(kept.len() + 1);
    (kept, marked.start - start..last)
}

/// Tabs as four blanks and other control characters as a blank, so that marks stand where they should.
fn shown(c: &char) -> String {
    match c {
        '\t' => "    ".to_owned(),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    }
}

/// The columns a character takes on a terminal: 2 in the wide East Asian and emoji blocks of
/// UAX #11, 0 for combining marks, 4 for a tab as it is shown here.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x09 => 4,
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, words: &str) -> String {
        let start = text.find(words).unwrap();
        let end = start + words.len();
        let mut page = Page {
            text: String::new(),
            gutter: 1,
            name: "",
            source: &Source::new(text),
        };
        page.snippet(Span { start, end }, '^', "here");
        page.text
    }

    #[test]
    fn marks_stand_under_their_words_whatever_comes_before() {
        assert_eq!(
            drawn("\ta = bad", "bad"),
            "1 |     a = bad\n  |         ^^^ here\n"
        );
        assert_eq!(drawn("µ = bad", "bad"), "1 | µ = bad\n  |     ^^^ here\n");
        assert_eq!(
            drawn("眠 = bad", "bad"),
            "1 | 眠 = bad\n  |      ^^^ here\n"
        );
        assert_eq!(
            drawn("a = bad\r\nb", "bad"),
            "1 | a = bad\n  |     ^^^ here\n"
        );
    }

    #[test]
    fn several_lines_show_their_ends() {
        assert_eq!(
            drawn("a = [1,\n  2,\n  3]\n", "[1,\n  2,\n  3]"),
            "1 | a = [1,\n  |     ^^^ from here\n...\n3 |   3]\n  |   ^^ here\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_its_mark() {
        let text = format!("a = [{}bad{}]", "1, ".repeat(500), ", 2".repeat(500));
        let out = drawn(&text, "bad");
        assert!(out.lines().all(|line| line.chars().count() < 130));
        let lines: Vec<&str> = out.lines().collect();
        let at = lines[1].find('^').unwrap();
        assert_eq!(lines[0].chars().skip(at).take(3).collect::<String>(), "bad");
    }
}
