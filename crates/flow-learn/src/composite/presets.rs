//! The composites that have names.

use super::{Composite, CompositeError, entries};
use crate::rules::gamma::MOST_GAMMA;
use crate::rules::text::{self, Call, MOST};
use crate::rules::{Parameter, Value, Wants};
use std::fmt;

/// A composite with a name.
#[derive(Debug)]
pub struct Preset {
    /// Its name, zennit's.
    pub name: &'static str,
    /// What it can be given.
    pub parameters: &'static [Parameter],
    /// Its entries, with parameters in braces.
    pub entries: &'static str,
}

const EPSILON: Parameter = Parameter {
    name: "epsilon",
    wants: Wants::Number {
        usual: Some(1e-6),
        most: MOST,
    },
};
const GAMMA: Parameter = Parameter {
    name: "gamma",
    wants: Wants::Number {
        usual: Some(0.25),
        most: MOST_GAMMA,
    },
};
const LOW: Parameter = Parameter {
    name: "low",
    wants: Wants::Numbers,
};
const HIGH: Parameter = Parameter {
    name: "high",
    wants: Wants::Numbers,
};

/// The named composites, sorted; entries and usual values are zennit 0.5.1's.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "epsilon-alpha2-beta1",
        parameters: &[EPSILON],
        entries: "conv: alpha-beta(2,1); dense: epsilon({epsilon})",
    },
    Preset {
        name: "epsilon-alpha2-beta1-flat",
        parameters: &[EPSILON],
        entries: "first: flat; conv: alpha-beta(2,1); dense: epsilon({epsilon})",
    },
    Preset {
        name: "epsilon-gamma-box",
        parameters: &[LOW, HIGH, EPSILON, GAMMA],
        entries: "first: z-box({low},{high}); conv: gamma({gamma}); dense: epsilon({epsilon})",
    },
    Preset {
        name: "epsilon-plus",
        parameters: &[EPSILON],
        entries: "conv: z-plus; dense: epsilon({epsilon})",
    },
    Preset {
        name: "epsilon-plus-flat",
        parameters: &[EPSILON],
        entries: "first: flat; conv: z-plus; dense: epsilon({epsilon})",
    },
];

impl Preset {
    pub(super) fn with(&'static self, call: &Call<'_>) -> Result<Composite, CompositeError> {
        let values = call.arguments(self.name, self.parameters)?;
        let mut text = self.entries.to_owned();
        for (parameter, value) in self.parameters.iter().zip(&values) {
            text = text.replace(&format!("{{{}}}", parameter.name), &value.to_string());
        }
        Ok(Composite {
            entries: entries(&text)?,
            text: Written(self, &values).to_string(),
        })
    }
}

/// A preset with its values, to be written.
struct Written<'a>(&'a Preset, &'a [Value]);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_call(f, self.0.name, self.0.parameters, self.1)
    }
}
