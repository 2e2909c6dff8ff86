//! Layers as short text, the form a study file holds: `conv 16 k5`, `max-pool 2`, `dense 64`.
//!
//! | entry | optional words |
//! |---|---|
//! | `conv FILTERS kTAPS` | `sSTRIDE` `pPADDING` `dDILATION` `gGROUPS` `no-bias` |
//! | `dense UNITS` | `no-bias` |
//! | `max-pool WINDOW`, `average-pool WINDOW` | `sSTRIDE` (the window where not said) |
//! | `global-max-pool`, `global-average-pool`, `flatten`, `relu`, `gelu` | |
//! | `leaky-relu [SLOPE]`, `elu [ALPHA]`, `batch-norm [EPSILON]` | 0.01, 1, 0.001 where not said |
//! | `dropout RATE`, `spatial-dropout RATE` | |
//!
//! `as NAME` at the end names the layer.

use super::{Layer, Network, NetworkError, Op};
use crate::spelling::nearest;
use std::fmt;

/// The words that begin an entry, sorted.
const LAYERS: [&str; 14] = [
    "average-pool",
    "batch-norm",
    "conv",
    "dense",
    "dropout",
    "elu",
    "flatten",
    "gelu",
    "global-average-pool",
    "global-max-pool",
    "leaky-relu",
    "max-pool",
    "relu",
    "spatial-dropout",
];

impl Network {
    /// Reads a network from one short text a layer; the table of entries is in this file's head.
    ///
    /// ```
    /// let layers = ["conv 16 k5", "relu", "global-max-pool", "dense 5"];
    /// let network = flow_learn::network::Network::parse(3, 3000, &layers)?;
    /// assert_eq!(network.classes()?, 5);
    /// # Ok::<(), flow_learn::network::NetworkError>(())
    /// ```
    ///
    /// # Errors
    /// The entry that can't be read, or as [`Network::shapes`] the layer that doesn't fit.
    pub fn parse<S: AsRef<str>>(
        channels: usize,
        time: usize,
        entries: &[S],
    ) -> Result<Self, NetworkError> {
        let read = |(index, text): (usize, &S)| Entry::new(index + 1, text.as_ref()).read();
        let layers = entries
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()?;
        let network = Self {
            channels,
            time,
            layers: named(layers),
        };
        network.shapes()?;
        Ok(network)
    }

    /// The short text of each layer; [`Network::parse`] reads it back.
    pub fn entries(&self) -> Vec<String> {
        let ops = self
            .layers
            .iter()
            .map(|layer| (None, layer.op.clone()))
            .collect();
        let usual = named(ops);
        let text = |(layer, usual): (&Layer, Layer)| match layer.name == usual.name {
            true => layer.op.to_string(),
            false => format!("{} as {}", layer.op, layer.name),
        };
        self.layers.iter().zip(usual).map(text).collect()
    }
}

/// Names layers that have none: `layer{n}` where linear, else the kind's word and its count.
pub(super) fn named(layers: Vec<(Option<String>, Op)>) -> Vec<Layer> {
    let mut counts = std::collections::BTreeMap::new();
    let mut named = Vec::with_capacity(layers.len());
    for (name, op) in layers {
        let word = if op.is_linear() { "layer" } else { op.word() };
        let count = counts.entry(word).or_insert(0);
        *count += 1;
        let name = name.unwrap_or_else(|| format!("{word}{count}"));
        named.push(Layer { name, op });
    }
    named
}

impl Op {
    /// The word that begins this layer's entry.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Conv { .. } => "conv",
            Self::Dense { .. } => "dense",
            Self::MaxPool { .. } => "max-pool",
            Self::AveragePool { .. } => "average-pool",
            Self::GlobalMaxPool => "global-max-pool",
            Self::GlobalAveragePool => "global-average-pool",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Elu { .. } => "elu",
            Self::Gelu => "gelu",
            Self::BatchNorm { .. } => "batch-norm",
            Self::Dropout { .. } => "dropout",
            Self::SpatialDropout { .. } => "spatial-dropout",
            Self::Flatten => "flatten",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.word())?;
        match *self {
            Self::Conv {
                filters,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                bias,
            } => {
                write!(f, " {filters} k{kernel}")?;
                said(f, 's', stride, 1)?;
                said(f, 'p', padding, 0)?;
                said(f, 'd', dilation, 1)?;
                said(f, 'g', groups, 1)?;
                f.write_str(if bias { "" } else { " no-bias" })
            }
            Self::Dense { units, bias } => {
                write!(f, " {units}{}", if bias { "" } else { " no-bias" })
            }
            Self::MaxPool { kernel, stride } | Self::AveragePool { kernel, stride } => {
                write!(f, " {kernel}")?;
                said(f, 's', stride, kernel)
            }
            Self::LeakyRelu { slope: value }
            | Self::Elu { alpha: value }
            | Self::BatchNorm { epsilon: value }
            | Self::Dropout { rate: value }
            | Self::SpatialDropout { rate: value } => write!(f, " {value}"),
            Self::GlobalMaxPool
            | Self::GlobalAveragePool
            | Self::Relu
            | Self::Gelu
            | Self::Flatten => Ok(()),
        }
    }
}

fn said(f: &mut fmt::Formatter<'_>, letter: char, value: usize, usual: usize) -> fmt::Result {
    if value == usual {
        Ok(())
    } else {
        write!(f, " {letter}{value}")
    }
}

/// One entry being read.
struct Entry<'a> {
    entry: usize,
    text: &'a str,
    words: Vec<&'a str>,
    name: Option<String>,
}

impl<'a> Entry<'a> {
    fn new(entry: usize, text: &'a str) -> Self {
        let mut words: Vec<_> = text.split_whitespace().collect();
        let mut name = None;
        if let [.., "as", last] = words[..] {
            name = Some(last.to_owned());
            words.truncate(words.len() - 2);
        }
        Self {
            entry,
            text,
            words,
            name,
        }
    }

    fn read(mut self) -> Result<(Option<String>, Op), NetworkError> {
        if self.words.is_empty() {
            return Err(self.unknown(""));
        }
        let op = match self.words.remove(0) {
            "conv" => self.conv()?,
            "dense" => self.dense()?,
            "max-pool" => self.pool(|kernel, stride| Op::MaxPool { kernel, stride })?,
            "average-pool" => self.pool(|kernel, stride| Op::AveragePool { kernel, stride })?,
            "global-max-pool" => Op::GlobalMaxPool,
            "global-average-pool" => Op::GlobalAveragePool,
            "relu" => Op::Relu,
            "leaky-relu" => Op::LeakyRelu {
                slope: self.value("a slope", Some(0.01))?,
            },
            "elu" => Op::Elu {
                alpha: self.value("a value for alpha", Some(1.0))?,
            },
            "gelu" => Op::Gelu,
            "batch-norm" => Op::BatchNorm {
                epsilon: self.value("an epsilon", Some(0.001))?,
            },
            "dropout" => Op::Dropout {
                rate: self.value("a rate", None)?,
            },
            "spatial-dropout" => Op::SpatialDropout {
                rate: self.value("a rate", None)?,
            },
            "flatten" => Op::Flatten,
            word => return Err(self.unknown(word)),
        };
        match self.words.first() {
            Some(word) => Err(self.bad(word, "nothing more")),
            None => Ok((self.name, op)),
        }
    }

    fn conv(&mut self) -> Result<Op, NetworkError> {
        const WANTED: &str =
            "`conv FILTERS kTAPS [sSTRIDE] [pPADDING] [dDILATION] [gGROUPS] [no-bias]`";
        let filters = self.count(WANTED)?;
        let bias = !self.take("no-bias");
        let kernel = self.lettered('k', WANTED)?;
        let kernel = kernel.ok_or_else(|| self.bad("", WANTED))?;
        Ok(Op::Conv {
            filters,
            kernel,
            stride: self.lettered('s', WANTED)?.unwrap_or(1),
            padding: self.lettered('p', WANTED)?.unwrap_or(0),
            dilation: self.lettered('d', WANTED)?.unwrap_or(1),
            groups: self.lettered('g', WANTED)?.unwrap_or(1),
            bias,
        })
    }

    fn dense(&mut self) -> Result<Op, NetworkError> {
        let units = self.count("`dense UNITS [no-bias]`")?;
        Ok(Op::Dense {
            units,
            bias: !self.take("no-bias"),
        })
    }

    fn pool(&mut self, op: fn(usize, usize) -> Op) -> Result<Op, NetworkError> {
        const WANTED: &str = "a window and maybe `sSTRIDE`";
        let kernel = self.count(WANTED)?;
        Ok(op(kernel, self.lettered('s', WANTED)?.unwrap_or(kernel)))
    }

    /// Takes the next word as a count.
    fn count(&mut self, wanted: &'static str) -> Result<usize, NetworkError> {
        let word = if self.words.is_empty() {
            ""
        } else {
            self.words.remove(0)
        };
        word.parse().map_err(|_| self.bad(word, wanted))
    }

    /// Takes the next word as a number.
    fn value(&mut self, wanted: &'static str, usual: Option<f64>) -> Result<f64, NetworkError> {
        match (self.words.is_empty(), usual) {
            (true, Some(usual)) => Ok(usual),
            (true, None) => Err(self.bad("", wanted)),
            (false, _) => {
                let word = self.words.remove(0);
                word.parse().map_err(|_| self.bad(word, wanted))
            }
        }
    }

    /// Takes the word that is this letter and a count, wherever it stands.
    fn lettered(
        &mut self,
        letter: char,
        wanted: &'static str,
    ) -> Result<Option<usize>, NetworkError> {
        let Some(at) = self.words.iter().position(|word| word.starts_with(letter)) else {
            return Ok(None);
        };
        let word = self.words.remove(at);
        word[letter.len_utf8()..]
            .parse()
            .map(Some)
            .map_err(|_| self.bad(word, wanted))
    }

    /// Takes this word, wherever it stands.
    fn take(&mut self, word: &str) -> bool {
        let at = self.words.iter().position(|&other| other == word);
        at.map(|at| self.words.remove(at)).is_some()
    }

    fn bad(&self, word: &str, wanted: &'static str) -> NetworkError {
        let (entry, text, word) = (self.entry, self.text.to_owned(), word.to_owned());
        NetworkError::BadWord {
            entry,
            text,
            word,
            wanted,
        }
    }

    fn unknown(&self, word: &str) -> NetworkError {
        NetworkError::UnknownLayer {
            entry: self.entry,
            text: self.text.to_owned(),
            nearest: nearest(word, LAYERS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let entries = [
            "conv 16 k5 s2 p1 d3 g2 no-bias as stem",
            "batch-norm 0.001",
            "leaky-relu 0.01",
            "elu 1",
            "gelu",
            "relu",
            "average-pool 4 s2",
            "max-pool 2",
            "spatial-dropout 0.01",
            "conv 4 k1",
            "global-max-pool",
            "dropout 0.05",
            "dense 5 no-bias",
        ];
        let network = Network::parse(4, 300, &entries).unwrap();
        assert_eq!(network.entries(), entries);
        assert_eq!(network.layer("stem"), Some(&network.layers[0]));
    }

    #[test]
    fn the_preset_reads_back() {
        let network = Network::ellis2021(3, 3000, 5);
        assert_eq!(Network::parse(3, 3000, &network.entries()), Ok(network));
    }

    #[test]
    fn layers_with_weights_are_counted_from_one() {
        let network = Network::ellis2021(3, 3000, 5);
        let named: Vec<_> = network
            .layers
            .iter()
            .filter(|layer| layer.op.has_weights())
            .collect();
        assert_eq!(
            (named[0].name.as_str(), named[10].name.as_str()),
            ("layer1", "layer11")
        );
    }

    #[test]
    fn a_misspelt_layer_is_named_with_its_place() {
        let error = Network::parse(3, 30, &["relu", "maxpool 2"]).unwrap_err();
        let text = "entry 2 `maxpool 2`: no such layer, did you mean `max-pool`?";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_word_that_says_nothing_is_named() {
        for (entry, word) in [
            ("conv 16", ""),
            ("conv 16 k5 x3", "x3"),
            ("dense many", "many"),
            ("dropout", ""),
        ] {
            match Network::parse(3, 30, &[entry]) {
                Err(NetworkError::BadWord { word: found, .. }) => assert_eq!(found, word),
                other => panic!("{entry}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_words_are_sorted() {
        assert!(LAYERS.is_sorted());
    }
}
