//! One model and the two tables of them all.

use flow_contract::NodeError;
use flow_stats::design::INTERCEPT;
use flow_stats::ols::{Factorisation, Fit, FitOptions, Inference};

use crate::figures::distinct;
use crate::table::TableBuilder;

/// What is modelled, and on how much.
pub struct Group {
    pub rule: String,
    pub truth: String,
    pub predicted: String,
    pub modality: String,
    pub epochs: i64,
    pub subjects: i64,
}

/// The model of one group and modality.
pub struct Model {
    pub group: Group,
    /// Names of the coefficients, `[term]`.
    pub terms: Vec<String>,
    /// The level each term is compared with, `[term]`; may be empty.
    pub against: Vec<String>,
    /// The fit, or in words why there is none.
    pub fitted: Result<Fitted, String>,
}

/// A fit with four kinds of errors; the robust ones may be undefined where the fit is not.
pub struct Fitted {
    pub fit: Fit,
    hc3: Result<Inference, String>,
    clustered: Result<Inference, String>,
    jackknife: Result<Inference, String>,
}

/// A way to errors of coefficients.
pub struct Errors {
    /// What a param says.
    pub name: &'static str,
    /// What its columns begin with.
    pub prefix: &'static str,
    /// What a figure says.
    pub words: &'static str,
}

/// The ways there are; a fit has them in this order.
pub static ERRORS: [Errors; 4] = [
    Errors {
        name: "classical",
        prefix: "",
        words: "OLS",
    },
    Errors {
        name: "hc3",
        prefix: "hc3_",
        words: "OLS, HC3 errors",
    },
    Errors {
        name: "clustered",
        prefix: "cluster_",
        words: "OLS, cluster-robust by subject",
    },
    Errors {
        name: "jackknife",
        prefix: "jackknife_",
        words: "OLS, errors by jackknife over subjects",
    },
];

impl Errors {
    /// The way that a param names; classical if none.
    pub fn named(name: &str) -> &'static Self {
        let found = ERRORS.iter().find(|errors| errors.name == name);
        found.unwrap_or(&ERRORS[0])
    }

    /// The name of one of its columns, like `q`.
    pub fn column(&self, of: &str) -> String {
        format!("{}{of}", self.prefix)
    }
}

impl Fitted {
    /// Fits the response; `subjects` are the clusters.
    ///
    /// # Errors
    /// In words, when even the classical fit is undefined.
    pub fn new(
        design: &Factorisation,
        y: &[f64],
        subjects: &[u32],
        confidence: f64,
    ) -> Result<Self, String> {
        let plain = FitOptions {
            confidence,
            ..FitOptions::default()
        };
        let fit = |options: FitOptions<'_>| design.fit(y, &options).map_err(|e| e.to_string());
        let hc3 = fit(FitOptions { hc3: true, ..plain });
        let clustered = fit(FitOptions {
            clusters: Some(subjects),
            ..plain
        });
        let jackknife = fit(FitOptions {
            jackknife: Some(subjects),
            ..plain
        });
        let missing = || "not computed".to_owned();
        Ok(Self {
            fit: fit(plain)?,
            hc3: hc3.and_then(|fit| fit.hc3.ok_or_else(missing)),
            clustered: clustered.and_then(|fit| fit.clustered.ok_or_else(missing)),
            jackknife: jackknife.and_then(|fit| fit.jackknife.ok_or_else(missing)),
        })
    }

    /// The errors at an index of [`ERRORS`].
    fn inference(&self, errors: usize) -> Option<&Inference> {
        match errors {
            0 => Some(&self.fit.classical),
            1 => self.hc3.as_ref().ok(),
            2 => self.clustered.as_ref().ok(),
            _ => self.jackknife.as_ref().ok(),
        }
    }
}

impl Model {
    fn fit(&self) -> Option<&Fit> {
        self.fitted.as_ref().ok().map(|fitted| &fitted.fit)
    }

    /// The p-value of a slope by the errors at an index of [`ERRORS`]; none for the intercept.
    pub fn p(&self, errors: usize, term: usize) -> Option<f64> {
        let inference = self.fitted.as_ref().ok()?.inference(errors)?;
        (self.terms[term] != INTERCEPT).then(|| inference.p[term])
    }

    /// Why there is no fit, or which errors it lacks; empty when it has all.
    fn note(&self) -> String {
        match &self.fitted {
            Err(why) => why.clone(),
            Ok(fitted) => {
                let lacking = [
                    ("HC3", &fitted.hc3),
                    ("cluster-robust", &fitted.clustered),
                    ("jackknife", &fitted.jackknife),
                ];
                let said = lacking.iter().filter_map(|(name, errors)| {
                    let why = errors.as_ref().err()?;
                    Some(format!("no {name} errors: {why}"))
                });
                said.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

/// Adjusted p-values, `[errors][model][term]`, and what their family was, `[model]`.
pub struct Adjustment {
    pub q: [Vec<Vec<Option<f64>>>; ERRORS.len()],
    pub family: Vec<String>,
}

/// One row a term: its coefficient and what is inferred of it.
pub fn coefficients(models: &[Model], adjusted: &Adjustment) -> Result<Vec<u8>, NodeError> {
    let rows = Terms::of(models);
    let estimate = |model: &Model, term: usize| Some(model.fit()?.coefficients[term]);
    let mut table = labels(&rows.each(|model, _| &model.group))
        .text("term", &rows.each(|model, term| &model.terms[term]))
        .text("against", &rows.each(|model, term| &model.against[term]))
        .maybe("estimate", &rows.each(estimate));
    for (index, errors) in ERRORS.iter().enumerate() {
        let inferred = |of: fn(&Inference) -> &Vec<f64>| {
            rows.each(|model, term| {
                let fitted = model.fitted.as_ref().ok()?;
                Some(of(fitted.inference(index)?)[term])
            })
        };
        let q = rows
            .0
            .iter()
            .map(|&(at, _, term)| adjusted.q[index][at][term]);
        table = table
            .maybe(&errors.column("std_err"), &inferred(|one| &one.std_err))
            .maybe(&errors.column("t"), &inferred(|one| &one.t))
            .maybe(&errors.column("p"), &inferred(|one| &one.p))
            .maybe(&errors.column("low"), &inferred(|one| &one.low))
            .maybe(&errors.column("high"), &inferred(|one| &one.high))
            .maybe(&errors.column("q"), &q.collect::<Vec<_>>());
    }
    let family = rows.0.iter().map(|&(at, ..)| &adjusted.family[at]);
    let r_squared = |model: &Model, _| Some(model.fit()?.r_squared);
    table
        .text("family", &family.collect::<Vec<_>>())
        .int("epochs", &rows.each(|model, _| model.group.epochs))
        .int("subjects", &rows.each(|model, _| model.group.subjects))
        .maybe("r_squared", &rows.each(r_squared))
        .text("note", &rows.each(|model, _| model.note()))
        .parquet()
}

/// The terms of all models, each with its model and that one's index.
struct Terms<'a>(Vec<(usize, &'a Model, usize)>);

impl<'a> Terms<'a> {
    fn of(models: &'a [Model]) -> Self {
        let terms = |(at, model): (usize, &'a Model)| {
            (0..model.terms.len()).map(move |term| (at, model, term))
        };
        Self(models.iter().enumerate().flat_map(terms).collect())
    }

    /// A value of each term.
    fn each<T>(&self, of: impl Fn(&'a Model, usize) -> T) -> Vec<T> {
        let value = |&(_, model, term): &(usize, &'a Model, usize)| of(model, term);
        self.0.iter().map(value).collect()
    }
}

/// One row a model: how well it fits, or why it could not be fitted.
pub fn summaries(models: &[Model]) -> Result<Vec<u8>, NodeError> {
    let number = |of: &dyn Fn(&Fit) -> Option<f64>| -> Vec<Option<f64>> {
        models.iter().map(|model| of(model.fit()?)).collect()
    };
    let count = |of: fn(&Group) -> i64| -> Vec<i64> {
        models.iter().map(|model| of(&model.group)).collect()
    };
    let notes: Vec<String> = models.iter().map(Model::note).collect();
    let fitted: Vec<bool> = models.iter().map(|model| model.fitted.is_ok()).collect();
    labels(&models.iter().map(|model| &model.group).collect::<Vec<_>>())
        .int("epochs", &count(|group| group.epochs))
        .int("subjects", &count(|group| group.subjects))
        .bool("fitted", &fitted)
        .maybe("r_squared", &number(&|fit| Some(fit.r_squared)))
        .maybe(
            "adjusted_r_squared",
            &number(&|fit| Some(fit.adjusted_r_squared)),
        )
        .maybe(
            "residual_variance",
            &number(&|fit| Some(fit.residual_variance)),
        )
        .maybe("df_residual", &number(&|fit| Some(fit.df_residual as f64)))
        .maybe("f", &number(&|fit| Some(fit.overall?.f)))
        .maybe("f_p", &number(&|fit| Some(fit.overall?.p)))
        .text("note", &notes)
        .parquet()
}

fn labels(groups: &[&Group]) -> TableBuilder {
    let text = |of: fn(&Group) -> &String| -> Vec<&str> {
        groups.iter().map(|group| of(group).as_str()).collect()
    };
    // Models stand in the order of the classes, and each class is the true one of some model.
    let classes = distinct(
        &groups
            .iter()
            .map(|group| group.truth.clone())
            .collect::<Vec<_>>(),
    );
    TableBuilder::new()
        .classes(&classes)
        .text("rule", &text(|group| &group.rule))
        .text("true", &text(|group| &group.truth))
        .text("predicted", &text(|group| &group.predicted))
        .text("modality", &text(|group| &group.modality))
}
