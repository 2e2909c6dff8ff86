//! Fits of a factorised design to responses.

use super::covariance::{Inference, cluster_robust, hc3};
use super::{CellResponse, Factorisation, OlsError};
use crate::sums::{dot, sum_of, sum_pairs};
use crate::tails::upper_f;
use nalgebra::{DMatrix, DVector};

/// What to compute besides the classical fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions<'a> {
    /// Level of the confidence intervals, above 0 and below 1.
    pub confidence: f64,
    /// Whether to compute errors robust to unequal variance.
    pub hc3: bool,
    /// Cluster (subject) of each row or cell; gives errors robust to dependence within clusters.
    pub clusters: Option<&'a [u32]>,
}

impl Default for FitOptions<'_> {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            hc3: false,
            clusters: None,
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Names of the coefficients, `[k]`.
    pub names: Vec<String>,
    /// Least-squares coefficients, `[k]`, in units of the response per unit of the column.
    pub coefficients: Vec<f64>,
    /// Errors from `σ² (XᵀX)⁻¹` with n − k degrees of freedom.
    pub classical: Inference,
    /// Errors robust to unequal variance, with n − k degrees of freedom, if asked for.
    pub hc3: Option<Inference>,
    /// Errors robust to dependence within clusters, with G − 1 degrees of freedom, if asked for.
    pub clustered: Option<Inference>,
    /// Observations, n.
    pub observations: u64,
    /// Residual degrees of freedom, n − k.
    pub df_residual: u64,
    /// Residual variance, σ² = RSS / (n − k).
    pub residual_variance: f64,
    /// Explained part of the sum of squares; about the mean if the design has an intercept, else about 0.
    pub r_squared: f64,
    /// The same, corrected for the number of coefficients.
    pub adjusted_r_squared: f64,
    /// Test of all coefficients but the intercept at once; `None` if there are no others.
    pub overall: Option<OverallTest>,
}

/// The F test of a whole model against the intercept alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverallTest {
    /// F statistic.
    pub f: f64,
    /// Its p-value.
    pub p: f64,
    /// Coefficients tested.
    pub df_model: u64,
}

/// A response as the fit needs it: one value per row of the design.
struct Response<'a> {
    /// Values times `√count`.
    weighted: &'a [f64],
    /// Sum of squares within each cell, if rows are cells.
    within: Option<&'a [f64]>,
    mean: f64,
}

/// Sums of squares of a fit.
#[derive(Default)]
struct Squares {
    residual: f64,
    explained: f64,
    total: f64,
}

/// Rows fitted at a time, so that their fitted values stay in the nearest cache.
const BLOCK: usize = 512;

impl Factorisation {
    /// Fits the design to a response.
    ///
    /// `β = R⁻¹ Qᵀ y`; residuals are computed row by row, not as a difference of sums of squares.
    ///
    /// * `y`: `[row]`
    ///
    /// # Errors
    /// [`OlsError`] but [`OlsError::TooFewRows`] and [`OlsError::RankDeficient`], which the factorisation excludes.
    ///
    /// Checked: `tests/golden/ols_expected.json` (statsmodels) to 1e-9, p-values to 1e-7.
    pub fn fit(&self, y: &[f64], options: &FitOptions<'_>) -> Result<Fit, OlsError> {
        if self.counts.is_some() || y.len() != self.rows {
            return Err(OlsError::Length {
                what: "response",
                got: y.len(),
                rows: self.rows,
            });
        }
        let mean = sum_of(y, |v| v) / self.observations as f64;
        let response = Response {
            weighted: y,
            within: None,
            mean,
        };
        self.fit_response(&response, options)
            .map_err(|error| match error {
                OlsError::Overflow => y
                    .iter()
                    .position(|value| !value.is_finite())
                    .map_or(error, |row| OlsError::ResponseNotFinite { row }),
                other => other,
            })
    }

    /// Fits the design to each response; a response that can't be fitted fails alone.
    pub fn fit_many(
        &self,
        responses: &[&[f64]],
        options: &FitOptions<'_>,
    ) -> Vec<Result<Fit, OlsError>> {
        responses.iter().map(|y| self.fit(y, options)).collect()
    }

    /// Fits a design of cells ([`Factorisation::of_cells`]) to a response summarised by the same cells.
    ///
    /// The result is that of the single observations: squares within cells are added to the residual.
    ///
    /// # Errors
    /// As [`Factorisation::fit`].
    pub fn fit_cells(&self, y: &CellResponse, options: &FitOptions<'_>) -> Result<Fit, OlsError> {
        let cells = y.means().len();
        let Some(counts) = self.counts.as_ref().filter(|_| cells == self.rows) else {
            return Err(OlsError::Length {
                what: "cells",
                got: cells,
                rows: self.rows,
            });
        };
        let pairs = y.means().iter().zip(counts);
        let weighted: Vec<f64> = pairs.map(|(mean, count)| mean * count.sqrt()).collect();
        let mean = dot(counts, y.means()) / self.observations as f64;
        let response = Response {
            weighted: &weighted,
            within: Some(y.within()),
            mean,
        };
        self.fit_response(&response, options)
    }

    fn fit_response(&self, y: &Response<'_>, options: &FitOptions<'_>) -> Result<Fit, OlsError> {
        let k = self.names.len();
        let projected = DVector::from_fn(k, |j, _| dot(self.q_column(j), y.weighted));
        let squares = self.squares(y, projected.as_slice());
        self.refuse_unusable(&squares, y.mean)?;
        let scaled = &self.inverse * &projected;
        let unscaled = scaled
            .iter()
            .zip(&self.lengths)
            .map(|(value, length)| value / length);
        let coefficients: Vec<f64> = unscaled.collect();
        let df_residual = self.observations - k as u64;
        let residual_variance = squares.residual / df_residual as f64;
        let infer = |covariance: &DMatrix<f64>, df: u64| {
            let variances = covariance.diagonal();
            let errors = variances
                .iter()
                .zip(&self.lengths)
                .map(|(v, length)| v.sqrt() / length);
            Inference::new(&coefficients, errors.collect(), df, options.confidence)
        };
        let classical = infer(&(self.bread() * residual_variance), df_residual)?;
        let (mut robust, mut clustered) = (None, None);
        if options.hc3 || options.clusters.is_some() {
            let residuals = self.residuals(y, projected.as_slice());
            if options.hc3 {
                robust = Some(infer(&hc3(self, &residuals)?, df_residual)?);
            }
            if let Some(clusters) = options.clusters {
                let (covariance, count) = cluster_robust(self, &residuals, clusters)?;
                clustered = Some(infer(&covariance, count - 1)?);
            }
        }
        Ok(Fit {
            names: self.names.clone(),
            classical,
            hc3: robust,
            clustered,
            observations: self.observations,
            df_residual,
            residual_variance,
            r_squared: 1.0 - squares.residual / squares.total,
            adjusted_r_squared: self.adjusted(&squares),
            overall: self.overall(&squares),
            coefficients,
        })
    }

    /// `R⁻¹ R⁻ᵀ`, which times σ² is the covariance of the coefficients times the column lengths.
    fn bread(&self) -> DMatrix<f64> {
        &self.inverse * self.inverse.transpose()
    }

    /// Writes fitted values times `√count` of the rows from `start` on.
    fn fit_block(&self, projected: &[f64], start: usize, fitted: &mut [f64]) {
        fitted.fill(0.0);
        for (column, part) in projected.iter().enumerate() {
            let q = &self.q_column(column)[start..start + fitted.len()];
            fitted
                .iter_mut()
                .zip(q)
                .for_each(|(sum, q)| *sum += part * q);
        }
    }

    fn squares(&self, y: &Response<'_>, projected: &[f64]) -> Squares {
        let mean = if self.intercept { y.mean } else { 0.0 };
        let mut squares = Squares::default();
        let (mut fitted, mut centre) = ([0.0; BLOCK], [mean; BLOCK]);
        for (index, y) in y.weighted.chunks(BLOCK).enumerate() {
            let start = index * BLOCK;
            let (fitted, centre) = (&mut fitted[..y.len()], &mut centre[..y.len()]);
            self.fit_block(projected, start, fitted);
            if let Some(counts) = &self.counts {
                let counts = &counts[start..start + y.len()];
                centre
                    .iter_mut()
                    .zip(counts)
                    .for_each(|(c, count)| *c = mean * count.sqrt());
            }
            let square_of = |a: f64, b: f64| (a - b) * (a - b);
            squares.residual += sum_pairs(y, fitted, square_of);
            squares.explained += sum_pairs(fitted, centre, square_of);
            squares.total += sum_pairs(y, centre, square_of);
        }
        let within = y
            .within
            .map_or(0.0, |within| sum_of(within, |square| square));
        squares.residual += within;
        squares.total += within;
        squares
    }

    fn residuals<'a>(&self, y: &Response<'a>, projected: &[f64]) -> Residuals<'a> {
        let mut weighted = vec![0.0; self.rows];
        self.fit_block(projected, 0, &mut weighted);
        weighted
            .iter_mut()
            .zip(y.weighted)
            .for_each(|(fitted, y)| *fitted = y - *fitted);
        Residuals {
            weighted,
            within: y.within,
        }
    }

    /// Refuses sums of squares that are not finite or nothing but rounding.
    fn refuse_unusable(&self, squares: &Squares, mean: f64) -> Result<(), OlsError> {
        if !(squares.residual.is_finite() && squares.total.is_finite() && mean.is_finite()) {
            return Err(OlsError::Overflow);
        }
        let about_zero = squares.total + self.observations as f64 * mean * mean;
        // Each residual is off by a few roundings per column of a value of the size of the response.
        let columns = self.names.len() as f64;
        let rounding = (16.0 * columns * f64::EPSILON).powi(2) * about_zero;
        if squares.total <= rounding {
            return Err(OlsError::FlatResponse);
        }
        if squares.residual <= rounding {
            return Err(OlsError::ExactFit);
        }
        Ok(())
    }

    /// Coefficients that the model has besides the intercept.
    fn df_model(&self) -> usize {
        self.names.len() - usize::from(self.intercept)
    }

    fn adjusted(&self, squares: &Squares) -> f64 {
        let n = self.observations as f64;
        let df_residual = n - self.names.len() as f64;
        let df_total = n - f64::from(u8::from(self.intercept));
        1.0 - df_total / df_residual * (squares.residual / squares.total)
    }

    fn overall(&self, squares: &Squares) -> Option<OverallTest> {
        let df_model = self.df_model();
        let df_residual = (self.observations - self.names.len() as u64) as f64;
        if df_model == 0 {
            return None;
        }
        let f = squares.explained / df_model as f64 / (squares.residual / df_residual);
        let p = upper_f(f, df_model as f64, df_residual)?;
        Some(OverallTest {
            f,
            p,
            df_model: df_model as u64,
        })
    }
}

/// What is left of a response.
pub(super) struct Residuals<'a> {
    /// The residual of each row times `√count`.
    pub(super) weighted: Vec<f64>,
    within: Option<&'a [f64]>,
}

impl Residuals<'_> {
    /// The squared residuals of all observations of a row.
    pub(super) fn squared(&self, row: usize) -> f64 {
        let between = self.weighted[row];
        between * between + self.within.map_or(0.0, |within| within[row])
    }
}
