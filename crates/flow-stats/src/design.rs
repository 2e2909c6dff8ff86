//! Design matrices: named columns of numbers, made by hand or from a formula and columns of a table.

use crate::formula::{Formula, Term};
use std::ops::Range;

/// Why a design matrix can't be made; rows and columns count from 0, `at` is a place in the formula.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DesignError {
    /// A design needs a column.
    #[error("a design needs at least one column")]
    NoColumns,
    /// Columns differ in length.
    #[error("`{column}` has {got} rows, the columns before it have {rows}")]
    Length {
        /// The column.
        column: String,
        /// Its rows.
        got: usize,
        /// Rows of the columns before it.
        rows: usize,
    },
    /// A number is NaN or infinite.
    #[error("`{column}` is not finite in row {row}")]
    NotFinite {
        /// The column.
        column: String,
        /// First such row.
        row: usize,
    },
    /// The formula uses a column that the table lacks.
    #[error("the formula asks at byte {} for `{column}`, which is no column", at.start)]
    NoSuchColumn {
        /// The column asked for.
        column: String,
        /// Where the formula asks for it.
        at: Range<usize>,
    },
    /// A category without rows has no levels.
    #[error("`{column}` has no rows")]
    NoRows {
        /// The column.
        column: String,
    },
    /// A category has one level only, which is the intercept over again.
    #[error("every row of `{column}` is `{level}`")]
    OneLevel {
        /// The column.
        column: String,
        /// Its only level.
        level: String,
    },
    /// The reference level never occurs.
    #[error("`{column}` is never `{reference}`")]
    NoSuchReference {
        /// The column.
        column: String,
        /// The level asked for.
        reference: String,
        /// Levels it has.
        levels: Vec<String>,
    },
    /// An interaction with a category needs the term without that category.
    #[error("the interaction at byte {} needs the term `{missing}` too", at.start)]
    NotMarginal {
        /// The missing term.
        missing: String,
        /// Where the interaction stands.
        at: Range<usize>,
    },
}

/// A column of a design: its name and its values, `[row]`.
pub type NamedColumn = (String, Vec<f64>);

/// A design matrix with a name for each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    names: Vec<String>,
    rows: usize,
    /// Invariant: `[column, row]`, finite, as many columns as names. Guard: `unusable_columns_are_refused`.
    values: Vec<f64>,
}

impl Design {
    /// Makes a design from its columns; an intercept is a column of ones.
    ///
    /// # Errors
    /// [`DesignError::NoColumns`], [`DesignError::Length`], [`DesignError::NotFinite`].
    pub fn new(columns: Vec<NamedColumn>) -> Result<Self, DesignError> {
        let rows = columns.first().ok_or(DesignError::NoColumns)?.1.len();
        let mut design = Self {
            names: Vec::new(),
            rows,
            values: Vec::new(),
        };
        design.values.reserve_exact(rows * columns.len());
        for (column, values) in columns {
            if values.len() != rows {
                return Err(DesignError::Length {
                    column,
                    got: values.len(),
                    rows,
                });
            }
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(DesignError::NotFinite { column, row });
            }
            design.names.push(column);
            design.values.extend(values);
        }
        Ok(design)
    }

    /// Gives up names, number of rows and values, `[column, row]`.
    pub(crate) fn into_parts(self) -> (Vec<String>, usize, Vec<f64>) {
        (self.names, self.rows, self.values)
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column's values, `[row]`.
    ///
    /// # Panics
    /// If there are not more than `index` columns.
    pub fn column(&self, index: usize) -> &[f64] {
        &self.values[index * self.rows..(index + 1) * self.rows]
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values, one per row.
    pub values: Values<'a>,
}

/// The values of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Numbers enter the design as they are.
    Numbers(&'a [f64]),
    /// Categories enter as a 0/1 column per level but the reference (treatment coding).
    Labels {
        /// One label per row.
        labels: &'a [&'a str],
        /// The level the others are compared with; `None` takes the first in alphabetical order.
        reference: Option<&'a str>,
    },
}

impl Values<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Labels { labels, .. } => labels.len(),
        }
    }
}

/// The level a category's coefficients are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The category.
    pub column: String,
    /// Its reference level.
    pub level: String,
}

/// A design made from a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct CodedDesign {
    /// `intercept` first, then a column per number, level (`sex[male]`) or product (`age:sex[male]`).
    pub design: Design,
    /// What the coefficients of each category are relative to.
    pub references: Vec<Reference>,
}

/// Name of the column of ones.
pub const INTERCEPT: &str = "intercept";

/// Makes the design matrix that a formula asks of a table; the response is left alone.
///
/// * `rows`: rows of the table, so that `y ~ 1` has some
///
/// # Errors
/// Every variant of [`DesignError`] but [`DesignError::NoColumns`]. An interaction with a category must come
/// with the term without that category (`a:b` with `a` and `b`, as `a*b` writes), because treatment coding
/// means nothing else.
///
/// Checked: the columns of patsy 1.0.3 for `age*sex + sex*drug` (it puts numbers after categories).
pub fn design_of(
    formula: &Formula,
    table: &[Column<'_>],
    rows: usize,
) -> Result<CodedDesign, DesignError> {
    let mut columns = vec![(INTERCEPT.to_owned(), vec![1.0; rows])];
    let mut references: Vec<Reference> = Vec::new();
    for term in formula.terms() {
        let mut product: Option<Vec<NamedColumn>> = None;
        for factor in &term.factors {
            let column = column_of(table, factor, &term.at)?;
            if matches!(column.values, Values::Labels { .. }) {
                refuse_unless_marginal(formula, term, factor)?;
            }
            let (coded, reference) = coded(column, rows)?;
            references.extend(reference.filter(|new| !references.contains(new)));
            product = Some(match product {
                None => coded,
                Some(before) => products(&before, &coded),
            });
        }
        columns.extend(product.unwrap_or_default());
    }
    Ok(CodedDesign {
        design: Design::new(columns)?,
        references,
    })
}

fn column_of<'a>(
    table: &'a [Column<'a>],
    name: &str,
    at: &Range<usize>,
) -> Result<&'a Column<'a>, DesignError> {
    let found = table.iter().find(|column| column.name == name);
    found.ok_or_else(|| DesignError::NoSuchColumn {
        column: name.to_owned(),
        at: at.clone(),
    })
}

/// Refuses an interaction whose rest, without the category `factor`, is no term of the formula.
fn refuse_unless_marginal(formula: &Formula, term: &Term, factor: &str) -> Result<(), DesignError> {
    let rest = Term {
        factors: term
            .factors
            .iter()
            .filter(|name| *name != factor)
            .cloned()
            .collect(),
        at: term.at.clone(),
    };
    let known = rest.factors.is_empty() || formula.terms().iter().any(|t| t.same_columns(&rest));
    if known {
        return Ok(());
    }
    Err(DesignError::NotMarginal {
        missing: rest.factors.join(":"),
        at: rest.at,
    })
}

/// Codes one column of the table.
fn coded(
    column: &Column<'_>,
    rows: usize,
) -> Result<(Vec<NamedColumn>, Option<Reference>), DesignError> {
    let name = column.name.to_owned();
    if column.values.rows() != rows {
        return Err(DesignError::Length {
            column: name,
            got: column.values.rows(),
            rows,
        });
    }
    match column.values {
        Values::Numbers(numbers) => Ok((vec![(name, numbers.to_vec())], None)),
        Values::Labels { labels, reference } => {
            let (levels, level) = levels_of(&name, labels, reference)?;
            let is = |level: &str| {
                labels
                    .iter()
                    .map(|l| f64::from(u8::from(*l == level)))
                    .collect()
            };
            let compared = levels.iter().filter(|other| **other != level);
            let columns = compared
                .map(|other| (format!("{name}[{other}]"), is(other)))
                .collect();
            Ok((
                columns,
                Some(Reference {
                    column: name,
                    level: level.to_owned(),
                }),
            ))
        }
    }
}

/// The levels in alphabetical order, and the reference among them.
fn levels_of<'a>(
    column: &str,
    labels: &[&'a str],
    reference: Option<&'a str>,
) -> Result<(Vec<&'a str>, &'a str), DesignError> {
    let mut levels = labels.to_vec();
    levels.sort_unstable();
    levels.dedup();
    let column = || column.to_owned();
    match (levels.as_slice(), reference) {
        ([], _) => Err(DesignError::NoRows { column: column() }),
        ([level], _) => Err(DesignError::OneLevel {
            column: column(),
            level: (*level).to_owned(),
        }),
        (_, Some(wanted)) if !levels.contains(&wanted) => Err(DesignError::NoSuchReference {
            column: column(),
            reference: wanted.to_owned(),
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
        }),
        ([first, ..], wanted) => {
            let reference = wanted.unwrap_or(first);
            Ok((levels, reference))
        }
    }
}

/// Multiplies each column of one factor by each of another; the first varies fastest, as in patsy.
fn products(a: &[NamedColumn], b: &[NamedColumn]) -> Vec<NamedColumn> {
    let mut products = Vec::with_capacity(a.len() * b.len());
    for (b_name, b_values) in b {
        for (a_name, a_values) in a {
            let values = a_values.iter().zip(b_values).map(|(x, y)| x * y).collect();
            products.push((format!("{a_name}:{b_name}"), values));
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: [f64; 4] = [20.0, 30.0, 40.0, 50.0];
    const SEX: [&str; 4] = ["male", "female", "male", "female"];
    const DRUG: [&str; 4] = ["placebo", "low", "high", "low"];

    fn table() -> [Column<'static>; 3] {
        let labels = |labels, reference| Values::Labels { labels, reference };
        [
            Column {
                name: "age",
                values: Values::Numbers(&AGE),
            },
            Column {
                name: "sex",
                values: labels(&SEX, None),
            },
            Column {
                name: "drug",
                values: labels(&DRUG, Some("placebo")),
            },
        ]
    }

    fn made(formula: &str) -> Result<CodedDesign, DesignError> {
        design_of(&Formula::parse(formula).unwrap(), &table(), 4)
    }

    #[test]
    fn categories_are_compared_with_a_stated_reference() {
        let coded = made("share ~ age + sex + drug").unwrap();
        let names = ["intercept", "age", "sex[male]", "drug[high]", "drug[low]"];
        assert_eq!(coded.design.names(), names);
        assert_eq!(coded.design.column(0), [1.0; 4]);
        assert_eq!(coded.design.column(2), [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(coded.design.column(4), [0.0, 1.0, 0.0, 1.0]);
        let stated: Vec<(&str, &str)> = coded
            .references
            .iter()
            .map(|r| (r.column.as_str(), r.level.as_str()))
            .collect();
        assert_eq!(stated, [("sex", "female"), ("drug", "placebo")]);
    }

    #[test]
    fn interactions_are_products_of_coded_columns() {
        let coded = made("share ~ age*sex + sex*drug").unwrap();
        let names = coded.design.names();
        assert_eq!(
            names[5..],
            [
                "age:sex[male]",
                "sex[male]:drug[high]",
                "sex[male]:drug[low]"
            ]
        );
        assert_eq!(coded.design.column(5), [20.0, 0.0, 40.0, 0.0]);
        assert_eq!(coded.references.len(), 2, "a category is stated once");
    }

    #[test]
    fn an_intercept_alone_has_the_rows_of_the_table() {
        assert_eq!(made("share ~ 1").unwrap().design.column(0), [1.0; 4]);
    }

    #[test]
    fn unknown_columns_and_lonely_interactions_are_refused() {
        let error = made("share ~ age + sexe").unwrap_err();
        assert_eq!(
            error,
            DesignError::NoSuchColumn {
                column: "sexe".into(),
                at: 14..18
            }
        );
        let error = made("share ~ age + age:sex + sex:drug").unwrap_err();
        assert_eq!(
            error,
            DesignError::NotMarginal {
                missing: "drug".into(),
                at: 24..32
            }
        );
        assert!(
            made("share ~ age + age:sex").is_ok(),
            "the slope may differ where levels don't"
        );
    }

    #[test]
    fn one_level_and_a_reference_that_never_occurs_are_refused() {
        let of = |labels, reference| {
            let values = Values::Labels { labels, reference };
            let table = [Column {
                name: "sex",
                values,
            }];
            design_of(&Formula::parse("y ~ sex").unwrap(), &table, 4).unwrap_err()
        };
        let one = DesignError::OneLevel {
            column: "sex".into(),
            level: "m".into(),
        };
        assert_eq!(of(&["m"; 4], None), one);
        let error = of(&["m", "f", "m", "f"], Some("x"));
        let levels = vec!["f".to_owned(), "m".to_owned()];
        let (column, reference) = ("sex".into(), "x".into());
        assert_eq!(
            error,
            DesignError::NoSuchReference {
                column,
                reference,
                levels
            }
        );
    }

    #[test]
    fn unusable_columns_are_refused() {
        let new = |a: Vec<f64>, b: Vec<f64>| Design::new(vec![("a".into(), a), ("b".into(), b)]);
        let error = new(vec![1.0, 2.0], vec![1.0]).unwrap_err();
        assert_eq!(
            error,
            DesignError::Length {
                column: "b".into(),
                got: 1,
                rows: 2
            }
        );
        let error = new(vec![1.0, 2.0], vec![1.0, f64::NAN]).unwrap_err();
        assert_eq!(
            error,
            DesignError::NotFinite {
                column: "b".into(),
                row: 1
            }
        );
        assert_eq!(Design::new(vec![]), Err(DesignError::NoColumns));
        let short = [Column {
            name: "age",
            values: Values::Numbers(&AGE[..3]),
        }];
        let error = design_of(&Formula::parse("y ~ age").unwrap(), &short, 4).unwrap_err();
        assert_eq!(
            error,
            DesignError::Length {
                column: "age".into(),
                got: 3,
                rows: 4
            }
        );
    }
}
