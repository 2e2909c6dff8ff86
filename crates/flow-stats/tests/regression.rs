//! What must hold for every regression: textbook forms, cells against rows, units, refusals.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use flow_stats::design::{Column, Design, Values, design_of};
use flow_stats::formula::Formula;
use flow_stats::ols::{Cells, Factorisation, Fit, FitOptions, Inference, OlsError};
use proptest::prelude::*;

fn design(columns: &[(&str, &[f64])]) -> Design {
    let owned = |(name, values): &(&str, &[f64])| ((*name).to_owned(), values.to_vec());
    Design::new(columns.iter().map(owned).collect()).unwrap()
}

fn fit(columns: &[(&str, &[f64])], y: &[f64]) -> Result<Fit, OlsError> {
    Factorisation::new(design(columns))
        .unwrap()
        .fit(y, &FitOptions::default())
}

/// Solves `A x = b` by elimination with row exchange: the slow form of the normal equations.
fn solved(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let k = b.len();
    for i in 0..k {
        let pivot = (i..k)
            .max_by(|r, s| a[*r][i].abs().total_cmp(&a[*s][i].abs()))
            .unwrap();
        a.swap(i, pivot);
        b.swap(i, pivot);
        let pivot_row = a[i].clone();
        for row in i + 1..k {
            let factor = a[row][i] / pivot_row[i];
            (i..k).for_each(|column| a[row][column] -= factor * pivot_row[column]);
            b[row] -= factor * b[i];
        }
    }
    for i in (0..k).rev() {
        let known: f64 = (i + 1..k).map(|column| a[i][column] * b[column]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

proptest! {
    #[test]
    fn the_fit_solves_the_normal_equations(
        rows in prop::collection::vec((-1.0..1.0_f64, -1.0..1.0_f64, -9.0..9.0_f64), 12..60),
    ) {
        let ones = vec![1.0; rows.len()];
        let a: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let b: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let columns = [&ones[..], &a[..], &b[..]];
        let gram: Vec<Vec<f64>> =
            columns.iter().map(|c| columns.iter().map(|d| product(c, d)).collect()).collect();
        let expected = solved(gram, columns.iter().map(|column| product(column, &y)).collect());
        let fit = fit(&[("one", &ones), ("a", &a), ("b", &b)], &y).unwrap();
        for (got, expected) in fit.coefficients.iter().zip(&expected) {
            prop_assert!((got - expected).abs() <= 1e-9 * (1.0 + expected.abs()));
        }
        prop_assert!((0.0..=1.0).contains(&fit.r_squared));
        prop_assert!(fit.classical.p.iter().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn cells_give_the_fit_of_their_rows(
        rows in prop::collection::vec((0_usize..9, -3.0..3.0_f64), 40..120),
    ) {
        let age = [20.0, 25.0, 31.0, 40.0, 44.0, 52.0, 60.0, 70.0, 75.0];
        let sex = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        let subject = [0, 0, 1, 1, 2, 2, 3, 3, 4];
        let cell_of: Vec<usize> = rows.iter().map(|row| row.0).collect();
        let y: Vec<f64> = rows.iter().map(|row| 50.0 + 0.1 * age[row.0] + row.1).collect();
        let by_row = |values: &[f64; 9]| -> Vec<f64> { cell_of.iter().map(|c| values[*c]).collect() };
        let row_clusters: Vec<u32> = cell_of.iter().map(|cell| subject[*cell]).collect();
        let with = |clusters| FitOptions {
            hc3: true,
            clusters: Some(clusters),
            jackknife: Some(clusters),
            ..FitOptions::default()
        };

        let (ones, ages, sexes) = (vec![1.0; rows.len()], by_row(&age), by_row(&sex));
        let by_rows = design(&[("one", &ones), ("age", &ages), ("sex", &sexes)]);
        let slow = Factorisation::new(by_rows).unwrap().fit(&y, &with(&row_clusters)).unwrap();

        let cells = Cells::new(&cell_of, 9).unwrap();
        let by_cells = design(&[("one", &[1.0; 9]), ("age", &age), ("sex", &sex)]);
        let fast = Factorisation::of_cells(by_cells, cells.counts()).unwrap();
        let fast = fast.fit_cells(&[cells.summarise(&y).unwrap()], &with(&subject)).remove(0).unwrap();
        same(&slow, &fast);
    }
}

fn same(a: &Fit, b: &Fit) {
    let near = |x: f64, y: f64, what: &str| {
        assert!(
            (x - y).abs() <= 1e-9 * (1e-3 + x.abs().max(y.abs())),
            "{what}: {x:e} and {y:e}"
        );
    };
    let inference = |a: &Inference, b: &Inference, what: &str| {
        let pairs = [
            (&a.df, &b.df),
            (&a.std_err, &b.std_err),
            (&a.p, &b.p),
            (&a.low, &b.low),
            (&a.high, &b.high),
        ];
        for (a, b) in pairs {
            a.iter().zip(b).for_each(|(x, y)| near(*x, *y, what));
        }
    };
    a.coefficients
        .iter()
        .zip(&b.coefficients)
        .for_each(|(x, y)| near(*x, *y, "coefficient"));
    inference(&a.classical, &b.classical, "classical");
    inference(a.hc3.as_ref().unwrap(), b.hc3.as_ref().unwrap(), "HC3");
    inference(
        a.clustered.as_ref().unwrap(),
        b.clustered.as_ref().unwrap(),
        "clustered",
    );
    inference(
        a.jackknife.as_ref().unwrap(),
        b.jackknife.as_ref().unwrap(),
        "jackknife",
    );
    near(a.r_squared, b.r_squared, "R²");
    near(a.adjusted_r_squared, b.adjusted_r_squared, "adjusted R²");
    near(a.overall.unwrap().f, b.overall.unwrap().f, "F");
    assert_eq!(a.observations, b.observations);
}

const ONES: [f64; 8] = [1.0; 8];
const AGE: [f64; 8] = [20.0, 25.0, 31.0, 40.0, 44.0, 52.0, 60.0, 75.0];
const SHARE: [f64; 8] = [50.0, 52.0, 49.0, 55.0, 56.0, 54.0, 59.0, 61.0];

#[test]
fn a_unit_of_a_covariate_changes_no_test() {
    let years = fit(&[("one", &ONES), ("age", &AGE)], &SHARE).unwrap();
    for scale in [1e-200, 1e-9, 365.25, 1e200] {
        let age = AGE.map(|age| age * scale);
        let other = fit(&[("one", &ONES), ("age", &age)], &SHARE).unwrap();
        assert!((years.classical.t[1] / other.classical.t[1] - 1.0).abs() < 1e-12);
        assert!((years.coefficients[1] / (other.coefficients[1] * scale) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn many_responses_give_what_each_gives_alone() {
    let made = Factorisation::new(design(&[("one", &ONES), ("age", &AGE)])).unwrap();
    let other = SHARE.map(|share| 100.0 - share);
    let flat = [7.0; 8];
    let fits = made.fit_many(&[&SHARE, &flat, &other], &FitOptions::default());
    assert_eq!(fits[0], made.fit(&SHARE, &FitOptions::default()));
    assert_eq!(fits[1], Err(OlsError::FlatResponse));
    assert!(
        (fits[2].as_ref().unwrap().coefficients[1] + fits[0].as_ref().unwrap().coefficients[1])
            .abs()
            < 1e-12
    );
}

#[test]
fn a_model_of_the_intercept_alone_is_the_mean() {
    let fit = fit(&[("one", &ONES)], &SHARE).unwrap();
    assert!((fit.coefficients[0] - 54.5).abs() < 1e-12);
    assert_eq!(fit.overall, None);
    assert!(fit.r_squared.abs() < 1e-12);
}

#[test]
fn without_an_intercept_squares_are_about_zero() {
    let fit = fit(&[("age", &AGE)], &SHARE).unwrap();
    // statsmodels 0.15: OLS(SHARE, AGE).fit().rsquared, .fvalue
    assert!((fit.r_squared - R_SQUARED_UNCENTRED).abs() < 1e-12);
    assert_eq!(fit.overall.unwrap().df_model, 1);
}

const R_SQUARED_UNCENTRED: f64 = 0.903_534_360_645_052_7;

#[test]
fn an_unusable_response_is_refused() {
    let of = |y: &[f64]| fit(&[("one", &ONES), ("age", &AGE)], y).unwrap_err();
    let mut share = SHARE;
    share[3] = f64::NAN;
    assert_eq!(of(&share), OlsError::ResponseNotFinite { row: 3 });
    share[3] = f64::INFINITY;
    assert_eq!(of(&share), OlsError::ResponseNotFinite { row: 3 });
    share[3] = 1e300;
    assert_eq!(of(&share), OlsError::Overflow);
    assert_eq!(
        of(&SHARE[1..]),
        OlsError::Length {
            what: "response",
            got: 7,
            rows: 8
        }
    );
    assert_eq!(of(&[0.1; 8]), OlsError::FlatResponse);
    assert_eq!(of(&AGE.map(|age| 0.1 * age + 0.7)), OlsError::ExactFit);
}

#[test]
fn near_full_leverage_hc3_has_five_digits_or_is_refused() {
    let steps = [1.0, 2.0, 4.0, 7.0, 11.0];
    let with = |delta: f64| {
        let nearly_first = [1.0, delta, 0.0, -delta, 2.0 * delta];
        let columns: [(&str, &[f64]); 4] = [
            ("one", &[1.0; 5]),
            ("steps", &steps),
            ("turns", &[3.0, 1.0, 4.0, 1.0, 5.0]),
            ("nearly first", &nearly_first),
        ];
        let options = FitOptions {
            hc3: true,
            ..FitOptions::default()
        };
        let made = Factorisation::new(design(&columns)).unwrap();
        made.fit(&[2.0, 3.0, 5.0, 4.0, 8.0], &options)
    };
    // By exact fractions; 1 − h of the first row is 2e-10. statsmodels 0.14 is off by 7e-6 here.
    let exact = [0.851_528_51, 0.154_994_795, 0.297_082_096, 28_729.825_345];
    let found = with(2_f64.powi(-17)).unwrap().hc3.unwrap().std_err;
    for (found, exact) in found.iter().zip(exact) {
        assert!((found / exact - 1.0).abs() < 1e-5, "{found} {exact}");
    }
    // 1 − h = 1.2e-11: the columns are independent, but what is left of the row is rounding.
    assert_eq!(
        with(2_f64.powi(-19)).unwrap_err(),
        OlsError::FullLeverage { row: 0 }
    );
}

#[test]
fn unusable_options_are_refused() {
    let dummy = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let made = Factorisation::new(design(&[("one", &ONES), ("first", &dummy)])).unwrap();
    let of = |options: FitOptions<'_>| made.fit(&SHARE, &options).unwrap_err();
    let plain = FitOptions::default();
    assert_eq!(
        of(FitOptions { hc3: true, ..plain }),
        OlsError::FullLeverage { row: 0 }
    );
    let one = OlsError::TooFewClusters { clusters: 1 };
    assert_eq!(
        of(FitOptions {
            clusters: Some(&[4; 8]),
            ..plain
        }),
        one
    );
    let short = OlsError::Length {
        what: "clusters",
        got: 2,
        rows: 8,
    };
    assert_eq!(
        of(FitOptions {
            clusters: Some(&[1, 2]),
            ..plain
        }),
        short
    );
    assert_eq!(
        of(FitOptions {
            confidence: 1.0,
            ..plain
        }),
        OlsError::Confidence { confidence: 1.0 }
    );
}

#[test]
fn a_coefficient_that_one_cluster_decides_has_no_cluster_robust_error() {
    let patient = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let made = Factorisation::new(design(&[("one", &ONES), ("patient", &patient)])).unwrap();
    let clusters = [0, 0, 1, 1, 1, 2, 3, 3];
    let options = FitOptions {
        clusters: Some(&clusters),
        ..FitOptions::default()
    };
    let four = made.fit(&SHARE, &options);
    assert!(
        four.is_ok(),
        "the intercept of the others varies, and with it the difference"
    );
    let by_level = [("others", &patient.map(|p| 1.0 - p)), ("patient", &patient)];
    let columns = by_level.map(|(name, values)| (name, values.as_slice()));
    let error = Factorisation::new(design(&columns))
        .unwrap()
        .fit(&SHARE, &options)
        .unwrap_err();
    assert_eq!(
        error,
        OlsError::ClusterDecides {
            column: "patient".to_owned()
        }
    );
}

#[test]
fn a_formula_leads_to_the_same_fit_as_columns_by_hand() {
    let sex = ["m", "f", "f", "m", "m", "f", "m", "f"];
    let table = [
        Column {
            name: "age",
            values: Values::Numbers(&AGE),
        },
        Column {
            name: "sex",
            values: Values::Labels {
                labels: &sex,
                reference: Some("f"),
            },
        },
    ];
    let formula = Formula::parse("share ~ age * sex").unwrap();
    let coded = design_of(&formula, &table, 8).unwrap();
    let from_formula = Factorisation::new(coded.design)
        .unwrap()
        .fit(&SHARE, &FitOptions::default());
    let male = sex.map(|sex| f64::from(u8::from(sex == "m")));
    let mut both = male;
    both.iter_mut()
        .zip(AGE)
        .for_each(|(male, age)| *male *= age);
    let by_hand = fit(
        &[
            ("intercept", &ONES),
            ("age", &AGE),
            ("sex[m]", &male),
            ("age:sex[m]", &both),
        ],
        &SHARE,
    );
    assert_eq!(from_formula.unwrap(), by_hand.unwrap());
}
