//! The rules that send relevance through one layer, as a table.
//!
//! A layer computes `z_k = Σ over j of x_j · w_jk + b_k`. A rule says which part of the relevance
//! `R_k` of output `k` each input `j` gets. Every rule is one file under `rules/`: its equation, its
//! source, its [`Propagation`] as data, and a slow replica that goes connection by connection, which
//! the grid in `rules/grid.rs` holds against the walk on every kind and shape of layer.
//!
//! Throughout: `x⁺ = max(x, 0)`, `x⁻ = min(x, 0)`, `stab(z, e) = z + e` where `z ≥ 0`, else `z − e`;
//! zero padding is no input and gets nothing; where a stabilised denominator is 0, nothing flows.
//!
//! ```
//! use flow_learn::rules::Rule;
//! let rule: Rule = "alpha-beta(1, 0, bias=innvestigate)".parse()?;
//! assert_eq!(rule.to_string(), "alpha-beta(1,0,bias=innvestigate)");
//! # Ok::<(), flow_learn::rules::RuleError>(())
//! ```

mod alpha_beta;
mod bias;
mod epsilon;
mod flat;
pub(crate) mod gamma;
mod norm;
mod pass;
mod propagation;
pub(crate) mod text;
mod w_square;
mod z_box;
mod z_plus;

#[cfg(test)]
mod grid;
#[cfg(test)]
mod literal;

pub use propagation::{Branch, Gate, InputPart, Part, Propagation, Stabilizer, Term};
pub use text::{Parameter, RuleError, Value, Wants};

use crate::spelling::nearest;
use std::fmt;
use std::str::FromStr;

/// The rules by name, sorted.
pub static RULES: &[&RuleKind] = &[
    &alpha_beta::KIND,
    &epsilon::KIND,
    &flat::KIND,
    &gamma::KIND,
    &norm::KIND,
    &pass::KIND,
    &w_square::KIND,
    &z_box::KIND,
    &z_plus::KIND,
];

/// What the stabilised rules other than ε add to their denominators, as zennit does.
pub(crate) const STABILIZER: f64 = 1e-6;

/// A row of [`RULES`].
pub struct RuleKind {
    /// The rule's name in texts.
    pub name: &'static str,
    /// The share of `R_k` that input `j` gets.
    pub equation: &'static str,
    /// What the rule can be given.
    pub parameters: &'static [Parameter],
    check: fn(&[Value]) -> Result<(), RuleError>,
    propagation: fn(&[Value]) -> Propagation,
    #[cfg(test)]
    replica: literal::Replica,
}

impl fmt::Debug for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A rule with its arguments, such as `epsilon(0.01)`.
#[derive(Debug, Clone)]
pub struct Rule {
    kind: &'static RuleKind,
    /// Invariant: one value a parameter, in order, checked. Guard: `Rule::parse` is the only maker.
    arguments: Vec<Value>,
}

impl Rule {
    /// Reads `name` or `name(argument, …)`; an argument is a value, or `parameter=value`.
    ///
    /// # Errors
    /// What can't be read, with the nearest right name.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let call = text::Call::parse(text)?;
        let kind = RULES.iter().find(|kind| kind.name == call.name);
        let kind = *kind.ok_or_else(|| RuleError::UnknownRule {
            name: call.name.to_owned(),
            nearest: nearest(call.name, RULES.iter().map(|kind| kind.name)),
        })?;
        let arguments = call.arguments(kind.name, kind.parameters)?;
        (kind.check)(&arguments)?;
        Ok(Self { kind, arguments })
    }

    /// The row of the table.
    pub fn kind(&self) -> &'static RuleKind {
        self.kind
    }

    /// The values of the rule's parameters, in order.
    pub fn arguments(&self) -> &[Value] {
        &self.arguments
    }

    /// How the rule sends relevance through a layer.
    pub fn propagation(&self) -> Propagation {
        (self.kind.propagation)(&self.arguments)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_call(f, self.kind.name, self.kind.parameters, &self.arguments)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.arguments == other.arguments
    }
}

/// The check of a rule whose arguments can't contradict each other.
fn nothing_to_check(_: &[Value]) -> Result<(), RuleError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted() {
        assert!(RULES.is_sorted_by_key(|kind| kind.name));
    }

    #[test]
    fn texts_read_back() {
        for text in grid::EXAMPLES {
            let rule = Rule::parse(text).unwrap();
            assert_eq!(rule.to_string(), *text);
            assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
        }
    }

    #[test]
    fn a_usual_value_need_not_be_said() {
        let texts = [
            ("epsilon", "epsilon(0.000001)"),
            ("gamma()", "gamma(0.25)"),
            ("gamma( gamma = 0.25 )", "gamma(0.25)"),
            ("epsilon(bias=bach, epsilon=1e-2)", "epsilon(0.01)"),
            ("z-box(low=-1,high=[1,2])", "z-box(-1,[1,2])"),
            ("epsilon(1000000000000000000000000000000)", "epsilon(1e30)"),
            ("epsilon(0.0000001)", "epsilon(1e-7)"),
            ("epsilon(10000000)", "epsilon(10000000)"),
            (
                "epsilon(0.30000000000000004)",
                "epsilon(0.30000000000000004)",
            ),
            ("z-box(-100000000,[1e9,1.5e29])", "z-box(-1e8,[1e9,1.5e29])"),
        ];
        for (text, canonical) in texts {
            assert_eq!(Rule::parse(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn mistakes_are_told_with_the_nearest_name() {
        let texts = [
            ("epsilno(1)", "no rule `epsilno`, did you mean `epsilon`?"),
            (
                "alphabeta(1,0)",
                "no rule `alphabeta`, did you mean `alpha-beta`?",
            ),
            (
                "quantum",
                "no rule `quantum`; there are alpha-beta, epsilon, flat, gamma, norm, pass, w-square, z-box, z-plus",
            ),
            (
                "epsilon(0.1, bais=ignore)",
                "`epsilon` has no parameter `bais`, did you mean `bias`?",
            ),
            (
                "alpha-beta(1,0,bias=investigate)",
                "`bias` of `alpha-beta` is `investigate`, must be one of bach, ignore, innvestigate, did you mean `innvestigate`?",
            ),
            (
                "alpha-beta(1)",
                "`alpha-beta` needs `beta`: 0 or a number from 1e-30 to 1e6",
            ),
            (
                "alpha-beta(1,1)",
                "`alpha-beta` needs alpha − beta = 1, has 1 − 1",
            ),
            (
                "epsilon(-1)",
                "`epsilon` of `epsilon` is `-1`, must be 0 or a number from 1e-30 to 1e30",
            ),
            (
                "gamma(1e38)",
                "`gamma` of `gamma` is `1e38`, must be 0 or a number from 1e-30 to 1e12",
            ),
            (
                "epsilon(1e-320)",
                "`epsilon` of `epsilon` is `1e-320`, must be 0 or a number from 1e-30 to 1e30",
            ),
            (
                "alpha-beta(1e12,1e12)",
                "`alpha` of `alpha-beta` is `1e12`, must be 0 or a number from 1e-30 to 1e6",
            ),
            (
                "z-box(-1e39,1)",
                "`low` of `z-box` is `-1e39`, must be a number or a list `[1,2,…]`, within ±1e30",
            ),
            ("epsilon(1", "`epsilon(1` lacks its closing `)`"),
            ("flat(1)", "`flat` takes nothing, has `1` too many"),
            ("pass,", "`pass,` is no name of a rule"),
            (
                "epsilon(1, epsilon=2)",
                "`epsilon` of `epsilon` is given twice",
            ),
            ("z-box(1,-1)", "`z-box` needs low ≤ high, has 1 > -1"),
        ];
        for (text, told) in texts {
            assert_eq!(Rule::parse(text).unwrap_err().to_string(), told, "{text}");
        }
    }
}
