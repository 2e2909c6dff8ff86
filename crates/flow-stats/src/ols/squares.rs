//! Walks over the rows of a design: projections, sums of squares, residuals.
//!
//! All responses are served block by block of rows, so that a block of `Q` is read from memory once for all
//! of them. Every response has its own sums, so what else is fitted changes no bit of it.

use super::{Factorisation, OlsError};
use crate::sums::{dot, sum_of};
use std::borrow::Cow;
use std::ops::Range;

/// Rows walked at a time; part of the numeric contract, because it decides the rounding.
const BLOCK: usize = 512;
/// Independent accumulators of a sum of squares: with three sums they fill the registers of any x86-64.
const LANES: usize = 4;

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

impl Squares {
    /// Adds the squares of some rows, whose fitted values are `Σ part · column`.
    ///
    /// * `centre`: what squares of a row are about, times `√count`
    fn add(
        &mut self,
        y: &[f64],
        columns: &[&[f64]],
        projection: &[f64],
        centre: impl Fn(usize) -> f64,
    ) {
        let mut lanes = [[0.0; LANES]; 3];
        let whole = y.len() - y.len() % LANES;
        for start in (0..whole).step_by(LANES) {
            let mut fitted = [0.0; LANES];
            for (column, part) in columns.iter().zip(projection) {
                let q = &column[start..start + LANES];
                (0..LANES).for_each(|lane| fitted[lane] += part * q[lane]);
            }
            let y = &y[start..start + LANES];
            for lane in 0..LANES {
                let centre = centre(start + lane);
                let parts = [
                    y[lane] - fitted[lane],
                    fitted[lane] - centre,
                    y[lane] - centre,
                ];
                (0..3).for_each(|sum| lanes[sum][lane] += parts[sum] * parts[sum]);
            }
        }
        for row in whole..y.len() {
            let parts = columns.iter().zip(projection);
            let fitted: f64 = parts.map(|(column, part)| part * column[row]).sum();
            let parts = [y[row] - fitted, fitted - centre(row), y[row] - centre(row)];
            (0..3).for_each(|sum| lanes[sum][0] += parts[sum] * parts[sum]);
        }
        let [residual, explained, total] = lanes.map(|sum| sum.iter().sum::<f64>());
        self.residual += residual;
        self.explained += explained;
        self.total += total;
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
        let mut columns: Vec<&[f64]> = Vec::with_capacity(self.names.len());
        for rows in blocks(self.rows) {
            columns.clear();
            columns.extend((0..self.names.len()).map(|k| &self.q_column(k)[rows.clone()]));
            let each = responses
                .iter()
                .zip(projections.chunks_exact(self.names.len()));
            for ((response, projection), sums) in each.zip(&mut squares) {
                let y = &response.weighted[rows.clone()];
                let mean = if self.intercept { response.mean } else { 0.0 };
                match self.counts.as_ref().map(|counts| &counts[rows.clone()]) {
                    None => sums.add(y, &columns, projection, |_| mean),
                    Some(counts) => {
                        sums.add(y, &columns, projection, |row| mean * counts[row].sqrt());
                    }
                }
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
}
