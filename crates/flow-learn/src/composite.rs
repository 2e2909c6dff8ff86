//! Which rule on which layer.
//!
//! A composite is a list of `selector: rule` entries, the first that matches a layer wins:
//!
//! ```text
//! first: flat; conv: z-plus; layer9: gamma(0.5); dense: epsilon(0.01)
//! ```
//!
//! | selector | layers |
//! |---|---|
//! | `first`, `last`, `3` | that convolution or dense layer, counted from 1 at the input |
//! | `conv`, `dense`, `average-pool`, `batch-norm` | of that kind; global average pools too |
//! | `any` | all of these |
//! | another word | the layer of that name |
//!
//! A rule alone, `epsilon(0.01)`, stands for itself on every convolution and dense layer. Presets have
//! zennit's names, see [`PRESETS`]. Where nothing is said, an average pool gets `norm` and a batch norm
//! that couldn't be folded `pass`; activations and maximum pools need no rule.

mod presets;

pub use presets::{PRESETS, Preset};

use crate::network::{Network, Op};
use crate::rules::text::{self, Call};
use crate::rules::{RULES, Rule, RuleError};
use crate::spelling::nearest;
use std::fmt;
use std::str::FromStr;

/// Rules for the layers of a network.
#[derive(Debug, Clone)]
pub struct Composite {
    entries: Vec<(Selector, Rule)>,
    /// Invariant: reads back to these entries. Guard: `texts_read_back`.
    text: String,
}

/// Which layers an entry is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The first convolution or dense layer.
    First,
    /// The last convolution or dense layer.
    Last,
    /// The convolution or dense layer of this number, from 1.
    Number(usize),
    /// Layers of a kind.
    Kind(LayerKind),
    /// Every layer that needs a rule.
    Any,
    /// The layer of this name.
    Name(String),
}

/// The kinds of layer that need a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A convolution.
    Conv,
    /// A dense layer.
    Dense,
    /// An average pool, global or not.
    AveragePool,
    /// A batch norm.
    BatchNorm,
}

impl LayerKind {
    /// The kind of a layer; `None` where it needs no rule.
    pub fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Conv { .. } => Some(Self::Conv),
            Op::Dense { .. } => Some(Self::Dense),
            Op::AveragePool { .. } | Op::GlobalAveragePool => Some(Self::AveragePool),
            Op::BatchNorm { .. } => Some(Self::BatchNorm),
            _ => None,
        }
    }
}

/// The words for selectors, sorted.
const SELECTORS: [(&str, Selector); 7] = [
    ("any", Selector::Any),
    ("average-pool", Selector::Kind(LayerKind::AveragePool)),
    ("batch-norm", Selector::Kind(LayerKind::BatchNorm)),
    ("conv", Selector::Kind(LayerKind::Conv)),
    ("dense", Selector::Kind(LayerKind::Dense)),
    ("first", Selector::First),
    ("last", Selector::Last),
];

/// What is wrong with a composite.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompositeError {
    /// A rule or a preset can't be read.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Neither a rule nor a preset has this name.
    #[error("no rule or preset `{name}`{}", nearest.map_or_else(all_names, |name| format!(", did you mean `{name}`?")))]
    Unknown {
        /// The name.
        name: String,
        /// The closest right name.
        nearest: Option<&'static str>,
    },
    /// An entry isn't `selector: rule`.
    #[error("entry `{entry}` is no `selector: rule`")]
    BadEntry {
        /// The entry.
        entry: String,
    },
    /// A selector points to no layer.
    #[error("`{selector}` selects no layer; there are {}", layers.join(", "))]
    NoSuchLayer {
        /// The selector.
        selector: String,
        /// The layers that take rules.
        layers: Vec<String>,
    },
    /// A layer that needs a rule gets none.
    #[error("no entry of `{composite}` is for layer `{layer}`")]
    NoRule {
        /// The composite.
        composite: String,
        /// The layer.
        layer: String,
    },
}

fn all_names() -> String {
    let rules = RULES.iter().map(|kind| kind.name);
    let names: Vec<_> = rules
        .chain(PRESETS.iter().map(|preset| preset.name))
        .collect();
    format!("; there are {}", names.join(", "))
}

impl Composite {
    /// Reads a rule, a preset such as `epsilon-plus(epsilon=0.01)`, or entries.
    ///
    /// # Errors
    /// What can't be read, with the nearest right name.
    pub fn parse(text: &str) -> Result<Self, CompositeError> {
        if text.contains(':') {
            let entries = entries(text)?;
            return Ok(Self::new(entries));
        }
        let call = Call::parse(text)?;
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == call.name) {
            return preset.with(&call);
        }
        match Rule::parse(text) {
            Ok(rule) => Ok(Self::from(rule)),
            Err(RuleError::UnknownRule { name, .. }) => {
                let rules = RULES.iter().map(|kind| kind.name);
                let names = rules.chain(PRESETS.iter().map(|preset| preset.name));
                let nearest = nearest(&name, names);
                Err(CompositeError::Unknown { name, nearest })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A composite of these entries, the first match wins.
    pub fn new(entries: Vec<(Selector, Rule)>) -> Self {
        let texts: Vec<_> = entries
            .iter()
            .map(|(selector, rule)| format!("{selector}: {rule}"))
            .collect();
        let text = texts.join("; ");
        Self { entries, text }
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[(Selector, Rule)] {
        &self.entries
    }

    /// The rule of every layer: `None` for layers that need none.
    ///
    /// # Errors
    /// [`CompositeError::NoSuchLayer`] for a name or number that isn't there,
    /// [`CompositeError::NoRule`] for a convolution or dense layer that no entry is for.
    pub fn rules(&self, network: &Network) -> Result<Vec<Option<Rule>>, CompositeError> {
        let sites = sites(network);
        for (selector, _) in &self.entries {
            self.points_somewhere(selector, &sites)?;
        }
        let rule = |site: &Option<Site>| {
            site.as_ref()
                .map(|site| self.rule(site).ok_or_else(|| self.no_rule(site)))
                .transpose()
        };
        sites.iter().map(rule).collect()
    }

    fn rule(&self, site: &Site) -> Option<Rule> {
        let said = self
            .entries
            .iter()
            .find(|(selector, _)| selector.selects(site))
            .map(|(_, rule)| rule.clone());
        said.or_else(|| match site.kind {
            LayerKind::AveragePool => Rule::parse("norm").ok(),
            LayerKind::BatchNorm => Rule::parse("pass").ok(),
            LayerKind::Conv | LayerKind::Dense => None,
        })
    }

    fn no_rule(&self, site: &Site) -> CompositeError {
        CompositeError::NoRule {
            composite: self.text.clone(),
            layer: site.name.to_owned(),
        }
    }

    fn points_somewhere(
        &self,
        selector: &Selector,
        sites: &[Option<Site>],
    ) -> Result<(), CompositeError> {
        let pointed = matches!(selector, Selector::Name(_) | Selector::Number(_));
        let mut layers = sites.iter().flatten();
        if !pointed || layers.clone().any(|site| selector.selects(site)) {
            return Ok(());
        }
        Err(CompositeError::NoSuchLayer {
            selector: selector.to_string(),
            layers: layers.by_ref().map(|site| site.name.to_owned()).collect(),
        })
    }
}

/// A layer that needs a rule, and where it stands.
struct Site<'a> {
    name: &'a str,
    kind: LayerKind,
    /// From 1 among convolutions and dense layers.
    number: Option<usize>,
    last: bool,
}

fn sites(network: &Network) -> Vec<Option<Site<'_>>> {
    let count = network
        .layers
        .iter()
        .filter(|layer| layer.op.is_linear())
        .count();
    let mut number = 0;
    let mut sites = Vec::with_capacity(network.layers.len());
    for layer in &network.layers {
        number += usize::from(layer.op.is_linear());
        sites.push(LayerKind::of(&layer.op).map(|kind| Site {
            name: &layer.name,
            kind,
            number: layer.op.is_linear().then_some(number),
            last: layer.op.is_linear() && number == count,
        }));
    }
    sites
}

impl Selector {
    fn selects(&self, site: &Site<'_>) -> bool {
        match self {
            Self::First => site.number == Some(1),
            Self::Last => site.last,
            Self::Number(number) => site.number == Some(*number),
            Self::Kind(kind) => site.kind == *kind,
            Self::Any => true,
            Self::Name(name) => site.name == name,
        }
    }

    fn parse(text: &str) -> Self {
        let word = SELECTORS.into_iter().find(|(word, _)| *word == text);
        match (word, text.parse()) {
            (Some((_, selector)), _) => selector,
            (None, Ok(number)) => Self::Number(number),
            (None, Err(_)) => Self::Name(text.to_owned()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
            word => SELECTORS
                .iter()
                .find(|(_, selector)| selector == word)
                .map_or(Ok(()), |(word, _)| f.write_str(word)),
        }
    }
}

fn entries(text: &str) -> Result<Vec<(Selector, Rule)>, CompositeError> {
    let pieces = text::split(text, ';')?;
    let said = pieces.into_iter().filter(|piece| !piece.is_empty());
    said.map(|entry| {
        let bad = || CompositeError::BadEntry {
            entry: entry.to_owned(),
        };
        let (selector, rule) = entry.split_once(':').ok_or_else(bad)?;
        match selector.trim() {
            "" => Err(bad()),
            selector => Ok((Selector::parse(selector), Rule::parse(rule)?)),
        }
    })
    .collect()
}

impl From<Rule> for Composite {
    fn from(rule: Rule) -> Self {
        let text = rule.to_string();
        let kinds = [LayerKind::Conv, LayerKind::Dense];
        let entries = kinds.map(|kind| (Selector::Kind(kind), rule.clone()));
        Self {
            entries: entries.into(),
            text,
        }
    }
}

impl FromStr for Composite {
    type Err = CompositeError;

    fn from_str(text: &str) -> Result<Self, CompositeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Composite {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(composite: &str) -> Vec<String> {
        let network = Network::of(
            3,
            64,
            [
                Op::conv(4, 5),
                Op::Relu,
                Op::conv(4, 3),
                Op::GlobalAveragePool,
                Op::dense(6),
                Op::Relu,
                Op::dense(5),
            ],
        );
        let rules = Composite::parse(composite).unwrap().rules(&network);
        let rules = rules.unwrap().into_iter().flatten();
        rules.map(|rule| rule.to_string()).collect()
    }

    #[test]
    fn the_first_match_wins() {
        let text = "layer3: pass; last: flat; 2: w-square; first: gamma; conv: norm; dense: norm";
        let rules = ["gamma(0.25)", "w-square", "norm", "pass", "flat"];
        assert_eq!(texts(text), rules);
        let rules = ["flat", "flat", "flat", "flat", "flat"];
        assert_eq!(texts("any: flat; first: gamma"), rules);
    }

    #[test]
    fn a_rule_alone_is_for_convolutions_and_dense_layers() {
        let rules = texts("epsilon(0.01)");
        assert_eq!(
            rules.iter().filter(|rule| *rule == "epsilon(0.01)").count(),
            4
        );
        assert_eq!(rules[2], "norm");
    }

    #[test]
    fn presets_are_sorted_and_say_what_zennit_says() {
        assert!(PRESETS.is_sorted_by_key(|preset| preset.name));
        let rules = [
            "flat",
            "z-plus",
            "norm",
            "epsilon(0.000001)",
            "epsilon(0.000001)",
        ];
        assert_eq!(texts("epsilon-plus-flat"), rules);
        let rules = [
            "z-box(-1,[1,2,3])",
            "gamma(0.5)",
            "norm",
            "epsilon(0.1)",
            "epsilon(0.1)",
        ];
        assert_eq!(texts("epsilon-gamma-box(-1,[1,2,3],0.1,gamma=0.5)"), rules);
    }

    #[test]
    fn texts_read_back() {
        for text in [
            "epsilon(0.01,bias=ignore)",
            "epsilon-plus(0.01)",
            "epsilon-gamma-box([-1,-2],[1,2],0.000001,0.25)",
            "first: flat; stem: z-box([-1,-2],3); 4: pass; any: gamma(0.25)",
        ] {
            let composite = Composite::parse(text).unwrap();
            assert_eq!(composite.to_string(), text);
            assert_eq!(Composite::parse(&composite.to_string()).unwrap(), composite);
        }
    }

    #[test]
    fn mistakes_name_what_there_is() {
        let told = |text| Composite::parse(text).unwrap_err().to_string();
        assert_eq!(
            told("epsilon-plus-falt"),
            "no rule or preset `epsilon-plus-falt`, did you mean `epsilon-plus-flat`?"
        );
        assert_eq!(
            told("conv: flat; dense"),
            "entry `dense` is no `selector: rule`"
        );
        assert_eq!(told("conv: flta"), "no rule `flta`, did you mean `flat`?");
        let network = Network::of(1, 9, [Op::conv(2, 3), Op::GlobalMaxPool, Op::dense(2)]);
        let told = |text: &str| {
            let rules = Composite::parse(text).unwrap().rules(&network);
            rules.unwrap_err().to_string()
        };
        assert_eq!(
            told("stem: flat; any: pass"),
            "`stem` selects no layer; there are layer1, layer2"
        );
        assert_eq!(
            told("conv: flat"),
            "no entry of `conv: flat` is for layer `layer2`"
        );
    }
}
