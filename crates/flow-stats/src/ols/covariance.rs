//! Covariances of coefficients and what follows from them.

use super::clusters::Clusters;
use super::factorisation::FREE_TOLERANCE;
use super::jackknife::Jackknife;
use super::squares::blocks;
use super::{Factorisation, FitOptions, OlsError};
use crate::sums::dot;
use crate::tails::{critical_t, two_sided_t};
use nalgebra::DMatrix;

/// Errors, tests and intervals of coefficients, each `[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// Standard errors.
    pub std_err: Vec<f64>,
    /// Coefficients over standard errors.
    pub t: Vec<f64>,
    /// Two-sided p-values of `t`, computed as tails.
    pub p: Vec<f64>,
    /// Lower ends of the confidence intervals.
    pub low: Vec<f64>,
    /// Upper ends of the confidence intervals.
    pub high: Vec<f64>,
    /// Degrees of freedom of each `t`; Satterthwaite's are fractions.
    pub df: Vec<f64>,
}

impl Inference {
    /// Tests each coefficient against 0.
    pub(super) fn new(
        coefficients: &[f64],
        std_err: Vec<f64>,
        df: Vec<f64>,
        confidence: f64,
    ) -> Result<Self, OlsError> {
        let half = half_widths(&std_err, &df, confidence)?;
        let t: Vec<f64> = coefficients
            .iter()
            .zip(&std_err)
            .map(|(coefficient, error)| coefficient / error)
            .collect();
        let p: Option<Vec<f64>> = t
            .iter()
            .zip(&df)
            .map(|(t, df)| two_sided_t(*t, *df))
            .collect();
        let ends = |sign: f64| {
            let pairs = coefficients.iter().zip(&half);
            pairs.map(|(value, half)| value + sign * half).collect()
        };
        Ok(Self {
            low: ends(-1.0),
            high: ends(1.0),
            p: p.ok_or(OlsError::ExactFit)?,
            t,
            std_err,
            df,
        })
    }
}

/// Half the width of each interval; the critical value is computed once for a run of equal `df`.
fn half_widths(std_err: &[f64], df: &[f64], confidence: f64) -> Result<Vec<f64>, OlsError> {
    let mut half = Vec::with_capacity(df.len());
    for run in df.chunk_by(PartialEq::eq) {
        let critical = critical_t(1.0 - confidence, run[0]);
        let critical = critical.ok_or(OlsError::Confidence { confidence })?;
        let errors = &std_err[half.len()..half.len() + run.len()];
        half.extend(errors.iter().map(|error| critical * error));
    }
    Ok(half)
}

/// What robust errors need of the design, computed once for all responses.
///
/// All covariances here are those of the coefficients times the column lengths, so `A = R⁻¹`.
pub(super) struct Robust {
    /// `1 / (count · (1 − hᵢ)²)` of each row, if HC3 errors are wanted.
    hc3_factors: Option<Vec<f64>>,
    /// Who belongs together, if cluster-robust errors are wanted.
    clusters: Option<Clusters>,
    /// Fits without a cluster, if errors by jackknife are wanted.
    jackknife: Option<Jackknife>,
}

impl Robust {
    pub(super) fn new(of: &Factorisation, options: &FitOptions<'_>) -> Result<Self, OlsError> {
        let hc3_factors = if options.hc3 {
            Some(hc3_factors(of)?)
        } else {
            None
        };
        let clusters = options
            .clusters
            .map(|clusters| Clusters::new(of, clusters))
            .transpose()?;
        let jackknife = options
            .jackknife
            .map(|clusters| Jackknife::new(of, clusters))
            .transpose()?;
        Ok(Self {
            hc3_factors,
            clusters,
            jackknife,
        })
    }

    /// Says whether residuals are needed.
    pub(super) fn any(&self) -> bool {
        self.hc3_factors.is_some() || self.clusters.is_some() || self.jackknife.is_some()
    }

    /// Computes what was asked for.
    pub(super) fn covariances(
        &self,
        of: &Factorisation,
        residuals: &[f64],
        within: Option<&[f64]>,
    ) -> RobustCovariances {
        let hc3 = self.hc3(of, residuals, within);
        RobustCovariances {
            hc3,
            clustered: self.clustered(of, residuals),
            jackknife: self
                .jackknife
                .as_ref()
                .map(|one| (sandwich(of, &one.meat(of, residuals)), one.df().to_vec())),
        }
    }

    /// Covariance robust to unequal variance: `A (Σ uᵢ² / (1 − hᵢ)² qᵢ qᵢᵀ) Aᵀ` with the leverage `hᵢ = |qᵢ|²`.
    ///
    /// Source: MacKinnon & White 1985, J. Econometrics 29, 305–325 (HC3 in the naming of Long & Ervin 2000).
    fn hc3(
        &self,
        of: &Factorisation,
        residuals: &[f64],
        within: Option<&[f64]>,
    ) -> Option<DMatrix<f64>> {
        let factors = self.hc3_factors.as_ref()?;
        let k = of.names().len();
        let mut meat = DMatrix::zeros(k, k);
        let (mut weights, mut products) = (Vec::new(), Vec::new());
        for rows in blocks(of.rows) {
            let own = residuals[rows.clone()].iter().zip(&factors[rows.clone()]);
            weights.clear();
            weights.extend(own.map(|(residual, factor)| residual * residual * factor));
            if let Some(within) = within {
                let more = within[rows.clone()].iter().zip(&factors[rows.clone()]);
                weights
                    .iter_mut()
                    .zip(more)
                    .for_each(|(weight, (w, factor))| *weight += w * factor);
            }
            for i in 0..k {
                let q = of.q_column(i)[rows.clone()].iter().zip(&weights);
                products.clear();
                products.extend(q.map(|(q, weight)| q * weight));
                for j in 0..=i {
                    meat[(i, j)] += dot(&products, &of.q_column(j)[rows.clone()]);
                }
            }
        }
        meat.fill_upper_triangle_with_lower_triangle();
        Some(sandwich(of, &meat))
    }

    /// Covariance robust to dependence within clusters, and its degrees of freedom, `G − 1`.
    ///
    /// `G/(G−1) · (n−1)/(n−k) · A (Σ_g s_g s_gᵀ) Aᵀ` with `s_g = Σ_{i in g} qᵢ uᵢ`.
    ///
    /// Source: Liang & Zeger 1986, Biometrika 73, 13–22; the factor is the usual one (Stata, statsmodels).
    fn clustered(&self, of: &Factorisation, residuals: &[f64]) -> Option<(DMatrix<f64>, u64)> {
        let clusters = self.clusters.as_ref()?;
        let (k, g) = (of.names().len(), clusters.count());
        let sums = clusters.scores(of, residuals);
        let (g, n) = (g as f64, of.observations() as f64);
        let small_sample = g / (g - 1.0) * (n - 1.0) / (n - k as f64);
        Some((
            sandwich(of, &sums.tr_mul(&sums)) * small_sample,
            clusters.count() as u64 - 1,
        ))
    }
}

/// The robust covariances of one response that were asked for.
pub(super) struct RobustCovariances {
    pub(super) hc3: Option<DMatrix<f64>>,
    /// With its degrees of freedom.
    pub(super) clustered: Option<(DMatrix<f64>, u64)>,
    /// With the degrees of freedom of each coefficient.
    pub(super) jackknife: Option<(DMatrix<f64>, Vec<f64>)>,
}

/// `1 / (count · (1 − h)²)`: all observations of a cell share `q / √count`, and so their leverage.
fn hc3_factors(of: &Factorisation) -> Result<Vec<f64>, OlsError> {
    let mut factors = vec![0.0; of.rows];
    for column in 0..of.names().len() {
        factors
            .iter_mut()
            .zip(of.q_column(column))
            .for_each(|(leverage, q)| *leverage += q * q);
    }
    for (row, factor) in factors.iter_mut().enumerate() {
        let count = of.count(row).max(1.0); // an empty cell has no leverage and no residual
        let free = 1.0 - *factor / count;
        if free < FREE_TOLERANCE {
            return Err(OlsError::FullLeverage { row });
        }
        *factor = 1.0 / (count * free * free);
    }
    Ok(factors)
}

fn sandwich(of: &Factorisation, meat: &DMatrix<f64>) -> DMatrix<f64> {
    &of.inverse * meat * of.inverse.transpose()
}
