//! Everything that decides a node's result, in order; one walk, two readers.
//!
//! [`Recipe::walk`] visits every part in a fixed order. One reader hashes what it hears and so makes
//! the key; the other writes it down as words, so that `flow why` can never explain something other
//! than what was hashed.
//!
//! Never in a recipe: time, absolute paths, thread counts, the environment, the node's name, the
//! order of maps. Inputs are named by content, never by the key that made them, so a node that gives
//! the same bytes stops the wave.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{Digest, Key, Labels, Value};

/// Everything that decides a node's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The kind's name.
    pub kind: String,
    /// The kind's revision.
    pub revision: u32,
    /// Canonical params, complete with defaults.
    pub params: BTreeMap<String, Value>,
    /// The study's seed, where the kind is seeded.
    pub seed: Option<u64>,
    /// The numeric backend class, where the kind has one.
    pub backend: Option<String>,
    /// Content digests of the artifacts on each port, with their labels, in port order.
    pub inputs: Vec<(String, Vec<(Labels, Digest)>)>,
}

/// The smallest thing a walk visits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Atom<'a> {
    /// An empty value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A seed or a count.
    Count(u64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// The digest of an input.
    Digest(Digest),
}

/// Hears the parts of a recipe in order.
pub trait RecipeReader {
    /// A part that holds `parts` others begins.
    fn open(&mut self, name: &str, parts: usize);
    /// An artifact begins: its labels and its digest, `parts` together.
    fn open_artifact(&mut self, labels: &Labels, parts: usize);
    /// The part begun last ends.
    fn close(&mut self);
    /// A single value.
    fn atom(&mut self, name: &str, atom: Atom<'_>);
}

/// A [`Recipe`] whose parts lie elsewhere: what its key needs.
#[derive(Clone, Debug)]
pub struct RecipeView<'a> {
    /// The kind's name.
    pub kind: &'a str,
    /// The kind's revision.
    pub revision: u32,
    /// Canonical params, complete with defaults, sorted by name.
    pub params: Vec<(&'a str, &'a Value)>,
    /// The study's seed, where the kind is seeded.
    pub seed: Option<u64>,
    /// The numeric backend class, where the kind has one.
    pub backend: Option<&'a str>,
    /// Content digests of the artifacts on each port, with their labels, in port order.
    pub inputs: Vec<(&'a str, Vec<(&'a Labels, Digest)>)>,
}

impl RecipeView<'_> {
    /// Visits every part in the one fixed order.
    pub fn walk(&self, reader: &mut dyn RecipeReader) {
        reader.open("recipe", 6);
        reader.atom("kind", Atom::Text(self.kind));
        reader.atom("revision", Atom::Count(u64::from(self.revision)));
        reader.open("params", self.params.len());
        for (name, value) in &self.params {
            walk_value(name, value, reader);
        }
        reader.close();
        reader.atom("seed", self.seed.map_or(Atom::Null, Atom::Count));
        reader.atom("backend", self.backend.map_or(Atom::Null, Atom::Text));
        reader.open("inputs", self.inputs.len());
        for (port, artifacts) in &self.inputs {
            walk_port(port, artifacts, reader);
        }
        reader.close();
        reader.close();
    }

    /// The key: BLAKE3 over the tagged, self-delimiting encoding of the walk.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut reader = KeyReader(Vec::with_capacity(512));
        self.walk(&mut reader);
        Key(Digest::of(&reader.0))
    }

    /// The recipe itself.
    #[must_use]
    pub fn to_recipe(&self) -> Recipe {
        let params = self.params.iter();
        let port = |(port, artifacts): &(&str, Vec<(&Labels, Digest)>)| {
            let artifacts = artifacts.iter();
            let artifacts = artifacts.map(|(labels, digest)| ((*labels).clone(), *digest));
            ((*port).to_owned(), artifacts.collect())
        };
        Recipe {
            kind: self.kind.to_owned(),
            revision: self.revision,
            params: params
                .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
                .collect(),
            seed: self.seed,
            backend: self.backend.map(str::to_owned),
            inputs: self.inputs.iter().map(port).collect(),
        }
    }
}

impl Recipe {
    /// The same with its parts where they are.
    #[must_use]
    pub fn view(&self) -> RecipeView<'_> {
        let params = self.params.iter();
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (port, artifacts) in &self.inputs {
            let artifacts = artifacts.iter();
            let artifacts = artifacts.map(|(labels, digest)| (labels, *digest));
            inputs.push((port.as_str(), artifacts.collect()));
        }
        RecipeView {
            kind: &self.kind,
            revision: self.revision,
            params: params.map(|(name, value)| (name.as_str(), value)).collect(),
            seed: self.seed,
            backend: self.backend.as_deref(),
            inputs,
        }
    }

    /// See [`RecipeView::walk`].
    pub fn walk(&self, reader: &mut dyn RecipeReader) {
        self.view().walk(reader);
    }

    /// See [`RecipeView::key`].
    #[must_use]
    pub fn key(&self) -> Key {
        self.view().key()
    }

    /// The same walk as words: a dotted path and a value for every atom.
    #[must_use]
    pub fn words(&self) -> Vec<(String, String)> {
        self.worded().words
    }

    /// The place of every input's digest among the words, in the order of the inputs.
    ///
    /// A part of [`first_difference`] is of an input if it is its place, or begins with it and a dot.
    #[must_use]
    pub fn input_places(&self) -> Vec<String> {
        let WordsReader { words, digests, .. } = self.worded();
        let place = |at: usize| words[at].0.clone();
        digests.into_iter().map(place).collect()
    }

    fn worded(&self) -> WordsReader {
        let mut reader = WordsReader::default();
        self.walk(&mut reader);
        reader
    }
}

fn walk_map(name: &str, map: &BTreeMap<String, Value>, reader: &mut dyn RecipeReader) {
    reader.open(name, map.len());
    for (name, value) in map {
        walk_value(name, value, reader);
    }
    reader.close();
}

fn walk_value(name: &str, value: &Value, reader: &mut dyn RecipeReader) {
    match value {
        Value::Null => reader.atom(name, Atom::Null),
        Value::Bool(bool) => reader.atom(name, Atom::Bool(*bool)),
        Value::Int(int) => reader.atom(name, Atom::Int(*int)),
        Value::Float(float) => reader.atom(name, Atom::Float(*float)),
        Value::Text(text) => reader.atom(name, Atom::Text(text)),
        Value::List(list) => {
            reader.open(name, list.len());
            for (index, value) in list.iter().enumerate() {
                walk_value(&index.to_string(), value, reader);
            }
            reader.close();
        }
        Value::Map(map) => walk_map(name, map, reader),
    }
}

fn walk_port(port: &str, artifacts: &[(&Labels, Digest)], reader: &mut dyn RecipeReader) {
    reader.open(port, artifacts.len());
    for (labels, digest) in artifacts {
        reader.open_artifact(labels, labels.iter().count() + 1);
        for (axis, value) in labels.iter() {
            walk_value(axis, value, reader);
        }
        reader.atom("", Atom::Digest(*digest));
        reader.close();
    }
    reader.close();
}

/// Tag, length and bytes of every part, so that no two walks give the same bytes.
///
/// An artifact has no name: its labels enter by their values.
struct KeyReader(Vec<u8>);

impl KeyReader {
    fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend(bytes);
    }
}

impl RecipeReader for KeyReader {
    fn open(&mut self, name: &str, parts: usize) {
        self.0.push(b'(');
        self.text(name);
        self.0.extend((parts as u64).to_le_bytes());
    }

    fn open_artifact(&mut self, _labels: &Labels, parts: usize) {
        self.open("", parts);
    }

    fn close(&mut self) {
        self.0.push(b')');
    }

    fn atom(&mut self, name: &str, atom: Atom<'_>) {
        self.0.push(b'=');
        self.text(name);
        match atom {
            Atom::Null => self.tagged(b'n', &[]),
            Atom::Bool(bool) => self.tagged(b'b', &[u8::from(bool)]),
            Atom::Int(int) => self.tagged(b'i', &int.to_le_bytes()),
            Atom::Count(count) => self.tagged(b'u', &count.to_le_bytes()),
            // Zero has two bit patterns and one meaning.
            Atom::Float(float) => self.tagged(b'f', &(float + 0.0).to_bits().to_le_bytes()),
            Atom::Text(text) => {
                self.0.push(b't');
                self.text(text);
            }
            Atom::Digest(digest) => self.tagged(b'd', digest.as_bytes()),
        }
    }
}

#[derive(Default)]
struct WordsReader {
    path: Vec<String>,
    words: Vec<(String, String)>,
    /// Which of the words are digests of inputs.
    digests: Vec<usize>,
    /// How often each place of an input was said already.
    said: HashMap<String, usize>,
}

impl WordsReader {
    fn place(&self, name: &str) -> String {
        // The outermost part is the recipe itself; its name says nothing to a reader.
        let parts = self.path.iter().skip(1).map(String::as_str).chain([name]);
        let mut place = String::new();
        for part in parts.filter(|part| !part.is_empty()) {
            if !place.is_empty() && !part.starts_with('[') {
                place.push('.');
            }
            place.push_str(part);
        }
        place
    }
}

impl RecipeReader for WordsReader {
    fn open(&mut self, name: &str, parts: usize) {
        if parts == 0 {
            self.words.push((self.place(name), "nothing".to_owned()));
        }
        self.path.push(name.to_owned());
    }

    fn open_artifact(&mut self, labels: &Labels, parts: usize) {
        match labels.is_empty() {
            true => self.open("", parts),
            false => self.open(&format!("[{labels}]"), parts),
        }
    }

    fn close(&mut self) {
        self.path.pop();
    }

    fn atom(&mut self, name: &str, atom: Atom<'_>) {
        let mut place = self.place(name);
        if let Atom::Digest(_) = atom {
            self.digests.push(self.words.len());
            let times = self.said.entry(place.clone()).or_default();
            *times += 1;
            // Several inputs without labels may be on one port.
            if *times > 1 {
                place = format!("{place}#{times}");
            }
        }
        let value = match atom {
            Atom::Null => "none".to_owned(),
            Atom::Bool(bool) => bool.to_string(),
            Atom::Int(int) => int.to_string(),
            Atom::Count(count) => count.to_string(),
            Atom::Float(float) => format!("{float:?}"),
            Atom::Text(text) => format!("{text:?}"),
            Atom::Digest(digest) => digest.to_string(),
        };
        self.words.push((place, value));
    }
}

/// The first part in which two recipes differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where: `params.epsilon`, `inputs.weights[fold=3]`.
    pub part: String,
    /// The value before, `None` where the part is new.
    pub old: Option<String>,
    /// The value now, `None` where the part is gone.
    pub new: Option<String>,
}

/// The first part in which two recipes differ; `None` when their keys are equal.
#[must_use]
pub fn first_difference(old: &Recipe, new: &Recipe) -> Option<Difference> {
    differences(old, new).into_iter().next()
}

/// Every part in which two recipes differ: changed and new ones in order, then those that are gone.
#[must_use]
pub fn differences(old: &Recipe, new: &Recipe) -> Vec<Difference> {
    let (old, new) = (old.words(), new.words());
    let (was, is) = (by_place(&old), by_place(&new));
    let moved = |(part, value): &(String, String)| {
        let old = was.get(part.as_str()).map(|old| (*old).to_owned());
        (old.as_ref() != Some(value)).then(|| Difference {
            part: part.clone(),
            old,
            new: Some(value.clone()),
        })
    };
    let gone = old
        .iter()
        .filter(|(part, _)| !is.contains_key(part.as_str()));
    let gone = gone.map(|(part, value)| Difference {
        part: part.clone(),
        old: Some(value.clone()),
        new: None,
    });
    new.iter().filter_map(moved).chain(gone).collect()
}

fn by_place(words: &[(String, String)]) -> HashMap<&str, &str> {
    let pairs = words.iter();
    pairs
        .map(|(part, value)| (part.as_str(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        let labels = Labels::new(vec![("fold".into(), Value::Int(3))]);
        Recipe {
            kind: "lrp".into(),
            revision: 1,
            params: [("epsilon".to_owned(), Value::Float(0.01))].into(),
            seed: None,
            backend: Some("cpu-f32".into()),
            inputs: vec![("weights".into(), vec![(labels, Digest::of(b"w"))])],
        }
    }

    #[test]
    fn every_part_moves_the_key_and_is_the_first_difference() {
        type Change = (&'static str, fn(&mut Recipe));
        let changes: [Change; 7] = [
            ("kind", |r| r.kind = "lrq".into()),
            ("revision", |r| r.revision = 2),
            ("params.epsilon", |r| {
                r.params.insert("epsilon".into(), Value::Float(100.0));
            }),
            ("params.bias", |r| {
                r.params.insert("bias".into(), Value::from("bach"));
            }),
            ("seed", |r| r.seed = Some(0)),
            ("backend", |r| r.backend = None),
            ("inputs.weights[fold=3]", |r| {
                r.inputs[0].1[0].1 = Digest::of(b"v")
            }),
        ];
        for (part, change) in changes {
            let (old, mut new) = (recipe(), recipe());
            change(&mut new);
            assert_ne!(old.key(), new.key(), "{part}");
            assert_eq!(first_difference(&old, &new).unwrap().part, part);
        }
    }

    #[test]
    fn equal_recipes_have_no_difference() {
        assert_eq!(first_difference(&recipe(), &recipe()), None);
        assert_eq!(recipe().key(), recipe().key());
    }

    #[test]
    fn inputs_without_labels_on_one_port_are_told_apart() {
        let mut old = recipe();
        let bare = |bytes: &[u8]| (Labels::default(), Digest::of(bytes));
        old.inputs = vec![("of".into(), vec![bare(b"a"), bare(b"b")])];
        let mut new = old.clone();
        assert_eq!(first_difference(&old, &new), None);
        assert_eq!(old.input_places(), ["inputs.of", "inputs.of#2"]);
        new.inputs[0].1[1] = bare(b"c");
        assert_eq!(first_difference(&old, &new).unwrap().part, "inputs.of#2");
        new.backend = None;
        let parts: Vec<String> = differences(&old, &new)
            .into_iter()
            .map(|one| one.part)
            .collect();
        assert_eq!(parts, ["backend", "inputs.of#2"]);
    }

    #[test]
    fn an_input_that_left_is_named() {
        let (old, mut new) = (recipe(), recipe());
        new.inputs[0].1.clear();
        assert_ne!(old.key(), new.key());
        let difference = first_difference(&old, &new).unwrap();
        assert_eq!(difference.part, "inputs.weights");
        assert_eq!(difference.old, None);
    }

    #[test]
    fn floats_of_equal_value_encode_alike() {
        let (mut zero, mut minus) = (recipe(), recipe());
        zero.params.insert("epsilon".into(), Value::Float(0.0));
        minus.params.insert("epsilon".into(), Value::Float(-0.0));
        assert_eq!(zero.key(), minus.key());
    }

    #[test]
    fn a_name_in_brackets_is_part_of_the_key() {
        let named = |name: &str| {
            let weights = Value::Map([("EEG".to_owned(), Value::Float(1.0))].into());
            let classes = Value::Map([(name.to_owned(), weights)].into());
            let mut recipe = recipe();
            recipe.params.insert("weights".into(), classes);
            recipe
        };
        assert_ne!(named("[rest]").key(), named("[stress]").key());
        assert!(first_difference(&named("[rest]"), &named("[stress]")).is_some());
    }

    #[test]
    fn the_key_of_a_recipe_is_what_it_was() {
        let key = recipe().key().to_string();
        assert_eq!(
            key, "2d9ff8a14cf41a21c7194e81ac8cab13517748ee371278c0d019f74418435287",
            "a changed encoding loses every cache"
        );
    }

    #[test]
    fn an_int_is_not_the_float_of_its_value_nor_its_text() {
        let keys: Vec<Key> = [
            Value::Int(1),
            Value::Float(1.0),
            Value::from("1"),
            Value::Bool(true),
        ]
        .into_iter()
        .map(|value| {
            let mut recipe = recipe();
            recipe.params.insert("epsilon".into(), value);
            recipe.key()
        })
        .collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[i + 1..].contains(key));
        }
    }
}
