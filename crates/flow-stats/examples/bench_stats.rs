//! Times the statistics of the study, one JSON line a measure: 15 models × 40,000 rows × 4 coefficients and BH.
//!
//! `cargo run --release -p flow-stats --example bench_stats -- PYTHON`: with a Python that has statsmodels, the same
//! sizes are timed there too, in turns with ours, and the last lines give the ratios.

use flow_stats::design::Design;
use flow_stats::multiplicity::benjamini_hochberg;
use flow_stats::ols::{Cells, Factorisation, Fit, FitOptions};
use flow_stats::zscore::{Layout, standardise};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::io::{Error, Write};
use std::process::Command;
use std::time::Instant;

const ROWS: usize = 40_000;
const MODELS: usize = 15;
const NIGHTS: usize = 44;
/// Runs for the clock.
const RUNS: usize = 15;
/// Turns that ours and the peer take.
const TURNS: usize = 3;

fn main() -> Result<(), Error> {
    let Some(python) = std::env::args().nth(1) else {
        return ours().map(drop);
    };
    let (mut own, mut peer) = (ours()?, theirs(&python)?);
    for _ in 1..TURNS {
        keep_least(&mut own, ours()?);
        keep_least(&mut peer, theirs(&python)?);
    }
    for what in ["ols_15x40k_bh", "bh_1m"] {
        say(&ratio(what, what, &own, &peer))?;
    }
    let normal = "ols_15x40k_bh_by_normal_equations";
    say(&ratio("ols_15x40k_bh", normal, &own, &peer))
}

/// Least milliseconds by measure.
type Times = Vec<(String, f64)>;

fn keep_least(times: &mut Times, others: Times) {
    for ((_, time), (_, other)) in times.iter_mut().zip(others) {
        *time = time.min(other);
    }
}

fn ratio(own: &str, peer: &str, ours: &Times, theirs: &Times) -> Value {
    let of =
        |times: &Times, what: &str| times.iter().find(|(name, _)| name == what).map(|(_, t)| *t);
    let (a, b) = (of(ours, own), of(theirs, peer));
    let faster = a.zip(b).map(|(a, b)| b / a);
    json!({"what": own, "flow_ms": a, "peer": peer, "peer_ms": b, "times_as_fast": faster})
}

fn theirs(python: &str) -> Result<Times, Error> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench_stats.py");
    let ran = Command::new(python).arg(script).output()?;
    if !ran.status.success() {
        return Err(Error::other(String::from_utf8_lossy(&ran.stderr)));
    }
    let found: Value = serde_json::from_slice(&ran.stdout)?;
    say(&found)?;
    let times = found.as_object().into_iter().flatten();
    Ok(times
        .filter_map(|(name, time)| Some((name.clone(), time.as_f64()?)))
        .collect())
}

fn say(value: &Value) -> Result<(), Error> {
    writeln!(std::io::stdout().lock(), "{value}")
}

fn ours() -> Result<Times, Error> {
    let mut random = ChaCha8Rng::from_seed([1; 32]);
    let mut unit = || ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let responses: Vec<Vec<f64>> = (0..MODELS)
        .map(|_| (0..ROWS).map(|_| 30.0 + 40.0 * unit()).collect())
        .collect();
    let responses: Vec<&[f64]> = responses.iter().map(Vec::as_slice).collect();
    let rows = design(ROWS, &mut unit);
    let nights = design(NIGHTS, &mut unit);
    let night_of: Vec<usize> = (0..ROWS).map(|row| row * NIGHTS / ROWS).collect();
    let subject_of: Vec<u32> = night_of.iter().map(|night| (*night / 2) as u32).collect();
    let subjects: Vec<u32> = (0..NIGHTS).map(|night| (night / 2) as u32).collect();
    let many: Vec<Option<f64>> = (0..1_000_000).map(|_| Some(unit())).collect();
    let mut night: Vec<f32> = (0..3 * 30_000 * 100).map(|_| unit() as f32).collect();

    let plain = FitOptions::default();
    let robust = |clusters| FitOptions {
        hc3: true,
        clusters: Some(clusters),
        ..plain
    };
    let mut times = Vec::new();
    let mut tell = |what: &str, run: &mut dyn FnMut() -> usize| -> Result<(), Error> {
        times.push((what.to_owned(), timed(what, run)?));
        Ok(())
    };
    // A factorisation consumes its design, and the peer's stands before its clock starts too.
    let mut designs = vec![rows; 2 * (1 + RUNS)].into_iter();
    let mut by_rows = |options| adjusted(&by_rows(designs.next(), &responses, options));
    tell("ols_15x40k_bh", &mut || by_rows(&plain))?;
    let all = robust(&subject_of);
    tell("ols_15x40k_hc3_cluster_bh", &mut || by_rows(&all))?;
    let all = robust(&subjects);
    tell("ols_15x40k_as_44_cells_hc3_cluster_bh", &mut || {
        adjusted(&by_cells(&nights, &night_of, &responses, &all))
    })?;
    tell("bh_1m", &mut || {
        benjamini_hochberg(&many).map_or(0, |adjusted| adjusted.family)
    })?;
    tell("zscore_3_channels_of_8h20_at_100_hz", &mut || {
        standardise(&mut night, Layout::whole(3, 3_000_000)).map_or(0, |scales| scales.len())
    })?;
    Ok(times)
}

fn design(rows: usize, unit: &mut impl FnMut() -> f64) -> Design {
    let columns = vec![
        ("intercept".to_owned(), vec![1.0; rows]),
        (
            "age".to_owned(),
            (0..rows).map(|_| 18.0 + 61.0 * unit()).collect(),
        ),
        (
            "sex".to_owned(),
            (0..rows).map(|_| (2.0 * unit()).floor()).collect(),
        ),
        (
            "medication".to_owned(),
            (0..rows).map(|_| (2.0 * unit()).floor()).collect(),
        ),
    ];
    Design::new(columns).expect("the columns are finite and of one length")
}

fn by_rows(design: Option<Design>, responses: &[&[f64]], options: &FitOptions<'_>) -> Vec<Fit> {
    let design = design.expect("there is one for every run");
    let factorisation = Factorisation::new(design).expect("random columns are independent");
    factorisation
        .fit_many(responses, options)
        .into_iter()
        .flatten()
        .collect()
}

fn by_cells(
    design: &Design,
    cell_of: &[usize],
    responses: &[&[f64]],
    options: &FitOptions<'_>,
) -> Vec<Fit> {
    let cells = Cells::new(cell_of, NIGHTS).expect("every row has a night");
    let made =
        Factorisation::of_cells(design.clone(), cells.counts()).expect("nights are independent");
    let summarised: Vec<_> = responses.iter().flat_map(|y| cells.summarise(y)).collect();
    made.fit_cells(&summarised, options)
        .into_iter()
        .flatten()
        .collect()
}

fn adjusted(fits: &[Fit]) -> usize {
    let p: Vec<Option<f64>> = fits
        .iter()
        .flat_map(|fit| &fit.classical.p[1..])
        .copied()
        .map(Some)
        .collect();
    benjamini_hochberg(&p).map_or(0, |adjusted| adjusted.family)
}

/// Runs something once to warm up and [`RUNS`] times for the clock; says median and least milliseconds, gives the least.
fn timed(what: &str, run: &mut dyn FnMut() -> usize) -> Result<f64, Error> {
    let size = run();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(run());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, least) = (times[RUNS / 2], times[0]);
    say(&json!({"what": what, "size": size, "median_ms": median, "least_ms": least}))?;
    Ok(least)
}
