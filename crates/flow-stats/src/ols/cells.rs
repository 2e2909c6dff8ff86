//! Rows that share their covariates, summarised without loss.

use super::OlsError;

/// Which rows share their covariates: a cell is a night, or a subject.
///
/// For cluster-robust errors a cell must lie within one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// Invariant: below `counts.len()`. Guard: `a_row_of_no_cell_is_refused`.
    cell_of: Vec<usize>,
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
        for (row, &cell) in cell_of.iter().enumerate() {
            *counts
                .get_mut(cell)
                .ok_or(OlsError::NoSuchCell { row, cell, cells })? += 1;
        }
        Ok(Self {
            cell_of: cell_of.to_vec(),
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
    /// [`OlsError::Length`] and [`OlsError::ResponseNotFinite`].
    pub fn summarise(&self, y: &[f64]) -> Result<CellResponse, OlsError> {
        let rows = self.cell_of.len();
        if y.len() != rows {
            return Err(OlsError::Length {
                what: "response",
                got: y.len(),
                rows,
            });
        }
        if let Some(row) = y.iter().position(|value| !value.is_finite()) {
            return Err(OlsError::ResponseNotFinite { row });
        }
        let mut means = vec![0.0; self.counts.len()];
        self.cell_of
            .iter()
            .zip(y)
            .for_each(|(cell, value)| means[*cell] += value);
        for (mean, count) in means.iter_mut().zip(&self.counts) {
            *mean /= (*count).max(1) as f64;
        }
        let mut within = vec![0.0; self.counts.len()];
        for (cell, value) in self.cell_of.iter().zip(y) {
            let off = value - means[*cell];
            within[*cell] += off * off;
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
