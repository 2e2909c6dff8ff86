//! Errors by leaving out clusters, against the fits that really leave them out and against dense matrices.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use flow_stats::design::Design;
use flow_stats::ols::{Factorisation, Fit, FitOptions, OlsError};
use nalgebra::{DMatrix, DVector};

/// Six subjects of 2 to 7 epochs, not side by side; age and sex are theirs, the drug is a night's.
struct Study {
    x: DMatrix<f64>,
    y: Vec<f64>,
    clusters: Vec<u32>,
}

fn study() -> Study {
    let epochs = [2, 7, 3, 5, 4, 6];
    let ages = [23.0, 31.0, 40.0, 52.0, 66.0, 71.0];
    let mut rows = Vec::new();
    for epoch in 0..7 {
        let with = (0..6).filter(|subject| epoch < epochs[*subject]);
        rows.extend(with.map(|subject| (subject, epoch)));
    }
    let value = |row: usize, column: usize| {
        let (subject, epoch) = rows[row];
        match column {
            0 => 1.0,
            1 => ages[subject],
            2 => [0.0, 1.0, 1.0, 0.0, 1.0, 0.0][subject],
            _ => f64::from(u8::from((subject + epoch) % 2 == 0)),
        }
    };
    let noise = |row: usize| ((row * 37 + 11) % 23) as f64 - 11.0;
    let own = |subject: usize| [4.0, -3.0, 6.0, 0.5, -7.0, 2.0][subject];
    Study {
        x: DMatrix::from_fn(rows.len(), 4, value),
        y: (0..rows.len())
            .map(|row| 50.0 + own(rows[row].0) + noise(row))
            .collect(),
        clusters: rows.iter().map(|row| row.0 as u32).collect(),
    }
}

fn factorised(x: &DMatrix<f64>) -> Result<Factorisation, OlsError> {
    let named = |(name, column): (&str, usize)| {
        (
            name.to_owned(),
            x.column(column).iter().copied().collect::<Vec<f64>>(),
        )
    };
    let names = ["intercept", "age", "sex", "medication"];
    let columns = names.into_iter().zip(0..).map(named).collect();
    Factorisation::new(Design::new(columns).unwrap())
}

fn fit(study: &Study) -> Result<Fit, OlsError> {
    let options = FitOptions {
        jackknife: Some(&study.clusters),
        ..FitOptions::default()
    };
    factorised(&study.x)?.fit(&study.y, &options)
}

fn rows_where(study: &Study, keep: impl Fn(u32) -> bool) -> Vec<usize> {
    let rows = 0..study.clusters.len();
    rows.filter(|row| keep(study.clusters[*row])).collect()
}

fn near(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs(),
        "{what}: {got} instead of {expected}"
    );
}

#[test]
fn errors_are_those_of_fits_without_each_cluster() {
    let study = study();
    let whole = fit(&study).unwrap();
    let mut squares = [0.0; 4];
    for left_out in 0..6 {
        let rows = rows_where(&study, |cluster| cluster != left_out);
        let y: Vec<f64> = rows.iter().map(|row| study.y[*row]).collect();
        let without = factorised(&study.x.select_rows(&rows)).unwrap();
        let without = without.fit(&y, &FitOptions::default()).unwrap();
        for (term, square) in squares.iter_mut().enumerate() {
            *square += (whole.coefficients[term] - without.coefficients[term]).powi(2);
        }
    }
    let jackknife = whole.jackknife.unwrap();
    for (term, square) in squares.into_iter().enumerate() {
        near(jackknife.std_err[term], square.sqrt(), "error");
    }
}

#[test]
fn degrees_of_freedom_are_those_of_the_dense_form() {
    let study = study();
    let jackknife = fit(&study).unwrap().jackknife.unwrap();
    let gram = (study.x.transpose() * &study.x).try_inverse().unwrap();
    let n = study.y.len();
    let residual_maker = DMatrix::identity(n, n) - &study.x * &gram * study.x.transpose();
    for term in 0..4 {
        let contrast = gram.column(term).into_owned();
        let column = |cluster: u32| -> DVector<f64> {
            let rows = rows_where(&study, |of| of == cluster);
            let own = residual_maker.select_rows(&rows).select_columns(&rows);
            let weights = own.try_inverse().unwrap() * study.x.select_rows(&rows) * &contrast;
            residual_maker.select_columns(&rows) * weights
        };
        let parts = DMatrix::from_columns(&(0..6).map(column).collect::<Vec<_>>());
        let eigenvalues = (parts.transpose() * parts).symmetric_eigenvalues();
        let df = eigenvalues.sum().powi(2) / eigenvalues.norm_squared();
        near(jackknife.df[term], df, "degrees of freedom");
    }
}

#[test]
fn a_coefficient_that_one_cluster_decides_is_named() {
    let mut study = study();
    for row in 0..study.y.len() {
        study.x[(row, 2)] = f64::from(u8::from(study.clusters[row] == 4));
    }
    let column = "sex".to_owned();
    assert_eq!(fit(&study), Err(OlsError::ClusterDecides { column }));
}

#[test]
fn units_of_a_covariate_change_no_test() {
    let years = study();
    let expected = fit(&years).unwrap().jackknife.unwrap();
    for scale in [1e-100, 365.25, 1e100] {
        let mut other = study();
        other.x.column_mut(1).scale_mut(scale);
        let got = fit(&other).unwrap().jackknife.unwrap();
        for term in 0..4 {
            near(got.t[term], expected.t[term], "t");
            near(got.df[term], expected.df[term], "degrees of freedom");
        }
    }
}
