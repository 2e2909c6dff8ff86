//! Model formulas as text: `share ~ age + sex + medication`, with interactions `a:b` and `a*b`.
//!
//! ```text
//! formula = name "~" term { "+" term }
//! term    = "1" | crossed { "*" crossed }      a*b = a + b + a:b
//! crossed = name { ":" name }                  a:b = the product of their columns
//! name    = letter or "_", then letters, digits, "_", "."; or anything between backquotes
//! ```
//! The intercept is always there; `1` says so.

use std::collections::BTreeSet;
use std::ops::Range;

/// What the formula asks for at a place where something else stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The name of a column.
    Name,
    /// The `~` between response and terms.
    Tilde,
    /// An operator (`+`, `*`, `:`) or the end.
    Operator,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Name => "a column name",
            Self::Tilde => "`~`",
            Self::Operator => "`+`, `*`, `:` or the end",
        })
    }
}

/// Why a text is no formula; `at` counts bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// Something else was wanted here.
    #[error("expected {wanted} at byte {}, found {}", at.start, shown(found))]
    Unexpected {
        /// What would fit.
        wanted: Wanted,
        /// What stands there; empty at the end of the text.
        found: String,
        /// Where it stands.
        at: Range<usize>,
    },
    /// A backquote isn't closed.
    #[error("the backquote at byte {} isn't closed", at.start)]
    OpenQuote {
        /// From the backquote to the end.
        at: Range<usize>,
    },
    /// The response can't explain itself.
    #[error("`{name}` at byte {} is the response", at.start)]
    ResponseAsTerm {
        /// The column.
        name: String,
        /// Where it is used as a term.
        at: Range<usize>,
    },
    /// A column interacts with itself.
    #[error("`{name}` at byte {} stands twice in one interaction", at.start)]
    Repeated {
        /// The column.
        name: String,
        /// Where it stands again.
        at: Range<usize>,
    },
    /// More columns are crossed by `*` than anyone could fit.
    #[error("{crossed} parts crossed at byte {} give too many terms, at most {MOST_CROSSED} are allowed", at.start)]
    TooManyCrossed {
        /// Parts joined by `*`.
        crossed: usize,
        /// The whole term.
        at: Range<usize>,
    },
}

fn shown(found: &str) -> String {
    if found.is_empty() {
        "the end".to_owned()
    } else {
        format!("`{found}`")
    }
}

/// Parts that one term may join by `*`, because `n` parts make `2ⁿ − 1` terms.
const MOST_CROSSED: usize = 8;

/// A product of columns; one column is a main effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Column names in the order written, none twice.
    pub factors: Vec<String>,
    /// Where the text asks for the term.
    pub at: Range<usize>,
}

impl Term {
    /// Says whether both are products of the same columns in any order.
    pub fn same_columns(&self, other: &Self) -> bool {
        let set = |term: &'_ Self| term.factors.iter().cloned().collect::<BTreeSet<_>>();
        set(self) == set(other)
    }
}

/// A parsed formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    response: String,
    response_at: Range<usize>,
    /// Invariant: main effects first, then two-way, …, each in the order written; none twice.
    terms: Vec<Term>,
}

impl Formula {
    /// Parses a formula.
    ///
    /// # Errors
    /// [`FormulaError`], at the first place that makes no sense.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let mut reader = Reader { text, position: 0 };
        let (response, response_at) = reader.name()?;
        reader.demand('~', Wanted::Tilde)?;
        let mut terms: Vec<Term> = Vec::new();
        loop {
            for term in reader.term(&response)? {
                if !terms.iter().any(|known| known.same_columns(&term)) {
                    terms.push(term);
                }
            }
            if reader.at_end() {
                break;
            }
            reader.demand('+', Wanted::Operator)?;
        }
        terms.sort_by_key(|term| term.factors.len()); // stable: the written order stays within a degree
        Ok(Self {
            response,
            response_at,
            terms,
        })
    }

    /// The column left of `~`.
    pub fn response(&self) -> &str {
        &self.response
    }

    /// Where the response stands in the text.
    pub fn response_at(&self) -> Range<usize> {
        self.response_at.clone()
    }

    /// Terms without the intercept: main effects first, then two-way interactions and so on.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Columns that the terms use, each once, in the order of the terms.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for name in self.terms.iter().flat_map(|term| &term.factors) {
            if !columns.contains(&name.as_str()) {
                columns.push(name);
            }
        }
        columns
    }
}

/// Reads tokens from left to right.
struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start().len();
        self.text[self.position..].chars().next()
    }

    fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        if taken {
            self.position += wanted.len_utf8();
        }
        taken
    }

    fn demand(&mut self, character: char, wanted: Wanted) -> Result<(), FormulaError> {
        if self.takes(character) {
            Ok(())
        } else {
            Err(self.unexpected(wanted))
        }
    }

    fn unexpected(&mut self, wanted: Wanted) -> FormulaError {
        let found: String = self.peek().into_iter().collect();
        let at = self.position..self.position + found.len();
        FormulaError::Unexpected { wanted, found, at }
    }

    fn name(&mut self) -> Result<(String, Range<usize>), FormulaError> {
        match self.peek() {
            Some('`') => self.quoted(),
            Some(first) if first.is_alphabetic() || first == '_' => {
                let rest = &self.text[self.position..];
                let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                let at = self.position..self.position + length;
                self.position = at.end;
                Ok((rest[..length].to_owned(), at))
            }
            _ => Err(self.unexpected(Wanted::Name)),
        }
    }

    fn quoted(&mut self) -> Result<(String, Range<usize>), FormulaError> {
        let start = self.position;
        let inside = &self.text[start + 1..];
        let Some(length) = inside.find('`') else {
            return Err(FormulaError::OpenQuote {
                at: start..self.text.len(),
            });
        };
        if length == 0 {
            return Err(self.unexpected(Wanted::Name));
        }
        self.position = start + length + 2;
        Ok((inside[..length].to_owned(), start..self.position))
    }

    /// Reads what stands between two `+` and expands it.
    fn term(&mut self, response: &str) -> Result<Vec<Term>, FormulaError> {
        if self.takes('1') {
            return Ok(Vec::new());
        }
        let first = self.crossed(response)?;
        let start = first.at.start;
        let mut parts = vec![first];
        while self.takes('*') {
            parts.push(self.crossed(response)?);
        }
        let at = start..parts.last().map_or(start, |part| part.at.end);
        if parts.len() > MOST_CROSSED {
            return Err(FormulaError::TooManyCrossed {
                crossed: parts.len(),
                at,
            });
        }
        Ok(expanded(&parts, &at))
    }

    /// Reads names joined by `:`.
    fn crossed(&mut self, response: &str) -> Result<Term, FormulaError> {
        let mut term = Term {
            factors: Vec::new(),
            at: 0..0,
        };
        loop {
            let (name, at) = self.name()?;
            if name == response {
                return Err(FormulaError::ResponseAsTerm { name, at });
            }
            if term.factors.contains(&name) {
                return Err(FormulaError::Repeated { name, at });
            }
            term.at = if term.factors.is_empty() {
                at
            } else {
                term.at.start..at.end
            };
            term.factors.push(name);
            if !self.takes(':') {
                return Ok(term);
            }
        }
    }
}

/// Every product of one or more parts; a column that stands in two of them counts once.
fn expanded(parts: &[Term], at: &Range<usize>) -> Vec<Term> {
    let choose = |chosen: u32| {
        let mut factors: Vec<String> = Vec::new();
        for (_, part) in parts
            .iter()
            .enumerate()
            .filter(|(i, _)| chosen >> i & 1 == 1)
        {
            let new = part
                .factors
                .iter()
                .filter(|name| !factors.contains(name))
                .cloned();
            factors.extend(new.collect::<Vec<_>>());
        }
        Term {
            factors,
            at: if parts.len() == 1 {
                parts[0].at.clone()
            } else {
                at.clone()
            },
        }
    };
    (1..1_u32 << parts.len()).map(choose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let formula = Formula::parse(text).unwrap();
        formula
            .terms()
            .iter()
            .map(|term| term.factors.join(":"))
            .collect()
    }

    #[test]
    fn the_formula_of_the_paper_has_three_terms() {
        let formula = Formula::parse("share ~ age + sex + medication").unwrap();
        assert_eq!(formula.response(), "share");
        assert_eq!(formula.columns(), ["age", "sex", "medication"]);
        assert_eq!(formula.terms()[1].at, 14..17);
    }

    #[test]
    fn a_star_stands_for_main_effects_and_interactions() {
        assert_eq!(terms("y~a*b"), ["a", "b", "a:b"]);
        assert_eq!(
            terms("y ~ a*b*c"),
            ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]
        );
        assert_eq!(terms("y ~ a:b + c + a"), ["c", "a", "a:b"]);
        assert_eq!(terms("y ~ a + b:a + a:b + a"), ["a", "b:a"]);
        assert_eq!(terms("y ~ a*b:c"), ["a", "b:c", "a:b:c"]);
    }

    #[test]
    fn an_intercept_alone_and_odd_names_are_fine() {
        assert!(terms("y ~ 1").is_empty());
        assert_eq!(
            terms("`EMG share` ~ 1 + `age (years)` + äge.2"),
            ["age (years)", "äge.2"]
        );
    }

    #[test]
    fn complaints_point_at_the_place() {
        let place = |text: &str| match Formula::parse(text).unwrap_err() {
            FormulaError::Unexpected { wanted, at, .. } => (wanted, at),
            other => panic!("{other}"),
        };
        assert_eq!(place(""), (Wanted::Name, 0..0));
        assert_eq!(place("share age"), (Wanted::Tilde, 6..7));
        assert_eq!(place("share ~"), (Wanted::Name, 7..7));
        assert_eq!(place("share ~ age +"), (Wanted::Name, 13..13));
        assert_eq!(place("share ~ age sex"), (Wanted::Operator, 12..13));
        assert_eq!(place("share ~ age - sex"), (Wanted::Operator, 12..13));
        assert_eq!(place("share ~ log(age)"), (Wanted::Operator, 11..12));
        assert_eq!(place("share ~ 0 + age"), (Wanted::Name, 8..9));
        assert_eq!(place("y ~ a ~ b"), (Wanted::Operator, 6..7));
        assert_eq!(place("y ~ ``"), (Wanted::Name, 4..5));
    }

    #[test]
    fn senseless_terms_are_refused() {
        let of = |text: &str| Formula::parse(text).unwrap_err();
        assert_eq!(
            of("y ~ a + y"),
            FormulaError::ResponseAsTerm {
                name: "y".into(),
                at: 8..9
            }
        );
        assert_eq!(
            of("y ~ a:b:a"),
            FormulaError::Repeated {
                name: "a".into(),
                at: 8..9
            }
        );
        assert_eq!(of("y ~ `a"), FormulaError::OpenQuote { at: 4..6 });
        assert!(matches!(
            of("y ~ a*b*c*d*e*f*g*h*i"),
            FormulaError::TooManyCrossed { crossed: 9, .. }
        ));
        assert_eq!(
            of("y ~ +").to_string(),
            "expected a column name at byte 4, found `+`"
        );
    }
}
