//! Errors of coefficients from the fits that leave out one cluster at a time.

use super::clusters::Clusters;
use super::factorisation::FREE_TOLERANCE;
use super::{Factorisation, OlsError};
use nalgebra::DMatrix;

/// What the jackknife over clusters needs of the design, computed once for all responses.
///
/// The covariance of the coefficients is `Σ_g (β − β₍g₎)(β − β₍g₎)ᵀ` with the fit `β₍g₎` without cluster `g`
/// (CR3). No fit is repeated: `β − β₍g₎ = A (I − M_g)⁻¹ s_g` with the leverage `M_g = Σ_{i in g} qᵢ qᵢᵀ`
/// and the scores `s_g = Σ_{i in g} qᵢ uᵢ` of the cluster.
///
/// The degrees of freedom are Satterthwaite's, those at which the variance of a coefficient would have the
/// mean and the variance that it has where errors are independent and of one size. With
/// `z_g = M_g (I − M_g)⁻¹ aᵀ`, `a` the coefficient's row of `A`, and
/// `B_{gh} = [g = h] z_gᵀ (I − M_g)⁻¹ aᵀ − z_gᵀ z_h` they are `(tr B)² / tr B²`.
///
/// Source: Bell & McCaffrey 2002, Survey Methodology 28, 169–181; CR3 without the factor (G − 1) / G, as
/// Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36, 672–683. Checked: R's clubSandwich 0.5.8
/// (`tests/golden/jackknife_expected.json`) and fits without each cluster (`tests/jackknife.rs`).
pub(super) struct Jackknife {
    clusters: Clusters,
    /// `(I − M_g)⁻¹` of each cluster, `[k, k]`.
    inverses: Vec<DMatrix<f64>>,
    /// `[k]`, above 0.
    df: Vec<f64>,
}

impl Jackknife {
    /// Prepares the fits without each cluster.
    ///
    /// # Errors
    /// [`OlsError::ClusterDecides`] where one cluster alone decides a coefficient: without it there is no
    /// fit. [`OlsError::TooFewClusters`], [`OlsError::Length`].
    pub(super) fn new(of: &Factorisation, clusters: &[u32]) -> Result<Self, OlsError> {
        let clusters = Clusters::new(of, clusters)?;
        let leverages = clusters.leverages(of);
        let inverses: Vec<DMatrix<f64>> = leverages
            .iter()
            .map(|leverage| inverse_without(of, leverage))
            .collect::<Result<_, _>>()?;
        let df = (0..of.names().len())
            .map(|column| satterthwaite(of, column, &leverages, &inverses))
            .collect();
        Ok(Self {
            clusters,
            inverses,
            df,
        })
    }

    /// Degrees of freedom of each coefficient, `[k]`.
    pub(super) fn df(&self) -> &[f64] {
        &self.df
    }

    /// `Σ_g d_g d_gᵀ` with `d_g = (I − M_g)⁻¹ s_g`, `[k, k]`.
    pub(super) fn meat(&self, of: &Factorisation, residuals: &[f64]) -> DMatrix<f64> {
        let scores = self.clusters.scores(of, residuals);
        let k = of.names().len();
        let mut meat = DMatrix::zeros(k, k);
        for (cluster, inverse) in self.inverses.iter().enumerate() {
            let change = inverse * scores.row(cluster).transpose();
            meat.ger(1.0, &change, &change, 1.0);
        }
        meat
    }
}

/// `(I − M)⁻¹`, by the eigenvalues of `M`, which lie in `[0, 1]`.
fn inverse_without(of: &Factorisation, leverage: &DMatrix<f64>) -> Result<DMatrix<f64>, OlsError> {
    let eigen = leverage.clone().symmetric_eigen();
    let decided = eigen
        .eigenvalues
        .iter()
        .position(|one| 1.0 - one < FREE_TOLERANCE);
    if let Some(at) = decided {
        // Changes of the coefficients along this direction change no fitted value of the other clusters.
        let change = &of.inverse * eigen.eigenvectors.column(at);
        let column = last_of_size(change.as_slice());
        return Err(OlsError::ClusterDecides {
            column: of.names()[column].clone(),
        });
    }
    let free = DMatrix::from_diagonal(&eigen.eigenvalues.map(|one| 1.0 / (1.0 - one)));
    Ok(&eigen.eigenvectors * free * eigen.eigenvectors.transpose())
}

/// The last value that is not small beside the largest: the column that those before it make up.
fn last_of_size(values: &[f64]) -> usize {
    let largest = values.iter().fold(0.0_f64, |most, one| most.max(one.abs()));
    values
        .iter()
        .rposition(|one| one.abs() > 1e-6 * largest)
        .unwrap_or_default()
}

/// `(tr B)² / tr B²` of one coefficient; see [`Jackknife`].
fn satterthwaite(
    of: &Factorisation,
    column: usize,
    leverages: &[DMatrix<f64>],
    inverses: &[DMatrix<f64>],
) -> f64 {
    let a = of.inverse.row(column).transpose();
    let k = a.len();
    let (mut trace, mut square) = (0.0, 0.0);
    let mut zz = DMatrix::<f64>::zeros(k, k);
    for (leverage, inverse) in leverages.iter().zip(inverses) {
        let w = inverse * &a;
        let z = leverage * &w;
        let (own, length) = (w.dot(&z), z.norm_squared());
        trace += own - length;
        square += own * (own - 2.0 * length);
        zz.ger(1.0, &z, &z, 1.0);
    }
    // Σ_{gh} (z_gᵀ z_h)² = |Σ_g z_g z_gᵀ|², so no walk over pairs of clusters is needed.
    trace * trace / (square + zz.norm_squared())
}
