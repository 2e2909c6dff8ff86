//! Gathers mistakes while the file is checked.

use crate::mistake::Mistake;
use crate::problem::{At, Mark, Problem, Problems};
use crate::span::{Source, Span};

/// Mistakes after which none comes with a suggestion taken from the whole study.
const SUGGEST_UP_TO: usize = 100;

/// The mistakes found so far.
#[derive(Debug)]
pub(crate) struct Complaints {
    name: String,
    source: Source,
    found: Vec<Problem>,
}

impl Complaints {
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: Source::new(text),
            found: Vec::new(),
        }
    }

    /// For another part of the same study.
    pub fn none_so_far(&self) -> Self {
        Self {
            name: self.name.clone(),
            source: self.source.clone(),
            found: Vec::new(),
        }
    }

    pub fn add(&mut self, span: Span, mistake: impl Into<Mistake>) {
        self.add_with(span, mistake, Vec::new());
    }

    /// Adds a mistake with further places that belong to it.
    pub fn add_with(&mut self, span: Span, mistake: impl Into<Mistake>, also: Vec<Mark>) {
        self.push(At::File(span), mistake.into(), also);
    }

    /// Adds a mistake in what an option of the command line gives.
    pub fn add_option(&mut self, option: &str, text: String, mistake: impl Into<Mistake>) {
        self.push(
            At::Set(format!("{option} {text}")),
            mistake.into(),
            Vec::new(),
        );
    }

    fn push(&mut self, at: At, mistake: Mistake, also: Vec<Mark>) {
        self.found.push(Problem { at, mistake, also });
    }

    /// The place of `words` inside `span`, or all of it where they stand there not just once.
    pub fn narrow(&self, span: Span, words: &str) -> Span {
        let written = self.source.text.get(span.start..span.end).unwrap_or("");
        let mut places = written.match_indices(words);
        match (places.next(), places.next()) {
            (Some((at, _)), None) => Span {
                start: span.start + at,
                end: span.start + at + words.len(),
            },
            _ => span,
        }
    }

    /// What stands at a place, if it is one line.
    pub fn written(&self, span: Span) -> Option<&str> {
        let written = self.source.text.get(span.start..span.end);
        written.filter(|text| !text.contains('\n') && text.len() < 200)
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many there are, to see whether a part added any.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// How many names may be looked at for a suggestion: all of them, until there are so many
    /// mistakes that nobody reads suggestions and looking would take long.
    pub fn suggestions(&self) -> usize {
        match self.found.len() {
            0..=SUGGEST_UP_TO => usize::MAX,
            _ => 0,
        }
    }

    pub fn finish(self) -> Problems {
        Problems::new(self.name, self.source, self.found)
    }
}
