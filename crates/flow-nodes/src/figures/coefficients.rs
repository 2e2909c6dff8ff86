//! `figure-coefficients`: Figure 4, heat maps of the regressions' coefficients.

use std::borrow::Cow;

use flow_contract::{
    Arity, Descriptor, InputPort, Kind, Literal, NodeError, ParamSpec, ParamType, Params, Task,
};
use flow_figures::{Coefficient, Coefficients, Effect, coefficients};
use flow_stats::design::INTERCEPT;

use super::{OUTPUTS, distinct, give};
use crate::ols::{COEFFICIENTS, Errors};
use crate::table::Table;

/// See the module's page.
pub struct FigureCoefficients;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "figure-coefficients",
    revision: 4,
    summary: "Draws a heat map of coefficients for each term, marked where significant (Figure 4).",
    example: r#"[node.figure4]
kind = "figure-coefficients"
coefficients = { file = "effects.parquet" }
rule = "alpha-beta(1,0)"
publish = { figure = "figure 4.svg" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("coefficients"),
        ty: COEFFICIENTS,
        arity: Arity::One,
        doc: "Coefficients by one rule, of the groups that `groups` of `ols` asked for.",
    }],
    outputs: OUTPUTS,
    params: &[
        ParamSpec {
            name: "rule",
            ty: ParamType::Text,
            default: None,
            unit: "",
            doc: "The rule's name, for the title.",
        },
        ParamSpec {
            name: "alpha",
            ty: ParamType::Float { min: 0.0, max: 1.0 },
            default: Some(Literal::Float(0.05)),
            unit: "",
            doc: "The largest q that counts as significant.",
        },
        ParamSpec {
            name: "errors",
            ty: ParamType::Choice(&["classical", "hc3", "clustered", "jackknife"]),
            default: Some(Literal::Text("classical")),
            unit: "",
            doc: "Which q: classical as the paper, HC3, cluster-robust by subject, or by leaving out one subject at a time.",
        },
        ParamSpec {
            name: "groups",
            ty: ParamType::Choice(&["correct", "wrong", "all"]),
            default: Some(Literal::Text("correct")),
            unit: "",
            doc: "Groups classified right, those classified wrong, or both; of wrong ones the largest that could be fitted.",
        },
    ],
    seeded: false,
    open_ports: false,
};

impl Kind for FigureCoefficients {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let figure = {
            let table = Table::read(&task.input("coefficients")?.content)?;
            drawn(&table, task.params)?
        };
        give(task, coefficients(&figure))
    }
}

fn drawn(table: &Table, params: &Params) -> Result<Coefficients, NodeError> {
    let errors = Errors::named(params.text("errors"));
    let slopes = Slopes::read(table, params.text("rule"), errors)?;
    let chosen = Chosen::of(&slopes, &table.classes()?, params.text("groups"))?;
    let family = table.texts("family")?;
    let method = match slopes.rows.first() {
        Some(row) => format!("{}; {}", errors.words, family[*row]),
        None => errors.words.to_owned(),
    };
    let modalities = distinct(&slopes.modality);
    let terms = distinct(&slopes.term).into_iter();
    Ok(Coefficients {
        title: format!("What moves the shares, {}", params.text("rule")),
        method,
        alpha: params.float("alpha"),
        effects: terms
            .filter(|name| name != INTERCEPT)
            .map(|name| slopes.effect(&name, &modalities, &chosen.groups))
            .collect(),
        groups: chosen.groups.iter().map(Group::label).collect(),
        which: chosen.words,
        modalities,
    })
}

/// Most columns that wrong groups get.
const MOST_WRONG: usize = 20;

/// A true class and what it was taken for.
#[derive(Clone, PartialEq)]
struct Group {
    truth: String,
    predicted: String,
}

impl Group {
    fn label(&self) -> String {
        if self.truth == self.predicted {
            self.truth.clone()
        } else {
            format!("{} → {}", self.truth, self.predicted)
        }
    }
}

/// The groups that are drawn, and which they are in words.
struct Chosen {
    groups: Vec<Group>,
    words: String,
}

impl Chosen {
    fn of(slopes: &Slopes, classes: &[String], which: &str) -> Result<Self, NodeError> {
        let (mut groups, mut words) = (Vec::new(), Vec::new());
        if which != "wrong" {
            words.push("correctly classified epochs of each class".to_owned());
            groups.extend(classes.iter().map(|class| Group {
                truth: class.clone(),
                predicted: class.clone(),
            }));
        }
        if which != "correct" {
            let (wrong, fitted) = slopes.wrong_groups();
            if wrong.is_empty() && which == "wrong" {
                let what = "no group classified wrong has a coefficient";
                let help = "`ols` fits them where its param `groups` is `wrong` or `all`, and where epochs are enough";
                return Err(NodeError::new(what).help(help));
            }
            words.push(match fitted - wrong.len() {
                0 => "epochs of a class taken for another (true → predicted), where enough for a fit".to_owned(),
                _ => format!("epochs of a class taken for another (true → predicted), the {} largest of {fitted} that could be fitted", wrong.len()),
            });
            groups.extend(wrong);
        }
        Ok(Self {
            groups,
            words: words.join("; "),
        })
    }
}

/// The rows of one rule, column by column.
struct Slopes {
    /// Rows that the rule has.
    rows: Vec<usize>,
    groups: Vec<Group>,
    modality: Vec<String>,
    term: Vec<String>,
    against: Vec<String>,
    estimate: Vec<Option<f64>>,
    q: Vec<Option<f64>>,
    epochs: Vec<i64>,
}

impl Slopes {
    fn read(table: &Table, rule: &str, errors: &Errors) -> Result<Self, NodeError> {
        let of_rule = of_rule(table, rule)?;
        let pairs = table
            .texts("true")?
            .into_iter()
            .zip(table.texts("predicted")?);
        Ok(Self {
            rows: (0..of_rule.len()).filter(|row| of_rule[*row]).collect(),
            groups: pairs
                .map(|(truth, predicted)| Group { truth, predicted })
                .collect(),
            modality: table.texts("modality")?,
            term: table.texts("term")?,
            against: table.texts("against")?,
            estimate: table.floats("estimate")?,
            q: table.floats(&errors.column("q"))?,
            epochs: table.ints("epochs")?,
        })
    }

    /// The largest wrong groups with a coefficient, in the order of the table, and how many have one.
    fn wrong_groups(&self) -> (Vec<Group>, usize) {
        let mut found: Vec<(i64, Group)> = Vec::new();
        for &row in self.rows.iter().filter(|row| self.q[**row].is_some()) {
            let group = &self.groups[row];
            if group.truth != group.predicted && !found.iter().any(|(_, known)| known == group) {
                found.push((self.epochs[row], group.clone()));
            }
        }
        let fitted = found.len();
        let mut largest: Vec<usize> = (0..fitted).collect();
        largest.sort_by_key(|at| std::cmp::Reverse(found[*at].0));
        largest.truncate(MOST_WRONG);
        largest.sort_unstable();
        let groups = largest.into_iter().map(|at| found[at].1.clone()).collect();
        (groups, fitted)
    }

    fn effect(&self, name: &str, modalities: &[String], groups: &[Group]) -> Effect {
        let rows = || {
            self.rows
                .iter()
                .copied()
                .filter(|&row| self.term[row] == name)
        };
        let cell = |of: &String, group: &Group| {
            let at = rows().find(|&row| self.modality[row] == *of && self.groups[row] == *group)?;
            Some(Coefficient {
                value: self.estimate[at]?,
                q: self.q[at]?,
            })
        };
        let against = rows().next().map_or("", |row| self.against[row].as_str());
        Effect {
            name: heading(name),
            unit: unit(name, against),
            cells: modalities
                .iter()
                .flat_map(|of| groups.iter().map(move |group| (of, group)))
                .map(|(of, group)| cell(of, group))
                .collect(),
        }
    }
}

/// Which rows the rule has; all where the table is of one rule, whatever it is called.
fn of_rule(table: &Table, rule: &str) -> Result<Vec<bool>, NodeError> {
    let rules = table.texts("rule")?;
    let known = distinct(&rules);
    if known.len() < 2 {
        return Ok(vec![true; rules.len()]);
    }
    if !known.iter().any(|known| known == rule) {
        let what = format!("the coefficients are of no rule `{rule}`");
        return Err(NodeError::new(what).help(format!("there are {}", known.join(", "))));
    }
    Ok(rules.iter().map(|of| of == rule).collect())
}

/// `sex[male]` → `Sex`.
fn heading(term: &str) -> String {
    let name = term.split('[').next().unwrap_or(term);
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The coefficient's unit: a number's is per unit of it, a category's is the level against the reference.
fn unit(term: &str, against: &str) -> String {
    match term
        .split_once('[')
        .and_then(|(_, level)| level.strip_suffix(']'))
    {
        Some(level) => format!("percentage points, {level} − {against}"),
        None if term == "age" => "percentage points per year".to_owned(),
        None => format!("percentage points per unit of {term}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_wrong_groups_are_drawn_wherever_they_stand() {
        let count = MOST_WRONG + 3;
        let group = |at: usize| Group {
            truth: format!("class {at}"),
            predicted: "other".to_owned(),
        };
        let slopes = Slopes {
            rows: (0..count).collect(),
            groups: (0..count).map(group).collect(),
            modality: vec![String::new(); count],
            term: vec![String::new(); count],
            against: vec![String::new(); count],
            estimate: vec![Some(1.0); count],
            q: vec![Some(0.5); count],
            epochs: (0..count)
                .map(|at| if at + 1 == count { 99 } else { 10 })
                .collect(),
        };
        let (drawn, fitted) = slopes.wrong_groups();
        assert_eq!((drawn.len(), fitted), (MOST_WRONG, count));
        assert!(drawn[0] == group(0) && drawn[MOST_WRONG - 1] == group(count - 1));
    }
}
