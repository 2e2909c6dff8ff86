//! Covariances of coefficients and what follows from them.

use super::fit::Residuals;
use super::{Factorisation, OlsError};
use crate::sums::dot;
use crate::tails::{critical_t, two_sided_t};
use nalgebra::DMatrix;
use std::collections::BTreeMap;

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

/// Covariance robust to unequal variance: `A (Σ uᵢ² / (1 − hᵢ)² qᵢ qᵢᵀ) Aᵀ`, with `A = R⁻¹`, `hᵢ = |qᵢ|²`.
///
/// As all covariances here it is that of the coefficients times the column lengths.
///
/// Source: MacKinnon & White 1985, J. Econometrics 29, 305–325 (HC3 in the naming of Long & Ervin 2000).
pub(super) fn hc3(of: &Factorisation, residuals: &Residuals<'_>) -> Result<DMatrix<f64>, OlsError> {
    let weights = hc3_weights(of, residuals)?;
    let k = of.names.len();
    let mut weighted = vec![0.0; of.rows];
    let mut meat = DMatrix::zeros(k, k);
    for i in 0..k {
        let q = of.q_column(i).iter().zip(&weights);
        weighted
            .iter_mut()
            .zip(q)
            .for_each(|(product, (q, weight))| *product = q * weight);
        for j in 0..=i {
            meat[(i, j)] = dot(&weighted, of.q_column(j));
            meat[(j, i)] = meat[(i, j)];
        }
    }
    Ok(sandwich(of, &meat))
}

/// `uᵢ² / (1 − hᵢ)²` of each row, divided by its count: all observations of a cell share `q / √count`.
fn hc3_weights(of: &Factorisation, residuals: &Residuals<'_>) -> Result<Vec<f64>, OlsError> {
    let mut leverages = vec![0.0; of.rows];
    for column in 0..of.names.len() {
        let q = of.q_column(column);
        leverages
            .iter_mut()
            .zip(q)
            .for_each(|(leverage, q)| *leverage += q * q);
    }
    let mut weights = leverages;
    for (row, weight) in weights.iter_mut().enumerate() {
        let count = of.count(row);
        let free = 1.0 - *weight / count.max(1.0);
        if free < 1e-12 {
            return Err(OlsError::FullLeverage { row });
        }
        *weight = residuals.squared(row) / (count.max(1.0) * free * free);
    }
    Ok(weights)
}

/// Covariance robust to dependence within clusters, and the number of clusters with data, `G`.
///
/// `G/(G−1) · (n−1)/(n−k) · A (Σ_g s_g s_gᵀ) Aᵀ` with `s_g = Σ_{i in g} qᵢ uᵢ`.
///
/// Source: Liang & Zeger 1986, Biometrika 73, 13–22; the factor is the usual one (Stata, statsmodels).
pub(super) fn cluster_robust(
    of: &Factorisation,
    residuals: &Residuals<'_>,
    clusters: &[u32],
) -> Result<(DMatrix<f64>, u64), OlsError> {
    if clusters.len() != of.rows {
        return Err(OlsError::Length {
            what: "clusters",
            got: clusters.len(),
            rows: of.rows,
        });
    }
    let k = of.names.len();
    let index_of = cluster_indices(of, clusters);
    let groups = index_of.len();
    if groups < 2 {
        return Err(OlsError::TooFewClusters { clusters: groups });
    }
    let mut sums = DMatrix::<f64>::zeros(groups, k);
    let mut last = (clusters[0], 0);
    for (j, mut of_column) in sums.column_iter_mut().enumerate() {
        for ((cluster, q), residual) in clusters.iter().zip(of.q_column(j)).zip(&residuals.weighted)
        {
            if *cluster != last.0 {
                last = (*cluster, index_of.get(cluster).copied().unwrap_or(0));
            }
            of_column[last.1] += q * residual;
        }
    }
    let meat = sums.tr_mul(&sums);
    let (g, n) = (groups as f64, of.observations as f64);
    let small_sample = g / (g - 1.0) * (n - 1.0) / (n - k as f64);
    Ok((sandwich(of, &meat) * small_sample, groups as u64))
}

/// Numbers the clusters that have data.
fn cluster_indices(of: &Factorisation, clusters: &[u32]) -> BTreeMap<u32, usize> {
    let mut index_of = BTreeMap::new();
    for (row, cluster) in clusters.iter().enumerate() {
        if of.count(row) > 0.0 && !index_of.contains_key(cluster) {
            index_of.insert(*cluster, index_of.len());
        }
    }
    index_of
}

fn sandwich(of: &Factorisation, meat: &DMatrix<f64>) -> DMatrix<f64> {
    &of.inverse * meat * of.inverse.transpose()
}
