//! Every mistake a study can hold, as data; each family turns itself into words.
//!
//! Codes stay: a mistake that goes leaves a gap, a new one takes a new number.

mod axis;
mod effect;
mod file;
mod node;
mod param;
mod source;

pub(crate) use axis::AxisMistake;
pub(crate) use effect::EffectMistake;
pub(crate) use file::FileMistake;
pub(crate) use node::NodeMistake;
pub(crate) use param::ParamMistake;
pub(crate) use source::SourceMistake;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub title: String,
    pub label: String,
    pub why: Option<String>,
    pub help: Option<String>,
}

impl Words {
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            label: String::new(),
            why: None,
            help: None,
        }
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// A mistake of any family.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mistake {
    File(FileMistake),
    Param(ParamMistake),
    Node(NodeMistake),
    Source(SourceMistake),
    Axis(AxisMistake),
    Effect(EffectMistake),
}

impl Mistake {
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(mistake) => mistake.code(),
            Self::Param(mistake) => mistake.code(),
            Self::Node(mistake) => mistake.code(),
            Self::Source(mistake) => mistake.code(),
            Self::Axis(mistake) => mistake.code(),
            Self::Effect(mistake) => mistake.code(),
        }
    }

    pub fn words(&self) -> Words {
        match self {
            Self::File(mistake) => mistake.words(),
            Self::Param(mistake) => mistake.words(),
            Self::Node(mistake) => mistake.words(),
            Self::Source(mistake) => mistake.words(),
            Self::Axis(mistake) => mistake.words(),
            Self::Effect(mistake) => mistake.words(),
        }
    }
}

impl From<FileMistake> for Mistake {
    fn from(mistake: FileMistake) -> Self {
        Self::File(mistake)
    }
}

impl From<ParamMistake> for Mistake {
    fn from(mistake: ParamMistake) -> Self {
        Self::Param(mistake)
    }
}

impl From<NodeMistake> for Mistake {
    fn from(mistake: NodeMistake) -> Self {
        Self::Node(mistake)
    }
}

impl From<SourceMistake> for Mistake {
    fn from(mistake: SourceMistake) -> Self {
        Self::Source(mistake)
    }
}

impl From<AxisMistake> for Mistake {
    fn from(mistake: AxisMistake) -> Self {
        Self::Axis(mistake)
    }
}

impl From<EffectMistake> for Mistake {
    fn from(mistake: EffectMistake) -> Self {
        Self::Effect(mistake)
    }
}
