//! Rows that belong together.

use super::cells::runs_of;
use super::{Factorisation, OlsError};
use crate::sums::dot;
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows with data by cluster.
pub(super) struct Clusters {
    /// Runs of rows of one cluster, and its number.
    runs: Vec<(Range<usize>, usize)>,
    /// Clusters with data.
    count: usize,
}

impl Clusters {
    /// Cuts the rows into runs of one cluster and numbers the clusters.
    pub(super) fn new(of: &Factorisation, clusters: &[u32]) -> Result<Self, OlsError> {
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

    /// Clusters with data, at least 2.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// `s_g = Σ_{i in g} qᵢ uᵢ` of each cluster, `[cluster, k]`.
    pub(super) fn scores(&self, of: &Factorisation, residuals: &[f64]) -> DMatrix<f64> {
        let mut scores = DMatrix::<f64>::zeros(self.count, of.names().len());
        for (column, mut scores) in scores.column_iter_mut().enumerate() {
            let q = of.q_column(column);
            for (rows, cluster) in &self.runs {
                scores[*cluster] += dot(&q[rows.clone()], &residuals[rows.clone()]);
            }
        }
        scores
    }

    /// `M_g = Σ_{i in g} qᵢ qᵢᵀ` of each cluster, `[k, k]`; they add up to the identity.
    pub(super) fn leverages(&self, of: &Factorisation) -> Vec<DMatrix<f64>> {
        let k = of.names().len();
        let mut leverages = vec![DMatrix::<f64>::zeros(k, k); self.count];
        for (rows, cluster) in &self.runs {
            for i in 0..k {
                for j in 0..=i {
                    let (a, b) = (of.q_column(i), of.q_column(j));
                    leverages[*cluster][(i, j)] += dot(&a[rows.clone()], &b[rows.clone()]);
                }
            }
        }
        for one in &mut leverages {
            one.fill_upper_triangle_with_lower_triangle();
        }
        leverages
    }
}
