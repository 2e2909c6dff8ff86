//! Ranges written as text: `0..10`, `0..=10`, `lin(0, 1, 5)`, `log(1e-3, 100, 6)`.

use flow_contract::Value;

/// Values a range may have.
pub(crate) const MOST_VALUES: i64 = 1_000_000;

/// The values of a range; `None` for a text that isn't one, `Err` with the reason where it is one
/// that says nothing.
///
/// * `a..b` has the whole numbers from `a` to `b − 1`, `a..=b` those to `b`
/// * `lin(a, b, n)` has `a + i · (b − a) / (n − 1)` for `i = 0 … n − 1`
/// * `log(a, b, n)` has `10^(lg a + i · (lg b − lg a) / (n − 1))`; `a` and `b` above 0
///
/// Both ends of `lin` and `log` are exact; what lies between is rounded to 12 significant digits,
/// so that it can be written and is the same on every machine.
pub(crate) fn values(text: &str) -> Option<Result<Vec<Value>, String>> {
    let text = text.trim();
    if let Some(why) = foreign(text) {
        return Some(Err(why));
    }
    if let Some((low, high)) = text.split_once("..") {
        let (high, inclusive) = match high.strip_prefix('=') {
            Some(high) => (high, 1),
            None => (high, 0),
        };
        let low: i64 = low.trim().parse().ok()?;
        let high: i64 = high.trim().parse().ok()?;
        return Some(whole_numbers(low, high.saturating_add(inclusive)));
    }
    let (name, rest) = text.split_once('(')?;
    let spacing = match name.trim() {
        "lin" => linear,
        "log" => logarithmic,
        _ => return None,
    };
    let arguments = rest.strip_suffix(')')?.split(',');
    let numbers: Option<Vec<f64>> = arguments.map(|n| n.trim().parse().ok()).collect();
    Some(spaced(&numbers?, spacing))
}

/// What a range of another language is written here.
fn foreign(text: &str) -> Option<String> {
    if let Some((low, high)) = text.split_once("...") {
        let whole = |end: &str| end.trim().parse::<i64>().is_ok();
        let ours = format!("write `{low}..{high}`, which leaves {high} out, or `{low}..={high}`");
        return (whole(low) && whole(high)).then_some(ours);
    }
    let name = text.split_once('(')?.0.trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    let ours = match name {
        "range" | "arange" | "seq" => "write whole numbers as `0..10`",
        "linspace" => "write `lin(from, to, how many)`",
        "logspace" | "geomspace" => "write `log(from, to, how many)`, with the ends themselves",
        _ => return None,
    };
    text.ends_with(')').then(|| ours.to_owned())
}

fn whole_numbers(low: i64, high: i64) -> Result<Vec<Value>, String> {
    match high.checked_sub(low) {
        Some(count) if count > MOST_VALUES => Err(format!("more than {MOST_VALUES} values")),
        None => Err(format!("more than {MOST_VALUES} values")),
        Some(count) if count <= 0 => Err("no values: the end is not above the start".to_owned()),
        Some(_) => Ok((low..high).map(Value::Int).collect()),
    }
}

fn spaced(numbers: &[f64], at: fn(f64, f64, f64) -> f64) -> Result<Vec<Value>, String> {
    let [low, high, count] = *numbers else {
        return Err("wants three numbers: from, to, how many".to_owned());
    };
    if !low.is_finite() || !high.is_finite() {
        return Err("the ends must be finite".to_owned());
    }
    if count.fract() != 0.0 || !(2.0..=MOST_VALUES as f64).contains(&count) {
        return Err(format!("how many: a whole number from 2 to {MOST_VALUES}"));
    }
    if !at(low, high, 0.0).is_finite() || !at(low, high, 1.0).is_finite() {
        return Err("the ends of `log` must be above 0".to_owned());
    }
    let last = count as usize - 1;
    let value = |i: usize| match i {
        0 => low,
        i if i == last => high,
        i => rounded(at(low, high, i as f64 / last as f64)),
    };
    Ok((0..=last).map(|i| Value::Float(value(i))).collect())
}

fn linear(low: f64, high: f64, part: f64) -> f64 {
    low + part * (high - low)
}

fn logarithmic(low: f64, high: f64, part: f64) -> f64 {
    10f64.powf(low.log10() + part * (high.log10() - low.log10()))
}

/// To 12 significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: &str) -> Vec<String> {
        let values = values(range).unwrap().unwrap();
        values.iter().map(Value::to_string).collect()
    }

    #[test]
    fn ranges_have_the_values_people_expect() {
        assert_eq!(texts("0..3"), ["0", "1", "2"]);
        assert_eq!(texts("-1 ..= 1"), ["-1", "0", "1"]);
        assert_eq!(texts("lin(0, 1, 5)"), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(texts("lin(0,0.3,4)"), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(
            texts("log(1e-3, 100, 6)"),
            ["0.001", "0.01", "0.1", "1", "10", "100"]
        );
    }

    #[test]
    fn what_is_no_range_is_text_and_what_says_nothing_is_refused() {
        for text in [
            "a..b",
            "epsilon(1)",
            "log(x)",
            "1.5..2",
            "folds.table",
            "..",
            "lin",
        ] {
            assert_eq!(values(text), None, "{text}");
        }
        for text in [
            "5..5",
            "0..9999999999",
            "log(0,1,5)",
            "log(-1,1,5)",
            "lin(0,1)",
            "lin(0,1,2.5)",
            "lin(0,inf,5)",
            "lin(0,1,1)",
            "-9223372036854775808..9223372036854775807",
            "1...3",
            "range(3)",
            "np.logspace(-3, 2, 6)",
        ] {
            assert!(values(text).unwrap().is_err(), "{text}");
        }
    }
}
