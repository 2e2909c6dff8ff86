//! Which tensor of a file is meant for which layer.

use super::{Layout, Tensor, WeightsFileError, in_layout};
use safetensors::SafeTensors;

/// The tensors of a file by layer, in the natural order of the layers' names.
pub(super) struct Names(Vec<(String, Vec<(&'static str, String)>)>);

impl Names {
    pub(super) fn of(file: &SafeTensors<'_>) -> Self {
        let mut layers: Vec<(String, Vec<(&'static str, String)>)> = Vec::new();
        for name in file.names() {
            let (layer, part) = name.rsplit_once(['.', '/']).unwrap_or(("", name));
            let Some(part) = part_of(part) else { continue };
            match layers.iter_mut().find(|(other, _)| other == layer) {
                Some((_, parts)) => parts.push((part, name.to_owned())),
                None => layers.push((layer.to_owned(), vec![(part, name.to_owned())])),
            }
        }
        layers.sort_by_key(|(layer, _)| natural(layer));
        Self(layers)
    }

    /// The name in the file of each wanted tensor.
    pub(super) fn matched(
        &self,
        wanted: &[Tensor],
        file: &SafeTensors<'_>,
        layout: Layout,
    ) -> Result<Vec<String>, WeightsFileError> {
        let mut layers: Vec<&[Tensor]> = wanted.chunk_by(|a, b| a.layer == b.layer).collect();
        let named = |tensors: &&[Tensor]| self.0.iter().any(|(name, _)| *name == tensors[0].layer);
        let by_name = layers.iter().any(named);
        let mut free: Vec<_> = self.0.iter().collect();
        let mut names = Vec::with_capacity(wanted.len());
        for tensors in layers.drain(..) {
            let fits = |parts: &[(&'static str, String)]| {
                tensors.iter().all(|tensor| {
                    let shape = found(parts, tensor.part).map(|name| shape_of(file, name));
                    shape == Some(in_layout(&tensor.shape, layout))
                })
            };
            let place = match by_name {
                true => free.iter().position(|(name, _)| *name == tensors[0].layer),
                // Where nothing fits the first that is left is held against it, to say what does not.
                false => free.iter().position(|(_, parts)| fits(parts)).or(Some(0)),
            };
            let place = place.filter(|&place| place < free.len());
            let parts = place.map_or(&[][..], |place| &free.remove(place).1);
            for tensor in tensors {
                let name = found(parts, tensor.part);
                names.push(
                    name.ok_or_else(|| self.missing(tensor, file, layout))?
                        .to_owned(),
                );
            }
        }
        let taken = |name: &String| names.contains(name);
        let parts = self.0.iter().flat_map(|(_, parts)| parts);
        let unused: Vec<_> = parts.filter(|(_, name)| !taken(name)).collect();
        match unused.is_empty() || !self.all_fit(wanted, &names, file, layout) {
            true => Ok(names),
            false => Err(WeightsFileError::Unused {
                tensors: unused
                    .iter()
                    .map(|(_, name)| described(file, name))
                    .collect(),
            }),
        }
    }

    /// Whether the shapes fit, so that nothing worse than an unused tensor can be told.
    fn all_fit(
        &self,
        wanted: &[Tensor],
        names: &[String],
        file: &SafeTensors<'_>,
        layout: Layout,
    ) -> bool {
        let mut pairs = wanted.iter().zip(names);
        pairs.all(|(tensor, name)| shape_of(file, name) == in_layout(&tensor.shape, layout))
    }

    fn missing(&self, tensor: &Tensor, file: &SafeTensors<'_>, layout: Layout) -> WeightsFileError {
        let names = self.0.iter().flat_map(|(_, parts)| parts);
        WeightsFileError::Missing {
            wanted: format!("{}.{}", tensor.layer, tensor.part),
            shape: in_layout(&tensor.shape, layout),
            has: names.map(|(_, name)| described(file, name)).collect(),
        }
    }
}

fn found<'n>(parts: &'n [(&'static str, String)], part: &str) -> Option<&'n str> {
    let found = parts.iter().find(|(own, _)| *own == part);
    found.map(|(_, name)| name.as_str())
}

fn shape_of(file: &SafeTensors<'_>, name: &str) -> Vec<usize> {
    file.tensor(name)
        .map(|view| view.shape().to_vec())
        .unwrap_or_default()
}

fn described(file: &SafeTensors<'_>, name: &str) -> String {
    format!("`{name}` {:?}", shape_of(file, name))
}

/// What the last word of a tensor's name says, as PyTorch names it.
fn part_of(word: &str) -> Option<&'static str> {
    match word.split(':').next()? {
        "weight" | "kernel" | "gamma" => Some("weight"),
        "bias" | "beta" => Some("bias"),
        "running_mean" | "moving_mean" => Some("running_mean"),
        "running_var" | "moving_variance" => Some("running_var"),
        _ => None,
    }
}

/// A key that sorts names as people do: `conv_2` before `conv_10`.
pub(super) fn natural(name: &str) -> Vec<(String, u64)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (mut key, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find(is_digit).unwrap_or(rest.len()));
        let end = after.find(|c| !is_digit(c)).unwrap_or(after.len());
        key.push((text.to_owned(), after[..end].parse().unwrap_or(0)));
        rest = &after[end..];
    }
    key
}
