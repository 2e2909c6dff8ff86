//! Ordinary least squares by QR, with classical, HC3 and cluster-robust standard errors.
//!
//! A design is factorised once ([`Factorisation`]) and then fitted to any number of responses. Rows that share
//! their covariates (epochs of a night) may be summarised into [`Cells`] first: the fit is the same and costs
//! the number of cells, not of rows.

mod cells;
mod clusters;
mod covariance;
mod factorisation;
mod fit;
mod jackknife;
mod squares;

pub use cells::{CellResponse, Cells};
pub use covariance::Inference;
pub use factorisation::{Dependency, Factorisation};
pub use fit::{Fit, FitOptions, OverallTest};

/// Why a model can't be fitted; rows count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OlsError {
    /// Inference needs more rows than coefficients.
    #[error("{rows} rows are too few for {columns} coefficients")]
    TooFewRows {
        /// Rows with data.
        rows: u64,
        /// Columns of the design.
        columns: usize,
    },
    /// Some columns say what earlier columns say already, so their coefficients are anything.
    #[error("the design has dependent columns: {}", listed(dependencies))]
    RankDeficient {
        /// Each dependent column with the earlier ones that make it up.
        dependencies: Vec<Dependency>,
    },
    /// A slice has not one value per row (or per cell).
    #[error("{got} values of {what} were given for {rows} rows")]
    Length {
        /// What the slice holds.
        what: &'static str,
        /// Its length.
        got: usize,
        /// Rows (or cells) of the design.
        rows: usize,
    },
    /// The response is NaN or infinite.
    #[error("the response is not finite in row {row}")]
    ResponseNotFinite {
        /// First such row.
        row: usize,
    },
    /// Values of the design or the response are too large for their squares to be summed.
    #[error("sums of squares overflow")]
    Overflow,
    /// The response has one value, so there is nothing to explain.
    #[error("the response is the same in every row")]
    FlatResponse,
    /// The design explains the response but for rounding, so no error can be estimated.
    #[error("the design explains the response exactly, so errors can't be estimated")]
    ExactFit,
    /// A row alone decides a coefficient; its HC3 residual is 0 / 0.
    #[error("row {row} alone decides a coefficient, so HC3 errors are undefined")]
    FullLeverage {
        /// First such row.
        row: usize,
    },
    /// Cluster-robust errors need clusters to compare.
    #[error("{clusters} clusters are too few")]
    TooFewClusters {
        /// Clusters with data.
        clusters: usize,
    },
    /// One cluster alone decides a coefficient, so its cluster-robust error is 0 and says nothing.
    #[error("one cluster alone decides `{column}`, so its cluster-robust error is undefined")]
    ClusterDecides {
        /// The column.
        column: String,
    },
    /// The confidence level isn't a fraction.
    #[error("{confidence} is no confidence level between 0 and 1")]
    Confidence {
        /// The level asked for.
        confidence: f64,
    },
    /// A row belongs to a cell that doesn't exist.
    #[error("row {row} asks for cell {cell} of {cells}")]
    NoSuchCell {
        /// First such row.
        row: usize,
        /// Cell it asks for.
        cell: usize,
        /// Cells there are.
        cells: usize,
    },
}

fn listed(dependencies: &[Dependency]) -> String {
    let each: Vec<String> = dependencies.iter().map(Dependency::to_string).collect();
    each.join("; ")
}
