//! Fits of a factorised design to responses.

use super::covariance::{Inference, Robust, RobustCovariances};
use super::squares::{Response, Squares};
use super::{CellResponse, Factorisation, OlsError};
use crate::sums::{dot, sum_of};
use crate::tails::upper_f;
use nalgebra::{DMatrix, DVectorView};
use std::borrow::Cow;

/// What to compute besides the classical fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions<'a> {
    /// Level of the confidence intervals, above 0 and below 1.
    pub confidence: f64,
    /// Whether to compute errors robust to unequal variance.
    pub hc3: bool,
    /// Cluster (subject) of each row or cell; gives errors robust to dependence within clusters.
    pub clusters: Option<&'a [u32]>,
    /// Cluster of each row or cell; gives errors from the fits without each cluster, which keep the false
    /// discovery rate where clusters are few.
    pub jackknife: Option<&'a [u32]>,
}

impl Default for FitOptions<'_> {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            hc3: false,
            clusters: None,
            jackknife: None,
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
    /// Errors from the fits without each cluster, with Satterthwaite's degrees of freedom, if asked for.
    pub jackknife: Option<Inference>,
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
        self.fit_many(&[y], options).remove(0)
    }

    /// Fits the design to each response, in one walk over the design for all of them.
    ///
    /// Each result is that of [`Factorisation::fit`], to the bit; a response that can't be fitted fails alone.
    pub fn fit_many(&self, ys: &[&[f64]], options: &FitOptions<'_>) -> Vec<Result<Fit, OlsError>> {
        let of_cells = self.counts.is_some();
        let length = |got| OlsError::Length {
            what: "response",
            got,
            rows: self.rows,
        };
        let responses =
            ys.iter().map(|y| {
                if of_cells || y.len() != self.rows {
                    return Err(length(y.len()));
                }
                let mean = sum_of(y, |v| v) / self.observations as f64;
                if !mean.is_finite() {
                    let row = y.iter().position(|value| !value.is_finite());
                    return Err(row.map_or(OlsError::Overflow, |row| {
                        OlsError::ResponseNotFinite { row }
                    }));
                }
                Ok(Response {
                    weighted: Cow::Borrowed(y),
                    within: None,
                    mean,
                })
            });
        self.fit_responses(responses.collect(), options)
    }

    /// Fits a design of cells ([`Factorisation::of_cells`]) to responses summarised by the same cells.
    ///
    /// Each result is that of the single observations: squares within cells are added to the residual.
    pub fn fit_cells(
        &self,
        ys: &[CellResponse],
        options: &FitOptions<'_>,
    ) -> Vec<Result<Fit, OlsError>> {
        let responses = ys.iter().map(|y| {
            let cells = y.means().len();
            let Some(counts) = self.counts.as_ref().filter(|_| cells == self.rows) else {
                return Err(OlsError::Length {
                    what: "cells",
                    got: cells,
                    rows: self.rows,
                });
            };
            let mean = dot(counts, y.means()) / self.observations as f64;
            let pairs = y.means().iter().zip(counts);
            let weighted = pairs.map(|(mean, count)| mean * count.sqrt()).collect();
            Ok(Response {
                weighted: Cow::Owned(weighted),
                within: Some(y.within()),
                mean,
            })
        });
        self.fit_responses(responses.collect(), options)
    }

    /// Fits the responses that are usable and hands the errors of the others on.
    fn fit_responses(
        &self,
        responses: Vec<Result<Response<'_>, OlsError>>,
        options: &FitOptions<'_>,
    ) -> Vec<Result<Fit, OlsError>> {
        let robust = match Robust::new(self, options) {
            Ok(robust) => robust,
            Err(error) => return vec![Err(error); responses.len()],
        };
        let usable: Vec<&Response<'_>> = responses.iter().flatten().collect();
        let projections = self.projections(&usable);
        let squares = self.squares(&usable, &projections);
        let mut residuals = Vec::new(); // kept from one response to the next
        let mut parts = projections.chunks(self.names.len()).zip(squares);
        let fit = |response: &Result<Response<'_>, OlsError>| {
            let response = response.as_ref().map_err(OlsError::clone)?;
            let (projection, squares) = parts.next().ok_or(OlsError::Overflow)?;
            squares.refuse_unusable(self.observations, self.names.len(), response.mean)?;
            if robust.any() {
                self.residuals(response, projection, &mut residuals);
            }
            let covariances = robust.covariances(self, &residuals, response.within);
            self.inferred(projection, &squares, covariances, options.confidence)
        };
        responses.iter().map(fit).collect()
    }

    /// Puts a fit together from the sums over its rows.
    fn inferred(
        &self,
        projection: &[f64],
        squares: &Squares,
        robust: RobustCovariances,
        confidence: f64,
    ) -> Result<Fit, OlsError> {
        let scaled = &self.inverse * DVectorView::from_slice(projection, projection.len());
        let unscaled = scaled
            .iter()
            .zip(&self.lengths)
            .map(|(value, length)| value / length);
        let coefficients: Vec<f64> = unscaled.collect();
        let df_residual = self.observations - self.names.len() as u64;
        let residual_variance = squares.residual / df_residual as f64;
        let infer = |covariance: &DMatrix<f64>, df: Vec<f64>| {
            let variances = covariance.diagonal();
            let errors = variances
                .iter()
                .zip(&self.lengths)
                .map(|(v, length)| v.max(0.0).sqrt() / length);
            Inference::new(&coefficients, errors.collect(), df, confidence)
        };
        let same = |df: u64| vec![df as f64; coefficients.len()];
        let clustered = robust
            .clustered
            .map(|(covariance, df)| infer(&covariance, same(df)))
            .transpose()?;
        let bread = &self.inverse * self.inverse.transpose();
        let classical = infer(&(bread * residual_variance), same(df_residual))?;
        if let Some(clustered) = &clustered {
            self.refuse_decided(clustered, &classical)?;
        }
        Ok(Fit {
            names: self.names.clone(),
            classical,
            hc3: robust
                .hc3
                .map(|covariance| infer(&covariance, same(df_residual)))
                .transpose()?,
            clustered,
            jackknife: robust
                .jackknife
                .map(|(covariance, df)| infer(&covariance, df))
                .transpose()?,
            observations: self.observations,
            df_residual,
            residual_variance,
            r_squared: 1.0 - squares.residual / squares.total,
            adjusted_r_squared: self.adjusted(squares),
            overall: self.overall(squares),
            coefficients,
        })
    }

    /// Refuses cluster-robust errors that are 0 but for rounding: within one cluster the residuals cancel.
    fn refuse_decided(&self, clustered: &Inference, classical: &Inference) -> Result<(), OlsError> {
        let errors = clustered.std_err.iter().zip(&classical.std_err);
        match errors
            .zip(&self.names)
            .find(|((robust, plain), _)| **robust <= 1e-8 * **plain)
        {
            Some((_, column)) => Err(OlsError::ClusterDecides {
                column: column.clone(),
            }),
            None => Ok(()),
        }
    }

    fn adjusted(&self, squares: &Squares) -> f64 {
        let n = self.observations as f64;
        let df_residual = n - self.names.len() as f64;
        let df_total = n - f64::from(u8::from(self.intercept));
        1.0 - df_total / df_residual * (squares.residual / squares.total)
    }

    fn overall(&self, squares: &Squares) -> Option<OverallTest> {
        let df_model = self.names.len() - usize::from(self.intercept);
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
