//! Which tensor of a file is meant for which layer.

use super::{Layout, Tensor, WeightsFileError, in_layout};
use safetensors::SafeTensors;

/// The tensors of a file by layer, in the natural order of the layers' names.
pub(super) struct Names(Vec<Layer>);

/// A layer of a file: its name, and for each part that has one the tensor's name.
type Layer = (String, Vec<Part>);

/// What a tensor is to its layer, and its name in the file.
type Part = (&'static str, String);

impl Names {
    pub(super) fn of(file: &SafeTensors<'_>) -> Self {
        let mut layers: Vec<Layer> = Vec::new();
        let mut names = file.names();
        names.sort_unstable();
        for name in names {
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
        let layers = || wanted.chunk_by(|a, b| a.layer == b.layer);
        let known = |name: &str| layers().any(|tensors| tensors[0].layer == name);
        let by_name = self.0.iter().any(|(name, _)| known(name));
        let mut free: Vec<&Layer> = self.0.iter().collect();
        let mut names = Vec::with_capacity(wanted.len());
        for tensors in layers() {
            let sought = Sought {
                tensors,
                file,
                layout,
            };
            let place = match by_name {
                true => free.iter().position(|(name, _)| *name == tensors[0].layer),
                false => sought.place(&free),
            };
            let parts = place.map_or(&[][..], |place| &free.remove(place).1);
            for tensor in tensors {
                let name = found(parts, tensor.part);
                let name = name.ok_or_else(|| self.missing(tensor, file, layout))?;
                fits(tensor, name, file, layout)?;
                names.push(name.to_owned());
            }
        }
        let parts = self.0.iter().flat_map(|(_, parts)| parts);
        let unused = parts.filter(|(_, name)| !names.contains(name));
        let unused: Vec<_> = unused.map(|(_, name)| described(file, name)).collect();
        match unused.is_empty() {
            true => Ok(names),
            false => Err(WeightsFileError::Unused { tensors: unused }),
        }
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

/// The tensors of one layer of a network, to be found among the layers of a file.
struct Sought<'a> {
    tensors: &'a [Tensor],
    file: &'a SafeTensors<'a>,
    layout: Layout,
}

impl Sought<'_> {
    /// The first layer that has the shapes; where there is none the first whose weight has as many axes,
    /// to say what does not fit.
    fn place(&self, free: &[&Layer]) -> Option<usize> {
        let has = |parts: &[Part]| {
            self.tensors.iter().all(|tensor| {
                found(parts, tensor.part)
                    .is_some_and(|name| fits(tensor, name, self.file, self.layout).is_ok())
            })
        };
        let axes = self.tensors[0].shape.len();
        let alike = |parts: &[Part]| {
            found(parts, "weight").is_some_and(|name| shape_of(self.file, name).len() == axes)
        };
        let first = |fits: &dyn Fn(&[Part]) -> bool| free.iter().position(|(_, parts)| fits(parts));
        first(&has).or_else(|| first(&alike))
    }
}

/// Whether a tensor of the file has the shape the network wants.
fn fits(
    tensor: &Tensor,
    name: &str,
    file: &SafeTensors<'_>,
    layout: Layout,
) -> Result<(), WeightsFileError> {
    let (found, shape) = (shape_of(file, name), in_layout(&tensor.shape, layout));
    if found == shape {
        return Ok(());
    }
    Err(WeightsFileError::WrongShape {
        tensor: name.to_owned(),
        wanted: format!("{}.{}", tensor.layer, tensor.part),
        fits_other: found == in_layout(&tensor.shape, layout.other()),
        found,
        shape,
    })
}

fn found<'n>(parts: &'n [Part], part: &str) -> Option<&'n str> {
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
