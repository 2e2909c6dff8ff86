//! What is wrong with a study, each with its place, its reason and how to mend it.

use std::fmt;

use serde::Serialize;

use crate::mistake::{Mistake, Words};
use crate::render;
use crate::span::{Source, Span};

/// Where a problem lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    /// In an option of the command line, as it was given: `--set epsilon=1`.
    Set(String),
    /// In the study file.
    File(Span),
}

/// A further place that belongs to a problem, with a few words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub span: Span,
    pub label: String,
}

/// One mistake in a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub(crate) at: At,
    pub(crate) mistake: Mistake,
    pub(crate) also: Vec<Mark>,
}

impl Problem {
    /// Its code, `P01` and so on, which stays when words change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.mistake.code()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        self.words().title
    }

    /// A few words to stand under the place; empty where the title says it all.
    #[must_use]
    pub fn label(&self) -> String {
        self.words().label
    }

    /// The reason behind it.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        self.words().why
    }

    /// How to mend it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.words().help
    }

    /// The place in the study file; `None` for a value given by `--set`.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match &self.at {
            At::File(span) => Some(*span),
            At::Set(_) => None,
        }
    }

    pub(crate) fn words(&self) -> Words {
        self.mistake.words()
    }
}

/// All mistakes of a study, sorted by place; never empty.
#[derive(Clone, Debug)]
pub struct Problems {
    name: String,
    source: Source,
    list: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(name: String, source: Source, mut list: Vec<Problem>) -> Self {
        list.sort_by(|a, b| (&a.at, a.code()).cmp(&(&b.at, b.code())));
        list.dedup();
        Self { name, source, list }
    }

    /// The problems in order of their places.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// All problems as text for people, each with its line of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let each = self.list.iter();
        let texts: Vec<String> = each
            .map(|problem| render::problem(problem, &self.name, &self.source))
            .collect();
        texts.join("\n")
    }

    /// All problems as data for `--json`.
    #[must_use]
    pub fn records(&self) -> Vec<ProblemRecord> {
        let each = self.list.iter();
        each.map(|problem| self.record(problem)).collect()
    }

    fn record(&self, problem: &Problem) -> ProblemRecord {
        let words = problem.words();
        let place = |byte| self.source.place(byte);
        let (start, end) = problem
            .span()
            .map(|span| (place(span.start), place(span.end)))
            .unzip();
        ProblemRecord {
            code: problem.code(),
            title: words.title,
            label: words.label,
            why: words.why,
            help: words.help,
            file: match &problem.at {
                At::File(_) => self.name.clone(),
                At::Set(text) => text.clone(),
            },
            line: start.map(|place| place.line),
            column: start.map(|place| place.column),
            end_line: end.map(|place| place.line),
            end_column: end.map(|place| place.column),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Problems {}

/// A problem as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemRecord {
    /// The code, which stays when words change.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub title: String,
    /// A few words about the place; may be empty.
    pub label: String,
    /// The reason behind it.
    pub why: Option<String>,
    /// How to mend it.
    pub help: Option<String>,
    /// The study file as named in the request, or `--set name=value`.
    pub file: String,
    /// The line, from 1; absent for `--set`.
    pub line: Option<usize>,
    /// The character in the line, from 1.
    pub column: Option<usize>,
    /// The line of the end.
    pub end_line: Option<usize>,
    /// The character after the last one.
    pub end_column: Option<usize>,
}
