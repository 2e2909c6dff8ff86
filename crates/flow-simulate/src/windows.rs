//! Windows of any channels and classes, for studies that are not about sleep.

use crate::math::sin_turns;
use crate::noise::{Purpose, Source};

/// What one recording of windows is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowParameters {
    /// Seed of everything drawn.
    pub seed: u64,
    /// Windows in the recording.
    pub windows: usize,
    /// Windows in a row that have one class.
    pub bout: usize,
    /// Samples of a window.
    pub samples: usize,
    /// Sampling rate in Hz.
    pub rate_hz: f64,
    /// The modality of each channel, by its column in `weights`.
    pub channels: Vec<usize>,
    /// The rhythm of each class in Hz.
    pub rhythm_hz: Vec<f64>,
    /// `[class][modality]`: RMS of the class's rhythm against the noise's 1.
    pub weights: Vec<Vec<f64>>,
}

/// A recording of windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// `[window, channel, sample]`.
    pub x: Vec<f32>,
    /// `[window]`: the class.
    pub class: Vec<usize>,
}

/// Correlation of a channel's noise from sample to sample.
const MEMORY: f64 = 0.6;
/// Standard deviation of a window's log amplitude.
const VARIES: f64 = 0.2;

/// Simulates a recording: in window `w` of class `k`, channel `c` of modality `m` is
/// `noise + √2 · weight(k, m) · a(w) · sin(2π · (rhythm(k) · t + phase(w, m) + c / 8))`, with noise of
/// variance 1 and correlation 0.6 from sample to sample, and `ln a ~ N(0, 0.2²)`.
///
/// Classes follow each other in bouts. The bits are the same on every machine and thread count.
#[must_use]
pub fn simulate_windows(parameters: &WindowParameters) -> Windows {
    let mut source = Source::new(parameters.seed, "windows", Purpose::Background);
    let classes = parameters.weights.len().max(1);
    let of = |window: usize| window / parameters.bout.max(1) % classes;
    let class: Vec<usize> = (0..parameters.windows).map(of).collect();
    let mut x = Vec::with_capacity(class.len() * parameters.channels.len() * parameters.samples);
    for &class in &class {
        add_window(&mut x, parameters, class, &mut source);
    }
    Windows { x, class }
}

fn add_window(x: &mut Vec<f32>, parameters: &WindowParameters, class: usize, source: &mut Source) {
    let weights = parameters.weights.get(class).map_or(&[][..], Vec::as_slice);
    let turns = parameters.rhythm_hz.get(class).copied().unwrap_or(1.0) / parameters.rate_hz;
    let amplitude = source.log_normal(VARIES);
    let phases: Vec<f64> = weights.iter().map(|_| source.uniform()).collect();
    for (channel, &modality) in parameters.channels.iter().enumerate() {
        let size = std::f64::consts::SQRT_2 * amplitude * weights.get(modality).unwrap_or(&0.0);
        let phase = phases.get(modality).unwrap_or(&0.0) + channel as f64 / 8.0;
        let mut noise = source.normal();
        for sample in 0..parameters.samples {
            noise = MEMORY * noise + (1.0 - MEMORY * MEMORY).sqrt() * source.normal();
            let angle = (turns * sample as f64 + phase).fract();
            x.push((noise + size * sin_turns(angle)) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> WindowParameters {
        WindowParameters {
            seed: 4,
            windows: 40,
            bout: 5,
            samples: 200,
            rate_hz: 50.0,
            channels: vec![0, 0, 1],
            rhythm_hz: vec![2.0, 5.0],
            weights: vec![vec![1.0, 0.0], vec![0.0, 1.0]],
        }
    }

    /// Mean square of each channel over the windows of a class.
    fn power(of: &Windows, class: usize) -> [f64; 3] {
        std::array::from_fn(|channel| {
            let mine = of
                .class
                .iter()
                .enumerate()
                .filter(|(_, one)| **one == class);
            let squares: Vec<f64> = mine
                .flat_map(|(window, _)| &of.x[(window * 3 + channel) * 200..][..200])
                .map(|value| f64::from(value * value))
                .collect();
            squares.iter().sum::<f64>() / squares.len() as f64
        })
    }

    #[test]
    fn a_class_is_in_the_modality_that_carries_it_and_in_no_other() {
        let made = simulate_windows(&parameters());
        let (first, second) = (power(&made, 0), power(&made, 1));
        assert!(
            first[0] > 1.6 && first[1] > 1.6 && first[2] < 1.3,
            "{first:?}"
        );
        assert!(
            second[0] < 1.3 && second[1] < 1.3 && second[2] > 1.6,
            "{second:?}"
        );
    }

    #[test]
    fn windows_are_the_same_for_the_same_seed_only() {
        let made = simulate_windows(&parameters());
        assert_eq!(made, simulate_windows(&parameters()));
        let other = WindowParameters {
            seed: 5,
            ..parameters()
        };
        assert_ne!(made.x, simulate_windows(&other).x);
        assert_eq!(made.class[..11], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]);
    }
}
