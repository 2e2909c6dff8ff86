//! Mistakes of the file as a whole: syntax, unknown keys, values of a wrong sort.

use super::Words;
use crate::words::meant;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FileMistake {
    /// Not TOML.
    Syntax { message: String },
    /// A key nobody reads.
    UnknownKey {
        key: String,
        place: String,
        nearest: Option<String>,
        known: Vec<&'static str>,
    },
    /// A table at the top that looks like a node.
    NodeAtTop { name: String },
    /// A value of a sort that can't stand there.
    Sort {
        what: String,
        wants: String,
        found: String,
        example: Option<String>,
    },
    /// A whole number beyond 64 bits.
    TooLarge,
    /// `nan`, or a number beyond the range of floats.
    NotANumber,
    /// A TOML date.
    Date { text: String },
    /// A name that can't be used in references and addresses.
    BadName { what: &'static str, name: String },
    /// A study without nodes.
    NoNodes,
}

impl FileMistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "P01",
            Self::UnknownKey { .. } => "P02",
            Self::NodeAtTop { .. } => "P03",
            Self::Sort { .. } => "P04",
            Self::TooLarge => "P05",
            Self::NotANumber => "P06",
            Self::Date { .. } => "P07",
            Self::BadName { .. } => "P08",
            Self::NoNodes => "P09",
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::Syntax { message } => Words::new(format!("the file is not TOML: {message}"))
                .why("nothing else can be checked before the file can be read")
                .maybe_help(syntax_help(message)),
            Self::UnknownKey {
                key,
                place,
                nearest,
                known,
            } => Words::new(format!("{place} has no key `{key}`"))
                .label("unknown key")
                .maybe_help(meant(nearest.as_deref(), known, "its keys are")),
            Self::NodeAtTop { name } => Words::new(format!("`{name}` is not a part of a study"))
                .label("looks like a node")
                .help(format!("a node is written `[node.{name}]`")),
            Self::Sort {
                what,
                wants,
                found,
                example,
            } => Words::new(format!("{what} wants {wants}"))
                .label(format!("this is {found}"))
                .maybe_help(
                    example
                        .as_ref()
                        .map(|text| format!("write it as in {text}")),
                ),
            Self::TooLarge => Words::new("this whole number does not fit in 64 bits")
                .label("too large")
                .help("write a number between -9223372036854775808 and 9223372036854775807"),
            Self::NotANumber => Words::new("this is no number that can be compared")
                .label("not a number")
                .why("results are found again by their values, and `nan` equals nothing")
                .help("leave the key out where there is no value"),
            Self::Date { text } => Words::new(format!("`{text}` is a date, which no param takes"))
                .label("a date")
                .help(format!("write it as text: \"{text}\"")),
            Self::BadName { what, name } => Words::new(format!("{name:?} can't name {what}"))
                .label("not a name")
                .why("names stand in references and addresses, as in `night[recording=a].epochs`")
                .help(match *what {
                    "a param" | "an axis" => {
                        "use letters, digits and `_`, beginning with a letter or `_`"
                    }
                    _ => "use letters, digits, `_` and `-`, beginning with a letter or `_`",
                }),
            Self::NoNodes => Words::new("the study has no node")
                .label("nothing to run")
                .help("write a step as `[node.NAME]` with its `kind`; `flow kinds` lists them"),
        }
    }
}

fn syntax_help(message: &str) -> Option<String> {
    let helps = [
        (
            "duplicate key",
            "every key and every `[table]` stands once; join the two or rename one",
        ),
        ("must be quoted", "text stands in quotes: key = \"text\""),
        (
            "expected newline",
            "a value ends with its line: take away what follows, or write a list in `[ ]`",
        ),
        ("unclosed array", "close the list with `]`"),
        ("unclosed table", "close the head with `]`"),
        (
            "missing comma",
            "put `,` between the entries of a list and close it with `]`",
        ),
        ("basic string", "close the text with `\"` on the same line"),
        (
            "invalid boolean",
            "a boolean is `true` or `false`; text stands in quotes",
        ),
        (
            "key with no value",
            "TOML is written `key = value` below heads such as `[node.night]`",
        ),
        (
            "unquoted key",
            "other letters than a–z stand in quotes: [node.\"nächte\"]",
        ),
    ];
    let help = helps.iter().find(|(words, _)| message.contains(words));
    help.map(|(_, help)| (*help).to_owned())
}
