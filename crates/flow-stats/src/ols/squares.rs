//! Walks over the rows of a design: projections, sums of squares, residuals.
//!
//! All responses are served block by block of rows, so that a block of `Q` is read from memory once for all
//! of them. Every response has its own sums, so what else is fitted changes no bit of it.

use super::{Factorisation, OlsError};
use crate::sums::{dot, sum_of, sum_pairs};
use std::borrow::Cow;
use std::ops::Range;

/// Rows walked at a time; part of the numeric contract, because it decides the rounding.
const BLOCK: usize = 512;

/// A response as the fit needs it: one value per row of the design.
pub(super) struct Response<'a> {
    /// Values times `√count`.
    pub(super) weighted: Cow<'a, [f64]>,
    /// Sum of squares within each cell, if rows are cells.
    pub(super) within: Option<&'a [f64]>,
    pub(super) mean: f64,
}

/// Sums of squares of a fit.
#[derive(Default, Clone)]
pub(super) struct Squares {
    pub(super) residual: f64,
    /// About the mean if there is an intercept, else about 0; so is `total`.
    pub(super) explained: f64,
    pub(super) total: f64,
}

impl Squares {
    /// Refuses sums of squares that are not finite or nothing but rounding.
    pub(super) fn refuse_unusable(
        &self,
        observations: u64,
        columns: usize,
        mean: f64,
    ) -> Result<(), OlsError> {
        if !(self.residual.is_finite() && self.total.is_finite()) {
            return Err(OlsError::Overflow);
        }
        // Each residual is off by a few roundings per column of a value of the size of the response.
        let about_zero = self.total + observations as f64 * mean * mean;
        let rounding = (16.0 * columns as f64 * f64::EPSILON).powi(2) * about_zero;
        if self.total <= rounding {
            return Err(OlsError::FlatResponse);
        }
        if self.residual <= rounding {
            return Err(OlsError::ExactFit);
        }
        Ok(())
    }
}

/// The blocks that make up `rows` rows.
pub(super) fn blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows)
        .step_by(BLOCK)
        .map(move |start| start..(start + BLOCK).min(rows))
}

impl Factorisation {
    /// `Qᵀ y` of each response, `[response, column]`.
    pub(super) fn projections(&self, responses: &[&Response<'_>]) -> Vec<f64> {
        let columns = self.names.len();
        let mut projections = vec![0.0; responses.len() * columns];
        for rows in blocks(self.rows) {
            for (y, projection) in responses.iter().zip(projections.chunks_exact_mut(columns)) {
                let y = &y.weighted[rows.clone()];
                for (column, sum) in projection.iter_mut().enumerate() {
                    *sum += dot(&self.q_column(column)[rows.clone()], y);
                }
            }
        }
        projections
    }

    /// Sums of squares of each response.
    pub(super) fn squares(&self, responses: &[&Response<'_>], projections: &[f64]) -> Vec<Squares> {
        let mut squares = vec![Squares::default(); responses.len()];
        let (mut fitted, mut centre) = ([0.0; BLOCK], [0.0; BLOCK]);
        for rows in blocks(self.rows) {
            let (fitted, centre) = (&mut fitted[..rows.len()], &mut centre[..rows.len()]);
            let each = responses
                .iter()
                .zip(projections.chunks_exact(self.names.len()));
            for ((response, projection), sums) in each.zip(&mut squares) {
                let y = &response.weighted[rows.clone()];
                self.fit_rows(projection, rows.clone(), fitted);
                self.centre_rows(response.mean, rows.clone(), centre);
                let square_of = |a: f64, b: f64| (a - b) * (a - b);
                sums.residual += sum_pairs(y, fitted, square_of);
                sums.explained += sum_pairs(fitted, centre, square_of);
                sums.total += sum_pairs(y, centre, square_of);
            }
        }
        for (sums, response) in squares.iter_mut().zip(responses) {
            let within = response
                .within
                .map_or(0.0, |within| sum_of(within, |square| square));
            sums.residual += within;
            sums.total += within;
        }
        squares
    }

    /// Writes the residual of each row times `√count`.
    pub(super) fn residuals(&self, y: &Response<'_>, projection: &[f64], residuals: &mut Vec<f64>) {
        residuals.resize(self.rows, 0.0);
        self.fit_rows(projection, 0..self.rows, residuals);
        residuals
            .iter_mut()
            .zip(y.weighted.iter())
            .for_each(|(fitted, y)| *fitted = y - *fitted);
    }

    /// Writes the fitted values of some rows, times `√count`.
    fn fit_rows(&self, projection: &[f64], rows: Range<usize>, fitted: &mut [f64]) {
        fitted.fill(0.0);
        for (column, part) in projection.iter().enumerate() {
            let q = &self.q_column(column)[rows.clone()];
            fitted
                .iter_mut()
                .zip(q)
                .for_each(|(sum, q)| *sum += part * q);
        }
    }

    /// Writes what squares of some rows are about, times `√count`.
    fn centre_rows(&self, mean: f64, rows: Range<usize>, centre: &mut [f64]) {
        centre.fill(if self.intercept { mean } else { 0.0 });
        if let Some(counts) = &self.counts {
            centre
                .iter_mut()
                .zip(&counts[rows])
                .for_each(|(centre, count)| *centre *= count.sqrt());
        }
    }
}
