//! Relevance maps too large for memory: a safetensors file that is filled batch by batch.
//!
//! For each rule a tensor `<rule>` of `f32`, `[sample, channel, time]`, and a tensor `<rule>.exponent` of
//! `i32`, `[sample]`: the relevance of sample `n` is the tensor times `2^exponent[n]`. The exponent is 0
//! unless the sample's largest |relevance| lies below 2⁻⁹⁰ or above 2⁹⁰.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flow_contract::NodeError;
use flow_learn::relevance::Explanation;
use serde_json::{Map, Value, json};

/// A file of relevance maps under way.
pub struct Maps {
    file: File,
    /// Where the maps of each rule begin, and their exponents.
    starts: Vec<(u64, u64)>,
    sample_len: u64,
}

impl Maps {
    /// Makes the file, all zeros; `shape` is that of each rule's tensor, `facts` go into its header.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn create(
        path: &Path,
        rules: &[String],
        shape: [usize; 3],
        facts: &[(&str, String)],
    ) -> Result<Self, NodeError> {
        let wrong = |error: io::Error| NodeError::new(format!("writing relevance maps: {error}"));
        let [samples, channels, time] = shape.map(|size| size as u64);
        let (map, exponents) = (4 * samples * channels * time, 4 * samples);
        let mut header = Map::new();
        let facts = facts
            .iter()
            .map(|(name, fact)| ((*name).to_owned(), json!(fact)));
        header.insert(
            "__metadata__".to_owned(),
            facts.collect::<Map<_, _>>().into(),
        );
        let mut starts = Vec::with_capacity(rules.len());
        let mut at = 0;
        for rule in rules {
            let middle = at + map;
            header.insert(rule.clone(), entry("F32", &shape, at, middle));
            let name = format!("{rule}.exponent");
            header.insert(name, entry("I32", &shape[..1], middle, middle + exponents));
            starts.push((at, middle));
            at = middle + exponents;
        }
        let mut head = Value::Object(header).to_string().into_bytes();
        head.resize(head.len().next_multiple_of(8), b' ');
        let base = 8 + head.len() as u64;
        let mut file = File::create(path).map_err(wrong)?;
        file.write_all(&(head.len() as u64).to_le_bytes())
            .map_err(wrong)?;
        file.write_all(&head).map_err(wrong)?;
        file.set_len(base + at).map_err(wrong)?;
        let from_base = |(map, exponents)| (base + map, base + exponents);
        let starts = starts.into_iter().map(from_base).collect();
        let sample_len = channels * time;
        Ok(Self {
            file,
            starts,
            sample_len,
        })
    }

    /// Puts the maps of a batch that begins with sample `from` in their place.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn write(
        &mut self,
        rule: usize,
        from: usize,
        explained: &Explanation<f32>,
    ) -> Result<(), NodeError> {
        let (maps, exponents) = self.starts[rule];
        let relevance = bytemuck::cast_slice(&explained.relevance);
        let at = maps + 4 * self.sample_len * from as u64;
        let written = self.file.write_all_at(relevance, at).and_then(|()| {
            let bytes = bytemuck::cast_slice(&explained.exponents);
            self.file.write_all_at(bytes, exponents + 4 * from as u64)
        });
        written.map_err(|error| NodeError::new(format!("writing relevance maps: {error}")))
    }
}

fn entry(dtype: &str, shape: &[usize], from: u64, to: u64) -> Value {
    json!({"dtype": dtype, "shape": shape, "data_offsets": [from, to]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensors;

    #[test]
    fn batches_end_up_in_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps");
        let rules = ["epsilon(0.01)".to_owned(), "flat".to_owned()];
        let facts = [("channels", "EEG \"Fpz\"".to_owned())];
        let mut maps = Maps::create(&path, &rules, [3, 2, 1], &facts).unwrap();
        for (rule, from, numbers, exponents) in [
            (1, 0, vec![1.0, 2.0, 3.0, 4.0], vec![0, -95]),
            (0, 2, vec![7.0, 8.0], vec![5]),
        ] {
            let explained = Explanation {
                relevance: numbers,
                exponents,
            };
            maps.write(rule, from, &explained).unwrap();
        }
        let bytes = std::fs::read(path).unwrap();
        let tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.fact("channels"), Some("EEG \"Fpz\""));
        let (shape, flat) = tensors.f32("flat").unwrap();
        assert_eq!(
            (shape, &flat[..]),
            (vec![3, 2, 1], &[1.0, 2.0, 3.0, 4.0, 0.0, 0.0][..])
        );
        assert_eq!(&tensors.f32("epsilon(0.01)").unwrap().1[4..], [7.0, 8.0]);
    }
}
