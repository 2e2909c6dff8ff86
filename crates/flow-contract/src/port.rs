//! Typed places where artifacts enter and leave a node.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How an artifact lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Tensors in a safetensors file.
    Tensors,
    /// A table as Parquet.
    Table,
    /// A figure as SVG.
    Figure,
    /// A picture as PNG.
    Picture,
    /// Structured text as JSON.
    Document,
    /// Any other bytes, a recording for example.
    File,
}

impl Form {
    /// The file name's extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Tensors => "safetensors",
            Self::Table => "parquet",
            Self::Figure => "svg",
            Self::Picture => "png",
            Self::Document => "json",
            Self::File => "bin",
        }
    }
}

/// What an artifact is: its form, its meaning, its axes and its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortType {
    /// The meaning in the field's words: `epochs`, `weights`, `shares`; `any` takes everything of its form.
    pub name: Cow<'static, str>,
    /// How it lies on disk.
    pub form: Form,
    /// The axes of the main tensor, outermost first, as in `epoch, channel, time`; empty for none.
    pub axes: Cow<'static, str>,
    /// The unit of its values, such as `µV` or `z-score`; `None` where they have none.
    pub unit: Option<Cow<'static, str>>,
}

impl PortType {
    /// A type with a meaning and a form, without axes or unit.
    #[must_use]
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self {
            name: Cow::Borrowed(name),
            form,
            axes: Cow::Borrowed(""),
            unit: None,
        }
    }

    /// A tensor with axes, outermost first, and the unit of its values.
    #[must_use]
    pub const fn tensor(name: &'static str, axes: &'static str, unit: &'static str) -> Self {
        let unit = Some(Cow::Borrowed(unit));
        Self {
            name: Cow::Borrowed(name),
            form: Form::Tensors,
            axes: Cow::Borrowed(axes),
            unit,
        }
    }

    /// Whether a port of this type takes an artifact of the type `given`.
    ///
    /// Names, axes and units must be equal; the name `any` takes everything of its form, and
    /// `any` of the form [`Form::File`] takes every artifact.
    #[must_use]
    pub fn takes(&self, given: &Self) -> bool {
        if self.name == "any" {
            return self.form == Form::File || self.form == given.form;
        }
        self == given
    }
}

/// `epochs[epoch, channel, time] in µV`.
impl fmt::Display for PortType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.axes.is_empty() {
            write!(f, "[{}]", self.axes)?;
        }
        match &self.unit {
            Some(unit) => write!(f, " in {unit}"),
            None => Ok(()),
        }
    }
}

/// How many artifacts an input port takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// Any number, each with the labels of the instance it came from.
    Many,
}

/// A place where artifacts enter a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputPort {
    /// The port's name.
    pub name: Cow<'static, str>,
    /// What it takes.
    pub ty: PortType,
    /// How many it takes.
    pub arity: Arity,
    /// One sentence for people; not part of a port's bytes.
    #[serde(skip)]
    pub doc: &'static str,
}

/// A place where an artifact leaves a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutputPort {
    /// The port's name.
    pub name: Cow<'static, str>,
    /// What it gives.
    pub ty: PortType,
    /// One sentence for people; not part of a port's bytes.
    #[serde(skip)]
    pub doc: &'static str,
}
