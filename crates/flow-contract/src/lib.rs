//! The vocabulary every other crate of flow shares, and the one trait a node kind implements.
//!
//! A [`Kind`] says what it takes and gives ([`Descriptor`]: ports, params) and does its work in
//! [`Kind::run`], seeing only its [`Task`]: inputs by content, canonical params, a staging folder.
//! Everything that decides the result is listed in a [`Recipe`]; its [`Key`] names the result.
//!
//! This crate knows no file format, no graph, no store and no science.

mod content;
mod derive;
mod digest;
pub mod encoding;
mod foresight;
mod kind;
mod labels;
mod params;
mod port;
mod recipe;
mod task;
mod value;

pub use content::Content;
pub use derive::derive_seed;
pub use digest::{Digest, Key, ParseDigestError};
pub use foresight::{Facts, Foresight, Known};
pub use kind::{Catalog, Descriptor, Kind, NodeError, ParamProblem, Signature};
pub use labels::{Labels, Row};
pub use params::{Literal, ParamSpec, ParamType, Params};
pub use port::{Arity, Form, InputPort, OutputPort, PortType};
pub use recipe::{
    Atom, Difference, Recipe, RecipeReader, RecipeView, differences, first_difference,
};
pub use task::{Gpu, Input, Observer, Produced, Silent, StudyFolder, Task};
pub use value::Value;
