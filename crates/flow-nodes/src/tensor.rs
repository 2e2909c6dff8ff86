//! Tensors on ports: safetensors files that Python opens.

use std::borrow::Cow;
use std::collections::HashMap;

use flow_contract::NodeError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

/// Collects tensors into a safetensors file.
#[derive(Default)]
pub struct TensorsBuilder {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
    fact: Option<(String, String)>,
}

impl TensorsBuilder {
    /// A builder without tensors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor of 32-bit floats, row-major.
    #[must_use]
    pub fn f32(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        self.add(
            name,
            Dtype::F32,
            shape,
            bytemuck::cast_slice(values).to_vec(),
        )
    }

    /// Adds a tensor of 64-bit floats, row-major.
    #[must_use]
    pub fn f64(self, name: &str, shape: &[usize], values: &[f64]) -> Self {
        self.add(
            name,
            Dtype::F64,
            shape,
            bytemuck::cast_slice(values).to_vec(),
        )
    }

    /// Adds a tensor of whole numbers.
    #[must_use]
    pub fn i64(self, name: &str, shape: &[usize], values: &[i64]) -> Self {
        self.add(
            name,
            Dtype::I64,
            shape,
            bytemuck::cast_slice(values).to_vec(),
        )
    }

    /// Adds a tensor of bytes.
    #[must_use]
    pub fn u8(self, name: &str, shape: &[usize], values: &[u8]) -> Self {
        self.add(name, Dtype::U8, shape, values.to_vec())
    }

    /// Gives the file one fact in words. It takes only one: the format's writer keeps facts in a
    /// map without order, so that two would not always give the same bytes.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl ToString) -> Self {
        self.fact = Some((name.to_owned(), value.to_string()));
        self
    }

    fn add(mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) -> Self {
        self.tensors
            .push((name.to_owned(), dtype, shape.to_vec(), bytes));
        self
    }

    /// The file's bytes, the same for the same tensors and fact.
    ///
    /// # Errors
    /// When a shape does not fit its values, which is a bug in the kind.
    pub fn build(self) -> Result<Vec<u8>, NodeError> {
        let wrong =
            |e: safetensors::SafeTensorError| NodeError::new(format!("writing tensors: {e}"));
        let views = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((
                    name.as_str(),
                    TensorView::new(*dtype, shape.clone(), bytes).map_err(wrong)?,
                ))
            })
            .collect::<Result<Vec<_>, NodeError>>()?;
        let facts = self.fact.clone().map(|fact| HashMap::from([fact]));
        serialize(views, facts).map_err(wrong)
    }
}

/// The tensors of a file, read in place.
pub struct Tensors<'a>(SafeTensors<'a>, Option<HashMap<String, String>>);

impl<'a> Tensors<'a> {
    /// Reads a file's header.
    ///
    /// # Errors
    /// When the bytes are not a safetensors file.
    pub fn read(bytes: &'a [u8]) -> Result<Self, NodeError> {
        let wrong = |error| NodeError::new(format!("reading tensors: {error}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
        Ok(Self(tensors, metadata.metadata().clone()))
    }

    /// Whether there is a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
    }

    /// The fact of a name, if the file has it.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.1.as_ref()?.get(name).map(String::as_str)
    }

    /// The facts of the file, sorted by name.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let facts = self.1.iter().flatten();
        let mut facts: Vec<_> = facts
            .map(|(name, fact)| (name.clone(), fact.clone()))
            .collect();
        facts.sort();
        facts
    }

    /// The tensors by name, sorted, as they lie in the file.
    #[must_use]
    pub fn raw(&self) -> Vec<(String, TensorView<'a>)> {
        let mut all = self.0.tensors();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// The shape of every tensor, in no order.
    pub fn shapes(&self) -> impl Iterator<Item = Vec<usize>> {
        let tensors = self.0.tensors().into_iter();
        tensors.map(|(_, view)| view.shape().to_vec())
    }

    /// A tensor's shape and values as 32-bit floats, without a copy where the bytes are aligned.
    ///
    /// # Errors
    /// When there is no such tensor or its type is another.
    pub fn f32(&self, name: &str) -> Result<(Vec<usize>, Cow<'a, [f32]>), NodeError> {
        self.typed(name, Dtype::F32)
    }

    /// A tensor's shape and values as 64-bit floats, without a copy where the bytes are aligned.
    ///
    /// # Errors
    /// When there is no such tensor or its type is another.
    pub fn f64(&self, name: &str) -> Result<(Vec<usize>, Cow<'a, [f64]>), NodeError> {
        self.typed(name, Dtype::F64)
    }

    /// A tensor's bytes.
    ///
    /// # Errors
    /// When there is no such tensor or its type is another.
    pub fn u8(&self, name: &str) -> Result<(Vec<usize>, Cow<'a, [u8]>), NodeError> {
        self.typed(name, Dtype::U8)
    }

    fn typed<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
        &self,
        name: &str,
        dtype: Dtype,
    ) -> Result<(Vec<usize>, Cow<'a, [T]>), NodeError> {
        let view = self.0.tensor(name).map_err(|_| {
            let has = self.0.names().join(", ");
            NodeError::new(format!("there is no tensor `{name}`")).help(format!("there are {has}"))
        })?;
        if view.dtype() != dtype {
            let what = format!("tensor `{name}` is {:?}, not {dtype:?}", view.dtype());
            return Err(NodeError::new(what));
        }
        let bytes = view.data();
        let values = match bytemuck::try_cast_slice(bytes) {
            Ok(values) => Cow::Borrowed(values),
            Err(_) => Cow::Owned(bytemuck::pod_collect_to_vec(bytes)),
        };
        Ok((view.shape().to_vec(), values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_survive_the_file_at_any_alignment() {
        let bytes = TensorsBuilder::new()
            .f32("x", &[2, 1], &[1.5, -2.0])
            .u8("y", &[1], &[3]);
        let bytes = bytes.fact("unit", "µV").build().unwrap();
        for shift in 0..4 {
            let moved = [vec![0; shift], bytes.clone()].concat();
            let tensors = Tensors::read(&moved[shift..]).unwrap();
            assert_eq!(
                tensors.f32("x").unwrap(),
                (vec![2, 1], Cow::from(vec![1.5, -2.0]))
            );
            assert!(tensors.f32("y").is_err() && tensors.f32("z").is_err());
        }
        assert!(Tensors::read(b"no").is_err());
    }
}
