//! Rows that share their covariates, summarised without loss.

use super::OlsError;
use crate::sums::sum_of;
use std::ops::Range;

/// Which rows share their covariates: a cell is a night, or a subject.
///
/// For cluster-robust errors a cell must lie within one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    rows: usize,
    /// Runs of rows of one cell. Invariant: cells below `counts.len()`. Guard: `a_row_of_no_cell_is_refused`.
    runs: Vec<(Range<usize>, usize)>,
    counts: Vec<u64>,
}

impl Cells {
    /// Puts each row into a cell.
    ///
    /// * `cell_of`: `[row]`, below `cells`; cells may stay empty
    ///
    /// # Errors
    /// [`OlsError::NoSuchCell`].
    pub fn new(cell_of: &[usize], cells: usize) -> Result<Self, OlsError> {
        let mut counts = vec![0; cells];
        let runs: Vec<_> = runs_of(cell_of).collect();
        for (rows, cell) in &runs {
            let (row, cell) = (rows.start, *cell);
            let count = counts
                .get_mut(cell)
                .ok_or(OlsError::NoSuchCell { row, cell, cells })?;
            *count += rows.len() as u64;
        }
        Ok(Self {
            rows: cell_of.len(),
            runs,
            counts,
        })
    }

    /// Rows in each cell.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Summarises a response by cell.
    ///
    /// * `y`: `[row]`
    ///
    /// # Errors
    /// [`OlsError::Length`], [`OlsError::ResponseNotFinite`], and [`OlsError::Overflow`] if a sum is too large.
    pub fn summarise(&self, y: &[f64]) -> Result<CellResponse, OlsError> {
        if y.len() != self.rows {
            return Err(OlsError::Length {
                what: "response",
                got: y.len(),
                rows: self.rows,
            });
        }
        let mut means = vec![0.0; self.counts.len()];
        for (rows, cell) in &self.runs {
            means[*cell] += sum_of(&y[rows.clone()], |value| value);
        }
        if means.iter().any(|sum| !sum.is_finite()) {
            let row = y.iter().position(|value| !value.is_finite());
            return Err(
                row.map_or(OlsError::Overflow, |row| OlsError::ResponseNotFinite {
                    row,
                }),
            );
        }
        for (mean, count) in means.iter_mut().zip(&self.counts) {
            *mean /= (*count).max(1) as f64;
        }
        let mut within = vec![0.0; self.counts.len()];
        for (rows, cell) in &self.runs {
            let mean = means[*cell];
            within[*cell] += sum_of(&y[rows.clone()], |value| (value - mean) * (value - mean));
        }
        Ok(CellResponse { means, within })
    }
}

/// A response summarised by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellResponse {
    means: Vec<f64>,
    within: Vec<f64>,
}

impl CellResponse {
    /// Mean of each cell, 0 for an empty one.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Sum of squares about the mean within each cell.
    pub fn within(&self) -> &[f64] {
        &self.within
    }
}

/// Cuts rows into runs of one label, as (rows, label).
pub(super) fn runs_of<T: Copy + PartialEq>(
    labels: &[T],
) -> impl Iterator<Item = (Range<usize>, T)> {
    let mut start = 0;
    labels.chunk_by(PartialEq::eq).map(move |run| {
        let rows = start..start + run.len();
        start = rows.end;
        (rows, run[0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_mean_and_its_squares() {
        let cells = Cells::new(&[0, 2, 0, 2], 3).unwrap();
        let summarised = cells.summarise(&[1.0, 5.0, 3.0, 5.0]).unwrap();
        assert_eq!(cells.counts(), [2, 0, 2]);
        assert_eq!(summarised.means(), [2.0, 0.0, 5.0]);
        assert_eq!(summarised.within(), [2.0, 0.0, 0.0]);
    }

    #[test]
    fn a_row_of_no_cell_is_refused() {
        let error = Cells::new(&[0, 3], 3).unwrap_err();
        assert_eq!(
            error,
            OlsError::NoSuchCell {
                row: 1,
                cell: 3,
                cells: 3
            }
        );
    }

    #[test]
    fn an_unusable_response_is_refused() {
        let cells = Cells::new(&[0, 1], 2).unwrap();
        let error = cells.summarise(&[1.0]).unwrap_err();
        assert_eq!(
            error,
            OlsError::Length {
                what: "response",
                got: 1,
                rows: 2
            }
        );
        let error = cells.summarise(&[1.0, f64::NAN]).unwrap_err();
        assert_eq!(error, OlsError::ResponseNotFinite { row: 1 });
    }
}
