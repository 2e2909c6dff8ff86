//! A bank of resonators that turns one stream of white noise into bands of unit RMS.
//!
//! Each lane is the two-pole band-pass of R. Bristow-Johnson's *Audio EQ Cookbook* (constant peak gain): with
//! `w = 2π f / rate` and `α = sin w / 2Q`, `y(n) = b (x(n) − x(n−2)) − a₁ y(n−1) − a₂ y(n−2)`, where
//! `a₁ = −2 cos w / (1 + α)`, `a₂ = (1 − α) / (1 + α)` and `b` is chosen so that white noise of variance 1 gives
//! variance 1. Its skirts fall by 6 dB an octave, which gives the summed bands the 1/f look of an EEG.

use crate::math::{cos_turns, sin_turns};

/// Centre frequency in Hz and quality (centre ÷ bandwidth) of a lane.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    pub hertz: f64,
    pub quality: f64,
}

/// `LANES` resonators fed with the same noise; bands that don't overlap come out uncorrelated.
pub(crate) struct Bank<const LANES: usize> {
    b: [f32; LANES],
    a1: [f32; LANES],
    a2: [f32; LANES],
    x: [f32; 2],
    y1: [f32; LANES],
    y2: [f32; LANES],
}

impl<const LANES: usize> Bank<LANES> {
    /// Tunes a bank at rest for the given sampling rate.
    pub(crate) fn new(bands: &[Band; LANES], rate_hz: f64) -> Self {
        let tuned = bands.map(|band| coefficients(band, rate_hz));
        let pick = |which: usize| tuned.map(|lane| lane[which] as f32);
        Self {
            b: pick(0),
            a1: pick(1),
            a2: pick(2),
            x: [0.0; 2],
            y1: [0.0; LANES],
            y2: [0.0; LANES],
        }
    }

    /// Takes the next sample of noise and gives the next sample of every band.
    #[inline]
    pub(crate) fn step(&mut self, x: f32) -> [f32; LANES] {
        let edge = x - self.x[1];
        let mut y = [0.0; LANES];
        for (lane, y) in y.iter_mut().enumerate() {
            *y =
                self.b[lane] * edge - self.a1[lane] * self.y1[lane] - self.a2[lane] * self.y2[lane];
        }
        self.x = [x, self.x[0]];
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}

/// `[b, a₁, a₂]`, `b` from the variance of an AR(2) process filtered by `1 − z⁻²`.
fn coefficients(band: Band, rate_hz: f64) -> [f64; 3] {
    let turns = band.hertz / rate_hz;
    let alpha = sin_turns(turns) / (2.0 * band.quality);
    let (a1, a2) = (
        -2.0 * cos_turns(turns) / (1.0 + alpha),
        (1.0 - alpha) / (1.0 + alpha),
    );
    // Autocovariances of 1/A(z): r0 = (1 + a2) / ((1 − a2)((1 + a2)² − a1²)), r1 = −a1 r0 / (1 + a2),
    // r2 = −a1 r1 − a2 r0; the zeros at ±1 make the output variance 2 (r0 − r2).
    let r0 = (1.0 + a2) / ((1.0 - a2) * ((1.0 + a2) * (1.0 + a2) - a1 * a1));
    let r1 = -a1 * r0 / (1.0 + a2);
    let r2 = -a1 * r1 - a2 * r0;
    [1.0 / (2.0 * (r0 - r2)).sqrt(), a1, a2]
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
        let out: Vec<[f32; 4]> = noise.iter().map(|x| bank.step(*x)).collect();
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
        let out: Vec<f32> = (0..6000).map(|n| bank.step(sine(n))[lane].abs()).collect();
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
