//! The QR factorisation of a design.

use super::OlsError;
use crate::design::Design;
use crate::sums::{dot, largest_magnitude, scale_near_one};
use nalgebra::DMatrix;

/// A column is dependent when less than this part of its length is not explained by the columns before it.
///
/// An exact dependency leaves about 1e-15 by rounding. R's `lm` stops at 1e-7 already; with 1e-10 coefficients keep
/// at least five digits.
const RANK_TOLERANCE: f64 = 1e-10;

/// Errors that leave a row or a cluster out need at least this part of it free of the fit: `1 − h`.
///
/// `1 − h` is right to some 1e-16, so at 1e-10 its quotients keep five digits, as coefficients do; at 1e-12 they were off by
/// up to 4e-4, statsmodels' by 4e-3 (exact fractions, five rows and four columns).
pub(super) const FREE_TOLERANCE: f64 = 1e-10;

/// A column that is a combination of columns before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// The dependent column.
    pub column: String,
    /// Earlier columns and their factors; empty for a column of zeros.
    pub combination: Vec<(String, f64)>,
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` = ", self.column)?;
        if self.combination.is_empty() {
            return f.write_str("0");
        }
        for (index, (name, factor)) in self.combination.iter().enumerate() {
            let plus = if index == 0 { "" } else { " + " };
            write!(f, "{plus}{factor:.4} · `{name}`")?;
        }
        Ok(())
    }
}

/// A design of full rank, ready to be fitted to responses.
///
/// With `W` the diagonal of row counts and `D` of column lengths, `W^½ X D⁻¹ = Q R` (Householder).
#[derive(Debug, Clone)]
pub struct Factorisation {
    pub(super) names: Vec<String>,
    pub(super) rows: usize,
    /// Invariant: orthonormal columns, contiguous. Guard: `columns_of_q_are_orthonormal`.
    q: DMatrix<f64>,
    /// `R⁻¹`, `[k, k]`: coefficients times `D` are this times `Qᵀ W^½ y`.
    pub(super) inverse: DMatrix<f64>,
    /// The diagonal of `D`, `[k]`. Applied last, so that no unit of a column makes a variance underflow.
    pub(super) lengths: Vec<f64>,
    /// How many observations each row stands for; `None` if one each.
    pub(super) counts: Option<Vec<f64>>,
    pub(super) observations: u64,
    /// Whether a column is constant and not 0, so that R² and F compare with the mean.
    pub(super) intercept: bool,
}

impl Factorisation {
    /// Factorises a design whose rows are single observations.
    ///
    /// # Errors
    /// [`OlsError::TooFewRows`] unless there are more rows than columns; [`OlsError::RankDeficient`] with every
    /// column that earlier ones make up.
    pub fn new(design: Design) -> Result<Self, OlsError> {
        let rows = design.rows() as u64;
        Self::weighted(design, None, rows)
    }

    /// Factorises a design whose rows are cells of `counts` observations each; empty cells weigh nothing.
    ///
    /// # Errors
    /// As [`Factorisation::new`], and [`OlsError::Length`] if there isn't one count per row.
    pub fn of_cells(design: Design, counts: &[u64]) -> Result<Self, OlsError> {
        if counts.len() != design.rows() {
            let (got, rows) = (counts.len(), design.rows());
            return Err(OlsError::Length {
                what: "counts",
                got,
                rows,
            });
        }
        let weights = counts.iter().map(|count| *count as f64).collect();
        Self::weighted(design, Some(weights), counts.iter().sum())
    }

    fn weighted(
        design: Design,
        counts: Option<Vec<f64>>,
        observations: u64,
    ) -> Result<Self, OlsError> {
        let columns = design.names().len();
        if observations <= columns as u64 {
            return Err(OlsError::TooFewRows {
                rows: observations,
                columns,
            });
        }
        let intercept = has_intercept(&design);
        let (names, rows, mut values) = design.into_parts();
        let lengths = make_unit_columns(&mut values, rows, counts.as_deref());
        if lengths.iter().any(|length| !length.is_finite()) {
            return Err(OlsError::Overflow);
        }
        let qr = DMatrix::from_vec(rows, columns, values).qr();
        let r = qr.r();
        let dependencies = dependencies(&r, &lengths, &names);
        if !dependencies.is_empty() {
            return Err(OlsError::RankDeficient { dependencies });
        }
        let mut inverse = DMatrix::identity(columns, columns);
        r.solve_upper_triangular_mut(&mut inverse);
        Ok(Self {
            names,
            rows,
            q: qr.q(),
            inverse,
            lengths,
            counts,
            observations,
            intercept,
        })
    }

    /// Names of the coefficients.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Observations behind the rows.
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// A column of `Q`, `[row]`.
    pub(super) fn q_column(&self, column: usize) -> &[f64] {
        &self.q.as_slice()[column * self.rows..(column + 1) * self.rows]
    }

    /// Observations that a row stands for.
    pub(super) fn count(&self, row: usize) -> f64 {
        self.counts.as_ref().map_or(1.0, |counts| counts[row])
    }
}

/// Multiplies columns by `√count` and scales them to length 1; returns their lengths.
///
/// A column of zeros stays. Works in place, for a design may be the largest thing in memory.
fn make_unit_columns(values: &mut [f64], rows: usize, counts: Option<&[f64]>) -> Vec<f64> {
    let roots = counts.map(|counts| counts.iter().map(|n| n.sqrt()).collect::<Vec<f64>>());
    let unit = |column: &mut [f64]| {
        // A power of two changes no digit and keeps the squares in range.
        let near_one = scale_near_one(largest_magnitude(column));
        column.iter_mut().for_each(|value| *value *= near_one);
        if let Some(roots) = &roots {
            column
                .iter_mut()
                .zip(roots)
                .for_each(|(value, root)| *value *= root);
        }
        let length = dot(column, column).sqrt();
        if length > 0.0 {
            let inverse = 1.0 / length;
            column.iter_mut().for_each(|value| *value *= inverse);
        }
        length / near_one
    };
    values.chunks_exact_mut(rows).map(unit).collect()
}

/// Says whether a column is one value other than 0.
fn has_intercept(design: &Design) -> bool {
    let constant = |column: &[f64]| {
        column
            .first()
            .is_some_and(|first| *first != 0.0 && column.iter().all(|v| v == first))
    };
    (0..design.names().len()).any(|index| constant(design.column(index)))
}

/// Finds every column that earlier independent columns make up.
///
/// `R` stands for the columns, scaled to length 1: what `Q` does to all of them changes no dependency.
fn dependencies(r: &DMatrix<f64>, lengths: &[f64], names: &[String]) -> Vec<Dependency> {
    let mut independent: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for column in 0..names.len() {
        let mut with = independent.clone();
        with.push(column);
        let own = r.select_columns(&with).qr().r();
        let last = independent.len();
        let rest = if last < own.nrows() {
            own[(last, last)]
        } else {
            0.0
        };
        if lengths[column] > 0.0 && rest >= RANK_TOLERANCE {
            independent = with;
            continue;
        }
        let mut factors = own.view((0, last), (last, 1)).clone_owned();
        own.view((0, 0), (last, last))
            .solve_upper_triangular_mut(&mut factors);
        let part_of = independent
            .iter()
            .zip(factors.iter())
            .filter(|(_, f)| f.abs() > 1e-8);
        let named = part_of
            .map(|(other, f)| (names[*other].clone(), f * lengths[column] / lengths[*other]));
        found.push(Dependency {
            column: names[column].clone(),
            combination: named.collect(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(columns: &[(&str, &[f64])]) -> Design {
        let owned = |(name, values): &(&str, &[f64])| ((*name).to_owned(), values.to_vec());
        Design::new(columns.iter().map(owned).collect()).unwrap()
    }

    const ONES: [f64; 6] = [1.0; 6];
    const AGE: [f64; 6] = [20.0, 31.0, 40.0, 52.0, 60.0, 75.0];
    const MALE: [f64; 6] = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
    const FEMALE: [f64; 6] = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0];

    #[test]
    fn columns_of_q_are_orthonormal() {
        let made =
            Factorisation::new(design(&[("one", &ONES), ("age", &AGE), ("m", &MALE)])).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let product = dot(made.q_column(i), made.q_column(j));
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn every_dependent_column_is_named_with_what_makes_it_up() {
        let months = AGE.map(|age| 12.0 * age + 3.0);
        let columns: [(&str, &[f64]); 6] = [
            ("one", &ONES),
            ("m", &MALE),
            ("f", &FEMALE),
            ("age", &AGE),
            ("months", &months),
            ("zero", &[0.0; 6]),
        ];
        let error = Factorisation::new(design(&columns[..5])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the design has dependent columns: `f` = 1.0000 · `one` + -1.0000 · `m`; \
             `months` = 3.0000 · `one` + 12.0000 · `age`"
        );
        let error = Factorisation::new(design(&[columns[0], columns[5]])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the design has dependent columns: `zero` = 0"
        );
    }

    #[test]
    fn units_of_a_column_decide_nothing() {
        for scale in [1e-200, 1e-9, 1e9, 1e200] {
            let age = AGE.map(|age| age * scale);
            assert!(Factorisation::new(design(&[("one", &ONES), ("age", &age)])).is_ok());
            let twice = age.map(|age| age * 2.0);
            assert!(Factorisation::new(design(&[("age", &age), ("twice", &twice)])).is_err());
        }
    }

    #[test]
    fn as_many_rows_as_columns_are_too_few() {
        let error =
            Factorisation::new(design(&[("a", &[1.0, 2.0]), ("b", &[2.0, 1.0])])).unwrap_err();
        assert_eq!(
            error,
            OlsError::TooFewRows {
                rows: 2,
                columns: 2
            }
        );
    }

    #[test]
    fn fewer_cells_than_columns_are_dependent_however_full() {
        let three = design(&[
            ("one", &[1.0, 1.0]),
            ("age", &[20.0, 30.0]),
            ("m", &[0.0, 1.0]),
        ]);
        let error = Factorisation::of_cells(three, &[500, 400]).unwrap_err();
        assert!(
            matches!(error, OlsError::RankDeficient { ref dependencies } if dependencies[0].column == "m")
        );
        let empty =
            Factorisation::of_cells(design(&[("one", &ONES), ("m", &MALE)]), &[5, 0, 0, 5, 0, 5]);
        assert!(
            matches!(empty, Err(OlsError::RankDeficient { .. })),
            "`m` is 0 wherever there is data"
        );
    }
}
