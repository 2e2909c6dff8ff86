//! A bank of resonators that turns white noise into bands of unit RMS.
//!
//! Each lane is twice in a row the two-pole band-pass of R. Bristow-Johnson's *Audio EQ Cookbook*
//! (constant peak gain):
//!
//! ```text
//! y(n) = x(n) − x(n−2) − a₁ y(n−1) − a₂ y(n−2)
//! a₁ = −2 cos w / (1 + α),  a₂ = (1 − α) / (1 + α),  w = 2π f / rate,  α = sin w / 2Q
//! ```
//!
//! The result is scaled so that white noise of variance 1 gives variance 1. Skirts fall by 12 dB an
//! octave on both sides, about as steeply as an EEG's slow waves do.

use crate::math::{cos_turns, sin_turns};

/// Centre frequency in Hz and quality (centre ÷ bandwidth of each of the two sections) of a lane.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    pub hertz: f64,
    pub quality: f64,
}

/// `LANES` resonators in order of frequency, fed in turn with one of two streams of noise.
///
/// Fed with one stream, neighbours would cancel where their skirts cross: their phases are half a
/// turn apart there. Lanes two apart share a stream, yet hardly overlap, so all bands come out
/// nearly uncorrelated.
pub(crate) struct Bank<const LANES: usize> {
    scale: [f32; LANES],
    a1: [f32; LANES],
    a2: [f32; LANES],
    /// The last two samples of either stream.
    x: [[f32; 2]; 2],
    /// The last two outputs of the first and of the second section.
    first: [[f32; LANES]; 2],
    second: [[f32; LANES]; 2],
}

impl<const LANES: usize> Bank<LANES> {
    /// Tunes a bank at rest for the given sampling rate.
    pub(crate) fn new(bands: &[Band; LANES], rate_hz: f64) -> Self {
        let tuned = bands.map(|band| coefficients(band, rate_hz));
        let pick = |which: usize| tuned.map(|lane| lane[which] as f32);
        let rest = [[0.0; LANES]; 2];
        Self {
            scale: pick(0),
            a1: pick(1),
            a2: pick(2),
            x: [[0.0; 2]; 2],
            first: rest,
            second: rest,
        }
    }

    /// Takes the next sample of both streams of noise and gives the next sample of every band.
    #[inline]
    pub(crate) fn step(&mut self, x: [f32; 2]) -> [f32; LANES] {
        let edges = [x[0] - self.x[1][0], x[1] - self.x[1][1]];
        let (mut y, mut z) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            let (a1, a2) = (self.a1[lane], self.a2[lane]);
            y[lane] = self.scale[lane] * edges[lane % 2]
                - a1 * self.first[0][lane]
                - a2 * self.first[1][lane];
            let edge = y[lane] - self.first[1][lane];
            z[lane] = edge - a1 * self.second[0][lane] - a2 * self.second[1][lane];
        }
        self.x = [x, self.x[0]];
        self.first = [y, self.first[0]];
        self.second = [z, self.second[0]];
        z
    }
}

/// `[scale, a₁, a₂]`, the scale from the energy of the unscaled impulse response.
fn coefficients(band: Band, rate_hz: f64) -> [f64; 3] {
    let turns = band.hertz / rate_hz;
    let alpha = sin_turns(turns) / (2.0 * band.quality);
    let (a1, a2) = (
        -2.0 * cos_turns(turns) / (1.0 + alpha),
        (1.0 - alpha) / (1.0 + alpha),
    );
    [1.0 / impulse_energy(a1, a2, alpha).sqrt(), a1, a2]
}

/// `Σ h(n)²` over as many samples as the response needs to fade: it falls as `e^(−α n)`.
fn impulse_energy(a1: f64, a2: f64, alpha: f64) -> f64 {
    let (mut x, mut y, mut z) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    let mut energy = 0.0;
    for n in 0..(40.0 / alpha) as usize {
        let impulse = if n == 0 { 1.0 } else { 0.0 };
        let first = impulse - x[1] - a1 * y[0] - a2 * y[1];
        let second = first - y[1] - a1 * z[0] - a2 * z[1];
        energy += second * second;
        (x, y, z) = ([impulse, x[0]], [first, y[0]], [second, z[0]]);
    }
    energy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{Purpose, Source};

    const BANDS: [Band; 4] = [band(0.9), band(5.5), band(13.0), band(24.0)];

    const fn band(hertz: f64) -> Band {
        Band {
            hertz,
            quality: 4.0,
        }
    }

    #[test]
    fn every_lane_turns_white_noise_to_unit_variance() {
        let mut bank = Bank::new(&BANDS, 100.0);
        let mut noise = vec![0.0; 200_000];
        Source::new(3, "x", Purpose::Background).white(&mut noise);
        let out: Vec<[f32; 4]> = noise.iter().map(|x| bank.step([*x; 2])).collect();
        for lane in 0..4 {
            let power: f64 = out
                .iter()
                .map(|y| f64::from(y[lane] * y[lane]))
                .sum::<f64>()
                / 2e5;
            assert!((power - 1.0).abs() < 0.15, "lane {lane}: {power}");
        }
    }

    /// Largest output of one lane, once settled, for a unit sine.
    fn answer(lane: usize, hertz: f64) -> f32 {
        let mut bank = Bank::new(&BANDS, 100.0);
        let sine = |n: i32| sin_turns(f64::from(n) * hertz / 100.0) as f32;
        let out: Vec<f32> = (0..6000)
            .map(|n| bank.step([sine(n); 2])[lane].abs())
            .collect();
        out[3000..].iter().copied().fold(0.0, f32::max)
    }

    #[test]
    fn every_lane_answers_loudest_at_its_own_frequency() {
        for (lane, band) in BANDS.iter().enumerate() {
            let own = answer(lane, band.hertz);
            for off in [0.5, 2.0] {
                assert!(
                    own > 4.0 * answer(lane, off * band.hertz),
                    "lane {lane}, {off} of its frequency"
                );
            }
        }
    }
}
