//! The words of the language, as tables that the checks and the schema both read.

use flow_contract::Form;

/// A key that every node may have.
pub(crate) struct Word {
    pub name: &'static str,
    pub shape: WordShape,
    pub doc: &'static str,
}

/// What sort of value a word takes.
pub(crate) enum WordShape {
    Text,
    Whole {
        least: i64,
    },
    Bool,
    /// Axes with their values.
    Axes,
    /// Groups of axes.
    Groups,
    /// Points by their values on axes.
    Points,
    /// Outputs with their paths.
    Paths,
    /// Pools with how many places.
    Places,
}

/// The words of the language inside a node, sorted; ports and params have the other keys.
pub(crate) const WORDS: [Word; 14] = [
    Word {
        name: "cores",
        shape: WordShape::Whole { least: 1 },
        doc: "processor cores an instance uses; 1 if not given",
    },
    Word {
        name: "exclude",
        shape: WordShape::Points,
        doc: "instances left out: [{ axis = value }]",
    },
    Word {
        name: "for_each",
        shape: WordShape::Axes,
        doc: "axes: one instance for each combination of their values",
    },
    Word {
        name: "gpu",
        shape: WordShape::Whole { least: 0 },
        doc: "whole GPUs an instance uses",
    },
    Word {
        name: "include",
        shape: WordShape::Points,
        doc: "instances added, with a value on every axis",
    },
    Word {
        name: "keep",
        shape: WordShape::Bool,
        doc: "`false`: `flow gc` may remove the outputs; they are made again when needed",
    },
    Word {
        name: "kind",
        shape: WordShape::Text,
        doc: "what the node does",
    },
    Word {
        name: "memory",
        shape: WordShape::Text,
        doc: "memory an instance uses, as in 2 GiB",
    },
    Word {
        name: "pools",
        shape: WordShape::Places,
        doc: "places an instance takes in named pools",
    },
    Word {
        name: "publish",
        shape: WordShape::Paths,
        doc: "outputs with their paths below reports/",
    },
    Word {
        name: "retries",
        shape: WordShape::Whole { least: 0 },
        doc: "how often a failed instance is tried again",
    },
    Word {
        name: "seed",
        shape: WordShape::Whole { least: 0 },
        doc: "the seed, instead of the study's",
    },
    Word {
        name: "timeout",
        shape: WordShape::Text,
        doc: "how long an instance may take, as in 10 min",
    },
    Word {
        name: "zip",
        shape: WordShape::Groups,
        doc: "groups of axes that walk together",
    },
];

/// The keys of `[study]`.
pub(crate) const HEAD_KEYS: [(&str, &str); 6] = [
    ("name", "the study's name"),
    ("description", "what it is about"),
    (
        "notice",
        "what to know before it runs, such as how long it takes",
    ),
    ("seed", "the seed of nodes that name none"),
    ("cache", "the folder of results"),
    ("reports", "the folder of published files"),
];

/// The words for what a command's output is, with the form of each.
pub(crate) const FORMS: [(&str, Form); 6] = [
    ("file", Form::File),
    ("table", Form::Table),
    ("tensors", Form::Tensors),
    ("figure", Form::Figure),
    ("picture", Form::Picture),
    ("document", Form::Document),
];
