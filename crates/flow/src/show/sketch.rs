//! Numbers as small pictures made of letters.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// A bar each, from least to greatest; a blank for NaN.
pub fn sparkline(values: &[f64]) -> String {
    let scale = Scale::of(values.iter().copied());
    values
        .iter()
        .map(|value| scale.step(*value, BARS.len()).map_or(' ', |at| BARS[at]))
        .collect()
}

/// Shades, two letters a cell, and a last line that says what they mean.
pub fn heat_map(lines: &[Vec<f64>]) -> Vec<String> {
    let scale = Scale::of(lines.iter().flatten().copied());
    let shade = |value: &f64| {
        let shade = scale
            .step(*value, SHADES.len())
            .map_or('?', |at| SHADES[at]);
        [shade, shade]
    };
    let wide = lines.first().is_some_and(|line| line.len() <= 40);
    let drawn = |line: &Vec<f64>| -> String {
        let each = line.iter().map(shade);
        if wide {
            each.flatten().collect()
        } else {
            each.map(|[one, _]| one).collect()
        }
    };
    let mut all: Vec<String> = lines.iter().map(drawn).collect();
    let shades: String = SHADES.iter().collect();
    all.push(format!(
        "{} [{shades}] {}",
        number(scale.least),
        number(scale.greatest)
    ));
    all
}

/// From the least to the greatest number.
struct Scale {
    least: f64,
    greatest: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let wide = Self {
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        };
        values
            .filter(|value| value.is_finite())
            .fold(wide, |scale, value| Self {
                least: scale.least.min(value),
                greatest: scale.greatest.max(value),
            })
    }

    /// Which of so many equal steps a value lies in; the lowest where all values are the same.
    fn step(&self, value: f64, steps: usize) -> Option<usize> {
        if !value.is_finite() {
            return None;
        }
        let range = self.greatest - self.least;
        let part = if range > 0.0 {
            (value - self.least) / range
        } else {
            0.0
        };
        Some(((part * steps as f64) as usize).min(steps - 1))
    }
}

/// Four significant digits in as little room as can be.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = (3 - size.log10().floor() as i64).clamp(0, 6);
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(0));
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_run_from_least_to_greatest() {
        assert_eq!(sparkline(&[0.0, 0.5, 1.0, f64::NAN]), "▁▅█ ");
        assert_eq!(sparkline(&[3.0, 3.0]), "▁▁");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_heat_map_says_its_scale() {
        let drawn = heat_map(&[vec![-1.0, 1.0], vec![0.0, f64::NAN]]);
        assert_eq!(drawn, ["  ██", "▒▒??", "-1 [ ░▒▓█] 1"]);
    }

    #[test]
    fn numbers_are_short_at_any_size() {
        let shown = [0.0, 1.0, -12.345_67, 0.001_234, 1.5e-19, 2.5e9].map(number);
        assert_eq!(
            shown,
            ["0", "1", "-12.35", "0.001234", "1.500e-19", "2.500e9"]
        );
    }
}
