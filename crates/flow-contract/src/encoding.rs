//! The one place that names bincode: the bytes of ledger records.
//!
//! bincode 2.0.1 with its standard configuration (little endian, variable-length integers), whose
//! format is frozen; 3.0.0 is an empty release. These bytes never define a key: a [`Recipe`](crate::Recipe)
//! is hashed by its own walk, so leaving bincode would change no name in any cache.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes can't be read back, or the value can't be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    /// The value holds something the format can't say.
    #[error("can't be written as a record: {0}")]
    Write(#[from] bincode::error::EncodeError),
    /// The bytes are cut off or not of this type.
    #[error("not a record of this version of flow: {0}")]
    Read(#[from] bincode::error::DecodeError),
}

/// A record no reader will allocate beyond, whatever its bytes claim.
const LARGEST_RECORD_BYTES: usize = 256 << 20;

/// Writes a record.
///
/// # Errors
/// [`EncodingError::Write`].
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodingError> {
    Ok(bincode::serde::encode_to_vec(
        value,
        bincode::config::standard(),
    )?)
}

/// Reads a record that fills `bytes` from the start.
///
/// # Errors
/// [`EncodingError::Read`].
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EncodingError> {
    let limited = bincode::config::standard().with_limit::<LARGEST_RECORD_BYTES>();
    Ok(bincode::serde::decode_from_slice(bytes, limited)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Labels, Recipe, Value};

    #[test]
    fn the_bytes_of_a_recipe_never_change() {
        let recipe = Recipe {
            kind: "lrp".into(),
            revision: 300,
            params: [("epsilon".to_owned(), Value::Float(0.01))].into(),
            seed: Some(2021),
            backend: None,
            inputs: vec![(
                "weights".into(),
                vec![(
                    Labels::new(vec![("fold".into(), Value::Int(-3))]),
                    Digest::of(b"w"),
                )],
            )],
        };
        let bytes = to_bytes(&recipe).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("../tests/golden/recipe.hex").trim());
        assert_eq!(from_bytes::<Recipe>(&bytes).unwrap(), recipe);
        assert!(from_bytes::<Recipe>(&bytes[..bytes.len() - 1]).is_err());
    }
}
