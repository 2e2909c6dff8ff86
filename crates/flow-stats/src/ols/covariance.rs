//! Covariances of coefficients and what follows from them.

use super::cells::runs_of;
use super::squares::blocks;
use super::{Factorisation, FitOptions, OlsError};
use crate::sums::dot;
use crate::tails::{critical_t, two_sided_t};
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::ops::Range;

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
    /// Degrees of freedom of `t`.
    pub df: u64,
}

impl Inference {
    /// Tests each coefficient against 0.
    pub(super) fn new(
        coefficients: &[f64],
        std_err: Vec<f64>,
        df: u64,
        confidence: f64,
    ) -> Result<Self, OlsError> {
        let critical = critical_t(1.0 - confidence, df as f64);
        let critical = critical.ok_or(OlsError::Confidence { confidence })?;
        let pairs = || coefficients.iter().zip(&std_err);
        let t: Vec<f64> = pairs()
            .map(|(coefficient, error)| coefficient / error)
            .collect();
        let p: Option<Vec<f64>> = t.iter().map(|t| two_sided_t(*t, df as f64)).collect();
        Ok(Self {
            low: pairs()
                .map(|(coefficient, error)| coefficient - critical * error)
                .collect(),
            high: pairs()
                .map(|(coefficient, error)| coefficient + critical * error)
                .collect(),
            p: p.ok_or(OlsError::ExactFit)?,
            t,
            std_err,
            df,
        })
    }
}

/// What robust errors need of the design, computed once for all responses.
///
/// All covariances here are those of the coefficients times the column lengths, so `A = R⁻¹`.
pub(super) struct Robust {
    /// `1 / (count · (1 − hᵢ)²)` of each row, if HC3 errors are wanted.
    hc3_factors: Option<Vec<f64>>,
    /// Who belongs together, if cluster-robust errors are wanted.
    clusters: Option<Clusters>,
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
        Ok(Self {
            hc3_factors,
            clusters,
        })
    }

    /// Says whether residuals are needed.
    pub(super) fn any(&self) -> bool {
        self.hc3_factors.is_some() || self.clusters.is_some()
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
        let Clusters { runs, count } = self.clusters.as_ref()?;
        let k = of.names().len();
        let mut sums = DMatrix::<f64>::zeros(*count, k);
        for (column, mut sums) in sums.column_iter_mut().enumerate() {
            let q = of.q_column(column);
            for (rows, cluster) in runs {
                sums[*cluster] += dot(&q[rows.clone()], &residuals[rows.clone()]);
            }
        }
        let (g, n) = (*count as f64, of.observations() as f64);
        let small_sample = g / (g - 1.0) * (n - 1.0) / (n - k as f64);
        Some((
            sandwich(of, &sums.tr_mul(&sums)) * small_sample,
            *count as u64 - 1,
        ))
    }
}

/// The robust covariances of one response that were asked for.
pub(super) struct RobustCovariances {
    pub(super) hc3: Option<DMatrix<f64>>,
    /// With its degrees of freedom.
    pub(super) clustered: Option<(DMatrix<f64>, u64)>,
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
        if free < 1e-12 {
            return Err(OlsError::FullLeverage { row });
        }
        *factor = 1.0 / (count * free * free);
    }
    Ok(factors)
}

/// Rows with data by cluster.
struct Clusters {
    /// Runs of rows of one cluster, and its number.
    runs: Vec<(Range<usize>, usize)>,
    /// Clusters with data.
    count: usize,
}

impl Clusters {
    /// Cuts the rows into runs of one cluster and numbers the clusters.
    fn new(of: &Factorisation, clusters: &[u32]) -> Result<Self, OlsError> {
        if clusters.len() != of.rows {
            return Err(OlsError::Length {
                what: "clusters",
                got: clusters.len(),
                rows: of.rows,
            });
        }
        let mut number_of = BTreeMap::new();
        let mut runs = Vec::new();
        for (rows, cluster) in runs_of(clusters) {
            if rows.clone().any(|row| of.count(row) > 0.0) {
                let next = number_of.len();
                runs.push((rows, *number_of.entry(cluster).or_insert(next)));
            }
        }
        match number_of.len() {
            clusters @ (0 | 1) => Err(OlsError::TooFewClusters { clusters }),
            count => Ok(Self { runs, count }),
        }
    }
}

fn sandwich(of: &Factorisation, meat: &DMatrix<f64>) -> DMatrix<f64> {
    &of.inverse * meat * of.inverse.transpose()
}
